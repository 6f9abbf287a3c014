"""What rows about tasks must hold, the state of each task with its holder on a day, and every duty of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.plan import Plan, Task
from analysis.problems import InputError, Problem, error
from analysis.results.members import BoolArray, IntArray, Members
from analysis.results.members import Codes as Groups
from analysis.results.rollups import VERDICTS, Sources, Year, open_sources
from analysis.results.states import find_population
from analysis.tables.load import Dataset, row_problems

_HELD = ["year", "task_id", "holder_id"]
#: A path inside the dataset's folder: no drive, no root, no step up.
_PATH = re.compile(r"(?![/\\]|[A-Za-z]:|.*(^|[/\\])\.\.([/\\]|$)|[a-z]+://).+")
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
#: The groups in which states are counted, from the best to the least known.
GROUPS = ("done", "open", "late", "silent")
#: How many days ahead a report tells what falls due.
SOON_DAYS = 60
_OPEN = ("in_progress", "kept_so_far", "not_started")
_SILENT = ("unreported", "unreported_due")


def check_tasks(dataset: Dataset, plan: Plan) -> list[Problem]:
    """Return an error for each row about a task or its evidence that contradicts the plan."""
    found: list[Problem] = []
    known = {task.id: task for task in plan.tasks}
    for name in ("tasks", "evidence"):
        rows = dataset.tables[name]
        if rows.empty:
            continue
        tasks = rows["task_id"].map(known)
        rows = rows.assign(task=tasks.to_numpy())
        unknown = rows["task"].isna()
        message = "kế hoạch không có nhiệm vụ nào mang mã này"
        found += _told(dataset, name, rows[unknown], "task_id", "unknown_task", message)
        rows = rows[~unknown]
        found += _holders(dataset, plan, name, rows)
        found += (_said if name == "tasks" else _proven)(dataset, rows)
    return dataset.locate(found)


def require_tasks(dataset: Dataset) -> None:
    """Refuse a dataset in which nobody follows the plan's tasks."""
    if dataset.tables["tasks"].empty:
        message = "chưa theo dõi nhiệm vụ: bộ số liệu không có bảng nhiệm vụ (tasks)"
        raise InputError([error(message, code="no_tasks", file=dataset.files["tasks"])])


def _told(
    dataset: Dataset, name: str, rows: pd.DataFrame, column: str, code: str, message: str
) -> list[Problem]:
    return row_problems(rows, dataset.files[name], column, code=code, message=message)


def _holders(dataset: Dataset, plan: Plan, name: str, rows: pd.DataFrame) -> list[Problem]:
    """Return an error for each row whose holder does not have the task."""
    is_district = rows["task"].map(lambda task: task.owner == "district").astype(bool)
    wrong = rows[is_district & (rows["holder_id"] != plan.issuer.id)]
    message = f"nhiệm vụ này là của {plan.issuer.short} (mã {plan.issuer.id})"
    found = _told(dataset, name, wrong, "holder_id", "other_owner", message)
    if "roster" in dataset.unread:
        return found  # its own errors are told already
    roster = dataset.roster.drop_duplicates(["year", "unit_id"])
    types = roster.set_index(["year", "unit_id"])["unit_type"]
    theirs = rows[~is_district]
    holders = pd.MultiIndex.from_frame(theirs[["year", "holder_id"]])
    theirs = theirs.assign(unit_type=types.reindex(holders).to_numpy())
    is_issuer = theirs["holder_id"] == plan.issuer.id
    message = "nhiệm vụ này là của từng CĐCS, không phải của cơ quan ban hành kế hoạch"
    found += _told(dataset, name, theirs[is_issuer], "holder_id", "other_owner", message)
    absent = theirs["unit_type"].isna() & ~is_issuer
    message = "mã này không có trong danh sách CĐCS năm {year}"
    found += _told(dataset, name, theirs[absent], "holder_id", "unknown_unit", message)
    theirs = theirs[~absent & ~is_issuer]
    belongs = {t.id: plan.types_in(t.population) for t in plan.tasks}
    pairs = zip(theirs["task_id"], theirs["unit_type"], strict=True)
    outside = np.array([unit_type not in belongs[task] for task, unit_type in pairs], bool)
    message = "nhiệm vụ này không dành cho loại hình của CĐCS ({unit_type})"
    return found + _told(dataset, name, theirs[outside], "holder_id", "other_population", message)


