# A dotted name makes a package; "greetings" itself needs no source.
from greetings.english import greet


def handler(event):
    return {"message": greet(event["name"])}
