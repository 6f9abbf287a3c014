"""The questions that an office asks of its figures, each answered by a frame."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from fractions import Fraction
from functools import reduce
from numbers import Real
from operator import and_
from typing import Any, Literal

import numpy as np
import pandas as pd

from analysis.comparison import Basis, side_by_side
from analysis.exploring.answer import Answer
from analysis.exploring.cells import Presentation, Scale
from analysis.exploring.names import (
    Years,
    choose,
    choose_all,
    fold,
    language_of,
    members_of,
    pick_indicator,
    pick_member,
    pick_place,
    pick_year,
    pick_years,
    scopes_of,
    several,
    shorts_of,
)
from analysis.findings.finding import Finding, find, find_in
from analysis.findings.units import board as find_board
from analysis.findings.units import find_gap, stand
from analysis.language import Language
from analysis.params import PAGE
from analysis.problems import InputError, error
from analysis.results import OPEN_COLUMNS, SCOPES
from analysis.results.rollups import least_sufficient
from analysis.store.history import read_history
from analysis.study import Study
from analysis.tables.check import check_oddities
from analysis.tables.dictionary import Column, dictionary, per_dictionary
from analysis.tables.storefile import has_store
from analysis.tasks import STATES

Names = str | Iterable[str] | None
Group = Literal["unit", "commune", "unit_type"]

_PLACE = ["unit_id", "name", "unit_type", "commune"]
#: So far outside the middle half of its peers, in widths of that half, nobody stands by chance.
_FENCE = Fraction(3, 2)


def answer(
    study: Study,
    frame: pd.DataFrame,
    nothing: tuple[object, ...] = ("nothing",),
    labels: Mapping[str, str] | None = None,
    bars: Mapping[str, Scale] | None = None,
    *,
    kind: type[Answer] = Answer,
    keeps_index: bool = False,
) -> Answer:
    """Return a frame as an answer of a study: it knows its language, plan and marks.

    ``nothing`` names what it says if it is empty, and what that sentence is filled in with. Of what an
    analyst filters it would not be true any more.
    """
    found = kind(frame if keeps_index else frame.reset_index(drop=True))
    language = language_of(study)
    key, *given = nothing if frame.empty else ("none_left",)
    marks = [
        language.ui("illustrative") if study.dataset.description.illustrative else "",
        language.ui("assumed") if study.is_assumed else "",
    ]
    mark = "; ".join(filter(None, marks))
    asked = set(frame["indicator"].astype(str)) if "indicator" in frame else set()
    kinds = {item.is_fraction for item in study.plan.catalogue() if item.id in asked}
    found.attrs["look"] = Presentation(
        language,
        study.plan,
        language.told(str(key), *given),
        mark,
        labels or {},
        study.is_assumed,
        kinds.pop() if len(kinds) == 1 else None,
        bars or {},
    )
    return found


def refuse_on_page() -> None:
    """Refuse what only an analyst may look at where a page is being made."""
    if os.environ.get(PAGE):
        message = (
            "số liệu giả định và số còn cần không được vào trang báo cáo; hãy bỏ study.assume và"
            " study.needed khỏi sổ tay này, và hỏi chúng ở explore.ipynb"
        )
        raise InputError([error(message, code="assumed")])


# Who and what -----------------------------------------------------------------------------------


def find_units(study: Study, text: object) -> Answer:
    """Tìm CĐCS theo tên, mã hoặc xã, không cần dấu.

    Parameters
    ----------
    text : str
        Part of a code, a name or a commune.

    Returns
    -------
    DataFrame
        ``unit_id, name, unit_type, commune, first_year, last_year``, by code.

    Examples
    --------
    >>> from analysis import load
    >>> list(load(2024).find("da ban")["unit_id"])
    ['DN-DABAN']
    """
    if not isinstance(text, str):
        message = 'hãy viết mã, tên hay xã trong ngoặc kép, ví dụ "khe sanh"'
        raise InputError([error(message, code="bad_question", column="find", value=text)])
    wanted, register = fold(text), study.register.reset_index()
    last = register.sort_values("year").groupby("unit_id").last().reset_index()
    first = register.groupby("unit_id")["year"].min()
    fits = pd.Series(False, index=last.index)
    for column in ("unit_id", "name", "commune"):
        fits |= last[column].astype(str).map(fold).str.contains(wanted, regex=False)
    found = last[fits]
    found = found.assign(first_year=found["unit_id"].map(first))
    found = found.rename(columns={"year": "last_year"}).sort_values("unit_id")
    columns = [*_PLACE, "first_year", "last_year"]
    return answer(study, found[columns], ("nothing_found", text))


def labelled(study: Study) -> pd.DataFrame:
    """Return the indicator table with names, titles and places beside the ids, in the plan's order."""

    def make() -> pd.DataFrame:
        table = study.table.drop(columns=list(OPEN_COLUMNS))
        catalogue = {item.id: item for item in study.plan.catalogue()}
        ids = table["scope_id"].astype(str)
        known = [*_PLACE[1:], "year", "unit_id"]
        places = study.register.reset_index()[known].rename(columns={"unit_id": "scope_id"})
        units = table["scope"] == "unit"
        joined = pd.DataFrame({"year": table["year"], "scope_id": ids}).merge(
            places, how="left", on=["year", "scope_id"]
        )
        joined.index = table.index
        joined[~units] = joined[~units].assign(name=None, unit_type=None, commune=None)
        names = joined["name"].astype(object)
        for scope, members in members_of(study).items():
            if scope != "unit":
                here = table["scope"] == scope
                names[here] = ids[here].map(members)
        titles = {key: item.title for key, item in catalogue.items()}
        order = pd.CategoricalDtype(list(catalogue), ordered=True)
        frame = table.assign(
            indicator=table["indicator"].astype(str).astype(order),
            title=table["indicator"].astype(str).map(titles),
            name=names,
            unit_type=joined["unit_type"],
            commune=joined["commune"],
        )
        first = ["indicator", "title", "year", "scope", "scope_id", "name", "unit_type", "commune"]
        return frame[[*first, *(name for name in frame.columns if name not in first)]]

    frame: pd.DataFrame = study.remember(("labelled", study.params.lang), make)
    return frame


