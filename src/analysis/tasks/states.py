"""What is shown of a task on a day: a state for each holder, from what they said and when."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.plan import Plan, Task
from analysis.results.members import BoolArray, IntArray, Members
from analysis.results.members import Codes as Groups
from analysis.results.rollups import Sources, Year
from analysis.results.verdicts import VERDICTS
from analysis.tables.load import Dataset

Codes = npt.NDArray[np.int8]

#: States as reported and as shown; codes point into these. ``""``: nothing is reported.
REPORTED = ("", "done", "in_progress", "not_started", "not_applicable")
STATES = (
    *("not_applicable", "done_on_time", "done_late", "done_undated", "kept"),
    *("in_progress", "kept_so_far", "not_started", "overdue", "no_result"),
    *("unreported", "unreported_due"),
)
DONE = ("done_on_time", "done_late", "done_undated", "kept")
#: A day that is not known.
NO_DAY = np.iinfo(np.int64).min
_NOBODY = np.zeros(1, np.int64)


def code(state: str) -> int:
    """Return the code of a state that is shown.

    Examples
    --------
    >>> STATES[code("overdue")]
    'overdue'
    """
    return STATES.index(state)


def days(day: date) -> int:
    """Return a day as a number of days, in the unit of the holders' days."""
    return int(np.datetime64(day, "D").astype(np.int64))


def show_states(reported: Codes, done_on: IntArray, due: date | None, on: date) -> Codes:
    """Return the state shown for each holder of a task.

    Parameters
    ----------
    reported : int8 array
        Codes in `REPORTED`.
    done_on : int64 array
        Numbers of days; `NO_DAY` where none is given.
    due : date or None
        By when; None for what never falls due.
    on : date
        The day that is asked about: what was done after it was not yet done.

    Returns
    -------
    int8 array
        Codes in `STATES`.

    Examples
    --------
    >>> reported = np.array([1, 2, 0], np.int8)
    >>> done_on = np.array([days(date(2024, 5, 31)), NO_DAY, NO_DAY])
    >>> shown = show_states(reported, done_on, date(2024, 5, 31), date(2024, 11, 30))
    >>> [STATES[one] for one in shown]
    ['done_on_time', 'overdue', 'unreported_due']
    """
    if due is None:
        words = ("unreported", "kept", "kept_so_far", "no_result", "not_applicable")
    elif on > due:
        words = ("unreported_due", "done_on_time", "overdue", "overdue", "not_applicable")
    else:
        words = ("unreported", "done_on_time", "in_progress", "not_started", "not_applicable")
    lookup = np.array([code(word) for word in words], np.int8)
    later = done_on > days(on)
    shown: Codes = lookup[np.where(later, REPORTED.index("in_progress"), reported)]
    if due is not None:
        done = shown == code("done_on_time")
        shown[done & (done_on == NO_DAY)] = code("done_undated")
        shown[done & (done_on > days(due))] = code("done_late")
    return shown


def is_done(shown: Codes) -> BoolArray:
    """Tell which holders are done."""
    return np.isin(shown, [code(state) for state in DONE])


@dataclass(frozen=True, eq=False)
class Holding:
    """A task in a year: one entry per holder.

    Attributes
    ----------
    task : Task
        The plan's.
    due : date or None
        By when; None for what never falls due.
    members : Members or None
        The unions that have it; None: the district alone.
    shown : int8 array
        The state on the day, a code in `STATES`.
    done_on : int64 array
        Days, as `states.days` counts them; `NO_DAY` where none is known.
    since : int array
        The earlier year in which it was done for good; 0 where it was not.
    count, has_count : int64 and bool array
        What was counted, and where that is known of those that reported.
    is_unproven : bool array
        Done, and a document is required that nobody named.
    """

    task: Task
    due: date | None
    members: Members | None
    shown: Codes
    done_on: IntArray
    since: IntArray
    count: IntArray
    has_count: BoolArray
    is_unproven: BoolArray


