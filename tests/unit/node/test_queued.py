"""What waits to be stored is counted as the memory that it takes. Source: threats G9, G12."""

import tracemalloc

from p2pmicro.feed.fork import make_fork_proof
from p2pmicro.limits import HAVE_MAX_ITEMS, PAGE_ENTRIES
from p2pmicro.node.inbound import Inbound
from p2pmicro.sync.coding import decode_message_untrusted, encode_message
from p2pmicro.sync.message import Have, HaveItem
from tests.made import MadeFeed


def test_have_with_large_proofs_counts_in_full() -> None:
    made = MadeFeed(PAGE_ENTRIES)
    branch = made.branch(1, PAGE_ENTRIES)
    fork = make_fork_proof(made.feed, made.links[0], made.side(1, PAGE_ENTRIES), branch.side(1, PAGE_ENTRIES))
    item = HaveItem(made.feed, made.account, 1, [(1, 1, 1)], bytes(16), made.proof, None, fork)
    data = encode_message(Have([item] * (HAVE_MAX_ITEMS // 8), 1))
    tracemalloc.start()
    have = decode_message_untrusted(data)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(have, Have)
    counted = Inbound(None, have).unasked_bytes
    assert taken / 2 < counted < 2 * taken
