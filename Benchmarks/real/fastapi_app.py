# {"requirements": ["fastapi", "mangum"], "peer": "uvicorn", "path": "/items/5?q=y"}
from fastapi import FastAPI
from mangum import Mangum

app = FastAPI()


@app.get("/items/{item}")
def read(item: int, q: str = "x"):
    return {"item": item, "q": q}


answer = Mangum(app, lifespan="off")


def handler(event, context):
    return answer(event, context)
