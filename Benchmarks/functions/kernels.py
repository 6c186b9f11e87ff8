"""Long computations, each about a second. The event names one."""
import hashlib
import json
import re


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def pseudo_random(seed):
    state = seed
    while True:
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        yield state


def sha256(times):
    digest = b"seed"
    for _ in range(times):
        digest = hashlib.sha256(digest).digest()
    return digest.hex()


def matrix(n):
    a = [[(i * n + j) % 7 for j in range(n)] for i in range(n)]
    b = [[(i * n + j) % 11 for j in range(n)] for i in range(n)]
    columns = list(zip(*b))
    return sum(sum(x * y for x, y in zip(row, column)) for row in a for column in columns)


def sort(n):
    numbers = pseudo_random(42)
    items = [{"key": next(numbers)} for _ in range(n)]
    items.sort(key=lambda item: item["key"])
    return items[n // 2]["key"]


def json_text(times):
    value = [{"id": i, "name": f"name {i}", "tags": ["a", "b", "c"], "price": i / 4} for i in range(1000)]
    return sum(len(json.dumps(json.loads(json.dumps(value)))) for _ in range(times))


def regex(times):
    text = "the quick brown fox 2024-11-24 jumps over user@example.com and 17 lazy dogs; " * 200
    pattern = re.compile(r"(\d{4})-(\d\d)-(\d\d)|[a-z]+@[a-z]+\.com|\b[a-z]{5}\b")
    return sum(len(pattern.findall(text)) for _ in range(times))


KERNELS = {
    "recursion": lambda: fibonacci(34), "sha256": lambda: sha256(2500000), "matrix": lambda: matrix(290),
    "sort": lambda: sort(900000), "json": lambda: json_text(450), "regex": lambda: regex(2400),
}


def handler(event):
    return {"kernel": event["kernel"], "value": KERNELS[event["kernel"]]()}
