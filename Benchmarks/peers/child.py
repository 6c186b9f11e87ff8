"""One request of process-per-request.js: python3 child.py HANDLER"""
import json
import sys

module = {}
with open(sys.argv[1]) as source:
    exec(compile(source.read(), sys.argv[1], "exec"), module)
print(json.dumps(module["handler"](json.load(sys.stdin))))
