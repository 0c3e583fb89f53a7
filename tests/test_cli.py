"""The command line against a real server: its answers, its streams, its exit codes."""

import json
import re
import subprocess

from conftest import BINARY, CLEAN, ROOT, lambent


def run(server, *arguments, **options):
    return server.lambent(*arguments, **options)


def test_init_deploy_invoke_logs_ls_rm(server, tmp_path):
    assert run(server, "init", "hello", cwd=tmp_path).returncode == 0
    deployed = run(server, "deploy", "hello", cwd=tmp_path)
    assert deployed.returncode == 0, deployed.stderr
    assert deployed.stdout == ""
    lines = deployed.stderr.splitlines()
    assert re.fullmatch(r"hello: python3\.\d+, app\.handler \(found\), 128 MB, 3 s", lines[0])
    assert re.fullmatch(r"  packed 3 files, \d+ bytes  \d+ ms", lines[1])
    assert re.fullmatch(r"  made role hello-role \(may write its logs\)  \d+ ms", lines[2])
    assert re.fullmatch(r"  created, active  .*", lines[3])
    assert lines[4] == """next: lambent invoke hello '{"name":"world"}'"""

    cold = run(server, "invoke", "hello", '{"name":"world"}')
    assert (cold.returncode, cold.stdout) == (0, '{"greeting": "hello world"}\n'), cold.stderr
    assert re.fullmatch(
        r"ok cold [\d.,]+ ms: init [\d.]+, run [\d.]+, lambent [\d.]+; billed \d+ ms; \d+/128 MB\n", cold.stderr
    )
    warm = run(server, "invoke", "hello", "-", input='{"name":"pipe"}')
    assert warm.stdout == '{"greeting": "hello pipe"}\n' and warm.stderr.startswith("ok warm ")

    failed = run(server, "invoke", "hello", "{}")
    assert failed.returncode == 3
    assert json.loads(failed.stdout)["errorType"] == "KeyError"
    assert failed.stderr.startswith("error: hello failed: KeyError: 'name'\n  app.py:")
    prefix = re.search(r"lambent logs hello --request ([0-9a-f]{4})", failed.stderr).group(1)

    logs = run(server, "logs", "hello")
    assert logs.returncode == 0
    assert re.search(r"^\d\d:\d\d:\d\d\.\d{3} [0-9a-f]{4} START   cold, init [\d.]+ ms$", logs.stdout, re.M)
    one = run(server, "logs", "hello", "--request", prefix).stdout
    assert "KeyError" in one and all(f" {prefix} " in line for line in one.splitlines() if line[2:3] == ":")
    assert "REPORT RequestId: " in run(server, "logs", "hello", "--raw").stdout

    listed = run(server, "ls").stdout.splitlines()
    assert listed[0].split() == ["NAME", "RUNTIME", "MB", "STATE", "MODIFIED"]
    assert any(line.split()[0] == "hello" for line in listed[1:])

    again = run(server, "deploy", "hello", cwd=tmp_path)
    assert again.returncode == 0 and "  nothing changed" in again.stderr
    (tmp_path / "hello" / "app.py").write_text("def handler(event, context):\n    return 'new'\n")
    changed = run(server, "deploy", "hello", "--memory", "256", cwd=tmp_path)
    assert "  updated code, active" in changed.stderr and "  updated settings, active" in changed.stderr
    assert run(server, "invoke", "hello").stdout == '"new"\n'

    asked = run(server, "rm", "hello")
    assert asked.returncode == 2 and "do: lambent rm hello --yes" in asked.stderr
    dry = run(server, "--dry-run", "rm", "hello")
    assert dry.returncode == 0 and "aws lambda delete-function --function-name hello\n" in dry.stdout
    assert "removed" not in dry.stderr, "it says what it did not do"
    removed = run(server, "rm", "hello", "--yes")
    assert removed.returncode == 0, removed.stderr
    assert removed.stderr == "removed hello\nremoved hello-role, which was made for it\n"
    gone = run(server, "invoke", "hello")
    assert gone.returncode == 5 and gone.stderr.startswith("error: no function hello\n")


