"""One indicator in one year: who is asked, the sums of every scope, and how they are judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.exact import divide, fits, multiply
from analysis.plan import Indicator, Plan, Target
from analysis.results.members import (
    BoolArray,
    Codes,
    Members,
    Register,
    district_register,
    employer_register,
    unit_register,
)
from analysis.results.states import States, Sums, find_members, find_states, join, pool, pool_by
from analysis.tables.dictionary import dictionary
from analysis.tables.load import Dataset

VERDICTS = ("not_applicable", "no_target", "not_due", "met", "not_met", "undetermined")
FLAGS = ("all_or_nothing", "carried", "exceeded", "overdue", "unbounded")
SCOPES = ("district", "commune", "unit_type", "parent", "unit")
_DISTRICT = np.zeros(1, np.int64)


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


def find_bounds(sums: Sums, indicator: Indicator) -> Bounds:
    """Return the value, and the bounds between which it ends once the missing are known."""
    above, below = sums.numerator, sums.denominator
    has_value = sums.reported > 0
    is_missing = sums.missing > 0
    nothing = np.zeros(len(sums), bool)
    # Nobody expected at all: an employer register without a single row this year.
    nobody = sums.expected == 0
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
        ends = (above, np.where(nobody, 1, below + sums.low_below))
        return Bounds((above, below), ends, ends, has_value, is_missing | nobody, nothing)

    low_open = sums.low_open | (is_missing & (below + sums.low_below == 0))
    whole = below + sums.high_below + sums.free
    high_open = sums.high_open | (is_missing & (whole == 0))
    lower = _end(above + sums.low_above, below + sums.low_below, low_open | nobody, at=0)
    rate = indicator.max_rate or Fraction(1)
    closed, free, whole = fits(
        above + sums.high_above, sums.free, whole, factor=rate.numerator + rate.denominator
    )
    top = multiply(closed, rate.denominator) + multiply(free, rate.numerator)
    upper = _end(top, multiply(whole, rate.denominator), high_open | nobody, at=1)
    return Bounds(
        value=(above, below),
        lower=lower,
        upper=upper,
        has_value=has_value,
        is_open=high_open if indicator.max_rate is not None else nothing,
        unbounded=low_open | high_open,
    )


def _end(
    above: np.ndarray, below: np.ndarray, is_open: BoolArray, *, at: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return an end of the bounds; an open end is as far out as a share can be."""
    if not is_open.any():
        return above, below
    return np.where(is_open, at, above), np.where(is_open, 1, below)


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
    """Under which terms rows are judged."""

    #: The bar, if the plan has one here.
    target: Target | None
    #: False while a stage target's year is still ahead.
    is_due: bool = True
    #: False where the year has no employer register at all: nobody expected is not "not applicable".
    is_registered: bool = True


def judge(
    sums: Sums, indicator: Indicator, terms: Terms, *, is_unit: bool
) -> dict[str, np.ndarray]:
    """Judge roll-ups of one indicator under the same terms.

    Returns
    -------
    dict of str to array
        ``numerator``, ``denominator``, ``slack``, ``needed`` and ``unknown``, whole numbers, each
        with a ``has_`` beside it that tells where it is known; ``value``, ``lower``, ``upper`` and
        ``breakeven``, decimals (NaN where empty); ``verdict``, a code in `VERDICTS`; ``flags``, a bit
        for each of `FLAGS`.
    """
    target = terms.target
    bounds = find_bounds(sums, indicator)
    idle = (sums.expected == sums.not_applicable) & terms.is_registered
    verdict = _verdicts(sums, bounds, indicator, terms, idle)
    is_divided = indicator.is_fraction or indicator.measure == "mean_per_unit"
    has_value = bounds.has_value
    nowhere = np.broadcast_to(False, len(sums))
    slack = _slack(sums, target, is_divided=is_divided)
    breakeven = _breakeven(sums, bounds, indicator, target, verdict)
    is_open = ~np.isnan(breakeven)
    return {
        "numerator": sums.numerator,
        "has_numerator": has_value,
        "denominator": sums.denominator,
        "has_denominator": has_value if is_divided else nowhere,
        "value": _decimals(bounds.value, has_value),
        "lower": _decimals(bounds.lower, ~idle),
        "upper": _decimals(bounds.upper, ~(idle | bounds.is_open)),
        "verdict": verdict,
        "slack": np.broadcast_to(0, len(sums)) if slack is None else slack,
        "has_slack": nowhere if slack is None else has_value,
        "breakeven": breakeven,
        "needed": _needed(bounds, target, is_open),
        "has_needed": is_open,
        "unknown": sums.free,
        "has_unknown": is_open,
        "flags": _flags(sums, bounds, indicator, target, verdict, is_unit),
    }


def _decimals(pair: tuple[np.ndarray, np.ndarray], keep: BoolArray) -> np.ndarray:
    quotient = divide(*pair)
    quotient[~keep] = np.nan
    return quotient