def results(  # noqa: PLR0913  # each is a filter that an analyst names
    study: Study,
    *,
    year: Years = None,
    scope: Names = None,
    indicator: Names = None,
    verdict: Names = None,
    unit_type: Names = None,
    commune: Names = None,
    unit: Names = None,
) -> Answer:
    """Lọc bảng chỉ tiêu theo năm, phạm vi, chỉ tiêu, đánh giá, loại hình, xã, CĐCS.

    Parameters
    ----------
    year : int or list of int, optional
        All years by default.
    scope : str or list of str, optional
        ``district``, ``commune``, ``unit_type``, ``parent``, ``unit``; units alone where a
        type, a commune or a unit is named.
    indicator, verdict, unit_type, commune, unit : str or list of str, optional
        Ids or names; all by default.

    Returns
    -------
    DataFrame
        The columns of the indicator table, with ``title``, ``name``, ``unit_type`` and
        ``commune`` beside the ids; shares as 0.782.

    Raises
    ------
    InputError
        If a name is unknown.

    Examples
    --------
    >>> from analysis import load
    >>> rows = load(2024).results(year=2024, commune="khe sanh", verdict="not_met")
    >>> set(rows["commune"]), set(rows["verdict"])
    ({'Khe Sanh'}, {'not_met'})
    """
    years = pick_years(study, year)
    language = language_of(study)
    catalogue = {item.id: item.title for item in study.plan.catalogue()}
    members = members_of(study)
    scopes = scopes_of(study)
    of_units = any(given is not None for given in (unit, unit_type, commune))
    if scope is None and of_units:
        scope = "unit"
    frame = labelled(study)
    conditions = {", ".join(map(str, years)): frame["year"].isin(years)}
    for column, kind, given, known in (
        ("scope", "phạm vi", scope, scopes),
        ("indicator", "chỉ tiêu", indicator, catalogue),
        ("verdict", "đánh giá", verdict, language.words["verdict"]),
        ("unit_type", "loại hình", unit_type, members["unit_type"]),
        ("commune", "xã", commune, members["commune"]),
        ("scope_id", "CĐCS", unit, members["unit"]),
    ):
        if given is not None:
            also = shorts_of(study) if column == "indicator" else None
            wanted = choose_all(kind, given, known, also)
            fits = frame[column].isin(wanted)
            if column in ("unit_type", "commune"):  # its own sum, too, is one of its rows
                fits |= (frame["scope"] == column) & frame["scope_id"].isin(wanted)
            conditions[", ".join(known[key] for key in wanted)] = fits
    kept = frame[_all_of(conditions.values())]
    return answer(study, kept, ("nothing_for", _why_nothing(study, conditions)))


def _all_of(conditions: Iterable[pd.Series]) -> pd.Series:
    return reduce(and_, conditions)


