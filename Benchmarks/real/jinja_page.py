# {"requirements": ["jinja2"]}
from jinja2 import Environment

page = Environment(autoescape=True).from_string(
    "<h1>{{ name }}</h1>{% for row in rows %}<p class={{ loop.cycle('a', 'b') }}>{{ row|upper }}</p>{% endfor %}")


def handler(event):
    return page.render(name=event["name"], rows=[f"row {number}" for number in range(50)])
