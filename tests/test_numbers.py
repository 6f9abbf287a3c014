"""Numbers as a Vietnamese reader expects them, never rounded against their verdict."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analysis.language import Numbers, round_as_shown
from analysis.plan import Target

VI = Numbers("vi")
SIZES = st.one_of(st.integers(1, 400), st.integers(10**6, 10**7), st.integers(10**12, 10**17))
BARS = st.sampled_from(["20%", "75%", "80%", "82.5%", "85%", "90%", "99%", "100%", "33.3%"])


@st.composite
def shares_near(draw: st.DrawFn, bar: Fraction) -> Fraction:
    """A share of whole persons, often one person beside the bar."""
    below = draw(SIZES)
    nearest = bar * below
    beside = nearest.numerator // nearest.denominator + draw(st.integers(-2, 2))
    above = draw(st.one_of(st.just(beside), st.integers(0, below)))
    return Fraction(min(max(above, 0), below), below)


def read(written: str) -> Fraction:
    """A written number as a fraction again: points between thousands, a comma before decimals."""
    return Fraction(written.removesuffix("%").replace(".", "").replace(",", "."))


def side(value: Fraction, bar: Fraction) -> int:
    return (value > bar) - (value < bar)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (7, "7"),
        (999, "999"),
        (1234, "1.234"),
        (1234567, "1.234.567"),
        (-15, "-15"),
        (10**13, "10.000.000.000.000"),
    ],
)
def test_counts_have_points_between_thousands(value: int, written: str) -> None:
    assert VI.count(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Fraction(172, 220), "78,2%"),
        (Fraction(86, 100), "86,0%"),
        (Fraction(86017, 100000), "86,0%"),
        (Fraction(1), "100,0%"),
        (Fraction(0), "0,0%"),
        (Fraction(1, 2000), "0,1%"),
        (Fraction(7825, 10000), "78,3%"),
        (Fraction(78249, 100000), "78,2%"),
        (Fraction(6, 5), "120,0%"),
        (Fraction(1234567, 1000), "123.456,7%"),
    ],
)
def test_a_share_has_one_decimal_half_up_and_a_comma(value: Fraction, written: str) -> None:
    assert VI.percent(value) == written


@pytest.mark.parametrize(
    ("value", "target", "written"),
    [
        (Fraction(8996, 10000), Target(at_least="90%"), "89,96%"),
        (Fraction(9004, 10000), Target(at_least="90%"), "90,04%"),
        (Fraction(9, 10), Target(at_least="90%"), "90,0%"),
        (Fraction(8, 10), Target(more_than="80%"), "80,0%"),
        (Fraction(80001, 100000), Target(more_than="80%"), "80,001%"),
        (Fraction(9999, 10000), Target(at_least="100%"), "99,99%"),
        (Fraction(999996, 1000000), Target(at_least="100%"), "99,9996%"),
        (Fraction(8944, 10000), Target(at_least="90%"), "89,4%"),
        (Fraction(8996, 10000), None, "90,0%"),
    ],
)
def test_a_share_has_as_many_digits_as_its_verdict_takes(
    value: Fraction, target: Target | None, written: str
) -> None:
    assert VI.percent(value, target) == written


def test_one_dong_short_in_20_quadrillion_is_not_written_as_the_bar() -> None:
    """A thousand units may have so much due; 90.000000000000% would say that it was met."""
    due = 2 * 10**16
    written = VI.percent(Fraction(due * 9 // 10 - 1, due), Target(at_least="90%"))
    assert read(written) < 90


@given(st.data(), BARS, st.booleans())
def test_what_is_written_stands_on_the_same_side_of_the_bar_as_what_is_meant(
    data: st.DataObject, bar: str, is_strict: bool
) -> None:
    target = Target(more_than=bar) if is_strict else Target(at_least=bar)
    value = data.draw(shares_near(target.minimum))
    written = read(VI.percent(value, target)) / 100
    assert side(written, target.minimum) == side(value, target.minimum)


@given(st.fractions(0, 10**6))
@example(Fraction(1, 20))
@example(Fraction(999_999_995, 10**9))
def test_one_decimal_is_the_nearest_and_half_goes_up(value: Fraction) -> None:
    written = read(VI.decimal(value))
    assert (written * 10).denominator == 1
    assert -Fraction(1, 20) < value - written <= Fraction(1, 20) or written - value == Fraction(
        1, 20
    )
    assert written - value != -Fraction(1, 20)  # the middle never goes down


@given(st.fractions(0, 10**6), st.integers(1, 4))
def test_decimals_are_always_written_out(value: Fraction, digits: int) -> None:
    """A column reads evenly: 80,0% stands below 85,1%."""
    assert len(VI.decimal(value, digits).partition(",")[2]) == digits


@given(st.integers(0, 1200))
def test_a_level_that_is_set_is_as_short_as_it_is(tenths: int) -> None:
    written = VI.level(Fraction(tenths, 1000))
    assert read(written) * 10 == tenths
    assert ("," in written) == bool(tenths % 10)


@given(st.integers(0, 400), st.integers(1, 60), st.sampled_from(["1", "2.5", "1.5"]), st.booleans())
def test_a_mean_is_never_rounded_against_its_verdict(
    above: int, below: int, bar: str, is_strict: bool
) -> None:
    target = Target(more_than=bar) if is_strict else Target(at_least=bar)
    value = Fraction(above, below)
    written = read(VI.mean(value, target))
    assert side(written, target.minimum) == side(value, target.minimum)


@pytest.mark.parametrize(
    ("difference", "written"),
    [
        (Fraction(25, 1000), "2,5"),
        (Fraction(-25, 1000), "2,5"),
        (Fraction(0), "0,0"),
        (Fraction(1, 100), "1,0"),
        (Fraction(1, 10000), "0,01"),
        (Fraction(9400 - 8997, 10000), "4,03"),
        (Fraction(1, 3), "33,3"),
    ],
)
def test_points_are_a_size_without_sign_and_never_0_unless_they_are(
    difference: Fraction, written: str
) -> None:
    assert VI.points(difference) == written


@given(st.data())
def test_points_of_two_different_shares_are_never_written_as_0(data: st.DataObject) -> None:
    one, other = (Fraction(data.draw(st.integers(0, n)), n) for n in data.draw(two_sizes()))
    assert (read(VI.points(one - other)) == 0) == (one == other)


def two_sizes() -> st.SearchStrategy[tuple[int, int]]:
    sizes = st.integers(1, 10**6)
    return st.tuples(sizes, sizes)


@given(st.data(), BARS)
def test_a_difference_is_of_the_two_figures_that_are_shown(data: st.DataObject, bar: str) -> None:
    target = Target(at_least=bar)
    one, other = (data.draw(shares_near(target.minimum)) for _ in range(2))
    shown = [round_as_shown(value, target, is_share=True) for value in (one, other)]
    assert [read(VI.percent(value, target)) / 100 for value in (one, other)] == shown
    written = read(VI.points(shown[0] - shown[1])) / 100
    assert written == abs(shown[0] - shown[1])