def _why_nothing(study: Study, conditions: Mapping[str, pd.Series]) -> str:
    """Return what was asked for, and how much there would be without one condition of it."""
    language, told = language_of(study), "; ".join(conditions) + "."
    for name in conditions:
        others = [kept for other, kept in conditions.items() if other != name]
        count = int(_all_of(others).sum()) if others else 0
        if count:
            told += " " + language.told("without", name, language.numbers.count(count))
    return told


class Keyed:
    """Results by the id of a unit or an indicator, which completion knows.

    Parameters
    ----------
    study : Study
        With the table.
    by : {"unit", "indicator"}
        What the key is.

    Examples
    --------
    >>> from analysis import load
    >>> study = load(2024)
    >>> set(study.units["DN-DABAN"]["scope_id"]), set(study.indicators["informed_all"]["indicator"])
    ({'DN-DABAN'}, {'informed_all'})
    """

    def __init__(self, study: Study, by: str) -> None:
        self._study = study
        self._by = by

    def __getitem__(self, key: str) -> Answer:
        return results(self._study, **{self._by: key})

    def _ipython_key_completions_(self) -> list[str]:
        if self._by == "unit":
            return list(members_of(self._study)["unit"])
        return [item.id for item in self._study.plan.catalogue()]

    def __repr__(self) -> str:
        keys = self._ipython_key_completions_()
        return f'{len(keys)} mã, ví dụ ["{keys[0]}"]'


def board(study: Study, year: int, show: Literal["verdict", "value", "gap"] = "verdict") -> Answer:
    """Bảng CĐCS × chỉ tiêu của một năm, nơi cần giúp đứng trước.

    Parameters
    ----------
    year : int
        The year.
    show : {"verdict", "value", "gap"}
        What stands in the cells; a gap is what a missed target lacks.

    Returns
    -------
    DataFrame
        A row per unit: its place, how many indicators it ``met``, did ``not_met`` and left
        ``undetermined``, then a column per indicator that the year judges; empty where the
        unit is not asked. The order is that of the year's page.

    Examples
    --------
    >>> from analysis import load
    >>> board = load(2024).board(2024)
    >>> len(board), bool(board["not_met"].is_monotonic_decreasing)
    (110, True)
    """
    year = pick_year(study, year)
    known = {"verdict": "đánh giá", "value": "kết quả", "gap": "còn thiếu"}
    show = choose("cột", show, known)  # type: ignore[assignment]
    cells = find_board(study, year)
    counts = stand(cells)[["met", "not_met", "undetermined"]]
    wide = cells.pivot(index="unit_id", columns="item", values=show)
    wide.columns = wide.columns.astype(str)
    wide.index = wide.index.astype(str)
    units = study.expected_units(year)[_PLACE[1:]]
    silent = units.index.difference(counts.index, sort=False)
    frame = units.reindex([*counts.index, *silent]).join(counts).fillna({n: 0 for n in counts})
    frame = frame.astype(dict.fromkeys(counts, int)).join(wide).rename_axis("unit_id")
    bars = {
        item.id: Scale(item.is_fraction, item.target_in(year))
        for item in study.plan.catalogue()
        if show == "value" and item.id in frame
    }
    return answer(study, frame.reset_index(), ("nobody_asked", year), bars=bars)


def missed(study: Study, indicator: str, by: Group = "commune", year: int | None = None) -> Answer:
    """Ai còn thiếu bao nhiêu của một chỉ tiêu: theo xã, loại hình hoặc từng CĐCS.

    Parameters
    ----------
    indicator : str
        Its id or title.
    by : {"commune", "unit_type", "unit"}
        How what is lacking is summed.
    year : int, optional
        The study's year by default.

    Returns
    -------
    DataFrame
        ``scope_id, name``, ``lacking`` (persons, units or đồng that the units below the bar
        lack one by one) and ``share_of_gap``, largest first.

    Raises
    ------
    InputError
        If the indicator is unknown or has no bar for units in that year.

    Examples
    --------
    >>> from analysis import load
    >>> gap = load(2024).missed("cadres_trained", by="unit")
    >>> round(float(gap["share_of_gap"].sum()), 9)
    1.0
    """
    item = pick_indicator(study, indicator)
    year = pick_year(study, year)
    known = {"unit": "CĐCS", "commune": "xã", "unit_type": "loại hình"}
    by = choose("cách gộp", by, known)  # type: ignore[assignment]
    row = study.rows("district", study.plan.issuer.id, year).get(item.id)
    finding = find_in(study, item, row) if row is not None else None
    if finding is None or finding.target is None or item.over != "units" or not item.is_fraction:
        message = (
            f"chỉ tiêu này không có mức đặt ra cho CĐCS trong năm {year}, nên không có phần thiếu"
        )
        raise InputError([error(message, code="no_gap", column="indicator", value=item.id)])
    gap = find_gap(study, finding)
    parts = {"unit": gap.units, "commune": gap.communes, "unit_type": gap.types}[by]
    frame = pd.DataFrame(parts, columns=["scope_id", "lacking"])
    frame["name"] = frame["scope_id"].map(members_of(study)[by])
    total = sum(size for _, size in parts)
    frame["share_of_gap"] = [size / total for _, size in parts]
    frame = frame.assign(indicator=item.id, title=item.title, year=year)
    columns = ["indicator", "title", "year", "scope_id", "name", "lacking", "share_of_gap"]
    return answer(study, frame[columns], ("nobody_below", item.title, year))


