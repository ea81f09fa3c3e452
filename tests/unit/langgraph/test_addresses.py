"""Requests go to public addresses only, unless private ones are allowed. Nothing here connects to anything."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx
import pytest

from dashboard.langgraph import AddressRefused, RequestInvalid, RequestRejected, ServerUnreachableNotCreated, get_client
from dashboard.langgraph._transport import network as module
from dashboard.langgraph._transport.network import CheckedNetwork, ProxiedNetwork
from dashboard.langgraph.addresses import host_problem

OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{"ok": true}'


class FakeStream(httpcore.AsyncNetworkStream):
    """Sends the given answer once, whatever it receives."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.sent = b""
        self.tls: list[str | None] = []

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.answers.pop(0) if self.answers else b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.sent += buffer

    async def aclose(self) -> None:
        return None

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> FakeStream:
        self.tls.append(server_hostname)
        return self

    def get_extra_info(self, info: str) -> Any:
        return None


class FakeNetwork(httpcore.AsyncNetworkBackend):
    """Keeps what it is asked to connect to."""

    def __init__(self, stream: FakeStream | None = None, *, dead: Iterable[str] = ()) -> None:
        self.stream = stream or FakeStream(OK)
        self.connected: list[tuple[str, int]] = []
        self.dead = set(dead)

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> FakeStream:
        self.connected.append((host, port))
        if host in self.dead:
            raise httpcore.ConnectError("refused")
        return self.stream


class FakeResolver:
    """Knows names; each answer but the last is given once."""

    def __init__(self, **names: list[list[str]]) -> None:
        self.names = names
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        answers = self.names.get(host.split(".")[0])
        if not answers:
            raise OSError("Name or service not known")
        return answers.pop(0) if len(answers) > 1 else answers[0]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> tuple[FakeNetwork, FakeResolver]:
    """A network that never leaves this process, behind every client made in the test."""
    network, resolver = FakeNetwork(), FakeResolver(public=[["93.184.216.34"]])

    def made(*, allow_private: bool, proxy: httpx.URL | None, trust_proxy: bool, context: ssl.SSLContext) -> Any:
        checked = CheckedNetwork(allow_private=allow_private, resolve=resolver, network=network)
        if proxy is None:
            return checked
        way = CheckedNetwork(allow_private=True, network=network) if trust_proxy else checked
        return ProxiedNetwork(proxy, targets=None if allow_private else checked, network=way, context=context)

    monkeypatch.setattr("dashboard.langgraph._transport.client.network_for", made)
    return network, resolver


PRIVATE_LITERALS = [
    "127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "2130706433", "0x7f000001", "0x7f.0.0.1", "017700000001",
    "0177.0.0.1", "0x7F.1", "0", "0.0.0.0", "10.0.0.5", "10.1", "167772161", "172.16.0.1", "172.31.255.255",
    "192.168.1.1", "192.168.257",
    "0xc0a80101", "169.254.169.254", "2852039166", "0xa9fea9fe", "169.254.170.2", "100.64.0.1", "100.100.100.200",
    "192.0.0.192", "198.18.0.1", "192.0.2.1", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[::ffff:a9fe:a9fe]", "[::127.0.0.1]", "[fe80::1]",
    "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b::10.0.0.1]", "[64:ff9b:1::1]", "[2002:7f00:1::]", "[2002:a00:1::1]",
    "[2001:0:4136:e378:8000:63bf:80ff:fffe]", "[2001:db8::1]", "[100::1]",
    "localhost", "LOCALHOST", "localhost.", "a.localhost", "ip6-localhost",
]  # fmt: skip


@pytest.mark.parametrize("host", PRIVATE_LITERALS)
async def test_a_private_address_is_refused_in_every_spelling(
    world: tuple[FakeNetwork, FakeResolver], host: str
) -> None:
    network, resolver = world

    with pytest.raises((AddressRefused, RequestInvalid)):  # httpx itself refuses a zero before a dotted number
        async with get_client(f"http://{host}:2024", allow_private=False) as client:
            await client.ok()

    assert network.connected == []
    assert resolver.asked == []
    assert host_problem(host) is not None


@pytest.mark.parametrize(
    "host", ["93.184.216.34", "8.8.8.8", "[2606:4700::1111]", "[::ffff:8.8.8.8]", "[64:ff9b::808:808]", "134744072"]
)
async def test_a_public_address_is_connected_to(world: tuple[FakeNetwork, FakeResolver], host: str) -> None:
    network, _ = world

    async with get_client(f"http://{host}:2024", allow_private=False) as client:
        assert await client.ok()

    assert len(network.connected) == 1


@pytest.mark.parametrize(
    "answer",
    [
        ["127.0.0.1"],
        ["10.0.0.7"],
        ["169.254.169.254"],
        ["::1"],
        ["fe80::1%eth0"],
        ["::ffff:192.168.0.1"],
        ["64:ff9b::a00:1"],
        ["93.184.216.34", "10.0.0.7"],
        ["2606:4700::1111", "fd12::1"],
        ["0.0.0.0"],
    ],
)
async def test_one_private_address_of_a_name_refuses_the_name(
    world: tuple[FakeNetwork, FakeResolver], answer: list[str]
) -> None:
    network, resolver = world
    resolver.names["inner"] = [answer]

    async with get_client("https://inner.example.org", allow_private=False) as client:
        with pytest.raises(AddressRefused, match=r"inner\.example\.org resolves to"):
            await client.ok()

    assert network.connected == []


