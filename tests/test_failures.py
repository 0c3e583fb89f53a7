"""Functions that fail in every way they can, and what their callers see: AWS's exact documents and log lines."""

import re

import pytest

ID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def request_id(answer):
    return answer["ResponseMetadata"]["RequestId"]


def report(answer):
    return next(line for line in answer["Tail"].splitlines() if line.startswith("REPORT"))


def test_an_exception_comes_with_type_message_and_stack(make_function, invoke):
    answer = invoke(make_function("fail"))
    assert answer["FunctionError"] == "Unhandled" and answer["StatusCode"] == 200
    body = answer["Body"]
    assert (body["errorType"], body["errorMessage"]) == ("ValueError", "broken on purpose")
    assert body["requestId"] == request_id(answer)
    assert any('File "/var/task/app.py", line' in frame and "in fail" in frame for frame in body["stackTrace"])
    assert "[ERROR] ValueError: broken on purpose" in answer["Tail"]


def test_a_timeout_ends_the_process_and_keeps_its_tmp(make_function, invoke):
    name = make_function("hang", Timeout=1)
    answer = invoke(name, {"write": True})
    assert answer["FunctionError"] == "Unhandled"
    assert answer["Body"] == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {request_id(answer)} Error: Task timed out after 1.00 seconds",
    }
    assert report(answer).rstrip().endswith("Status: timeout")
    after = invoke(name, {"hang": False})["Body"]
    assert after["kept"] is not None and after["kept"] != after["environment"]


@pytest.mark.parametrize("code", [0, 1, 42])
def test_an_exit_is_told(code, make_function, invoke):
    answer = invoke(make_function("leave"), {"code": code})
    assert answer["FunctionError"] == "Unhandled"
    assert answer["Body"]["errorType"] == "Runtime.ExitError"
    why = "Runtime exited without providing a reason" if code == 0 else f"Runtime exited with error: exit status {code}"
    assert answer["Body"]["errorMessage"] == f"RequestId: {request_id(answer)} Error: {why}"
    assert "Status: error\tError Type: Runtime.ExitError" in report(answer)


def test_a_crash_is_told_with_its_signal(make_function, invoke):
    answer = invoke(make_function("crash"))
    assert answer["Body"]["errorType"] == "Runtime.ExitError"
    assert "Runtime exited with error: signal: aborted" in answer["Body"]["errorMessage"]


def test_too_much_memory_is_told(make_function, invoke):
    answer = invoke(make_function("hog", Timeout=20))
    assert answer["FunctionError"] == "Unhandled"
    assert answer["Body"]["errorType"] == "Runtime.OutOfMemory"
    assert "signal: killed" in answer["Body"]["errorMessage"]
    used, size = re.search(r"Memory Size: (\d+) MB\tMax Memory Used: (\d+) MB", report(answer)).groups()
    assert used == size == "128"


def test_an_answer_of_six_megabytes_and_not_a_byte_more(make_function, invoke):
    name = make_function("big", Timeout=20)
    # A JSON string has two quotes.
    assert len(invoke(name, {"size": 6_291_556 - 2})["Body"]) == 6_291_554
    answer = invoke(name, {"size": 6_291_556 - 1})
    assert answer["Body"] == {
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        "errorType": "Function.ResponseSizeTooLarge",
    }


def test_an_answer_that_is_no_json_is_told(make_function, invoke):
    answer = invoke(make_function("unserializable"))
    assert answer["Body"]["errorType"] == "Runtime.MarshalError"


def test_a_module_that_fails_to_load_is_told_with_every_call(make_function, invoke):
    name = make_function("handler", Handler="broken.handler")
    for _ in range(2):
        answer = invoke(name)
        assert answer["FunctionError"] == "Unhandled"
        assert (answer["Body"]["errorType"], answer["Body"]["errorMessage"]) == ("RuntimeError", "no start today")


@pytest.mark.parametrize(
    "handler, kind, message",
    [
        ("app.nothing", "Runtime.HandlerNotFound", "Handler 'nothing' missing on module 'app'"),
        ("missing.handler", "Runtime.ImportModuleError", "Unable to import module 'missing': No module named 'missing'"),
        ("nodots", "Runtime.MalformedHandlerName", "Bad handler 'nodots': not enough values to unpack (expected 2, got 1)"),
    ],
)
def test_a_handler_that_is_not_there_is_told(handler, kind, message, make_function, invoke):
    answer = invoke(make_function("x", Handler=handler))
    assert (answer["Body"]["errorType"], answer["Body"]["errorMessage"]) == (kind, message)


def test_the_function_goes_on_after_every_failure(make_function, invoke):
    name = make_function("leave")
    first = invoke(name, {"code": 3})
    second = invoke(name, {"code": 3})
    assert first["FunctionError"] == second["FunctionError"] == "Unhandled"
    assert request_id(first) != request_id(second) and re.fullmatch(ID, request_id(second))
