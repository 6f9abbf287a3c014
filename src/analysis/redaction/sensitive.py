"""What is sensitive: which columns and indicators count persons, and which money."""

from __future__ import annotations

from typing import Literal

from analysis.plan import Indicator
from analysis.plan.schema import columns_over
from analysis.tables.dictionary import Column

#: A unit's count from 1 to this is hidden.
LARGEST_HIDDEN = 7
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
