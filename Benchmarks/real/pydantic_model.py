# {"requirements": ["pydantic"]}
from pydantic import BaseModel, Field


class Line(BaseModel):
    name: str
    amount: float = Field(gt=0)


class Order(BaseModel):
    customer: str
    lines: list[Line]


def handler(event):
    order = Order(customer=event["name"], lines=[{"name": f"n{i}", "amount": i + 1} for i in range(20)])
    return order.model_dump()
