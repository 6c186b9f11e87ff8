"""Hello, after 100 ms."""
import time


def handler(event):
    time.sleep(0.1)
    return {"message": f"Hello, {event['name']}!"}
