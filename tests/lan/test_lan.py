"""People on one network, with no server: what one writes, those who follow have, whoever is there at the time.

On a real LAN of network namespaces, where nodes find each other by mDNS and no address is given; and on loopback by
address, so that the story holds as well where namespaces can't be made.
"""

import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.cli.program import Person, wait_for
from tests.lan.namespaces import Lan
from tests.lan.networks import Loopback, MdnsLan, Network
from tests.lan.tap import Tap, purpose
from tests.texts import message

STOP_MAX_S = 2.0


@pytest.fixture(params=["mdns", "loopback"])
def network(request: pytest.FixtureRequest) -> Iterator[Network]:
    made: Network = MdnsLan() if request.param == "mdns" else Loopback()
    with made:
        yield made


def people(folder: Path, *names: str) -> list[Person]:
    """Persons with accounts who all follow each other, so that each carries what the others wrote."""
    found = [Person(folder, name) for name in names]
    accounts = [person.begin() for person in found]
    for person, own in zip(found, accounts, strict=True):
        for account in accounts:
            if account != own:
                person.json("follow", account)
    return found


def hold(person: Person, *texts: str) -> None:
    """Wait until somebody's timeline has these messages."""
    wait_for(f"{person.name} lacks messages", lambda: person.texts() >= set(texts))


def test_messages_reach_followers_outlive_their_author_s_absence_and_heal_a_cut(
    network: Network, tmp_path: Path
) -> None:
    ada, ben, cem, dora = people(tmp_path, "ada", "ben", "cem", "dora")

    # Ada writes beside her running node, before and after the others are there.
    early, live = message(0), message(80)
    at_ada = network.start(ada)
    ada.post(early)
    at_ben, at_cem = network.start(ben), network.start(cem)
    hold(ben, early)
    hold(cem, early)
    ada.post(live)
    assert at_ben.message(live)["name"] == "ada"
    assert at_cem.message(live)["name"] == "ada"

    # She goes away as in a power cut. Dora comes late, and has it from the others.
    at_ada.kill()
    at_dora = network.start(dora)
    hold(dora, early, live)

    # She comes back, and hears what was written meanwhile.
    meanwhile = message(120)
    ben.post(meanwhile)
    at_dora.message(meanwhile)
    at_ada = network.start(ada)
    hold(ada, meanwhile)

    # The network falls in two; both halves write, and hear their own half only.
    here, there = message(160), message(200)
    network.cut({"ada", "ben"}, {"cem", "dora"})
    ada.post(here)
    cem.post(there)
    hold(ben, here)
    hold(dora, there)
    assert there not in ada.texts() | ben.texts()
    assert here not in cem.texts() | dora.texts()

    # It is whole again, and all hold the same.
    network.join()
    for person in (ada, ben, cem, dora):
        hold(person, early, live, meanwhile, here, there)
    assert ada.log() == ben.log() == cem.log() == dora.log()
    for person in (ada, ben, cem, dora):
        assert person.json("verify")[-1]["faults"] == 0
    for node in (at_ada, at_ben, at_cem, at_dora):
        assert node.stop() < STOP_MAX_S
        assert (node.process.returncode, node.complaints) == (0, b"")


def test_interface_that_comes_up_after_the_start_is_found(tmp_path: Path) -> None:
    with Lan() as lan:
        ada, ben = people(tmp_path, "ada", "ben")
        ada.post(message(3))
        late = lan.add_node("ben", up=False)
        with (
            ada.running(popen=partial(lan.add_node("ada").popen, stderr=subprocess.PIPE)),
            ben.running(popen=partial(late.popen, stderr=subprocess.PIPE)) as at_ben,
        ):
            late.link_up()
            at_ben.message(message(3))


def test_nothing_leaves_a_node_but_announcements_and_tls(tmp_path: Path) -> None:
    with Lan() as lan:
        ada, ben = people(tmp_path, "ada", "ben")
        ada.json("init", "--name", "Ada Lovelace-Zabolotny")
        account = ada.json("whoami")[0]["account"]
        text = message(7)
        places = [lan.add_node(name) for name in ("ada", "ben")]
        with (
            Tap(lan.tap()) as tap,
            ada.running(popen=partial(places[0].popen, stderr=subprocess.PIPE)) as at_ada,
            ben.running(popen=partial(places[1].popen, stderr=subprocess.PIPE)) as at_ben,
        ):
            ada.post(text)
            at_ben.message(text)
            ports = {int(name.rpartition(":")[2]) for node in (at_ada, at_ben) for name in node.ready["listen"]}
            for node in (at_ada, at_ben):
                node.stop()  # their goodbyes are heard too
        assert {purpose(frame, ports) for frame in tap.frames} == {"link", "mdns", "tls"}
        secrets = [text, "Lovelace", account.removeprefix("did:key:"), at_ada.ready["feed"]]
        heard = b"\n".join(tap.frames)
        assert b"_p2pmicro" in heard
        assert [secret for secret in secrets if secret.encode() in heard] == []
