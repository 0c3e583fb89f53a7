"""The front door's HTTP with real clients: HTTP/2 in the clear, TLS made here and given, and what is refused."""

import json
import os
import pathlib
import ssl
import stat
import subprocess

import boto3
import botocore.exceptions
import pytest

from conftest import CLEAN, REGION, lambent, wait_active


def curl(*arguments):
    """Runs curl; its output, and in the last line the status and the version of HTTP."""
    command = ["curl", "--silent", "--show-error", "--max-time", "60", "--write-out", "\n%{http_code} %{http_version}"]
    done = subprocess.run([*command, *map(str, arguments)], env=CLEAN, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    body, _, told = done.stdout.rpartition("\n")
    # Some versions of curl leave the naught out.
    return body, told + ".0" if told.endswith(" 1") else told


def signed(server, *arguments):
    return curl("--aws-sigv4", f"aws:amz:{REGION}:sts", "--user", f"{server.access_key}:{server.secret_key}", *arguments)


IDENTITY = "Action=GetCallerIdentity&Version=2011-06-15"


def test_curl_speaks_each_version_on_the_same_port(server):
    health = f"{server.endpoint}/_lambent/health"
    for option, version in [("--http1.0", "1.0"), ("--http1.1", "1.1"), ("--http2-prior-knowledge", "2")]:
        body, told = curl(option, health)
        assert told == f"200 {version}" and json.loads(body)["status"] == "ok"
        # AWS's signatures cover the host, which HTTP/2 names elsewhere.
        body, told = signed(server, option, "--data", IDENTITY, server.endpoint)
        assert told == f"200 {version}" and ":root</Arn>" in body
    # An offer to change the version within a connection is not taken up; the request is served as it came.
    body, told = curl("--http2", health)
    assert told == "200 1.1" and json.loads(body)["status"] == "ok"


@pytest.fixture
def secure(own_server):
    return own_server("--tls").start()


def trusting(server, authority):
    session = boto3.session.Session(region_name=REGION)
    keys = {"aws_access_key_id": server.access_key, "aws_secret_access_key": server.secret_key}
    return lambda service: session.client(service, endpoint_url=server.endpoint, verify=str(authority), **keys)


def test_a_certificate_is_made_told_and_kept(secure, tmp_path):
    authority = tmp_path / "data.ca.pem"
    assert secure.endpoint.startswith("https://127.0.0.1:") and str(authority) in secure.said
    assert stat.S_IMODE(os.stat(secure.data / "tls.pem").st_mode) == 0o600
    shown = json.loads(secure.lambent("env", "--format", "json").stdout)
    assert shown["AWS_CA_BUNDLE"] == shown["NODE_EXTRA_CA_CERTS"] == str(authority)
    # boto3 as `lambent env` sets it up, and the AWS CLI.
    script = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    done = subprocess.run(
        [pathlib.Path(os.sys.executable), "-c", script], env=CLEAN | shown, capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stdout.strip().endswith(":root"), done.stderr
    tool = pathlib.Path(os.sys.executable).parent / "aws"
    done = subprocess.run([tool, "sts", "get-caller-identity"], env=CLEAN | shown, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # Who trusts nobody is told so by its own library.
    with pytest.raises(botocore.exceptions.SSLError):
        secure.client("sts", verify=True).get_caller_identity()
    before = authority.read_text()
    assert secure.stop() == 0
    secure.start()
    assert authority.read_text() == before
    assert trusting(secure, authority)("sts").get_caller_identity()["Arn"].endswith(":root")


def test_curl_negotiates_http_2_over_tls_and_is_refused_in_the_clear(secure, tmp_path):
    trusted = ["--cacert", tmp_path / "data.ca.pem"]
    for option, version in [("--http1.1", "1.1"), ("--http2", "2")]:
        _, told = signed(secure, option, *trusted, "--data", IDENTITY, secure.endpoint)
        assert told == f"200 {version}"
    body, told = curl(secure.endpoint.replace("https://", "http://"))
    assert told == "400 1.1" and "https://" in body
    # By the names that AWS's endpoints have on this machine.
    port = secure.endpoint.rsplit(":", 1)[1]
    for name in ["localhost", "sqs.us-east-1.localhost", "bucket.s3.localhost"]:
        where = ["--resolve", f"{name}:{port}:127.0.0.1", f"https://{name}:{port}/_lambent/health"]
        assert curl(*trusted, *where)[1] == "200 2"


def test_the_command_line_speaks_tls_and_urls_say_https(secure, tmp_path):
    code = tmp_path / "hello"
    code.mkdir()
    (code / "app.py").write_text("def handler(event, context):\n    return event\n")
    for arguments in [("deploy", code), ("invoke", "hello", '{"a":1}'), ("ls",)]:
        done = secure.lambent(*arguments)
        assert done.returncode == 0, done.stderr
    elsewhere = {name: value for name, value in secure.variables.items()}
    done = lambent("ls", environment=elsewhere, home=tmp_path / "nobody")
    assert done.returncode == 6 and "no secure connection" in done.stderr, done.stderr
    done = lambent(
        "ls", environment=elsewhere | {"AWS_CA_BUNDLE": str(tmp_path / "data.ca.pem")}, home=tmp_path / "nobody"
    )
    assert done.returncode == 0, done.stderr
    client = trusting(secure, tmp_path / "data.ca.pem")("lambda")
    wait_active(client, "hello")
    location = client.get_function(FunctionName="hello")["Code"]["Location"]
    assert location.startswith(secure.endpoint + "/")
    assert curl("--cacert", tmp_path / "data.ca.pem", "--output", "/dev/null", location)[1] == "200 2"


def test_a_given_certificate_is_used_and_a_bad_one_refused(own_server, tmp_path):
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=given",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )
    server = own_server("--tls-cert", str(certificate), "--tls-key", str(key)).start()
    assert trusting(server, certificate)("sts").get_caller_identity()
    assert not (server.data / "tls.pem").exists()
    assert ssl.get_server_certificate(("127.0.0.1", int(server.endpoint.rsplit(":", 1)[1]))) == certificate.read_text()
    for options, said in [
        (["--tls-cert", certificate], "go together"),
        (["--tls-cert", certificate, "--tls-key", certificate], "cannot be used"),
        (["--tls-cert", tmp_path / "none", "--tls-key", key], "cannot read tls.cert"),
        (["--tls", "--tls-cert", certificate, "--tls-key", key], "either given or made"),
    ]:
        done = lambent("up", "--data", tmp_path / "other", *options)
        assert done.returncode == 2 and said in done.stderr, done.stderr


def test_openssl_checks_the_made_chain_to_its_letter(secure, tmp_path):
    host, port = "127.0.0.1", secure.endpoint.rsplit(":", 1)[1]
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"{host}:{port}", "-CAfile", tmp_path / "data.ca.pem", "-x509_strict",
         "-verify_return_error", "-verify_ip", host, "-alpn", "http/1.1"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )
    assert "Verify return code: 0 (ok)" in done.stdout, done.stdout + done.stderr
    assert "ALPN protocol: http/1.1" in done.stdout
    done = subprocess.run(
        ["openssl", "x509", "-noout", "-text"], input=(secure.data / "tls.pem").read_text(),
        capture_output=True, text=True, check=True,
    )
    assert "CA:FALSE" in done.stdout and "TLS Web Server Authentication" in done.stdout
