def handler(event):
    return {"message": f"Hello, {event['name']}!"}
