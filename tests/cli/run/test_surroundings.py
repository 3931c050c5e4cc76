"""Names, trust and environment of `headwater run`. Truth: issue 5, item 2; RFC 1035 for the datagrams."""

import asyncio
import socket
import ssl
import struct
from pathlib import Path
from typing import Any

import pytest

from headwater.cli.run.doors import Certificates, Gateway, proxy_door, tls_door
from headwater.cli.run.names import DOOR, NameServers, answer, is_of_aws, question
from headwater.cli.run.surroundings import PEM, environment, write_trust
from headwater.kernel.certificates import authority_path
from headwater.kernel.clock import Clock


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = Clock()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("secretsmanager.us-east-1.amazonaws.com", True),
        ("s3.amazonaws.com.", True),
        ("My-Lake.S3.eu-west-1.amazonaws.com", True),
        ("rds.eu-central-1.amazonaws.com", True),
        ("lambda.us-east-1.api.aws", True),
        ("abc.lambda-url.us-east-1.on.aws", True),
        ("sqs.cn-north-1.amazonaws.com.cn", True),
        ("town.cluster-abc.us-east-1.rds.amazonaws.com", False),
        ("truststore.pki.rds.amazonaws.com", False),
        ("ec2-1-2-3-4.compute-1.amazonaws.com", False),
        ("shop-12.us-east-1.elb.amazonaws.com", False),
        ("amazonaws.com.example.org", False),
        ("notamazonaws.com", False),
        ("pypi.org", False),
    ],
)
def test_which_names_are_awss(name: str, expected: bool) -> None:
    assert is_of_aws(name) is expected


def query(name: str, kind: int = 1) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!HHHHHH", 4711, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, 1)


def test_a_name_of_awss_has_one_address_and_no_other_record() -> None:
    said = answer(query("sts.amazonaws.com"))
    assert said is not None
    assert said.endswith(socket.inet_aton(DOOR))
    assert struct.unpack("!HHHHHH", said[:12]) == (4711, 0x8180, 1, 1, 0, 0)
    other = answer(query("sts.amazonaws.com", 28))
    assert other is not None
    assert struct.unpack("!HHHHHH", other[:12]) == (4711, 0x8180, 1, 0, 0, 0)
    assert answer(query("pypi.org")) is None
    assert question(query("pypi.org", 28))[:2] == ("pypi.org", 28)
    with pytest.raises(ValueError, match="no question"):
        question(b"\0" * 12 + b"\x20too short")


async def test_other_names_are_asked_of_the_server_that_was_meant() -> None:
    loop = asyncio.get_running_loop()
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as real,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as program,
    ):
        for each in (real, program):
            each.setblocking(False)
            each.bind(("127.0.0.1", 0))
        async with asyncio.TaskGroup() as tasks:
            names = NameServers(tasks)
            stand = names.instead_of(*real.getsockname())
            assert names.instead_of(*real.getsockname()) == stand
            await loop.sock_sendto(program, query("pypi.org"), stand)
            asked, asker = await loop.sock_recvfrom(real, 512)
            assert asked == query("pypi.org")
            await loop.sock_sendto(real, b"what the server says", asker)
            assert await loop.sock_recv(program, 512) == b"what the server says"
            await loop.sock_sendto(program, b"nonsense", stand)
            await loop.sock_sendto(program, query("sts.amazonaws.com"), stand)
            assert (await loop.sock_recv(program, 512)).endswith(socket.inet_aton(DOOR))
            nobody = names.instead_of("127.0.0.99", 9)
            await loop.sock_sendto(program, query("pypi.org"), nobody)
            failed = await loop.sock_recv(program, 512)
            assert struct.unpack("!HH", failed[:4]) == (4711, 0x8182)
            names.close()


