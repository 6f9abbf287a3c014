"""The indicator table: every indicator at every scope, in the order and form of its contract."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd

from analysis.indicators.members import (
    Members,
    district_members,
    employer_members,
    unit_members,
)
from analysis.indicators.pooling import join, pool, pool_by
from analysis.indicators.states import States, find_members, find_states
from analysis.indicators.trajectory import TRAJECTORIES, Point, assess, is_overdue
from analysis.indicators.verdicts import FLAGS, VERDICTS, Terms, find_bounds, judge
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
_KEYS = ("year_code", "scope_code", "name_code")
_COUNTS = ("expected", "reported", "not_applicable", "missing")


@dataclass(frozen=True)
class _Work:
    """What the computation of one table needs throughout."""

    plan: Plan
    years: pd.Index
    wanted: np.ndarray
    sources: dict[str, Members]
    registered: np.ndarray


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
    blocks = [
        _indicator_rows(work, number, indicator, sums)
        for number, indicator in enumerate(plan.catalogue())
        if not (sums := _roll_up(work, indicator, scopes)).empty
    ]
    return _assemble(blocks, work) if blocks else pd.DataFrame(columns=list(COLUMNS))


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
    registered = years.isin(dataset.employers["year"].unique())
    return _Work(plan, years, years.isin(chosen), sources, registered)


def _roll_up(work: _Work, indicator: Indicator, scopes: Sequence[str]) -> pd.DataFrame:
    """Return the sums of one indicator at every scope that it has and that was asked for."""
    members = work.sources[indicator.over]
    states = find_states(indicator, members, find_members(indicator, work.plan, members))
    every_year = np.ones(len(work.years), bool)
    pieces = []
    for code, scope in enumerate(SCOPES):
        if scope not in scopes or scope not in ("district", *members.scopes):
            continue
        follows = indicator.is_stage and scope in _TRAJECTORY_SCOPES
        wanted = every_year if follows else work.wanted
        if scope == "district":
            sums = _pool_district(work, indicator, states, wanted)
        else:
            sums = pool_by(states, members, scope, wanted)
        pieces.append(sums.assign(scope_code=code))
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame()


def _indicator_rows(
    work: _Work, number: int, indicator: Indicator, sums: pd.DataFrame
) -> pd.DataFrame:
    """Return the judged roll-ups of one indicator, in the order of the scopes."""
    rows = _judge(work, indicator, sums).assign(trajectory=np.int8(0))
    if indicator.is_stage:
        rows = _follow(work, indicator, sums, rows)
    return rows[work.wanted[rows["year_code"]]].assign(indicator_code=number)


def _pool_district(
    work: _Work, indicator: Indicator, states: States, wanted: np.ndarray
) -> pd.DataFrame:
    year_codes = work.sources[indicator.over].year_codes
    if indicator.with_district:
        district = work.sources["district"]
        own = find_states(indicator, district, district.expected)
        states, year_codes = join(states, own), np.concatenate([year_codes, district.year_codes])
    sums = pool(states, year_codes, len(work.years))
    if indicator.over == "district":
        # The level's own value is expected every year; once the level has ended it does not apply.
        sums["not_applicable"] += 1 - sums["expected"]
        sums["expected"] = 1
    return sums[wanted[sums["year_code"]]]


def _judge(work: _Work, indicator: Indicator, sums: pd.DataFrame) -> pd.DataFrame:
    """Judge all rows, those under the same terms together."""
    terms = [_terms_in(work, indicator, code) for code in range(len(work.years))]
    distinct = list(dict.fromkeys(terms))
    of_year = np.array([distinct.index(term) for term in terms])
    of_row = of_year[sums["year_code"]]
    if indicator.measure == "total":
        # The plan asks a total of the district alone.
        below = (sums["scope_code"] != SCOPES.index("district")).to_numpy()
        distinct.append(Terms(target=None))
        of_row = np.where(below, len(distinct) - 1, of_row)
    is_unit = (sums["scope_code"] == SCOPES.index("unit")).to_numpy()
    pieces = []
    for code in np.unique(of_row):
        chosen = of_row == code
        rows = sums[chosen]
        judged = judge(rows, indicator, distinct[code], is_unit[chosen])
        target = str(distinct[code].target or "")
        pieces.append(rows[[*_KEYS, *_COUNTS]].join(judged).assign(target=target))
    return pd.concat(pieces).sort_index()


def _terms_in(work: _Work, indicator: Indicator, year_code: int) -> Terms:
    year = int(work.years[year_code])
    target = indicator.target_in(year)
    return Terms(
        target=target,
        is_due=target is None or target.by_end_of is None or year >= target.by_end_of,
        is_registered=indicator.over != "employers" or bool(work.registered[year_code]),
    )


def _follow(
    work: _Work, indicator: Indicator, sums: pd.DataFrame, judged: pd.DataFrame
) -> pd.DataFrame:
    """Add trajectory and ``overdue`` to the roll-ups that follow a path, both sorted alike."""
    bounds = find_bounds(sums, indicator)
    followed = [SCOPES.index(scope) for scope in _TRAJECTORY_SCOPES]
    rows = [int(row) for row in np.flatnonzero(sums["scope_code"].isin(followed))]
    years = work.years.to_numpy()[judged["year_code"]]
    groups = list(zip(judged["scope_code"], judged["name_code"], strict=True))
    points: dict[tuple[int, int], dict[int, Point]] = {}
    for row in rows:
        points.setdefault(groups[row], {})[int(years[row])] = Point(
            reported=int(sums["reported"].iat[row]),
            missing=int(sums["missing"].iat[row]),
            verdict=VERDICTS[judged["verdict"].iat[row]],
            value=_fraction(bounds.value, row) if bounds.has_value[row] else None,
            lower=_fraction(bounds.lower, row),
            upper=None if bounds.is_open[row] else _fraction(bounds.upper, row),
        )
    trajectory = np.zeros(len(judged), np.int8)
    overdue = np.zeros(len(judged), bool)
    for row in rows:
        group, year = points[groups[row]], int(years[row])
        trajectory[row] = TRAJECTORIES.index(assess(group, year, indicator, work.plan))
        overdue[row] = is_overdue(group, year, indicator)
    return judged.assign(trajectory=trajectory, overdue=overdue)


def _fraction(pair: tuple[np.ndarray, np.ndarray], row: int) -> Fraction | None:
    above, below = int(pair[0][row]), int(pair[1][row])
    return Fraction(above, below) if below else None


def _assemble(blocks: list[pd.DataFrame], work: _Work) -> pd.DataFrame:
    rows = pd.concat(blocks, ignore_index=True)
    # Blocks come in the catalogue's order; within one, years go before scopes, and outermost at last.
    order = np.lexsort((rows["scope_code"], rows["indicator_code"], rows["year_code"]))
    rows = rows.iloc[order].reset_index(drop=True)
    flag_codes = sum(rows[flag].to_numpy(np.int64) << bit for bit, flag in enumerate(FLAGS))
    flag_words = [
        ";".join(flag for bit, flag in enumerate(FLAGS) if code >> bit & 1)
        for code in range(2 ** len(FLAGS))
    ]
    ids = [item.id for item in work.plan.catalogue()]
    return pd.DataFrame(
        {
            "indicator": pd.Categorical.from_codes(rows["indicator_code"], ids),
            "year": work.years.to_numpy()[rows["year_code"]],
            "scope": pd.Categorical.from_codes(rows["scope_code"], list(SCOPES)),
            "scope_id": _scope_ids(rows, work),
            **{name: rows[name] for name in (*_COUNTS, "numerator", "denominator")},
            **{name: rows[name] for name in ("value", "lower", "upper")},
            "target": rows["target"].astype("category"),
            "verdict": pd.Categorical.from_codes(rows["verdict"], list(VERDICTS)),
            "slack": rows["slack"],
            "breakeven": rows["breakeven"],
            "trajectory": pd.Categorical.from_codes(rows["trajectory"], list(TRAJECTORIES)),
            "flags": pd.Categorical.from_codes(flag_codes, flag_words),
        },
        columns=list(COLUMNS),
    )


def _scope_ids(rows: pd.DataFrame, work: _Work) -> pd.Categorical:
    """Name every row, translating each source's own codes into one list of names."""
    names = {
        (source, scope): keys.names
        for source, members in work.sources.items()
        for scope, keys in members.scopes.items()
    }
    every = sorted({work.plan.issuer.id}.union(*names.values()))
    position = pd.Index(every, dtype="object")
    codes = np.full(len(rows), position.get_loc(work.plan.issuer.id), np.int64)
    overs = np.array([item.over for item in work.plan.catalogue()])[rows["indicator_code"]]
    for (source, scope), labels in names.items():
        here = (rows["scope_code"].to_numpy() == SCOPES.index(scope)) & (overs == source)
        codes[here] = position.get_indexer(labels)[rows["name_code"].to_numpy()[here]]
    return pd.Categorical.from_codes(codes, every)


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