def lacking(study: Study, year: int) -> pd.DataFrame:
    """Return the rows of units for which something of an indicator of a year is missing."""
    rows = study.table
    wholes = [item.id for item in study.plan.indicators]
    here = (rows["year"] == year) & (rows["scope"] == "unit") & (rows["missing"] > 0)
    return rows.loc[here & rows["indicator"].isin(wholes), ["scope_id", "indicator"]].astype(str)


def missing(study: Study, year: int) -> Answer:
    """Ai chưa báo cáo số liệu nào, và những chỉ tiêu nào của huyện còn chờ số liệu ấy.

    Parameters
    ----------
    year : int
        The year.

    Returns
    -------
    DataFrame
        A row per unit with empty cells: ``cells`` (their headings), ``indicators`` (how many
        lack it), ``decides`` (the district's undetermined indicators that wait for it).

    Examples
    --------
    >>> from analysis import load
    >>> bool(load(2024).missing(2024)["indicators"].gt(0).all())
    True
    """
    year = pick_year(study, year)
    district = study.rows("district", study.plan.issuer.id, year)
    open_ones = {key for key, row in district.items() if row.verdict == "undetermined"}
    items = {item.id: item for item in study.plan.indicators}
    columns = {key: frozenset(item.columns) for key, item in items.items()}
    returns = study.dataset.returns
    returns = returns[returns["year"] == year].set_index("unit_id").drop(columns="year")
    units = study.expected_units(year)
    is_empty = units.join(returns).isna()
    language = language_of(study)
    heads = [(name, language.heading(name)) for name in is_empty.columns if name in _known()]
    flags = dict(zip(units.index, is_empty[[name for name, _ in heads]].to_numpy(), strict=True))
    found = []
    for unit_id, keys in lacking(study, year).groupby("scope_id")["indicator"]:
        asked = frozenset().union(*(columns[key] for key in keys))
        cells = [
            head
            for (name, head), empty in zip(heads, flags[unit_id], strict=True)
            if empty and name in asked
        ]
        found.append(
            {
                "unit_id": unit_id,
                "empty_cells": len(cells),
                "cells": "; ".join(cells),
                "indicators": len(keys),
                "decides": "; ".join(items[key].short for key in keys if key in open_ones),
            }
        )
    counts = ["empty_cells", "cells", "indicators", "decides"]
    frame = pd.DataFrame(found, columns=["unit_id", *counts])
    frame = frame.join(units[[*_PLACE[1:], "has_return"]], on="unit_id")
    frame = frame.sort_values(["has_return", "indicators"], ascending=[True, False], kind="stable")
    frame = frame[[*_PLACE, "has_return", *counts]]
    return answer(study, frame, ("nobody_missing", year))


# Over time and side by side ---------------------------------------------------------------------


