import concurrent.futures
import io
import json
import os
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ONCE = Config(retries={"max_attempts": 0}, max_pool_connections=32)


def client(name, **keys):
    return boto3.client(name, config=ONCE, **keys)


def refusal(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return [error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]]
    return "no error"


sts, logs, functions = client("sts"), client("logs"), client("lambda")
seen = {"identity": sts.get_caller_identity()["Arn"]}
url = sts.generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
seen["presigned identity"] = urllib.request.urlopen(url).status
seen["streams"] = logs.describe_log_streams(logGroupName="/aws/lambda/f")["logStreams"]
answer = functions.invoke(FunctionName="f", Payload=b"1")
seen["invoke"] = [answer["StatusCode"], answer["ExecutedVersion"], int(json.load(answer["Payload"]).split()[-1])]
arn = "arn:aws:lambda:eu-west-1:123456789012:function:f:PROD"
json.load(functions.invoke(FunctionName=arn, Qualifier="PROD", Payload="ü🦊 + % ~".encode())["Payload"])
seen["odd name"] = "ok"
seen["large"] = refusal(functions.invoke, FunctionName="f", Payload=b" " * 7_000_000)[1]
seen["absent"] = refusal(functions.invoke, FunctionName="absent")
seen["no row"] = refusal(functions.list_functions)
for what, keys in {
    "wrong secret": {"aws_access_key_id": "AKIAROOT", "aws_secret_access_key": "wrong"},
    "unknown key": {"aws_access_key_id": "AKIAOTHER", "aws_secret_access_key": "secret"},
}.items():
    seen[what + ", query"] = refusal(client("sts", **keys).get_caller_identity)
    seen[what + ", json"] = refusal(client("logs", **keys).describe_log_streams, logGroupName="g")
    seen[what + ", rest"] = refusal(client("lambda", **keys).invoke, FunctionName="f")
objects = client("s3")


def put(body, **arguments):
    return objects.put_object(Bucket="bucket", Key="k", Body=body, **arguments)["ETag"].split("-")[0]


seen["put"] = [put(b"x" * 300_000), put(io.BytesIO(b"x" * 3_000_000)), put(b"x" * 20_000, ChecksumAlgorithm="SHA256")]
seen["put early"] = refusal(objects.put_object, Bucket="bucket", Key="early", Body=b"x" * 30_000_000)
seen["put early, file"] = refusal(objects.put_object, Bucket="bucket", Key="early", Body=io.BytesIO(b"x" * 3_000_000))
policy = objects.put_bucket_policy(Bucket="bucket", Policy="{}", ChecksumAlgorithm="CRC32")
seen["policy"] = policy["ResponseMetadata"]["HTTPStatusCode"]
with concurrent.futures.ThreadPoolExecutor(16) as pool:
    answers = pool.map(lambda at: functions.invoke(FunctionName="f", Payload=b" " * at)["StatusCode"], range(200))
    seen["parallel"] = sum(status == 200 for status in answers)
print(json.dumps(seen))
