"""A study: one dataset under one plan, with its indicator table."""

from __future__ import annotations

from bisect import bisect_left
from collections import namedtuple
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fractions import Fraction
from functools import cached_property, lru_cache, wraps
from importlib import import_module
from inspect import signature
from pathlib import Path
from types import MappingProxyType, MethodType
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import pandas as pd

from analysis.params import Params
from analysis.plan import Plan
from analysis.problems import InputError, error
from analysis.results import OPEN_COLUMNS, SCOPES, compute_indicators
from analysis.results.members import is_expected
from analysis.tables.dictionary import PLACED, dictionary, set_own_columns
from analysis.tables.load import Dataset, Given
from analysis.tables.peoples_text import Statements
from analysis.tables.writing import alphabetically, find_heirs, find_place
from analysis.tasks import Duties, Duty

Basis = Literal["published", "same_perimeter"]


class Question:
    """A method of `Study` whose function stands in `analysis.exploring`, which itself knows `Study`.

    It is imported when it is first asked for, which also keeps loading fast.
    """

    def __init__(self, name: str, module: str = "answers") -> None:
        self._module, self._name = f"analysis.exploring.{module}", name

    def __get__(self, study: Study | None, owner: type | None = None) -> Any:
        function = getattr(import_module(self._module), self._name)
        return function if study is None else MethodType(_told(function), study.take_columns())


