"""What is made of a packet that zeroconf has read: protocol/discovery.md, "Announcements"."""

from types import SimpleNamespace
from typing import Any

import pytest

from p2pmicro.net.address import LocalAddress, local_addresses
from p2pmicro.net.mdns import SERVICE_TYPE, current_links, make_ear

PTR, SRV = 12, 33


def record(alias: str, *, kind: int = PTR, key: str = SERVICE_TYPE, goodbye: bool = False) -> Any:
    """A record as zeroconf tells of it."""
    return SimpleNamespace(new=SimpleNamespace(type=kind, key=key, alias=alias, is_expired=lambda now: goodbye))


def hear(*packets: list[Any], broken: str = "") -> list[str]:
    """The names that are looked up for packets; the one called `broken` makes zeroconf stumble."""
    names = []

    def look_up(name: str) -> None:
        if name == broken:
            raise IndexError
        names.append(name)

    ear: Any = make_ear(look_up)
    for packet in packets:
        ear.async_update_records(None, 0.0, packet)
        ear.async_update_records_complete()
    return sorted(names)


def test_each_announcement_is_heard_again() -> None:
    assert hear([record("a")], [record("a"), record("b"), record("a")]) == ["a", "a", "b"]


def test_other_services_and_goodbyes_are_not_heard() -> None:
    packet = [record("a", kind=SRV), record("b", key="_http._tcp.local."), record("c", goodbye=True)]
    assert hear(packet) == []


@pytest.mark.parametrize("broken", ["a", "b", "c"])
def test_name_that_zeroconf_stumbles_over_silences_no_other(broken: str) -> None:
    packet = [record(name) for name in "abc"]
    assert hear(packet, packet, broken=broken) == sorted(2 * [name for name in "abc" if name != broken])


def test_links_have_the_addresses_of_one_interface_each() -> None:
    links = current_links()
    usable: set[LocalAddress] = set(local_addresses())
    for link in links:
        assert {address.interface for address in link.addresses} == {link.interface}
        assert usable.issuperset(link.addresses)
        assert not any(address.ip.is_loopback for address in link.addresses)


def test_node_that_listens_on_one_address_announces_no_other() -> None:
    assert current_links({"203.0.113.77"}) == set()
