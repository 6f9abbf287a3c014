"""Facts in three-valued logic: known yes, known no, unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from analysis.exact import fits, multiply
from analysis.indicators.members import BoolArray, IntArray, Members
from analysis.plan import Condition
from analysis.tables.dictionary import dictionary


@dataclass(frozen=True)
class Facts:
    """One fact per member row; ``holds`` counts only where it is ``known``."""

    holds: BoolArray
    known: BoolArray

    @property
    def is_true(self) -> BoolArray:
        """Known to hold."""
        return np.logical_and(self.holds, self.known)

    @property
    def is_false(self) -> BoolArray:
        """Known not to hold."""
        return np.logical_and(~self.holds, self.known)


def all_hold(conditions: Sequence[Condition], members: Members, *, once: bool = False) -> Facts:
    """Join facts by "and": one known "no" settles it, "yes" needs all known.

    Without any condition everything holds. With ``once`` what was reported true stays true.
    """
    size = len(members)
    no = np.zeros(size, bool)
    yes = np.ones(size, bool)
    for condition in conditions:
        facts = evaluate(condition, members, once=once)
        no |= facts.is_false
        yes &= facts.is_true
    return Facts(holds=yes, known=yes | no)


def evaluate(condition: Condition, members: Members, *, once: bool = False) -> Facts:
    """Return one condition's facts."""
    if condition.present is not None:
        filled = members.cells(condition.column).notna().to_numpy(bool)
        return Facts(filled == condition.present, np.ones(len(members), bool))
    if condition.is_not is not None:
        cells = members.cells(condition.column)
        differs = (cells != condition.is_not).fillna(False)
        return Facts(differs.to_numpy(bool), cells.notna().to_numpy(bool))
    if isinstance(condition.at_least, str):
        return _at_least_word(condition, members)
    if condition.at_least is not None or condition.more_than is not None:
        return _compare(condition, members)
    figures = members.ever(condition.column) if once else members.figures(condition.column)
    return Facts(np.asarray(figures.values, bool), figures.known)


def _at_least_word(condition: Condition, members: Members) -> Facts:
    """Compare ranks; a word without a rank (``not_graded``) is reported and does not reach it."""
    ranked = dictionary().ranked["grade"]
    reached = ranked[ranked.index(str(condition.at_least)) :]
    cells = members.cells(condition.column)
    return Facts(cells.isin(reached).to_numpy(bool), cells.notna().to_numpy(bool))


def _compare(condition: Condition, members: Members) -> Facts:
    """Compare a column, or the quotient of two, with a bar.

    A cell that is not known settles it where all that it can be lies on one side of the bar. A
    quotient needs both of its cells.
    """
    if condition.over is None:
        span, ones = members.span(condition.column), np.ones(len(members), np.int64)
        holds = _reaches(condition, span.low, ones)
        return Facts(holds, holds | (span.is_capped & ~_reaches(condition, span.high, ones)))
    top, base = members.figures(condition.column), members.figures(condition.over)
    known = top.known & base.known & (base.values > 0)
    return Facts(_reaches(condition, top.values, base.values), known)


def _reaches(condition: Condition, above: IntArray, below: IntArray) -> BoolArray:
    """Compare with a fraction on whole numbers alone."""
    bar = condition.at_least if condition.more_than is None else condition.more_than
    assert isinstance(bar, Fraction)
    above, below = fits(above, below, factor=max(bar.numerator, bar.denominator))
    reach, needed = multiply(above, bar.denominator), multiply(below, bar.numerator)
    return np.asarray(reach > needed if condition.more_than is not None else reach >= needed, bool)
