"""Bounds and verdicts against every completion of tiny tables that the rules allow.

Groups of one to three units with counts up to 3 and gaps at random; whatever is not reported may be
anything that leaves no part above its whole. No earlier years, so no cap is carried, and an end
that is not flagged open must be attained, not only safe.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from oracle import GRADE_RANKS, WHOLES, quantity
from test_engine_kit import YEAR, at_least, compute, find, more_than, plan_of, tables_of

Cells = dict[str, Any]
Row = dict[str, Any]
Pair = tuple[int, int]

BARS = (
    *(at_least(bar) for bar in ("20%", "50%", "75%", "100%")),
    *(more_than(bar) for bar in ("0%", "50%", "80%")),
)
#: Counts that a cell may hold, and one that is as large as anything a rule does not limit.
COUNTS = (0, 1, 2, 3)
HUGE = 1000
GRADES = (*GRADE_RANKS, "not_graded")


class Question(NamedTuple):
    """A row of a plan, the cells that matter (wholes first), and what complete cells bring.

    The cells are all within one step of the row's own ones: a rule that reaches further, through a
    cell that is not reported either, is not looked at.
    """

    indicator: Cells
    columns: tuple[str, ...]
    brings: Callable[[Cells], Pair]
    types: tuple[str, ...] = ("private_enterprise",)
    rate: int = 1


def ratio(above: str, below: str) -> Callable[[Cells], Pair]:
    def brings(cells: Cells) -> Pair:
        n, d = (sum(cells[name] for name in names.split()) for names in (above, below))
        return n, d

    return brings


def held(applies: Callable[[Cells], bool], *facts: str) -> Callable[[Cells], Pair]:
    def brings(cells: Cells) -> Pair:
        return (int(all(cells[fact] for fact in facts)), 1) if applies(cells) else (0, 0)

    return brings


def graded(cells: Cells) -> Pair:
    return int(cells["grade"] in ("good", "excellent")), int(cells["grade"] != "not_graded")


QUESTIONS = {
    "part of a whole that has a whole": Question(
        {"kind": "ratio", "numerator": ["culture_members"], "denominator": ["members_total"]},
        ("workers_total", "members_total", "members_female", "culture_members"),
        ratio("culture_members", "members_total"),
        ("public_service", "trade_guild"),
    ),
    "part of a part": Question(
        {"kind": "ratio", "numerator": ["hardship_supported"], "denominator": ["hardship_members"]},
        ("members_total", "hardship_members", "hardship_supported"),
        ratio("hardship_supported", "hardship_members"),
    ),
    "numerator with parts of its own": Question(
        {"kind": "ratio", "numerator": ["members_total"], "denominator": ["workers_total"]},
        ("workers_total", "members_total", "informed", "members_female"),
        ratio("members_total", "workers_total"),
    ),
    "two columns and arrears": Question(
        {
            "kind": "ratio",
            "numerator": ["fund_collected", "dues_collected"],
            "denominator": ["fund_due", "dues_due"],
            "max_rate": "200%",
        },
        ("fund_due", "dues_due", "fund_collected", "dues_collected", "fund_allocated"),
        ratio("fund_collected dues_collected", "fund_due dues_due"),
        rate=2,
    ),
    "threshold of a whole": Question(
        {
            "kind": "share_of_units",
            "holds": [{"column": "conference_held"}, {"column": "dialogue_held"}],
            "applies_if": [{"column": "workers_total", "at_least": 2}],
        },
        ("workers_total", "members_total", "conference_held", "dialogue_held"),
        held(lambda cells: cells["workers_total"] >= 2, "conference_held", "dialogue_held"),
        ("private_enterprise", "trade_guild"),
    ),
    "threshold of a part": Question(
        {
            "kind": "share_of_units",
            "holds": [{"column": "womens_committee"}],
            "applies_if": [{"column": "members_female", "more_than": 1}],
        },
        ("members_total", "members_female", "womens_committee"),
        held(lambda cells: cells["members_female"] > 1, "womens_committee"),
    ),
    "a word that also says whether it applies": Question(
        {
            "kind": "share_of_units",
            "holds": [{"column": "grade", "at_least": "good"}],
            "applies_if": [{"column": "grade", "is_not": "not_graded"}],
        },
        ("grade",),
        graded,
    ),
}


def domain(column: str) -> tuple[Any, ...]:
    """What a reported cell holds."""
    if column == "grade":
        return GRADES
    if column in ("conference_held", "dialogue_held", "womens_committee"):
        return (True, False)
    return COUNTS[:2] if column.startswith(("fund", "dues")) else COUNTS


def wider(column: str) -> tuple[Any, ...]:
    """What a cell that is not reported may hold: all that figures as small leave room for."""
    return domain(column) if domain(column)[-1] in (False, "not_graded") else (*COUNTS, 4, HUGE)


def is_allowed(cells: Cells, question: Question) -> bool:
    """No part above its whole, but for a guild's members; no more collected than ``max_rate``."""
    for part, whole in WHOLES["units"].items():
        is_guild = part == "members_total" and cells["unit_type"] == "trade_guild"
        if part in cells and whole in cells and not is_guild and cells[part] > cells[whole]:
            return False
    above, below = question.brings(cells)
    return above <= question.rate * below


