"""Amounts of money as bands, and rates of money without the amounts."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction

from analysis.exact import round_half_up
from analysis.plan import Target

#: Where bands begin, in millions of đồng.
BANDS = (0, 1, 5, 20, 100, 500, 2_000, 10_000, 50_000, 200_000)


def find_band(amount: int) -> str:
    """Return the band of an amount in millions of đồng: from the first number, below the second.

    Examples
    --------
    >>> find_band(4_999_999), find_band(5_000_000), find_band(10**12)
    ('1-5', '5-20', '200000-')
    """
    place = bisect_right(BANDS, Fraction(amount, 1_000_000))
    return f"{BANDS[place - 1]}-{BANDS[place] if place < len(BANDS) else ''}"


def round_rate(rate: Fraction, target: Target | None = None) -> Fraction:
    """Round a rate to whole percents, never across a target.

    An exact rate gives its amounts away (the reduced fraction of 37.866.000/39.798.000 is found
    again from its decimals), a rounded one does not.

    Examples
    --------
    >>> round_rate(Fraction(8996, 10000)), round_rate(Fraction(8996, 10000), Target(at_least="90%"))
    (Fraction(9, 10), Fraction(89, 100))
    """
    rounded = round_half_up(rate, 2)
    if target is None:
        return rounded
    bar = target.minimum
    was_met, is_met = (r > bar if target.is_strict else r >= bar for r in (rate, rounded))
    return rounded + Fraction(was_met - is_met, 100)
