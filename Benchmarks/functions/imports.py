"""Hello, by way of numpy: the text's bytes are permuted by a matrix and put back."""
import os
import sys

# The benchmark writes here where numpy is for peers. One thread: numpy's algebra would start one for each core while it loads.
sys.path.append("NUMPY_FOLDER")
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy


def handler(event):
    codes = numpy.frombuffer(f"Hello, {event['name']}!".encode(), numpy.uint8).astype(float)
    permutation = numpy.eye(len(codes))[::-1]
    return {"message": (permutation.T @ (permutation @ codes)).astype(numpy.uint8).tobytes().decode()}