def test_a_shell_script_deploys_as_it_is(server):
    deployed = run(server, "deploy", ROOT / "examples/hello-bootstrap", "--name", "script")
    assert deployed.returncode == 0, deployed.stderr
    assert "script: provided.al2023, bootstrap (found)" in deployed.stderr
    assert json.loads(run(server, "invoke", "script", '{"a":1}').stdout)["event"] == {"a": 1}
    assert run(server, "rm", "script", "--yes").returncode == 0


def test_rm_leaves_alone_what_deploy_did_not_make(server, make_function):
    name = make_function("greet")
    refused = run(server, "rm", name, "--yes")
    assert refused.returncode == 1 and "was not made by lambent deploy" in refused.stderr


def test_each_call_is_shown_as_an_aws_command(server, make_function, invoke):
    name = make_function("greet")
    shown = run(server, "-v", "invoke", name, '{"name":"v"}')
    assert f"aws lambda invoke --function-name {name} --log-type Tail" in shown.stderr
    dry = run(server, "--dry-run", "invoke", name, '{"name":"v"}')
    assert dry.stdout.startswith("aws lambda invoke ") and "ok " not in dry.stderr


def test_repeat_measures(server, make_function):
    name = make_function("greet")
    measured = run(server, "--json", "invoke", name, '{"name":"n"}', "--repeat", "20")
    assert measured.returncode == 0, measured.stderr
    document = json.loads(measured.stdout)
    assert (document["Calls"], document["Cold"], document["Failed"]) == (20, 1, 0)
    assert document["TotalMs"]["P50"] <= document["TotalMs"]["Max"]


def test_env_speaks_every_shell_and_saves_a_profile(server, tmp_path):
    shell = run(server, "env").stdout
    found = subprocess.run(
        ["sh", "-c", f"{shell}\necho $AWS_ENDPOINT_URL $AWS_ACCESS_KEY_ID"], capture_output=True, text=True, env=CLEAN
    )
    assert found.stdout.split() == [server.endpoint, server.access_key]
    assert json.loads(run(server, "env", "--format", "json").stdout)["AWS_REGION"] == "us-east-1"
    home = {"HOME": str(tmp_path)}
    assert run(server, "env", "--save", environment=home).returncode == 0
    assert "[profile lambent]" in (tmp_path / ".aws/config").read_text()
    listed = lambent("--profile", "lambent", "--json", "ls", environment=home)
    assert listed.returncode == 0, listed.stderr
    assert "Functions" in json.loads(listed.stdout)


def test_exec_runs_a_command_with_the_server_in_its_environment(server):
    done = run(server, "exec", "--", "sh", "-c", "echo $AWS_ENDPOINT_URL; exit 9")
    assert (done.returncode, done.stdout.strip()) == (9, server.endpoint)


