"""A stranger to Lambent: endpoint, region and keys come from the environment alone. Prints one JSON document.

    client.py live NAME ZIP RUNTIME ROLE    a function's life
    client.py invoke NAME EVENT             one call
    client.py whoami                        whose keys these are
"""

import base64
import json
import pathlib
import sys

import boto3


def live(name, code, runtime, role):
    client = boto3.client("lambda")
    created = client.create_function(
        FunctionName=name,
        Description="größer ✓",
        Runtime=runtime,
        Handler="app.greet",
        Role=role,
        Timeout=10,
        Environment={"Variables": {"GREETING": "grüß dich"}},
        Code={"ZipFile": pathlib.Path(code).read_bytes()},
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name)
    active = client.get_function(FunctionName=name)["Configuration"]
    pages = client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 1})
    listed = [function["FunctionName"] for page in pages for function in page["Functions"]]
    called = client.invoke(FunctionName=name, Payload=json.dumps({"name": "wörld ✓"}), LogType="Tail")
    large = client.invoke(FunctionName=name, Payload=json.dumps({"name": "x" * (1 << 20)}))
    failed = client.invoke(FunctionName=name, Payload="{}")
    client.delete_function(FunctionName=name)
    try:
        client.get_function(FunctionName=name)
        gone = None
    except client.exceptions.ResourceNotFoundException as error:
        gone = {
            "error": error.response["Error"]["Code"],
            "message": error.response["Error"]["Message"],
            "status": error.response["ResponseMetadata"]["HTTPStatusCode"],
            "requestId": error.response["ResponseMetadata"]["RequestId"],
        }
    return {
        "created": created["FunctionArn"],
        "active": {
            "state": active["State"],
            "update": active["LastUpdateStatus"],
            "description": active["Description"],
            "timeout": active["Timeout"],
            "variables": active["Environment"]["Variables"],
        },
        "listed": listed,
        "called": {
            "status": called["StatusCode"],
            "version": called["ExecutedVersion"],
            "answer": json.load(called["Payload"]),
            "log": base64.b64decode(called["LogResult"]).decode(),
        },
        "large": len(json.load(large["Payload"])["greeting"]),
        "failed": {"error": failed["FunctionError"], "type": json.load(failed["Payload"])["errorType"]},
        "gone": gone,
    }


def invoke(name, event):
    answer = boto3.client("lambda").invoke(FunctionName=name, Payload=event)
    return {"status": answer["StatusCode"], "answer": json.load(answer["Payload"])}


def whoami():
    identity = boto3.client("sts").get_caller_identity()
    return {"account": identity["Account"], "arn": identity["Arn"]}


verb, *arguments = sys.argv[1:]
print(json.dumps({"live": live, "invoke": invoke, "whoami": whoami}[verb](*arguments)))
