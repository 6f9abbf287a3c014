"""What a value could be once the missing are known: by rule, and by going through every completion."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, NamedTuple

import pytest
from oracle import quantity
from test_engine_kit import (
    INFORMED,
    SUPPORTED,
    YEAR,
    at_least,
    compute,
    dataset_of,
    find,
    judge,
    more_than,
    plan_of,
    records,
    tables_of,
)

from analysis.results import compute_indicators

Cells = dict[str, Any]
Row = dict[str, Any]

INTRODUCED = {"kind": "mean_per_unit", "numerator": ["party_introduced"]}
NEW_MEMBERS = {"kind": "total", "numerator": ["new_members"]}
DUES = {
    "kind": "ratio",
    "numerator": ["fund_collected", "dues_collected"],
    "denominator": ["fund_due", "dues_due"],
    "max_rate": "120%",
}


def ends(row: Row) -> tuple[float | None, float | None]:
    return row["lower"], row["upper"]


def fund(collected: int | None, due: int | None, **cells: Any) -> Cells:
    return {"fund_collected": collected, "fund_due": due, **cells}


# By rule


@pytest.mark.parametrize(
    ("above", "below", "cap", "value", "lower", "upper", "breakeven", "verdict"),
    [
        (8700, 9400, 600, "92.6", "87.0", "93.0", 0.5, "undetermined"),
        (9150, 9500, 500, "96.3", "91.5", "96.5", None, "met"),
        (8300, 9600, 400, "86.5", "83.0", "87.0", None, "not_met"),
    ],
)
def test_the_examples_of_the_specification(
    above: int,
    below: int,
    cap: int,
    value: str,
    lower: str,
    upper: str,
    breakeven: float | None,
    verdict: str,
) -> None:
    tables = tables_of({"informed": above, "workers_total": below}, {"workers_total": cap})
    row = judge(INFORMED | at_least("90%"), tables)
    shown = [f"{100 * row[name]:.1f}" for name in ("value", "lower", "upper")]
    assert shown == [value, lower, upper]
    assert (row["breakeven"], row["verdict"]) == (breakeven, verdict)


def test_nothing_missing_makes_both_ends_the_value() -> None:
    row = judge(INFORMED | at_least("90%"), tables_of({"informed": 2, "workers_total": 3}))
    assert row["lower"] == row["upper"] == row["value"] == 2 / 3
    assert (row["breakeven"], row["flags"]) == (None, "")


@pytest.mark.parametrize(
    ("years", "cap", "flags"),
    [
        ({2022: 40, 2023: 60}, 60, "carried"),
        ({2022: 60, 2023: 40}, 60, "carried"),
        ({2023: 0}, None, "unbounded"),
        ({2022: 5, 2023: 0}, 5, "carried"),
        ({2025: 60}, None, "unbounded"),
        ({}, None, "unbounded"),
    ],
)
def test_an_unknown_denominator_is_capped_by_the_largest_of_earlier_years(
    years: dict[int, int], cap: int | None, flags: str
) -> None:
    """Not the latest one, not a later one, and a largest value of 0 is no cap."""
    tables = tables_of(
        {"unit_id": "A", "hardship_members": 100, "hardship_supported": 80},
        {"unit_id": "B"},
        *({"unit_id": "B", "year": year, "hardship_members": n} for year, n in years.items()),
    )
    row = judge(SUPPORTED | at_least("75%"), tables)
    wanted = (0, 1) if cap is None else (80 / (100 + cap), (80 + cap) / (100 + cap))
    assert ends(row) == wanted
    assert row["flags"] == flags


def test_an_earlier_year_counts_as_a_cap_also_where_the_unit_was_not_expected_then() -> None:
    earlier = {"year": 2023, "hardship_members": 60, "founded_on": "2023-12-31"}
    tables = tables_of(
        {"unit_id": "A", "hardship_members": 40, "hardship_supported": 40},
        {"unit_id": "B"},
        {"unit_id": "B", **earlier},
    )
    row = judge(SUPPORTED | at_least("75%"), tables)
    assert (ends(row), row["flags"]) == ((0.4, 1), "carried")


@pytest.mark.parametrize(
    ("numerator", "lower", "upper"),
    [(None, (5, 20), (15, 20)), (8, (13, 20), (13, 18)), (25, (30, 35), (30, 35))],
    ids=["unknown", "below", "above"],
)
def test_what_is_known_of_a_missing_unit_counts_at_both_ends(
    numerator: int | None, lower: tuple[int, int], upper: tuple[int, int]
) -> None:
    """A cap of 10 from the year before, but never below the unit's own numerator."""
    tables = tables_of(
        {"unit_id": "A", "hardship_members": 10, "hardship_supported": 5},
        {"unit_id": "B", "hardship_supported": numerator},
        {"unit_id": "B", "year": 2023, "hardship_members": 10},
    )
    row = judge(SUPPORTED | at_least("75%"), tables)
    assert (row["numerator"], row["denominator"], row["flags"]) == (5, 10, "carried")
    assert ends(row) == (lower[0] / lower[1], upper[0] / upper[1])


