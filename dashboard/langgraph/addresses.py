"""Which network addresses a server may have: public ones, unless private addresses are allowed for it.

Otherwise anyone who may enter a server's address could make the workers send requests into the network they run in:
to a cloud's metadata service, to databases, to themselves.
"""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address

_NAT64: Final = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL: Final = IPv6Network("64:ff9b:1::/48")
_COMPATIBLE: Final = IPv6Network("::/96")
_METADATA: Final = frozenset(
    ip_address(text) for text in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "fd00:ec2::254")
)
_NUMERIC: Final = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)(?:\.(?:0[xX][0-9a-fA-F]*|[0-9]+)){0,3}\.?")
_LOCAL_NAMES: Final = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")


def literal_address(host: str) -> Address | None:
    """The address that `host` spells out, or None for a name.

    Every spelling that a system's resolver takes for IPv4 counts: `2130706433`, `0x7f.1`, `0177.0.0.1`, `127.1`.
    """
    host = host.strip("[]")
    try:
        return ip_address(host)
    except ValueError:
        pass
    if not _NUMERIC.fullmatch(host):
        return None
    try:
        return IPv4Address(socket.inet_aton(host.rstrip(".")))
    except OSError:
        return None


def private_kind(address: Address) -> str | None:
    """What makes an address not public, as "a loopback address"; None for a public one.

    An IPv6 address that carries an IPv4 address is judged by that one: mapped, NAT64, 6to4, Teredo.
    """
    if isinstance(address, IPv6Address) and (inner := _carried(address)) is not None:
        return private_kind(inner)
    if address in _METADATA:
        return "a cloud's metadata address"
    if address.is_unspecified:
        return "an unspecified address"
    if address.is_loopback:
        return "a loopback address"
    if address.is_link_local:
        return "a link-local address"
    if address.is_multicast:
        return "a multicast address"
    if isinstance(address, IPv6Address) and (address.is_site_local or address in _NAT64_LOCAL):
        return "a private address"
    if address.is_reserved:
        return "a reserved address"
    return None if address.is_global else "a private address"


def _carried(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def host_problem(host: str) -> str | None:
    """Why a host is surely not public, as "127.0.0.1 is a loopback address". Asks no resolver; None: not known."""
    name = host.strip("[]").rstrip(".").lower()
    if name in _LOCAL_NAMES or name.endswith(".localhost"):
        return f"{host} is this machine itself"
    address = literal_address(host)
    kind = private_kind(address) if address is not None else None
    return f"{host} is {kind}" if kind else None