def _said(dataset: Dataset, rows: pd.DataFrame) -> list[Problem]:
    """Return an error for each day or count that cannot be."""
    dated = rows[rows["done_on"].notna()]
    undone = dated[(dated["state"] != "done").fillna(True)]
    message = "chỉ ghi ngày hoàn thành khi trạng thái là đã hoàn thành (done)"
    found = _told(dataset, "tasks", undone, "done_on", "day_of_undone", message)
    late = dated[dated["done_on"].dt.year > dated["year"]]
    message = "ngày hoàn thành sau ngày cuối năm {year}"
    found += _told(dataset, "tasks", late, "done_on", "day_after_year", message)
    counted = rows["count"].notna() & ~rows["task"].map(lambda task: bool(task.count)).astype(bool)
    message = "nhiệm vụ này không đếm số lượng; hãy để trống"
    return found + _told(dataset, "tasks", rows[counted], "count", "count_of_none", message)


def _proven(dataset: Dataset, rows: pd.DataFrame) -> list[Problem]:
    """Return an error for evidence of an unreported task, and for a file outside the folder."""
    tasks = dataset.tables["tasks"]
    said = pd.MultiIndex.from_frame(tasks.loc[tasks["state"].notna(), _HELD])
    # A linked task's state comes from its indicator, so it needs no row of its own.
    asked = ~rows["task"].map(lambda task: bool(task.indicator)).astype(bool)
    lost = rows[asked & ~pd.MultiIndex.from_frame(rows[_HELD]).isin(said)]
    message = "minh chứng của nhiệm vụ chưa được báo cáo; hãy ghi trạng thái vào bảng nhiệm vụ"
    found = _told(dataset, "evidence", lost, "task_id", "evidence_alone", message)
    named = rows[rows["file"].notna()]
    away = named[np.array([_PATH.fullmatch(text) is None for text in named["file"]], bool)]
    message = "phải là đường dẫn tương đối trong thư mục dữ liệu, ví dụ minh-chung/qd-12.pdf"
    return found + _told(dataset, "evidence", away, "file", "not_relative", message)


def code(state: str) -> int:
    """Return the code of a state that is shown."""
    return STATES.index(state)


def days(day: date) -> int:
    """Return a day as a number of days, in the unit of the holders' days."""
    return int(np.datetime64(day, "D").astype(np.int64))