def trend(study: Study, indicator: str, of: Names = None, basis: Basis = "published") -> Answer:
    """Một chỉ tiêu qua các năm, của toàn địa bàn hay của những nơi nêu tên.

    Parameters
    ----------
    indicator : str
        Its id or title.
    of : str or list of str, optional
        Units, communes, types or parents; the district by default.
    basis : {"published", "same_perimeter"}
        What ``before``, ``now`` and ``change`` compare: both years as published, or over the
        units that are in both.

    Returns
    -------
    DataFrame
        A row per place and year with the published figures and the change from the year before.

    Examples
    --------
    >>> from analysis import load
    >>> [int(year) for year in load(2024).trend("dues_collected")["year"]]
    [2022, 2023, 2024, 2025]
    """
    item = pick_indicator(study, indicator)
    issuer = study.plan.issuer.id
    wanted = [("district", issuer)] if of is None else [
        pick_place(study, name) for name in several("CĐCS, xã, loại hình", of)
    ]  # fmt: skip
    found = []
    for scope, key in wanted:
        previous: Any = None
        for year in study.dataset.years:
            row = study.rows(scope, key, year).get(item.id)
            finding = find_in(study, item, row) if row is not None else None
            pair = (previous, finding)
            if basis != "published" and year - 1 in study.dataset.years and finding is not None:
                table = side_by_side(study, year - 1, year, basis, scope, item.id)
                rows = table[table["scope_id"] == key].itertuples()
                sides = {int(row.year): find_in(study, item, row) for row in rows}
                pair = (sides.get(year - 1), sides.get(year))
            if finding is not None:
                found.append(_trend_row(study, finding, *pair))
            previous = finding
    columns = ["indicator", "title", "scope", "scope_id", "name", "year", "reported", "missing",
               "numerator", "denominator", "value", "lower", "upper", "target", "verdict",
               "before", "now", "change"]  # fmt: skip
    frame = pd.DataFrame(found, columns=columns)
    return answer(study, frame, ("no_year", item.title))


def _trend_row(study: Study, finding: Any, before: Any, now: Any) -> dict[str, Any]:
    old, new = (side.value if side is not None else None for side in (before, now))
    return {
        **{name: getattr(finding, name) for name in ("scope", "scope_id", "year", "reported")},
        **{name: getattr(finding, name) for name in ("missing", "numerator", "denominator")},
        **{name: _float(getattr(finding, name)) for name in ("value", "lower", "upper")},
        "indicator": finding.indicator.id,
        "title": finding.indicator.title,
        "name": members_of(study)[finding.scope].get(finding.scope_id, finding.scope_id),
        "target": str(finding.target or ""),
        "verdict": finding.verdict,
        "before": _float(old),
        "now": _float(new),
        "change": _float(new - old) if new is not None and old is not None else None,
    }


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def compare(
    study: Study,
    one: int | str,
    other: int | str,
    *,
    of: str | None = None,
    year: int | None = None,
    basis: Basis = "published",
) -> Answer:
    """So hai năm, hoặc hai CĐCS, hai xã, hai loại hình trong một năm.

    Parameters
    ----------
    one, other : int or str
        Two years, or two names.
    of : str, optional
        Of two years: whose; the district's by default.
    year : int, optional
        Of two names: in which year; the study's by default.
    basis : {"published", "same_perimeter"}
        Of two years: as published, or over the units that are in both.

    Returns
    -------
    DataFrame
        A row per indicator: ``before`` and ``now`` (the first and the second), their
        ``difference``, who has reported and both verdicts.

    Examples
    --------
    >>> from analysis import load
    >>> rows = load(2024).compare("Khe Sanh", "Lao Bảo", year=2024)
    >>> "Lao Bảo" in rows.shown()
    True
    """
    if all(map(_is_year, (one, other))):
        if year is not None:
            message = "so hai năm thì không dùng «year»; của riêng một nơi thì nêu «of»"
            raise InputError([error(message, code="bad_question", column="year", value=year)])
        before, now = (pick_year(study, year) for year in (one, other))
        scope, key = ("district", study.plan.issuer.id) if of is None else pick_place(study, of)
        table = side_by_side(study, before, now, basis, scope)
        table = table[table["scope_id"] == key]
        sides = [table[table["year"] == y].set_index("indicator") for y in (before, now)]
        names = [str(before), str(now)]
    else:
        if any(map(_is_year, (one, other))):
            message = "hãy nêu hai năm, hoặc hai nơi rồi year=…"
            raise InputError([error(message, code="bad_question", column="compare", value=other)])
        if of is not None or basis != "published":
            message = "chỉ so hai năm mới dùng được «of» và «basis»"
            raise InputError([error(message, code="bad_question", column="of", value=of or basis)])
        at = pick_year(study, year)
        places = [pick_place(study, str(name)) for name in (one, other)]
        sides = [
            pd.DataFrame(list(study.rows(scope, key, at).values())).set_index("indicator")
            for scope, key in places
        ]
        names = [members_of(study)[scope][key] for scope, key in places]
    labels = dict(zip(("before", "now"), names, strict=True))
    words = language_of(study).words["column"]
    rows = []
    for item in study.plan.catalogue():
        found = [side.loc[item.id] if item.id in side.index else None for side in sides]
        if all(row is None for row in found):
            continue
        cells: dict[str, Any] = {"indicator": item.id, "title": item.title}
        for name, row in zip(labels, found, strict=True):
            cells[name] = None if row is None or pd.isna(row["value"]) else float(row["value"])
            cells[f"{name}_reported"] = 0 if row is None else int(row["reported"])
            cells[f"{name}_verdict"] = None if row is None else row["verdict"]
        rows.append(cells)
    columns = ["indicator", "title", "before", "now", "difference", "before_reported",
               "now_reported", "before_verdict", "now_verdict"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns).astype({"before": float, "now": float})
    frame["difference"] = frame["now"] - frame["before"]
    for side, name in list(labels.items()):
        labels |= {f"{side}_{one}": f"{words[one]} ({name})" for one in ("reported", "verdict")}
    return answer(study, frame, ("nothing_shared",), labels)


