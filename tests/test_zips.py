"""Zips that must be refused, and that leave nothing behind."""

import io
import os
import stat
import zipfile

import botocore.exceptions
import pytest

from conftest import zip_of

UNZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."
HANDLER = "def handler(event, context):\n    return 'ok'\n"


def with_link(target):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("app.py", HANDLER)
        entry = zipfile.ZipInfo("link")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, target)
    return buffer.getvalue()


def bomb():
    """300 MB of zeros in some 300 KB."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("zeros", "w") as file:
            for _ in range(300):
                file.write(bytes(1 << 20))
    return buffer.getvalue()


GOOD = zip_of({"app.py": HANDLER})
CASES = {
    "not a zip": (b"this is no zip at all", UNZIP),
    "empty": (b"", None),
    "truncated": (GOOD[:-30], UNZIP),
    "broken inside": (GOOD[:40] + bytes(10) + GOOD[50:], UNZIP),
    "traversal": (zip_of({"../out.py": HANDLER}), UNZIP),
    "absolute path": (zip_of({"/etc/out.py": HANDLER}), UNZIP),
    "link out": (with_link("../../etc/passwd"), UNZIP),
    "absolute link": (with_link("/etc/passwd"), UNZIP),
    "bomb": (bomb(), "Unzipped size must be smaller than 262144000 bytes"),
}


def names(folder):
    """All files below a folder. Marks that a tree has reached the disk come a second after the tree, which they say
    nothing new about."""
    found = {os.path.join(where, name) for where, _, files in os.walk(folder) for name in files}
    trees = {entry.name for entry in os.scandir(folder) if entry.is_dir()}
    return found - {str(folder / f".whole-{tree}") for tree in trees}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_zip_is_refused_and_leaves_nothing(case, server, awslambda, role, runtime):
    code, message = CASES[case]
    folders = [server.data / "objects", server.data / "blobs"]
    before = [names(folder) for folder in folders]
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        awslambda.create_function(
            FunctionName="bad", Runtime=runtime, Handler="app.handler", Role=role, Code={"ZipFile": code}
        )
    error = caught.value.response
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert error["Error"]["Code"] in ("InvalidParameterValueException", "ValidationException")
    if message:
        assert error["Error"]["Message"] == message
    with pytest.raises(awslambda.exceptions.ResourceNotFoundException):
        awslambda.get_function(FunctionName="bad")
    assert [names(folder) for folder in folders] == before


def test_a_zip_above_fifty_megabytes_is_refused_by_its_size(awslambda, role, runtime):
    code = zip_of({"app.py": HANDLER, "noise": os.urandom((50 << 20) + 1)})
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        awslambda.create_function(
            FunctionName="large", Runtime=runtime, Handler="app.handler", Role=role, Code={"ZipFile": code}
        )
    error = caught.value.response
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert error["Error"]["Code"] == "RequestEntityTooLargeException"


def test_links_within_the_code_and_modes_are_kept(make_function, invoke):
    source = (
        "import os\ndef handler(event, context):\n"
        "    return [os.readlink('/var/task/link'), oct(os.stat('/var/task/run').st_mode & 0o777)]\n"
    )
    buffer = io.BytesIO(zip_of({"app.py": source, "run": ("#!/bin/sh\n", 0o755)}))
    with zipfile.ZipFile(buffer, "a") as archive:
        entry = zipfile.ZipInfo("link")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "app.py")
    name = make_function("handler", code=buffer.getvalue())
    assert invoke(name)["Body"] == ["app.py", "0o755"]
