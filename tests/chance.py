"""Two tests of statistics: whether counts differ from chance, and whether two samples come from one distribution."""

import math
from bisect import bisect_right
from collections.abc import Sequence


def chi_square_p(rows: Sequence[Sequence[int]]) -> float:
    """How likely counts as unequal as these are if the row tells nothing of the column.

    Args:
        rows: how often each column was seen in each row; a column that was never seen counts for nothing.
    """
    columns = [column for column in zip(*rows, strict=True) if any(column)]
    total, per_row = sum(map(sum, rows)), [sum(row) for row in rows]
    freedom = (len(rows) - 1) * (len(columns) - 1)
    if freedom == 0:
        return 1.0
    statistic = 0.0
    for column in columns:
        for count, whole in zip(column, per_row, strict=True):
            expected = sum(column) * whole / total
            statistic += (count - expected) ** 2 / expected
    # Wilson and Hilferty 1931: the cube root of chi-square over its freedom is nearly normal.
    spread = 2 / (9 * freedom)
    deviation = (math.cbrt(statistic / freedom) - 1 + spread) / math.sqrt(spread)
    return math.erfc(deviation / math.sqrt(2)) / 2


def smallest_of(chances: Sequence[float]) -> float:
    """How likely the smallest of so many independent chances is as small as this one (Šidák 1967)."""
    return -math.expm1(len(chances) * math.log1p(-min(chances)))


def same_distribution_p(one: Sequence[float], other: Sequence[float]) -> float:
    """The two-sample test of Kolmogorov and Smirnov, with the asymptotic distribution of Stephens 1970."""
    first, second = sorted(one), sorted(other)
    gap = max(
        abs(bisect_right(first, at) / len(first) - bisect_right(second, at) / len(second)) for at in (*first, *second)
    )
    root = math.sqrt(len(first) * len(second) / (len(first) + len(second)))
    scaled = (root + 0.12 + 0.11 / root) * gap
    if scaled < 0.2:  # the series needs too many terms, and the chance is 1 to twelve digits
        return 1.0
    return min(1.0, 2 * sum((1 if k % 2 else -1) * math.exp(-2 * (k * scaled) ** 2) for k in range(1, 101)))
