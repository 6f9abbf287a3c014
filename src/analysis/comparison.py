"""Two years side by side: as published, or over the same perimeter."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np
import pandas as pd

from analysis.problems import InputError, error
from analysis.results import compute_indicators
from analysis.study import Study
from analysis.tables.dictionary import PLACED, dictionary
from analysis.tables.load import Dataset
from analysis.tables.writing import alphabetically, find_heirs, find_place

Basis = Literal["published", "same_perimeter"]
By = Literal["district", "commune", "unit_type", "parent", "unit"]

_FINAL_EVENTS = ("merged", "split")


def compare(
    study: Study, before: int, now: int, *, basis: Basis = "published", by: By = "district"
) -> pd.DataFrame:
    """So số liệu hai năm: của toàn địa bàn, từng xã, loại hình, công đoàn cấp trên hay CĐCS.

    Parameters
    ----------
    study : Study
        From `load`.
    before, now : int
        Two years of the roster, the earlier first.
    basis : {"published", "same_perimeter"}
        ``published`` compares the figures as each year reported them. ``same_perimeter`` keeps
        only the units expected in both years, together with the predecessors that merged into one
        of them (or were split into them) between the years. A district federation that ended
        between them is in neither.
    by : {"district", "commune", "unit_type", "parent", "unit"}
        Communes are those of the later year: where the table ``communes`` says that one took the
        place of others, the figures of those are added up beside it.

    Returns
    -------
    DataFrame
        One row per indicator, or per indicator and place (by commune with ``communes_before``, the
        names under which its units stood in the earlier year): ``value_before``, ``value_now``,
        ``difference`` (in the value's own unit; a share's as 0.05), ``units_before``,
        ``units_now`` (who is in it) and both verdicts.

    Raises
    ------
    InputError
        If the roster does not know one of the years, or the edition does not allow a new sum.

    Examples
    --------
    >>> from analysis import load
    >>> rows = compare(load(2024), 2023, 2024)
    >>> int(rows.loc["informed_public", "units_now"])
    79
    """
    from analysis.exploring.answer import Table
    from analysis.exploring.answers import answer
    from analysis.exploring.names import language_of, pick_year

    if by not in get_args(By):
        message = f"chỉ so được theo: {', '.join(get_args(By))}"
        raise InputError([error(message, code="bad_scope", column="by", value=by)])
    before, now = pick_year(study, before), pick_year(study, now)
    words, sides = language_of(study).words["column"], {"before": before, "now": now}
    heads = {"units": "reported", "verdict": "verdict", "communes": "commune"}
    labels: dict[str, str] = {by: language_of(study).word("scope", by)}
    labels |= {f"value_{side}": str(year) for side, year in sides.items()}
    for name, head in heads.items():
        labels |= {f"{name}_{side}": f"{words[head]} ({year})" for side, year in sides.items()}
    rows = _compare(study, before, now, basis, by)
    return answer(study, rows, labels=labels, kind=Table, keeps_index=True)


def _compare(study: Study, before: int, now: int, basis: Basis, by: By) -> pd.DataFrame:
    if by == "commune":
        return _compare_communes(study, before, now, basis)
    table = side_by_side(study, before, now, basis, by)
    if by == "district":
        return _beside(table, before, now, ["indicator"])
    both = _beside(table, before, now, ["indicator", "scope_id"])
    return _in_plan_order(study, both).rename_axis(["indicator", by])


def _beside(table: pd.DataFrame, before: int, now: int, key: list[str]) -> pd.DataFrame:
    """Return two years' rows of the indicator table beside each other."""
    sides = {year: table[table["year"] == year].set_index(key) for year in (before, now)}
    columns = {"value": "value", "units": "reported", "verdict": "verdict"}
    result = pd.DataFrame(
        {
            f"{name}_{side}": sides[year][column]
            for name, column in columns.items()
            for side, year in (("before", before), ("now", now))
        }
    )
    result.insert(2, "difference", result["value_now"] - result["value_before"])
    return result