def _is_year(side: object) -> bool:
    return isinstance(side, Real) or (isinstance(side, str) and side.strip().isdecimal())


# What stands out --------------------------------------------------------------------------------


def outliers(study: Study, year: int) -> Answer:
    """Số liệu khác thường của một năm, kèm lý do bằng lời.

    Parameters
    ----------
    year : int
        The year.

    Returns
    -------
    DataFrame
        A row per unit and oddity: a rate far outside the middle half of its type (more than
        one and a half widths), or what the checks of the tables warn of; ``reason`` in words.

    Examples
    --------
    >>> from analysis import load
    >>> list(load(2024).outliers(2024).columns[-2:])
    ['title', 'reason']
    """
    year = pick_year(study, year)
    rows = labelled(study)
    rows = rows[(rows["scope"] == "unit") & (rows["year"] == year) & rows["value"].notna()]
    shares = {
        i.id for i in study.plan.catalogue() if i.is_fraction and not i.is_share and not i.is_part
    }
    rows = rows[rows["indicator"].isin(shares)]
    groups = rows.groupby(["indicator", "unit_type"], observed=True)["value"]
    size, low, high = (
        groups.transform("size"),
        groups.transform("quantile", 0.25),
        groups.transform("quantile", 0.75),
    )
    width = (high - low) * float(_FENCE)
    outside = (rows["value"] < low - width) | (rows["value"] > high + width)
    # Where the middle half is one value, whoever is not the same would stand out.
    far = rows[outside & (width > 0) & (size > study.params.min_peers)]
    language = language_of(study)
    percent = language.numbers.percent
    found = [
        {
            "unit_id": str(row.scope_id),
            **{name: getattr(row, name) for name in _PLACE[1:]},
            "title": row.title,
            "reason": language.told(
                "outlier",
                percent(Fraction(repr(float(row.value)))),
                percent(Fraction(repr(float(low[row.Index])))),
                percent(Fraction(repr(float(high[row.Index])))),
                int(size[row.Index]),
            ),
        }
        for row in far.itertuples()
    ]
    found += _odd(study, year)
    columns = [*_PLACE, "title", "reason"]
    frame = pd.DataFrame(found, columns=columns).sort_values("unit_id", kind="stable")
    return answer(study, frame, ("nothing_odd", year))


def _odd(study: Study, year: int) -> list[dict[str, Any]]:
    """Return what the checks of the tables warn of, unit by unit."""
    if study.params.edition != "internal":
        return []
    places = study.expected_units(year)[_PLACE[1:]].to_dict("index")
    tables = study.dataset.tables
    of_rows = {
        name: table["unit_id"].to_dict() for name, table in tables.items() if "unit_id" in table
    }
    language, found = language_of(study), []
    for problem in study.remember(("oddities",), lambda: check_oddities(study.dataset)):
        unit_id = of_rows.get(problem.file.partition(".")[0], {}).get(problem.row)
        if problem.year == year and unit_id in places:
            column = problem.column
            title = language.heading(column) if column in _known() else column
            english = language.words.get("oddities", {}).get(problem.code, problem.message)
            value = problem.value
            figure = f"{language.numbers.count(int(value))}: " if value.isdecimal() else ""
            odd = {"title": title, "reason": figure + english}
            found.append({"unit_id": unit_id, **places[unit_id], **odd})
    return found


@per_dictionary
def _known() -> set[str]:
    tables = dictionary().tables
    return {*tables["returns"].columns, *tables["roster"].columns}


# Tasks and sources ------------------------------------------------------------------------------


