"""Builds the programs of this folder, one for each SDK, below target/clients: `build.py [--quick | NAME...]`.

A program is built again only when its sources, its manifest or the way to build it have changed.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILT = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "clients"

# What Cargo tells the program that it runs is about that program, not about what is built here.
CARGO = ("CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_TARGET_DIR", "RUSTFLAGS")

# For each client the commands that build it, run in a copy of its sources, and the command that runs it. {to} is its folder.
CLIENTS = {
    "boto3": (
        [
            [sys.executable, "-m", "venv", "--clear", "{to}/venv"],
            ["{to}/venv/bin/python", "-m", "pip", "install", "-q", "--no-input", "-r", "requirements.txt"],
        ],
        ["{to}/venv/bin/python", "{to}/source/client.py"],
    ),
    "js": ([["npm", "ci", "--silent", "--ignore-scripts"]], ["node", "{to}/source/client.js"]),
    "go": ([["go", "build", "-o", "{to}/client", "."]], ["{to}/client"]),
    "java": (
        [["mvn", "-B", "-q", "compile", "dependency:copy-dependencies", "-DincludeScope=runtime"]],
        ["java", "-cp", "{to}/source/target/classes:{to}/source/target/dependency/*", "Client"],
    ),
    "rust": ([["cargo", "build", "--quiet", "--locked", "--target-dir", "{to}"]], ["{to}/debug/client"]),
}

# Built and run within seconds; the others take minutes where nothing is at hand yet.
QUICK = ["boto3", "js"]


def build(name):
    """Builds one client unless that is done; returns the command that runs it."""
    commands, run = CLIENTS[name]
    to = BUILT / name
    mark, stamp = to / "stamp", digest(HERE / name, commands)
    if not mark.exists() or mark.read_text() != stamp:
        start = time.monotonic()
        mark.unlink(missing_ok=True)
        shutil.rmtree(to / "source", ignore_errors=True)
        shutil.copytree(HERE / name, to / "source", ignore=shutil.ignore_patterns("__pycache__"))
        environment = {key: value for key, value in os.environ.items() if not key.startswith(CARGO)}
        for command in filled(commands, to):
            subprocess.run(command, cwd=to / "source", env=environment, check=True, stdout=sys.stderr)
        mark.write_text(stamp)
        print(f"{name}: built in {time.monotonic() - start:.1f} s", file=sys.stderr)
    return filled([run], to)[0]


def filled(commands, to):
    return [[word.format(to=to) for word in command] for command in commands]


def digest(folder, commands):
    """Of everything that a build depends on."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
    parts = [repr(commands).encode()]
    for path in files:
        parts += [str(path.relative_to(folder)).encode(), path.read_bytes()]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


if __name__ == "__main__":
    names = sys.argv[1:] or CLIENTS
    for wanted in QUICK if names == ["--quick"] else names:
        build(wanted)
