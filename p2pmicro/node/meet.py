"""Finding other nodes: known addresses, named ones, and what is announced on the LAN."""

import logging
from typing import TYPE_CHECKING

import trio

from ..errors import P2PMicroError
from ..net.dial import dial
from ..net.tls import Credentials

if TYPE_CHECKING:
    from .node import NetworkNode

log = logging.getLogger(__name__)


class Meet:
    """Dials other nodes."""

    def __init__(self, node: "NetworkNode", credentials: Credentials, port: int) -> None:
        self._node = node
        self._credentials = credentials
        self._port = port

    async def run(self) -> None:
        """Dial until cancelled."""
        async with trio.open_nursery() as nursery:
            for address in self._node.settings.peers:
                nursery.start_soon(self._keep, address)
            await trio.sleep_forever()

    async def _keep(self, address: str) -> None:
        while True:
            try:
                connection = await dial(address, self._credentials)
                await self._node.converse(connection)
            except P2PMicroError as error:
                log.info("%s", error)
            await trio.sleep(1)
