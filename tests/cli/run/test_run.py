"""`headwater run -- PROGRAM`: endpoints of AWS in a program's code reach Headwater. Truth: issue 5, item 2, and scenario S4."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from headwater.engines import detour
from headwater.kernel.service import room_names

SOURCES = Path(__file__).parents[3] / "src"
ENDED_S = 60
Run = Callable[..., subprocess.CompletedProcess[str]]
by_kernel = pytest.mark.skipif(detour.missing() is not None, reason=str(detour.missing()))
pytestmark = pytest.mark.timeout(120)


def command(server: Any, *words: str) -> list[str]:
    return [sys.executable, "-m", "headwater", "run", "--home", str(server.home.path), *words]


def surroundings(**more: str) -> dict[str, str]:
    """As a user's shell is: without a word about AWS."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("AWS_") and not name.lower().endswith("_proxy")}
    no_files = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    return mine | {"PYTHONPATH": str(SOURCES), "COLUMNS": "200"} | no_files | more


@pytest.fixture
def run(server: Any) -> Run:
    def run(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
        environment = surroundings(**options.pop("env", {}))
        return subprocess.run(
            command(server, *words), env=environment, capture_output=True, text=True, timeout=ENDED_S, check=False, **options
        )

    return run


@pytest.fixture(params=["kernel", "proxy"])
def way(request: pytest.FixtureRequest) -> str:
    if request.param == "kernel" and detour.missing() is not None:
        pytest.skip(str(detour.missing()))
    return str(request.param)


def script(folder: Path, source: str) -> str:
    path = folder / "app.py"
    path.write_text(textwrap.dedent(source))
    return str(path)


def test_clients_with_fixed_endpoints_reach_headwater(run: Run, way: str, tmp_path: Path, aws: Any) -> None:
    """Requests and answers of more than one piece, announced with Expect: 100-continue as boto3 does."""
    app = script(
        tmp_path,
        """
        import boto3, os, sys
        sts = boto3.client("sts", endpoint_url="https://sts.us-east-1.amazonaws.com")
        print(sts.get_caller_identity()["Arn"])
        os.environ["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true"
        s3 = boto3.client("s3")
        assert s3.meta.endpoint_url == "https://s3.amazonaws.com", s3.meta.endpoint_url
        body = os.urandom(3_000_000)
        for bucket in ("lake." + sys.argv[1], "lake-" + sys.argv[1]):
            s3.create_bucket(Bucket=bucket)
            s3.put_object(Bucket=bucket, Key="much", Body=body)
            assert s3.get_object(Bucket=bucket, Key="much")["Body"].read() == body
        """,
    )
    account = {"AWS_ACCESS_KEY_ID": aws.account, "AWS_SECRET_ACCESS_KEY": "test"}
    ended = run("--by", way, "--", sys.executable, app, aws.account + way, env=account)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == f"arn:aws:iam::{aws.account}:root"
    assert ("by the kernel" if way == "kernel" else "HTTPS_PROXY") in ended.stderr


SAMPLE = """
import json
import boto3

client = boto3.session.Session().client(
    service_name="secretsmanager", region_name="us-east-1", endpoint_url="https://secretsmanager.us-east-1.amazonaws.com"
)
print(json.loads(client.get_secret_value(SecretId="Applications/MyApp/MySQL-RDS-Database")["SecretString"])["username"])
"""


@pytest.mark.skipif("secretsmanager" not in room_names(), reason="Secrets Manager has no room yet")
def test_the_posts_sample_reads_its_secret(run: Run, way: str, tmp_path: Path, aws: Any) -> None:
    """S4, phase 2: the endpoint is fixed in the code."""
    secret = json.dumps({"username": "admin", "password": "Initial-Passw0rd"})
    aws.client("secretsmanager").create_secret(Name="Applications/MyApp/MySQL-RDS-Database", SecretString=secret)
    account = {"AWS_ACCESS_KEY_ID": aws.account, "AWS_SECRET_ACCESS_KEY": "test"}
    ended = run("--by", way, "--", sys.executable, script(tmp_path, SAMPLE), env=account)
    assert (ended.returncode, ended.stdout.strip()) == (0, "admin"), ended.stderr


def test_a_program_that_knows_nothing_of_aws_is_led_too(run: Run, way: str, tmp_path: Path) -> None:
    app = script(
        tmp_path,
        """
        import urllib.error, urllib.request
        try:
            urllib.request.urlopen("https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15")
        except urllib.error.HTTPError as refusal:
            print(refusal.code, "MissingAuthenticationToken" in refusal.read().decode())
        """,
    )
    ended = run("--by", way, "--", sys.executable, app)
    assert (ended.returncode, ended.stdout.strip()) == (0, "403 True"), ended.stderr


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_curl_uploads_and_downloads_by_a_buckets_own_name(run: Run, way: str, tmp_path: Path, aws: Any) -> None:
    bucket = f"lake-{aws.account}"
    aws.client("s3").create_bucket(Bucket=bucket)
    signer = _signer(aws)
    body = tmp_path / "body"
    body.write_bytes(os.urandom(2_000_000))
    to, back = (signer.generate_presigned_url(f"{verb}_object", Params={"Bucket": bucket, "Key": "k"}) for verb in ("put", "get"))
    assert to.startswith(f"https://{bucket}.s3.amazonaws.com/")
    put = run("--by", way, "--", "curl", "-sS", "-f", "-T", str(body), "-H", "Expect: 100-continue", to)
    assert put.returncode == 0, put.stderr
    got = run("--by", way, "--", "curl", "-sS", "-f", "-o", str(tmp_path / "back"), back)
    assert got.returncode == 0, got.stderr
    assert (tmp_path / "back").read_bytes() == body.read_bytes()


def _signer(aws: Any) -> Any:
    import boto3
    import botocore.config

    keys = {"aws_access_key_id": aws.account, "aws_secret_access_key": "test", "region_name": "us-east-1"}
    config = botocore.config.Config(signature_version="s3v4", s3={"addressing_style": "virtual"})
    signer = boto3.session.Session().client("s3", config=config, **keys)
    aws._clients.append(signer)
    return signer


@pytest.mark.skipif(shutil.which("aws") is None, reason="there is no aws cli")
@pytest.mark.slow
def test_the_aws_cli_calls_headwater_without_a_setting(run: Run, way: str) -> None:
    ended = run("--by", way, "--", "aws", "sts", "get-caller-identity", env={"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"})
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["Arn"] == "arn:aws:iam::000000000000:root"


@by_kernel
@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node")
@pytest.mark.slow
def test_node_reaches_headwater(run: Run) -> None:
    ended = run("--", "node", "-e", 'fetch("https://sts.us-east-1.amazonaws.com/").then(answer => console.log(answer.status))')
    assert (ended.returncode, ended.stdout.strip()) == (0, "400"), ended.stderr


@by_kernel
@pytest.mark.skipif(shutil.which("javac") is None, reason="there is no JDK")
@pytest.mark.slow
def test_java_reaches_headwater(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "Ask.java"
    source.write_text(
        "public class Ask { public static void main(String[] words) throws Exception { System.out.println(((java.net.HttpURLConnection) "
        'new java.net.URL("https://sts.us-east-1.amazonaws.com/").openConnection()).getResponseCode()); } }'
    )
    ended = run("--", "java", str(source))
    assert (ended.returncode, ended.stdout.strip()) == (0, "400"), ended.stderr


STATIC = r"""
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
int main(void) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(80)};
    char ask[] = "GET / HTTP/1.1\r\nHost: sts.us-east-1.amazonaws.com\r\nConnection: close\r\n\r\n", said[13] = "";
    inet_pton(AF_INET, "127.255.255.254", &at.sin_addr);
    int one = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(one, (struct sockaddr *)&at, sizeof at)) return 1;
    return write(one, ask, strlen(ask)) < 0 || read(one, said, 12) < 0 || puts(said) < 0;
}
"""


@by_kernel
@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")
def test_a_static_program_is_led_too(run: Run, tmp_path: Path) -> None:
    """As Go's are: nothing of the C library could be replaced in it."""
    (tmp_path / "ask.c").write_text(STATIC)
    subprocess.run(["cc", "-static", "-o", str(tmp_path / "ask"), str(tmp_path / "ask.c")], check=True, capture_output=True)
    ended = run("--", str(tmp_path / "ask"))
    assert (ended.returncode, ended.stdout.strip()) == (0, "HTTP/1.1 400"), ended.stderr


def test_what_it_starts_is_led_as_well_and_what_is_beside_it_is_not(run: Run, way: str) -> None:
    ask = "import socket, sys; sys.exit(socket.create_connection(('127.255.255.254', 443), 2) is None)"
    assert subprocess.run([sys.executable, "-c", ask], capture_output=True, check=False).returncode != 0
    if way == "kernel":
        ended = run("--", "sh", "-c", f'"{sys.executable}" -c "{ask}"; echo $?')
        assert ended.stdout.strip() == "0", ended.stderr


@by_kernel
def test_what_outlives_its_own_parent_is_led_still(run: Run, tmp_path: Path) -> None:
    """A daemon's grandchild, as long as the program runs."""
    ask = "import socket; print(socket.create_connection(('127.255.255.254', 443), 2) is not None)"
    (tmp_path / "orphan.sh").write_text(f'(sleep 0.3; "{sys.executable}" -c "{ask}" > "$1") &\n')
    ended = run("--", "sh", "-c", f'sh "{tmp_path}/orphan.sh" "{tmp_path}/said"; sleep 1.5; cat "{tmp_path}/said"')
    assert ended.stdout.strip() == "True", ended.stderr


def test_other_hosts_are_reached_or_not_as_the_machine_does(run: Run, way: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as beside:
        port = beside.getsockname()[1]
        app = script(
            tmp_path,
            f"""
            import socket, urllib.request
            with socket.create_connection(("127.0.0.1", {port}), 5) as one:
                print(one.recv(5).decode())
            try:
                socket.create_connection(("127.0.0.1", 9), 5)
            except ConnectionRefusedError:
                print("refused")
            """,
        )

        def greet() -> None:
            one, _ = beside.accept()
            with one:
                one.sendall(b"hello")

        greeter = threading.Thread(target=greet)
        greeter.start()
        ended = run("--by", way, "--", sys.executable, app)
        greeter.join()
    assert ended.stdout.split() == ["hello", "refused"], ended.stderr


def test_the_exit_code_is_the_programs(run: Run, way: str) -> None:
    assert run("--by", way, "--", "sh", "-c", "exit 7").returncode == 7
    assert run("--by", way, "--", "sh", "-c", "kill -TERM $$").returncode == -signal.SIGTERM
    assert run("--by", way, "--", "sh", "-c", "kill -KILL $$").returncode == -signal.SIGKILL
    missing = run("--by", way, "--", "there-is-no-such-program")
    assert (missing.returncode, "is not found" in missing.stderr) == (127, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_signals_pass_through(server: Any, number: signal.Signals, tmp_path: Path) -> None:
    app = script(
        tmp_path,
        """
        import signal, sys
        def heard(number, frame):
            print("heard", signal.Signals(number).name, flush=True)
            sys.exit(3)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
            signal.signal(number, heard)
        print("ready", flush=True)
        signal.pause()
        """,
    )
    words = command(server, "--", sys.executable, app)
    options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, env=surroundings(), start_new_session=True, **options) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "ready\n"
        time.sleep(0.1)  # it prints before we have its signals
        running.send_signal(number)
        said, _ = running.communicate(timeout=ENDED_S)
    assert (running.returncode, said) == (3, f"heard {number.name}\n")


def test_a_program_of_a_killed_runner_ends_with_it(server: Any) -> None:
    words = command(server, "--", "sh", "-c", "echo $$; exec sleep 60")
    with subprocess.Popen(words, env=surroundings(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        program = int(running.stdout.readline())
        running.kill()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{program}").exists() and "sleep" in Path(f"/proc/{program}/cmdline").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_nothing_is_left_behind(run: Run, way: str, tmp_path: Path) -> None:
    ended = run("--by", way, "--", "sh", "-c", 'test -s "$AWS_CA_BUNDLE" && dirname "$AWS_CA_BUNDLE"', env={"TMPDIR": str(tmp_path)})
    assert Path(ended.stdout.strip()).parent == tmp_path, ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_wrong_usage_is_told_in_words(run: Run, tmp_path: Path) -> None:
    assert "a program is missing" in run().stderr
    assert "is no way" in run("--by", "magic", "--", "true").stderr
    nowhere = run("--home", str(tmp_path), "--", "true")
    assert (nowhere.returncode, "No Headwater runs" in nowhere.stdout) == (1, True)
