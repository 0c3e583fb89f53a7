"""kill -9 again and again, of the server and of the warden above it, under clients that go on: what was acknowledged is
there afterwards, nobody is refused while the warden lives, and nothing is left behind at the end."""

import hashlib
import itertools
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading

import botocore.exceptions

from conftest import BINARY, ROOT, TRUST, wait_active, wait_gone, zip_folder, zip_of

KILLS = 16
# One kill in so many is the warden's.
WARDEN_EACH = 5
# Every this many answers, at a random one of them, somebody is killed.
ANSWERS_BETWEEN_KILLS = 12

# Built by the store's tests; the target folder is the binary's.
HARNESS = BINARY.parent / "cut"

# What a client sees of a server that dies under its request; a refused connection is not among it.
CUT_OFF = (
    botocore.exceptions.ConnectionClosedError,
    botocore.exceptions.ReadTimeoutError,
    botocore.exceptions.ResponseStreamingError,
)


def children(pid, name):
    listed = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if name in line]


def server_process(server):
    while not (found := children(server.pid, "lambent: server")):
        assert server.process.poll() is None, server.said
    return found[0]


class Load:
    """Clients that create, change and delete, and remember what was answered."""

    def __init__(self, server, runtime, role):
        self.server, self.runtime, self.role = server, runtime, role
        self.answers = threading.Semaphore(0)
        self.stop = threading.Event()
        # Cleared while there is no warden.
        self.is_up = threading.Event()
        self.is_up.set()
        self.lock = threading.Lock()
        self.generation = 0
        # By name: the states that may be there. One after an answer, more while or after an answer is missing.
        self.possible = {}
        self.failures = []

    def started(self):
        self.generation += 1
        self.is_up.set()

    own = threading.local()

    def clients(self):
        """The two clients of the server that runs, made once a thread and server."""
        own = self.own
        if getattr(own, "generation", None) != self.generation:
            own.generation = self.generation
            own.clients = self.server.client("lambda"), self.server.client("iam")
        return own.clients

    def change(self, name, state, call):
        """Makes a change until it is answered, one way or another."""
        while not self.stop.is_set():
            self.is_up.wait()
            generation = self.generation
            self.possible.setdefault(name, [None]).append(state)
            try:
                call(*self.clients())
            except botocore.exceptions.ClientError as error:
                if not self.happened(error, state):
                    raise
            except CUT_OFF:
                continue
            except botocore.exceptions.EndpointConnectionError:
                # Nobody listens only when there is no warden.
                if self.is_up.is_set() and generation == self.generation:
                    raise
                continue
            self.possible[name] = [state]
            self.answers.release()
            return

    def happened(self, error, state):
        """True when an error says that an earlier attempt without an answer had worked."""
        code = error.response["Error"]["Code"]
        if state is None:
            return code in ("ResourceNotFoundException", "NoSuchEntity")
        return code in ("ResourceConflictException", "EntityAlreadyExists")

    def functions(self, prefix):
        noise = random.Random(prefix)
        for number in itertools.count():
            if self.stop.is_set():
                return
            name = f"{prefix}-{number}"
            settings = {"Timeout": 1 + number % 900, "MemorySize": 128 + number % 1000}
            # Below and above 32 KiB, so that rows and files are used.
            code = zip_of({"app.py": f"x = {number}", "noise": noise.randbytes((1_000, 50_000)[number % 2])})
            create = lambda functions, _: functions.create_function(
                FunctionName=name, Runtime=self.runtime, Handler="app.f", Role=self.role, Code={"ZipFile": code}, **settings
            )
            self.change(f"function/{name}", settings, create)
            if number % 3 == 0:
                delete = lambda functions, _: functions.delete_function(FunctionName=name)
                self.change(f"function/{name}", None, delete)

    def roles(self, prefix):
        for number in itertools.count():
            if self.stop.is_set():
                return
            name = f"{prefix}-{number}"
            create = lambda _, iam: iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
            self.change(f"role/{name}", {}, create)
            if number % 2 == 0:
                self.change(f"role/{name}", None, lambda _, iam: iam.delete_role(RoleName=name))

    def run(self, work, prefix):
        try:
            work(prefix)
        except BaseException as error:
            self.failures.append(error)
            self.answers.release()

    def start(self):
        works = [(self.functions, "a"), (self.functions, "b"), (self.roles, "c"), (self.roles, "d")]
        self.threads = [threading.Thread(target=self.run, args=work) for work in works]
        for thread in self.threads:
            thread.start()

    def wait(self, answers):
        for _ in range(answers):
            assert self.answers.acquire(timeout=60), self.server.said
            assert not self.failures, self.failures

    def end(self):
        self.stop.set()
        self.is_up.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()
        assert not self.failures, self.failures


