"""Numbers as arguments."""

import argparse


def count(text: str) -> int:
    """How many messages at most."""
    if not (text.isascii() and text.isdecimal()) or len(text) > 5 or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError("a number from 1 to 10000 is wanted")
    return int(text)