def _verdicts(
    sums: Sums,
    bounds: Bounds,
    indicator: Indicator,
    terms: Terms,
    idle: BoolArray,
) -> np.ndarray:
    """Return verdict codes. The first rule that matches wins, so the last rule is written first."""
    codes = {word: code for code, word in enumerate(VERDICTS)}
    target = terms.target
    verdict = np.full(len(sums), codes["undetermined"], np.int8)
    if target is None:
        verdict[:] = codes["no_target"]
    elif not terms.is_due:
        verdict[:] = codes["not_due"]
    else:
        not_met = ~bounds.is_open & ~_reaches(bounds.upper, target)
        if indicator.measure == "ratio" and indicator.max_rate is None and target.minimum >= 1:
            # Where all are required, nobody makes up for one person left out.
            not_met |= np.asarray(sums.numerator < sums.denominator, bool) & bounds.has_value
        verdict[not_met] = codes["not_met"]
        verdict[_reaches(bounds.lower, target)] = codes["met"]
    verdict[idle] = codes["not_applicable"]
    return verdict


def _reaches(end: tuple[np.ndarray, np.ndarray], target: Target) -> BoolArray:
    """Compare N/D with p/q as N·q with p·D."""
    bar = target.minimum
    above, below = fits(*end, factor=max(bar.numerator, bar.denominator))
    reach, needed = multiply(above, bar.denominator), multiply(below, bar.numerator)
    return np.asarray(reach > needed if target.is_strict else reach >= needed, bool)


def _slack(sums: Sums, target: Target | None, *, is_divided: bool) -> np.ndarray | None:
    """Return how many more (negative: too few) than the target needs, of those that reported."""
    if target is None or not target.is_numeric:
        return None
    below = sums.denominator if is_divided else np.ones(len(sums), np.int64)
    return np.asarray(sums.numerator - least_sufficient(below, target))


def least_sufficient(below: np.ndarray, target: Target) -> np.ndarray:
    """Return the smallest whole numerator that meets a target over each denominator.

    Python integers where int64 would overflow.

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
    sums: Sums,
    bounds: Bounds,
    indicator: Indicator,
    target: Target | None,
    verdict: np.ndarray,
) -> np.ndarray:
    """Return the rate that the missing would need for the target to be met exactly."""
    if target is None or not indicator.is_fraction:
        return np.broadcast_to(np.nan, len(sums))
    bar = target.minimum
    open_question = (verdict == VERDICTS.index("undetermined")) & ~bounds.unbounded
    rows = np.flatnonzero(open_question)
    above, below, free = fits(
        *(column[rows] for column in (*bounds.lower, sums.free)),
        factor=2 * max(bar.numerator, bar.denominator),
    )
    still_needed = multiply(below, bar.numerator) - multiply(above, bar.denominator)
    rate = np.full(len(sums), np.nan)
    rate[rows] = divide(still_needed, multiply(free, bar.denominator))
    return rate


def _needed(bounds: Bounds, target: Target | None, is_open: BoolArray) -> np.ndarray:
    """Return how many of the unknown the target needs; `_breakeven` is their share."""
    if target is None or not is_open.any():
        return np.broadcast_to(0, len(is_open))
    above, below = (end[is_open] for end in bounds.lower)
    needed = np.zeros(len(is_open), above.dtype)
    needed[is_open] = least_sufficient(below, target) - above
    return needed


def _flags(
    sums: Sums,
    bounds: Bounds,
    indicator: Indicator,
    target: Target | None,
    verdict: np.ndarray,
    is_unit: bool,
) -> np.ndarray:
    flags = {"carried": sums.carried, "unbounded": bounds.unbounded}
    if target is not None and target.maximum is not None:
        most = target.maximum
        above, below = fits(*bounds.lower, factor=max(most.numerator, most.denominator))
        beyond = multiply(above, most.denominator) > multiply(below, most.numerator)
        flags["exceeded"] = (verdict == VERDICTS.index("met")) & np.asarray(beyond, bool)
    if is_unit and indicator.measure == "ratio" and target is not None and target.minimum < 1:
        below = sums.denominator
        everyone = np.asarray(least_sufficient(below, target) == below, bool)
        flags["all_or_nothing"] = everyone & bounds.has_value
    bits = np.zeros(len(sums), np.uint8)
    for name, raised in flags.items():
        bits |= raised * flag_bit(name)
    return bits


def flag_bit(name: str) -> np.uint8:
    """Return a flag's own bit."""
    return np.uint8(1 << FLAGS.index(name))


@dataclass(frozen=True)
class Sources:
    """Every register of a dataset, by what an indicator may be ``over``."""

    plan: Plan
    #: All years of the dataset; codes of years point into it.
    years: list[int]
    registers: dict[str, Register]
    #: The years that have an employer register.
    registered: frozenset[int]

    def scopes_of(self, indicator: Indicator, among: Iterable[str]) -> list[str]:
        """Return the scopes that an indicator has, in the order of `SCOPES`."""
        own = {"district", *self.registers[indicator.over].scopes}
        return [scope for scope in SCOPES if scope in own.intersection(among)]