def show_states(reported: Codes, done_on: IntArray, due: date | None, on: date) -> Codes:
    """Return the state shown for each holder of a task, codes in `STATES`, from codes in `REPORTED`.

    ``due`` is None for what never falls due; what was done after the day ``on`` was not yet done.

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


@dataclass(frozen=True, eq=False)
class Holding:
    """A task in a year: one entry per holder."""

    task: Task
    #: None for what never falls due.
    due: date | None
    #: The unions that have it; None: the district alone.
    members: Members | None
    #: The state on the day, a code in `STATES`.
    shown: Codes
    #: Days, as `days` counts them; `NO_DAY` where none is known.
    done_on: IntArray
    #: The earlier year in which it was done for good; 0 where it was not.
    since: IntArray
    count: IntArray
    has_count: BoolArray
    #: Done, and a document is required that nobody named.
    is_unproven: BoolArray


@dataclass(frozen=True, eq=False)
class Holdings:
    """Everything that is reported about tasks, looked up by task and holder."""

    dataset: Dataset
    sources: Sources
    year: int

    @cached_property
    def _holders(self) -> pd.Index:
        """Every unit of the registers by its code, then the issuer."""
        units = self.sources.registers["units"].scopes["unit"].names
        return pd.Index([*units, self.sources.plan.issuer.id], dtype="str")

    def _places(self, rows: pd.DataFrame) -> tuple[IntArray, BoolArray]:
        """Return each row's place in a table of tasks by holders, and whether it has one."""
        numbers = []
        ids = pd.Index([task.id for task in self.sources.plan.tasks], dtype="str")
        for index, column in ((ids, "task_id"), (self._holders, "holder_id")):
            codes, distinct = pd.factorize(rows[column])
            numbers.append(index.get_indexer(distinct)[codes])
        task, holder = numbers
        return task * len(self._holders) + holder, (task >= 0) & (holder >= 0)

    def _table(self, fill: int, dtype: type) -> np.ndarray:
        return np.full(len(self.sources.plan.tasks) * len(self._holders), fill, dtype)

    @cached_property
    def _rows(self) -> tuple[pd.DataFrame, np.ndarray]:
        """The year's rows, and the row of each task and holder (-1: none)."""
        tasks = self.dataset.tables["tasks"]
        rows = tasks[tasks["year"].to_numpy() == self.year]
        place, known = self._places(rows)
        table = self._table(-1, np.int32)
        table[place[known]] = np.flatnonzero(known)
        return rows, table.reshape(len(self.sources.plan.tasks), -1)

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
        return table.reshape(len(self.sources.plan.tasks), -1)

    @cached_property
    def _since(self) -> np.ndarray:
        """The first earlier year in which each holder did each task that is done once (0: none)."""
        tasks = self.dataset.tables["tasks"]
        once = {task.id for task in self.sources.plan.tasks if task.cadence == "once"}
        earlier = (tasks["year"] < self.year) & (tasks["state"] == "done").fillna(False)
        rows = tasks[earlier & tasks["task_id"].isin(once)].sort_values("year", ascending=False)
        place, known = self._places(rows)
        table = self._table(0, np.int64)
        table[place[known]] = rows["year"].to_numpy()[known]  # so the earliest year is written last
        return table.reshape(len(self.sources.plan.tasks), -1)

    def holdings(self, on: date) -> Iterator[Holding]:
        """Yield every task of the plan as it stood on a day, in the plan's order."""
        year = Year(self.sources, self.year)
        for number, task in enumerate(self.sources.plan.tasks):
            members = None
            if task.owner == "unit":
                everyone = year.everyone("units")
                members = find_population(task.population, self.sources.plan, everyone)
            yield self._holding(number, task, members, on)

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
        due = task.due_in(self.year, self.sources.plan.cut_off)
        shown = show_states(reported, done_on, due, on)
        shown[since > 0] = code("done_on_time")
        if members is None and not self._lives(self.year):
            shown[:] = code("not_applicable")
        is_done = np.isin(shown, [code(state) for state in DONE])
        needed = is_done & (since == 0) & (task.evidence == "required")
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
        indicator, by_year = self.sources.plan.indicator(task.indicator), Year(self.sources, year)
        scope = "district" if task.owner == "district" else "unit"
        (block,) = by_year.roll_up(indicator, [scope])
        judged = by_year.judge(indicator, block)
        said = lookup[judged["verdict"]]
        if indicator.measure != "ratio":
            silent = np.isin(
                judged["verdict"], [VERDICTS.index(w) for w in ("no_target", "not_due")]
            )
            yes, no = REPORTED.index("done"), REPORTED.index("not_started")
            codes = np.where(judged["numerator"] > 0, yes, no)
            said = np.where(silent & judged["has_numerator"], codes, said).astype(np.int8)
        table = np.full(len(self._holders), REPORTED.index("not_applicable"), np.int8)
        ((_, groups),) = block.groups
        table[groups if scope == "unit" else groups + len(self._holders) - 1] = said
        return table[holders]

    def _judged_since(self, task: Task, holders: Groups) -> IntArray:
        since = np.zeros(len(holders), np.int64)
        for year in sorted((y for y in self.sources.years if y < self.year), reverse=True):
            done = self._judged(task, year, holders) == REPORTED.index("done")
            since[done] = year
        return since


@dataclass(frozen=True)
class Evidence:
    """A piece of evidence, as it was cited."""

    doc_no: str
    doc_date: date | None
    title: str
    issued_by: str


@dataclass(frozen=True)
class Duty:
    """A task with one holder on a day."""

    task: Task
    #: A unit; the issuer for the district's tasks.
    holder_id: str
    #: One of `analysis.tasks.STATES`, never ``not_applicable``.
    state: str
    on: date
    #: None for what never falls due.
    due: date | None
    #: Whether the day is the year's cut-off.
    is_over: bool
    done_on: date | None
    #: The earlier year in which it was done for good; 0 where it was not.
    since: int
    count: int | None
    #: Done, and a document is required that nobody named.
    is_unproven: bool
    #: The holder's own words.
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

    ``on`` is the day that is asked about, where it is before the cut-off.

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
        self._notes, self._documents = _find_texts(dataset, year)

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
    places[holders] = np.where(holding.shown == code("not_applicable"), -1, np.arange(len(holders)))
    return places


def _find_texts(
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
