# {"requirements": ["starlette", "mangum"], "peer": "uvicorn", "path": "/items/5?q=y"}
from mangum import Mangum
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route


async def read(request):
    return JSONResponse({"item": int(request.path_params["item"]), "q": request.query_params["q"]})


app = Starlette(routes=[Route("/items/{item}", read)])
answer = Mangum(app, lifespan="off")


def handler(event, context):
    return answer(event, context)
