"""Announce this node on each link and find the others there, by multicast DNS. The only home of zeroconf.

Each interface has an mDNS service of its own, with random names that live as long as its addresses: what one link is
told holds there only, and nothing that it was told can be recognised on the next. An interface that comes, goes or gets
another address begins anew. Source: protocol/discovery.md, "Announcements".
"""

import contextlib
import logging
import secrets
import socket
import sys
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from ..limits import ANNOUNCED_MAX
from .address import LocalAddress, format_address, is_on_link, local_addresses

if TYPE_CHECKING:
    from zeroconf import RecordUpdateListener

logger = logging.getLogger(__name__)

SERVICE_TYPE = "_p2pmicro._tcp.local."
NAME_BYTES = 8  # random, in hex; a clash of two nodes is not worth a packet, so names are not probed
LOOK_EVERY_S = 3.0  # at the interfaces
ANNOUNCE_EVERY_S = 60.0
_PTR = 12  # RFC 1035 section 3.2.2
LINKS_MAX = 8  # a thread each; a machine full of containers has hundreds of interfaces


@dataclass(frozen=True, slots=True)
class Link:
    """An interface with the addresses that it has now."""

    interface: str
    index: int
    addresses: tuple[LocalAddress, ...]  # IPv4 first


async def run_mdns(
    port: int,
    found: trio.MemorySendChannel[str],
    *,
    only: Collection[str] = (),
    on_change: Callable[[], None] = lambda: None,
) -> None:
    """Announce this node and look for others until cancelled; then say goodbye, within a second.

    No network at all, an interface without multicast or one that goes away are normal life: it tries again, quietly.

    Args:
        port: where this node listens, on all its addresses.
        found: takes addresses that may be dialled, the same ones again and again (each node says its own at least once
            a minute); what finds no room is dropped. It stays open.
        only: where the node listens on some of its addresses only, those.
        on_change: called when an interface has come, gone or changed: a good time to try known addresses again.
    """
    running: dict[Link, trio.CancelScope] = {}
    own_names: set[str] = set()
    async with trio.open_nursery() as nursery:
        while True:
            links = await trio.to_thread.run_sync(current_links, only)
            for link in running.keys() - links:
                running.pop(link).cancel()
            new = links - running.keys()
            for link in new:
                running[link] = trio.CancelScope()
                nursery.start_soon(_run_link, link, port, found, own_names, running)
            if new:
                on_change()
            await trio.sleep(LOOK_EVERY_S)


def current_links(only: Collection[str] = ()) -> set[Link]:
    """The interfaces that are up now, without loopback; blocks for about a millisecond."""
    by_interface: dict[tuple[str, int], list[LocalAddress]] = {}
    for address in local_addresses():
        if (not only or str(address.ip) in only) and _is_usable(address):
            by_interface.setdefault((address.interface, address.index), []).append(address)
    links = [
        Link(interface, index, tuple(sorted(addresses, key=lambda address: (address.ip.version, address.ip.packed))))
        for (interface, index), addresses in by_interface.items()
    ]
    # Containers' ends of their cables have IPv6 only, and are the last that anybody is behind.
    links.sort(key=lambda link: (link.addresses[0].ip.version, link.index))
    return set(links[:LINKS_MAX])


