"""Stage targets over the years: the points of every group that a trajectory looks at."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from analysis.indicators.members import BoolArray, Codes
from analysis.indicators.rollups import Sources, Year
from analysis.indicators.trajectory import TRAJECTORIES, Point, assess, is_overdue
from analysis.indicators.verdicts import VERDICTS, find_bounds
from analysis.plan import Indicator, Plan

#: Where a stage target has a trajectory.
FOLLOWED_SCOPES = ("district", "unit_type")


@dataclass(frozen=True)
class History:
    """One stage indicator in all years: the points of each scope's groups, by year."""

    indicator: Indicator
    plan: Plan
    points: dict[tuple[str, int], dict[int, Point]] = field(default_factory=dict)

    def assess(self, scope: str, groups: Codes, year: int) -> tuple[np.ndarray, BoolArray]:
        """Return each group's trajectory, a code in `TRAJECTORIES`, and whether it is overdue."""
        points = [self.points[scope, group] for group in groups.tolist()]
        words = [assess(own, year, self.indicator, self.plan) for own in points]
        overdue = [is_overdue(own, year, self.indicator) for own in points]
        return np.array([TRAJECTORIES.index(word) for word in words], np.int8), np.array(
            overdue, bool
        )


def find_history(indicator: Indicator, sources: Sources) -> History:
    """Roll up and judge a stage indicator in every year, also those that are not shown."""
    history = History(indicator, sources.plan)
    for number in sources.years:
        year = Year(sources, number)
        for scope, sums in year.roll_up(indicator, FOLLOWED_SCOPES):
            bounds = find_bounds(sums, indicator)
            verdicts = year.judge(indicator, scope, sums)["verdict"]
            for row, group in enumerate(year.groups(indicator, scope).tolist()):
                history.points.setdefault((scope, group), {})[number] = Point(
                    reported=int(sums.reported[row]),
                    missing=int(sums.missing[row]),
                    verdict=VERDICTS[verdicts[row]],
                    value=_fraction(bounds.value, row) if bounds.has_value[row] else None,
                    lower=_fraction(bounds.lower, row),
                    upper=None if bounds.is_open[row] else _fraction(bounds.upper, row),
                )
    return history


def _fraction(pair: tuple[np.ndarray, np.ndarray], row: int) -> Fraction | None:
    above, below = int(pair[0][row]), int(pair[1][row])
    return Fraction(above, below) if below else None
