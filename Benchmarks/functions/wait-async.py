"""Hello, after 100 ms of asyncio."""
import asyncio


async def handler(event):
    await asyncio.sleep(0.1)
    return {"message": f"Hello, {event['name']}!"}
