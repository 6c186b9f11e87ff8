# {"requirements": ["scikit-learn"], "memoryMB": 512}
import numpy
from sklearn.linear_model import LinearRegression

model = LinearRegression().fit(numpy.arange(20).reshape(-1, 1), numpy.arange(20) * 2 + 1)


def handler(event):
    return round(float(model.predict([[3]])[0]), 6)