async def test_a_name_is_resolved_once_and_what_was_checked_is_connected_to(
    world: tuple[FakeNetwork, FakeResolver],
) -> None:
    network, resolver = world
    resolver.names["rebinding"] = [["93.184.216.34"], ["127.0.0.1"]]

    async with get_client("https://rebinding.example.org", allow_private=False) as client:
        assert await client.ok()
        network.stream = FakeStream(OK)
        with pytest.raises(AddressRefused):
            await client.threads.delete("3f2b8c1e-5d0a-4b7e-9c61-2a4f0d8e7b35")  # a connection of its own

    assert network.connected == [("93.184.216.34", 443)]
    assert resolver.asked == ["rebinding.example.org"] * 2


async def test_tls_asks_for_the_name_not_for_the_address(world: tuple[FakeNetwork, FakeResolver]) -> None:
    network, _ = world

    async with get_client("https://public.example.org", allow_private=False) as client:
        await client.ok()

    assert network.connected == [("93.184.216.34", 443)]
    assert network.stream.tls == ["public.example.org"]
    assert b"Host: public.example.org\r\n" in network.stream.sent


async def test_the_next_address_is_tried_when_one_is_dead(world: tuple[FakeNetwork, FakeResolver]) -> None:
    network, resolver = world
    resolver.names["two"] = [["93.184.216.34", "93.184.216.35"]]
    network.dead = {"93.184.216.34"}

    async with get_client("http://two.example.org", allow_private=False) as client:
        assert await client.ok()

    assert [host for host, _ in network.connected] == ["93.184.216.34", "93.184.216.35"]


async def test_an_unknown_name_is_unreachable(world: tuple[FakeNetwork, FakeResolver]) -> None:
    async with get_client("http://nowhere.example.org", allow_private=False) as client:
        with pytest.raises(ServerUnreachableNotCreated, match="Name or service not known"):
            await client.ok()


@pytest.mark.parametrize("location", ["http://169.254.169.254/latest/", "http://127.0.0.1/", "//10.0.0.1/ok"])
async def test_a_redirect_is_not_followed(world: tuple[FakeNetwork, FakeResolver], location: str) -> None:
    network, _ = world
    network.stream = FakeStream(f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode(), OK)

    async with get_client("http://public.example.org", allow_private=False) as client:
        with pytest.raises(RequestRejected):
            await client.ok()

    assert network.connected == [("93.184.216.34", 80)]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "inner.example.org"])
async def test_private_addresses_can_be_allowed(world: tuple[FakeNetwork, FakeResolver], host: str) -> None:
    network, resolver = world

    async with get_client(f"http://{host}:2024", allow_private=True) as client:
        assert await client.ok()

    assert network.connected == [(host, 2024)]
    assert resolver.asked == []


# Proxies.

TUNNEL = b"HTTP/1.1 200 Connection established\r\n\r\n"


async def test_requests_go_through_a_proxy_as_a_tunnel(world: tuple[FakeNetwork, FakeResolver]) -> None:
    network, resolver = world
    resolver.names["proxy"] = [["93.184.216.40"]]
    network.stream = FakeStream(TUNNEL, OK)

    async with get_client(
        "https://public.example.org", proxy="http://ada:p%40ss@proxy.example.org:3128", allow_private=False
    ) as client:
        assert await client.ok()

    assert network.connected == [("93.184.216.40", 3128)]
    assert network.stream.sent.startswith(b"CONNECT public.example.org:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic YWRhOnBAc3M=\r\n" in network.stream.sent
    assert network.stream.tls == ["public.example.org"]


@pytest.mark.parametrize("target", ["https://10.0.0.1", "https://inner.example.org"])
async def test_a_proxy_is_no_way_around_the_check(world: tuple[FakeNetwork, FakeResolver], target: str) -> None:
    network, resolver = world
    resolver.names["inner"] = [["10.0.0.1"]]

    async with get_client(target, proxy="http://public.example.org:3128", allow_private=False) as client:
        with pytest.raises(AddressRefused):
            await client.ok()

    assert network.connected == []


async def test_a_proxy_of_the_private_network_must_be_trusted(world: tuple[FakeNetwork, FakeResolver]) -> None:
    network, _ = world
    network.stream = FakeStream(TUNNEL, OK)

    async with get_client("https://elsewhere.example.org", proxy="http://10.0.0.2:3128", allow_private=False) as client:
        with pytest.raises(AddressRefused):
            await client.ok()
    async with get_client(
        "https://elsewhere.example.org", proxy="http://10.0.0.2:3128", trust_proxy=True, allow_private=False
    ) as client:
        assert await client.ok()  # its name is unknown here: the proxy looks it up

    assert network.connected == [("10.0.0.2", 3128)]


async def test_a_proxy_that_refuses_has_sent_nothing(world: tuple[FakeNetwork, FakeResolver]) -> None:
    network, _ = world
    network.stream = FakeStream(b"HTTP/1.1 403 Forbidden\r\n\r\n")

    async with get_client("https://public.example.org", proxy="public.example.org:3128") as client:
        with pytest.raises(ServerUnreachableNotCreated, match=r"the proxy .* refused: 403 Forbidden"):
            await client.runs.wait(None, "chat", input={})


async def test_the_system_resolver_gives_each_address_once() -> None:
    assert "127.0.0.1" in await module.resolve("127.0.0.1", 80)
