"""Plain python3 without a server: reads an event from each line of standard input, and writes what the handler answers as one line.
python3 in_process.py HANDLER"""
import json
import sys

path = sys.argv[1]
module = {}
with open(path) as source:
    exec(compile(source.read(), path, "exec"), module)
handler = module["handler"]

for line in sys.stdin:
    print(json.dumps(handler(json.loads(line))), flush=True)
