"""Addresses as text, and which announced ones may be dialled: protocol/discovery.md, "Addresses"."""

import socket
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2pmicro.errors import ConfigError
from p2pmicro.net.address import (
    LocalAddress,
    format_address,
    is_on_link,
    local_addresses,
    parse_address,
    socket_address,
)

LOCAL = [
    LocalAddress("eth0", 2, ip_address("192.168.1.5"), 24),
    LocalAddress("eth0", 2, ip_address("fe80::5"), 64),
    LocalAddress("eth0", 2, ip_address("fd12::5"), 64),
    LocalAddress("wlan0", 3, ip_address("203.0.113.5"), 24),
    LocalAddress("cable", 4, ip_address("10.9.9.0"), 31),
    LocalAddress("tunnel", 5, ip_address("10.8.0.2"), 0),
]


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("192.168.1.7:4000", "192.168.1.7", 4000),
        (" 192.168.1.7:1 ", "192.168.1.7", 1),
        ("[fd00::7]:65535", "fd00::7", 65535),
        ("[FD00:0:0::7]:4000", "fd00::7", 4000),
        ("[fe80::7%eth0]:4000", "fe80::7%eth0", 4000),
        ("Laptop.local:4000", "laptop.local", 4000),
        ("bücher.example:4000", "bücher.example", 4000),
        ("3com.example:4000", "3com.example", 4000),
    ],
)
def test_address_is_read(text: str, host: str, port: int) -> None:
    assert parse_address(text) == (host, port)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "HOST:PORT"),
        ("192.168.1.7", "HOST:PORT"),
        (":4000", "HOST:PORT"),
        ("fd00::7:4000", "brackets"),
        ("fd00::7", "brackets"),
        ("[fd00::7]", "brackets"),
        ("[192.168.1.7]:4000", "IPv6"),
        ("[fe80::7]:4000", "which interface"),
        ("192.168.1.7:0", "port"),
        ("192.168.1.7:65536", "port"),
        ("192.168.1.7:04000", "port"),
        ("192.168.1.7:+4", "port"),
        ("192.168.1.7:٤", "port"),
        ("192.168.1.7:", "port"),
        ("192.168.1.256:4000", "neither"),
        ("192.168.01.7:4000", "neither"),
        ("127.1:4000", "neither"),
        ("2130706433:4000", "neither"),
        ("0x7f000001:4000", "neither"),
        ("a..b:4000", "neither"),
        ("a b:4000", "neither"),
        ("http://a:4000", "brackets"),
        ("user@a:4000", "neither"),
        ("a" * 64 + ":4000", "neither"),
        ("a." * 127 + "a:4000", "neither"),
    ],
)
def test_what_is_no_address_is_told_why(text: str, word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        parse_address(text)


@given(st.ip_addresses(), st.integers(1, 65535))
def test_address_is_written_as_it_is_read(ip: object, port: int) -> None:
    host = str(ip)
    if host.startswith("fe") and ip_address(host).is_link_local:
        host += "%eth0"
    assert parse_address(format_address(host, port)) == (host, port)


@given(st.text(max_size=60))
def test_reading_raises_config_errors_alone(text: str) -> None:
    try:
        host, port = parse_address(text)
    except ConfigError:
        return
    assert parse_address(format_address(host, port)) == (host, port)


def test_socket_address_is_written_as_numbers() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        name = listener.getsockname()
    assert socket_address(name) == f"127.0.0.1:{name[1]}"
    assert socket_address(("::1", 4000, 0, 0)) == "[::1]:4000"


@pytest.mark.parametrize(
    "address",
    [
        "192.168.1.7:4000",
        "192.168.1.7:1024",
        "192.168.1.5:4000",  # another node of this machine
        "203.0.113.7:4000",  # a LAN of public addresses
        "10.9.9.1:4000",  # RFC 3021: a cable of two
        "[fe80::7%eth0]:4000",
        "[fe80::7%2]:4000",
        "[fd12::7]:4000",
    ],
)
def test_neighbour_may_be_dialled(address: str) -> None:
    assert is_on_link(address, LOCAL)


@pytest.mark.parametrize(
    "address",
    [
        "192.168.1.7:1023",
        "192.168.1.7:53",
        "192.168.2.7:4000",  # private, and behind a router
        "10.8.0.7:4000",  # a tunnel that claims everything
        "8.8.8.8:4000",
        "192.168.1.255:4000",
        "192.168.1.0:4000",
        "255.255.255.255:4000",
        "224.0.0.251:5353",
        "0.0.0.0:4000",
        "127.0.0.1:4000",
        "169.254.1.1:4000",
        "240.0.0.1:4000",
        "laptop.local:4000",  # a name would be looked up
        "[::1]:4000",
        "[::]:4000",
        "[ff02::fb]:5353",
        "[2001:db8::7]:4000",
        "[fd13::7]:4000",
        "[fe80::7]:4000",
        "[fe80::7%wlan0]:4000",  # no IPv6 there
        "[fe80::7%eth9]:4000",
        "[::ffff:192.168.1.7]:4000",
        "[::ffff:127.0.0.1]:4000",
        "[::192.168.1.7]:4000",
        "nonsense",
    ],
)
def test_nothing_but_a_neighbour_is_dialled(address: str) -> None:
    assert not is_on_link(address, LOCAL)


def test_loopback_is_dialled_when_asked_for() -> None:
    assert is_on_link("127.0.0.1:4000", [], loopback=True)
    assert is_on_link("[::1]:4000", [], loopback=True)
    assert not is_on_link("127.0.0.1:80", [], loopback=True)


def test_addresses_of_this_machine_are_without_loopback() -> None:
    found = local_addresses()
    assert not any(address.ip.is_loopback for address in found)
    assert all(address.ip in address.network for address in found)
