"""The circle of units: how it changed from the year before, and both years over the same units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.compare import side_by_side
from analysis.study import Study


@dataclass(frozen=True)
class Circle:
    """How many units had to report last year and this one, and how many left and joined."""

    before: int
    now: int
    left: int
    joined: int

    @property
    def is_other(self) -> bool:
        """Whether figures of the two years tell of other units, and not of better or worse work.

        A handful of units coming and going is every year; a tenth of them changes the figures.
        """
        return 10 * (self.left + self.joined) >= self.before > 0


def find_circle(study: Study, year: int) -> Circle:
    """Compare who had to report in a year with the year before.

    Examples
    --------
    >>> from analysis import load
    >>> find_circle(load(2024), 2024).is_other
    False
    """

    def compare() -> Circle:
        last, now = (study.expected_units(y).index for y in (year - 1, year))
        left, joined = last.difference(now), now.difference(last)
        return Circle(len(last), len(now), len(left), len(joined))

    found: Circle = study.remember(("circle", year), compare)
    return found


def same_units(study: Study, year: int) -> Mapping[str, tuple[Any, Any]]:
    """Return the district's rows of last year and of this one over the same units, by indicator.

    Empty in the edition to share, which lacks the figures for a new sum.
    """

    def compute() -> dict[str, tuple[Any, Any]]:
        table = side_by_side(study, year - 1, year, "same_perimeter")
        rows = {(r.year, str(r.indicator)): r for r in table.itertuples(index=False)}
        return {key: (rows[year - 1, key], row) for (y, key), row in rows.items() if y == year}

    if study.params.edition != "internal":
        return {}
    found: dict[str, tuple[Any, Any]] = study.remember(("same units", year), compute)
    return found
