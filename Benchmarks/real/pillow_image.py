# {"requirements": ["pillow"]}
import io

from PIL import Image, ImageDraw


def handler(event):
    image = Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(image).text((10, 10), event["name"], fill="black")
    out = io.BytesIO()
    image.resize((50, 50)).save(out, "PNG")
    return len(out.getvalue()) > 100