class Block(NamedTuple):
    """Roll-ups of one indicator and year, judged at once: a few groups cost as much as many."""

    #: Each scope with the codes of its groups; the sums are in the same order.
    groups: list[tuple[str, Codes]]
    sums: Sums


@dataclass(frozen=True)
class Year:
    """One year of every register; a population that indicators share is looked up once."""

    sources: Sources
    year: int
    _populations: dict[Any, Members] = field(default_factory=dict, repr=False)

    def everyone(self, over: str) -> Members:
        """Return a register's rows of this year."""
        register = self.sources.registers[over]
        code = self.sources.years.index(self.year)
        start, end = np.searchsorted(register.year_codes, [code, code + 1])
        return Members(register, np.arange(start, end))

    def asked(self, indicator: Indicator) -> Members:
        """Return who an indicator asks, without the district itself."""
        key = (indicator.over, indicator.population, indicator.members_if)
        if key not in self._populations:
            everyone = self.everyone(indicator.over)
            self._populations[key] = find_members(indicator, self.sources.plan, everyone)
        return self._populations[key]

    def groups(self, indicator: Indicator, scope: str) -> Codes:
        """Return the codes of the groups of a roll-up, ascending; the district always is one."""
        return _DISTRICT if scope == "district" else self.asked(indicator).present(scope)

    def roll_up(self, indicator: Indicator, scopes: Iterable[str]) -> Iterator[Block]:
        """Yield the scopes that are asked for and that an indicator has: units apart, others together."""
        members = self.asked(indicator)
        states, shown = find_states(indicator, members), self.sources.scopes_of(indicator, scopes)
        for part in ([s for s in shown if s != "unit"], [s for s in shown if s == "unit"]):
            sums = [
                self._pool_district(indicator, states)
                if scope == "district"
                else pool_by(states, members, scope)
                for scope in part
            ]
            if sums:
                yield Block([(s, self.groups(indicator, s)) for s in part], join(*sums))

    def _pool_district(self, indicator: Indicator, states: States) -> Sums:
        if indicator.with_district:
            district = self.everyone("district")
            alive = district.only(district.register.expected[district.rows])
            states = join(states, find_states(indicator, alive))
        sums = pool(states)
        if indicator.over == "district":
            # The level's own value is expected every year; once it has ended it does not apply.
            ended = sums.not_applicable + 1 - sums.expected
            sums = replace(sums, expected=np.ones(1, np.int64), not_applicable=ended)
        return sums

    def terms(self, indicator: Indicator) -> Terms:
        """Return the terms under which roll-ups of this year are judged."""
        target = indicator.target_in(self.year)
        return Terms(
            target=target,
            is_due=target is None or target.by_end_of is None or self.year >= target.by_end_of,
            is_registered=indicator.over != "employers" or self.year in self.sources.registered,
        )

    def _find_held(self, indicator: Indicator, scope: str, count: int) -> BoolArray:
        """Tell which groups of a scope are held to the target, if the year has one."""
        is_total, is_mean = (indicator.measure == one for one in ("total", "mean_per_unit"))
        # The plan asks a total of the district alone; an average binds no single unit.
        if (is_total and scope != "district") or (is_mean and scope == "unit"):
            return np.zeros(count, bool)
        types = self.sources.plan.judged_elsewhere(indicator, self.year)
        if scope not in ("unit_type", "unit") or not types:
            return np.ones(count, bool)
        members = self.asked(indicator)
        named = np.isin(members.register.scopes["unit_type"].names, sorted(types))
        return ~named[members.groups("unit_type") if scope == "unit" else members.present(scope)]

    def judge(self, indicator: Indicator, block: Block) -> dict[str, Any]:
        """Return what `judge` does, the ``target``, and which groups are held to it (``is_held``)."""
        terms, is_unit = self.terms(indicator), block.groups[0][0] == "unit"
        held = [self._find_held(indicator, scope, len(codes)) for scope, codes in block.groups]
        is_held = np.concatenate(held) & (terms.target is not None)
        columns: dict[str, Any] = judge(block.sums, indicator, terms, is_unit=is_unit)
        if terms.target is not None and not is_held.all():
            free = judge(block.sums, indicator, replace(terms, target=None), is_unit=is_unit)
            for name, values in free.items():
                columns[name] = np.where(is_held, columns[name], values)
        return columns | {"target": terms.target, "is_held": is_held}


def open_sources(dataset: Dataset, plan: Plan) -> Sources:
    """Sort every register of a dataset without errors and number its years, members and groups."""
    registered = frozenset(int(year) for year in dataset.employers["year"].unique())
    years = sorted({*dataset.years, *registered, *map(int, dataset.district["year"])})
    index = pd.Index(years, dtype="int64")
    registers = {
        "units": unit_register(dataset, plan, index),
        "employers": employer_register(dataset, index),
        "district": district_register(dataset, plan, index),
    }
    return Sources(plan, years, registers, registered)
