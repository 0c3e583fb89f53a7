"""One function's life with the stock AWS CLI: created, invoked, updated, logged, killed under, still there, deleted."""

import base64
import json
import urllib.request

from conftest import REGION, TRUST, wait_active, zip_folder, zip_of


def create(server, folder, name="story", handler="app.greet"):
    runtime = max(
        (r for r in json.loads(server.lambent("--json", "runtime", "ls").stdout)["Runtimes"] if "python" in r),
        key=lambda name: int(name.removeprefix("python3.")),
    )
    code = folder / "code.zip"
    code.write_bytes(zip_folder("probe"))
    role = server.aws("iam", "create-role", "--role-name", name, "--assume-role-policy-document", TRUST)
    assert role["Role"]["Arn"] == f"arn:aws:iam::000000000000:role/{name}"
    return server.aws(
        "lambda", "create-function", "--function-name", name, "--runtime", runtime, "--handler", handler,
        "--role", role["Role"]["Arn"], "--zip-file", f"fileb://{code}",
    )  # fmt: skip


def test_a_function_lives_through_the_stock_aws_cli(own_server, tmp_path):
    server = own_server().start()
    made = create(server, tmp_path)
    assert made["FunctionName"] == "story"
    assert made["FunctionArn"] == f"arn:aws:lambda:{REGION}:000000000000:function:story"
    assert (made["MemorySize"], made["Timeout"], made["Version"]) == (128, 3, "$LATEST")
    wait_active(server.client("lambda"), "story")

    got = server.aws("lambda", "get-function", "--function-name", "story")
    assert got["Configuration"]["CodeSha256"] == made["CodeSha256"]
    with urllib.request.urlopen(got["Code"]["Location"]) as answer:
        assert answer.read() == (tmp_path / "code.zip").read_bytes()

    out = tmp_path / "out.json"
    event = ["lambda", "invoke", "--function-name", "story", "--payload", '{"name":"cli"}']
    answer = server.aws(*event, "--log-type", "Tail", str(out))
    assert json.loads(out.read_text()) == {"greeting": "hello cli"}
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    tail = base64.b64decode(answer["LogResult"]).decode()
    assert "START RequestId: " in tail and "REPORT RequestId: " in tail and "Init Duration: " in tail

    dry = server.aws(*event, "--invocation-type", "DryRun", str(out))
    assert dry["StatusCode"] == 204

    listed = server.aws("lambda", "list-functions")["Functions"]
    assert [function["FunctionName"] for function in listed] == ["story"]

    server.kill()
    server.start()

    assert server.aws("lambda", "get-function", "--function-name", "story")["Configuration"] == got["Configuration"]
    server.aws(*event, str(out))
    assert json.loads(out.read_text()) == {"greeting": "hello cli"}

    new = tmp_path / "new.zip"
    new.write_bytes(zip_of({"app.py": "def greet(event, context):\n    return 'new'\n"}))
    update = ["lambda", "update-function-code", "--function-name", "story", "--zip-file", f"fileb://{new}"]
    updated = server.aws(*update)
    assert updated["CodeSha256"] != made["CodeSha256"] and updated["RevisionId"] != made["RevisionId"]
    wait_active(server.client("lambda"), "story")
    server.aws(*event, str(out))
    assert json.loads(out.read_text()) == "new"

    changed = server.aws(
        "lambda", "update-function-configuration", "--function-name", "story", "--memory-size", "256", "--timeout", "5"
    )
    assert (changed["MemorySize"], changed["Timeout"]) == (256, 5)
    wait_active(server.client("lambda"), "story")

    events = server.aws("logs", "filter-log-events", "--log-group-name", "/aws/lambda/story")["events"]
    assert sum("START RequestId" in event["message"] for event in events) >= 2
    streams = server.aws("logs", "describe-log-streams", "--log-group-name", "/aws/lambda/story")["logStreams"]
    assert streams and all("[$LATEST]" in stream["logStreamName"] for stream in streams)

    server.aws("lambda", "delete-function", "--function-name", "story")
    gone = server.aws("lambda", "get-function", "--function-name", "story", check=False)
    assert gone.returncode != 0
    assert "(ResourceNotFoundException)" in gone.stderr
    assert f"Function not found: arn:aws:lambda:{REGION}:000000000000:function:story" in gone.stderr


def test_role_operations_that_scripts_use(server):
    iam = server.client("iam")
    made = iam.create_role(
        RoleName="scripted", AssumeRolePolicyDocument=TRUST, Tags=[{"Key": "team", "Value": "a"}]
    )["Role"]
    got = iam.get_role(RoleName="scripted")["Role"]
    assert got["Arn"] == made["Arn"] and got["Tags"] == [{"Key": "team", "Value": "a"}]
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "logs:*", "Resource": "*"}]})
    iam.put_role_policy(RoleName="scripted", PolicyName="logs", PolicyDocument=policy)
    assert iam.list_role_policies(RoleName="scripted")["PolicyNames"] == ["logs"]
    iam.delete_role_policy(RoleName="scripted", PolicyName="logs")
    iam.delete_role(RoleName="scripted")
    try:
        iam.get_role(RoleName="scripted")
        raise AssertionError("the role is still there")
    except iam.exceptions.NoSuchEntityException as error:
        assert error.response["Error"]["Message"] == "The role with name scripted cannot be found."


def test_everybody_learns_who_they_are(server):
    identity = server.client("sts").get_caller_identity()
    assert identity["Account"] == "000000000000"
    assert identity["Arn"] == "arn:aws:iam::000000000000:root"
