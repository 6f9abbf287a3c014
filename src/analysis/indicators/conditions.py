"""Facts in three-valued logic: known yes, known no, unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from analysis.exact import fits, multiply
from analysis.indicators.members import BoolArray, Members
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


def all_hold(conditions: Sequence[Condition], members: Members) -> Facts:
    """Join facts by "and": one known "no" settles it, "yes" needs all known.

    Without any condition everything holds.
    """
    size = len(members)
    no = np.zeros(size, bool)
    yes = np.ones(size, bool)
    for condition in conditions:
        facts = evaluate(condition, members)
        no |= facts.is_false
        yes &= facts.is_true
    return Facts(holds=yes, known=yes | no)


def evaluate(condition: Condition, members: Members) -> Facts:
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
    figures = members.figures(condition.column)
    return Facts(np.asarray(figures.values, bool), figures.known)


def _at_least_word(condition: Condition, members: Members) -> Facts:
    """Compare ranks; a word without a rank (``not_graded``) is reported and does not reach it."""
    ranked = dictionary().ranked["grade"]
    reached = ranked[ranked.index(str(condition.at_least)) :]
    cells = members.cells(condition.column)
    return Facts(cells.isin(reached).to_numpy(bool), cells.notna().to_numpy(bool))


def _compare(condition: Condition, members: Members) -> Facts:
    """Compare a column, or the quotient of two, with a fraction, on whole numbers alone."""
    bar = condition.at_least if condition.more_than is None else condition.more_than
    assert isinstance(bar, Fraction)
    left = members.figures(condition.column)
    known = left.known
    base = np.ones(len(known), np.int64)
    if condition.over is not None:
        right = members.figures(condition.over)
        base, known = right.values, known & right.known & (right.values > 0)
    values, base = fits(left.values, base, factor=max(bar.numerator, bar.denominator))
    reach, needed = multiply(values, bar.denominator), multiply(base, bar.numerator)
    holds = reach > needed if condition.more_than is not None else reach >= needed
    return Facts(np.asarray(holds, bool), known)