@cache
def completions(name: str, *items: tuple[str, Any]) -> set[Pair]:
    """What a unit may turn out to bring: nothing where it turns out not to be concerned."""
    question, unit = QUESTIONS[name], dict(items)
    gaps = [column for column in question.columns if unit[column] is None]
    ways = itertools.product(*map(wider, gaps))
    filled = (unit | dict(zip(gaps, cells, strict=True)) for cells in ways)
    return {question.brings(cells) for cells in filled if is_allowed(cells, question)}


@st.composite
def units_of(draw: st.DrawFn, question: Question) -> Cells:
    """A unit with sound figures, of which some are not reported."""
    cells: Cells = {"unit_type": draw(st.sampled_from(question.types))}
    for column in question.columns:
        cells[column] = draw(st.sampled_from(domain(column)))
        whole = WHOLES["units"].get(column)
        is_guild = column == "members_total" and cells["unit_type"] == "trade_guild"
        if whole in cells and not is_guild:
            cells[column] = min(cells[column], cells[whole])
    if not is_allowed(cells, question):
        cells |= dict.fromkeys(("fund_collected", "fund_allocated", "dues_collected"), 0)
    gaps = draw(st.lists(st.booleans(), min_size=len(cells) - 1, max_size=len(cells) - 1))
    empty = [c for c, is_gap in zip(question.columns, gaps, strict=True) if is_gap]
    return cells | dict.fromkeys(empty)


def groups_of(question: Question) -> st.SearchStrategy[list[list[Cells]]]:
    group = st.lists(units_of(question), min_size=1, max_size=3)
    return st.lists(group, min_size=60, max_size=60)


def values_of(group: list[Cells], name: str) -> set[Fraction]:
    """Every value that the group may turn out to have."""
    pairs = {(0, 0)}
    for unit in group:
        ways = completions(name, *unit.items())
        pairs = {(n + more, d + base) for n, d in pairs for more, base in ways}
    return {Fraction(n, d) for n, d in pairs if d}


def satisfies(value: Fraction, target: Cells) -> bool:
    (bar,) = target["targets"]
    if "more_than" in bar:
        return value > quantity(bar["more_than"])
    return value >= quantity(bar["at_least"])


def rows_of(
    groups: list[list[Cells]], question: Question
) -> Iterator[tuple[list[Cells], list[Row]]]:
    """Each group with its rows, one for each bar."""
    named = {f"X{number:02d}": group for number, group in enumerate(groups)}
    units = [cells | {"commune": name} for name, group in named.items() for cells in group]
    plan = plan_of(*(question.indicator | bar for bar in BARS))
    rows = compute(tables_of(*units), plan, [YEAR], ["commune"])
    for name, group in named.items():
        own = [find(rows, f"i{i}", "commune", scope_id=name) for i in range(1, len(BARS) + 1)]
        yield group, own


@pytest.mark.parametrize("name", QUESTIONS)
def test_bounds_are_the_least_and_greatest_of_every_completion(name: str) -> None:
    question = QUESTIONS[name]
    seen: set[str] = set()

    @settings(max_examples=3, deadline=None, phases=[Phase.generate])
    @given(groups_of(question))
    def every_completion(groups: list[list[Cells]]) -> None:
        for group, rows in rows_of(groups, question):
            values = values_of(group, name)
            for target, row in zip(BARS, rows, strict=True):
                assert_true_of(row, values, target)
                seen.add(row["verdict"])

    every_completion()
    assert seen == {"not_applicable", "met", "not_met", "undetermined"}


def assert_true_of(row: Row, values: set[Fraction], target: Cells) -> None:
    """Safe always; attained, and undetermined only where both turns are possible, unless open."""
    if not values:
        assert row["verdict"] in ("not_applicable", "undetermined"), row
        return
    least, most, is_open = min(values), max(values), "unbounded" in row["flags"]
    assert row["lower"] <= float(least), (row, least)
    assert row["upper"] is None or row["upper"] >= float(most), (row, most)
    ways = {satisfies(value, target) for value in values}
    if row["verdict"] in ("met", "not_met"):
        assert ways == {row["verdict"] == "met"}, (row, values)
    if not is_open:
        assert (row["lower"], row["upper"]) == (float(least), float(most)), row
        assert (row["verdict"] == "undetermined") == (len(ways) == 2), (row, values)
