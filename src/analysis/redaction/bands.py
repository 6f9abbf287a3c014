"""Amounts of money as bands, and rates of money without the amounts."""

from __future__ import annotations

from bisect import bisect_right
from fractions import Fraction

from analysis.exact import round_half_up
from analysis.plan import Target

#: Where bands begin, in millions of đồng.
BANDS = (0, 1, 5, 20, 100, 500, 2_000, 10_000, 50_000, 200_000)
_MILLION = 1_000_000


def find_band(amount: int) -> str:
    """Return the band of an amount in millions of đồng: from the first number, below the second.

    Examples
    --------
    >>> find_band(4_999_999), find_band(5_000_000), find_band(10**12)
    ('1-5', '5-20', '200000-')
    """
    place = bisect_right(BANDS, Fraction(amount, _MILLION))
    end = str(BANDS[place]) if place < len(BANDS) else ""
    return f"{BANDS[place - 1]}-{end}"


def round_rate(rate: Fraction, target: Target | None = None) -> Fraction:
    """Round a rate to whole percents, never across a target.

    An exact rate gives its amounts away (the reduced fraction of 37.866.000/39.798.000 is found
    again from its decimals), a rounded one does not.

    Parameters
    ----------
    rate : Fraction
        A share of 1.
    target : Target, optional
        What misses it still misses it when rounded, what meets it meets it.

    Examples
    --------
    >>> at_least_90 = Target(at_least="90%")
    >>> round_rate(Fraction(8996, 10000)), round_rate(Fraction(8996, 10000), at_least_90)
    (Fraction(9, 10), Fraction(89, 100))
    """
    rounded = round_half_up(rate, 2)
    if target is None or _meets(rounded, target) == _meets(rate, target):
        return rounded
    return rounded + Fraction(1 if _meets(rate, target) else -1, 100)


def _meets(rate: Fraction, target: Target) -> bool:
    return rate > target.minimum if target.is_strict else rate >= target.minimum
