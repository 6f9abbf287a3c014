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


def find_circle(study: Study, year: int, scope: str = "district", scope_id: str = "") -> Circle:
    """Compare who had to report in a year with the year before, of an area alone if one is named.

    Examples
    --------
    >>> from analysis import load
    >>> find_circle(load(2024), 2024).is_other
    False
    """

    def compare() -> Circle:
        both = [study.expected_units(y) for y in (year - 1, year)]
        if scope != "district":
            both = [units[units[scope] == scope_id] for units in both]
        last, now = (units.index for units in both)
        left, joined = last.difference(now), now.difference(last)
        return Circle(len(last), len(now), len(left), len(joined))

    found: Circle = study.remember(("circle", year, scope, scope_id), compare)
    return found


def same_units(
    study: Study, year: int, scope: str = "district", scope_id: str = ""
) -> Mapping[str, tuple[Any, Any]]:
    """Return rows of last year and of this one over the same units, by indicator.

    Those of the district, or of the area that is named.

    Empty in the edition to share, which lacks the figures for a new sum.
    """

    def compute() -> dict[str, tuple[Any, Any]]:
        table = side_by_side(study, year - 1, year, "same_perimeter", scope)
        here = table if scope == "district" else table[table["scope_id"] == scope_id]
        rows = {(int(r.year), str(r.indicator)): r for r in here.itertuples(index=False)}
        return {
            key: (rows[year - 1, key], row)
            for (y, key), row in rows.items()
            if y == year and (year - 1, key) in rows
        }

    if study.params.edition != "internal":
        return {}
    found: dict[str, tuple[Any, Any]] = study.remember(
        ("same units", year, scope, scope_id), compute
    )
    return found
