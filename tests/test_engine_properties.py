"""What holds of every indicator table, whatever the data."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest
from datasets import Tables, copied, random_tables, shuffled, with_cell_reported
from oracle import COLUMNS
from test_engine_kit import compute, dataset_of, find, keyed, plan_of

from analysis.plan import Indicator, Plan
from analysis.results import compute_indicators

Row = dict[str, Any]
COUNTS = ("expected", "reported", "not_applicable", "missing")
SETTLED = ("met", "not_met")
KEYS = ("year", "unit_id")

seeds = pytest.mark.parametrize("seed", range(2001, 2003))


# One table


@pytest.fixture(scope="module", params=range(2001, 2003))
def rows(request: pytest.FixtureRequest, plan: Plan) -> list[Row]:
    return compute(random_tables(request.param), plan)


def test_expected_is_reported_and_not_applicable_and_missing(rows: list[Row]) -> None:
    for row in rows:
        assert row["expected"] == row["reported"] + row["not_applicable"] + row["missing"], row


def test_a_value_stands_where_somebody_reported_and_is_both_ends_where_nobody_is_missing(
    rows: list[Row],
) -> None:
    """With units that reported in part it may lie outside its bounds: they count in these alone."""
    for row in rows:
        assert (row["value"] is not None) == (row["reported"] > 0), row
        assert (row["numerator"] is not None) == (row["reported"] > 0), row
        if row["lower"] is not None and row["upper"] is not None:
            assert row["lower"] <= row["upper"], row
        if not row["missing"] and row["expected"]:
            assert row["lower"] == row["upper"] == row["value"], row


def test_breakeven_stands_only_where_it_decides(rows: list[Row]) -> None:
    for row in rows:
        if row["breakeven"] is not None:
            assert row["verdict"] == "undetermined", row
            assert "unbounded" not in row["flags"], row
            # At the lower end the target is not met, so something is needed. It can be more than
            # all that is unknown where a denominator that is not known decides too.
            assert row["breakeven"] >= 0, row


def test_a_slack_from_0_up_is_a_target_met_by_those_that_reported(rows: list[Row]) -> None:
    for row in rows:
        if row["slack"] is not None and row["verdict"] in SETTLED and not row["missing"]:
            assert (row["slack"] >= 0) == (row["verdict"] == "met"), row


def test_no_key_stands_twice_and_scopes_below_the_district_expect_somebody(
    rows: list[Row],
) -> None:
    assert len(keyed(rows)) == len(rows)
    assert all(row["expected"] > 0 for row in rows if row["scope"] != "district")
    assert all(row["expected"] == 1 for row in rows if row["scope"] == "unit")


def test_roll_ups_add_up_to_the_district(rows: list[Row], plan: Plan) -> None:
    """At every scope, but for the district itself where it is one more member."""
    groups: dict[tuple[str, int, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["indicator"], row["year"], row["scope"]), []).append(row)
    for (name, year, scope), members in groups.items():
        indicator = plan.indicator(name)
        if scope != "district" and not indicator.with_district:
            (district,) = groups[name, year, "district"]
            for column in sums_of(indicator):
                assert total(members, column) == (district[column] or 0), (name, year, scope)
        elif scope != "district":
            (district,) = groups[name, year, "district"]
            own = {column: district[column] - total(members, column) for column in COUNTS}
            assert own["expected"] in (0, 1)
            assert own["expected"] == sum(own[column] for column in COUNTS[1:])


def sums_of(indicator: Indicator) -> Iterable[str]:
    return (
        (*COUNTS, "numerator")
        if indicator.measure == "total"
        else (
            *COUNTS,
            "numerator",
            "denominator",
        )
    )


def total(rows: Iterable[Row], column: str) -> int:
    return sum(row[column] or 0 for row in rows)


# Two tables


@seeds
def test_the_order_of_the_rows_does_not_matter(seed: int, plan: Plan) -> None:
    tables = random_tables(seed, units=8, years=(2023, 2024))
    first = compute_indicators(dataset_of(tables), plan)
    again = compute_indicators(dataset_of(shuffled(tables, random.Random(seed))), plan)
    assert first.to_csv(index=False) == again.to_csv(index=False)


@pytest.mark.parametrize("seed", range(2011, 2014))
def test_more_reports_never_widen_the_bounds_and_never_flip_a_settled_verdict(
    seed: int, plan: Plan
) -> None:
    rng = random.Random(seed)
    before = hollow(random_tables(seed, units=10, years=(2023, 2024, 2025)), 2025, rng)
    after, filled = report_more(before, 2025, rng)
    assert filled
    later = keyed(compute(after, plan, [2025]))
    for key, row in keyed(compute(before, plan, [2025])).items():
        assert_no_wider(row, later[key])


def hollow(tables: Tables, year: int, rng: random.Random) -> Tables:
    """Empty a third of the cells of a year's returns."""
    tables = copied(tables)
    for row in tables["returns"]:
        for column in row:
            if row["year"] == str(year) and column not in KEYS and rng.random() < 1 / 3:
                row[column] = ""
    return tables