def test_a_cap_is_the_sum_over_the_columns_each_known_or_carried() -> None:
    tables = tables_of(
        {"unit_id": "A", **fund(450, 500), "dues_collected": 450, "dues_due": 500},
        {"unit_id": "B", **fund(None, 300)},
        {"unit_id": "B", "year": 2023, **fund(None, 999), "dues_due": 200},
    )
    row = judge(DUES | at_least("90%"), tables)
    assert ends(row) == (900 / 1500, (900 + 600) / 1500)
    assert row["flags"] == "carried"


def test_one_column_without_a_cap_opens_the_whole_and_may_stand_beside_carried() -> None:
    tables = tables_of(
        {"unit_id": "A", **fund(450, 500), "dues_collected": 450, "dues_due": 500},
        {"unit_id": "B"},
        {"unit_id": "B", "year": 2023, **fund(None, 300)},
    )
    row = judge(DUES | at_least("90%"), tables)
    assert ends(row) == (0, None)
    assert (row["flags"], row["verdict"], row["breakeven"]) == (
        "carried;unbounded",
        "undetermined",
        None,
    )


def test_caps_that_sum_to_0_bound_nothing() -> None:
    """The one known column is 0 and the numerator 0: who knows how large the other is?"""
    tables = tables_of({"fund_due": 0, "dues_due": 0}, fund(0, None, dues_due=0))
    row = judge(DUES | at_least("90%"), tables)
    assert (row["not_applicable"], row["missing"]) == (1, 1)
    assert (ends(row), row["flags"], row["verdict"]) == ((0, None), "unbounded", "undetermined")


def test_the_district_has_caps_of_its_own_earlier_years() -> None:
    trained = {
        "kind": "ratio",
        "with_district": True,
        "numerator": ["cadres_trained"],
        "denominator": ["cadres_total"],
    }
    tables = tables_of(
        {"cadres_trained": 9, "cadres_total": 9},
        district=[{"year": 2023, "cadres_total": 6}, {}],
    )
    row = judge(trained | at_least("50%"), tables)
    assert (row["expected"], row["missing"], row["flags"]) == (2, 1, "carried")
    assert (ends(row), row["verdict"]) == ((9 / 15, 1), "met")


def test_a_district_without_a_row_for_the_year_is_missing() -> None:
    launched = {
        "kind": "share_of_units",
        "with_district": True,
        "holds": [{"column": "emulation_launched"}],
    }
    row = judge(launched | at_least("100%"), tables_of({"emulation_launched": True}))
    assert (row["expected"], row["reported"], row["missing"]) == (2, 1, 1)
    assert (ends(row), row["verdict"]) == ((0.5, 1), "undetermined")