def test_exec_fresh_brings_its_own_server_and_leaves_nothing(tmp_path):
    script = f"{BINARY} status --json && test -z \"$({BINARY} ls 2>/dev/null)\""
    done = lambent("exec", "--fresh", "--", "sh", "-c", script, environment={"TMPDIR": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    endpoint = json.loads(done.stdout)["Endpoint"]
    assert list(tmp_path.iterdir()) == []
    gone = lambent("--endpoint", endpoint, "ls", environment={"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"})
    assert gone.returncode == 6


def test_status_says_who_and_what(server):
    status = run(server, "status", "--json")
    assert status.returncode == 0, status.stderr
    document = json.loads(status.stdout)
    assert document["Healthy"] is True and document["Endpoint"] == server.endpoint
    assert run(server, "status").stdout.startswith("server ")


def test_real_aws_is_never_reached(tmp_path):
    home = {"HOME": str(tmp_path)}
    keys = {"AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_SECRET_ACCESS_KEY": "s"}
    real = home | keys | {"AWS_ENDPOINT_URL": "https://lambda.us-east-1.amazonaws.com"}
    for environment in (real, home | keys):
        done = lambent("ls", environment=environment)
        assert done.returncode == 4
        assert done.stderr.startswith("error: will not talk to amazonaws.com\n  why: ")


def test_no_server_is_exit_6(tmp_path):
    done = lambent("--data", tmp_path / "none", "ls")
    assert done.returncode == 6 and done.stderr.startswith("error: no server has the data folder")
    document = json.loads(lambent("--json", "--data", tmp_path / "none", "ls").stderr)
    assert document["Error"]["Code"] == "NoServer" and document["Error"]["Do"] == "lambent up"


def test_up_in_the_background_and_down(tmp_path):
    data = tmp_path / "data"
    up = lambent("up", "-d", "--data", data, "--listen", "127.0.0.1:0")
    assert up.returncode == 0, up.stderr
    assert re.match(r"lambent 0\.1\.0 ready in \d+ ms at http://127\.0\.0\.1:\d+\n", up.stderr)
    assert lambent("--data", data, "status").returncode == 0
    down = lambent("--data", data, "down")
    assert down.returncode == 0 and down.stderr.startswith("stopped, pid ")
    assert lambent("--data", data, "ls").returncode == 6
    assert lambent("--data", data, "down").returncode == 6


def test_config_says_where_each_setting_comes_from(tmp_path):
    file = tmp_path / "lambent.toml"
    file.write_text('region = "eu-west-1"\n')
    shown = lambent("config", "--config", file, "--listen", "127.0.0.1:0", environment={"LAMBENT_LOG": "warn"})
    assert shown.returncode == 0, shown.stderr
    lines = {line.split()[0]: line for line in shown.stdout.splitlines() if line.strip()}
    assert "eu-west-1" in lines["region"] and "lambent.toml" in lines["region"]
    assert "LAMBENT_LOG" in lines["log"] and "--listen" in lines["listen"]
    file.write_text('\nregoin = "x"\n')
    wrong = lambent("config", "--config", file)
    assert wrong.returncode == 2
    assert "lambent.toml:2: no setting regoin" in wrong.stderr and "nearest: region" in wrong.stderr


def test_doctor_tells_what_this_machine_gives():
    done = lambent("doctor")
    assert done.returncode in (0, 1)
    assert re.search(r"^ok +Linux ", done.stdout, re.M)


def test_bash_completes_verbs_and_names_of_functions(server, make_function, tool_path):
    name = make_function("greet")
    script = """source <(lambent completions bash)
COMP_WORDS=(lambent "$1" "$2"); COMP_CWORD=2; [[ -n $3 ]] && COMP_WORDS=(lambent "$1") COMP_CWORD=1
$(complete -p lambent | sed 's/.*-F \\([^ ]*\\).*/\\1/') lambent "${COMP_WORDS[COMP_CWORD]}" lambent
printf '%s\\n' "${COMPREPLY[@]}"
"""
    environment = CLEAN | {"LAMBENT_DATA": str(server.data), "PATH": f"{tool_path}:/usr/bin:/bin"}

    def complete(*words):
        done = subprocess.run(
            ["bash", "-c", script, "bash", *words], env=environment, capture_output=True, text=True, timeout=30
        )
        return done.stdout.split(), done.stderr

    found, error = complete("invoke", name[:6])
    assert found == [name], error
    found, error = complete("depl", "", "verb")
    assert found == ["deploy"], error


def test_version_help_and_completions_need_no_server(tmp_path):
    assert lambent("version", home=tmp_path).stdout == "lambent 0.1.0\n"
    assert "Usage: lambent COMMAND" in lambent("--help", home=tmp_path).stdout
    assert "deploy" in lambent("completions", "bash", home=tmp_path).stdout
    wrong = lambent("dploy", home=tmp_path)
    assert wrong.returncode == 2 and "deploy" in wrong.stderr