def test_the_environment_leads_to_headwater_and_keeps_what_the_user_set(tmp_path: Path) -> None:
    bare = environment({"PATH": "/bin"}, "http://127.0.0.1:4566", tmp_path, None)
    assert bare["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert (bare["AWS_ACCESS_KEY_ID"], bare["AWS_SECRET_ACCESS_KEY"], bare["AWS_REGION"]) == ("test", "test", "us-east-1")
    assert {bare[name] for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")} == {str(tmp_path / PEM)}
    assert "HTTPS_PROXY" not in bare
    assert "NO_PROXY" not in bare
    own = {"AWS_ACCESS_KEY_ID": "123456789012", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "eu-west-1"}
    kept = environment(own | {"JAVA_TOOL_OPTIONS": "-Xmx1g"}, "http://127.0.0.1:4566", tmp_path, None)
    assert {name: kept[name] for name in own} == own
    assert kept["JAVA_TOOL_OPTIONS"].startswith("-Xmx1g -D")
    assert "AWS_REGION" not in kept
    profile = environment({"AWS_PROFILE": "dev"}, "http://127.0.0.1:4566", tmp_path, None)
    assert not {"AWS_ACCESS_KEY_ID", "AWS_REGION"} & profile.keys()


def test_a_proxy_of_the_users_is_not_asked_for_names_of_awss(tmp_path: Path) -> None:
    users = {"HTTPS_PROXY": "http://proxy.corp:3128", "NO_PROXY": "intra.corp,.s3.amazonaws.com"}
    led = environment(users, "http://127.0.0.1:4566", tmp_path, None)
    assert led["HTTPS_PROXY"] == "http://proxy.corp:3128"
    assert {"intra.corp", ".amazonaws.com", "127.0.0.1"} <= set(led["NO_PROXY"].split(","))
    ours = environment(users, "http://127.0.0.1:4566", tmp_path, 8080)
    assert ours["https_proxy"] == "http://127.0.0.1:8080"
    assert ours["NO_PROXY"].split(",") == ["intra.corp", "127.0.0.1", "localhost"]


def test_the_program_trusts_whom_it_trusted_and_headwater(tmp_path: Path) -> None:
    corporate = authority_path(Folder(tmp_path / "corporate"))
    ours = authority_path(Folder(tmp_path / "home"))
    write_trust({"REQUESTS_CA_BUNDLE": str(corporate)}, ours, tmp_path)
    trusted = (tmp_path / PEM).read_text()
    assert corporate.read_text() in trusted
    assert ours.read_text() in trusted
    assert trusted.count("BEGIN CERTIFICATE") > 100  # the world's


async def test_every_name_of_awss_has_a_certificate_of_its_own_and_others_have_none(tmp_path: Path) -> None:
    holder = Folder(tmp_path)
    trusting = ssl.create_default_context(cafile=authority_path(holder))
    async with tls_door(Certificates(holder), Gateway("http://127.0.0.1:9")) as port:
        for name in ("sts.amazonaws.com", "a.b.s3.eu-west-1.amazonaws.com", "x.lambda-url.us-east-1.on.aws"):
            _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname=name)
            names = [value for _, value in writer.get_extra_info("peercert")["subjectAltName"]]
            assert f"*.{name.partition('.')[2]}" in names
            writer.close()
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname="pypi.org")


async def test_the_proxy_tunnels_other_names_as_they_are_or_through_the_users_own() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"echo " + await reader.read(100))
        writer.close()

    async def ask(port: int, head: bytes, body: bytes = b"") -> tuple[bytes, bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head + b"\r\n\r\n")
        said = await reader.readuntil(b"\r\n\r\n")
        writer.write(body)
        rest = await reader.read(100)
        writer.close()
        return said, rest

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    beside: Any = server.sockets[0].getsockname()[1]
    async with server, proxy_door(9, None) as port, proxy_door(9, f"http://127.0.0.1:{port}") as chained:
        for door in (port, chained):
            said, rest = await ask(door, b"CONNECT 127.0.0.1:%d HTTP/1.1" % beside, b"hello")
            assert (said[:12], rest) == (b"HTTP/1.1 200", b"echo hello")
        said, _ = await ask(port, b"CONNECT 127.0.0.1:9 HTTP/1.1")
        assert said.startswith(b"HTTP/1.1 502")
        said, _ = await ask(port, b"GET http://pypi.org/ HTTP/1.1")
        assert said.startswith(b"HTTP/1.1 405")
