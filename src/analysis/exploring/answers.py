"""The questions that an office asks of its figures, each answered by a frame."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import reduce
from numbers import Real
from operator import and_
from typing import Any, Literal, NoReturn

import numpy as np
import pandas as pd

from analysis.exploring.answer import Answer, PlainAnswer, Presentation, Scale
from analysis.exploring.names import (
    Years,
    choose,
    choose_all,
    fold,
    language_of,
    latest_year,
    members_of,
    names_of,
    pick_indicator,
    pick_place,
    pick_unit,
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
from analysis.pages.fragments import render
from analysis.params import PAGE
from analysis.problems import InputError, error
from analysis.results import OPEN_COLUMNS, SCOPES
from analysis.results.rollups import least_sufficient
from analysis.store.history import read_history
from analysis.study import Basis, Study, communes_side_by_side, side_by_side
from analysis.tables.check import check_oddities
from analysis.tables.dictionary import Column, dictionary, per_dictionary
from analysis.tables.storefile import has_store
from analysis.tasks import STATES

Names = str | Iterable[str] | None
Group = Literal["unit", "commune", "unit_type"]

#: What the card of a study offers to ask next.
_QUESTIONS = (
    ("find", '"{commune}"'),
    ("board", "{year}"),
    ("results", 'year={year}, scope="district"'),
    ("missed", '"{indicator}", by="unit"'),
    ("trend", '"{indicator}"'),
    ("outliers", "{year}"),
    ("missing", "{year}"),
    ("tasks", '{year}, state="overdue"'),
    ("needed", ""),
)
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
) -> Answer:
    """Return a frame as an answer of a study: it knows its language, plan and marks.

    ``nothing`` names what it says if it is empty, and what that sentence is filled in with. Of what an
    analyst filters it would not be true any more.
    """
    found = kind(frame.reset_index(drop=True))
    language = language_of(study)
    key, *given = nothing if frame.empty else ("none_left",)
    asked = set(frame["indicator"].astype(str)) if "indicator" in frame else set()
    kinds = {item.is_fraction for item in study.plan.catalogue() if item.id in asked}
    found.attrs["look"] = Presentation(
        language,
        study.plan,
        language.told(str(key), *given),
        _mark(study),
        labels or {},
        study.is_assumed,
        kinds.pop() if len(kinds) == 1 else None,
        bars or {},
    )
    return found


def _mark(study: Study) -> str:
    """Return what every table and figure of a study says: illustrative, assumed."""
    said = {"illustrative": study.dataset.description.illustrative, "assumed": study.is_assumed}
    return "; ".join(language_of(study).ui(word) for word, is_so in said.items() if is_so)


def refuse_on_page() -> None:
    """Refuse what only an analyst may look at where a page is being made."""
    if os.environ.get(PAGE):
        message = (
            "số liệu giả định và số còn cần không được vào trang báo cáo; hãy bỏ study.assume và"
            " study.needed khỏi sổ tay này, và hỏi chúng ở explore.ipynb"
        )
        raise InputError([error(message, code="assumed")])


def describe(study: Study) -> str:
    """Return the HTML of a study's card."""
    language = language_of(study)
    described, numbers = study.dataset.description, language.numbers
    notes = [_mark(study)]
    if study.params.year not in study.dataset.years:
        notes.append(language.told("no_data", study.params.year))
    years = []
    for year in study.dataset.years:
        units = study.expected_units(year)
        incomplete = units.index.isin(lacking(study, year)["scope_id"].unique())
        years.append(
            {
                "year": year,
                "expected": numbers.count(len(units)),
                "received": numbers.count(int(units["has_return"].sum())),
                "incomplete": numbers.count(int((units["has_return"] & incomplete).sum())),
            }
        )
    year = latest_year(study)
    missed = study.results(year=year, scope="district", verdict="not_met")
    commune = study.register["commune"].iloc[-1]
    first = str(missed["indicator"].iloc[0]) if len(missed) else study.plan.indicators[0].id
    return render(
        "card",
        title=study.plan.title,
        facts=[
            (language.told("data"), described.name or study.params.data),
            (language.told("edition"), language.ui(study.params.edition)),
        ],
        notes=[*filter(None, notes)],
        years=years,
        heads=[language.told(name) for name in ("year", "expected", "received", "incomplete")],
        ask_next=language.told("ask_next"),
        questions=[
            (
                f"study.{name}({given.format(year=year, indicator=first, commune=commune)})",
                language.told(name),
            )
            for name, given in _QUESTIONS
        ],
    ).html


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
        titles = {item.id: item.title for item in study.plan.catalogue()}
        indicators, ids = table["indicator"].astype(str), table["scope_id"].astype(str)
        keys = pd.MultiIndex.from_arrays([table["year"], ids])
        places = study.register[_PLACE[1:]].reindex(keys).set_axis(table.index)
        places = places.where(table["scope"] == "unit").astype({"name": object})
        for scope, members in members_of(study).items():
            if scope != "unit":
                here = table["scope"] == scope
                places.loc[here, "name"] = ids[here].map(members)
        frame = table.assign(
            indicator=indicators.astype(pd.CategoricalDtype(list(titles), ordered=True)),
            title=indicators.map(titles),
            **{name: places[name] for name in places},
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
    kept = frame[reduce(and_, conditions.values())]
    return answer(study, kept, ("nothing_for", _why_nothing(study, conditions)))


def _why_nothing(study: Study, conditions: Mapping[str, pd.Series]) -> str:
    """Return what was asked for, and how much there would be without one condition of it."""
    language, told = language_of(study), "; ".join(conditions) + "."
    for name in conditions:
        others = [kept for other, kept in conditions.items() if other != name]
        count = int(reduce(and_, others).sum()) if others else 0
        if count:
            told += " " + language.told("without", name, language.numbers.count(count))
    return told


def indicators(study: Study, years: Years = None, by: Names = SCOPES) -> Answer:
    """Lấy bảng chỉ tiêu: mỗi dòng một chỉ tiêu của một nơi trong một năm.

    Parameters
    ----------
    study : Study
        From `load`.
    years : iterable of int, optional
        All years by default.
    by : iterable of str
        Scopes: ``district``, ``commune``, ``unit_type``, ``parent``, ``unit``.

    Returns
    -------
    DataFrame
        One row per year, indicator, scope and scope_id; shares as 0.782; see
        `analysis.results.compute_indicators`.

    Examples
    --------
    >>> from analysis import indicators, load
    >>> table = indicators(load(2024), years=[2024], by=["district"])
    >>> list(table.columns[:4])
    ['indicator', 'year', 'scope', 'scope_id']
    """
    scopes = choose_all("phạm vi", by, scopes_of(study))
    return answer(study, study.compute(pick_years(study, years), scopes), kind=PlainAnswer)


class Keyed:
    """Results by the id of a unit or an indicator, which completion knows.

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
        first, *others = self._ipython_key_completions_()
        return f'{1 + len(others)} mã, ví dụ ["{first}"]'


def board(study: Study, year: int, show: Literal["verdict", "value", "gap"] = "verdict") -> Answer:
    """Bảng CĐCS × chỉ tiêu của một năm, nơi cần giúp đứng trước.

    Parameters
    ----------
    year : int
        One that the register has.
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
        One that the register has.

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
    units, language = study.expected_units(year), language_of(study)
    is_empty = units.join(returns).isna()
    is_empty = is_empty[[name for name in is_empty if name in _known()]]
    heads = {name: language.heading(name) for name in is_empty}
    flags = dict(zip(units.index, is_empty.to_numpy(), strict=True))
    found = []
    for unit_id, keys in lacking(study, year).groupby("scope_id")["indicator"]:
        asked = frozenset().union(*(columns[key] for key in keys))
        empty = zip(heads.items(), flags[unit_id], strict=True)
        cells = [head for (name, head), lacks in empty if lacks and name in asked]
        decides = "; ".join(items[key].short for key in keys if key in open_ones)
        found.append([unit_id, len(cells), "; ".join(cells), len(keys), decides])
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
    wanted = [("district", study.plan.issuer.id)] if of is None else [
        pick_place(study, name) for name in several("CĐCS, xã, loại hình", of)
    ]  # fmt: skip
    rows, years = labelled(study), study.dataset.years
    rows = rows[rows["indicator"] == item.id]
    parts = [rows.iloc[:0].assign(before=0.0, now=0.0)]
    for scope, key in wanted:
        own = rows[(rows["scope"] == scope) & (rows["scope_id"] == key)]
        pairs = []
        for year in own["year"]:
            last, sides = max((y for y in years if y < year), default=None), own
            if basis != "published" and year - 1 in years:
                sides = side_by_side(study, year - 1, year, basis, scope, item.id)
                sides = sides[sides["scope_id"] == key]
            values = sides.set_index("year")["value"]
            pairs.append([values.get(last), values.get(year)])
        own[["before", "now"]] = np.array(pairs, float).reshape(-1, 2)
        parts.append(own)
    frame = pd.concat(parts)
    frame["change"] = frame["now"] - frame["before"]
    columns = ["indicator", "title", "scope", "scope_id", "name", "year", "reported", "missing",
               "numerator", "denominator", "value", "lower", "upper", "target", "verdict",
               "before", "now", "change"]  # fmt: skip
    return answer(study, frame[columns], ("no_year", item.title))


def _float(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def compare(
    study: Study,
    one: int | str,
    other: int | str,
    *,
    of: str | None = None,
    by: str = "district",
    year: int | None = None,
    basis: Basis = "published",
) -> Answer:
    """So hai năm, hoặc hai CĐCS, hai xã, hai loại hình trong một năm.

    Parameters
    ----------
    one, other : int or str
        Two years, the earlier first, or two names.
    of : str, optional
        Of two years: whose alone.
    by : {"district", "commune", "unit_type", "parent", "unit"}
        Of two years: of the whole district, or of each of these. Communes are those of the later
        year: where the table ``communes`` says that one took the place of others, the figures of
        those are added up beside it.
    year : int, optional
        Of two names: in which year; the study's by default.
    basis : {"published", "same_perimeter"}
        Of two years: as each year reported them; or only the units expected in both, together with
        the predecessors that merged into one of them (or were split into them) between the years.
        A district federation that ended between them is in neither.

    Returns
    -------
    DataFrame
        A row per indicator, and per place where it is asked ``by`` place (by commune with
        ``communes_before``, the names under which its units stood in the earlier year): ``before``
        and ``now`` (the first and the second), their ``difference`` in the value's own unit (a
        share's as 0.05), who has reported and both verdicts.

    Raises
    ------
    InputError
        If a year or a name is unknown, or the edition does not allow a new sum.

    Examples
    --------
    >>> from analysis import load
    >>> rows = load(2024).compare("Khe Sanh", "Lao Bảo", year=2024)
    >>> "Lao Bảo" in rows.shown()
    True
    """
    if all(map(_is_year, (one, other))):
        if year is not None:
            _refuse(
                "year", year, "so hai năm thì không dùng «year»; của riêng một nơi thì nêu «of»"
            )
        if of is not None and by != "district":
            _refuse("by", by, "chỉ nêu một trong hai: «of» (của một nơi) hoặc «by» (của mọi nơi)")
        before, now = (pick_year(study, year) for year in (one, other))
        return _compare_years(
            study, before, now, of, choose("phạm vi", by, scopes_of(study)), basis
        )
    if any(map(_is_year, (one, other))):
        _refuse("compare", other, "hãy nêu hai năm, hoặc hai nơi rồi year=…")
    if of is not None or (by, basis) != ("district", "published"):
        _refuse("compare", other, "chỉ so hai năm mới dùng được «of», «by» và «basis»")
    places = [pick_place(study, str(name)) for name in (one, other)]
    table = study.table[study.table["year"] == pick_year(study, year)]
    sides = [table[(table["scope"] == s) & (table["scope_id"] == key)] for s, key in places]
    names = names_of(study, *zip(*places, strict=True))
    return _beside(study, sides, ["indicator"], _labels(study, names))


def _refuse(column: str, value: object, message: str) -> NoReturn:
    raise InputError([error(message, code="bad_question", column=column, value=value)])


def _compare_years(
    study: Study, before: int, now: int, of: str | None, by: str, basis: Basis
) -> Answer:
    who: list[str] = [] if of is not None or by == "district" else ["scope", "scope_id"]
    labels, places = _labels(study, [str(before), str(now)]), {}
    if of is not None:
        scope, key = pick_place(study, of)
        table = side_by_side(study, before, now, basis, scope)
        table = table[table["scope_id"] == key]
    elif by == "commune":
        table, names = communes_side_by_side(study, before, now, basis)
        places["communes_before"] = names
        labels["communes_before"] = f"{language_of(study).words['column']['commune']} ({before})"
    else:
        table = side_by_side(study, before, now, basis, by)
    sides = [table[table["year"] == year] for year in (before, now)]
    return _beside(study, sides, ["indicator", *who], labels, places)


def _labels(study: Study, names: Sequence[str]) -> dict[str, str]:
    """Return the headings of two sides by what they are called."""
    words = language_of(study).words["column"]
    labels: dict[str, str] = {}
    for side, name in zip(("before", "now"), names, strict=True):
        labels |= {side: name}
        labels |= {f"{side}_{one}": f"{words[one]} ({name})" for one in ("reported", "verdict")}
    return labels


def _beside(
    study: Study,
    sides: Sequence[pd.DataFrame],
    keys: list[str],
    labels: Mapping[str, str],
    places: Mapping[str, pd.Series] | None = None,
    nothing: str = "nothing_shared",
) -> Answer:
    """Return rows of the indicator table beside each other; ``places`` tell more of a scope_id."""
    titles, parts = {item.id: item.title for item in study.plan.catalogue()}, []
    orders = {"scope": list(SCOPES), "indicator": list(titles)}
    for side, rows in zip(("before", "now"), sides, strict=True):
        part = rows.astype({n: object for n in ["verdict", *keys] if n != "year"}).set_index(keys)
        part = part[["value", "reported", "verdict"]].astype({"value": float})
        parts.append(part.set_axis([side, f"{side}_reported", f"{side}_verdict"], axis=1))
    frame = parts[0].join(parts[1], how="outer").reset_index()
    for column in orders.keys() & {*keys}:
        frame[column] = pd.Categorical(frame[column], orders[column], ordered=True)
    frame = frame.sort_values(keys)
    counts = ["before_reported", "now_reported"]
    frame[counts] = frame[counts].fillna(0).astype(int)
    frame["title"] = frame["indicator"].astype(str).map(titles)
    frame["difference"] = frame["now"] - frame["before"]
    if "scope_id" in keys:
        frame["name"] = names_of(study, frame["scope"], frame["scope_id"])
        frame = frame.assign(**{n: frame["scope_id"].map(own) for n, own in (places or {}).items()})
    if not labels:  # of one year twice, and nearly the same figures
        counts = []
    told = ["before", "now", "difference", *counts, "before_verdict", "now_verdict"]
    who = [n for n in ("year", "scope", "scope_id", "name", "communes_before") if n in frame]
    return answer(study, frame[["indicator", "title", *who, *told]], (nothing,), labels)


def changed_verdicts(now: Study, old: pd.DataFrame, new: pd.DataFrame) -> Answer:
    """Return every verdict that is another in a study's new rows of the table than in the old."""
    keys = ["year", "scope", "indicator", "scope_id"]
    both = pd.concat([table[[*keys, "verdict"]].astype({"verdict": str}) for table in (old, new)])
    is_other = ~both.duplicated(keep=False).to_numpy()
    sides = [old[is_other[: len(old)]], new[is_other[len(old) :]]]
    return _beside(now, sides, keys, {}, nothing="nothing_changed")


def _is_year(side: object) -> bool:
    return isinstance(side, Real) or (isinstance(side, str) and side.strip().isdecimal())


# What stands out --------------------------------------------------------------------------------


def outliers(study: Study, year: int) -> Answer:
    """Số liệu khác thường của một năm, kèm lý do bằng lời.

    Parameters
    ----------
    year : int
        One that the register has.

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
    size = groups.transform("size")
    low, high = (groups.transform("quantile", at) for at in (0.25, 0.75))
    width = (high - low) * float(_FENCE)
    outside = (rows["value"] < low - width) | (rows["value"] > high + width)
    # Where the middle half is one value, whoever is not the same would stand out.
    far = rows[outside & (width > 0) & (size > study.params.min_peers)]
    language, found = language_of(study), []
    for row in far.itertuples():
        figures = (row.value, low[row.Index], high[row.Index])
        told = [language.numbers.percent(Fraction(repr(float(one)))) for one in figures]
        own = {name: getattr(row, name) for name in ("title", *_PLACE[1:])}
        reason = language.told("outlier", *told, int(size[row.Index]))
        found.append({"unit_id": str(row.scope_id), **own, "reason": reason})
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
            column, value = problem.column, problem.value
            title = language.heading(column) if column in _known() else column
            reason = language.words.get("oddities", {}).get(problem.code, problem.message)
            if value.isdecimal():
                reason = f"{language.numbers.count(int(value))}: {reason}"
            found.append({"unit_id": unit_id, **places[unit_id], "title": title, "reason": reason})
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
        for held in study.duties(year).values()
        for duty in held
        if (holders is None or duty.holder_id in holders)
        and (states is None or duty.state in states)
    ]
    columns = ["unit_id", "name", "task", "task_title", "section", "due", "state", "days_late",
               "done_on"]  # fmt: skip
    frame = pd.DataFrame(found, columns=columns)
    # The edition to share has a state of its own, for what it does not tell.
    order = [*STATES, *sorted({*frame["state"]} - {*STATES})]
    frame["state"] = frame["state"].astype(pd.CategoricalDtype(order, ordered=True))
    tracked = any(study.duties(year).values())
    return answer(study, frame, ("no_task", year) if tracked else ("no_tasks",))


def label_tasks(study: Study, table: pd.DataFrame) -> Answer:
    """Return a table of `analysis.tasks.compute_tasks` with the names of tasks and of places."""
    titles = {task.id: task.short or task.text for task in study.plan.tasks}
    frame = table.copy()
    frame.insert(1, "task_title", frame["task"].astype(str).map(titles).fillna(""))
    frame.insert(5, "name", names_of(study, frame["scope"], frame["scope_id"]))
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
    key = pick_unit(study, unit)
    folder = study.root / study.params.data
    if not has_store(folder) or study.params.edition != "internal":
        message = "bộ số liệu này không có kho (store), nên không ghi lại nguồn của từng số liệu"
        raise InputError([error(message, code="no_store", column="data", value=study.params.data)])
    language = language_of(study)
    last: dict[tuple[Any, ...], list[str]] = {}
    for entry in read_history(folder, key, year, study.plan.issuer.id):
        for step in entry.steps:
            cell = step.cell or (language.told("row", step.row) if step.row else "")
            last[step.table.name, step.key, step.column.name] = [
                language.heading(step.column.name, [step.table.name]),
                _spoken(step.column, step.after, language),
                *(entry.file, step.sheet, cell, entry.at[:10], entry.reason),
            ]
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
        item = finding.indicator
        if wanted not in (None, key) or item.is_part or finding.verdict != "undetermined":
            continue
        need, unknown = finding.needed or (_least_more(finding), None)
        # Where more is needed than is known to be missing, the rate says nothing.
        rate = finding.breakeven if finding.needed else None
        ends = map(_float, (finding.value, finding.lower, finding.upper))
        counts, target = (finding.reported, finding.missing), str(finding.target or "")
        found.append([key, item.title, year, *counts, *ends, target, need, unknown, _float(rate)])
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
