"""Plain python3 without a server: calls the handler with EVENT, N times, and prints the seconds of each call.
Each call includes reading the event and writing the result as JSON. python3 in_process.py HANDLER EVENT N WARMUP"""
import json
import sys
import time

path, event, calls, warmup = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
module = {}
with open(path) as source:
    exec(compile(source.read(), path, "exec"), module)
handler = module["handler"]

times = []
for _ in range(warmup + calls):
    start = time.perf_counter()
    answer = json.dumps(handler(json.loads(event)))
    times.append(time.perf_counter() - start)
print(json.dumps({"answer": json.loads(answer), "seconds": times[warmup:]}))
