"""Verdicts counted and set side by side: of one scope in two years, of every unit and every task."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.findings.finding import Finding
from analysis.findings.perimeter import merged_into
from analysis.redaction import HIDDEN
from analysis.redaction.published import kind_of
from analysis.study import Study

_DECIDED = ("met", "not_met")
#: The verdict that a group of a task's states is shown as; a state that is withheld is `HIDDEN`.
TASK_VERDICTS = {"done": "met", "open": "not_due", "late": "not_met", "silent": "undetermined"}
#: What a verdict is passed on, or would be if its figures were known or might be shown.
JUDGED = ("met", "not_met", "undetermined", HIDDEN)


@dataclass(frozen=True)
class Tally:
    """Counts of verdicts among whole indicators; parts are not counted.

    ``hidden`` counts those whose verdict the edition withholds.
    """

    year: int
    met: int
    not_met: int
    undetermined: int
    hidden: int = 0

    @property
    def judged(self) -> int:
        """How many the year passes a verdict on."""
        return self.met + self.not_met + self.undetermined


def tally(year: int, findings: Iterable[Finding]) -> Tally:
    """Count the verdicts of a year."""
    counts = Counter(f.verdict for f in findings if not f.indicator.is_part)
    return Tally(year, counts["met"], counts["not_met"], counts["undetermined"], counts[HIDDEN])


@dataclass(frozen=True)
class Sides:
    """Two years' verdicts over the same indicators.

    Attributes
    ----------
    year : int
        The year before.
    both : int
        How many indicators, parts apart, both years decided.
    before, now : int
        How many of them were met.
    won, lost : tuple of Finding
        Those of this year that are met now and were not, and the other way round.
    """

    year: int
    both: int
    before: int
    now: int
    won: tuple[Finding, ...]
    lost: tuple[Finding, ...]


def compare_sides(now: Mapping[str, Finding], before: Mapping[str, Finding]) -> Sides | None:
    """Compare a year's verdicts with the year before; None where no indicator was decided in both.

    Parameters
    ----------
    now, before : mapping of str to Finding
        The findings of one scope by indicator, from `analysis.findings.find` and `find_before`.

    Examples
    --------
    >>> from analysis import load
    >>> from analysis.findings import find, find_before
    >>> study = load(2024)
    >>> of = ("district", study.plan.issuer.id, 2024)
    >>> sides = compare_sides(find(study, *of), find_before(study, *of)[0])
    >>> sides.now - sides.before == len(sides.won) - len(sides.lost)
    True
    """
    pairs = [
        (finding, before[key].verdict == "met")
        for key, finding in now.items()
        if finding.verdict in _DECIDED
        and not finding.indicator.is_part
        and key in before
        and before[key].verdict in _DECIDED
    ]
    if not pairs:
        return None
    return Sides(
        pairs[0][0].year - 1,
        len(pairs),
        sum(was_met for _, was_met in pairs),
        sum(finding.verdict == "met" for finding, _ in pairs),
        tuple(f for f, was_met in pairs if f.verdict == "met" and not was_met),
        tuple(f for f, was_met in pairs if f.verdict == "not_met" and was_met),
    )


@dataclass(frozen=True)
class Restated:
    """One finding whose verdict or value is another than it was: as it is now, and as published.

    ``is_bare``: its figures, then and now, are not to be set side by side.
    """

    finding: Finding
    verdict: str
    numerator: int | None
    denominator: int | None
    is_bare: bool = False

    @property
    def is_other_verdict(self) -> bool:
        """Whether the verdict itself is another."""
        return self.verdict != self.finding.verdict


def write_origin(edition: str, plan: Mapping[str, Any], dataset: str) -> str:
    """Return the first line of a kept table: of which edition, plan and data it is.

    Examples
    --------
    >>> write_origin("share", {"id": "nq02", "version": 1}, "Huyện A")
    '# {"dataset": "Huyện A", "edition": "share", "plan": {"id": "nq02", "version": 1}}'
    """
    origin = {"edition": edition, "plan": dict(plan), "dataset": dataset}
    return "# " + json.dumps(origin, ensure_ascii=False, sort_keys=True)


def is_comparable(study: Study, kept: Path) -> bool:
    """Tell whether a kept table is of this study's own edition, plan and data.

    Parameters
    ----------
    study : Study
        As it is now.
    kept : Path
        The kept table, whose first line is `write_origin`'s.
    """
    plan, name = study.plan, study.dataset.description.name
    ours = write_origin(study.params.edition, {"id": plan.id, "version": plan.version}, name)
    try:
        with kept.open(encoding="utf-8") as file:
            return file.readline().rstrip("\n") == ours
    except (OSError, ValueError):
        return False


def find_restated(study: Study, findings: dict[str, Finding], kept: Path) -> list[Restated]:
    """Compare findings of one scope with a table published before.

    In the edition to share nothing is said of persons or money: the sums of then and now, and even a
    verdict of then, narrow down what one late return brought. What is left are the verdicts on
    counts of units, without the counts.

    Parameters
    ----------
    study : Study
        What the findings are of.
    findings : dict of str to Finding
        By indicator id.
    kept : Path
        A table that `is_comparable`.

    Returns
    -------
    list of Restated
        Whole indicators that differ, those with another verdict first.
    """
    table = pd.read_csv(kept, keep_default_na=False, dtype=str, skiprows=1)
    is_shared = study.params.edition == "share"
    changed = []
    for finding in findings.values():
        rows = table[
            (table["indicator"] == finding.indicator.id)
            & (table["scope"] == finding.scope)
            & (table["scope_id"] == finding.scope_id)
        ]
        is_silent = finding.indicator.is_part or (
            is_shared and kind_of(finding.indicator) != "open"
        )
        if is_silent or rows.empty:
            continue
        before = rows.iloc[0]
        figures = _whole(before["numerator"]), _whole(before["denominator"])
        restated = Restated(finding, before["verdict"], *figures, is_shared)
        is_other = figures != (finding.numerator, finding.denominator) and not is_shared
        if restated.is_other_verdict or is_other:
            changed.append(restated)
    return sorted(changed, key=lambda item: not item.is_other_verdict)


def _whole(cell: str) -> int | None:
    return int(cell) if cell else None


def board(study: Study, year: int, units: Iterable[str] | None = None) -> pd.DataFrame:
    """Return what each unit reached in each indicator that the year judges somewhere among them.

    Parameters
    ----------
    study : Study
        From `analysis.load`, or the edition to share: what it withholds is not in it.
    year : int
        A year of the roster.
    units : iterable of str, optional
        Ids of units; all that have to report by default.

    Returns
    -------
    DataFrame
        A row for each unit and indicator that asks it, in the plan's order: ``unit_id``, ``item``
        (the indicator's id), ``verdict``, ``value``, ``numerator``, ``denominator`` and ``target``
        as in the indicator table; ``gap``, what a missed target lacks (0 where it is met, empty
        where that is not known or withheld), counted in what ``kind`` says: ``persons``, ``money``
        (đồng) or ``open`` (units, facts).

    Examples
    --------
    >>> from analysis import load
    >>> cells = board(load(2024), 2024, ["DN-DABAN"])
    >>> cells.loc[cells["gap"] > 0, ["item", "gap", "kind"]].values.tolist()[:1]
    [['informed_enterprise', 1, 'persons']]
    """
    plan, table = study.plan, study.table
    chosen = list(study.expected_units(year).index if units is None else units)
    is_here = (table["scope"] == "unit") & (table["year"] == year) & table["scope_id"].isin(chosen)
    rows = table[is_here]
    judged = set(rows.loc[rows["verdict"].isin(JUDGED), "indicator"])
    items = [item for item in plan.indicators if item.id in judged]
    cells = rows[rows["indicator"].isin([item.id for item in items])]
    lacks = -cells["slack"].where(cells["verdict"] == "not_met").astype("Int64")
    figures = {name: cells[name] for name in ("value", "numerator", "denominator")}
    return pd.DataFrame(
        {
            "unit_id": pd.Categorical(cells["scope_id"].astype(str), chosen),
            "item": pd.Categorical(cells["indicator"].astype(str), [item.id for item in items]),
            "verdict": cells["verdict"].astype(str),
            **figures,
            "target": cells["target"].astype(str),
            "gap": lacks.mask(cells["verdict"] == "met", 0),
            "kind": cells["indicator"].astype(str).map({i.id: kind_of(i) for i in items}),
        }
    ).sort_values(["unit_id", "item"], ignore_index=True)


def task_board(study: Study, year: int, units: Iterable[str] | None = None) -> pd.DataFrame:
    """Return the state of each task with each unit that has it.

    Parameters
    ----------
    study, year, units
        As for `board`.

    Returns
    -------
    DataFrame
        A row for each unit and task, in the plan's order: ``unit_id``, ``item`` (the task's id),
        ``state`` (of `analysis.tasks.STATES`), ``verdict`` (as `TASK_VERDICTS` groups the states),
        ``gap``, the days that it is late (0 where it is not), and ``kind``, always ``days``. Empty
        where the dataset follows no tasks.

    Examples
    --------
    >>> from analysis import load
    >>> cells = task_board(load(2024), 2024, ["DN-NUICAM"])
    >>> cells.loc[cells["gap"] > 0, ["item", "gap"]].values.tolist()
    [['t-2.2-thang-cong-nhan', 183], ['t-2.2-tet-sum-vay', 276]]
    """
    held = study.duties(year) if year in study.dataset.years else {}
    chosen = list(study.expected_units(year).index if units is None else units)
    duties = [duty for unit in chosen for duty in held.get(unit, ())]
    known = {duty.task.id for duty in duties}
    items = [task.id for task in study.plan.tasks if task.id in known]
    return pd.DataFrame(
        {
            "unit_id": pd.Categorical([duty.holder_id for duty in duties], chosen),
            "item": pd.Categorical([duty.task.id for duty in duties], items),
            "state": [duty.state for duty in duties],
            "verdict": [TASK_VERDICTS.get(duty.group, HIDDEN) for duty in duties],
            "gap": [duty.days_late if duty.group == "late" else 0 for duty in duties],
            "kind": "days",
        }
    ).sort_values(["unit_id", "item"], ignore_index=True)


def stand(
    cells: pd.DataFrame, before: pd.DataFrame | None = None, of: pd.Series | None = None
) -> pd.DataFrame:
    """Count each unit's verdicts, and what it lacks: those that need help most come first.

    Parameters
    ----------
    cells : DataFrame
        From `board` or `task_board`.
    before : DataFrame, optional
        The same of the year before.
    of : Series, optional
        What each unit is counted in, by its id: its commune. Itself by default.

    Returns
    -------
    DataFrame
        By unit: ``met``, ``not_met``, ``undetermined``, ``hidden`` and ``all``, how many items;
        ``persons``, ``money`` and ``days``, the sums of the gaps that are known (a person counts once for each
        item), and ``unknown``, how many missed items have a gap that is not; ``won`` and ``lost``,
        how many items went from missed to met and from met to missed since the year before. Most
        missed first, then the most persons or days lacking, then the most that is open.

    Examples
    --------
    >>> from analysis import load
    >>> stand(board(load(2024), 2024))[["met", "not_met", "persons"]].iloc[0].tolist()
    [1, 14, 29]
    """
    cells = cells.astype({"unit_id": "str", "item": "str"})
    whose = cells["unit_id"] if of is None else cells["unit_id"].map(of)
    found = pd.crosstab(whose, cells["verdict"]).reindex(columns=list(JUDGED), fill_value=0)
    found = found.reindex(whose.unique())
    found["all"] = whose.value_counts()
    for kind in ("persons", "money", "days"):
        gaps = cells["gap"].where(cells["kind"] == kind)
        found[kind] = gaps.groupby(whose).sum().astype(int)
    is_unknown = (cells["verdict"] == "not_met") & cells["gap"].isna()
    found["unknown"] = is_unknown.groupby(whose).sum()
    found[["won", "lost"]] = 0
    if before is not None:
        keys = ["unit_id", "item"]
        last = before.astype({"unit_id": "str", "item": "str"}).set_index(keys)["verdict"]
        earlier = last.reindex(pd.MultiIndex.from_frame(cells[keys])).set_axis(cells.index)
        for name, pair in {"won": ("not_met", "met"), "lost": ("met", "not_met")}.items():
            moved = (earlier == pair[0]) & (cells["verdict"] == pair[1])
            found[name] = moved.groupby(whose).sum()
    order = ["not_met", "persons", "days", "undetermined"]
    return found.sort_values(order, ascending=False, kind="stable")


def first_rows(standing: pd.DataFrame, by: list[str], most: int) -> pd.DataFrame:
    """Return at most so many rows from the top of a sorted frame, never choosing among equals.

    Examples
    --------
    >>> first_rows(pd.DataFrame({"missed": [3, 2, 2, 1]}), ["missed"], 2)["missed"].tolist()
    [3]
    """
    keys = list(standing[by].itertuples(index=False, name=None))
    ends = range(min(most, len(keys)), 0, -1)
    fitting = (end for end in ends if end == len(keys) or keys[end] != keys[end - 1])
    return standing.iloc[: next(fitting, 0)]


def comparable(study: Study, year: int, units: Iterable[str]) -> list[str]:
    """Return the units that were themselves last year: none that others merged into since."""
    before = study.expected_units(year - 1).index
    return [unit for unit in units if unit in before and not merged_into(study, unit, year)]


def by_commune(cells: pd.DataFrame, communes: pd.Series) -> pd.DataFrame:
    """Sum a board by commune.

    Parameters
    ----------
    cells : DataFrame
        From `board` or `task_board`.
    communes : Series
        Each unit's commune, by its id.

    Returns
    -------
    DataFrame
        A row for each commune (``unit_id``) and ``item``: ``met`` and ``judged``, how many units;
        ``verdict``, the worst that any of them has: missed, then open, withheld, met.
    """
    named = cells.assign(unit_id=cells["unit_id"].astype(str).map(communes))
    keys = [named["unit_id"], named["item"]]
    found = pd.crosstab(keys, named["verdict"])
    found = found.reindex(columns=["not_met", "undetermined", HIDDEN, "met"], fill_value=0)
    is_asked = (found.sum(axis=1) > 0).to_numpy()
    verdict = np.where(is_asked, found.columns[(found > 0).to_numpy().argmax(axis=1)], "no_target")
    judged = found["met"] + found["not_met"]
    return pd.DataFrame({"met": found["met"], "judged": judged, "verdict": verdict}).reset_index()
