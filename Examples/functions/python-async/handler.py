import asyncio
import logging

logger = logging.getLogger(__name__)
logger.setLevel(logging.INFO)


async def price(item):
    await asyncio.sleep(0.02)  # In place of something that takes time.
    logger.info("priced %s", item["name"])
    return item["price"] * item["count"]


async def handler(event, context):
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(price(item)) for item in event["items"]]
    return {"total": sum(task.result() for task in tasks)}
