"""Stage targets on the way: the path, the pace, and the words for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from test_engine_kit import CONFERENCE, INFORMED, at_least, compute, find, plan_of, tables_of

Cells = dict[str, Any]

STAGES = {
    "targets": [
        {"at_least": "80%", "by_end_of": 2025},
        {"at_least": "85%", "by_end_of": 2030},
        {"at_least": "100%", "by_end_of": 2045},
    ]
}
#: One unit of a thousand people; a year's figure is per mille.
PEOPLE = 1000


def units_of(values: Mapping[int, int | None]) -> list[Cells]:
    """A unit with so many of a thousand informed; None leaves the year without a figure."""
    return [
        {"unit_id": "A", "year": year, "workers_total": PEOPLE, "informed": informed}
        for year, informed in values.items()
    ]


def rows_of(values: Mapping[int, int | None], **settings: Any) -> dict[int, dict[str, Any]]:
    rows = compute(
        tables_of(*units_of(values)), plan_of(INFORMED | STAGES, **settings), scopes=["district"]
    )
    return {row["year"]: row for row in rows}


def trajectory(values: Mapping[int, int | None], year: int, **settings: Any) -> str:
    return rows_of(values, **settings)[year]["trajectory"] or ""


def test_the_example_of_the_specification_is_off_track() -> None:
    """72% in 2023, 74.5% in 2024: 2.5 points a year where the target needs 5.5."""
    rows = rows_of({2023: 720, 2024: 745})
    assert (rows[2024]["trajectory"], rows[2024]["verdict"]) == ("off_track", "not_due")
    assert rows[2024]["target"] == ">=0.8@2025"


@pytest.mark.parametrize(("informed", "word"), [(760, "on_path"), (759, "off_track")])
def test_the_path_itself_is_on_path_and_one_person_less_is_not(informed: int, word: str) -> None:
    """From 72% in 2023 to 80% in 2025 the path is at 76% in 2024."""
    assert trajectory({2023: 720, 2024: informed}, 2024) == word


@pytest.mark.parametrize(
    ("three_years_ago", "word"), [(640, "behind_recovering"), (641, "off_track")]
)
def test_a_pace_equal_to_the_required_one_is_behind_recovering(
    three_years_ago: int, word: str
) -> None:
    """73% in 2026, 12 points short of 2030: 3 points a year are required."""
    values = {2022: 800, 2023: three_years_ago, 2024: 700, 2025: 700, 2026: 730}
    assert trajectory(values, 2026) == word


@pytest.mark.parametrize(
    ("before", "word"),
    [
        ({2025: 731}, "regressing"),
        ({2025: 730}, "off_track"),
        ({2023: 731, 2024: 10, 2025: 700}, "regressing"),
        ({2023: 10, 2025: 731}, "regressing"),
        ({2022: 800, 2024: 10}, "behind"),
        ({2022: 800, 2024: 10, 2025: None}, "behind"),
    ],
    ids=["fell", "stood", "over-three-years", "not-across-a-gap", "no-year", "no-figure"],
)
def test_the_pace_is_over_the_longest_unbroken_run_of_at_most_three_years(
    before: dict[int, int | None], word: str
) -> None:
    assert trajectory({2022: 800, **before, 2026: 730}, 2026) == word


def test_a_fourth_year_back_plays_no_part_in_the_pace() -> None:
    values = {2022: 900, 2023: 600, 2024: 700, 2025: 700, 2026: 730}
    assert trajectory(values, 2026) == "behind_recovering"


@pytest.mark.parametrize(
    ("informed", "word"), [(810, "on_path"), (809, "off_track"), (850, "maintained")]
)
def test_a_stretch_from_above_its_next_knot_is_flat_at_that_knot(informed: int, word: str) -> None:
    """From 90% in 2022 the path is at 80% until 2025, and at 81% in 2026."""
    values = {2022: 900, 2024: 800, 2025: 800, 2026: informed}
    assert trajectory(values, 2026) == word
    assert trajectory(values, 2024) == "maintained"


def test_a_stretch_from_its_next_knot_itself_is_flat_too() -> None:
    values = {2022: 800, 2023: 799}
    assert trajectory(values, 2022) == "maintained"
    assert trajectory(values, 2023) == "regressing"


@pytest.mark.parametrize(
    ("baseline", "word"), [(849, "achieved_early"), (850, "maintained"), (990, "maintained")]
)
def test_a_target_reached_early_is_maintained_when_the_baseline_already_had_it(
    baseline: int, word: str
) -> None:
    assert trajectory({2022: baseline, 2026: 850}, 2026) == word


@pytest.mark.parametrize(("informed", "word"), [(810, "on_path"), (809, "behind")])
def test_the_knots_are_planned_never_actual_figures(informed: int, word: str) -> None:
    """Whatever was reached in 2025, the path leads from 80% to 85% in 2030."""
    assert trajectory({2022: 500, 2025: None, 2026: informed}, 2026) == word
    with_a_poor_year = {2022: 500, 2025: 100, 2026: informed}
    assert (trajectory(with_a_poor_year, 2026) == "on_path") == (word == "on_path")


def test_in_a_target_year_the_planned_knot_stands_in_for_the_baseline_value() -> None:
    """On the path, and where it is asked whether the target was already reached then."""
    assert trajectory({2025: 1000, 2026: 810}, 2026) == "on_path"
    assert trajectory({2025: 100, 2026: 809}, 2026) == "behind_recovering"
    assert trajectory({2025: 1000, 2026: 850}, 2026) == "achieved_early"


@pytest.mark.parametrize(
    ("year", "word"),
    [(2022, "on_path"), (2025, "due"), (2030, "due"), (2045, "due"), (2046, "")],
)
def test_in_a_target_year_the_verdict_alone_speaks_and_after_the_last_nothing_does(
    year: int, word: str
) -> None:
    values = dict.fromkeys((2022, 2025, 2030, 2045, 2046), 500)
    rows = rows_of(values)
    assert (rows[year]["trajectory"] or "") == word
    assert rows[year]["verdict"] == {"due": "not_met", "": "no_target"}.get(word, "not_due")


@pytest.mark.parametrize(
    ("values", "year"),
    [
        ({2022: None, 2023: None}, 2023),
        ({2022: None, 2023: 700}, 2022),
        ({2021: 700, 2022: 700}, 2021),
        ({2022: 700, 2023: None}, 2023),
    ],
    ids=["no-baseline", "before-it", "before-the-plan", "no-value"],
)
def test_without_a_baseline_before_or_a_value_it_is_not_assessable(
    values: dict[int, int | None], year: int
) -> None:
    assert trajectory(values, year) == "not_assessable"


def test_a_target_reached_before_any_baseline_is_achieved_early() -> None:
    assert trajectory({2021: 800, 2022: 700}, 2021) == "achieved_early"


def test_the_baseline_is_the_plans_year_or_the_first_later_complete_one() -> None:
    values = {2021: 735, 2022: 600, 2023: 720, 2024: 750}
    assert trajectory(values, 2024) == "on_path"  # from 60% in 2022 the path is at 73.3%
    assert trajectory(values, 2024, baseline_year=2023) == "off_track"  # at 76%
    assert trajectory({**values, 2022: None}, 2024) == "off_track"


@pytest.mark.parametrize(
    ("reported", "missing", "setting", "word"),
    [
        (9, 1, "10%", "undetermined"),
        (18, 2, "10%", "undetermined"),
        (8, 1, "10%", "not_assessable"),
        (17, 2, "10%", "not_assessable"),
        (3, 1, "25%", "undetermined"),
        (2, 1, "25%", "not_assessable"),
    ],
)
def test_a_year_is_complete_with_exactly_a_tenth_missing_and_not_with_more(
    reported: int, missing: int, setting: str, word: str
) -> None:
    """Only then is the year its own baseline, and the missing leave it below or above its value."""
    units = [{"year": 2022, "conference_held": position % 2 == 0} for position in range(reported)]
    units += [{"year": 2022} for _ in range(missing)]
    plan = plan_of(CONFERENCE | STAGES, complete_if_missing_at_most=setting)
    (row,) = compute(tables_of(*units), plan, scopes=["district"])
    assert row["trajectory"] == word


def test_units_to_which_it_does_not_apply_do_not_make_a_year_incomplete() -> None:
    units = [{"year": 2022, "workers_total": 0} for _ in range(5)]
    units += [{"year": 2022, "workers_total": 10, "informed": 5} for _ in range(9)]
    tables = tables_of(*units, {"year": 2022, "workers_total": 10})
    (row,) = compute(tables, plan_of(INFORMED | STAGES), scopes=["district"])
    assert (row["not_applicable"], row["missing"]) == (5, 1)
    assert row["trajectory"] == "undetermined"


@pytest.mark.parametrize(
    ("informed", "word"),
    [(760, "on_path"), (759, "undetermined"), (660, "undetermined"), (659, "off_track")],
)
def test_bounds_around_the_path_leave_it_undetermined(informed: int, word: str) -> None:
    """At 76% of 1,000 in 2024, of whom 100 belong to a unit that is silent that year."""
    units = [
        {"unit_id": "A", "year": 2023, "workers_total": 900, "informed": 648},
        {"unit_id": "B", "year": 2023, "workers_total": 100, "informed": 72},
        {"unit_id": "A", "year": 2024, "workers_total": 900, "informed": informed},
        {"unit_id": "B", "year": 2024, "workers_total": 100},
    ]
    # Half of the units are missing in 2024; they are enough here for a pace.
    plan = plan_of(INFORMED | STAGES, complete_if_missing_at_most="50%")
    rows = compute(tables_of(*units), plan, [2024], ["district"])
    assert rows[0]["trajectory"] == word


def test_an_open_upper_end_leaves_the_path_undetermined() -> None:
    dues = {
        "kind": "ratio",
        "numerator": ["fund_collected"],
        "denominator": ["fund_due"],
        "max_rate": "120%",
    }
    units = [{"year": 2022, "unit_id": "A", "fund_collected": 5, "fund_due": 10}]
    units += [{"year": 2023, "unit_id": "A", "fund_collected": 5, "fund_due": 10}]
    units += [{"year": 2023, "unit_id": "B"}]
    rows = compute(tables_of(*units), plan_of(dues | STAGES), [2023], ["district"])
    assert (rows[0]["upper"], rows[0]["trajectory"]) == (None, "undetermined")


@pytest.mark.parametrize(
    ("values", "flags"),
    [
        ({2025: 799, 2026: 799}, "overdue"),
        ({2025: 799, 2026: 800}, ""),
        ({2025: 800, 2026: 799}, ""),
        ({2025: 799, 2026: None}, ""),
        ({2025: None, 2026: 700}, ""),
        ({2026: 700}, ""),
        ({2025: 799, 2026: 900, 2027: 799}, "overdue"),
        ({2025: 800, 2030: 849, 2031: 849}, "overdue"),
        ({2025: 799, 2030: 850, 2031: 820}, ""),
        ({2045: 999, 2046: 999}, "overdue"),
    ],
)
def test_overdue_means_a_passed_target_was_not_met_and_is_still_not(
    values: dict[int, int | None], flags: str
) -> None:
    last = max(values)
    assert (rows_of(values)[last]["flags"] or "") == flags


def test_trajectories_and_overdue_stand_at_district_and_unit_type_alone() -> None:
    rows = compute(
        tables_of(*units_of({2022: 500, 2025: 600, 2026: 700})), plan_of(INFORMED | STAGES)
    )
    for row in rows:
        speaks = row["scope"] in ("district", "unit_type")
        assert bool(row["trajectory"]) == speaks
        if row["year"] == 2026:
            assert row["flags"] == ("overdue" if speaks else "")


def test_a_unit_type_has_a_baseline_of_its_own() -> None:
    units = [
        {"unit_id": "A", "year": 2022, "workers_total": 100, "informed": 80},
        {"unit_id": "A", "year": 2023, "workers_total": 100, "informed": 80},
        {
            **{"unit_id": "B", "year": 2023, "unit_type": "cooperative"},
            **{"workers_total": 100, "informed": 10},
        },
    ]
    rows = compute(tables_of(*units), plan_of(INFORMED | STAGES), [2023])
    words = {row["scope_id"]: row["trajectory"] for row in rows if row["scope"] == "unit_type"}
    assert words == {"private_enterprise": "maintained", "cooperative": "on_path"}


def test_nothing_to_follow_where_the_verdict_is_not_applicable() -> None:
    rows = compute(
        tables_of({"year": 2023, "workers_total": 0, "informed": 0}), plan_of(INFORMED | STAGES)
    )
    assert {(row["verdict"], row["trajectory"] or "") for row in rows} == {("not_applicable", "")}


def test_a_yearly_target_has_no_trajectory() -> None:
    rows = compute(tables_of(*units_of({2022: 1, 2023: 2})), plan_of(INFORMED | at_least("80%")))
    assert {row["trajectory"] or "" for row in rows} == {""}


def test_the_values_are_those_of_the_group_as_it_stood_each_year() -> None:
    """A unit that moves to another type takes none of its past along."""
    units = [
        {"unit_id": "A", "year": 2022, "workers_total": 100, "informed": 100},
        {"unit_id": "B", "year": 2022, "workers_total": 100, "informed": 0},
        {
            **{"unit_id": "A", "year": 2023, "unit_type": "cooperative"},
            **{"workers_total": 100, "informed": 100},
        },
        {"unit_id": "B", "year": 2023, "workers_total": 100, "informed": 0},
    ]
    rows = compute(tables_of(*units), plan_of(INFORMED | STAGES), [2023])
    row = find(rows, "i1", "unit_type", scope_id="private_enterprise")
    assert (row["value"], row["trajectory"]) == (0, "regressing")
