# A dependency may import the others.
from punctuation import exclaim


def greet(name):
    return exclaim(f"Hello, {name}")