@pytest.mark.parametrize("cap", [None, 1, 1000])
def test_one_person_left_out_of_100_percent_cannot_be_made_good(cap: int | None) -> None:
    tables = tables_of({"informed": 99, "workers_total": 100}, {"workers_total": cap})
    row = judge(INFORMED | at_least("100%"), tables)
    assert (row["verdict"], row["slack"]) == ("not_met", -1)
    assert ("unbounded" in row["flags"]) == (cap is None)


def test_everyone_so_far_leaves_100_percent_open_while_somebody_is_missing() -> None:
    tables = tables_of({"informed": 100, "workers_total": 100}, {"workers_total": 1})
    row = judge(INFORMED | at_least("100%"), tables)
    assert (row["verdict"], row["breakeven"]) == ("undetermined", 1)


def test_with_a_max_rate_arrears_may_still_make_good_what_one_unit_lacks() -> None:
    tables = tables_of(
        {"unit_id": "A", **fund(99, 100), "dues_collected": 0, "dues_due": 0},
        {"unit_id": "B", **fund(None, 100), "dues_due": 0},
    )
    row = judge(DUES | at_least("100%"), tables)
    assert (ends(row), row["verdict"]) == ((99 / 200, (99 + 120) / 200), "undetermined")


@pytest.mark.parametrize(
    ("counts", "missing", "target", "lower", "verdict"),
    [
        ((4, 0), 1, 1, 4 / 3, "met"),
        ((3, 0), 1, 1, 1, "met"),
        ((2, 0), 1, 1, 2 / 3, "undetermined"),
        ((), 2, 1, 0, "undetermined"),
    ],
)
def test_a_mean_counts_the_missing_as_nothing_below_and_is_open_above(
    counts: tuple[int, ...], missing: int, target: int, lower: float, verdict: str
) -> None:
    tables = tables_of(*({"party_introduced": n} for n in counts), *({} for _ in range(missing)))
    row = judge(INTRODUCED | at_least(target), tables)
    assert (ends(row), row["verdict"]) == ((lower, None), verdict)
    assert row["breakeven"] is None


@pytest.mark.parametrize(
    ("count", "verdict"), [(99, "undetermined"), (100, "met"), (None, "undetermined")]
)
def test_a_total_is_open_above_while_somebody_is_missing(count: int | None, verdict: str) -> None:
    row = judge(NEW_MEMBERS | at_least(100), tables_of({"new_members": count}, {}))
    assert (ends(row), row["verdict"]) == ((count or 0, None), verdict)


@pytest.mark.parametrize(
    ("indicator", "upper", "verdict"),
    [
        (
            {"numerator": ["inspections"], "targets": [{"between": [2, 5]}]},
            None,
            "undetermined",
        ),
        ({"holds": [{"column": "plan_made"}], "targets": [{"holds": True}]}, 1, "undetermined"),
        ({"numerator": ["district_grade"], **at_least("good")}, 3, "undetermined"),
    ],
    ids=["count", "yes-no", "grade"],
)
@pytest.mark.parametrize("district", [[], [{}]], ids=["no-row", "empty-row"])
def test_a_district_value_not_known_could_be_anything(
    indicator: Cells, upper: int | None, verdict: str, district: list[Cells]
) -> None:
    row = judge({"kind": "district_value", **indicator}, tables_of({}, district=district))
    assert (row["expected"], row["missing"], row["value"]) == (1, 1, None)
    assert (ends(row), row["verdict"]) == ((0, upper), verdict)


def test_a_monitor_has_bounds_but_no_verdict_slack_or_breakeven() -> None:
    monitor = {**INFORMED, "kind": "monitor", "monitors": "ratio"}
    tables = tables_of({"informed": 1, "workers_total": 2}, {"workers_total": 2})
    row = judge(monitor, tables)
    assert (ends(row), row["verdict"]) == ((0.25, 0.75), "no_target")
    assert (row["slack"], row["breakeven"], row["target"] or None) == (None, None, None)


# By going through every completion


