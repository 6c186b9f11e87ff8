"""Hello, whose load takes 200 ms."""
import time

loaded = time.monotonic()
turns = 0
while time.monotonic() - loaded < 0.2:
    turns += 1


def handler(event):
    return {"message": f"Hello, {event['name']}!"}