def _is_usable(address: LocalAddress) -> bool:
    """Whether it can be bound to: an IPv6 address can't while the system looks for a second owner (RFC 4862, 5.4)."""
    version6 = address.ip.version == 6
    with socket.socket(socket.AF_INET6 if version6 else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            zone = address.index if address.ip.is_link_local else 0
            probe.bind((str(address.ip), 0, 0, zone) if version6 else (str(address.ip), 0))
        except OSError:
            return False
    return True


async def _run_link(
    link: Link,
    port: int,
    found: trio.MemorySendChannel[str],
    own_names: set[str],
    running: dict[Link, trio.CancelScope],
) -> None:
    scope = running[link]
    token = trio.lowlevel.current_trio_token()
    waiting: deque[str] = deque()

    def take() -> None:
        while waiting:
            with contextlib.suppress(trio.WouldBlock, trio.BrokenResourceError, trio.ClosedResourceError):
                found.send_nowait(waiting.popleft())

    def hand_over(address: str) -> None:  # in zeroconf's thread
        if len(waiting) < ANNOUNCED_MAX:
            waiting.append(address)
            with contextlib.suppress(trio.RunFinishedError):
                token.run_sync_soon(take, idempotent=True)

    def fail() -> None:  # in zeroconf's thread
        with contextlib.suppress(trio.RunFinishedError):
            token.run_sync_soon(scope.cancel)

    try:
        with scope:
            # Once asked for, the service is waited for, or it could not be closed.
            with trio.CancelScope(shield=True):
                service = await trio.to_thread.run_sync(LinkService, link, port, hand_over, fail, own_names)
            logger.info("Announcing on %s.", link.interface)
            try:
                await trio.sleep_forever()
            finally:
                with trio.CancelScope(shield=True):
                    await trio.to_thread.run_sync(service.close)
    except (OSError, RuntimeError) as error:  # zeroconf's RuntimeError: the address has just gone
        logger.info("No announcements on %s for now: %s.", link.interface, error)
    if running.get(link) is scope:  # it ended by itself: the next look begins anew
        del running[link]


class LinkService:
    """Zeroconf on one link: its own threads, which touch nothing of the node but `hand_over`. All methods block."""

    def __init__(
        self,
        link: Link,
        port: int,
        hand_over: Callable[[str], None],
        failed: Callable[[], None],
        own_names: set[str],
    ) -> None:
        """Open the sockets and begin to announce and to ask.

        Args:
            hand_over: called in zeroconf's thread with each address that is announced and may be dialled.
            failed: called in zeroconf's thread when it can't go on; it is still to be closed.
            own_names: instance names of this node on all links; what is heard under them is its own echo.
        Raises:
            OSError, RuntimeError: the interface has gone or can't be used.
        """
        zeroconf_logger = logging.getLogger("zeroconf")
        if zeroconf_logger.level == logging.NOTSET:
            zeroconf_logger.setLevel(logging.CRITICAL)  # it warns of every network that is not there
        import asyncio  # this and zeroconf cost 131 ms: after the node is ready

        import zeroconf

        self._link = link
        self._hand_over = hand_over
        self._failed = failed
        self._own_names = own_names
        self._name = f"{secrets.token_hex(NAME_BYTES)}.{SERVICE_TYPE}"
        self._info = zeroconf.ServiceInfo(
            SERVICE_TYPE,
            self._name,
            port,
            properties=b"\0",  # RFC 6763 section 6.1: nothing to say, in one byte
            addresses=[address.ip.packed for address in link.addresses],
            server=f"{secrets.token_hex(NAME_BYTES)}.local.",  # not the name of this machine
        )
        # use_asyncio=False: its own loop in its own thread, even where the program around us runs asyncio.
        self._zeroconf = zeroconf.Zeroconf(interfaces=_speakers(link), use_asyncio=False)
        own_names.add(self._name)
        assert self._zeroconf.loop is not None
        self._life = asyncio.run_coroutine_threadsafe(self._live(), self._zeroconf.loop)

    def close(self) -> None:
        """Say goodbye and end the threads; about 0.3 s."""
        self._life.cancel()
        self._zeroconf.close()
        self._own_names.discard(self._name)

    async def _live(self) -> None:
        """What runs in zeroconf's loop."""
        import asyncio

        from zeroconf import DNSQuestionType
        from zeroconf.asyncio import AsyncServiceBrowser

        self._zeroconf.async_add_listener(make_ear(self._hear), None)
        # It asks. Multicast answers only (QM): another program on port 5353 would get what is sent to this host alone.
        browser = AsyncServiceBrowser(
            self._zeroconf, SERVICE_TYPE, handlers=[lambda **_: None], question_type=DNSQuestionType.QM
        )
        try:
            # Cooperating: no probing for a second owner of a random name, and so nobody can make us rename.
            await (await self._zeroconf.async_register_service(self._info, cooperating_responders=True))
            # A switch's port may take half a minute after its link came up until it lets anything through.
            pause_s = 1.0
            while True:
                # RFC 6762 section 8.3 ends announcements after the eighth. But a switch or an access point that comes
                # back tells nobody, and two halves of a network would meet only when their records run out.
                await asyncio.sleep(pause_s)
                self._zeroconf.async_send(self._zeroconf.generate_service_broadcast(self._info, None))
                pause_s = min(2 * pause_s, ANNOUNCE_EVERY_S)
        except Exception as error:
            logger.warning("Announcing on %s failed: %r.", self._link.interface, error)
            self._failed()
        finally:
            await browser.async_cancel()

    def _hear(self, name: str) -> None:
        """Hand over where the instance `name` is, one address, if all of it is known and it is on this link."""
        from zeroconf import IPVersion, ServiceInfo

        if name in self._own_names:
            return
        info = ServiceInfo(SERVICE_TYPE, name)
        # What else belongs to it came in the same packet, or it is not as the protocol says.
        if not info.load_from_cache(self._zeroconf) or not info.port:
            return
        for ip in info.ip_addresses_by_version(IPVersion.All):  # IPv4 first
            host = str(ip).partition("%")[0]
            if ip.version == 6 and ip.is_link_local:
                host = f"{host}%{_zone(self._link)}"
            address = format_address(host, info.port)
            if is_on_link(address, self._link.addresses):
                self._hand_over(address)
                return


def make_ear(hear: Callable[[str], None]) -> "RecordUpdateListener":
    """Call `hear` with each instance name that a packet announces; a browser tells of new ones only."""
    from zeroconf import RecordUpdate, RecordUpdateListener, Zeroconf

    class Ear(RecordUpdateListener):
        def __init__(self) -> None:
            self._heard: set[str] = set()  # in one packet: at most some hundreds fit

        def async_update_records(self, zc: Zeroconf, now: float, records: list[RecordUpdate]) -> None:
            for update in records:
                record = update.new
                if record.type == _PTR and record.key == SERVICE_TYPE and not record.is_expired(now):
                    self._heard.add(getattr(record, "alias", ""))  # zeroconf does not export its pointer type

        def async_update_records_complete(self) -> None:
            # Only now zeroconf's cache holds the packet.
            heard, self._heard = self._heard, set()
            for name in heard:
                try:
                    hear(name)
                except Exception:  # threats D4: zeroconf stumbles over some names, and one must not silence the rest
                    logger.debug("An announced name can't be read.", exc_info=True)

    return Ear()


def _zone(link: Link) -> str:
    return str(link.index) if sys.platform == "win32" else link.interface


def _speakers(link: Link) -> list[str | int]:
    """One address a family for zeroconf to speak from; link-local for IPv6, which every neighbour answers to."""
    version4 = [address for address in link.addresses if address.ip.version == 4]
    version6 = sorted(
        (address for address in link.addresses if address.ip.version == 6),
        key=lambda address: not address.ip.is_link_local,
    )
    return [str(address.ip) for address in (*version4[:1], *version6[:1])]
