"""What each holder has to do in a year: every task that applies, with its state and documents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from analysis.indicators.rollups import open_sources
from analysis.plan import Plan, Task
from analysis.tables.load import Dataset
from analysis.tasks.holdings import Book, Holding
from analysis.tasks.states import NO_DAY, STATES

_SOON_DAYS = 60


@dataclass(frozen=True)
class Document:
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
    documents : tuple of Document
        What is cited for it.
    """

    task: Task
    holder_id: str
    state: str
    on: date
    due: date | None
    done_on: date | None
    since: int
    count: int | None
    is_unproven: bool
    note: str
    documents: tuple[Document, ...]

    @property
    def days_late(self) -> int:
        """How long it is overdue, or was when it was done; 0 where it is not."""
        if self.due is None or self.state not in ("overdue", "unreported_due", "done_late"):
            return 0
        end = self.done_on if self.state == "done_late" and self.done_on else self.on
        return max((end - self.due).days, 0)

    @property
    def is_soon(self) -> bool:
        """Tell whether it is still to be done and falls due within 60 days."""
        is_open = self.state in ("in_progress", "not_started", "unreported")
        return is_open and self.due is not None and (self.due - self.on).days <= _SOON_DAYS


def find_duties(
    dataset: Dataset, plan: Plan, year: int, on: date | None = None
) -> dict[str, tuple[Duty, ...]]:
    """Return what every holder has to do, by holder, in the plan's order.

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

    Returns
    -------
    dict of str to tuple of Duty
        Nothing for anybody where the dataset does not follow tasks.

    Examples
    --------
    >>> from analysis import load
    >>> study = load(2024)
    >>> duties = find_duties(study.dataset, study.plan, 2024)["DN-NUICAM"]
    >>> [duty.task.id for duty in duties if duty.state == "overdue"]
    ['t-2.2-thang-cong-nhan', 't-2.2-tet-sum-vay']
    """
    if dataset.tables["tasks"].empty:
        return {}
    cut_off = plan.cut_off_in(year)
    day = min(on or cut_off, cut_off)
    notes, documents = _said(dataset, year)
    found: dict[str, list[Duty]] = {}
    for holding in Book(dataset, open_sources(dataset, plan), year).holdings(day):
        for place, holder in enumerate(_holders(holding, plan)):
            state = STATES[holding.shown[place]]
            if state == "not_applicable":
                continue
            key = (holding.task.id, holder)
            done_on = holding.done_on[place]
            duty = Duty(
                task=holding.task,
                holder_id=holder,
                state=state,
                on=day,
                due=holding.due,
                done_on=None if done_on == NO_DAY else np.datetime64(int(done_on), "D").item(),
                since=int(holding.since[place]),
                count=int(holding.count[place]) if holding.has_count[place] else None,
                is_unproven=bool(holding.is_unproven[place]),
                note=notes.get(key, ""),
                documents=tuple(documents.get(key, ())),
            )
            found.setdefault(holder, []).append(duty)
    return {holder: tuple(duties) for holder, duties in found.items()}


def _holders(holding: Holding, plan: Plan) -> list[str]:
    if holding.members is None:
        return [plan.issuer.id]
    names = holding.members.register.scopes["unit"].names
    return [str(names[group]) for group in holding.members.groups("unit")]


def _said(
    dataset: Dataset, year: int
) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], list[Document]]]:
    """Return the year's notes and documents by task and holder."""
    tasks, evidence = dataset.tables["tasks"], dataset.tables["evidence"]
    noted = tasks[(tasks["year"] == year) & tasks["note"].notna()]
    keys = zip(noted["task_id"], noted["holder_id"], strict=True)
    notes = dict(zip(keys, noted["note"].astype(str), strict=True))
    documents: dict[tuple[str, str], list[Document]] = {}
    cited = evidence[evidence["year"] == year].sort_values("number")
    for row in cited.itertuples(index=False):
        day = row.doc_date.date() if pd.notna(row.doc_date) else None
        texts = [
            str(text) if pd.notna(text) else "" for text in (row.doc_no, row.title, row.issued_by)
        ]
        document = Document(texts[0], day, *texts[1:])
        documents.setdefault((row.task_id, row.holder_id), []).append(document)
    return notes, documents
