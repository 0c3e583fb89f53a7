"""A function that greets."""


def handler(event, context):
    return {"greeting": "hello " + event["name"]}
