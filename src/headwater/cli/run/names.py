"""Which names are AWS's, and a name server that says so.

It answers the questions that the program asks its own name servers: names of AWS's with DOOR, all others with what the asked server says.
A program may have several name servers; each is stood in for by a socket of its own, so that one that is silent stays silent.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from typing import Final

DOOR: Final = "127.255.255.254"
"""What names of AWS's resolve to: loopback, and nobody's. Connections to it are led to Headwater."""
SUFFIXES: Final = (".amazonaws.com", ".amazonaws.com.cn", ".on.aws", ".api.aws")
_OURS: Final = re.compile(r"(^|\.)(amazonaws\.com(\.cn)?|on\.aws|api\.aws)$")
_THEIRS: Final = re.compile(r"\.(rds|elb|cache|redshift|es|compute|compute-1|[a-z0-9-]+\.compute)\.amazonaws\.com(\.cn)?$")
"""Not APIs but databases, machines and balancers that somebody has on AWS, and RDS's published certificates."""
A: Final = 1
TTL_S: Final = 5
DATAGRAM_BYTES_MAX: Final = 65_535
ANSWER_S: Final = 10.0
QUESTION_AT: Final = 12
POINTER_TO_QUESTION: Final = 0xC000 | QUESTION_AT
ANSWERED, FAILED = 0x8180, 0x8182  # an answer, recursion available; and the same with SERVFAIL


def is_of_aws(name: str) -> bool:
    """Whether Headwater stands in for this host."""
    name = name.lower().rstrip(".")
    return _OURS.search(name) is not None and _THEIRS.search(name) is None


def question(query: bytes) -> tuple[str, int, int]:
    """(name, type, where the question ends) of a query; ValueError if there is no such."""
    labels, at = [], QUESTION_AT
    while at < len(query) and query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode("latin-1"))
        at += 1 + query[at]
    if at + 5 > len(query):
        raise ValueError("no question")
    return ".".join(labels), int.from_bytes(query[at + 1 : at + 3], "big"), at + 5


def answer(query: bytes) -> bytes | None:
    """What is said of a name of AWS's: DOOR, and nothing but an IPv4 address. None for all other names."""
    name, kind, end = question(query)
    if not is_of_aws(name):
        return None
    record = struct.pack("!HHHIH", POINTER_TO_QUESTION, A, 1, TTL_S, 4) + socket.inet_aton(DOOR) if kind == A else b""
    return query[:2] + struct.pack("!HHHHH", ANSWERED, 1, 1 if record else 0, 0, 0) + query[QUESTION_AT:end] + record


class NameServers:
    """Stands in for name servers, each made when it is first asked for."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._stands: dict[str, socket.socket] = {}

    def instead_of(self, server: str, port: int) -> tuple[str, int]:
        """Where to ask instead of this server."""
        if server not in self._stands:
            stand = self._stands[server] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            stand.setblocking(False)
            stand.bind(("127.0.0.1", 0))
            asyncio.get_running_loop().add_reader(stand, self._read, stand, server, port)
        place: tuple[str, int] = self._stands[server].getsockname()
        return place

    def close(self) -> None:
        for stand in self._stands.values():
            asyncio.get_running_loop().remove_reader(stand)
            stand.close()

    def _read(self, stand: socket.socket, server: str, port: int) -> None:
        with contextlib.suppress(OSError, ValueError):  # a datagram that is no question is nobody's loss
            query, asker = stand.recvfrom(DATAGRAM_BYTES_MAX)
            said = answer(query)
            if said is not None:
                stand.sendto(said, asker)
            else:
                self._tasks.create_task(_pass_on(stand, asker, query, server, port), name="a question of names")


async def _pass_on(stand: socket.socket, asker: tuple[str, int], query: bytes, server: str, port: int) -> None:
    """Ask the server that was meant; an answer that does not come is not made up."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.setblocking(False)
        try:
            async with asyncio.timeout(ANSWER_S):
                await loop.sock_connect(out, (server, port))
                await loop.sock_sendall(out, query)
                said = await loop.sock_recv(out, DATAGRAM_BYTES_MAX)
        except TimeoutError:
            return
        except OSError:
            said = query[:2] + struct.pack("!H", FAILED) + query[4:]
    with contextlib.suppress(OSError):
        stand.sendto(said, asker)