def tasks(study: Study, year: int | None = None, unit: Names = None, state: Names = None) -> Answer:
    """Nhiệm vụ của từng CĐCS và của huyện, với trạng thái và thời hạn.

    Parameters
    ----------
    year : int, optional
        The study's year by default.
    unit, state : str or list of str, optional
        Whose, and in which state: ``overdue`` or ``Quá hạn``.

    Returns
    -------
    DataFrame
        A row per duty; ``due`` is empty for what never falls due.

    Examples
    --------
    >>> from analysis import load
    >>> set(load(2024).tasks(2024, state="Quá hạn")["state"])
    {'overdue'}
    """
    year = pick_year(study, year)
    language = language_of(study)
    issuer = study.plan.issuer
    names = {**members_of(study)["unit"], issuer.id: issuer.short}
    holders = None if unit is None else choose_all("CĐCS", unit, names)
    labels = {
        name: language.word("task_state", name) for name in STATES if name != "not_applicable"
    }
    states = None if state is None else choose_all("trạng thái", state, labels)
    found = [
        {
            "unit_id": duty.holder_id,
            "name": names.get(duty.holder_id, duty.holder_id),
            "task": duty.task.id,
            "task_title": duty.task.short or duty.task.text,
            "section": duty.task.section,
            "due": pd.Timestamp(duty.due) if duty.due else pd.NaT,
            "state": duty.state,
            "days_late": duty.days_late,
            "done_on": pd.Timestamp(duty.done_on) if duty.done_on else pd.NaT,
        }
        for duty in (duty for held in study.duties(year).values() for duty in held)
        if (holders is None or duty.holder_id in holders)
        and (states is None or duty.state in states)
    ]
    columns = [
        "unit_id",
        "name",
        "task",
        "task_title",
        "section",
        "due",
        "state",
        "days_late",
        "done_on",
    ]
    frame = pd.DataFrame(found, columns=columns)
    # The edition to share has a state of its own, for what it does not tell.
    order = [*STATES, *sorted({*frame["state"]} - {*STATES})]
    frame["state"] = frame["state"].astype(pd.CategoricalDtype(order, ordered=True))
    tracked = any(study.duties(year).values())
    return answer(study, frame, ("no_task", year) if tracked else ("no_tasks",))


def label_tasks(study: Study, table: pd.DataFrame) -> Answer:
    """Return a table of `analysis.tasks.compute_tasks` with the names of tasks and of places."""
    titles = {task.id: task.short or task.text for task in study.plan.tasks}
    names = {**members_of(study), "section": {part.id: part.title for part in study.plan.sections}}
    frame = table.copy()
    frame.insert(1, "task_title", frame["task"].astype(str).map(titles).fillna(""))
    places = zip(frame["scope"].astype(str), frame["scope_id"].astype(str), strict=True)
    frame.insert(5, "name", [names.get(scope, {}).get(key, key) for scope, key in places])
    language = language_of(study)
    states = language.words["task_state"]
    labels = {name: states[name] for name in frame.columns if name in states}
    return answer(study, frame, labels=labels)


def sources(study: Study, unit: str, year: int | None = None) -> Answer:
    """Mỗi số liệu của một CĐCS lấy từ tệp, trang tính, ô nào (khi dùng kho).

    Parameters
    ----------
    unit : str
        Its id or name.
    year : int, optional
        The study's year by default.

    Returns
    -------
    DataFrame
        A row per figure: its heading, the file, the sheet, the cell, the day and the reason.

    Raises
    ------
    InputError
        If the dataset has no store.
    """
    year = pick_year(study, year)
    key = pick_member(study, "unit", unit)
    folder = study.root / study.params.data
    if not has_store(folder) or study.params.edition != "internal":
        message = "bộ số liệu này không có kho (store), nên không ghi lại nguồn của từng số liệu"
        raise InputError([error(message, code="no_store", column="data", value=study.params.data)])
    language = language_of(study)
    last: dict[tuple[Any, ...], dict[str, Any]] = {}
    for entry in read_history(folder, key, year, study.plan.issuer.id):
        for step in entry.steps:
            last[step.table.name, step.key, step.column.name] = {
                "column": language.heading(step.column.name, [step.table.name]),
                "value_text": _spoken(step.column, step.after, language),
                "file": entry.file,
                "sheet": step.sheet,
                "cell": step.cell or (language.told("row", step.row) if step.row else ""),
                "at": entry.at[:10],
                "reason": entry.reason,
            }
    columns = ["column", "value_text", "file", "sheet", "cell", "at", "reason"]
    frame = pd.DataFrame(list(last.values()), columns=columns)
    return answer(study, frame, ("no_source", key, year))


