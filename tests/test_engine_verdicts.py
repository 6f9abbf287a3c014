"""Values, bars and verdicts, rule by rule, at the very figures where they turn."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from test_engine_kit import (
    CONFERENCE,
    DISTRICT,
    INFORMED,
    SUPPORTED,
    YEAR,
    at_least,
    compute,
    find,
    judge,
    more_than,
    plan_of,
    tables_of,
)

from analysis.plan import Plan

Row = dict[str, Any]

INSPECTIONS = {"kind": "district_value", "numerator": ["inspections"]}
NEW_MEMBERS = {"kind": "total", "numerator": ["new_members"]}
INTRODUCED = {"kind": "mean_per_unit", "numerator": ["party_introduced"]}
GRADED = {
    "kind": "share_of_units",
    "holds": [{"column": "grade", "at_least": "good"}],
    "applies_if": [{"column": "grade", "is_not": "not_graded"}],
}


def heads(above: int | None, below: int | None, **cells: Any) -> dict[str, Any]:
    """A unit where so many of its workers were informed."""
    return {"informed": above, "workers_total": below, **cells}


# The value


def test_a_roll_up_is_a_ratio_of_sums_never_a_mean_of_rates() -> None:
    row = judge(
        INFORMED | at_least("75%"), tables_of(heads(95, 100), heads(95, 100), heads(700, 1000))
    )
    assert (row["numerator"], row["denominator"]) == (890, 1200)
    assert row["value"] == 890 / 1200
    assert row["verdict"] == "not_met"  # 86.7%, the mean of the rates, would have met it


def test_a_partly_reported_unit_is_missing_and_nothing_of_it_enters_the_sums() -> None:
    row = judge(
        SUPPORTED | at_least("50%"),
        tables_of(
            {"hardship_supported": 3, "hardship_members": 4},
            {"hardship_supported": 100},
            {"hardship_members": 6},
        ),
    )
    assert (row["reported"], row["missing"]) == (1, 2)
    assert (row["numerator"], row["denominator"]) == (3, 4)


@pytest.mark.parametrize("above", [0, None], ids=["reported", "not-reported"])
def test_a_denominator_known_to_be_0_leaves_both_sides(above: int | None) -> None:
    row = judge(INFORMED | at_least("100%"), tables_of(heads(above, 0), heads(7, 7)))
    assert (row["expected"], row["reported"], row["not_applicable"], row["missing"]) == (2, 1, 1, 0)
    assert (row["value"], row["lower"], row["upper"], row["verdict"]) == (1, 1, 1, "met")


def test_arrears_collected_with_nothing_due_stay_outside_the_rate() -> None:
    collected = {"kind": "ratio", "numerator": ["dues_collected"], "denominator": ["dues_due"]}
    tables = tables_of(
        {"dues_collected": 500, "dues_due": 0}, {"dues_collected": 90, "dues_due": 100}
    )
    row = judge(collected | at_least("90%"), tables)
    assert (row["numerator"], row["denominator"], row["not_applicable"]) == (90, 100, 1)


def test_an_empty_cell_is_missing_never_zero_and_never_no() -> None:
    row = judge(CONFERENCE | at_least("50%"), tables_of({"conference_held": True}, {}))
    assert (row["missing"], row["value"], row["upper"]) == (1, 1, 1)
    row = judge(INTRODUCED | at_least(2), tables_of({"party_introduced": 4}, {}))
    assert (row["missing"], row["value"], row["lower"]) == (1, 4, 2)


# Bars, strict and not


THRESHOLDS = [
    (8, 10, more_than("80%"), "not_met", -1),
    (9, 10, more_than("80%"), "met", 0),
    (801, 1000, more_than("80%"), "met", 0),
    (8, 10, at_least("80%"), "met", 0),
    (27, 30, at_least("90%"), "met", 0),
    (26, 30, at_least("90%"), "not_met", -1),
    (9, 10, at_least("90%"), "met", 0),
    (27, 30, more_than("90%"), "not_met", -1),
    (8996, 10000, at_least("90%"), "not_met", -4),
    (8999, 10000, at_least("90%"), "not_met", -1),
    (29, 29, at_least("100%"), "met", 0),
    (28, 29, at_least("100%"), "not_met", -1),
    (0, 29, at_least("20%"), "not_met", -6),
    (1, 3, at_least("33.3%"), "met", 0),
    (1, 3, at_least("33.4%"), "not_met", -1),
    (7, 8, at_least("82.5%"), "met", 0),
    (185, 200, at_least("85%"), "met", 15),
    (185, 200, more_than("85%"), "met", 14),
]


@pytest.fixture(scope="module")
def thresholds() -> list[Row]:
    """The row of every case: each has a commune and an indicator of its own."""
    units = [
        heads(above, below, commune=f"C{case:02d}")
        for case, (above, below, *_) in enumerate(THRESHOLDS)
    ]
    plan = plan_of(*(INFORMED | target for _, _, target, *_ in THRESHOLDS))
    rows = compute(tables_of(*units), plan, scopes=["district", "commune"])
    return [
        find(rows, f"i{case + 1}", "commune", scope_id=f"C{case:02d}")
        for case in range(len(THRESHOLDS))
    ]


@pytest.mark.parametrize("case", range(len(THRESHOLDS)))
def test_a_ratio_is_compared_exactly_and_slack_counts_the_persons_to_the_bar(
    thresholds: list[Row], case: int
) -> None:
    above, below, _, verdict, slack = THRESHOLDS[case]
    row = thresholds[case]
    assert (row["numerator"], row["denominator"]) == (above, below)
    assert (row["verdict"], row["slack"]) == (verdict, slack)


@pytest.mark.parametrize("floating_point_says", ["more", "less"])
def test_a_bar_that_binary_fractions_cannot_hold_is_met_exactly(floating_point_says: str) -> None:
    """0.07 * 100 is 7.000000000000001 in floating point, 0.57 * 100 is 56.99999999999999."""
    percent = {"more": 7, "less": 57}[floating_point_says]
    tables = tables_of(heads(percent, 100))
    row = judge(INFORMED | at_least(f"{percent}%"), tables)
    assert (row["verdict"], row["slack"]) == ("met", 0)
    row = judge(INFORMED | more_than(f"{percent}%"), tables)
    assert (row["verdict"], row["slack"]) == ("not_met", -1)


@pytest.mark.parametrize(
    ("held", "units", "target", "verdict", "slack"),
    [
        (9, 10, at_least("90%"), "met", 0),
        (8, 10, at_least("90%"), "not_met", -1),
        (4, 5, more_than("80%"), "not_met", -1),
        (17, 20, at_least("85%"), "met", 0),
    ],
)
def test_a_share_of_units_counts_units_that_hold(
    held: int, units: int, target: dict[str, Any], verdict: str, slack: int
) -> None:
    tables = tables_of(*({"conference_held": position < held} for position in range(units)))
    row = judge(CONFERENCE | target, tables)
    assert (row["numerator"], row["denominator"]) == (held, units)
    assert (row["verdict"], row["slack"]) == (verdict, slack)


@pytest.mark.parametrize(
    ("inspections", "verdict", "flags", "slack"),
    [
        (0, "not_met", "", -2),
        (1, "not_met", "", -1),
        (2, "met", "", 0),
        (5, "met", "", 3),
        (6, "met", "exceeded", 4),
    ],
)
def test_between_is_met_from_its_minimum_up_and_exceeded_over_its_maximum(
    inspections: int, verdict: str, flags: str, slack: int
) -> None:
    tables = tables_of({}, district=[{"inspections": inspections}])
    row = judge(INSPECTIONS | {"targets": [{"between": [2, 5]}]}, tables)
    assert (row["verdict"], row["flags"], row["slack"]) == (verdict, flags, slack)
    assert (row["numerator"], row["denominator"], row["value"]) == (inspections, None, inspections)


@pytest.mark.parametrize(
    ("counts", "verdict", "flags"),
    [
        ((0, 1), "not_met", ""),
        ((1, 3), "met", ""),
        ((4, 4), "met", ""),
        ((4, 5), "met", "exceeded"),
    ],
)
def test_a_mean_is_exceeded_when_the_mean_passes_the_maximum_not_its_sum(
    counts: tuple[int, int], verdict: str, flags: str
) -> None:
    tables = tables_of(*({"party_introduced": count, "members_total": 9} for count in counts))
    row = judge(INTRODUCED | {"targets": [{"between": [2, 4]}]}, tables)
    assert (row["verdict"], row["flags"]) == (verdict, flags)


@pytest.mark.parametrize(
    ("counts", "target", "verdict", "slack"),
    [
        ((1, 1, 1), at_least(1), "met", 0),
        ((0, 1, 1), at_least(1), "not_met", -1),
        ((2, 3), at_least("2.5"), "met", 0),
        ((2, 2, 3), at_least("2.5"), "not_met", -1),
        ((3, 0), more_than("1.5"), "not_met", -1),
        ((9, 0, 0), more_than("1.5"), "met", 4),
    ],
)
def test_a_mean_per_unit_is_the_sum_over_the_units_that_reported(
    counts: tuple[int, ...], target: dict[str, Any], verdict: str, slack: int
) -> None:
    tables = tables_of(*({"party_introduced": count} for count in counts))
    row = judge(INTRODUCED | target, tables)
    assert (row["numerator"], row["denominator"]) == (sum(counts), len(counts))
    assert (row["verdict"], row["slack"]) == (verdict, slack)


@pytest.mark.parametrize(
    ("grade", "rank", "verdict"),
    [
        ("failed", 0, "not_met"),
        ("completed", 1, "not_met"),
        ("good", 2, "met"),
        ("excellent", 3, "met"),
    ],
)
def test_the_districts_grade_is_judged_by_its_rank(grade: str, rank: int, verdict: str) -> None:
    indicator = {"kind": "district_value", "numerator": ["district_grade"], **at_least("good")}
    row = judge(indicator, tables_of({}, district=[{"district_grade": grade}]))
    assert (row["numerator"], row["denominator"], row["value"]) == (rank, None, rank)
    assert (row["verdict"], row["target"], row["slack"]) == (verdict, ">=good", None)


@pytest.mark.parametrize(("made", "number", "verdict"), [(True, 1, "met"), (False, 0, "not_met")])
def test_a_yes_or_no_of_the_district_is_1_or_0(made: bool, number: int, verdict: str) -> None:
    indicator = {
        "kind": "district_value",
        "holds": [{"column": "plan_made"}],
        "targets": [{"holds": True}],
    }
    row = judge(indicator, tables_of({}, district=[{"plan_made": made}]))
    assert (row["numerator"], row["denominator"], row["value"]) == (number, None, number)
    assert (row["verdict"], row["target"], row["slack"]) == (verdict, "yes", None)


# Facts


def test_facts_joined_by_and_follow_three_valued_logic() -> None:
    """One known "no" settles it, whatever is missing; "yes" needs all known."""
    columns = ("emulation_agreement", "coordination_rules", "reward_scheme")
    cases = list(itertools.product((True, False, None), repeat=3))
    tables = tables_of(*({**dict(zip(columns, case, strict=True)), "note": "x"} for case in cases))
    indicator = {"kind": "share_of_units", "holds": [{"column": column} for column in columns]}
    rows = compute(tables, plan_of(indicator | at_least("100%")), scopes=["unit"])
    whole = [row for row in rows if row["indicator"] == "i1"]
    for case, row in zip(cases, whole, strict=True):
        wanted = "not_met" if False in case else "undetermined" if None in case else "met"
        assert row["verdict"] == wanted, case
        assert row["reported"] == (wanted != "undetermined"), case


@pytest.mark.parametrize(
    ("workers", "outcome"), [(9, "not_applicable"), (10, "reported"), (None, "missing")]
)
def test_a_unit_whose_headcount_is_unknown_is_missing_not_excluded(
    workers: int | None, outcome: str
) -> None:
    indicator = {
        **CONFERENCE,
        "applies_if": [{"column": "workers_total", "at_least": 10}],
        **at_least("90%"),
    }
    row = judge(indicator, tables_of({"workers_total": workers, "conference_held": True}))
    wanted = dict.fromkeys(("reported", "not_applicable", "missing"), 0) | {outcome: 1}
    assert {name: row[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("grade", "outcome"),
    [
        ("excellent", (1, 1, "met")),
        ("good", (1, 1, "met")),
        ("completed", (1, 0, "not_met")),
        ("failed", (1, 0, "not_met")),
        ("not_graded", (0, None, "not_applicable")),
        (None, (0, None, "undetermined")),
    ],
)
def test_good_counts_excellent_too_and_an_ungraded_unit_leaves_the_denominator(
    grade: str | None, outcome: tuple[int, int | None, str]
) -> None:
    row = judge(GRADED | at_least("85%"), tables_of({"grade": grade}))
    assert (row["reported"], row["numerator"], row["verdict"]) == outcome


def test_three_quarters_of_the_fund_is_judged_unit_by_unit(plan: Plan) -> None:
    cases = [
        (75, 100, "met"),
        (74, 100, "not_met"),
        (3, 4, "met"),
        (0, 0, "not_applicable"),
        (None, 100, "undetermined"),
        (None, None, "undetermined"),
    ]
    units = [
        {"fund_allocated": part, "fund_collected": whole, "note": "x"} for part, whole, _ in cases
    ]
    rows = compute(tables_of(*units), plan)
    judged = [r for r in rows if (r["indicator"], r["scope"]) == ("fund_share_units", "unit")]
    assert [row["verdict"] for row in judged] == [verdict for *_, verdict in cases]
    district = find(rows, "fund_share_units")
    assert (district["numerator"], district["denominator"], district["missing"]) == (2, 3, 2)


# Verdict rules, in their order


def test_an_empty_population_is_not_applicable_also_where_the_plan_has_no_target() -> None:
    for target in (at_least("90%"), {"targets": [{"at_least": "90%", "by_end_of": 2030}]}):
        guilds = INFORMED | {"population": "trade_guild"} | target
        row = judge(guilds, tables_of(heads(1, 2)))
        assert (row["expected"], row["verdict"]) == (0, "not_applicable")
        assert (row["value"], row["lower"], row["upper"]) == (None, None, None)
    monitor = {**INFORMED, "kind": "monitor", "monitors": "ratio", "population": "trade_guild"}
    assert judge(monitor, tables_of(heads(1, 2)))["verdict"] == "not_applicable"


def test_every_unit_not_applicable_makes_the_roll_up_not_applicable() -> None:
    row = judge(SUPPORTED | at_least("100%"), tables_of({"hardship_members": 0}))
    assert (row["expected"], row["not_applicable"], row["verdict"]) == (1, 1, "not_applicable")


def test_new_members_needs_100_then_150_and_nothing_from_2031(plan: Plan) -> None:
    years = (2025, 2026, 2030, 2031)
    rows = compute(tables_of(*({"year": year, "new_members": 100} for year in years)), plan)
    judged = [find(rows, "new_members", year=year) for year in years]
    assert [(row["target"] or None, row["verdict"], row["slack"]) for row in judged] == [
        (">=100", "met", 0),
        (">=150", "not_met", -50),
        (">=150", "not_met", -50),
        (None, "no_target", None),
    ]


def test_a_total_has_its_target_at_district_scope_alone() -> None:
    rows = compute(tables_of({"new_members": 100}), plan_of(NEW_MEMBERS | at_least(100)))
    assert [row["scope"] for row in rows] == ["district", "commune", "unit_type", "parent", "unit"]
    assert [row["verdict"] for row in rows] == ["met"] + ["no_target"] * 4
    assert {row["target"] or None for row in rows[1:]} == {None}
    assert {(row["numerator"], row["denominator"]) for row in rows} == {(100, None)}


def test_a_stage_target_is_judged_at_the_end_of_its_year_alone(plan: Plan) -> None:
    cases = [
        (2024, ">=0.8@2025", "not_due"),
        (2025, ">=0.8@2025", "not_met"),
        (2026, ">=0.85@2030", "not_due"),
        (2030, ">=0.85@2030", "not_met"),
        (2031, ">=1@2045", "not_due"),
        (2045, ">=1@2045", "not_met"),
        (2046, None, "no_target"),
    ]
    units = [{"year": year, "agreement_in_force": False} for year, *_ in cases]
    rows = compute(tables_of(*units), plan, scopes=["district"])
    for year, target, verdict in cases:
        row = find(rows, "collective_agreement", year=year)
        assert (row["target"] or None, row["verdict"]) == (target, verdict)


def test_parts_of_an_and_follow_their_whole_and_have_no_target() -> None:
    held = [{"column": "conference_held"}, {"column": "dialogue_held"}]
    indicator = {"kind": "share_of_units", "holds": held, "population": "private_enterprise"}
    tables = tables_of({"conference_held": True, "dialogue_held": False})
    rows = compute(tables, plan_of(indicator | at_least("90%")), scopes=["district"])
    assert [(row["indicator"], row["numerator"], row["verdict"]) for row in rows] == [
        ("i1", 0, "not_met"),
        ("i1.conference_held", 1, "no_target"),
        ("i1.dialogue_held", 0, "no_target"),
    ]
    others = tables_of({"unit_type": "trade_guild"})
    rows = compute(others, plan_of(indicator | at_least("90%")), scopes=["district"])
    assert {row["verdict"] for row in rows} == {"not_applicable"}


def test_parts_of_a_sum_are_each_over_their_own_denominator() -> None:
    indicator = {
        "kind": "ratio",
        "numerator": ["fund_collected", "dues_collected"],
        "denominator": ["fund_due", "dues_due"],
    }
    cells = {"fund_collected": 80, "fund_due": 100, "dues_collected": 50, "dues_due": 50}
    rows = compute(tables_of(cells), plan_of(indicator | at_least("90%")), scopes=["district"])
    assert [(row["indicator"], row["numerator"], row["denominator"]) for row in rows] == [
        ("i1", 130, 150),
        ("i1.fund_collected", 80, 100),
        ("i1.dues_collected", 50, 50),
    ]


# One unit


ONLY_EVERYONE = [
    (9, at_least("90%"), True),
    (10, at_least("90%"), False),
    (5, more_than("80%"), True),
    (6, more_than("80%"), False),
    (3, at_least("75%"), True),
    (4, at_least("75%"), False),
    (1, at_least("20%"), True),
    (9, at_least("100%"), False),
]


def test_all_or_nothing_marks_units_where_only_everyone_meets_a_target_below_100() -> None:
    """Whether they meet it or not, and at unit scope alone."""
    units = [
        heads(below - short, below, unit_id=f"U{case}-{short}")
        for case, (below, *_) in enumerate(ONLY_EVERYONE)
        for short in (0, 1)
    ]
    plan = plan_of(*(INFORMED | target for _, target, _ in ONLY_EVERYONE))
    rows = compute(tables_of(*units), plan)
    for case, (_, _, is_flagged) in enumerate(ONLY_EVERYONE):
        for short in (0, 1):
            row = find(rows, f"i{case + 1}", "unit", scope_id=f"U{case}-{short}")
            assert row["flags"] == ("all_or_nothing" if is_flagged else ""), ONLY_EVERYONE[case]
    assert {row["flags"] for row in rows if row["scope"] != "unit"} == {""}


def test_a_unit_without_a_return_is_undetermined_in_everything_that_applies(plan: Plan) -> None:
    rows = compute(tables_of(heads(None, 30, members_total=20)), plan)
    judged = [row for row in rows if row["scope"] == "unit" and row["target"]]
    assert judged
    assert {row["verdict"] for row in judged} == {"undetermined", "not_due"}
    assert find(rows, "collective_agreement", "unit")["verdict"] == "not_due"


def test_a_unit_outside_the_population_has_no_row(plan: Plan) -> None:
    rows = compute(tables_of(heads(3, 4, unit_type="cooperative")), plan)
    indicators = {row["indicator"] for row in rows if row["scope"] == "unit"}
    assert "informed_all" in indicators
    assert not indicators & {"informed_public", "informed_enterprise", "inspections"}


def test_at_unit_scope_a_share_is_1_or_0_over_1() -> None:
    tables = tables_of({"conference_held": True}, {"conference_held": False})
    rows = compute(tables, plan_of(CONFERENCE | at_least("90%")), scopes=["unit"])
    assert [(row["numerator"], row["denominator"], row["verdict"]) for row in rows] == [
        (1, 1, "met"),
        (0, 1, "not_met"),
    ]


# Who is in it


def test_a_unit_is_expected_when_founded_by_the_cut_off_and_not_dissolved_by_it() -> None:
    cases = [
        ({}, True),
        ({"founded_on": "2024-11-29"}, True),
        ({"founded_on": "2024-11-30"}, True),
        ({"founded_on": "2024-12-01"}, False),
        ({"dissolved_on": "2024-11-29"}, False),
        ({"dissolved_on": "2024-11-30"}, False),
        ({"dissolved_on": "2024-12-01"}, True),
        ({"founded_on": "2024-03-01", "dissolved_on": "2024-11-30"}, False),
    ]
    units = [heads(1, 1, unit_id=f"U{case}", **dates) for case, (dates, _) in enumerate(cases)]
    rows = compute(tables_of(*units), plan_of(INFORMED | at_least("100%")))
    wanted = [f"U{case}" for case, (_, is_expected) in enumerate(cases) if is_expected]
    assert [row["scope_id"] for row in rows if row["scope"] == "unit"] == wanted
    assert find(rows, "i1")["expected"] == find(rows, "i1")["numerator"] == len(wanted)


@pytest.mark.parametrize(
    ("day", "cut_off", "counts"),
    [
        ("2024-11-29", "11-30", False),
        ("2024-11-30", "11-30", True),
        ("2024-12-01", "11-30", True),
        ("2024-11-30", "12-15", False),
    ],
)
def test_the_district_counts_until_a_cut_off_that_its_end_precedes(
    day: str, cut_off: str, counts: bool
) -> None:
    """Dissolved on the very cut-off day it still counts: the date does not precede it."""
    launched = {
        "kind": "share_of_units",
        "with_district": True,
        "holds": [{"column": "emulation_launched"}],
        **at_least("100%"),
    }
    tables = tables_of(
        {"emulation_launched": True},
        district=[{"dissolved_on": day, "emulation_launched": False, "inspections": 2}],
    )
    plan = plan_of(launched, INSPECTIONS | at_least(2), cut_off=cut_off)
    rows = compute(tables, plan, scopes=["district", "commune"])
    assert find(rows, "i1")["expected"] == 1 + counts
    assert find(rows, "i1", "commune")["expected"] == 1
    value = find(rows, "i2")
    assert value["expected"] == 1
    assert value["verdict"] == ("met" if counts else "not_applicable")
    assert value["not_applicable"] == 1 - counts


def test_the_end_of_the_district_stands_once_and_holds_for_all_later_years() -> None:
    tables = tables_of(
        *({"year": year} for year in (2023, 2024, 2025)),
        district=[
            {"year": 2023, "inspections": 2},
            {"year": 2024, "inspections": 2, "dissolved_on": "2024-06-30"},
            {"year": 2025, "inspections": 2},
        ],
    )
    rows = compute(tables, plan_of(INSPECTIONS | at_least(2)))
    assert [row["verdict"] for row in rows] == ["met", "not_applicable", "not_applicable"]


def test_a_district_ratio_that_does_not_apply_still_adds_up() -> None:
    indicator = {
        "kind": "ratio",
        "over": "district",
        "numerator": ["cadres_trained"],
        "denominator": ["cadres_total"],
        **at_least("100%"),
    }
    row = judge(indicator, tables_of({}, district=[{"cadres_total": 0, "cadres_trained": 0}]))
    assert (row["expected"], row["not_applicable"], row["verdict"]) == (1, 1, "not_applicable")


def test_type_commune_and_parent_are_those_of_the_year() -> None:
    tables = tables_of(
        heads(1, 2, year=2023, unit_id="A", unit_type="cooperative", commune="Húc", parent="XA-01"),
        heads(3, 4, year=2024, unit_id="A", unit_type="fdi_enterprise", commune="Lìa"),
    )
    rows = compute(tables, plan_of(INFORMED | at_least("90%")))
    ids = [(row["year"], row["scope"], row["scope_id"]) for row in rows]
    assert ids == [
        (2023, "district", DISTRICT),
        (2023, "commune", "Húc"),
        (2023, "unit_type", "cooperative"),
        (2023, "parent", "XA-01"),
        (2023, "unit", "A"),
        (2024, "district", DISTRICT),
        (2024, "commune", "Lìa"),
        (2024, "unit_type", "fdi_enterprise"),
        (2024, "parent", DISTRICT),
        (2024, "unit", "A"),
    ]


def test_scope_ids_stand_in_the_order_of_their_code_points() -> None:
    communes = ["Ô Lâu", "Đakrông", "A Dơi", "a", "Z", "Húc", "Hú", "H"]
    tables = tables_of(*(heads(1, 1, commune=commune) for commune in communes))
    rows = compute(tables, plan_of(INFORMED | at_least("90%")), scopes=["commune"])
    assert [row["scope_id"] for row in rows] == sorted(communes)


def test_employer_indicators_count_employers_at_three_scopes(plan: Plan) -> None:
    employers = [
        {"workers_total": 20, "unit_id": "U001"},
        {"workers_total": 20, "employer_type": "fdi_enterprise"},
        {"workers_total": 19},
        {"workers_total": 500, "employer_type": "cooperative"},
        {},
    ]
    tables = tables_of({"year": 2025}, employers=[e | {"year": 2025} for e in employers])
    rows = [row for row in compute(tables, plan) if row["indicator"] == "employers_20_unionised"]
    assert [(row["scope"], row["scope_id"]) for row in rows] == [
        ("district", plan.issuer.id),
        ("commune", "Khe Sanh"),
        ("unit_type", "fdi_enterprise"),
        ("unit_type", "private_enterprise"),
    ]
    row = rows[0]
    assert (row["expected"], row["reported"], row["not_applicable"], row["missing"]) == (4, 2, 1, 1)
    assert (row["numerator"], row["denominator"], row["verdict"]) == (1, 2, "not_met")


UNIONS = {"kind": "share_of_employers", "holds": [{"column": "unit_id", "present": True}]}
GATHERED = {"over": "employers", "numerator": ["workers_gathered"]}


@pytest.mark.parametrize(
    "indicator",
    [UNIONS, {**GATHERED, "kind": "ratio", "denominator": ["workers_total"]}],
    ids=["share", "ratio"],
)
def test_a_year_without_an_employer_register_leaves_everything_possible(
    indicator: dict[str, Any],
) -> None:
    row = judge(indicator | at_least("50%"), tables_of({}, employers=[{"year": 2023}]))
    assert (row["expected"], row["reported"], row["missing"]) == (0, 0, 0)
    assert (row["value"], row["lower"], row["upper"]) == (None, 0, 1)
    assert row["verdict"] == "undetermined"


def test_a_mean_over_employers_is_not_met_out_of_nothing() -> None:
    """Without a register nothing speaks for it."""
    mean = {**GATHERED, "kind": "mean_per_unit", **at_least(5)}
    row = judge(mean, tables_of({}, employers=[{"year": 2023}]))
    assert (row["expected"], row["value"]) == (0, None)
    assert row["verdict"] != "met"


def test_a_register_without_anyone_of_the_population_is_not_applicable() -> None:
    cooperatives = UNIONS | {"population": "cooperative"} | at_least("50%")
    row = judge(cooperatives, tables_of({}, employers=[{}]))
    assert (row["expected"], row["verdict"]) == (0, "not_applicable")


def test_only_the_years_asked_for_are_shown_and_only_the_scopes() -> None:
    tables = tables_of(*(heads(1, 2, year=year) for year in (2022, 2023, YEAR)))
    rows = compute(tables, plan_of(INFORMED | at_least("90%")), [2023], ["unit", "district"])
    assert [(row["year"], row["scope"]) for row in rows] == [(2023, "district"), (2023, "unit")]


def test_any_one_scope_can_be_asked_for_alone(plan: Plan) -> None:
    """Also one at which some indicators of the plan have no row; and 1 stays 1, not True."""
    tables = tables_of(heads(1, 2), employers=[{}], district=[{}])
    everything = compute(tables, plan)
    for scope in ("district", "commune", "unit_type", "parent", "unit"):
        alone = compute(tables, plan, scopes=[scope])
        assert repr(alone) == repr([row for row in everything if row["scope"] == scope])
