# {"requirements": ["flask", "apig-wsgi"], "peer": "gunicorn", "path": "/items/5?q=y"}
from apig_wsgi import make_lambda_handler
from flask import Flask, request

app = Flask(__name__)


@app.get("/items/<int:item>")
def read(item):
    return {"item": item, "q": request.args.get("q")}


answer = make_lambda_handler(app)


def handler(event, context):
    return answer(event, context)