def _told(function: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse arguments that a question does not have in Vietnamese."""

    @wraps(function)
    def ask(*given: Any, **named: Any) -> Any:
        asked = signature(function)
        try:
            asked.bind(*given, **named)
        except TypeError:
            _, *known = asked.parameters
            name = function.__name__
            message = f"hãy hỏi {name}({', '.join(known)}); xem help(study.{name})"
            wrong = [one for one in named if one not in known] or [""]
            raise InputError(
                error(message, code="bad_question", column=one) for one in wrong
            ) from None
        return function(*given, **named)

    return ask


@dataclass(frozen=True, eq=False, repr=False)
class Study:
    """One dataset, free of errors, under one plan; ``root`` is the project's folder.

    Its questions are in `analysis.exploring`; every answer is a tidy frame, in the plan's order.
    Names may be given as an id or as words, with or without marks; several as a list. What is
    unknown is refused with the nearest that exists. An empty answer says why it is empty.
    """

    params: Params
    plan: Plan
    dataset: Dataset
    root: Path

    #: Whether figures of the study are assumed.
    is_assumed: ClassVar[bool] = False

    find = Question("find_units")
    results = Question("results")
    board = Question("board")
    missed = Question("missed")
    trend = Question("trend")
    compare = Question("compare")
    outliers = Question("outliers")
    missing = Question("missing")
    tasks = Question("tasks")
    sources = Question("sources")
    needed = Question("needed")
    assume = Question("assume", "whatif")
    _keyed = Question("Keyed")
    _repr_html_ = Question("describe")

    @property
    def units(self) -> Any:
        """Mọi chỉ tiêu của một CĐCS: ``study.units["DN-DABAN"]``; phím Tab gợi ý mã."""
        return self._keyed("unit")

    @property
    def indicators(self) -> Any:
        """Một chỉ tiêu ở mọi phạm vi: ``study.indicators["informed_all"]``; phím Tab gợi ý mã."""
        return self._keyed("indicator")

    def __repr__(self) -> str:
        """Return one line: the card is for notebooks."""
        params, years = self.params, self.dataset.years
        told = (params.data, f"{min(years)}–{max(years)}", self.plan.id, params.edition)
        return f"{type(self).__name__}({', '.join(told)})"

    def __getattr__(self, name: str) -> Any:
        """Say that there is no such question, and which ones there are."""
        if name.startswith("_"):
            raise AttributeError(name)
        known = [one for one in dir(type(self)) if not one.startswith("_")]
        near = get_close_matches(name, known, 3)
        told = f"ý anh/chị là {' hay '.join(near)}?" if near else "gõ study. rồi phím Tab để xem"
        raise AttributeError(f"study không có «{name}»; {told}")

    @cached_property
    def table(self) -> pd.DataFrame:
        """The indicator table of all years and scopes (computed once), with its `OPEN_COLUMNS`."""
        self.take_columns()
        return Given(compute_indicators(self.dataset, self.plan, with_open=True))

    def take_columns(self) -> Study:
        """Make the dictionary this dataset's again: the process may have opened another since."""
        set_own_columns(self.dataset.own)
        return self

    @cached_property
    def _positions(self) -> dict[tuple[str, str, int], np.ndarray]:
        keys = [self.table["scope"], self.table["scope_id"], self.table["year"]]
        return dict(self.table.groupby(keys, observed=True, sort=False).indices)

    @cached_property
    def _memory(self) -> dict[Hashable, Any]:
        return {}

    def remember(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """Return what was computed before, by this study or by it `with_params`.

        ``key`` names what is computed, and all that it depends on beside the tables and the plan.
        """
        if key not in self._memory:
            self._memory[key] = compute()
        return self._memory[key]

    # Every page asks for the district's rows, and for its own again and again.
    @lru_cache(maxsize=64)  # noqa: B019 - a study lives as long as its process
    def rows(self, scope: str, scope_id: str, year: int) -> Mapping[str, Any]:
        """Return one scope's rows of a year, by indicator id; empty if there are none.

        Parameters
        ----------
        scope, scope_id : str
            One of ``SCOPES``, and the unit, commune, type or parent; the issuer's id for the district.
        year : int
            The year.

        Returns
        -------
        mapping of str to namedtuple
            The table's columns as attributes.
        """
        found = self._positions.get((scope, scope_id, year), np.array([], np.int64))
        cells = zip(*(read(found) for read in self._columns), strict=True)
        row_type = self._row_type
        return MappingProxyType({str(row.indicator): row for row in map(row_type._make, cells)})

    @cached_property
    def _row_type(self) -> Any:
        return namedtuple("Row", self.table.columns)

    @cached_property
    def _columns(self) -> list[Callable[[np.ndarray], list[Any]]]:
        return [_reader(self.table[name]) for name in self.table.columns]

    def values(self, indicator_id: str, scope: str, scope_id: str) -> dict[int, Fraction]:
        """Return one scope's exact values of an indicator or a part, by year; see `rows`.

        Years without one are left out.
        """
        rows = {y: self.rows(scope, scope_id, y).get(indicator_id) for y in self.dataset.years}
        values = {y: shown_value(row) for y, row in rows.items() if row is not None}
        return {year: value for year, value in values.items() if value is not None}

    @cached_property
    def register(self) -> pd.DataFrame:
        """The roster with ``is_expected`` and ``has_return`` beside each unit, by year and id."""
        roster = self.dataset.roster.copy()
        roster["parent"] = roster["parent"].fillna(self.plan.issuer.id)
        roster["is_expected"] = is_expected(roster, self.plan)
        returned = pd.MultiIndex.from_frame(self.dataset.sent_returns[["year", "unit_id"]])
        keys = pd.MultiIndex.from_frame(roster[["year", "unit_id"]])
        roster["has_return"] = keys.isin(returned)
        return roster.set_index(["year", "unit_id"]).sort_index()

    @cached_property
    def unit_types(self) -> dict[tuple[int, str], str]:
        """The register's type of each unit, by year and id: asked for thousands of times."""
        return dict(self.register["unit_type"].astype("str").items())

    def name_parent(self, parent: str, year: int) -> str:
        """Return the name of whom units of a year report to, from the id in the register."""
        issuer = self.plan.issuer
        if parent == issuer.id:
            return issuer.short
        is_unit = (year, parent) in self.register.index
        own = str(self.register.at[(year, parent), "name"]) if is_unit else parent
        return self.dataset.description.parents.get(parent, own)

    def compute(self, years: Iterable[int], scopes: Iterable[str] = SCOPES) -> pd.DataFrame:
        """Return the indicator table of some years and scopes alone, in the form of its contract.

        It is taken from the whole table where that is there already.
        """
        if "table" not in self.__dict__:
            self.take_columns()
            return compute_indicators(self.dataset, self.plan, years, list(scopes))
        keep = self.table["scope"].isin(list(scopes)) & self.table["year"].isin(list(years))
        return self.table[keep].drop(columns=list(OPEN_COLUMNS)).reset_index(drop=True)

    def with_params(self, params: Params) -> Study:
        """Return the same data and plan with other settings that change no figure."""
        _ = self._memory  # shared from now on
        other = replace(self, params=params)
        computed = {k: v for k, v in self.__dict__.items() if k not in other.__dict__}
        other.__dict__.update(computed)
        return other

    def duties(self, year: int) -> Mapping[str, tuple[Duty, ...]]:
        """Return what every holder has to do in a year, by holder: `analysis.tasks.Duties`."""
        found: Mapping[str, tuple[Duty, ...]] = self.remember(
            ("duties", year, self.params.on),
            lambda: Duties(self.dataset, self.plan, year, self.params.on_day),
        )
        return found

    def expected_units(self, year: int) -> pd.DataFrame:
        """Return the units that have to report in a year, by id."""
        units: pd.DataFrame = self.remember(("expected", year), lambda: self._expected(year))
        return units.copy(deep=False)  # a caller's changes stay with the caller

    def _expected(self, year: int) -> pd.DataFrame:
        if year not in self.dataset.years:
            return self.register.iloc[:0].droplevel("year")
        units = self.register.loc[year]
        return units[units["is_expected"]]

    @cached_property
    def _cells(self) -> pd.DataFrame:
        keys = ["year", "unit_id"]
        both = self.dataset.roster.merge(self.dataset.returns, how="left", on=keys)
        return both.set_index(keys).sort_index()

    def prepare(self) -> None:
        """Compute now what pages will ask for, so that forks of this process have it already."""
        _ = self.table, self.register, self._positions, self._cells
        if self.params.year in self.dataset.years:
            self.duties(self.params.year)
        for indicator, year, unit_type in self._values_by_type:
            if year == self.params.year:
                self.type_values(indicator, year, unit_type)

    def cells(self, unit_id: str, year: int) -> pd.Series:
        """Return what the register and the return say of a unit in a year; empty is missing."""
        return self._cells.loc[(year, unit_id)]

    def words_of(self, year: int, unit_id: str = "") -> Statements:
        """Return what people have written of a year, of the whole or of a unit.

        Markdown by the words of the dictionary's list ``statement`` (see
        `analysis.tables.peoples_text.to_html`); nothing in the edition to share.
        """
        return self.dataset.texts.get((year, unit_id), {})

    def hidden_columns(self, unit_id: str, year: int) -> tuple[str, ...]:
        """Return the columns that this edition withholds of what a unit reported: none here."""
        return ()

    def roster_total(self, year: int, column: str) -> int | None:
        """Return the sum of a register's count over the units that have to report.

        None where the edition withholds it.
        """
        return int(self.expected_units(year)[column].sum())

    def unit_rows(self, indicator_id: str, year: int) -> Iterator[Any]:
        """Yield the table's rows of every unit for one indicator and year."""
        table = self.table
        keep = (table["scope"] == "unit") & (table["indicator"] == indicator_id)
        yield from table[keep & (table["year"] == year)].itertuples(index=False)

    @cached_property
    def _values_by_type(self) -> dict[tuple[str, int, str], dict[str, Fraction]]:
        rows = self.table[(self.table["scope"] == "unit") & self.table["value"].notna()]
        keys = pd.MultiIndex.from_arrays([rows["year"], rows["scope_id"].astype("str")])
        types = [self.unit_types[key] for key in keys]
        found: dict[tuple[str, int, str], dict[str, Fraction]] = {}
        for unit_type, row in zip(types, rows.itertuples(index=False), strict=True):
            value = shown_value(row)
            assert value is not None
            group = found.setdefault((str(row.indicator), int(row.year), unit_type), {})
            group[str(row.scope_id)] = value
        return found

    def type_values(self, indicator_id: str, year: int, unit_type: str) -> tuple[Fraction, ...]:
        """Return a type's values, smallest first; they are sorted once for all pages."""
        key = (indicator_id, year, unit_type)
        values: tuple[Fraction, ...] = self.remember(
            ("ordered", *key), lambda: tuple(sorted(self._values_by_type.get(key, {}).values()))
        )
        return values

    def peer_values(self, indicator_id: str, unit_id: str, year: int) -> Sequence[Fraction]:
        """Return what the other units of a unit's type reached in an indicator, smallest first."""
        unit_type = self.unit_types[(year, unit_id)]
        ordered = self.type_values(indicator_id, year, unit_type)
        own = self._values_by_type.get((indicator_id, year, unit_type), {}).get(unit_id)
        if own is None:
            return ordered
        at = bisect_left(ordered, own)
        return ordered[:at] + ordered[at + 1 :]


def _reader(column: pd.Series) -> Callable[[np.ndarray], list[Any]]:
    """Return what gives a column's cells at some places.

    A page asks for a few dozen rows a hundred times: pandas takes ten times as long.
    """
    if isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_string_dtype(column):
        coded = column.astype("category").cat
        codes = coded.codes.to_numpy()
        words = [*coded.categories.tolist(), np.nan]  # of what is missing, the code is −1
        return lambda places: [words[code] for code in codes.take(places).tolist()]
    if isinstance(column.dtype, np.dtype):
        cells = column.to_numpy()
        return lambda places: cells.take(places).tolist()
    known, empty = column.to_numpy("int64", na_value=0), column.isna().to_numpy()
    return lambda places: [
        pd.NA if is_empty else number
        for number, is_empty in zip(
            known.take(places).tolist(), empty.take(places).tolist(), strict=True
        )
    ]


def flags_of(row: Any) -> frozenset[str]:
    """Return the flags of a row of the table."""
    return frozenset(str(row.flags).split(";")) - {""}


def shown_value(row: Any) -> Fraction | None:
    """Return a row's exact value; None where nobody reported or the edition withholds it.

    A rate without its amounts (money, in the edition to share) is in whole percents.
    """
    if pd.isna(row.value):
        return None
    if pd.isna(row.numerator):
        return Fraction(round(float(row.value) * 100), 100)
    return Fraction(int(row.numerator), 1 if pd.isna(row.denominator) else int(row.denominator))


def side_by_side(
    study: Study,
    before: int,
    now: int,
    basis: Basis,
    scope: str = "district",
    only: str | None = None,
) -> pd.DataFrame:
    """Return a scope's rows of the indicator table of two years, over one perimeter or as published.

    Parameters
    ----------
    study : Study
        With the tables.
    before, now : int
        Two years of the roster, the earlier first.
    basis : {"published", "same_perimeter"}
        ``same_perimeter`` keeps only the units expected in both years, together with the
        predecessors that merged into one of them (or were split into them) between the years. A
        district federation that ended between them is in neither.
    scope : str
        One of ``SCOPES``.
    only : str, optional
        The id of the one indicator wanted.

    Raises
    ------
    InputError
        If the basis is unknown, or the edition does not allow a new sum.
    """
    if basis not in get_args(Basis):
        message = f"cách so chỉ có: {', '.join(get_args(Basis))}"
        raise InputError([error(message, code="bad_basis", column="basis", value=basis)])
    if basis == "published":
        return study.compute({before, now}, [scope])
    _require_exact(study)

    def compute() -> pd.DataFrame:
        dataset, wanted = _same_perimeter(study, before, now), None if only is None else {only}
        return compute_indicators(dataset, study.plan, {before, now}, [scope], only=wanted)

    found: pd.DataFrame = study.remember(("side by side", before, now, scope, only), compute)
    return found


def communes_side_by_side(
    study: Study, before: int, now: int, basis: Basis
) -> tuple[pd.DataFrame, pd.Series]:
    """Return the communes' rows of two years, those of the earlier under the communes of the later.

    Parameters and errors are those of `side_by_side`. The second result has, by commune, the names
    under which its units stood in the earlier year.
    """
    dataset = study.dataset if basis == "published" else _same_perimeter(study, before, now)
    moved = {name: _in_new_communes(study, dataset, name, before, now) for name in PLACED}
    if all(moved[name].equals(dataset.tables[name]) for name in PLACED):
        table = side_by_side(study, before, now, basis, "commune")
    else:
        _require_exact(study)
        edited = replace(dataset, tables=dataset.tables | moved)
        table = compute_indicators(edited, study.plan, {before, now}, ["commune"])
    old = dataset.roster
    names = old["commune"][old["year"] == before].groupby(moved["roster"]["commune"]).unique()
    return table, names.map(lambda each: ", ".join(sorted(each, key=alphabetically)))


def _in_new_communes(
    study: Study, dataset: Dataset, name: str, before: int, now: int
) -> pd.DataFrame:
    """Return a table whose rows of the earlier year stand under the communes of the later one.

    A unit of a divided commune goes where it stands in the later year; a unit that is gone by then
    keeps the old name.
    """
    start, end = (pd.Timestamp(study.plan.cut_off_in(year)) for year in (before, now))
    heirs = find_heirs(dataset.tables["communes"], start, end)
    rows = dataset.tables[name]
    key = dictionary().tables[name].key[-1]
    later = rows[rows["year"] == now]
    there, known = dict(zip(later[key], later["commune"], strict=True)), set(later["commune"])

    def place(unit: str, commune: str) -> str:
        old = find_place(commune, heirs)
        new = {find_place(one, known) or one for one in heirs[old]} if old else {commune}
        return new.pop() if len(new) == 1 else there.get(unit, commune)

    earlier = rows["year"] == before
    units = zip(rows[key], rows["commune"], earlier, strict=True)
    return rows.assign(commune=[place(u, c) if is_old else c for u, c, is_old in units])


def _require_exact(study: Study) -> None:
    """Refuse an edition that lacks figures: a new sum would be wrong, or would give them away."""
    edition = study.params.edition
    if edition != "internal":
        message = (
            "bản chia sẻ không có đủ số liệu để tính lại trên cùng phạm vi; hãy dùng bản nội bộ"
        )
        raise InputError([error(message, code="not_exact", column="edition", value=edition)])


def _same_perimeter(study: Study, before: int, now: int) -> Dataset:
    """Return the dataset with only the units that are in both years, predecessors with them."""
    old, new = (set(study.expected_units(year).index) for year in (before, now))
    successors = _successors(study, before, now)
    pooled = {key for key in old if successors.get(key, set()) & new}
    # A merged unit counts where its predecessors do, a split one where its successors do.
    keep_now = (old & new).union(*(successors[key] for key in pooled))
    kept = {before: old & new | pooled, now: keep_now}

    def inside(frame: pd.DataFrame) -> pd.DataFrame:
        # Other years stay: they only serve as caps for what is missing.
        pairs = zip(frame["year"], frame["unit_id"], strict=True)
        return frame[[year not in kept or unit in kept[year] for year, unit in pairs]]

    tables = study.dataset.tables
    tables = tables | {name: inside(tables[name]) for name in ("roster", "returns")}
    start, end = (pd.Timestamp(study.plan.cut_off_in(year)) for year in (before, now))
    district = tables["district"]
    ended = district["dissolved_on"]
    if start <= ended.min() < end:  # a district that ended between the two is in neither
        day = ended.mask(ended.notna(), start - pd.Timedelta(days=1))
        tables["district"] = district.assign(dissolved_on=day)
    return replace(study.dataset, tables=tables)


def _successors(study: Study, before: int, now: int) -> dict[str, set[str]]:
    """Return the units that each unit became between two years' cut-offs, followed to the end."""
    events = study.dataset.lineage
    start, end = (pd.Timestamp(study.plan.cut_off_in(year)) for year in (before, now))
    events = events[(events["date"] > start) & (events["date"] <= end)]
    events = events[events["event"].isin(["merged", "split"])]
    direct: dict[str, set[str]] = {}
    for key, successor in zip(events["predecessor_id"], events["successor_id"], strict=True):
        direct.setdefault(key, set()).add(successor)

    def follow(key: str, seen: frozenset[str]) -> set[str]:
        onward = direct.get(key, set()) - seen
        if not onward:
            return {key}
        return set().union(*(follow(after, seen | {key}) for after in onward))

    return {key: follow(key, frozenset({key})) for key in direct}
