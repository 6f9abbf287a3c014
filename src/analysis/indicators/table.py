"""The indicator table: every indicator at every scope, in the order and form of its contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from analysis.indicators.members import (
    IntArray,
    Members,
    district_members,
    employer_members,
    unit_members,
)
from analysis.indicators.pooling import Sums, join, pool, pool_by
from analysis.indicators.states import States, find_members, find_states
from analysis.indicators.trajectory import TRAJECTORIES, Point, assess, is_overdue
from analysis.indicators.verdicts import (
    FLAGS,
    VERDICTS,
    Terms,
    find_bounds,
    flag_bit,
    judge,
)
from analysis.plan import Indicator, Plan
from analysis.problems import InputError, error
from analysis.tables.load import Dataset

SCOPES = ("district", "commune", "unit_type", "parent", "unit")
COLUMNS = (
    *("indicator", "year", "scope", "scope_id"),
    *("expected", "reported", "not_applicable", "missing", "numerator", "denominator"),
    *("value", "lower", "upper", "target", "verdict", "slack", "breakeven", "trajectory", "flags"),
)
_TRAJECTORY_SCOPES = ("district", "unit_type")
_COUNTS = ("expected", "reported", "not_applicable", "missing")
_NULLABLE = ("numerator", "denominator", "slack")
_DECIMALS = ("value", "lower", "upper", "breakeven")
_FLAG_WORDS = [
    ";".join(flag for bit, flag in enumerate(FLAGS) if code >> bit & 1)
    for code in range(2 ** len(FLAGS))
]


#: One scope's roll-ups in years under the same terms, and their columns of the table.
_Run = tuple[Terms, Sums, dict[str, np.ndarray]]


@dataclass(frozen=True)
class _Work:
    """What the computation of one table needs throughout."""

    plan: Plan
    years: pd.Index
    wanted: np.ndarray
    sources: dict[str, Members]
    registered: frozenset[int]


@dataclass(frozen=True)
class _Piece:
    """The rows of one indicator and scope, in years under the same target.

    Sorted by year and name. ``columns`` holds what `judge` returns, the counts, ``trajectory``,
    ``year_code`` and ``name_code``.
    """

    number: int
    scope: str
    target: str
    columns: dict[str, np.ndarray]


@dataclass(frozen=True)
class _Part:
    """One year of a piece."""

    piece: _Piece
    year_code: int
    rows: slice

    def __len__(self) -> int:
        return int(self.rows.stop - self.rows.start)


def compute_indicators(
    dataset: Dataset,
    plan: Plan,
    years: Iterable[int] | None = None,
    scopes: Sequence[str] = SCOPES,
) -> pd.DataFrame:
    """Compute the indicator table.

    Parameters
    ----------
    dataset : Dataset
        Tables without errors. All its years are read: caps and trajectories look at other years.
    plan : Plan
        The catalogue.
    years : iterable of int, optional
        The years to show; all of the roster's by default.
    scopes : sequence of str
        Which of `SCOPES` to show.

    Returns
    -------
    DataFrame
        One row per year, indicator, scope and scope_id, columns as `COLUMNS`. Counts are whole
        numbers, ``value``, ``lower``, ``upper`` and ``breakeven`` float64 made from exact fractions
        (a share as 0.782), words are categories; what does not apply is missing.

    Raises
    ------
    InputError
        If the roster has nothing for a year that was asked for.
    """
    chosen = sorted(dataset.years if years is None else set(years))
    _require_years(dataset, chosen)
    work = _prepare(dataset, plan, chosen)
    pieces = [
        piece
        for number, indicator in enumerate(plan.catalogue())
        for piece in _pieces(work, number, indicator, scopes)
    ]
    return _assemble(pieces, work)


def _require_years(dataset: Dataset, years: Sequence[int]) -> None:
    absent = sorted(set(years) - set(dataset.years))
    if absent:
        known = ", ".join(str(year) for year in dataset.years) or "không có năm nào"
        file = dataset.files.get("roster", "roster")
        raise InputError(
            error(
                f"danh sách CĐCS không có năm này; các năm hiện có: {known}",
                code="no_year",
                file=file,
                column="year",
                value=year,
            )
            for year in absent
        )


def _prepare(dataset: Dataset, plan: Plan, chosen: Sequence[int]) -> _Work:
    known = {*dataset.years, *dataset.employers["year"], *dataset.district["year"]}
    years = pd.Index(sorted(int(year) for year in known), dtype="int64")
    sources = {
        "units": unit_members(dataset, plan, years),
        "employers": employer_members(dataset, plan, years),
        "district": district_members(dataset, plan, years),
    }
    registered = frozenset(int(year) for year in dataset.employers["year"].unique())
    return _Work(plan, years, years.isin(chosen), sources, registered)


def _pieces(
    work: _Work, number: int, indicator: Indicator, scopes: Sequence[str]
) -> Iterator[_Piece]:
    """Yield the judged roll-ups of one indicator, in the order of the scopes and years."""
    members = work.sources[indicator.over]
    member = find_members(indicator, work.plan, members)
    if not indicator.is_stage:
        # A trajectory looks at the other years too.
        member &= work.wanted[members.year_codes]
    rows = np.flatnonzero(member)
    states = find_states(indicator, members, member).take(rows)
    for scope in SCOPES:
        if scope not in scopes or not (scope == "district" or scope in members.scopes):
            continue
        if scope == "district":
            sums = _pool_district(work, indicator, states, members.year_codes[rows])
        else:
            sums = pool_by(states, members, scope, rows)
        runs = list(_judge(work, indicator, scope, sums))
        if indicator.is_stage and scope in _TRAJECTORY_SCOPES:
            _follow(work, indicator, runs)
        for terms, _, columns in runs:
            yield _Piece(number, scope, str(terms.target or ""), columns)


def _pool_district(work: _Work, indicator: Indicator, states: States, year_codes: IntArray) -> Sums:
    if indicator.with_district:
        district = work.sources["district"]
        alive = np.flatnonzero(district.expected)
        own = find_states(indicator, district, district.expected).take(alive)
        states = join(states, own)
        year_codes = np.concatenate([year_codes, district.year_codes[alive]])
    sums = pool(states, year_codes, len(work.years))
    if indicator.over == "district":
        # The level's own value is expected every year; once the level has ended it does not apply.
        once = np.ones(len(sums), np.int64)
        not_applicable = sums.not_applicable + once - sums.expected
        sums = replace(sums, expected=once, not_applicable=not_applicable)
    return sums


def _judge(work: _Work, indicator: Indicator, scope: str, sums: Sums) -> Iterator[_Run]:
    """Judge one scope, each run of years under the same terms by itself."""

    def terms_in(code: int) -> Terms:
        return _terms_in(work, indicator, scope, int(work.years[code]))

    for terms, together in groupby(range(len(work.years)), terms_in):
        codes = list(together)
        start, end = np.searchsorted(sums.year_code, [codes[0], codes[-1] + 1])
        run = sums.take(slice(start, end))
        counts = {name: getattr(run, name) for name in ("year_code", "name_code", *_COUNTS)}
        judged = judge(run, indicator, terms, is_unit=scope == "unit")
        trajectory = np.zeros(len(run), np.int8)
        yield terms, run, {**counts, **judged, "trajectory": trajectory}


def _terms_in(work: _Work, indicator: Indicator, scope: str, year: int) -> Terms:
    target = indicator.target_in(year)
    if indicator.measure == "total" and scope != "district":
        target = None  # the plan asks a total of the district alone
    return Terms(
        target=target,
        is_due=target is None or target.by_end_of is None or year >= target.by_end_of,
        is_registered=indicator.over != "employers" or year in work.registered,
    )


def _follow(work: _Work, indicator: Indicator, runs: Sequence[_Run]) -> None:
    """Add trajectory and ``overdue`` to the roll-ups of one scope, all years of them."""
    points: dict[int, dict[int, Point]] = {}
    for _, sums, columns in runs:
        bounds = find_bounds(sums, indicator)
        for row, (year, name) in enumerate(_years_and_names(work, sums)):
            points.setdefault(name, {})[year] = Point(
                reported=int(sums.reported[row]),
                missing=int(sums.missing[row]),
                verdict=VERDICTS[columns["verdict"][row]],
                value=_fraction(bounds.value, row) if bounds.has_value[row] else None,
                lower=_fraction(bounds.lower, row),
                upper=None if bounds.is_open[row] else _fraction(bounds.upper, row),
            )
    for _, sums, columns in runs:
        for row, (year, name) in enumerate(_years_and_names(work, sums)):
            word = assess(points[name], year, indicator, work.plan)
            columns["trajectory"][row] = TRAJECTORIES.index(word)
            if is_overdue(points[name], year, indicator):
                columns["flags"][row] |= flag_bit("overdue")


def _years_and_names(work: _Work, sums: Sums) -> list[tuple[int, int]]:
    years = work.years.to_numpy()[sums.year_code]
    return list(zip(years.tolist(), sums.name_code.tolist(), strict=True))


def _fraction(pair: tuple[np.ndarray, np.ndarray], row: int) -> Fraction | None:
    above, below = int(pair[0][row]), int(pair[1][row])
    return Fraction(above, below) if below else None


def _assemble(pieces: Sequence[_Piece], work: _Work) -> pd.DataFrame:
    """Put the pieces together, years outermost; each is sorted by year and name already.

    A column that has been joined is dropped from the pieces: the table never stands there twice.
    """
    parts = [part for code in np.flatnonzero(work.wanted) for part in _parts(pieces, int(code))]
    lengths = [len(part) for part in parts]
    ids = [item.id for item in work.plan.catalogue()]
    targets = sorted({part.piece.target for part in parts})

    def joined(name: str, dtype: type = np.int64) -> np.ndarray:
        arrays = [part.piece.columns[name][part.rows] for part in parts]
        for piece in pieces:
            del piece.columns[name]
        arrays.append(np.empty(0, dtype))
        try:
            return np.concatenate(arrays, dtype=dtype, casting="unsafe")
        except OverflowError:  # a sum beyond int64
            return np.concatenate(arrays, dtype=object)

    def repeated(codes: list[int], dtype: type = np.int16) -> np.ndarray:
        return np.repeat(np.array(codes, dtype), lengths)

    columns = {
        "indicator": _words(repeated([part.piece.number for part in parts]), ids),
        "year": repeated([int(work.years[part.year_code]) for part in parts], np.int64),
        "scope": _words(repeated([SCOPES.index(part.piece.scope) for part in parts]), SCOPES),
        "scope_id": _scope_ids(parts, work),
        **{name: joined(name) for name in _COUNTS},
        **{name: _nullable(joined(name), joined(f"has_{name}", bool)) for name in _NULLABLE},
        **{name: joined(name, float) for name in _DECIMALS},
        "target": _words(repeated([targets.index(part.piece.target) for part in parts]), targets),
        "verdict": _words(joined("verdict", np.int8), VERDICTS),
        "trajectory": _words(joined("trajectory", np.int8), TRAJECTORIES),
        "flags": _words(joined("flags", np.int8), _FLAG_WORDS),
    }
    return pd.DataFrame(columns, columns=list(COLUMNS), copy=False)


def _words(codes: np.ndarray, names: Sequence[str]) -> pd.Categorical:
    return pd.Categorical.from_codes(codes, list(names))


def _parts(pieces: Sequence[_Piece], year_code: int) -> Iterator[_Part]:
    for piece in pieces:
        start, end = np.searchsorted(piece.columns["year_code"], [year_code, year_code + 1])
        if start < end:
            yield _Part(piece, year_code, slice(int(start), int(end)))


def _nullable(values: np.ndarray, known: np.ndarray) -> Any:
    """Return nullable whole numbers, empty where not known."""
    if values.dtype == object:
        values[~known] = None
        return values
    return pd.arrays.IntegerArray(values, ~known)


def _scope_ids(parts: Sequence[_Part], work: _Work) -> pd.Categorical:
    """Name every row, translating each source's own codes into one list of names."""
    issuer = pd.Index([work.plan.issuer.id], dtype="object")
    names = {
        (source, scope): members.scopes[scope].names if scope in members.scopes else issuer
        for source, members in work.sources.items()
        for scope in SCOPES
    }
    every = pd.Index(sorted(set().union(*names.values())), dtype="object")
    position = {key: every.get_indexer(labels).astype(np.int32) for key, labels in names.items()}
    sources = [item.over for item in work.plan.catalogue()]
    codes = [
        position[sources[part.piece.number], part.piece.scope][
            part.piece.columns["name_code"][part.rows]
        ]
        for part in parts
    ]
    return pd.Categorical.from_codes(np.concatenate([np.empty(0, np.int32), *codes]), list(every))


def write_table(table: pd.DataFrame, target: Path | IO[str]) -> None:
    """Write an indicator table as ``.csv``, ``.parquet`` or ``.xlsx``, by the path's ending.

    CSV is UTF-8 without BOM, LF, decimals in the shortest form that round-trips. A text stream
    gets CSV.

    Raises
    ------
    InputError
        If the ending is another.
    """
    suffix = target.suffix.lower() if isinstance(target, Path) else ".csv"
    if suffix == ".csv":
        table.to_csv(target, index=False, lineterminator="\n", encoding="utf-8")
    elif suffix == ".parquet":
        table.to_parquet(target, index=False)
    elif suffix == ".xlsx":
        # Names come from other people's files: never let one become a formula or a link.
        options = {"strings_to_formulas": False, "strings_to_urls": False}
        with pd.ExcelWriter(
            target, engine="xlsxwriter", engine_kwargs={"options": options}
        ) as writer:
            table.to_excel(writer, index=False, sheet_name="Chỉ tiêu")
    else:
        message = "đuôi tệp phải là .csv, .parquet hoặc .xlsx"
        raise InputError([error(message, code="ending", file=str(target))])
