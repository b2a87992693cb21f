"""Finding each other by mDNS, on a LAN of network namespaces: protocol/discovery.md, "Announcements"."""

import os
import queue
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest

from ..lan.namespaces import Lan, Namespace

ANNOUNCER = str(Path(__file__).with_name("announcer.py"))
FOUND_WITHIN_S = 10.0  # 5 s on an idle machine
GROUP, PORT = "224.0.0.251", 5353
PACKET_OUTGOING = 4


@pytest.fixture
def lan() -> Iterator[Lan]:
    with Lan() as lan:
        yield lan


class Announcer:
    """A process on a machine of the LAN that announces a port and says what it finds."""

    def __init__(self, node: Namespace, port: int, before: Sequence[str] = ()) -> None:
        self.node = node
        self._process = node.popen([*before, sys.executable, ANNOUNCER, str(port)], stdin=subprocess.PIPE)
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.seen: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.decode().strip())

    def wait_for(self, *wanted: str) -> None:
        """Wait until each of these lines has come since the start or the last `forget`."""
        deadline = time.monotonic() + FOUND_WITHIN_S
        while missing := set(wanted) - set(self.seen):
            try:
                self.seen.append(self._lines.get(timeout=max(0.0, deadline - time.monotonic())))
            except queue.Empty:
                pytest.fail(f"{self.node.name} has not found {missing}, but {self.seen}")

    def forget(self) -> None:
        self.seen.clear()

    def stop(self) -> float:
        """Let it say goodbye and end; how many seconds that took."""
        assert self._process.stdin is not None
        began = time.monotonic()
        self._process.stdin.close()
        assert self._process.wait(timeout=10) == 0
        return time.monotonic() - began


@pytest.mark.parametrize(("ipv4", "ipv6"), [(True, True), (True, False), (False, True)], ids=["both", "IPv4", "IPv6"])
def test_nodes_find_each_other_and_end_within_a_second(lan: Lan, ipv4: bool, ipv6: bool) -> None:
    nodes = [lan.add_node(name, ipv4=ipv4, ipv6=ipv6) for name in ("laptop", "phone")]
    laptop, phone = (Announcer(node, 4001 + number) for number, node in enumerate(nodes))
    laptop.wait_for(address_of(nodes[1], 4002))
    phone.wait_for(address_of(nodes[0], 4001))
    assert address_of(nodes[0], 4001) not in laptop.seen  # its own echo
    assert laptop.stop() < 1.0


def test_interface_that_comes_later_is_followed(lan: Lan) -> None:
    early, late = lan.add_node("early"), lan.add_node("late", up=False)
    waiting, offline = Announcer(early, 4001), Announcer(late, 4002)
    offline.wait_for("ready")  # no network at all is normal life
    late.link_up()
    waiting.wait_for("10.77.0.2:4002")
    offline.wait_for("changed", "10.77.0.1:4001")
    late.link_down()
    late.link_up()
    offline.forget()
    offline.wait_for("10.77.0.1:4001")


def test_new_address_is_announced(lan: Lan) -> None:
    moving, staying = lan.add_node("moving", ipv6=False), lan.add_node("staying", ipv6=False)
    mover, stayer = Announcer(moving, 4001), Announcer(staying, 4002)
    stayer.wait_for("10.77.0.1:4001")
    for arguments in (("del", "10.77.0.1/24"), ("add", "10.77.0.101/24")):
        assert moving.popen(["ip", "address", *arguments, "dev", "eth0"]).wait() == 0
    stayer.wait_for("10.77.0.101:4001")
    mover.forget()
    mover.wait_for("10.77.0.2:4002")


def test_packets_name_nobody(lan: Lan) -> None:
    """Starts of one machine share nothing in their packets that starts of another machine lack."""
    hosts = ["alices-laptop"] * 3 + ["bobs-telephone"] * 3
    nodes = [lan.add_node(f"start{number}") for number in range(6)]  # each with other addresses, as on another network
    lan.cut(*({f"start{number}", f"start{number + 3}"} for number in range(3)))
    captures = [Capture(node) for node in nodes]
    announcers = [
        Announcer(node, 4001 + number, ["unshare", "--uts", "sh", "-c", f'hostname {host}; exec "$@"', "sh"])
        for number, (node, host) in enumerate(zip(nodes, hosts, strict=True))
    ]
    for number, announcer in enumerate(announcers):
        other = (number + 3) % 6
        announcer.wait_for(address_of(nodes[other], 4001 + other))
    for announcer in announcers:
        announcer.stop()
    packets = [capture.close() for capture in captures]
    for host, sent in zip(hosts, packets, strict=True):
        assert len(sent) >= 4
        for packet in sent:
            assert host.partition("-")[0].encode() not in packet
            assert socket.gethostname().encode() not in packet
            assert (os.environ.get("USER") or "root").encode() not in packet
    for here, elsewhere in ((packets[:3], packets[3:]), (packets[3:], packets[:3])):
        assert set.intersection(*map(strings, here)) <= {s for start in elsewhere for s in strings(start)}


