"""Unmodified SDKs of every language: a function's life, the set-ups that people use, retries of what was refused."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import uuid

import pytest

from clients import build
from conftest import ACCOUNT, CLEAN, REGION, ROOT, TRUST, wait_active, zip_folder

AWS_CLI = pathlib.Path(sys.executable).parent / "aws"
CLIENTS = [
    pytest.param("boto3-latest"),
    *(pytest.param(name, marks=[] if name in build.QUICK else pytest.mark.soak) for name in build.CLIENTS),
]
ROOT_ARN = f"arn:aws:iam::{ACCOUNT}:root"


class Client:
    """A program of tests/clients."""

    def __init__(self, name, home):
        self.home = home
        if name == "boto3-latest":
            self.command = [sys.executable, ROOT / "tests" / "clients" / "boto3" / "client.py"]
        else:
            self.command = build.build(name)

    def start(self, variables, *arguments):
        defaults = {"HOME": str(self.home), "AWS_EC2_METADATA_DISABLED": "true"}
        return subprocess.Popen(
            [*self.command, *arguments],
            env=CLEAN | defaults | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, variables, *arguments):
        return self.answer(self.start(variables, *arguments))

    @staticmethod
    def answer(process):
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        return json.loads(out)


@pytest.fixture(params=CLIENTS)
def client(request, tmp_path):
    return Client(request.param, tmp_path)


def identity(arn):
    return {"account": ACCOUNT, "arn": arn}


def test_a_function_lives_through_the_sdk(client, server, role, runtime, make_function, tmp_path):
    code = tmp_path / "code.zip"
    code.write_bytes(zip_folder("probe"))
    name, other = f"sdk-{uuid.uuid4()}", make_function("greet")
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"

    saw = client(server.variables, "live", name, code, runtime, role)

    assert saw["created"] == arn
    assert saw["active"] == {
        "state": "Active",
        "update": "Successful",
        "description": "größer ✓",
        "timeout": 10,
        "variables": {"GREETING": "grüß dich"},
    }
    assert {name, other} <= set(saw["listed"]) and len(saw["listed"]) == len(set(saw["listed"]))
    log = saw["called"].pop("log")
    assert "START RequestId: " in log and "REPORT RequestId: " in log
    assert saw["called"] == {"status": 200, "version": "$LATEST", "answer": {"greeting": "hello wörld ✓"}}
    assert saw["large"] == len("hello ") + (1 << 20)
    assert saw["failed"] == {"error": "Unhandled", "type": "KeyError"}
    assert uuid.UUID(saw["gone"].pop("requestId"))
    message = f"Function not found: {arn}"
    assert saw["gone"] == {"error": "ResourceNotFoundException", "message": message, "status": 404}


def test_a_query_protocol_speaks_to_the_sdk(client, server):
    assert client(server.variables, "whoami") == identity(ROOT_ARN)


# Java and Rust have trust stores of their own, which no variable of AWS's names.
@pytest.mark.parametrize("client", [each for each in CLIENTS if each.values[0] not in ("java", "rust")], indirect=True)
def test_the_sdk_speaks_tls_with_what_env_sets(client, own_server):
    server = own_server("--tls").start()
    shown = server.lambent("--json", "env")
    assert shown.returncode == 0, shown.stderr
    variables = json.loads(shown.stdout)
    assert variables["AWS_ENDPOINT_URL"].startswith("https://")
    assert client(variables, "whoami") == identity(ROOT_ARN)


@pytest.fixture
def nowhere():
    """The URL of a port where nobody listens, and nobody else can."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def profile(folder, server, settings, keys=None):
    """Variables that name a file of profiles with keys and these settings, and nothing else."""
    keys = keys or {"aws_access_key_id": server.access_key, "aws_secret_access_key": server.secret_key}
    lines = "".join(f"{name} = {value}\n" for name, value in keys.items())
    (folder / "credentials").write_text(f"[local]\n{lines}")
    (folder / "config").write_text(settings)
    return {
        "AWS_CONFIG_FILE": str(folder / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
        "AWS_PROFILE": "local",
    }


def test_the_endpoint_of_one_service_comes_before_that_of_all(client, server, make_function, nowhere):
    variables = server.variables | {"AWS_ENDPOINT_URL": nowhere, "AWS_ENDPOINT_URL_LAMBDA": server.endpoint}
    saw = client(variables, "invoke", make_function("greet"), '{"name":"one"}')
    assert saw == {"status": 200, "answer": {"greeting": "hello one"}}


def test_a_profile_names_the_endpoint(client, server, tmp_path):
    variables = profile(
        tmp_path, server, f"[profile local]\nregion = {REGION}\nendpoint_url = {server.endpoint}\n"
    )
    assert client(variables, "whoami") == identity(ROOT_ARN)


def test_a_profile_names_the_endpoint_of_a_service(client, server, tmp_path, nowhere):
    variables = profile(
        tmp_path,
        server,
        f"[profile local]\nregion = {REGION}\nendpoint_url = {nowhere}\nservices = here\n"
        f"[services here]\nsts =\n  endpoint_url = {server.endpoint}\n",
    )
    assert client(variables, "whoami") == identity(ROOT_ARN)


def test_a_session_assumes_the_role_of_a_profile(client, server, role, make_function, invoke, tmp_path):
    name = f"worker-{uuid.uuid4()}"
    trust = json.loads(TRUST)
    trust["Statement"][0]["Principal"] = {"AWS": role}
    made = server.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    # Root may assume no role, so a function's own session does.
    inside = invoke(make_function("variables"))["Body"]
    keys = {key.lower(): inside[key] for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")}
    worker = f"role_arn = {made['Arn']}\nrole_session_name = here\nsource_profile = local\n"
    settings = f"[profile local]\nregion = {REGION}\n[profile worker]\nregion = {REGION}\n{worker}"
    variables = profile(tmp_path, server, settings, keys) | {
        "AWS_PROFILE": "worker",
        # The one for all services is not asked by the SDK for Go when it assumes the role of a profile.
        "AWS_ENDPOINT_URL_STS": server.endpoint,
    }
    assert client(variables, "whoami") == identity(f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/here")


def waiting_process(mark):
    """The pid of the process that waits for SIGUSR1 and has this text in its environment, if there is one."""
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark.encode() in (entry / "environ").read_bytes():
                caught = re.search(r"^SigCgt:\t(\w+)$", (entry / "status").read_text(), re.MULTILINE)[1]
                if int(caught, 16) >> signal.SIGUSR1 - 1 & 1:
                    return int(entry.name)
        except OSError:
            continue  # It has ended, or is not ours to look at.
    return None


RETRIES = {"AWS_MAX_ATTEMPTS": "10", "AWS_RETRY_MODE": "standard"}


def test_a_throttled_call_is_tried_again(client, own_server):
    server = own_server("--concurrency", "1").start()
    mark = make_waiting_function(server)
    boto3 = server.client("lambda")
    first = threading.Thread(target=lambda: boto3.invoke(FunctionName="busy", Payload='{"wait":true}'))
    first.start()
    # It has the only place, and keeps it until it is told.
    while not (pid := waiting_process(mark)):
        assert first.is_alive(), server.said
    second = client.start(server.variables | RETRIES, "invoke", "busy", '{"wait":false}')
    server.wait_said('"operation":"Invoke"', '"status":429', '"error":"TooManyRequestsException"')
    os.kill(pid, signal.SIGUSR1)
    first.join(60)
    saw = client.answer(second)
    assert saw["status"] == 200 and uuid.UUID(saw["answer"]["environment"])


def make_waiting_function(server):
    """Makes the function `busy`; returns what marks the environment of its processes."""
    client, mark = server.client("lambda"), str(uuid.uuid4())
    role = server.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    runtimes = json.loads(server.lambent("--json", "runtime", "ls").stdout)["Runtimes"]
    client.create_function(
        FunctionName="busy",
        Runtime=next(name for name in runtimes if name.startswith("python3")),
        Handler="app.wait",
        Role=role,
        Timeout=60,
        Environment={"Variables": {"MARK": mark}},
        Code={"ZipFile": zip_folder("probe")},
    )
    wait_active(client, "busy")
    return mark


def test_a_call_that_found_no_room_is_tried_again(client, own_server):
    server = own_server("--connections-per-address", "1").start()
    host, port = server.endpoint.removeprefix("http://").rsplit(":", 1)
    with socket.create_connection((host, int(port))) as held:
        # Its answer shows that the one place is taken.
        held.sendall(b"GET /_lambent/health HTTP/1.1\r\nHost: h\r\n\r\n")
        assert held.recv(1 << 16).startswith(b"HTTP/1.1 200")
        asking = client.start(server.variables | RETRIES, "whoami")
        server.wait_said('"status":503', '"error":"ServiceUnavailable"')
    assert client.answer(asking) == identity(ROOT_ARN)


def test_the_aws_cli_reads_the_same_profile(server, tmp_path):
    variables = profile(
        tmp_path, server, f"[profile local]\nregion = {REGION}\nendpoint_url = {server.endpoint}\n"
    )
    command = [AWS_CLI, "sts", "get-caller-identity", "--query", "Arn", "--output", "text"]
    done = subprocess.run(command, env=CLEAN | variables, capture_output=True, text=True, timeout=120)
    assert (done.stdout.strip(), done.returncode) == (ROOT_ARN, 0), done.stderr


def test_the_versions_of_the_readme_are_those_that_are_tested():
    table = (ROOT / "README.md").read_text().split("## Clients that are tested")[1].split("\n## ")[0]
    manifests = ["tests/requirements.txt", *(f"tests/clients/{path}" for path in (
        "boto3/requirements.txt", "js/package.json", "go/go.mod", "java/pom.xml", "rust/Cargo.toml",
    ))]  # fmt: skip
    pinned = "".join((ROOT / path).read_text() for path in manifests)
    versions = re.findall(r"\d+\.\d+\.\d+", table)
    assert len(versions) == len(manifests) + 1  # Two of them in the first.
    assert [version for version in versions if version not in pinned] == []