def _in_plan_order(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    order = {indicator.id: place for place, indicator in enumerate(study.plan.catalogue())}
    return rows.sort_index(key=lambda ids: ids.map(lambda one: order.get(one, one)), level=0)


def _compare_communes(study: Study, before: int, now: int, basis: Basis) -> pd.DataFrame:
    dataset = study.dataset if basis == "published" else _same_perimeter(study, before, now)
    moved = {name: _in_new_communes(study, dataset, name, before, now) for name in PLACED}
    if basis == "published" and all(moved[name].equals(dataset.tables[name]) for name in PLACED):
        table = study.compute({before, now}, ["commune"])
    else:
        _require_exact(study)
        edited = replace(dataset, tables=dataset.tables | moved)
        table = compute_indicators(edited, study.plan, {before, now}, ["commune"])
    result = _beside(table, before, now, ["indicator", "scope_id"])
    result = _in_plan_order(study, result)
    old, new = dataset.roster, moved["roster"]
    names = old["commune"][old["year"] == before].groupby(new["commune"]).unique()
    told = names.map(lambda each: ", ".join(sorted(each, key=alphabetically)))
    result.insert(0, "communes_before", result.index.get_level_values("scope_id").map(told))
    return result.rename_axis(["indicator", "commune"])


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


def side_by_side(
    study: Study,
    before: int,
    now: int,
    basis: Basis,
    scope: str = "district",
    only: str | None = None,
) -> pd.DataFrame:
    """Return a scope's rows of the indicator table of two years, over one perimeter or as published.

    Parameters and errors are those of `compare`; ``only`` is the id of the one indicator wanted.
    """
    if basis not in get_args(Basis):
        message = f"cách so chỉ có: {', '.join(get_args(Basis))}"
        raise InputError([error(message, code="bad_basis", column="basis", value=basis)])
    if basis == "published":
        return study.compute({before, now}, [scope])
    _require_exact(study)
    key = ("side by side", before, now, scope, only)

    def compute() -> pd.DataFrame:
        dataset, wanted = _same_perimeter(study, before, now), None if only is None else {only}
        return compute_indicators(dataset, study.plan, {before, now}, [scope], only=wanted)

    found: pd.DataFrame = study.remember(key, compute)
    return found


def _require_exact(study: Study) -> None:
    """Refuse an edition that lacks figures: a new sum would be wrong, or would give them away."""
    if study.params.edition != "internal":
        message = (
            "bản chia sẻ không có đủ số liệu để tính lại trên cùng phạm vi; hãy dùng bản nội bộ"
        )
        raise InputError(
            [error(message, code="not_exact", column="edition", value=study.params.edition)]
        )


def _same_perimeter(study: Study, before: int, now: int) -> Dataset:
    """Return the dataset with only the units that are in both years, predecessors with them."""
    old, new = study.expected_units(before).index, study.expected_units(now).index
    successors = _successors(study, before, now)
    going_on = set(new)
    both = set(old) & going_on
    pooled = {key for key in old if successors.get(key, set()) & going_on}
    # A merged unit counts where its predecessors do, a split one where its successors do.
    keep_now = both.union(*(successors[key] for key in pooled))
    kept = {before: both | pooled, now: keep_now}

    def inside(frame: pd.DataFrame) -> pd.DataFrame:
        chosen = [
            unit in kept.get(int(year), ())
            for year, unit in zip(frame["year"], frame["unit_id"], strict=True)
        ]
        # Other years stay: they only serve as caps for what is missing.
        return frame[np.array(chosen, bool) | ~frame["year"].isin([before, now]).to_numpy()]

    tables = {**study.dataset.tables}
    tables["roster"] = inside(tables["roster"])
    tables["returns"] = inside(tables["returns"])
    tables["district"] = _without_ended(tables["district"], study, before, now)
    return replace(study.dataset, tables=tables)


def _without_ended(district: pd.DataFrame, study: Study, before: int, now: int) -> pd.DataFrame:
    """Leave a district that ended between the two years out of the earlier year too."""
    start, end = (pd.Timestamp(study.plan.cut_off_in(year)) for year in (before, now))
    ended = district["dissolved_on"].min()
    if pd.isna(ended) or not start <= ended < end:
        return district
    return district.assign(
        dissolved_on=district["dissolved_on"].mask(
            district["dissolved_on"].notna(), start - pd.Timedelta(days=1)
        )
    )


def _successors(study: Study, before: int, now: int) -> dict[str, set[str]]:
    """Return the units that each unit became between two years' cut-offs, followed to the end."""
    events = study.dataset.lineage
    start = pd.Timestamp(study.plan.cut_off_in(before))
    end = pd.Timestamp(study.plan.cut_off_in(now))
    events = events[(events["date"] > start) & (events["date"] <= end)]
    events = events[events["event"].isin(_FINAL_EVENTS)]
    direct: dict[str, set[str]] = {}
    for key, successor in zip(events["predecessor_id"], events["successor_id"], strict=True):
        direct.setdefault(key, set()).add(successor)

    def follow(key: str, seen: frozenset[str]) -> set[str]:
        onward = direct.get(key, set()) - seen
        if not onward:
            return {key}
        return set().union(*(follow(after, seen | {key}) for after in onward))

    return {key: follow(key, frozenset({key})) for key in direct}