BARS = (
    *(at_least(bar) for bar in ("20%", "50%", "75%", "90%", "100%", "33.3%")),
    *(more_than(bar) for bar in ("0%", "50%", "80%", "90%")),
)


class Completion(NamedTuple):
    """What the missing turn out to bring, and whether they bring all that they can below."""

    above: int
    below: int
    is_full: bool


class Case(NamedTuple):
    """What is known of a group, and every way in which the rest may turn out."""

    above: int
    below: int
    cap: int
    completions: list[Completion]


def turns_out(caps: Iterable[int], rate: Fraction = Fraction(1)) -> list[Completion]:
    """Every denominator up to each cap, with every numerator that it allows."""
    each = [
        [
            Completion(above, below, below == cap)
            for below in range(cap + 1)
            for above in range(int(below * rate) + 1)
        ]
        for cap in caps
    ]
    return [
        Completion(
            sum(one.above for one in together),
            sum(one.below for one in together),
            all(one.is_full for one in together),
        )
        for together in set(itertools.product(*each))
    ]


def satisfies(value: Fraction, target: Cells) -> bool:
    (bar,) = target["targets"]
    if "more_than" in bar:
        return value > quantity(bar["more_than"])
    return value >= quantity(bar["at_least"])


def assert_enumerated(row: Row, case: Case, target: Cells) -> None:
    """Bounds, verdict and breakeven are exactly what the completions show."""
    values = {
        Fraction(case.above + one.above, case.below + one.below)
        for one in case.completions
        if case.below + one.below
    }
    if not values:
        assert row["verdict"] in ("not_applicable", "undetermined")
        return
    assert ends(row) == (float(min(values)), float(max(values)))
    verdicts = {satisfies(value, target) for value in values}
    wanted = {(True,): "met", (False,): "not_met"}.get(tuple(verdicts), "undetermined")
    assert row["verdict"] == wanted
    if wanted == "undetermined":
        assert_turning_point(row, case, target)
    else:
        assert row["breakeven"] is None


def assert_turning_point(row: Row, case: Case, target: Cells) -> None:
    """The target is met from the breakeven rate of the missing upwards, and not below it."""
    (bar,) = target["targets"]
    turn = quantity(bar.get("more_than", bar.get("at_least"))) * (case.below + case.cap)
    assert row["breakeven"] == float((turn - case.above) / case.cap)
    for one in case.completions:
        if one.is_full:
            rate = Fraction(one.above, case.cap)
            value = Fraction(case.above + one.above, case.below + case.cap)
            reached = rate > (turn - case.above) / case.cap
            at_the_turn = rate == (turn - case.above) / case.cap
            assert satisfies(value, target) == (reached or (at_the_turn and "at_least" in bar))


