import html
import os


def handler(event, context):
    if event["requestContext"]["http"]["method"] != "GET":
        return {"statusCode": 405, "headers": {"Allow": "GET"}}
    name = event.get("queryStringParameters", {}).get("name", "World")
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "text/html; charset=utf-8"},
        "cookies": ["seen=yes; HttpOnly"],
        "body": f"<p>{os.environ['GREETING']}, {html.escape(name)}! You asked for {html.escape(event['rawPath'])}.</p>",
    }
