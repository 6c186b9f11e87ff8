# {"requirements": ["polars"], "memoryMB": 512}
import polars

frame = polars.DataFrame({"group": [1, 2, 3, 4] * 50, "value": list(range(200))})


def handler(event):
    return frame.lazy().group_by("group").agg(polars.col("value").sum()).sort("group").collect().to_dicts()
