"""Addresses, on this machine's own loopback. Truth: our promise that a port asked for is a port given."""

from __future__ import annotations

import asyncio
import socket

import pytest

from headwater.engines import addresses
from headwater.engines.addresses import bindable, comes_free, free_address

many = pytest.mark.skipif(not bindable("127.1.2.3", 0), reason="this machine answers on 127.0.0.1 only")


@many
def test_a_server_keeps_its_address_and_gets_the_port_it_asked_for() -> None:
    host, port = free_address("orders", 43306)
    assert (host, port) == free_address("orders", 43306)
    assert port == 43306
    assert host.startswith("127.")
    assert not host.startswith("127.0.")


@many
def test_two_servers_stand_apart_by_their_addresses() -> None:
    first, _ = free_address("orders", 43306)
    second, port = free_address("orders", 43306, {first})
    assert first != second
    assert port == 43306


@many
def test_an_address_where_somebody_listens_is_passed_over() -> None:
    host, port = free_address("orders", 43306)
    with socket.create_server((host, port)):
        assert free_address("orders", 43306)[0] != host


def test_a_machine_with_one_address_gets_the_next_free_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "bindable", lambda host, port: host == "127.0.0.1" and port != 3306)
    assert free_address("orders", 3306) == ("127.0.0.1", 3307)
    assert free_address("stock", 3306, {"127.0.0.1:3307"}) == ("127.0.0.1", 3308)


@many
async def test_an_address_that_an_ending_server_still_holds_comes_free() -> None:
    host, port = free_address("ending", 3306)
    holder = socket.create_server((host, port))
    asyncio.get_running_loop().call_later(0.3, holder.close)
    assert await comes_free(host, port)
