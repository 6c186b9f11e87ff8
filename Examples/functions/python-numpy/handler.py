import numpy as np


def handler(event, context):
    solution = np.linalg.solve(np.array(event["matrix"], dtype=float), np.array(event["vector"], dtype=float))
    return {"solution": solution.round(9)}
