"""functions-framework: the handler is loaded once and keeps its state. HANDLER is its file."""
import os

module = {}
with open(os.environ["HANDLER"]) as source:
    exec(compile(source.read(), os.environ["HANDLER"], "exec"), module)
handler = module["handler"]


def main(request):
    return handler(request.get_json())
