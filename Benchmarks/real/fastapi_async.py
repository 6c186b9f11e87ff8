# {"requirements": ["fastapi", "mangum"], "peer": "uvicorn", "path": "/items/5?q=y"}
from fastapi import FastAPI
from mangum import Mangum
from pydantic import BaseModel

app = FastAPI()


class Item(BaseModel):
    item: int
    q: str


@app.get("/items/{item}", response_model=Item)
async def read(item: int, q: str = "x"):
    return Item(item=item, q=q)


answer = Mangum(app, lifespan="off")


def handler(event, context):
    return answer(event, context)
