"""The task table: every task at every scope, and the plan's sections, counted and rated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from analysis.plan import Plan
from analysis.results import SCOPES as HOLDER_SCOPES
from analysis.results.rollups import open_sources
from analysis.results.table import place_names, require_years
from analysis.tables.load import Dataset
from analysis.tasks.states import DONE, STATES, Holding, Holdings, code

#: The scopes of one task, and ``section``, which sums all tasks of a section.
SCOPES = (*HOLDER_SCOPES, "section")
#: The columns that count holders, and the states that each counts.
_STATES = {
    **{state: (state,) for state in STATES if state != "kept_so_far"},
    "in_progress": ("in_progress", "kept_so_far"),
    "done": DONE,
}
_RATES = ("rate", "lower", "upper", "on_time_rate")
COLUMNS = (
    *("task", "year", "scope", "scope_id", "holders", "not_applicable", "done_on_time"),
    *("done_late", "done_undated", "kept", "in_progress", "not_started", "overdue", "no_result"),
    *("unreported", "unreported_due", "done", "unproven", *_RATES, "count", "counted"),
)
Block = dict[str, Any]


def compute_tasks(
    dataset: Dataset,
    plan: Plan,
    year: int,
    scopes: Sequence[str] = SCOPES,
    on: date | None = None,
) -> pd.DataFrame:
    """Compute the task table of a year.

    Parameters
    ----------
    dataset, plan, year
        Tables without errors. Earlier years count for what is done once.
    scopes : sequence of str
        Which of `SCOPES` to show.
    on : date, optional
        The day that is asked about, where it is before the cut-off.

    Returns
    -------
    DataFrame
        One row per task, scope and scope_id, then one per section (without a task), columns as
        `COLUMNS`. ``overdue`` has, at the cut-off, standing tasks without a result in it, which
        ``no_result`` shows too. Rates are float64 made from exact fractions; what nobody reported
        and what does not apply is missing.

    Raises
    ------
    InputError
        If the roster has nothing for the year.
    """
    require_years(dataset, [year])
    sources = open_sources(dataset, plan)
    cut_off = plan.cut_off_in(year)
    day = min(on or cut_off, cut_off)
    named = {scope: s.names for scope, s in sources.registers["units"].scopes.items()}
    named |= {"district": [plan.issuer.id], "section": [section.id for section in plan.sections]}
    names, places = place_names(named)
    blocks: list[Block] = []
    sections: dict[str, Block] = {}
    for number, holding in enumerate(Holdings(dataset, sources, year).holdings(day)):
        for scope, groups, block in _count(holding, scopes, at_cut_off=day == cut_off):
            if scope == "section":
                top = holding.task.section.partition(".")[0]
                known = sections.get(top)
                sections[top] = (
                    block if known is None else {k: block[k] + v for k, v in known.items()}
                )
            else:
                blocks.append(block | _keys(len(groups), number, scope, places[scope][groups]))
    for place, section in enumerate(plan.sections):
        if section.id in sections:
            sums = sections[section.id]
            # Its tasks count different things, which have no sum.
            sums |= {"has_count": np.zeros(1, bool), "has_counted": np.zeros(1, bool)}
            keys = _keys(1, len(plan.tasks), "section", places["section"][[place]])
            blocks.append(sums | _rates(sums) | keys)
    return _frame(blocks, [*(task.id for task in plan.tasks), ""], names, year)


def _keys(length: int, task: int, scope: str, scope_ids: np.ndarray) -> Block:
    return {
        "task": np.full(length, task, np.int16),
        "scope": np.full(length, SCOPES.index(scope), np.int8),
        "scope_id": scope_ids,
    }


def _count(
    holding: Holding, scopes: Sequence[str], *, at_cut_off: bool
) -> Iterator[tuple[str, np.ndarray, Block]]:
    """Yield scope, groups and figures of one task; ``section`` counts as ``district`` does."""
    is_late = at_cut_off and holding.due is None
    for scope in [scope for scope in SCOPES if scope in scopes]:
        groups, places = np.zeros(1, np.int64), np.zeros(len(holding.shown), np.int64)
        if scope == "unit" and holding.members is not None:
            # A unit's figures depend on its state alone: they are computed once for each state.
            each = _figures(np.eye(len(STATES), dtype=np.int32), is_late=is_late)
            block = {name: figures[holding.shown] for name, figures in each.items()}
            sums = holding.is_unproven, holding.has_count, holding.count * holding.has_count
            yield scope, holding.members.present(scope), block | _sums(holding, *sums)
            continue
        if scope not in ("district", "section"):
            if holding.members is None:
                continue
            groups = np.asarray(holding.members.present(scope), np.int64)
            places = np.searchsorted(groups, holding.members.groups(scope))
        states = np.bincount(
            places * len(STATES) + holding.shown, minlength=len(groups) * len(STATES)
        )
        block = _figures(states.reshape(len(groups), len(STATES)).astype(np.int32), is_late=is_late)
        count = np.zeros(len(groups), np.int64)
        np.add.at(count, places[holding.has_count], holding.count[holding.has_count])
        unproven, counted = (
            np.bincount(places[mask], minlength=len(groups))
            for mask in (holding.is_unproven, holding.has_count)
        )
        yield scope, groups, block | _sums(holding, unproven, counted, count)


def _figures(states: np.ndarray, *, is_late: bool) -> Block:
    """Return what follows from how many holders are in each state: a row per group.

    ``is_late``: the year is over, so what never falls due and has no result counts as overdue.
    """
    figures: Block = {"holders": states.sum(axis=1, dtype=np.int32)}
    for name, counted in _STATES.items():
        figures[name] = states[:, [code(state) for state in counted]].sum(axis=1, dtype=np.int32)
    if is_late:
        figures["overdue"] = figures["overdue"] + figures["no_result"]
    return figures | _rates(figures)


def _sums(holding: Holding, unproven: np.ndarray, counted: np.ndarray, count: np.ndarray) -> Block:
    is_counted = np.full(len(counted), bool(holding.task.count))
    return {
        "unproven": unproven.astype(np.int32),
        "counted": counted.astype(np.int32),
        "count": count,
        "has_count": is_counted & (counted > 0),
        "has_counted": is_counted,
    }


def _frame(blocks: list[Block], tasks: list[str], names: list[str], year: int) -> pd.DataFrame:
    keys = ("task", "scope", "scope_id")
    wanted = [name for name in (*COLUMNS, "has_count", "has_counted") if name != "year"]
    columns: dict[str, Any] = {
        name: np.concatenate([np.zeros(0, np.int8), *(block[name] for block in blocks)])
        for name in wanted
    }
    for name, words in zip(keys, (tasks, list(SCOPES), names), strict=True):
        columns[name] = pd.Categorical.from_codes(columns[name], words)
    for name in ("count", "counted"):
        missing = ~columns[f"has_{name}"].astype(bool)
        columns[name] = pd.arrays.IntegerArray(columns[name].astype(np.int64), missing)
    columns["year"] = np.full(len(columns["holders"]), year, np.int64)
    return pd.DataFrame(columns, columns=list(COLUMNS), copy=False)


def _rates(columns: Block) -> Block:
    """Return the shares: whole numbers divided once, NaN where the denominator is 0."""
    done, overdue, waiting = (columns[name] for name in ("done", "overdue", "unreported_due"))
    on_time, late = columns["done_on_time"], columns["done_late"]
    pairs = {
        "rate": (done, done + overdue),
        "lower": (done, done + overdue + waiting),
        "upper": (done + waiting, done + overdue + waiting),
        "on_time_rate": (on_time, on_time + late),
    }
    return {
        name: np.divide(above, below, out=np.full(len(below), np.nan), where=np.asarray(below) > 0)
        for name, (above, below) in pairs.items()
    }
