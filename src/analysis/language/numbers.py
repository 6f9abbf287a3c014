"""Exact numbers as a reader of one language expects them, never rounded against their verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from babel.numbers import format_decimal

from analysis.exact import round_half_up
from analysis.plan import Target

#: Beyond any count of people or đồng; a bar such as 1/3 is never reached by decimals.
_MOST_DIGITS = 40


@dataclass(frozen=True)
class Numbers:
    """How one language writes numbers.

    Parameters
    ----------
    locale : str
        For example ``"vi"``.

    Examples
    --------
    >>> numbers = Numbers("vi")
    >>> numbers.count(1234), numbers.percent(Fraction(172, 220))
    ('1.234', '78,2%')
    """

    locale: str

    def count(self, value: int | Fraction) -> str:
        """Write a whole number with its thousands."""
        return str(format_decimal(int(value), locale=self.locale))

    def decimal(self, value: Fraction, digits: int = 1) -> str:
        """Write a number rounded half up, with all its decimals, so that columns read evenly.

        Examples
        --------
        >>> Numbers("vi").decimal(Fraction(86)), Numbers("vi").decimal(Fraction(86017, 1000))
        ('86,0', '86,0')
        """
        return self._write(value, digits, "0")

    def percent(self, value: Fraction, target: Target | None = None, fewest: int = 1) -> str:
        """Write a share in percent: with ``fewest`` decimals, or as many as its verdict needs.

        Examples
        --------
        >>> numbers = Numbers("vi")
        >>> numbers.percent(Fraction(8996, 10000), Target(at_least="90%"))
        '89,96%'
        >>> numbers.percent(Fraction(8, 10)), numbers.percent(Fraction(8, 10), None, 0)
        ('80,0%', '80%')
        """
        return self.decimal(value * 100, _digits(value, target, 100, fewest)) + "%"

    def level(self, value: Fraction) -> str:
        """Write a share that is set and not measured, a target or a tick: ``80%``."""
        return self._write(value * 100, 1, "#") + "%"

    def points(self, difference: Fraction) -> str:
        """Write a difference of shares in percentage points, without its sign.

        A difference that is not zero is never written as 0, and one of two shown figures has all
        their decimals.

        Examples
        --------
        >>> Numbers("vi").points(Fraction(-463, 10000)), Numbers("vi").points(Fraction(1, 30))
        ('4,63', '3,3')
        """
        return self._exactly(abs(difference) * 100)

    def difference(self, difference: Fraction) -> str:
        """Write the size of a difference of means; one that is not zero never reads 0."""
        size = abs(difference)
        return self.count(size) if size.denominator == 1 else self._exactly(size)

    def _exactly(self, size: Fraction) -> str:
        exact = next((n for n in range(1, _MOST_DIGITS) if round_half_up(size, n) == size), 1)
        digits = exact
        while size and digits < _MOST_DIGITS and not round_half_up(size, digits):
            digits += 1
        return self.decimal(size, digits)

    def percent_up(self, value: Fraction) -> str:
        """Write a share that is enough, rounded up to one decimal."""
        return self.decimal(Fraction(math.ceil(value * 1000), 10)) + "%"

    def mean(self, value: Fraction, target: Target | None = None) -> str:
        """Write a mean: with one decimal, or as many as its verdict needs."""
        return self.decimal(value, _digits(value, target, 1))

    def quantity(self, value: Fraction) -> str:
        """Write a count, or half of one; a whole number has no decimals."""
        return self._write(value, 1, "#")

    def _write(self, value: Fraction, digits: int, place: str) -> str:
        return _in_decimals(value, digits, place, self.locale)


@lru_cache(maxsize=1 << 14)  # the pages of a site show the same shares over and over
def _in_decimals(value: Fraction, digits: int, place: str, locale: str) -> str:
    rounded = round_half_up(value, digits)
    exact = Decimal(rounded.numerator) / Decimal(rounded.denominator)
    return str(format_decimal(exact, format=f"#,##0.{place * digits}", locale=locale))


def round_as_shown(value: Fraction, target: Target | None = None, *, is_share: bool) -> Fraction:
    """Return the number that a page shows for a value, so that readers can subtract two of them.

    Examples
    --------
    >>> round_as_shown(Fraction(624, 739), is_share=True)
    Fraction(211, 250)
    """
    scale = 100 if is_share else 1
    return round_half_up(value * scale, _digits(value, target, scale)) / scale


def _digits(value: Fraction, target: Target | None, scale: int, fewest: int = 1) -> int:
    """Return the fewest decimals at which the rounded number stands where the exact one does."""
    digits = fewest
    if target is None or not target.is_numeric:
        return digits
    exact, bar = value * scale, target.minimum * scale
    while digits < _MOST_DIGITS and _side(round_half_up(exact, digits), bar) != _side(exact, bar):
        digits += 1
    return digits


def _side(value: Fraction, bar: Fraction) -> int:
    return (value > bar) - (value < bar)
