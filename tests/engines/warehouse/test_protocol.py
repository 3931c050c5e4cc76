"""The wire below what clients show: raw bytes, broken ones too. Truth: PostgreSQL documentation, "Message Formats", "Message Flow"."""

import hashlib
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.engines.warehouse import authentication, protocol

REFUSED = {
    "a length below four": struct.pack("!i", 3),
    "a startup packet of a gigabyte": struct.pack("!i", 1 << 30),
    "protocol 2": struct.pack("!iHH", 8, 2, 0),
    "a startup without an end": struct.pack("!iHH", 13, 3, 0) + b"user\0",
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


class Raw:
    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self._file = self.socket.makefile("rb")

    def message(self) -> tuple[bytes, bytes]:
        kind, length = self._file.read(1), self._file.read(4)
        return kind, self._file.read(int.from_bytes(length) - 4) if kind else b""

    def until(self, *kinds: bytes) -> list[tuple[bytes, bytes]]:
        seen = [self.message()]
        while seen[-1][0] not in {*kinds, b""}:
            seen.append(self.message())
        return seen

    def say(self, kind: bytes, body: bytes = b"") -> None:
        self.socket.sendall(kind + struct.pack("!i", len(body) + 4) + body)

    def log_in(self) -> None:
        self.say(b"", struct.pack("!HH", 3, 0) + b"user\0awsuser\0database\0dev\0\0")
        _, asked = self.message()
        inner = hashlib.md5(b"Secret99awsuser").hexdigest().encode()
        self.say(b"p", b"md5" + hashlib.md5(inner + asked[4:]).hexdigest().encode() + b"\0")
        self.until(b"Z")


@contextmanager
def raw(port: int) -> Iterator[Raw]:
    client = Raw(port)
    try:
        yield client
    finally:
        client._file.close()
        client.socket.close()


@pytest.fixture
def client(port: int) -> Iterator[Raw]:
    with raw(port) as client:
        client.log_in()
        yield client


@pytest.mark.parametrize("said", REFUSED.values(), ids=REFUSED)
def test_a_broken_opening_is_refused_and_hung_up(port: int, said: bytes) -> None:
    with raw(port) as client:
        client.socket.sendall(said)
        kind, body = client.message()
        assert kind == b"E"
        assert b"SFATAL\0C08P01\0" in body
        assert client.message() == (b"", b"")


def test_gssapi_is_declined(port: int) -> None:
    with raw(port) as client:
        client.say(b"", struct.pack("!i", protocol.GSS_REQUEST))
        assert client.socket.recv(1) == b"N"


def test_a_newer_minor_version_is_negotiated_down(port: int) -> None:
    with raw(port) as client:
        client.say(b"", struct.pack("!HH", 3, 2) + b"user\0awsuser\0_pq_.new\0yes\0\0")
        assert client.message() == (b"v", struct.pack("!ii", 3 << 16, 1) + b"_pq_.new\0")


def test_a_cancel_request_with_a_wrong_secret_does_nothing(port: int, client: Raw) -> None:
    client.say(b"Q", b"SELECT 1 AS n\0")
    with raw(port) as other:
        other.say(b"", struct.pack("!iii", protocol.CANCEL_REQUEST, 1, -5))
        assert other.message() == (b"", b"")
    assert [kind for kind, _ in client.until(b"Z")] == [b"T", b"D", b"C", b"Z"]


def test_a_portal_gives_its_rows_in_portions(client: Raw) -> None:
    client.say(b"Q", b"BEGIN\0")
    client.until(b"Z")
    client.say(b"P", b"\0SELECT range AS n FROM range(5)\0" + struct.pack("!h", 0))
    client.say(b"B", b"p\0\0" + struct.pack("!hhh", 0, 0, 0))
    client.say(b"E", b"p\0" + struct.pack("!i", 2))
    client.say(b"H")
    assert [kind for kind, _ in client.until(b"s")] == [b"1", b"2", b"D", b"D", b"s"]
    client.say(b"Q", b"SELECT 9 AS other\0")  # runs between the portions, on the same session
    client.until(b"Z")
    client.say(b"E", b"p\0" + struct.pack("!i", 2))
    client.say(b"E", b"p\0" + struct.pack("!i", 0))
    client.say(b"S")
    said = client.until(b"Z")
    assert [kind for kind, _ in said] == [b"D", b"D", b"s", b"D", b"C", b"Z"]
    assert [body[6:] for kind, body in said if kind == b"D"] == [b"2", b"3", b"4"]


def test_a_closed_portal_and_a_closed_statement_are_forgotten(client: Raw) -> None:
    client.say(b"P", b"s\0SELECT 1 AS n\0" + struct.pack("!h", 0))
    client.say(b"C", b"Ss\0")
    client.say(b"D", b"Ss\0")
    client.say(b"S")
    said = client.until(b"Z")
    assert [kind for kind, _ in said] == [b"1", b"3", b"E", b"Z"]
    assert b"C26000\0" in said[2][1]


def test_a_bind_with_too_few_values_is_refused(client: Raw) -> None:
    client.say(b"P", b"\0SELECT $1 AS n\0" + struct.pack("!h", 0))
    client.say(b"B", b"\0\0" + struct.pack("!hhh", 0, 0, 0))
    client.say(b"E", b"\0" + struct.pack("!i", 0))
    client.say(b"S")
    said = client.until(b"Z")
    assert [kind for kind, _ in said] == [b"1", b"E", b"Z"]
    assert b"C08P01\0" in said[1][1]


def test_an_unknown_message_ends_the_connection(client: Raw) -> None:
    client.say(b"!", b"")
    kind, body = client.message()
    assert (kind, b"invalid frontend message type 33" in body) == (b"E", True)
    assert client.message() == (b"", b"")


def test_plain_text_ahead_of_a_tls_handshake_is_refused(gate, serving, certificate) -> None:  # CVE-2021-23214
    with serving(gate, certificate) as port, raw(port) as client:
        ask = struct.pack("!ii", 8, protocol.SSL_REQUEST)
        client.socket.sendall(ask + ask)
        assert client.message()[0] == b"E"


@given(st.binary(max_size=200), st.sampled_from(sorted(protocol._DECODERS)))
def test_no_message_body_breaks_the_decoder(body: bytes, kind: bytes) -> None:
    with suppress(protocol.ProtocolViolation):
        protocol.message(kind, body)


@given(
    st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    st.lists(st.none() | st.binary(max_size=20), max_size=5),
)
def test_a_bind_is_read_as_it_was_written(name: str, values: list[bytes | None]) -> None:
    packed = b"".join(struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value for value in values)
    body = b"p\0" + name.encode() + b"\0" + struct.pack("!hh", 1, 0) + struct.pack("!h", len(values)) + packed + struct.pack("!h", 0)
    assert protocol.message(b"B", body) == protocol.Bind("p", name, [0], values, [])


def test_a_password_is_accepted_only_with_its_salt() -> None:
    kept = authentication.verifier("awsuser", "Secret99")
    inner = hashlib.md5(b"Secret99awsuser").hexdigest()
    answer = b"md5" + hashlib.md5(inner.encode() + b"salt").hexdigest().encode() + b"\0"
    assert authentication.accepts([kept], b"salt", answer)
    assert not authentication.accepts([kept], b"tlas", answer)
    assert not authentication.accepts([], b"salt", answer)
