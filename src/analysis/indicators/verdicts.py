"""From sums to a value, its bounds and a verdict, on whole numbers alone."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from analysis.exact import divide, fits, multiply
from analysis.indicators.members import BoolArray
from analysis.plan import Indicator, Target
from analysis.tables.dictionary import dictionary

VERDICTS = ("not_applicable", "no_target", "not_due", "met", "not_met", "undetermined")
_LARGEST_INT64 = 2**63 - 1
FLAGS = ("all_or_nothing", "carried", "exceeded", "overdue", "unbounded")


@dataclass(frozen=True)
class Bounds:
    """The value and its ends as whole numerators and denominators, row by row.

    ``is_open`` marks upper ends without a limit; ``has_value`` where somebody reported.
    """

    value: tuple[np.ndarray, np.ndarray]
    lower: tuple[np.ndarray, np.ndarray]
    upper: tuple[np.ndarray, np.ndarray]
    has_value: BoolArray
    is_open: BoolArray
    unbounded: BoolArray


def find_bounds(sums: pd.DataFrame, indicator: Indicator) -> Bounds:
    """Return what the value is, and could be once the missing are known.

    Parameters
    ----------
    sums : DataFrame
        From `pooling`.
    indicator : Indicator
        Decides which rule holds.
    """
    above, below, cap, missing = (
        sums[name].to_numpy() for name in ("numerator", "denominator", "cap", "missing")
    )
    has_value = np.asarray(sums["reported"].to_numpy() > 0, bool)
    is_missing = np.asarray(missing > 0, bool)
    nothing = np.zeros(len(sums), bool)
    # Nobody expected at all: an employer register without a single row this year.
    nobody = np.asarray(sums["expected"].to_numpy() == 0, bool)
    ones = np.ones(len(sums), np.int64)

    if indicator.measure == "district_value":
        ceiling = _district_ceiling(indicator)
        top = np.where(has_value, above, ceiling or 0)
        is_open = is_missing if ceiling is None else nothing
        return Bounds((above, ones), (above, ones), (top, ones), has_value, is_open, nothing)
    if indicator.measure == "total":
        is_open = is_missing | nobody
        return Bounds((above, ones), (above, ones), (above, ones), has_value, is_open, nothing)
    if indicator.measure == "mean_per_unit":
        ends = (above, np.where(nobody, 1, below + cap))
        return Bounds((above, below), ends, ends, has_value, is_missing | nobody, nothing)

    rate = indicator.max_rate or Fraction(1)
    above, below, cap = fits(above, below, cap, factor=rate.numerator + rate.denominator)
    whole = below + cap
    top = multiply(above, rate.denominator) + multiply(cap, rate.numerator)
    bottom = multiply(whole, rate.denominator)
    unbounded = np.asarray(sums["uncapped"].to_numpy() | (is_missing & (whole == 0)), bool)
    anything = unbounded | np.asarray(whole == 0, bool)
    return Bounds(
        value=(above, below),
        lower=(np.where(anything, 0, above), np.where(anything, 1, whole)),
        upper=(np.where(anything, 1, top), np.where(anything, 1, bottom)),
        has_value=has_value,
        is_open=unbounded if indicator.max_rate is not None else nothing,
        unbounded=unbounded,
    )


def _district_ceiling(indicator: Indicator) -> int | None:
    """Return the largest value that an unknown district value could take, if there is one."""
    if indicator.holds:
        return 1
    columns = dictionary().tables["district"].columns
    if columns[indicator.numerator[0]].words:
        return len(dictionary().ranked["grade"]) - 1
    return None


@dataclass(frozen=True)
class Terms:
    """Under which terms rows are judged.

    Attributes
    ----------
    target : Target or None
        The bar, if the plan has one here.
    is_due : bool
        False while a stage target's year is still ahead.
    is_registered : bool
        False where the year has no employer register at all: then nobody expected does not mean
        "not applicable".
    """

    target: Target | None
    is_due: bool = True
    is_registered: bool = True


def judge(
    sums: pd.DataFrame, indicator: Indicator, terms: Terms, is_unit: BoolArray
) -> pd.DataFrame:
    """Judge roll-ups of one indicator under the same terms.

    Parameters
    ----------
    sums : DataFrame
        From `pooling`.
    indicator : Indicator
        What they count.
    terms : Terms
        The bar and whether it is due.
    is_unit : bool array
        Which rows are single units.

    Returns
    -------
    DataFrame
        With the index of ``sums``: ``numerator``, ``denominator``, ``slack`` (Int64), ``value``,
        ``lower``, ``upper``, ``breakeven`` (float64), ``verdict`` (code in `VERDICTS`), and a bool
        column per flag.
    """
    target = terms.target
    bounds = find_bounds(sums, indicator)
    idle = np.asarray(sums["expected"].to_numpy() == sums["not_applicable"].to_numpy(), bool)
    idle &= terms.is_registered
    verdict = _verdicts(sums, bounds, indicator, terms, idle)
    has_value = bounds.has_value
    shown = has_value & (indicator.is_fraction or indicator.measure == "mean_per_unit")
    blank = np.full(len(sums), np.nan)
    return pd.DataFrame(
        {
            "numerator": _masked(sums["numerator"].to_numpy(), has_value),
            "denominator": _masked(sums["denominator"].to_numpy(), shown),
            "value": np.where(has_value, divide(*bounds.value), blank),
            "lower": np.where(idle, blank, divide(*bounds.lower)),
            "upper": np.where(idle | bounds.is_open, blank, divide(*bounds.upper)),
            "verdict": verdict,
            "slack": _slack(sums, indicator, target, shown, has_value),
            "breakeven": _breakeven(sums, bounds, indicator, target, verdict),
            **_flags(sums, bounds, indicator, target, verdict, is_unit),
        },
        index=sums.index,
    )


def _verdicts(
    sums: pd.DataFrame,
    bounds: Bounds,
    indicator: Indicator,
    terms: Terms,
    idle: BoolArray,
) -> np.ndarray:
    """Return verdict codes: the first rule that matches."""
    codes = {word: code for code, word in enumerate(VERDICTS)}
    target = terms.target
    if target is None:
        return np.where(idle, codes["not_applicable"], codes["no_target"])
    if not terms.is_due:
        return np.where(idle, codes["not_applicable"], codes["not_due"])
    met = _reaches(bounds.lower, target)
    not_met = ~bounds.is_open & ~_reaches(bounds.upper, target)
    if indicator.measure == "ratio" and indicator.max_rate is None and target.minimum >= 1:
        # One person left out cannot be made good.
        left_out = sums["numerator"].to_numpy() < sums["denominator"].to_numpy()
        not_met |= np.asarray(left_out, bool) & bounds.has_value
    words = [codes["not_applicable"], codes["met"], codes["not_met"]]
    return np.select([idle, met, not_met], words, codes["undetermined"])


def _reaches(end: tuple[np.ndarray, np.ndarray], target: Target) -> BoolArray:
    """Compare N/D with p/q as N·q with p·D."""
    bar = target.minimum
    above, below = fits(*end, factor=max(bar.numerator, bar.denominator))
    reach, needed = multiply(above, bar.denominator), multiply(below, bar.numerator)
    return np.asarray(reach > needed if target.is_strict else reach >= needed, bool)


def _slack(
    sums: pd.DataFrame,
    indicator: Indicator,
    target: Target | None,
    has_denominator: BoolArray,
    has_value: BoolArray,
) -> Any:
    """Return how many more (negative: too few) than the target needs, of those that reported."""
    if target is None or not target.is_numeric:
        return pd.arrays.IntegerArray(np.zeros(len(sums), np.int64), np.ones(len(sums), bool))
    above, below = sums["numerator"].to_numpy(), sums["denominator"].to_numpy()
    if not (indicator.is_fraction or indicator.measure == "mean_per_unit"):
        below, has_denominator = np.ones(len(sums), np.int64), has_value
    return _masked(above - least_sufficient(below, target), has_denominator)


def least_sufficient(below: np.ndarray, target: Target) -> np.ndarray:
    """Return the smallest whole numerator that meets a target over each denominator.

    Examples
    --------
    >>> least_sufficient(np.array([10, 30]), Target(at_least="90%"))
    array([ 9, 27])
    >>> least_sufficient(np.array([10]), Target(more_than="80%"))
    array([9])
    """
    bar = target.minimum
    (below,) = fits(below, factor=max(bar.numerator, bar.denominator))
    product = below * bar.numerator
    floor = product // bar.denominator
    return floor + 1 if target.is_strict else -(-product // bar.denominator)


def _breakeven(
    sums: pd.DataFrame,
    bounds: Bounds,
    indicator: Indicator,
    target: Target | None,
    verdict: np.ndarray,
) -> np.ndarray:
    """Return the rate that the missing would need for the target to be met exactly."""
    if target is None or not indicator.is_fraction:
        return np.full(len(sums), np.nan)
    bar = target.minimum
    above, below, cap = fits(
        *(sums[name].to_numpy() for name in ("numerator", "denominator", "cap")),
        factor=2 * max(bar.numerator, bar.denominator),
    )
    open_question = (verdict == VERDICTS.index("undetermined")) & ~bounds.unbounded
    rest = np.where(open_question, multiply(cap, bar.denominator), 0)
    return divide(multiply(below + cap, bar.numerator) - multiply(above, bar.denominator), rest)


def _flags(
    sums: pd.DataFrame,
    bounds: Bounds,
    indicator: Indicator,
    target: Target | None,
    verdict: np.ndarray,
    is_unit: BoolArray,
) -> dict[str, BoolArray]:
    nothing = np.zeros(len(sums), bool)
    flags = {
        "all_or_nothing": nothing,
        "carried": sums["carried"].to_numpy(bool),
        "exceeded": nothing,
        "overdue": nothing,
        "unbounded": bounds.unbounded,
    }
    if target is not None and target.maximum is not None:
        most = target.maximum
        above, below = fits(*bounds.lower, factor=max(most.numerator, most.denominator))
        beyond = multiply(above, most.denominator) > multiply(below, most.numerator)
        flags["exceeded"] = (verdict == VERDICTS.index("met")) & np.asarray(beyond, bool)
    if indicator.measure == "ratio" and target is not None and target.minimum < 1:
        below = sums["denominator"].to_numpy()
        everyone = np.asarray(least_sufficient(below, target) == below, bool)
        flags["all_or_nothing"] = everyone & bounds.has_value & is_unit
    return flags


def _masked(values: np.ndarray, keep: BoolArray) -> Any:
    """Return nullable whole numbers, empty where not kept."""
    if values.dtype == object and any(abs(int(value)) > _LARGEST_INT64 for value in values):
        return np.array([v if k else None for v, k in zip(values, keep, strict=True)], object)
    return pd.arrays.IntegerArray(np.asarray(values, np.int64), ~keep)