def test_announced_address_is_a_hint_that_nobody_else_suffers_from(lan: Lan) -> None:
    node, attacker = lan.add_node("node", ipv6=False), lan.add_node("attacker", ipv6=False)
    announcer, _ = listening_pair(node, attacker)
    bad = ["8.8.8.8", "127.0.0.1", "192.168.1.1", "10.77.1.1", "10.77.0.255", "10.77.0.0", "224.0.0.251", "0.0.0.0"]
    with multicast_socket(attacker) as sender:
        for number, host in enumerate(bad):
            sender.sendto(announcement(f"bad{number}", host, 4000), (GROUP, PORT))
        sender.sendto(announcement("low port", "10.77.0.9", 22), (GROUP, PORT))
        sender.sendto(announcement("good", "10.77.0.9", 4009), (GROUP, PORT))
        announcer.wait_for("10.77.0.9:4009")
    assert {line for line in announcer.seen if ":" in line} == {"10.77.0.2:4002", "10.77.0.9:4009"}


def test_damaged_packets_and_invented_nodes_keep_no_friend_away(lan: Lan) -> None:
    rng = random.Random(7)
    node, attacker = lan.add_node("node", ipv6=False), lan.add_node("attacker", ipv6=False)
    announcer, _ = listening_pair(node, attacker)
    with multicast_socket(attacker) as sender:
        for number in range(2000):
            packet = bytearray(announcement(f"invented {number}", f"10.77.0.{number % 250 + 4}", 4000))
            if number % 2:
                for _ in range(rng.randint(1, 8)):
                    packet[rng.randrange(len(packet))] = rng.randrange(256)
                packet = packet[: rng.randint(1, len(packet))]
            sender.sendto(packet, (GROUP, PORT))
    Announcer(lan.add_node("friend", ipv6=False), 4003)
    announcer.wait_for("10.77.0.3:4003")
    assert announcer.stop() < 1.0


# --- Helpers ---


def listening_pair(first: Namespace, second: Namespace) -> tuple[Announcer, Announcer]:
    """Two nodes that have found each other, so that both are known to listen."""
    announcers = Announcer(first, 4001), Announcer(second, 4002)
    announcers[0].wait_for(address_of(second, 4002))
    announcers[1].wait_for(address_of(first, 4001))
    return announcers


def address_of(node: Namespace, port: int) -> str:
    """Where the others find a node: IPv4 if it has it."""
    if node.ipv4 is not None:
        return f"{node.ipv4}:{port}"
    shown = node.popen(["ip", "-6", "-brief", "address", "show", "dev", "eth0"])
    assert shown.stdout is not None
    return f"[{shown.stdout.read().decode().split()[2].partition('/')[0]}%eth0]:{port}"


class Capture:
    """What a machine sends by mDNS: the UDP payloads."""

    def __init__(self, node: Namespace) -> None:
        self._socket = node.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0003))
        self._socket.settimeout(0.2)
        self._packets: list[bytes] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while not self._end.is_set():
            try:
                packet, (_, protocol, direction, *_) = self._socket.recvfrom(65536)
            except TimeoutError:
                continue
            header = {0x0800: 20, 0x86DD: 40}.get(protocol)  # IPv4, IPv6
            if header is not None and direction == PACKET_OUTGOING:
                ports, payload = packet[header : header + 4], packet[header + 8 :]
                if ports == PORT.to_bytes(2) * 2:
                    self._packets.append(payload)

    def close(self) -> list[bytes]:
        self._end.set()
        self._thread.join()
        self._socket.close()
        return self._packets


def strings(packets: Sequence[bytes]) -> set[bytes]:
    """All strings of 8 bytes behind the headers of DNS packets, but for those with a zero, as lengths have it.

    A name has none, and of a key some 8 bytes in a row have none either.
    """
    return {
        packet[at : at + 8] for packet in packets for at in range(12, len(packet) - 7) if 0 not in packet[at : at + 8]
    }


def multicast_socket(node: Namespace) -> socket.socket:
    made = node.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # a node is there too
    made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(str(node.ipv4)))
    made.bind((str(node.ipv4), PORT))
    return made


def announcement(instance: str, host: str, port: int) -> bytes:
    """An mDNS response as RFC 6762 has it, by hand: PTR, SRV, TXT and A."""
    service = dns_name("_p2pmicro", "_tcp", "local")
    name, server = dns_name(instance, "_p2pmicro", "_tcp", "local"), dns_name(instance + "-host", "local")
    records = [
        record(service, 12, name),
        record(name, 33, bytes(4) + port.to_bytes(2) + server),
        record(name, 16, b"\0"),
        record(server, 1, ip_address(host).packed),
    ]
    return bytes.fromhex("000084000000000400000000") + b"".join(records)


def record(name: bytes, kind: int, data: bytes) -> bytes:
    return name + kind.to_bytes(2) + b"\0\x01" + (120).to_bytes(4) + len(data).to_bytes(2) + data


def dns_name(*labels: str) -> bytes:
    return b"".join(bytes((len(label),)) + label.encode() for label in labels) + b"\0"
