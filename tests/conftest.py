"""Fixtures of the acceptance tests: the real binary on a data folder of its own, and real clients.

A test waits for the thing itself, a line, a file descriptor, an answer, never for time.
"""

import io
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import threading
import uuid
import zipfile

import boto3
import botocore.config
import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
FUNCTIONS = ROOT / "tests" / "functions"
BINARY = pathlib.Path(os.environ.get("BINARY_UNDER_TEST", ROOT / "target" / "debug" / "lambent"))
REGION = "us-east-1"
ACCOUNT = "000000000000"

# Nothing of the machine's own AWS set-up may reach a test.
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAMBENT_"))}


class Server:
    """A `lambent up` in the foreground."""

    def __init__(self, data, *options, environment=None, keys=None):
        self.data = pathlib.Path(data)
        self.keys = keys
        self.options = options
        self.environment = environment or {}
        self.lines = []
        self.news = threading.Condition()
        self.process = None

    def start(self):
        """Starts it and returns once it serves requests."""
        ready = self.data.parent / f"ready-{uuid.uuid4()}.json"
        command = [BINARY, "up", "--data", self.data, "--listen", "127.0.0.1:0", "--ready-file", ready]
        self.process = subprocess.Popen(
            [*command, *self.options],
            env=CLEAN | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        is_ready = threading.Event()
        self.reader = threading.Thread(target=self._read, args=(self.process.stderr, is_ready), daemon=True)
        self.reader.start()
        assert is_ready.wait(60), "".join(self.lines)
        assert ready.exists(), f"ended with {self.process.poll()}: " + "".join(self.lines)
        about = json.loads(ready.read_text())
        ready.unlink()
        self.endpoint, self.pid = about["endpoint"], about["pid"]
        if self.keys:
            self.access_key, self.secret_key = self.keys
        else:
            key = json.loads((self.data / "root-key").read_text())
            self.access_key, self.secret_key = key["AccessKeyId"], key["SecretAccessKey"]
        return self

    def _read(self, stream, is_ready):
        for line in stream:
            with self.news:
                self.lines.append(line)
                self.news.notify_all()
            if " ready in " in line:
                is_ready.set()
        # The end of the stream is news as well.
        is_ready.set()

    def wait_said(self, *words):
        """Returns once a line that holds all these words was written."""

        def said():
            return any(all(word in line for word in words) for line in self.lines)

        with self.news:
            assert self.news.wait_for(said, 60), f"not said: {words}\n{self.said}"

    @property
    def said(self):
        return "".join(self.lines)

    def kill(self):
        """SIGKILL, as a power cut would be for the process; waits until it is gone."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self):
        """SIGTERM; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self.reader.join(10)
        return code

    @property
    def variables(self):
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service, **options):
        config = {"retries": {"total_max_attempts": 1}, "read_timeout": 120, "max_pool_connections": 64}
        keys = {"aws_access_key_id": self.access_key, "aws_secret_access_key": self.secret_key}
        return boto3.session.Session(region_name=REGION).client(
            service, endpoint_url=self.endpoint, config=botocore.config.Config(**config), **(keys | options)
        )

    def aws(self, *arguments, check=True, cwd=None):
        """Runs the AWS CLI; returns its JSON, or the finished process with check=False."""
        tool = pathlib.Path(sys.executable).parent / "aws"
        environment = CLEAN | self.variables | {"AWS_PAGER": "", "HOME": str(self.data.parent)}
        done = subprocess.run(
            [tool, *arguments], env=environment, capture_output=True, text=True, timeout=120, cwd=cwd
        )
        if not check:
            return done
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def lambent(self, *arguments, input=None, cwd=None, environment=None):
        """Runs our own command line against this server."""
        return lambent(
            "--data", self.data, *arguments, input=input, cwd=cwd, environment=environment, home=self.data.parent
        )


def lambent(*arguments, input=None, cwd=None, environment=None, home=None):
    environment = CLEAN | ({"HOME": str(home)} if home else {}) | (environment or {})
    return subprocess.run(
        [BINARY, *map(str, arguments)],
        env=environment,
        input=input,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=cwd,
    )


def wait_gone(pid, seconds=30):
    """Returns once the process has ended; fails when it does not."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        assert poll.poll(seconds * 1000), f"process {pid} still runs"
    finally:
        os.close(descriptor)


def zip_of(files):
    """A zip of {name: content}; a content may be (content, mode)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            content, mode = content if isinstance(content, tuple) else (content, 0o644)
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()


def zip_folder(name):
    folder = FUNCTIONS / name
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    return zip_of({
        str(path.relative_to(folder)): (path.read_bytes(), 0o755 if os.access(path, os.X_OK) else 0o644)
        for path in files
    })


TRUST = json.dumps({
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
})


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One server for all tests that do not stop it."""
    server = Server(tmp_path_factory.mktemp("server") / "data").start()
    yield server
    assert server.stop() == 0, server.said


@pytest.fixture
def own_server(tmp_path):
    """A server for tests that stop, kill or configure it; start it yourself."""
    servers = []

    def make(*options, data=tmp_path / "data", environment=None, keys=None):
        servers.append(Server(data, *options, environment=environment, keys=keys))
        return servers[-1]

    yield make
    for server in servers:
        if server.process and server.process.poll() is None:
            server.stop()


@pytest.fixture(scope="session")
def runtime(server):
    """The Python runtime that the server took from this machine."""
    answer = server.lambent("--json", "runtime", "ls")
    assert answer.returncode == 0, answer.stderr
    pythons = [name for name in json.loads(answer.stdout)["Runtimes"] if name.startswith("python3.")]
    assert pythons, "no Python runtime was taken from this machine"
    return max(pythons, key=lambda name: int(name.removeprefix("python3.")))


@pytest.fixture(scope="session")
def role(server):
    """The ARN of a role that functions may run as."""
    return server.client("iam").create_role(RoleName="acceptance", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]


@pytest.fixture(scope="session")
def awslambda(server):
    return server.client("lambda")


def wait_active(client, name):
    client.get_waiter("function_active_v2").wait(
        FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 3000}
    )
    client.get_waiter("function_updated_v2").wait(
        FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 3000}
    )


@pytest.fixture
def make_function(awslambda, role, runtime):
    """Makes functions of the folder tests/functions/probe, and deletes them afterwards."""
    made = []

    def make(handler, code=None, name=None, **settings):
        name = name or f"f-{uuid.uuid4()}"
        settings = {"Runtime": runtime, "Handler": f"app.{handler}", "Role": role} | settings
        awslambda.create_function(
            FunctionName=name, Code={"ZipFile": code or zip_folder("probe")}, **settings
        )
        made.append(name)
        wait_active(awslambda, name)
        return name

    yield make
    for name in made:
        awslambda.delete_function(FunctionName=name)


@pytest.fixture
def invoke(awslambda):
    """Invokes and returns the answer with its payload decoded, the tail of the log included."""
    import base64

    def call(name, event=None, **options):
        options = {"LogType": "Tail"} | options
        answer = awslambda.invoke(FunctionName=name, Payload=json.dumps(event or {}), **options)
        body = answer["Payload"].read()
        answer["Body"] = json.loads(body) if body else None
        answer["Tail"] = base64.b64decode(answer.get("LogResult", "")).decode()
        return answer

    return call


@pytest.fixture
def tool_path(tmp_path):
    """A folder for PATH where `lambent` and the `aws` of this environment are found by name."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "lambent").symlink_to(BINARY)
    (folder / "aws").symlink_to(pathlib.Path(sys.executable).parent / "aws")
    yield folder
    shutil.rmtree(folder)
