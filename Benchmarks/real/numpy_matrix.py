# {"requirements": ["numpy"]}
import numpy

matrix = numpy.arange(2500, dtype=float).reshape(50, 50)


def handler(event):
    return [float((matrix @ matrix).trace()), float(numpy.linalg.norm(matrix))]
