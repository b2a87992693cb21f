"""Addresses: their one text form, HOST:PORT, and which announced ones may be dialled.

Source: protocol/discovery.md, "Addresses".
"""

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

from ..errors import ConfigError
from ..limits import DIAL_PORT_MIN

Ip: TypeAlias = IPv4Address | IPv6Address
SocketAddress: TypeAlias = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]
"""As the socket module types it; the last one is of a Python without IPv6, and never met."""

_NAME_MAX = 253  # RFC 1035 section 2.3.4: 255 bytes with the lengths
_NAME = re.compile(r"[\w-]{1,63}(\.[\w-]{1,63})*\.?")
# The resolver reads 127.1, 0177.0.0.1 and 2130706433 as addresses: a name's last label is never a number.
_NUMBER_AT_END = re.compile(r"(^|\.)(\d+|0x[0-9a-f]*)\.?$", re.IGNORECASE | re.ASCII)
_PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)


@dataclass(frozen=True)  # without slots, for the cached property
class LocalAddress:
    """One address of this machine."""

    interface: str  # its name, as in the scope of fe80::1%eth0
    index: int  # the interface's number: a device that comes back has another
    ip: Ip  # without a scope
    prefix: int  # bits of the network that it is in

    @cached_property
    def network(self) -> IPv4Network | IPv6Network:
        """What can be reached from here without a router."""
        return ip_network(f"{self.ip}/{self.prefix}", strict=False)


def parse_address(text: str) -> tuple[str, int]:
    """Read `192.168.1.7:4000`, `[fd00::7]:4000`, `[fe80::7%eth0]:4000` or `laptop.local:4000`.

    Returns: the host, without brackets and in its shortest form, and the port (1 to 65,535).
    Raises:
        ConfigError: anything else; says what is missing.
    """
    host, colon, port_text = text.strip().rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not bracketed and ":" in host:
        raise ConfigError(f"Put an IPv6 address into brackets: [{text.strip('[]')}]:PORT, not {text}.")
    if not colon or not host:
        raise ConfigError(f"An address is HOST:PORT, such as 192.168.1.7:4000 or [fd00::7]:4000, and not {text!r}.")
    if not _PORT.fullmatch(port_text) or int(port_text) > 0xFFFF:
        raise ConfigError(f"A port is a number from 1 to 65535, and {port_text!r} in {text!r} is none.")
    return (_parse_ipv6(host[1:-1], text) if bracketed else _parse_host(host, text)), int(port_text)


def format_address(host: str, port: int) -> str:
    """Write what `parse_address` reads; brackets around IPv6."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def socket_address(given: SocketAddress) -> str:
    """Write what `getpeername` and `getsockname` give, link-local addresses with their zone."""
    host, port = socket.getnameinfo(given, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)
    return format_address(host, int(port))


def is_on_link(address: str, local: Iterable[LocalAddress], *, loopback: bool = False) -> bool:
    """Whether an announced address may be dialled: numbers only, and reached without a router.

    An announcement is a stranger's word. Were it believed, it could make every node on a LAN dial a victim elsewhere,
    or a service of its own machine or router.

    Args:
        address: as `format_address` writes it.
        local: this machine's addresses now.
        loopback: whether to believe in loopback addresses too; for nodes that share a machine without a network.
    Source: protocol/discovery.md, "Announced addresses".
    """
    try:
        host, port = parse_address(address)
        ip = ip_address(host)
    except (ValueError, ConfigError):
        return False
    if port < DIAL_PORT_MIN:
        return False
    if ip.is_loopback:
        return loopback
    if ip.is_multicast or ip.is_unspecified or ip.is_reserved:
        return False
    if isinstance(ip, IPv6Address) and ip.is_link_local:
        # RFC 4007 section 11: the zone says on which link. Ours must have it.
        return any(ip.scope_id in (a.interface, str(a.index)) for a in local if a.ip.version == 6)
    return any(_holds(a.network, ip) for a in local)


def local_addresses() -> list[LocalAddress]:
    """This machine's addresses on interfaces that are up, without loopback. Blocks for less than a millisecond."""
    import ifaddr  # costs what a start can't spare

    found = []
    for adapter in ifaddr.get_adapters():
        for given in adapter.ips:
            ip = ip_address(given.ip if isinstance(given.ip, str) else given.ip[0].partition("%")[0])
            if not ip.is_loopback:
                found.append(LocalAddress(adapter.name, adapter.index or 0, ip, given.network_prefix))
    return found


def _holds(network: IPv4Network | IPv6Network, ip: Ip) -> bool:
    if ip not in network or network.prefixlen == 0:  # a tunnel that claims everything makes nothing a neighbour
        return False
    # RFC 3021: only networks of two addresses have no broadcast address.
    return network.version == 6 or network.prefixlen >= 31 or ip not in (network[0], network[-1])


def _parse_ipv6(host: str, text: str) -> str:
    try:
        ip = IPv6Address(host)
    except ValueError:
        raise ConfigError(f"What stands in brackets must be an IPv6 address, and in {text!r} it is not.") from None
    if ip.is_link_local and ip.scope_id is None:
        raise ConfigError(f"{host} is there on every link: say on which interface, such as [{host}%eth0]:PORT.")
    return str(ip)


def _parse_host(host: str, text: str) -> str:
    try:
        return str(IPv4Address(host))
    except ValueError:
        pass
    if len(host) > _NAME_MAX or not _NAME.fullmatch(host) or _NUMBER_AT_END.search(host):
        raise ConfigError(f"{host!r} in {text!r} is neither an IPv4 address nor the name of a computer.")
    return host.lower()