def _spoken(column: Column, text: str, language: Language) -> str:
    """Return a cell of the store in the words of a form."""
    if column.type.name == "boolean" and text:
        return language.word("answer", "yes" if text == "true" else "no")
    return language.dictionary_word(column.word_list, text) if text in column.words else text


def needed(study: Study, indicator: str | None = None, year: int | None = None) -> Answer:
    """Các nơi còn thiếu số liệu phải báo cáo bao nhiêu thì toàn địa bàn đạt chỉ tiêu.

    Parameters
    ----------
    indicator : str, optional
        Its id or title; every undetermined one by default.
    year : int, optional
        The study's year by default.

    Returns
    -------
    DataFrame
        ``needed`` persons, units or đồng, ``of_unknown`` that are not known, and the rate
        (``breakeven``) that the missing must reach. Of a count or a mean only the first is known.

    Examples
    --------
    >>> from analysis import load
    >>> bool((load(2024).needed()["missing"] > 0).all())
    True
    """
    refuse_on_page()
    year = pick_year(study, year)
    wanted = None if indicator is None else pick_indicator(study, indicator).id
    found = []
    for key, finding in find(study, "district", study.plan.issuer.id, year).items():
        if (
            wanted not in (None, key)
            or finding.indicator.is_part
            or finding.verdict != "undetermined"
        ):
            continue
        need, unknown = finding.needed or (_least_more(finding), None)
        found.append(
            {
                "indicator": key,
                "title": finding.indicator.title,
                "year": year,
                **{name: getattr(finding, name) for name in ("reported", "missing")},
                **{name: _float(getattr(finding, name)) for name in ("value", "lower", "upper")},
                "target": str(finding.target or ""),
                "needed": need,
                "of_unknown": unknown,
                # Where more is needed than is known to be missing, the rate says nothing.
                "breakeven": _float(finding.breakeven) if finding.needed else None,
            }
        )
    columns = ["indicator", "title", "year", "reported", "missing", "value", "lower", "upper",
               "target", "needed", "of_unknown", "breakeven"]  # fmt: skip
    frame = pd.DataFrame(found, columns=columns).astype({"needed": "Int64", "of_unknown": "Int64"})
    return answer(study, frame, ("nothing_needed",))


def _least_more(finding: Finding) -> int | None:
    """Return what a count, or a mean over all that are asked, still lacks; None for a rate."""
    target, lower = finding.target, finding.lower
    if finding.indicator.is_fraction or target is None or not target.is_numeric or lower is None:
        return None
    is_mean = finding.indicator.measure == "mean_per_unit"
    below = finding.reported + finding.missing if is_mean else 1
    return int(least_sufficient(np.array([below]), target)[0]) - round(lower * below)


def changed_verdicts(now: Study, old: pd.DataFrame, new: pd.DataFrame) -> Answer:
    """Return every verdict that is another in a study's new rows of the table than in the old."""
    keys = ["year", "scope", "indicator", "scope_id"]
    sides = [table[[*keys, "verdict", "value"]] for table in (old, new)]
    same = pd.concat(sides).astype({"verdict": str}).duplicated([*keys, "verdict"], keep=False)
    is_other = ~same.to_numpy()
    old = sides[0][is_other[: len(sides[0])]].astype({"value": float})
    new = sides[1][is_other[len(sides[0]) :]].astype({"value": float})
    frame = old.merge(new, on=keys, how="outer", suffixes=("_before", "_now"))
    catalogue = {item.id: item for item in now.plan.catalogue()}
    members = members_of(now)
    frame["title"] = [catalogue[str(key)].title for key in frame["indicator"]]
    frame["name"] = [
        members[scope].get(key, key)
        for scope, key in zip(frame["scope"], frame["scope_id"].astype(str), strict=True)
    ]
    frame = frame.rename(
        columns={f"{a}_{b}": b if a == "value" else f"{b}_{a}"
                 for a in ("value", "verdict") for b in ("before", "now")}
    )  # fmt: skip
    orders = {"scope": list(SCOPES), "indicator": list(catalogue)}
    for column, order in orders.items():
        frame[column] = pd.Categorical(frame[column].astype(str), order, ordered=True)
    frame = frame.sort_values(keys)[
        ["indicator", "title", "year", "scope", "scope_id", "name", "before", "now",
         "before_verdict", "now_verdict"]
    ]  # fmt: skip
    return answer(now, frame, ("nothing_changed",))