def ratio_case(rng: random.Random, commune: str) -> tuple[list[Cells], Case]:
    """Two to four units with small figures; of some only the denominator, or an earlier one."""
    units: list[Cells] = []
    above = below = 0
    caps = []
    for position in range(rng.randint(2, 4)):
        cells: Cells = {"unit_id": f"{commune}-{position}", "commune": commune}
        whole = rng.choice((0, 1, 1, 2, 3, 4, 10, 30))
        part = min(rng.choice((0, whole, whole, whole - 1, whole // 2)), whole)
        known = rng.choice(("both", "both", "denominator", "earlier"))
        if len(caps) == 3 or (known != "both" and whole > 4):
            known = "both"
        if known == "both":
            units.append(cells | {"hardship_members": whole, "hardship_supported": max(part, 0)})
            above, below = (above + max(part, 0), below + whole) if whole else (above, below)
            continue
        cap = max(whole, 1)
        if known == "denominator":
            units.append(cells | {"hardship_members": cap})
        else:
            units += [cells, cells | {"year": YEAR - 1, "hardship_members": cap}]
        caps.append(cap)
    return units, Case(above, below, sum(caps), turns_out(caps))


def test_bounds_of_a_ratio_are_the_least_and_greatest_of_every_completion() -> None:
    rng = random.Random(4)
    made = {f"X{number:02d}": ratio_case(rng, f"X{number:02d}") for number in range(60)}
    tables = tables_of(*(unit for units, _ in made.values() for unit in units))
    plan = plan_of(*(SUPPORTED | target for target in BARS))
    rows = compute(tables, plan, [YEAR], ["commune"])
    for commune, (_, case) in made.items():
        for position, target in enumerate(BARS, start=1):
            row = find(rows, f"i{position}", "commune", scope_id=commune)
            assert_enumerated(row, case, target)
    assert {row["verdict"] for row in rows} >= {"met", "not_met", "undetermined"}


def dues_case(rng: random.Random, commune: str) -> tuple[list[Cells], Case]:
    """Sums due in fives, so that 120% of a cap is a whole number too."""
    units: list[Cells] = []
    above = below = 0
    caps = []
    for position in range(rng.randint(2, 3)):
        cells: Cells = {"unit_id": f"{commune}-{position}", "commune": commune}
        due = rng.choice((5, 10))
        if len(caps) < 2 and rng.random() < 0.5:
            units.append(cells | {"fund_due": due})
            caps.append(due)
        else:
            collected = rng.randint(0, due * 6 // 5)
            units.append(cells | {"fund_due": due, "fund_collected": collected})
            above, below = above + collected, below + due
    return units, Case(above, below, sum(caps), turns_out(caps, Fraction(6, 5)))


def test_with_a_max_rate_the_missing_may_bring_that_much_more_than_is_due() -> None:
    rng = random.Random(5)
    bars = (at_least("90%"), at_least("100%"), at_least("120%"), more_than("80%"))
    made = {f"X{number:02d}": dues_case(rng, f"X{number:02d}") for number in range(40)}
    tables = tables_of(*(unit for units, _ in made.values() for unit in units))
    collected = {
        "kind": "ratio",
        "numerator": ["fund_collected"],
        "denominator": ["fund_due"],
        "max_rate": "120%",
    }
    rows = compute(tables, plan_of(*(collected | bar for bar in bars)), [YEAR], ["commune"])
    for commune, (_, case) in made.items():
        for position, target in enumerate(bars, start=1):
            row = find(rows, f"i{position}", "commune", scope_id=commune)
            assert_enumerated(row, case, target)
    assert {row["verdict"] for row in rows} == {"met", "not_met", "undetermined"}


# What is really unknown


COMMITTEE = {
    "kind": "share_of_units",
    "holds": [{"column": "womens_committee"}],
    "applies_if": [{"column": "members_female", "at_least": 10}],
}


@pytest.mark.parametrize(
    ("bar", "needed", "breakeven"),
    [
        (at_least("50%"), 1, 0.25),
        (more_than("50%"), 1, 0.25),
        (more_than("60%"), 2, 0.5),
        (at_least("80%"), 2, 1),
    ],
)
def test_what_the_missing_need_is_said_of_those_whose_fact_is_unknown(
    bar: Cells, needed: int, breakeven: float
) -> None:
    """Two hold, two are unknown whether they apply or not, two are asked and silent.

    A known yes or no that may not apply counts at an end alone: nothing more is needed of it.
    """
    tables = tables_of(
        *({"womens_committee": True, "members_female": 10} for _ in range(2)),
        {"womens_committee": False},
        {"womens_committee": True},
        *({"members_female": 10} for _ in range(2)),
    )
    plan = plan_of(COMMITTEE | bar)
    table = compute_indicators(dataset_of(tables), plan, [YEAR], ["district"], with_open=True)
    (row,) = records(table)
    # The lower end: 2 of 2 + the known no + the two silent ones.
    assert (row["lower"], row["missing"], row["unknown"]) == (2 / 5, 4, 2)
    assert (row["needed"], row["breakeven"]) == (needed, pytest.approx(breakeven))
