"""Which lines a form asks for: derived from the dictionary and the plan, never from a list."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis.plan import Indicator, Plan
from analysis.plan.schema import Source, columns_over
from analysis.tables.dictionary import Column, Table, dictionary


def columns_for(table: Table, unit_type: str | None, plan: Plan) -> list[Column]:
    """Return the columns that a unit of this type is asked for.

    A column that the plan's indicators use is asked of the types in their populations; a column
    that no indicator uses is asked of everybody.

    Parameters
    ----------
    table : Table
        ``roster``, ``returns`` or ``district``.
    unit_type : str or None
        A word of the dictionary; None for the district, which is asked for everything.
    plan : Plan
        The catalogue.
    """
    return [
        column
        for column in table.columns.values()
        if unit_type is None or unit_type in (types_asked(table, column, plan) or {unit_type})
    ]


def types_asked(table: Table, column: Column, plan: Plan) -> frozenset[str]:
    """Return the unit types whose indicators use a column; empty if no indicator does."""
    if table.name == "roster":  # who a unit is and how many belong to it: asked of everybody
        return frozenset()
    used = uses(column, plan, "units")
    return frozenset().union(*(plan.types_in(item.population) for item in used))


def uses(column: Column, plan: Plan, source: str, unit_type: str | None = None) -> list[Indicator]:
    """Return the plan's indicators that read a column, for one unit type or for all."""
    return [
        item
        for item in plan.indicators
        if item.over == source
        and column.name in set(_columns(item))
        and (unit_type is None or unit_type in plan.types_in(item.population))
    ]


def _columns(item: Indicator) -> Iterator[str]:
    yield from item.numerator
    yield from item.denominator
    for condition in (*item.holds, *item.applies_if, *item.members_if):
        yield from condition.columns


def settled(rows: pd.DataFrame, year: int, plan: Plan, source: Source) -> dict[str, int]:
    """Return what one member reported once and for all before a year, and since when.

    Parameters
    ----------
    rows : DataFrame
        The member's own rows of ``returns`` or ``district``.
    year : int
        The year to report on.
    plan : Plan
        Its ``once`` rows say which facts stay; a column that another row asks too is not one.
    source : {"units", "district"}
        What the rows are of.
    """
    found: dict[str, int] = {}
    for name, column in columns_over(source).items():
        asked = uses(column, plan, source)
        if name in rows and asked and all(item.once for item in asked):
            years = rows.loc[rows[name].fillna(False).astype(bool) & (rows["year"] < year), "year"]
            found |= {name: int(years.min())} if len(years) else {}
    return found


def limit_of(table: Table, column: Column, unit_type: str | None) -> Column | None:
    """Return the column that this one may not exceed, if the rule holds for the type."""
    if column.at_most is None or unit_type in column.exempt:
        return None
    tables = dictionary().tables
    return {**tables["roster"].columns, **table.columns}[column.at_most]
