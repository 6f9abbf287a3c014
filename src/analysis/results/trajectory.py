"""Stage targets before they are due: whether a group is on the planned path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from analysis.plan import Indicator, Plan
from analysis.results.members import BoolArray, Codes
from analysis.results.rollups import VERDICTS, Sources, Year, find_bounds

TRAJECTORIES = (
    "",
    "due",
    "achieved_early",
    "maintained",
    "not_assessable",
    "on_path",
    "undetermined",
    "behind",
    "regressing",
    "behind_recovering",
    "off_track",
)
_LONGEST_LOOK_BACK = 3
_UNFOLLOWED = ("not_applicable", "no_target")
#: Where a stage target has a trajectory.
FOLLOWED_SCOPES = ("district", "unit_type")


@dataclass(frozen=True)
class Point:
    """One year of one group.

    ``value`` is empty where nobody reported, ``upper`` where there is no limit.
    """

    reported: int
    missing: int
    verdict: str
    value: Fraction | None
    lower: Fraction | None
    upper: Fraction | None


@dataclass(frozen=True)
class Path:
    """The planned knots of a stage indicator and where a group starts from."""

    knots: tuple[tuple[int, Fraction], ...]
    baseline: tuple[int, Fraction] | None

    def at(self, year: int) -> Fraction | None:
        """Return the planned value in a year, empty before the baseline and after the last knot."""
        if self.baseline is None or year < self.baseline[0]:
            return None
        start = self.baseline
        for knot in self.knots:
            if knot[0] <= start[0]:
                continue
            if year <= knot[0]:
                return _between(start, knot, year)
            start = knot
        return start[1] if year == start[0] else None


def is_complete(point: Point, plan: Plan) -> bool:
    """Tell whether few enough figures are missing for the trajectory to rest on the year."""
    asked = point.reported + point.missing
    return point.missing <= asked * plan.complete_if_missing_at_most


def find_path(points: Mapping[int, Point], indicator: Indicator, plan: Plan) -> Path:
    """Return the planned path of a group."""
    knots = sorted((t.by_end_of, t.minimum) for t in indicator.targets if t.by_end_of)
    planned = dict(knots)
    for year in sorted(points):
        value = points[year].value
        if year >= plan.baseline_year and value is not None and is_complete(points[year], plan):
            return Path(tuple(knots), (year, planned.get(year, value)))
    return Path(tuple(knots), None)


def assess(points: Mapping[int, Point], year: int, indicator: Indicator, plan: Plan) -> str:
    """Return a group's word in `TRAJECTORIES`: the first rule that matches."""
    target = indicator.target_in(year)
    now = points[year]
    if target is None or target.by_end_of is None or now.verdict in _UNFOLLOWED:
        return ""
    if target.by_end_of == year:
        return "due"
    path = find_path(points, indicator, plan)
    bar = target.minimum
    if now.value is not None and now.lower is not None and now.lower >= bar:
        held = path.baseline is not None and path.baseline[1] >= bar
        return "maintained" if held else "achieved_early"
    planned = path.at(year)
    if planned is None or now.value is None or now.lower is None:
        return "not_assessable"
    if now.lower >= planned:
        return "on_path"
    if now.upper is None or now.upper >= planned:
        return "undetermined"
    return _below_path(points, year, (bar - now.value) / (target.by_end_of - year), plan)


def is_overdue(points: Mapping[int, Point], year: int, indicator: Indicator) -> bool:
    """Tell whether a target year has passed unmet and today's value is still below that target."""
    now = points[year].value
    past = {t.by_end_of: t for t in indicator.targets if t.by_end_of and t.by_end_of < year}
    return now is not None and any(
        points[due].verdict == "not_met" and now < target.minimum
        for due, target in past.items()
        if due in points
    )


def _below_path(points: Mapping[int, Point], year: int, required: Fraction, plan: Plan) -> str:
    observed = observed_pace(points, year, plan)
    if observed is None:
        return "behind"
    if observed < 0:
        return "regressing"
    return "behind_recovering" if observed >= required else "off_track"


def observed_pace(points: Mapping[int, Point], year: int, plan: Plan) -> Fraction | None:
    """Return the yearly change over the longest unbroken run of at most three complete years.

    In the value's own unit a year (a share's as 0.05); None without two such years.
    """
    pace = None
    now = _complete_value(points, year, plan)
    if now is None:
        return None
    for back in range(1, _LONGEST_LOOK_BACK + 1):
        then = _complete_value(points, year - back, plan)
        if then is None:
            break
        pace = (now - then) / back
    return pace


def _complete_value(points: Mapping[int, Point], year: int, plan: Plan) -> Fraction | None:
    point = points.get(year)
    return point.value if point is not None and is_complete(point, plan) else None


def _between(start: tuple[int, Fraction], knot: tuple[int, Fraction], year: int) -> Fraction:
    (year_a, a), (year_b, b) = start, knot
    if a >= b:
        return b
    return a + (b - a) * Fraction(year - year_a, year_b - year_a)


@dataclass(frozen=True)
class History:
    """One stage indicator in all years: the points of each scope's groups, by year."""

    indicator: Indicator
    plan: Plan
    points: dict[tuple[str, int], dict[int, Point]] = field(default_factory=dict)

    def assess(self, scope: str, groups: Codes, year: int) -> tuple[np.ndarray, BoolArray]:
        """Return of each group a code in `TRAJECTORIES`, and whether it is overdue."""
        if scope not in FOLLOWED_SCOPES:
            return np.zeros(len(groups), np.int8), np.zeros(len(groups), bool)
        points = [self.points[scope, group] for group in groups.tolist()]
        words = [assess(own, year, self.indicator, self.plan) for own in points]
        overdue = [is_overdue(own, year, self.indicator) for own in points]
        codes = [TRAJECTORIES.index(word) for word in words]
        return np.array(codes, np.int8), np.array(overdue, bool)


def find_history(indicator: Indicator, sources: Sources) -> History:
    """Roll up and judge a stage indicator in every year, including years that are not shown."""
    history = History(indicator, sources.plan)
    for number in sources.years:
        year = Year(sources, number)
        for block in year.roll_up(indicator, FOLLOWED_SCOPES):
            sums, bounds = block.sums, find_bounds(block.sums, indicator)
            verdicts = year.judge(indicator, block)["verdict"]
            places = ((scope, group) for scope, codes in block.groups for group in codes.tolist())
            for row, (scope, group) in enumerate(places):
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
