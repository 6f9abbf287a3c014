"""The planned path of a stage indicator, for drawing."""

from __future__ import annotations

from fractions import Fraction

from analysis.indicators.trajectory import Point, find_path
from analysis.plan import Indicator
from analysis.redaction import HIDDEN
from analysis.study import Study, flags_of, shown_value


def planned_path(study: Study, indicator: Indicator, year: int) -> dict[int, Fraction]:
    """Return the corners of the district's path: the baseline and every planned knot after it.

    Parameters
    ----------
    study : Study
        With the yearly values.
    indicator : Indicator
        With stage targets.
    year : int
        The year that the page tells of; later baselines are not shown.

    Returns
    -------
    dict of int to Fraction
        Empty where there is no baseline by that year, or the edition withholds a year's figures.
    """
    points = {}
    for known in study.dataset.years:
        row = study.rows("district", study.plan.issuer.id, known)[indicator.id]
        if HIDDEN in flags_of(row):
            return {}  # a path needs every year's figures
        value = shown_value(row)
        points[known] = Point(int(row.reported), int(row.missing), row.verdict, value, None, None)
    path = find_path(points, indicator, study.plan)
    if path.baseline is None or path.baseline[0] > year:
        return {}
    start = path.baseline
    corners = {start[0]: path.at(start[0]) or start[1]}
    corners.update((knot, planned) for knot, planned in path.knots if knot > start[0])
    return corners
