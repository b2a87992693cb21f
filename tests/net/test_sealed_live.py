"""A running node opens what is sealed beside its calls. Source: protocol/content.md, "Sealing"."""

import secrets
from pathlib import Path

import pytest
import trio

from p2pmicro import NetworkSettings, open_node
from p2pmicro.feed import content
from p2pmicro.keys import box_public
from p2pmicro.node.home import Home
from p2pmicro.node.local import LocalNode
from tests.net.hostile import eventually
from tests.unit.node.town import Town

COUNT = 1000


async def test_node_answers_while_it_opens_a_thousand_for_others_and_one_for_itself(tmp_path: Path) -> None:
    with Town(tmp_path, "Ada", "Ben") as town:
        town.know("Ada", "Ben")
        ada = town["Ada"]
        nobody = [box_public(secrets.token_bytes(32), 0) for _ in range(7)]
        for_others = [ada.sealing.seal(ada.connection, "post", content.post("x"), nobody) for _ in range(COUNT)]
        ada.append(lambda _: list(for_others))
        ada.post("for Ben", to=["Ben"])
        fields = for_others[0][1]
        assert len(fields["slots"]) == 8
        with pytest.MonkeyPatch.context() as later:
            later.setattr(LocalNode, "unseal", lambda _: None)
            town.carry("Ada", "Ben")
    home = Home(tmp_path / "Ben", tmp_path / "Ben state")
    settings = NetworkSettings("127.0.0.1:0", mdns=False)
    async with open_node(home, network=settings) as node:
        longest = 0.0

        async def reads_it() -> bool:
            nonlocal longest
            start = trio.current_time()
            found = await node.inbox()
            await node.post("Still here")
            longest = max(longest, trio.current_time() - start)
            return [one.newest.text for one in found] == ["for Ben"]

        await eventually(reads_it, 30)
        assert longest < 1
