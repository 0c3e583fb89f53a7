"""The tour of the README, as a user types it."""

import os
import re
import subprocess

from conftest import CLEAN, ROOT


def tour():
    text = (ROOT / "README.md").read_text()
    return re.search(r"<!-- tour -->\n```sh\n(.*?)```", text, re.S).group(1)


def test_every_line_of_the_tour_works(tmp_path, tool_path):
    # A free port instead of the usual one: tests run beside whatever the machine has.
    lines = tour().replace("lambent up -d", "lambent up -d --listen 127.0.0.1:0")
    environment = CLEAN | {
        "HOME": str(tmp_path),
        "LAMBENT_DATA": str(tmp_path / "data"),
        "PATH": f"{tool_path}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", lines],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '{"greeting": "hello world"}' in done.stdout and '{"greeting": "hello again"}' in done.stdout
    assert "ok cold " in done.stderr and "ok warm " in done.stderr
    assert (tmp_path / "answer.json").read_text() == '{"greeting": "hello aws"}'
