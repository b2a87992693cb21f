"""Hear every frame on the switch of a LAN, and say which of them have no business there."""

import ipaddress
import socket
import threading
from collections.abc import Collection
from types import TracebackType
from typing import Self

_FRAME_MAX_BYTES = 1 << 17  # segments are put together before the tap sees them
_BUFFER_BYTES = 16 << 20
_SO_RCVBUFFORCE = 33
_ARP, _IPV4, _IPV6 = 0x0806, 0x0800, 0x86DD
_HOP_BY_HOP, _IGMP, _TCP, _UDP, _ICMPV6 = 0, 2, 6, 17, 58
_MDNS_PORT = 5353
_MDNS_GROUPS = {ipaddress.ip_address("224.0.0.251"), ipaddress.ip_address("ff02::fb")}


class Tap:
    """Collects frames from a packet socket until it is left."""

    def __init__(self, packets: socket.socket) -> None:
        self._packets = packets
        self._packets.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
        self.frames: list[bytes] = []
        self._over = False
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> Self:
        self._packets.settimeout(0.2)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        self._thread.join()
        self._packets.close()

    def _listen(self) -> None:
        while True:
            try:
                self.frames.append(self._packets.recv(_FRAME_MAX_BYTES))
            except TimeoutError:  # all that came has been read
                if self._over:
                    return


def purpose(frame: bytes, tls_ports: Collection[int]) -> str:
    """What a frame is for: "link", "mdns" or "tls"; anything else is said as it is."""
    kind = int.from_bytes(frame[12:14], "big")
    if kind == _ARP:
        return "link"
    if kind == _IPV4:
        header = 4 * (frame[14] & 0x0F)
        protocol, rest = frame[23], frame[14 + header :]
        to: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.IPv4Address(frame[30:34])
    elif kind == _IPV6:
        protocol, rest = frame[20], frame[54:]
        to = ipaddress.IPv6Address(frame[38:54])
        if protocol == _HOP_BY_HOP:  # RFC 8200 section 4.3: the listener reports of multicast have it
            protocol, rest = rest[0], rest[8 * (rest[1] + 1) :]
    else:
        return f"ethertype {kind:04x}"
    if protocol in (_IGMP, _ICMPV6):
        return "link"
    ports = {int.from_bytes(rest[:2], "big"), int.from_bytes(rest[2:4], "big")}
    if protocol == _UDP and ports == {_MDNS_PORT} and to in _MDNS_GROUPS:
        return "mdns"
    if protocol == _TCP and ports & set(tls_ports):
        return "tls"
    return f"protocol {protocol} to {to}, ports {sorted(ports)}"