@dataclass(frozen=True, eq=False)
class Holdings:
    """Everything that is reported about tasks, looked up by task and holder.

    Parameters
    ----------
    dataset : Dataset
        Tables without errors.
    sources : Sources
        The registers, and the plan.
    year : int
        The year.
    """

    dataset: Dataset
    sources: Sources
    year: int

    @property
    def plan(self) -> Plan:
        """Whose tasks they are."""
        return self.sources.plan

    @cached_property
    def _holders(self) -> pd.Index:
        """Every unit of the registers by its code, then the issuer."""
        units = self.sources.registers["units"].scopes["unit"].names
        return pd.Index([*units, self.plan.issuer.id], dtype="str")

    def _places(self, rows: pd.DataFrame) -> tuple[IntArray, BoolArray]:
        """Return each row's place in a table of tasks by holders, and whether it has one."""
        numbers = []
        ids = pd.Index([task.id for task in self.plan.tasks], dtype="str")
        for index, column in ((ids, "task_id"), (self._holders, "holder_id")):
            codes, distinct = pd.factorize(rows[column])
            numbers.append(index.get_indexer(distinct)[codes])
        task, holder = numbers
        return task * len(self._holders) + holder, (task >= 0) & (holder >= 0)

    def _table(self, fill: int, dtype: type) -> np.ndarray:
        return np.full(len(self.plan.tasks) * len(self._holders), fill, dtype)

    @cached_property
    def _rows(self) -> tuple[pd.DataFrame, np.ndarray]:
        """The year's rows, and the row of each task and holder (-1: none)."""
        tasks = self.dataset.tables["tasks"]
        rows = tasks[tasks["year"].to_numpy() == self.year]
        place, known = self._places(rows)
        table = self._table(-1, np.int32)
        table[place[known]] = np.flatnonzero(known)
        return rows, table.reshape(len(self.plan.tasks), -1)

    @cached_property
    def _cells(self) -> dict[str, np.ndarray]:
        """The year's cells, and one more at the end for holders that said nothing."""
        rows, _ = self._rows
        codes, distinct = pd.factorize(rows["state"])
        words = np.append(pd.Index(REPORTED, dtype="str").get_indexer(distinct), 0)[codes]
        done_on = rows["done_on"].to_numpy("datetime64[D]")
        counts = rows["count"].array
        cells = {
            "state": (words.astype(np.int8), 0),
            "done_on": (np.where(np.isnat(done_on), NO_DAY, done_on.astype(np.int64)), NO_DAY),
            "count": (counts.to_numpy(np.int64, na_value=0), 0),
            "has_count": (~np.asarray(counts.isna(), bool), False),
        }
        return {name: np.append(values, last) for name, (values, last) in cells.items()}

    @cached_property
    def _has_evidence(self) -> np.ndarray:
        evidence = self.dataset.tables["evidence"]
        place, known = self._places(evidence[evidence["year"].to_numpy() == self.year])
        table = self._table(0, np.bool_)
        table[place[known]] = True
        return table.reshape(len(self.plan.tasks), -1)

    @cached_property
    def _since(self) -> np.ndarray:
        """The first earlier year in which each holder did each task that is done once (0: none)."""
        tasks = self.dataset.tables["tasks"]
        once = {task.id for task in self.plan.tasks if task.cadence == "once"}
        earlier = (tasks["year"] < self.year) & (tasks["state"] == "done").fillna(False)
        rows = tasks[earlier & tasks["task_id"].isin(once)].sort_values("year", ascending=False)
        place, known = self._places(rows)
        table = self._table(0, np.int64)
        table[place[known]] = rows["year"].to_numpy()[known]  # so the earliest year is written last
        return table.reshape(len(self.plan.tasks), -1)

    def holdings(self, on: date) -> Iterator[Holding]:
        """Yield every task of the plan as it stood on a day, in the plan's order.

        Parameters
        ----------
        on : date
            The day.
        """
        year = Year(self.sources, self.year)
        for number, task in enumerate(self.plan.tasks):
            members = None if task.owner == "district" else self._members(year, task)
            yield self._holding(number, task, members, on)

    def _members(self, year: Year, task: Task) -> Members:
        everyone = year.everyone("units")
        members = everyone.only(everyone.register.expected[everyone.rows])
        wanted = self.plan.types_in(task.population)
        types = everyone.register.scopes["unit_type"].names
        belongs = np.array([name in wanted for name in types], bool)
        return members.only(belongs[members.groups("unit_type")])

    def _holding(self, number: int, task: Task, members: Members | None, on: date) -> Holding:
        own = len(self._holders) - 1 + _NOBODY
        holders = own if members is None else members.groups("unit")
        rows = self._rows[1][number, holders]
        cells = {name: values[rows] for name, values in self._cells.items()}
        since = self._since[number, holders]
        reported, done_on = cells["state"], cells["done_on"]
        if task.indicator:
            reported = self._judged(task, self.year, holders)
            done_on = np.where(reported == REPORTED.index("done"), done_on, NO_DAY)
            since = self._judged_since(task, holders) if task.cadence == "once" else since
        elif task.cadence == "on_event":
            reported = np.where(reported == 0, REPORTED.index("not_applicable"), reported)
        due = task.due_in(self.year, self.plan.cut_off)
        shown = show_states(reported, done_on, due, on)
        shown[since > 0] = code("done_on_time")
        if members is None and not self._lives(self.year):
            shown[:] = code("not_applicable")
        needed = is_done(shown) & (since == 0) & (task.evidence == "required")
        unproven = needed & ~self._has_evidence[number, holders]
        silent = [code(word) for word in ("not_applicable", "unreported", "unreported_due")]
        counts = cells["count"], cells["has_count"] & ~np.isin(shown, silent)
        return Holding(task, due, members, shown, done_on, since, *counts, unproven)

    def _lives(self, year: int) -> bool:
        district = self.sources.registers["district"]
        return bool(district.expected[self.sources.years.index(year)])

    def _judged(self, task: Task, year: int, holders: Groups) -> Codes:
        """Return what the task's indicator says of some holders, as a reported state.

        Where the plan passes no verdict, the figure decides: a yes, or a count above 0, is done.
        """
        words = {"met": "done", "not_met": "not_started", "not_applicable": "not_applicable"}
        lookup = np.array([REPORTED.index(words.get(v, "")) for v in VERDICTS], np.int8)
        indicator, by_year = self.plan.indicator(task.indicator), Year(self.sources, year)
        scope = "district" if task.owner == "district" else "unit"
        ((_, sums),) = by_year.roll_up(indicator, [scope])
        judged = by_year.judge(indicator, scope, sums)
        said = lookup[judged["verdict"]]
        if indicator.measure != "ratio":
            silent = np.isin(
                judged["verdict"], [VERDICTS.index(w) for w in ("no_target", "not_due")]
            )
            yes, no = REPORTED.index("done"), REPORTED.index("not_started")
            codes = np.where(judged["numerator"] > 0, yes, no)
            said = np.where(silent & judged["has_numerator"], codes, said).astype(np.int8)
        table = np.full(len(self._holders), REPORTED.index("not_applicable"), np.int8)
        groups = by_year.groups(indicator, scope)
        table[groups if scope == "unit" else groups + len(self._holders) - 1] = said
        return table[holders]

    def _judged_since(self, task: Task, holders: Groups) -> IntArray:
        since = np.zeros(len(holders), np.int64)
        for year in sorted((y for y in self.sources.years if y < self.year), reverse=True):
            done = self._judged(task, year, holders) == REPORTED.index("done")
            since[done] = year
        return since
