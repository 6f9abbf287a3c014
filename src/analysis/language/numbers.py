"""Exact numbers as a reader of one language expects them, never rounded against their verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

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
        """Write a number rounded half up, without zeros at the end where nothing was rounded.

        Examples
        --------
        >>> Numbers("vi").decimal(Fraction(86)), Numbers("vi").decimal(Fraction(86017, 1000))
        ('86', '86,0')
        """
        rounded = round_half_up(value, digits)
        exact = Decimal(rounded.numerator) / Decimal(rounded.denominator)
        pattern = "#,##0." + ("#" if rounded == value else "0") * digits
        return str(format_decimal(exact, format=pattern, locale=self.locale))

    def percent(self, value: Fraction, target: Target | None = None, digits: int = 1) -> str:
        """Write a share in percent, with as many digits as its verdict takes.

        Examples
        --------
        >>> Numbers("vi").percent(Fraction(8996, 10000), Target(at_least="90%"))
        '89,96%'
        """
        if target is not None and target.is_numeric:
            digits = self._enough_digits(value * 100, target, digits)
        return self.decimal(value * 100, digits) + "%"

    def points(self, difference: Fraction) -> str:
        """Write a difference of shares in percentage points, without its sign.

        A difference that is not zero is never written as 0.
        """
        size = abs(difference) * 100
        digits = 1
        while size and digits < _MOST_DIGITS and not round_half_up(size, digits):
            digits += 1
        return self.decimal(size, digits)

    def difference(self, difference: Fraction) -> str:
        """Write the size of a difference of means or counts; what is not zero never reads 0."""
        return self.points(difference / 100)

    def percent_up(self, value: Fraction) -> str:
        """Write a share that is enough: rounded up to one decimal."""
        return self.decimal(Fraction(math.ceil(value * 1000), 10)) + "%"

    def quantity(self, value: Fraction, target: Target | None = None) -> str:
        """Write a mean or a count: whole where it is whole, else as its verdict takes."""
        digits = 1 if target is None else self._enough_digits(value, target, 1, scale=1)
        return self.decimal(value, digits)

    @staticmethod
    def _enough_digits(value: Fraction, target: Target, digits: int, scale: int = 100) -> int:
        """Return the fewest decimals at which the rounded number stands where the exact one does."""
        bar = target.minimum * scale
        while digits < _MOST_DIGITS and _side(round_half_up(value, digits), bar) != _side(
            value, bar
        ):
            digits += 1
        return digits


def _side(value: Fraction, bar: Fraction) -> int:
    return (value > bar) - (value < bar)
