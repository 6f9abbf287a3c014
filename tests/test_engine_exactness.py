"""Whole numbers stay whole: sums beyond 2**53 and comparisons beyond 2**63."""

from __future__ import annotations

import csv
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet
import pytest
from datasets import Tables
from hypothesis import example, given
from hypothesis import strategies as st
from test_engine_kit import (
    INFORMED,
    at_least,
    compute,
    dataset_of,
    find,
    more_than,
    plan_of,
    tables_of,
)

from analysis.exact import EXACT_IN_FLOAT, divide, fits, multiply, round_half_up, sum_by
from analysis.results import compute_indicators, write_table

#: The largest sum of money that a cell may hold, and enough units to pass 2**53 with it.
MOST = 10**13
UNITS = 1000

natural = st.one_of(
    st.integers(0, 1000),
    st.integers(2**51, 2**54),
    st.integers(2**62, 2**63 - 1),
)
signed = st.one_of(natural, natural.map(lambda n: -n))
fractions = st.builds(
    Fraction, signed, st.one_of(st.integers(1, 10**4), st.integers(2**53, 2**63 - 1))
)


def int_array(values: list[int]) -> np.ndarray:
    return np.array(values, np.int64)


# The arithmetic


@given(st.lists(signed, max_size=5), st.integers(1, 10**6))
@example([2**52 - 1], 1)
@example([2**62, -(2**62)], 2)
def test_fits_leaves_numbers_as_they_are_and_their_products_exact(
    values: list[int], factor: int
) -> None:
    (array,) = fits(int_array(values), factor=factor)
    assert array.tolist() == values
    assert multiply(array, factor).tolist() == [value * factor for value in values]
    assert (array * factor + array * factor).tolist() == [2 * value * factor for value in values]


@given(st.lists(natural, min_size=1, max_size=4))
def test_fits_turns_all_arrays_alike_so_that_they_can_be_compared(values: list[int]) -> None:
    small, other = fits(int_array([1]), int_array(values))
    assert small.dtype == other.dtype
    assert (small.dtype == object) == (2 * max(values, default=0) >= EXACT_IN_FLOAT)


@given(st.lists(st.tuples(st.integers(0, 3), natural), max_size=12))
@example([(0, 2**63 - 1)] * 12)
@example([(0, 2**53), (0, 1)])
@example([(0, 2**52), (1, 2**52 + 1), (0, 1)])
def test_sums_per_group_are_exact(pairs: list[tuple[int, int]]) -> None:
    codes = int_array([code for code, _ in pairs])
    sums = sum_by(codes, int_array([value for _, value in pairs]), 4)
    assert sums.tolist() == [sum(v for c, v in pairs if c == code) for code in range(4)]


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=12))
def test_sums_of_facts_are_counts(pairs: list[tuple[int, bool]]) -> None:
    codes = int_array([code for code, _ in pairs])
    sums = sum_by(codes, np.array([fact for _, fact in pairs], bool), 3)
    assert sums.tolist() == [sum(fact for c, fact in pairs if c == code) for code in range(3)]


@given(st.lists(st.tuples(signed, natural), min_size=1, max_size=5))
@example([(2**53 + 1, 3)])
@example([(1, 3), (2**63 - 1, 2**63 - 25), (1, 0)])
def test_a_quotient_is_the_nearest_float_and_nothing_is_divided_by_0(
    pairs: list[tuple[int, int]],
) -> None:
    above, below = (int_array(list(column)) for column in zip(*pairs, strict=True))
    for (top, bottom), quotient in zip(pairs, divide(above, below).tolist(), strict=True):
        if bottom:
            assert quotient == float(Fraction(top, bottom))
        else:
            assert np.isnan(quotient)


@given(fractions, st.integers(0, 12))
@example(Fraction(1, 8), 2)
@example(Fraction(-1, 8), 2)
@example(Fraction(5, 100), 1)
@example(Fraction(0), 0)
def test_rounding_goes_to_the_nearest_and_from_the_middle_away_from_zero(
    value: Fraction, digits: int
) -> None:
    rounded = round_half_up(value, digits)
    step = Fraction(1, 10**digits)
    assert (rounded / step).denominator == 1
    assert abs(rounded - value) <= step / 2
    if abs(rounded - value) == step / 2:
        assert abs(rounded) > abs(value)
    assert round_half_up(-value, digits) == -rounded


