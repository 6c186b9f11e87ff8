# {"requirements": ["pandas"], "memoryMB": 256}
import pandas

frame = pandas.DataFrame({"group": [1, 2, 3, 4] * 50, "value": range(200)})


def handler(event):
    return [float(frame.describe()["value"]["mean"]), frame.groupby("group")["value"].sum().to_dict()]
