"""Sorting, JSON, dictionaries, regular expressions, exceptions, classes, generators: 10-20 ms."""
import json
import math
import re


class Shape:
    def __init__(self, side):
        self.side = side

    def area(self):
        return self.side * self.side


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def handler(event):
    items = [{"i": i, "key": "k" + str(i % 97)} for i in range(8000)]
    items.sort(key=lambda item: item["key"])

    counts = {}
    for item in items:
        counts[item["key"]] = counts.get(item["key"], 0) + 1

    digits = re.compile(r"k(\d+)$")
    total = 0
    for item in items:
        total += int(digits.search(item["key"]).group(1))

    caught = 0
    for _ in range(200):
        try:
            None.x
        except AttributeError:
            caught += 1

    copied = json.loads(json.dumps(items[:500]))
    area = sum(Shape(i % 7).area() for i in range(3000))
    sines = [math.sin(i) for i in range(5000)]
    return {
        "message": f"Hello, {event['name']}!", "fibonacci": fibonacci(15), "keys": len(counts), "sum": total,
        "caught": caught, "copied": len(copied), "area": area, "sine": f"{sines[77]:.6f}",
    }