# The engine


@pytest.fixture(scope="module")
def table_for() -> Callable[[int], Tables]:
    """A thousand units with the largest sums, together so much above or below 90.01%."""

    def make(extra: int) -> Tables:
        collected = MOST * 9001 // 10000
        return tables_of(
            *(
                {
                    "unit_id": f"U{position:04d}",
                    "fund_due": MOST,
                    "fund_collected": collected + (extra if position == 7 else 0),
                    "dues_due": MOST,
                    "dues_collected": collected,
                }
                for position in range(UNITS)
            )
        )

    return make


DUES = {
    "kind": "ratio",
    "numerator": ["fund_collected", "dues_collected"],
    "denominator": ["fund_due", "dues_due"],
    "max_rate": "120%",
}


@pytest.mark.parametrize(
    ("extra", "least", "above"),
    [
        (-1, ("not_met", -1), ("not_met", -2)),
        (0, ("met", 0), ("not_met", -1)),
        (1, ("met", 1), ("met", 0)),
    ],
)
def test_one_dong_in_20_quadrillion_decides(
    table_for: Callable[[int], Tables], extra: int, least: tuple[str, int], above: tuple[str, int]
) -> None:
    plan = plan_of(DUES | at_least("90.01%"), DUES | more_than("90.01%"))
    rows = compute(table_for(extra), plan, scopes=["district", "commune"])
    due = 2 * MOST * UNITS
    assert due > 2**53
    assert due * 9001 > 2**63
    for indicator, wanted in (("i1", least), ("i2", above)):
        for scope in ("district", "commune"):
            row = find(rows, indicator, scope)
            assert (row["verdict"], row["slack"]) == wanted
            assert row["numerator"] == due * 9001 // 10000 + extra
            assert row["denominator"] == due


def test_files_carry_sums_beyond_floating_point_digit_by_digit(
    table_for: Callable[[int], Tables], tmp_path: Path
) -> None:
    """Also where other rows of the same column are empty."""
    plan = plan_of(DUES | at_least("90.01%"), INFORMED | at_least("90%"))
    table = compute_indicators(dataset_of(table_for(-1)), plan, scopes=["district"])
    wanted = 2 * MOST * UNITS * 9001 // 10000 - 1
    assert float(wanted) != wanted  # no float holds it
    write_table(table, tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as lines:
        assert next(csv.DictReader(lines))["numerator"] == str(wanted)
    write_table(table, tmp_path / "table.parquet")
    stored = pyarrow.parquet.read_table(tmp_path / "table.parquet")
    assert stored.column("numerator")[0].as_py() == wanted
    again = pd.read_parquet(tmp_path / "table.parquet")
    assert int(again["numerator"].iloc[0]) == wanted


def test_caps_beyond_floating_point_bound_exactly() -> None:
    """Due 2 x 10**16 in all; the breakeven of the silent half is a fraction of it."""
    half = UNITS // 2
    units: list[dict[str, Any]] = [
        {"fund_due": MOST, "fund_collected": MOST, "dues_due": MOST, "dues_collected": MOST - 1}
        for _ in range(half)
    ]
    units += [{"fund_due": MOST, "dues_due": MOST} for _ in range(half)]
    row = find(compute(tables_of(*units), plan_of(DUES | at_least("90%"))), "i1")
    done, cap = half * (2 * MOST - 1), half * 2 * MOST
    assert row["lower"] == float(Fraction(done, 2 * cap))
    assert row["upper"] == float(Fraction(done * 5 + cap * 6, 2 * cap * 5))
    assert row["breakeven"] == float((Fraction(9, 10) * 2 * cap - done) / cap)


def test_a_units_quotient_is_compared_exactly_at_the_largest_sums() -> None:
    share = {
        "kind": "share_of_units",
        "holds": [{"column": "fund_allocated", "over": "fund_collected", "at_least": "75.000001%"}],
    }
    bar = MOST * 75000001 // 10**8
    cells = [{"fund_collected": MOST, "fund_allocated": bar - short} for short in (0, 1)]
    rows = compute(tables_of(*cells), plan_of(share | at_least("90%")), scopes=["unit"])
    assert [row["numerator"] for row in rows] == [1, 0]
