"""One indicator in one year: who is asked, the sums of every scope, and how they are judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.plan import Indicator, Plan
from analysis.results.members import (
    BoolArray,
    Codes,
    Members,
    Register,
    district_register,
    employer_register,
    unit_register,
)
from analysis.results.states import States, Sums, find_members, find_states, join, pool, pool_by
from analysis.results.verdicts import Terms, judge
from analysis.tables.load import Dataset

SCOPES = ("district", "commune", "unit_type", "parent", "unit")
_DISTRICT = np.zeros(1, np.int64)


@dataclass(frozen=True)
class Sources:
    """Every register of a dataset.

    Attributes
    ----------
    plan : Plan
        By which members are told.
    years : sequence of int
        All years of the dataset; codes of years point into it.
    registers : dict of str to Register
        By what an indicator may be ``over``.
    registered : frozenset of int
        The years that have an employer register.
    """

    plan: Plan
    years: list[int]
    registers: dict[str, Register]
    registered: frozenset[int]

    def scopes_of(self, indicator: Indicator, among: Iterable[str]) -> list[str]:
        """Return the scopes that an indicator has, in the order of `SCOPES`."""
        own = {"district", *self.registers[indicator.over].scopes}
        return [scope for scope in SCOPES if scope in own.intersection(among)]


@dataclass(frozen=True)
class Year:
    """One year of every register; a population that indicators share is looked up once."""

    sources: Sources
    year: int
    _populations: dict[Any, Members] = field(default_factory=dict, repr=False)

    def everyone(self, over: str) -> Members:
        """Return a register's rows of this year."""
        register = self.sources.registers[over]
        code = self.sources.years.index(self.year)
        start, end = np.searchsorted(register.year_codes, [code, code + 1])
        return Members(register, np.arange(start, end))

    def asked(self, indicator: Indicator) -> Members:
        """Return who an indicator asks, without the district itself."""
        key = (indicator.over, indicator.population, indicator.members_if)
        if key not in self._populations:
            everyone = self.everyone(indicator.over)
            self._populations[key] = find_members(indicator, self.sources.plan, everyone)
        return self._populations[key]

    def groups(self, indicator: Indicator, scope: str) -> Codes:
        """Return the codes of the groups of a roll-up; the district always is one.

        Parameters
        ----------
        indicator : Indicator
            Whom it asks.
        scope : str
            One of `SCOPES`.

        Returns
        -------
        int array of shape (groups,)
            In ascending order; [0] for the district.
        """
        return _DISTRICT if scope == "district" else self.asked(indicator).present(scope)

    def roll_up(self, indicator: Indicator, scopes: Iterable[str]) -> Iterator[tuple[str, Sums]]:
        """Yield an indicator's sums for each scope that is asked for, one entry for each group.

        Parameters
        ----------
        indicator : Indicator
            What is counted.
        scopes : iterable of str
            Some of `SCOPES`; those that the indicator lacks are skipped.

        Yields
        ------
        scope : str
            In the order of `SCOPES`.
        sums : Sums
            Arrays as long as `groups` of the scope.
        """
        members = self.asked(indicator)
        states = find_states(indicator, members)
        for scope in self.sources.scopes_of(indicator, scopes):
            if scope == "district":
                yield scope, self._pool_district(indicator, states)
            else:
                yield scope, pool_by(states, members, scope)

    def _pool_district(self, indicator: Indicator, states: States) -> Sums:
        if indicator.with_district:
            district = self.everyone("district")
            alive = district.only(district.register.expected[district.rows])
            states = join(states, find_states(indicator, alive))
        sums = pool(states)
        if indicator.over == "district":
            # The level's own value is expected every year; once it has ended it does not apply.
            ended = sums.not_applicable + 1 - sums.expected
            sums = replace(sums, expected=np.ones(1, np.int64), not_applicable=ended)
        return sums

    def judged_elsewhere(self, indicator: Indicator, scope: str) -> BoolArray | None:
        """Tell which groups of a scope another row judges instead; None if it judges no group.

        Parameters
        ----------
        indicator, scope
            As for `groups`.

        Returns
        -------
        bool array of shape (groups,), or None
            In the order of `groups`.
        """
        if scope not in ("unit_type", "unit"):
            return None
        types = self.sources.plan.judged_elsewhere(indicator, self.year)
        if not types:
            return None
        members = self.asked(indicator)
        named = np.isin(members.register.scopes["unit_type"].names, sorted(types))
        return named[members.groups("unit_type") if scope == "unit" else members.present(scope)]

    def terms(self, indicator: Indicator, scope: str) -> Terms:
        """Return the terms under which roll-ups of this year are judged."""
        target = indicator.target_in(self.year)
        if indicator.measure == "total" and scope != "district":
            target = None  # the plan asks a total of the district alone
        if indicator.measure == "mean_per_unit" and scope == "unit":
            target = None  # an average binds no single unit
        return Terms(
            target=target,
            is_due=target is None or target.by_end_of is None or self.year >= target.by_end_of,
            is_registered=indicator.over != "employers" or self.year in self.sources.registered,
        )

    def judge(self, indicator: Indicator, scope: str, sums: Sums) -> dict[str, Any]:
        """Return what `verdicts.judge` does, the ``target``, and which rows are held to it.

        Parameters
        ----------
        indicator, scope
            As for `groups`.
        sums : Sums
            From `roll_up`, for the same scope.

        Returns
        -------
        dict of str to array of shape (groups,)
            Besides the arrays ``target`` (Target or None) and ``is_held`` (may be one bool for all).
        """
        is_unit, terms = scope == "unit", self.terms(indicator, scope)
        columns: dict[str, Any] = judge(sums, indicator, terms, is_unit=is_unit)
        columns |= {"target": terms.target, "is_held": terms.target is not None}
        elsewhere = self.judged_elsewhere(indicator, scope)
        if elsewhere is not None and elsewhere.any():
            free = judge(sums, indicator, replace(terms, target=None), is_unit=is_unit)
            for name, values in free.items():
                columns[name] = np.where(elsewhere, values, columns[name])
            columns["is_held"] = ~elsewhere
        return columns


def open_sources(dataset: Dataset, plan: Plan) -> Sources:
    """Sort every register of a dataset and number its years, members and groups.

    Parameters
    ----------
    dataset : Dataset
        Tables without errors.
    plan : Plan
        Its cut-offs tell who has to report.
    """
    registered = frozenset(int(year) for year in dataset.employers["year"].unique())
    years = sorted({*dataset.years, *registered, *map(int, dataset.district["year"])})
    index = pd.Index(years, dtype="int64")
    registers = {
        "units": unit_register(dataset, plan, index),
        "employers": employer_register(dataset, index),
        "district": district_register(dataset, plan, index),
    }
    return Sources(plan, years, registers, registered)