def report_more(tables: Tables, year: int, rng: random.Random) -> tuple[Tables, int]:
    """Fill up to twenty empty cells of a year, within what the bounds took for granted."""
    filled = 0
    for _ in range(40):
        more, where = with_cell_reported(tables, rng, within_caps=True)
        if where is not None and where.year == year:
            tables, filled = more, filled + 1
        if where is None or filled == 20:
            break
    return tables, filled


def assert_no_wider(before: Row, after: Row) -> None:
    assert after["expected"] == before["expected"]
    assert after["missing"] <= before["missing"], (before, after)
    if after["verdict"] == "not_applicable":  # nothing is left that has a value
        assert before["verdict"] not in SETTLED, (before, after)
        return
    if before["verdict"] in SETTLED:
        assert after["verdict"] == before["verdict"], (before, after)
    assert after["lower"] >= before["lower"], (before, after)
    if before["upper"] is not None:
        assert after["upper"] is not None, (before, after)
        assert after["upper"] <= before["upper"], (before, after)


# A mirror


BARS = ("1%", "20%", "33.3%", "50%", "75%", "80%", "90%", "99%")
MIRRORED = {"met": "not_met", "not_met": "met"}


def mirror(tables: Tables) -> Tables:
    """Let ``resolution_informed`` be all but the informed, and no dialogue stand for a conference."""
    tables = copied(tables)
    workers = {(r["year"], r["unit_id"]): r["workers_total"] for r in tables["roster"]}
    negated = {"true": "false", "false": "true", "": ""}
    for row in tables["returns"]:
        whole, part = workers[row["year"], row["unit_id"]], row["informed"]
        row["resolution_informed"] = str(int(whole) - int(part)) if whole and part else ""
        if not whole:
            row["informed"] = ""
        row["dialogue_held"] = negated[row["conference_held"]]
    return tables


def mirrored_plan() -> Plan:
    """At least T of one thing, and more than 1 - T of its complement."""
    indicators = []
    for position, bar in enumerate(BARS):
        rest = f"{100 - float(bar.removesuffix('%')):g}%"
        for kind, one, other in [
            ("ratio", {"numerator": ["informed"]}, {"numerator": ["resolution_informed"]}),
            (
                "share_of_units",
                {"holds": [{"column": "conference_held"}]},
                {"holds": [{"column": "dialogue_held"}]},
            ),
        ]:
            below = {"denominator": ["workers_total"]} if kind == "ratio" else {}
            name = f"{kind}_{position}"
            first = {"id": name, "kind": kind, "targets": [{"at_least": bar}]}
            second = {"id": f"{name}_rest", "kind": kind, "targets": [{"more_than": rest}]}
            indicators += [first | one | below, second | other | below]
    return plan_of(*indicators)


@seeds
def test_the_complement_under_the_mirrored_target_swaps_met_and_not_met(seed: int) -> None:
    tables = hollow(random_tables(seed, years=(2023, 2024)), 2024, random.Random(seed))
    rows = compute(mirror(tables), mirrored_plan(), [2024])
    for row in rows:
        if row["indicator"].endswith("_rest"):
            continue
        place = {name: row[name] for name in COLUMNS[2:4]}
        rest = find(rows, f"{row['indicator']}_rest", place["scope"], scope_id=place["scope_id"])
        assert rest["verdict"] == MIRRORED.get(row["verdict"], row["verdict"]), (row, rest)
        assert [rest[name] for name in COUNTS] == [row[name] for name in COUNTS]
        if row["slack"] is not None:
            assert rest["slack"] == -row["slack"] - 1, (row, rest)
        if row["expected"] > row["not_applicable"]:
            assert rest["lower"] == pytest.approx(1 - row["upper"], abs=1e-12), (row, rest)
            assert rest["upper"] == pytest.approx(1 - row["lower"], abs=1e-12), (row, rest)
        if row["breakeven"] is not None:
            assert rest["breakeven"] == pytest.approx(1 - row["breakeven"], abs=1e-12)
    assert {row["verdict"] for row in rows} >= {"met", "not_met", "undetermined"}
