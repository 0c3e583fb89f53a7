import io
import json
import os
import sys
import time
import urllib.error
import urllib.request
import zipfile

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

KEY = os.environ["AWS_ACCESS_KEY_ID"]
ONCE = Config(retries={"max_attempts": 0})
TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
iam, sts, functions, logs = (boto3.client(name, config=ONCE) for name in ("iam", "sts", "lambda", "logs"))


def package():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("app.py", "def handler(event, context):\n    return event\n" + "# padding\n" * 9000)
    return buffer.getvalue()


def code_of(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "no error"


def make(name, script):
    role = iam.create_role(RoleName=name + "-role", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    zipped = package()
    functions.create_function(
        FunctionName=name, Role=role, Runtime="python3.13", Handler="app.handler", Code={"ZipFile": zipped},
        Environment={"Variables": {"SCRIPT": script}},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
    return role, zipped


def invoke(name, event, **arguments):
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(event), **arguments)
    return json.load(answer["Payload"]), answer


def get(path):
    return urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + path).read().decode()


def create():
    seen = {"account": sts.get_caller_identity()["Account"]}
    _, zipped = make("hello", "print greetings; echo")
    seen["state"] = functions.get_function(FunctionName="hello")["Configuration"]["State"]
    seen["answer"], answer = invoke("hello", {"name": "world"}, LogType="Tail")
    seen["log tail"] = bool(answer["LogResult"])
    seen["wrong secret"] = code_of(boto3.client("lambda", aws_secret_access_key="no", aws_access_key_id=KEY, config=ONCE).list_functions)
    location = functions.get_function(FunctionName="hello")["Code"]["Location"]
    seen["code is the zip"] = urllib.request.urlopen(location).read() == zipped
    try:
        seen["spoilt location"] = urllib.request.urlopen(location[:-1] + ("0" if location[-1] != "0" else "1")).status
    except urllib.error.HTTPError as error:
        seen["spoilt location"] = error.code
    return seen


def again():
    seen = {"functions": [found["FunctionName"] for found in functions.list_functions()["Functions"]]}
    seen["answer"], _ = invoke("hello", {"name": "again"})
    for _ in range(500):
        events = logs.filter_log_events(logGroupName="/aws/lambda/hello", filterPattern="greetings")["events"]
        if len(events) == 2:
            break
        time.sleep(0.02)
    seen["logged"] = len(events) == 2
    seen["health"] = json.loads(get("/_lambent/health"))["status"]
    seen["counted"] = 'lambent_requests_total{service="lambda",operation="Invoke",status="200"} 1' in get("/_lambent/metrics")
    functions.delete_function(FunctionName="hello")
    seen["deleted"] = code_of(functions.get_function, FunctionName="hello")
    return seen


def slow():
    make("slow", "sleep 1500; echo")
    return {}


def call_slow():
    return invoke("slow", {"slow": 1})[0]


print(json.dumps({"create": create, "again": again, "slow": slow, "call-slow": call_slow}[sys.argv[1]]()))
