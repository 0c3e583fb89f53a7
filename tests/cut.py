"""What runs under `cut run`: a server on the folder CUT_FOLDER with clients that print each answer, and what checks a copy.

    cut.py first          makes the packs, so that the cuts need not
    cut.py write LOAD     serves and changes things until it is stopped; LOAD: rows, large, all (see `write`)
    cut.py check          serves and finds what the lines of its input say, through the public API
    cut.py birth          serves for the first time and says so
    cut.py check-birth    serves again with the same key

A line `try KEY STATE` comes before a change, `ok-KIND KEY STATE` with its answer. STATE is JSON; null means deleted.
What the variable UP_OPTIONS holds is handed to `up`.
"""

import atexit
import base64
import concurrent.futures
import hashlib
import itertools
import json
import os
import pathlib
import random
import sys
import threading
import traceback
import urllib.request

from conftest import TRUST, Server, wait_active, zip_of

FOLDER = pathlib.Path(os.environ["CUT_FOLDER"])
# Where `first` says which runtime there is: on the image, beside the data.
RUNTIME = FOLDER.parent / "runtime"
ROLE = "arn:aws:iam::000000000000:role/cut"
# Bodies up to this many bytes are rows, larger ones are files.
ROW_BYTES = 32 << 10


def serve():
    options = os.environ.get("UP_OPTIONS", "").split()
    server = Server(FOLDER, "--disk-floor", "1MB", "--log", "warn", *options)
    # A server whose client failed has nobody left who stops it.
    atexit.register(lambda: server.process.poll() is None and server.kill())
    return server.start()


def package(kind, number):
    """The zip of a kind and a number; the same each time."""
    noise = random.Random(f"{kind} {number}")
    size = {"small": noise.randrange(0, 20_000), "warm": 30_000, "large": noise.randrange(40_000, 300_000)}[kind]
    code = zip_of({"app.py": f"def handler(event, context):\n    return [{kind!r}, {number}]\n", "noise": noise.randbytes(size)})
    assert (len(code) > ROW_BYTES) == (kind == "large")
    return code


def say(*words):
    # One write for a line, so that lines of threads do not mix and none is held back.
    os.write(1, (" ".join(words) + "\n").encode())


def changed(kind, key, state, change):
    """Says what is tried, does it, and says that it was answered."""
    text = json.dumps(state)
    say("try", key, text)
    change()
    say(f"ok-{kind}", key, text)


class Writer:
    def __init__(self, server):
        self.functions, self.iam = server.client("lambda"), server.client("iam")
        self.runtime = RUNTIME.read_text()
        self.number = itertools.count()

    def create(self, name, kind, **settings):
        number = next(self.number)
        code = package(kind, number)
        state = {"Timeout": 3, "MemorySize": 128} | settings
        return state | {"Code": [kind, number]}, lambda: self.functions.create_function(
            FunctionName=name, Runtime=self.runtime, Handler="app.handler", Role=ROLE, Code={"ZipFile": code}, **state
        )

    def update_code(self, name, kind, before):
        number = next(self.number)
        code = package(kind, number)
        return before | {"Code": [kind, number]}, lambda: self.functions.update_function_code(
            FunctionName=name, ZipFile=code
        )

    def lives(self, name):
        """The lives of functions, one after the other."""
        for number in itertools.count():
            function, kind = f"{name}-{number}", ("small", "large")[number % 2]
            key = f"function/{function}"
            state, create = self.create(function, kind, Description=f"number {number}")
            changed(kind, key, state, create)
            wait_active(self.functions, function)
            settings = {"Timeout": 4 + number % 800, "MemorySize": 256}
            state |= settings
            changed("set", key, state, lambda: self.functions.update_function_configuration(FunctionName=function, **settings))
            wait_active(self.functions, function)
            kind = ("small", "large")[number // 2 % 2]
            state, update = self.update_code(function, kind, state)
            changed(kind, key, state, update)
            if number % 3 == 0:
                changed("gone", key, None, lambda: self.functions.delete_function(FunctionName=function))

    def policies(self, name):
        """A role whose inline policies come and go; its state is their names."""
        self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)
        statement = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        key, names = f"role/{name}", []
        for number in itertools.count():
            new = f"p{number}"
            put = lambda: self.iam.put_role_policy(RoleName=name, PolicyName=new, PolicyDocument=document)
            changed("policy", key, [*names, new], put)
            names.append(new)
            if len(names) > 3:
                old = names.pop(0)
                changed("gone", key, names, lambda: self.iam.delete_role_policy(RoleName=name, PolicyName=old))

    def warm_up(self):
        """Writes until the write-ahead log is used again from its beginning. As long as it grows, its sync would make
        names durable as well, and a missing sync of a folder would not show."""
        log, same = FOLDER / "state.db-wal", 0
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            while same < 3:
                before = log.stat().st_size
                made = [self.create(f"warm-{next(self.number)}", "warm")[1] for _ in range(8)]
                list(pool.map(lambda create: create(), made))
                same = same + 1 if log.stat().st_size == before else 0

    def large(self):
        self.warm_up()
        for number in itertools.count():
            state, create = self.create(f"large-{number}", "large")
            changed("large", f"function/large-{number}", state, create)


