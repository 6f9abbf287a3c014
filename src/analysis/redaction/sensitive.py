"""What is sensitive: counts of 1 to 7 persons, and amounts of money."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from analysis.plan import Indicator
from analysis.plan.schema import columns_over
from analysis.results.members import BoolArray, IntArray
from analysis.tables.dictionary import Column

#: A unit's count from 1 to this is hidden.
LARGEST_HIDDEN = 7
#: By how many persons a hidden count is changed at most to find values that fit.
MOST_PERSONS = 3
#: Counts that are not of persons. Every other column of type ``count`` is taken to be.
NOT_PERSONS = frozenset({"inspections", "law_classes", "rewards_collectives"})
#: What the register says of a unit's size; shown on its page whatever the plan asks.
SIZES = ("workers_total", "members_total")


def is_persons(column: Column) -> bool:
    """Tell whether a column counts persons."""
    return column.type.name == "count" and column.name not in NOT_PERSONS


def kind_of(indicator: Indicator) -> Literal["open", "persons", "money"]:
    """Return what an indicator's numerator and denominator count.

    ``open`` figures (units, employers, facts, grades, meetings) are of nobody in particular.
    A plan that mixes money with anything else is refused before.

    Examples
    --------
    >>> from analysis import load
    >>> plan = load(2024).plan
    >>> [kind_of(plan.indicator(i)) for i in ("culture_units", "culture_members", "dues_collected")]
    ['open', 'persons', 'money']
    """
    columns = columns_over(indicator.over)
    named = [columns[name] for name in (*indicator.numerator, *indicator.denominator)]
    if any(column.type.name == "money" for column in named):
        return "money"
    return "persons" if any(map(is_persons, named)) else "open"


def is_few(counts: IntArray) -> BoolArray:
    """Tell which counts are of so few persons that they are sensitive."""
    return np.asarray((counts >= 1) & (counts <= LARGEST_HIDDEN), bool)


class Amount(NamedTuple):
    """A count of persons: some columns of a matrix, less some others (the persons left out)."""

    plus: tuple[int, ...]
    minus: tuple[int, ...] = ()

    def of(self, x: IntArray) -> IntArray:
        """Return the amount in every row of counts."""
        plus, minus = x[:, list(self.plus)], x[:, list(self.minus)]
        return np.asarray(plus.sum(axis=1) - minus.sum(axis=1), np.int64)

    def is_few(self, x: IntArray, known: BoolArray) -> BoolArray:
        """Tell in which rows the amount is known, and of few persons."""
        return np.asarray(
            known[:, [*self.plus, *self.minus]].all(axis=1) & is_few(self.of(x)), bool
        )

    def is_of_few(self, x: IntArray) -> bool:
        """Tell whether rows together count few; a "part" above its whole leaves nobody out."""
        values = self.of(x)
        return bool(is_few(values.sum()) and (values >= 0).all())
