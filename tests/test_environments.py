"""Environments: one per concurrent call, reused, with the variables, limits and context of AWS."""

import concurrent.futures
import time

from conftest import REGION


def test_fifty_parallel_calls_run_side_by_side_in_fifty_environments(make_function, invoke):
    name = make_function("environment", Timeout=30)

    def round(seconds):
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            start = time.monotonic()
            answers = list(pool.map(lambda _: invoke(name, {"seconds": seconds}), range(50)))
        assert not any("FunctionError" in answer for answer in answers)
        return time.monotonic() - start, {answer["Body"]["environment"] for answer in answers}

    # A call that waits for its start takes an environment that becomes free before, so a small machine may need
    # more than one round until there are fifty.
    environments = set()
    for _ in range(10):
        environments |= round(2)[1]
        if len(environments) >= 50:
            break
    seconds, warm = round(1)
    assert len(warm) == 50 and warm <= environments
    assert seconds < 2


def test_an_environment_is_reused(make_function, invoke):
    name = make_function("environment")
    first, second = invoke(name), invoke(name)
    assert first["Body"]["environment"] == second["Body"]["environment"]
    assert second["Body"]["calls"] == 2
    assert "Init Duration" in first["Tail"] and "Init Duration" not in second["Tail"]


def test_new_code_gets_new_environments(make_function, invoke, awslambda):
    from conftest import wait_active, zip_of

    name = make_function("environment")
    invoke(name)
    code = zip_of({"app.py": "def environment(event, context):\n    return 'new'\n"})
    awslambda.update_function_code(FunctionName=name, ZipFile=code)
    wait_active(awslambda, name)
    assert invoke(name)["Body"] == "new"


def test_variables_are_awss_and_the_functions(make_function, invoke, runtime):
    name = make_function("variables", Environment={"Variables": {"COLOUR": "green"}}, MemorySize=256)
    variables = invoke(name)["Body"]
    expected = {
        "COLOUR": "green",
        "AWS_LAMBDA_FUNCTION_NAME": name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{runtime}",
        "LAMBDA_TASK_ROOT": "/var/task",
        "_HANDLER": "app.variables",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
    }
    assert {key: variables.get(key) for key in expected} == expected
    assert variables["AWS_ACCESS_KEY_ID"].startswith("ASIA") and variables["AWS_SESSION_TOKEN"]


def test_the_context_is_awss(make_function, invoke):
    name = make_function("about", Timeout=7)
    about = invoke(name)["Body"]
    assert about["name"] == name and about["version"] == "$LATEST"
    assert about["arn"] == f"arn:aws:lambda:{REGION}:000000000000:function:{name}"
    assert str(about["memory"]) == "128" and about["group"] == f"/aws/lambda/{name}"
    assert 6_000 < about["remaining_ms"] <= 7_000


def test_what_a_function_writes_is_in_its_log(make_function, invoke, server):
    name = make_function("write")
    answer = invoke(name, {"text": "marker-1"})
    assert "printed marker-1" in answer["Tail"] and "to stderr marker-1" in answer["Tail"]
    logs = server.client("logs")
    events = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    messages = [event["message"].rstrip("\n") for event in events]
    request = answer["Body"]
    assert "printed marker-1" in messages and "to stderr marker-1" in messages
    assert any(message.startswith("[INFO]\t") and message.endswith(f"\t{request}\tlogged marker-1") for message in messages)
    order = [message.split(" ")[0] for message in messages if message.split(" ")[0] in ("START", "END", "REPORT")]
    assert order == ["START", "END", "REPORT"]


def test_an_executable_bootstrap_is_a_function(make_function, invoke):
    from conftest import ROOT, zip_of

    bootstrap = (ROOT / "examples/hello-bootstrap/bootstrap").read_bytes()
    code = zip_of({"bootstrap": (bootstrap, 0o755)})
    name = make_function("x", code=code, Runtime="provided.al2023", Handler="any")
    for word in ("one", "two"):
        body = invoke(name, {"name": word})["Body"]
        assert body["event"] == {"name": word} and body["greeting"].startswith("hello from bash")
