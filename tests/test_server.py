"""The server as a process: start, refusal, drain, kill, ready file, keys."""

import json
import os
import signal
import stat
import subprocess
import threading
import time

import botocore.exceptions
import pytest

from conftest import BINARY, CLEAN, TRUST, lambent, wait_active, wait_gone, zip_folder


def test_the_first_start_makes_a_key_that_only_the_owner_can_read(own_server):
    server = own_server().start()
    key = server.data / "root-key"
    assert stat.S_IMODE(os.stat(key).st_mode) == 0o600
    before = key.read_text()
    assert server.stop() == 0
    server.start()
    assert key.read_text() == before


KEYS = ("AKIAEXAMPLEEXAMPLE00", "a-secret-of-forty-characters-0123456789ab")


def test_given_keys_account_and_region_are_used(own_server):
    environment = {"LAMBENT_ROOT_ACCESS_KEY": KEYS[0], "LAMBENT_ROOT_SECRET_KEY": KEYS[1]}
    server = own_server("--account-id", "123456789012", environment=environment, keys=KEYS).start()
    assert server.client("sts").get_caller_identity()["Account"] == "123456789012"
    assert not (server.data / "root-key").exists()


def test_a_second_server_on_the_folder_is_refused_by_name(own_server):
    server = own_server().start()
    second = lambent("up", "--data", server.data, "--listen", "127.0.0.1:0")
    assert second.returncode != 0
    assert "is in use" in second.stderr and f"pid {server.pid}" in second.stderr
    assert "do: " in second.stderr
    assert server.client("sts").get_caller_identity()


def test_a_port_in_use_is_refused_by_name(own_server, tmp_path):
    server = own_server().start()
    address = server.endpoint.removeprefix("http://")
    second = lambent("up", "--data", tmp_path / "other", "--listen", address)
    assert second.returncode != 0
    assert f"port {address.split(':')[1]} is in use" in second.stderr and "--listen" in second.stderr


def slow_call(server, seconds):
    """A call under way: its thread and, later, its answers or errors."""
    client = server.client("lambda")
    role = server.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    runtime = json.loads(server.lambent("--json", "runtime", "ls").stdout)["Runtimes"]
    runtime = next(name for name in runtime if name.startswith("python3"))
    settings = {"Runtime": runtime, "Handler": "app.environment", "Role": role, "Timeout": 60}
    client.create_function(FunctionName="slow", Code={"ZipFile": zip_folder("probe")}, **settings)
    wait_active(client, "slow")
    client.invoke(FunctionName="slow", Payload="{}")
    answers = []

    def invoke():
        try:
            answers.append(client.invoke(FunctionName="slow", Payload=json.dumps({"seconds": seconds})))
        except botocore.exceptions.HTTPClientError as error:
            answers.append(error)

    call = threading.Thread(target=invoke)
    call.start()
    # It is under way once its START line can be read.
    logs = server.client("logs")
    group = "/aws/lambda/slow"
    while sum("START" in e["message"] for e in logs.filter_log_events(logGroupName=group)["events"]) < 2:
        pass
    return call, answers


def test_sigterm_lets_running_calls_finish(own_server):
    server = own_server().start()
    call, answers = slow_call(server, 2)
    server.process.send_signal(signal.SIGTERM)
    call.join(30)
    assert json.loads(answers[0]["Payload"].read())["calls"] == 2
    assert server.process.wait(30) == 0


def test_a_second_sigterm_ends_the_server_at_once_and_leaves_nothing(own_server):
    server = own_server().start()
    call, answers = slow_call(server, 50)
    pids = children_of(server)
    server.process.send_signal(signal.SIGTERM)
    while "draining" not in server.said:
        pass
    begun = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(20)
    # The drain alone would have waited for the call, 25 seconds by default.
    assert time.monotonic() - begun < 15
    call.join(30)
    assert isinstance(answers[0], botocore.exceptions.HTTPClientError), answers
    for pid in pids:
        wait_gone(pid)


def test_a_throttled_call_is_exit_7(own_server):
    server = own_server("--concurrency", "1").start()
    call, answers = slow_call(server, 3)
    refused = server.lambent("invoke", "slow", "{}")
    assert refused.returncode == 7, refused
    assert "Rate Exceeded" in refused.stderr
    call.join(30)
    assert json.loads(answers[0]["Payload"].read())["calls"] == 2
    assert server.lambent("invoke", "slow", "{}").returncode == 0


def children_of(server):
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(server.pid)], capture_output=True, text=True)
    pids = [int(pid) for pid in children.stdout.split()]
    assert pids
    return pids


def test_nothing_is_left_after_a_kill(own_server):
    server = own_server().start()
    pids = children_of(server)
    server.kill()
    for pid in pids:
        wait_gone(pid)


def test_the_server_has_neither_root_nor_capabilities(own_server):
    server = own_server().start()
    found = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(server.pid)], capture_output=True, text=True
    ).stdout.splitlines()
    pid = next(line.split()[0] for line in found if "lambent: server" in line)
    status = dict(
        line.split(":\t", 1) for line in open(f"/proc/{pid}/status").read().splitlines() if ":\t" in line
    )
    assert "0" not in status["Uid"].split() and "0" not in status["Gid"].split()
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"].strip() == "1"


def test_keys_do_not_show_in_the_process_list(own_server):
    server = own_server("--root-access-key", KEYS[0], "--root-secret-key", KEYS[1], keys=KEYS).start()
    assert server.client("sts").get_caller_identity()
    shown = subprocess.run(["ps", "axwwe"], capture_output=True, text=True, env=CLEAN).stdout
    assert "lambent" in shown and KEYS[1] not in shown


def test_wrong_and_unknown_keys_get_awss_errors(server):
    for keys, code in [
        ({"aws_secret_access_key": "wrong"}, "SignatureDoesNotMatch"),
        ({"aws_access_key_id": "AKIANOBODYKNOWSTHIS0"}, "InvalidClientTokenId"),
    ]:
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            server.client("sts", **keys).get_caller_identity()
        assert caught.value.response["Error"]["Code"] == code
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_what_is_not_implemented_says_so(awslambda):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        awslambda.list_layers()
    assert caught.value.response["Error"]["Code"] == "NotImplemented"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501


def test_an_ordinary_user_is_told_what_to_do(tmp_path):
    tmp_path.chmod(0o755)
    done = subprocess.run(
        ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", BINARY, "up"],
        capture_output=True,
        text=True,
        env=CLEAN | {"HOME": str(tmp_path)},
    )
    assert done.returncode == 1
    assert done.stderr == "error: sandboxes need root\n  do: sudo lambent up\n"
