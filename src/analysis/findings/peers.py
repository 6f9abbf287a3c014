"""A unit among its peers: other units of the same type, never fewer than a reader can trust."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from analysis.findings.finding import Finding
from analysis.study import Study


@dataclass(frozen=True)
class Peers:
    """What the other units of a type reached in one indicator.

    Attributes
    ----------
    count : int
        How many others have a value.
    median, lower_quartile, upper_quartile : Fraction or None
        Empty below the smallest number of peers; for a yes/no indicator only ``holding`` is filled.
    holding : int or None
        How many hold, for a yes/no indicator.
    values : sequence of Fraction
        What the others reached, smallest first; empty where they are not compared.
    """

    count: int
    median: Fraction | None = None
    lower_quartile: Fraction | None = None
    upper_quartile: Fraction | None = None
    holding: int | None = None
    values: Sequence[Fraction] = ()

    @property
    def is_comparable(self) -> bool:
        """Whether there are enough peers."""
        return self.median is not None or self.holding is not None


def compare_with_peers(study: Study, finding: Finding) -> Peers:
    """Compare a unit's finding with the other units of its type in the same year.

    Parameters
    ----------
    study : Study
        Where the others are.
    finding : Finding
        At unit scope.

    Returns
    -------
    Peers
        Without figures where fewer than ``params.min_peers`` others have a value.
    """
    values = study.peer_values(finding.indicator.id, finding.scope_id, finding.year)
    if len(values) < study.params.min_peers:
        return Peers(len(values))
    if finding.indicator.is_share:
        # In order, and a fact holds or not: those that hold come last.
        return Peers(len(values), holding=len(values) - bisect_left(values, 1))
    lower, median, upper = (quantile(values, quarter) for quarter in (1, 2, 3))
    return Peers(len(values), median, lower, upper, values=values)


def quantile(ordered: Sequence[Fraction], quarter: int) -> Fraction:
    """Return a quartile by linear interpolation between the two nearest values, exactly.

    Examples
    --------
    >>> quantile([Fraction(0), Fraction(1)], 2)
    Fraction(1, 2)
    """
    place = Fraction(quarter * (len(ordered) - 1), 4)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
