# {"requirements": ["lxml"]}
from lxml import etree

document = "<all>" + "".join(f"<one n='{n}'><name>text {n}</name></one>" for n in range(100)) + "</all>"


def handler(event):
    tree = etree.fromstring(document)
    return [tree.xpath("count(//one[@n mod 2 = 0])"), tree.findtext("one[7]/name")]
