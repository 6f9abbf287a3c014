"""What each holder has to do in a year: every task that applies, with its state and documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from analysis.plan import Plan, Task
from analysis.results.members import IntArray
from analysis.results.rollups import open_sources
from analysis.tables.load import Dataset
from analysis.tasks.states import DONE, NO_DAY, STATES, Holding, Holdings, code

#: The groups in which states are counted, from the best to the least known.
GROUPS = ("done", "open", "late", "silent")
#: How many days ahead a report tells what falls due.
SOON_DAYS = 60
_OPEN = ("in_progress", "kept_so_far", "not_started")
_SILENT = ("unreported", "unreported_due")
_OUTSIDE = code("not_applicable")


@dataclass(frozen=True)
class Evidence:
    """A piece of evidence, as it was cited."""

    doc_no: str
    doc_date: date | None
    title: str
    issued_by: str


@dataclass(frozen=True)
class Duty:
    """A task with one holder on a day.

    Attributes
    ----------
    task : Task
        The plan's.
    holder_id : str
        A unit; the issuer for the district's tasks.
    state : str
        One of `analysis.tasks.STATES`, never ``not_applicable``.
    on, due : date, date or None
        The day, and by when it was to be done; None for what never falls due.
    is_over : bool
        Whether the day is the year's cut-off.
    done_on : date or None
        When it was done, as far as reported.
    since : int
        The earlier year in which it was done for good; 0 where it was not.
    count : int or None
        What was counted.
    is_unproven : bool
        Done, and a document is required that nobody named.
    note : str
        The holder's own words.
    documents : tuple of Evidence
        What is cited for it.
    """

    task: Task
    holder_id: str
    state: str
    on: date
    due: date | None
    is_over: bool
    done_on: date | None
    since: int
    count: int | None
    is_unproven: bool
    note: str
    documents: tuple[Evidence, ...]

    @property
    def group(self) -> str:
        """One of `GROUPS`; empty where the edition withholds the state.

        A task that never falls due and has no result is late once the year is over.
        """
        if self.state in DONE:
            return "done"
        if self.state == "overdue" or (self.state == "no_result" and self.is_over):
            return "late"
        if self.state in _SILENT:
            return "silent"
        return "open" if self.state in (*_OPEN, "no_result") else ""

    @property
    def has_passed(self) -> bool:
        """Whether its due day has passed and it is not known to be done."""
        return self.state in ("overdue", "unreported_due")

    @property
    def days_late(self) -> int:
        """How long it is overdue, or was when it was done; 0 where it is not."""
        if self.due is None or not (self.has_passed or self.state == "done_late"):
            return 0
        end = self.done_on if self.state == "done_late" and self.done_on else self.on
        return max((end - self.due).days, 0)

    @property
    def is_answered(self) -> bool:
        """Whether its holder reported something about it this year."""
        return self.group != "silent" and not self.task.indicator and not self.since

    def is_due_within(self, days: int) -> bool:
        """Tell whether it is not done yet and falls due within so many days."""
        is_ahead = self.group in ("open", "silent") and not self.has_passed
        return is_ahead and self.due is not None and (self.due - self.on).days <= days


class Duties(Mapping[str, tuple[Duty, ...]]):
    """What every holder has to do in a year: by holder, in the plan's order, made on request.

    Parameters
    ----------
    dataset : Dataset
        Tables without errors.
    plan : Plan
        Its tasks.
    year : int
        A year of the roster.
    on : date, optional
        The day that is asked about, where it is before the cut-off.

    Examples
    --------
    >>> from analysis import load
    >>> study = load(2024)
    >>> duties = Duties(study.dataset, study.plan, 2024)["DN-NUICAM"]
    >>> [duty.task.id for duty in duties if duty.state == "overdue"]
    ['t-2.2-thang-cong-nhan', 't-2.2-tet-sum-vay']
    """

    def __init__(self, dataset: Dataset, plan: Plan, year: int, on: date | None = None) -> None:
        cut_off = plan.cut_off_in(year)
        self._day = min(on or cut_off, cut_off)
        self._is_over = self._day == cut_off
        sources = open_sources(dataset, plan)
        # Nobody has duties where the dataset does not follow tasks.
        is_followed = not dataset.tables["tasks"].empty
        found = Holdings(dataset, sources, year).holdings(self._day) if is_followed else ()
        self._holdings = tuple(found)
        # Every unit of the registers by its code, then the issuer, as in the places below.
        names = [*sources.registers["units"].scopes["unit"].names, plan.issuer.id]
        self._codes = {str(name): number for number, name in enumerate(names)}
        self._places = [_places(holding, len(names)) for holding in self._holdings]
        self._notes, self._documents = _said(dataset, year)

    def __getitem__(self, holder: str) -> tuple[Duty, ...]:
        number = self._codes[holder]
        found = tuple(
            self._duty(holding, int(places[number]), holder)
            for holding, places in zip(self._holdings, self._places, strict=True)
            if places[number] >= 0
        )
        if not found:
            raise KeyError(holder)
        return found

    def __iter__(self) -> Iterator[str]:
        is_held = np.zeros(len(self._codes), bool)
        for places in self._places:
            is_held |= places >= 0
        return (name for name, number in self._codes.items() if is_held[number])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _duty(self, holding: Holding, place: int, holder: str) -> Duty:
        key, done_on = (holding.task.id, holder), holding.done_on[place]
        return Duty(
            task=holding.task,
            holder_id=holder,
            state=STATES[holding.shown[place]],
            on=self._day,
            due=holding.due,
            is_over=self._is_over,
            done_on=None if done_on == NO_DAY else np.datetime64(int(done_on), "D").item(),
            since=int(holding.since[place]),
            count=int(holding.count[place]) if holding.has_count[place] else None,
            is_unproven=bool(holding.is_unproven[place]),
            note=self._notes.get(key, ""),
            documents=tuple(self._documents.get(key, ())),
        )


def _places(holding: Holding, size: int) -> IntArray:
    """Return each holder's position in a task's arrays; -1 where the task is not for it."""
    holders = np.array([size - 1]) if holding.members is None else holding.members.groups("unit")
    places = np.full(size, -1, np.int64)
    places[holders] = np.where(holding.shown == _OUTSIDE, -1, np.arange(len(holders)))
    return places


def _said(
    dataset: Dataset, year: int
) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], list[Evidence]]]:
    """Return the year's notes and documents by task and holder."""
    tasks, evidence = dataset.tables["tasks"], dataset.tables["evidence"]
    noted = tasks[(tasks["year"] == year) & tasks["note"].notna()]
    keys = zip(noted["task_id"], noted["holder_id"], strict=True)
    notes = dict(zip(keys, noted["note"].astype(str), strict=True))
    documents: dict[tuple[str, str], list[Evidence]] = {}
    cited = evidence[evidence["year"] == year].sort_values("number")
    for row in cited.itertuples(index=False):
        day = row.doc_date.date() if pd.notna(row.doc_date) else None
        texts = [
            str(text) if pd.notna(text) else "" for text in (row.doc_no, row.title, row.issued_by)
        ]
        document = Evidence(texts[0], day, *texts[1:])
        documents.setdefault((row.task_id, row.holder_id), []).append(document)
    return notes, documents
