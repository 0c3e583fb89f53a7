"""The front door under more than it can bear: refusals come early, the rest works, and nothing stays."""

import json
import socket
import subprocess
import threading

import botocore.exceptions
import pytest

from test_http import curl


class Frames:
    """As much of HTTP/2 as it takes to begin requests and never to end them."""

    def __init__(self, server):
        host, port = server.endpoint.removeprefix("http://").split(":")
        self.socket = socket.create_connection((host, int(port)), 60)
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + self.frame(4, 0, 0, b""))
        self.input = self.socket.makefile("rb")

    @staticmethod
    def frame(kind, flags, stream, payload):
        return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload

    def begin(self, count):
        """Begins requests whose bodies do not come."""
        fields = {":method": "POST", ":scheme": "http", ":path": "/", ":authority": "h"}
        head = b"".join(
            bytes([0, len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
            for name, value in fields.items()
        )
        # The first flag says that the head ends here, and none that the body does.
        self.socket.sendall(b"".join(self.frame(1, 4, 2 * number + 1, head) for number in range(count)))

    def answers(self):
        """A frame of an answer's head, or None when nothing comes."""
        while head := self.input.read(9):
            self.input.read(int.from_bytes(head[:3], "big"))
            if head[3] == 1:
                return True
        return False


def metric(server, name):
    lines = curl(f"{server.endpoint}/_lambent/metrics")[0].splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def resident_mb(server):
    """The memory of the process that serves."""
    children = subprocess.run(["ps", "-o", "rss=,args=", "--ppid", str(server.pid)], capture_output=True, text=True)
    return next(int(line.split()[0]) for line in children.stdout.splitlines() if "lambent: server" in line) // 1024


def test_more_requests_than_fit_are_refused_early_and_leave_nothing(own_server):
    server = own_server().start()
    before = resident_mb(server)
    streams, most = 128, 4096
    connections = [Frames(server) for _ in range(most // streams)]
    for connection in connections:
        connection.begin(streams)
    while metric(server, "lambent_requests_running") < most:
        pass
    # Whoever comes now is told to come later, in its protocol's words, and before its body was read.
    for service, call in [("sts", "get_caller_identity"), ("lambda", "list_functions")]:
        with pytest.raises(botocore.exceptions.ClientError) as refused:
            getattr(server.client(service), call)()
        answer = refused.value.response
        assert answer["Error"]["Code"] == "ServiceUnavailable"
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 503
        assert answer["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "1"
    one_more = Frames(server)
    one_more.begin(1)
    one_more.socket.sendall(Frames.frame(0, 1, 1, b""))
    assert one_more.answers()
    assert json.loads(curl(f"{server.endpoint}/_lambent/health")[0])["status"] == "ok"
    assert resident_mb(server) - before < 150
    for connection in connections:
        connection.socket.close()
        connection.input.close()
    while metric(server, "lambent_requests_running") > 0:
        pass
    assert server.client("sts").get_caller_identity()


def test_a_crowd_gets_answers_or_refusals_and_nothing_else(own_server):
    server = own_server("--connections-per-address", "20").start()
    host, port = server.endpoint.removeprefix("http://").split(":")
    large = b" " * (6 * 1024 * 1024)
    head = f"POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nhost: h\r\ncontent-length: {len(large)}\r\n\r\n"
    statuses, lock = [], threading.Lock()
    before = resident_mb(server)

    def client():
        for _ in range(2):
            try:
                with socket.create_connection((host, int(port)), 60) as connection:
                    connection.sendall(head.encode())
                    connection.sendall(large)
                    line = connection.makefile("rb").readline()
            except (BrokenPipeError, ConnectionResetError):
                # Refused before it was sent whole.
                line = b"HTTP/1.1 503"
            with lock:
                statuses.append(int(line.split()[1]))

    clients = [threading.Thread(target=client) for _ in range(60)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    # Unsigned, so that whoever is let in is refused in another way.
    assert len(statuses) == 120 and set(statuses) <= {403, 429, 503}, set(statuses)
    assert resident_mb(server) - before < 600
    assert server.client("sts").get_caller_identity()