def found_state(name, functions, roles):
    kind, name = name.split("/")
    if kind == "role":
        return {} if name in roles else None
    return functions.get(name)


def pages(client, operation, key):
    return [item for page in client.get_paginator(operation).paginate() for item in page[key]]


def check(server, possible):
    functions = {
        function["FunctionName"]: {"Timeout": function["Timeout"], "MemorySize": function["MemorySize"]}
        for function in pages(server.client("lambda"), "list_functions", "Functions")
    }
    iam = server.client("iam")
    roles = set()
    for name in (name.removeprefix("role/") for name in possible if name.startswith("role/")):
        try:
            roles.add(iam.get_role(RoleName=name)["Role"]["RoleName"])
        except iam.exceptions.NoSuchEntityException:
            pass
    for name, states in possible.items():
        state = found_state(name, functions, roles)
        assert state in states, f"{name} is {state}, not one of {states}"


def left_behind(data):
    """What names a data folder outside of it: processes, mounts, loop devices."""
    text = str(data)
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if text.encode() in (process / "cmdline").read_bytes():
                found.append(f"process {process.name}")
        except OSError:
            continue
    found += [line for line in pathlib.Path("/proc/self/mounts").read_text().splitlines() if text in line]
    loops = subprocess.run(["losetup", "-a"], capture_output=True, text=True).stdout
    return found + [line for line in loops.splitlines() if text in line]


def groups(data):
    """The control groups of the instance on a data folder."""
    name = "lambent-" + hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:16]
    return [path for path, _, _ in os.walk("/sys/fs/cgroup") if os.path.basename(path) == name]


def prepared(server):
    client = server.client("iam")
    role = client.create_role(RoleName="kills", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    runtimes = json.loads(server.lambent("--json", "runtime", "ls").stdout)["Runtimes"]
    return next(name for name in runtimes if name.startswith("python3")), role


def test_kill_9_again_and_again_loses_nothing_and_refuses_nobody(own_server):
    server = own_server().start()
    assert groups(server.data)
    load = Load(server, *prepared(server))
    load.start()
    chance = random.Random(20261125)
    try:
        for kill in range(KILLS):
            load.wait(1 + chance.randrange(2 * ANSWERS_BETWEEN_KILLS))
            if kill % WARDEN_EACH == WARDEN_EACH - 1:
                load.is_up.clear()
                server.kill()
                server.start()
                load.started()
            else:
                os.kill(server_process(server), signal.SIGKILL)
        load.wait(ANSWERS_BETWEEN_KILLS)
    finally:
        load.end()
    check(server, load.possible)
    assert server.stop() == 0, server.said
    assert left_behind(server.data) == []
    assert groups(server.data) == []
    server.start()
    check(server, load.possible)


def test_lines_of_acknowledged_calls_survive_kill_9_of_the_server(own_server):
    server = own_server().start()
    runtime, role = prepared(server)
    client = server.client("lambda")
    client.create_function(
        FunctionName="writes", Runtime=runtime, Handler="app.write", Role=role, Code={"ZipFile": zip_folder("probe")}, Timeout=30
    )
    wait_active(client, "writes")
    texts = []
    for round in range(4):
        # Connections of the server that was killed are of no use.
        client = server.client("lambda")
        for call in range(3):
            texts.append(f"marker-{round}-{call}.")
            answer = client.invoke(FunctionName="writes", Payload=json.dumps({"text": texts[-1]}))
            assert "FunctionError" not in answer, answer["Payload"].read()
        pid = server_process(server)
        os.kill(pid, signal.SIGKILL)
        wait_gone(pid)
        found = server.client("logs").get_paginator("filter_log_events").paginate(logGroupName="/aws/lambda/writes")
        messages = [event["message"] for page in found for event in page["events"]]
        for text in texts:
            assert any(f"printed {text}" in message for message in messages), text
        assert sum(message.startswith("REPORT ") for message in messages) == len(texts)


def test_a_power_cut_right_after_an_answer_loses_nothing():
    """A few cuts; `cargo x cut` does more of them and shows that they would notice."""
    client = [sys.executable, str(ROOT / "tests" / "cut.py")]
    series = [HARNESS, "run", "--mib", "256", "--cuts", "4", "--latest", "30", "--stop-at", "ok"]
    commands = ["--", *client, "write", "all", "--", *client, "check", "--", *client, "first"]
    done = subprocess.run([*series, *commands], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
