"""Handlers that do what acceptance tests look for, one by one."""

import logging
import os
import signal
import sys
import time
import uuid

ENVIRONMENT = str(uuid.uuid4())
calls = 0


def greet(event, context):
    return {"greeting": "hello " + event["name"]}


def echo(event, context):
    return event


def environment(event, context):
    """Which environment this is and how often it was called; sleeps first, so that calls must run side by side."""
    global calls
    calls += 1
    time.sleep(event.get("seconds", 0))
    return {"environment": ENVIRONMENT, "calls": calls}


def write(event, context):
    print("printed", event["text"])
    print("to stderr", event["text"], file=sys.stderr)
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger().info("logged %s", event["text"])
    return context.aws_request_id


def variables(event, context):
    return dict(os.environ)


def about(event, context):
    return {
        "name": context.function_name,
        "version": context.function_version,
        "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb,
        "group": context.log_group_name,
        "stream": context.log_stream_name,
        "remaining_ms": context.get_remaining_time_in_millis(),
    }


def fail(event, context):
    raise ValueError("broken on purpose")


def leave(event, context):
    os._exit(event.get("code", 1))


def crash(event, context):
    os.abort()


def hang(event, context):
    if event.get("write"):
        with open("/tmp/kept", "w") as file:
            file.write(ENVIRONMENT)
    if event.get("hang", True):
        time.sleep(60)
    kept = open("/tmp/kept").read() if os.path.exists("/tmp/kept") else None
    return {"environment": ENVIRONMENT, "kept": kept}


def wait(event, context):
    """Answers when SIGUSR1 comes, if told to wait for it; that it waits can be seen by its handler."""
    if event["wait"]:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
        signal.signal(signal.SIGUSR1, lambda *_: None)
        signal.sigwait({signal.SIGUSR1})
    return {"environment": ENVIRONMENT}


def hog(event, context):
    """Takes more memory than any test allows."""
    hoard = []
    while True:
        hoard.append(b"x" * (8 << 20))


def big(event, context):
    return "x" * event["size"]


def unserializable(event, context):
    return {"a set": {1, 2}}