def write(load):
    server = serve()
    writer = Writer(server)

    def run(work, *arguments):
        try:
            work(*arguments)
        except BaseException:
            traceback.print_exc()
        finally:
            server.kill()
            os._exit(1)

    loads = {
        "rows": [(writer.policies, "rows")],
        "large": [(writer.large,)],
        "all": [(writer.lives, "a"), (writer.lives, "b"), (writer.policies, "c")],
    }
    threads = [threading.Thread(target=run, args=work) for work in loads[load]]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]


def possible_states(lines):
    """By key, what may be there: what was answered last, and what was tried since."""
    states = {}
    for line in lines:
        word, key, text = line.rstrip("\n").split(" ", 2)
        state = json.loads(text)
        states[key] = [*states.get(key, [None]), state] if word == "try" else [state]
    return states


def missing(call, *errors):
    try:
        return call()
    except errors:
        return None


def function_state(client, name):
    found = missing(lambda: client.get_function(FunctionName=name), client.exceptions.ResourceNotFoundException)
    if found is None:
        return None, None
    with urllib.request.urlopen(found["Code"]["Location"]) as answer:
        code = answer.read()
    about = found["Configuration"]
    assert base64.b64encode(hashlib.sha256(code).digest()).decode() == about["CodeSha256"], f"{name}: code and hash"
    assert about["CodeSize"] == len(code), f"{name}: code and size"
    return about, code


def fits(state, about, code):
    if state is None or about is None:
        return state is about
    settings = {name: value for name, value in state.items() if name != "Code"}
    return all(about[name] == value for name, value in settings.items()) and package(*state["Code"]) == code


def check():
    states = possible_states(sys.stdin)
    server = serve()
    functions, iam = server.client("lambda"), server.client("iam")
    found = {}
    for key, possible in states.items():
        kind, name = key.split("/", 1)
        if kind == "role":
            get = lambda: sorted(iam.list_role_policies(RoleName=name)["PolicyNames"])
            names = missing(get, iam.exceptions.NoSuchEntityException)
            expected = [state and sorted(state) for state in possible]
            # Before the first answer the role itself may be there or not.
            assert names in expected or (names == [] and None in expected), f"{key} has {names}, not one of {expected}"
            continue
        about, code = function_state(functions, name)
        assert any(fits(state, about, code) for state in possible), f"{key} is {about}, not one of {possible}"
        if about and len(possible) == 1:
            found[possible[0]["Code"][0]] = (name, possible[0]["Code"])
    # What runs is what was stored: a code tree that the cut caught unfinished must not be used.
    for name, expected in found.values():
        wait_active(functions, name)
        answer = json.load(functions.invoke(FunctionName=name)["Payload"])
        assert answer == expected, f"{name} answers {answer}"
    assert server.stop() == 0, server.said


def first():
    server = serve()
    functions, health = server.client("lambda"), None
    server.client("iam").create_role(RoleName="cut", AssumeRolePolicyDocument=TRUST)
    while health is None or health["preparing"]:
        with urllib.request.urlopen(f"{server.endpoint}/_lambent/health") as answer:
            health = json.load(answer)
    runtime = next(name for name in health["runtimes"] if name.startswith("python3."))
    RUNTIME.write_text(runtime)
    assert functions.list_functions()["Functions"] == []
    assert server.stop() == 0, server.said


def birth():
    server = serve()
    say("ok-born", server.access_key, server.secret_key)
    threading.Event().wait()


def check_birth():
    _, access_key, secret_key = sys.stdin.readline().split()
    server = serve()
    assert (server.access_key, server.secret_key) == (access_key, secret_key), "another key"
    assert server.client("sts").get_caller_identity()["Arn"].endswith(":root")
    assert server.stop() == 0, server.said


if __name__ == "__main__":
    verbs = {"first": first, "write": write, "check": check, "birth": birth, "check-birth": check_birth}
    try:
        verbs[sys.argv[1]](*sys.argv[2:])
    except Exception as error:
        # The harness shows the first line.
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        traceback.print_exc()
        sys.exit(1)
