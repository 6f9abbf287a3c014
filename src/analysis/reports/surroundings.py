"""What a unit's page shows of others: the district, its peers, its neighbours, as rounded as shown.

One correction anywhere moves the district's exact figures a little. A page has to be made again
only where something that it *shows* has moved, so a unit's narrative reads no more of others than
what stands here, and the digest of this tells whether its page is still right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction

from analysis.exact import round_half_up
from analysis.findings import (
    Finding,
    Passage,
    compare_with_peers,
    find,
    find_circle,
    find_passages,
    find_years,
)
from analysis.language import Language, load_language
from analysis.study import Study

#: Charts place others' shares to a tenth of a per cent, which is how finely they are written.
_PLACE_DIGITS = 3


@dataclass(frozen=True)
class Shown:
    """A share of others: its words, and where a chart puts it."""

    text: str
    place: Fraction


@dataclass(frozen=True)
class Standing:
    """A unit's finding beside those of its peers.

    Attributes
    ----------
    count : int
        How many peers have a value.
    text : str
        The median of their values, or how many of them hold; empty where they are not compared.
    quartiles : tuple of Shown, or None
        Lower quartile, median and upper quartile of a share.
    is_below : bool
        Whether the unit is below the median.
    dots : tuple of (int, int)
        The peers' shares in whole percents, smallest first, each with how many have it.
    """

    count: int
    text: str = ""
    quartiles: tuple[Shown, Shown, Shown] | None = None
    is_below: bool = False
    dots: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Surroundings:
    """All that a unit's page says of others.

    Attributes
    ----------
    district : dict of str to str
        The district's value of each of the unit's indicators.
    parts : dict of str to str
        The unit's part of the district's totals.
    series : dict of str to dict of int to Shown
        The district's shares by year, where they are drawn.
    other_circles : tuple of int
        The years up to this one whose circle of units is another than the year's before.
    peers : dict of str to Standing
        By indicator.
    neighbours : dict of str to tuple of (str, str)
        Id and name of the unit before (``previous_unit``) and after (``next_unit``) this one, in
        the index's order within its type.
    other_years : tuple of int
        The years whose sites lie beside this one and have a page of this unit.
    passages : tuple of (Passage, str)
        Where the unit came from and went, each with the link to the other one's page, if any.
    """

    district: dict[str, str]
    parts: dict[str, str]
    series: dict[str, dict[int, Shown]]
    other_circles: tuple[int, ...]
    peers: dict[str, Standing]
    neighbours: dict[str, tuple[str, str]]
    other_years: tuple[int, ...]
    passages: tuple[tuple[Passage, str], ...]


def look_around(
    study: Study,
    findings: Mapping[str, Finding],
    unit_id: str,
    year: int,
    *,
    drawn: Collection[str],
) -> Surroundings:
    """Gather what a unit's page shows of others.

    Parameters
    ----------
    study : Study
        Where the others are.
    findings : mapping of str to Finding
        The unit's own of the year.
    unit_id : str
        The unit.
    year : int
        The year.
    drawn : collection of str
        The indicators whose years are drawn.
    """
    language = load_language(study.params.lang, study.root)
    wholes = _district(study, year, language)
    return Surroundings(
        district={key: wholes[key] for key in findings if key in wholes},
        parts={
            key: language.numbers.percent(finding.share_of_district)
            for key, finding in findings.items()
            if finding.share_of_district is not None
        },
        series={key: _series(study, findings[key], language) for key in drawn},
        other_circles=tuple(
            y for y in study.dataset.years if y <= year and find_circle(study, y).is_other
        ),
        peers={key: _stand(study, finding, language) for key, finding in findings.items()},
        neighbours=_neighbours(study, unit_id, year),
        other_years=tuple(
            other
            for other in study.params.years_beside
            if unit_id in study.expected_units(other).index
        ),
        passages=tuple(
            (passage, _link(study, passage, year))
            for passage in find_passages(study, unit_id, year)
        ),
    )


def _link(study: Study, passage: Passage, year: int) -> str:
    """Return where the other unit's page lies as seen from this one; empty where there is none."""
    if passage.page_year == year:
        return f"{passage.other_id}.html"
    if passage.page_year in study.params.years_beside:
        return f"../../{passage.page_year}/cdcs/{passage.other_id}.html"
    return ""


def _district(study: Study, year: int, language: Language) -> dict[str, str]:
    """Return the district's values in words: the same for every page of a run."""

    def tell() -> dict[str, str]:
        wholes = find(study, "district", study.plan.issuer.id, year)
        return {key: language.say("value", finding) for key, finding in wholes.items()}

    told: dict[str, str] = study.remember(("district in words", year, language.code), tell)
    return told


def _series(study: Study, finding: Finding, language: Language) -> dict[int, Shown]:
    issuer = study.plan.issuer.id
    years = find_years(study, "district", issuer, finding.indicator, finding.year)
    return {
        y: _show(f.value, language.say("value", f)) for y, f in years.items() if f.value is not None
    }


def _show(value: Fraction, text: str) -> Shown:
    return Shown(text, round_half_up(value, _PLACE_DIGITS))


def _stand(study: Study, finding: Finding, language: Language) -> Standing:
    peers, numbers = compare_with_peers(study, finding), language.numbers
    if peers.holding is not None:
        return Standing(peers.count, f"{peers.holding}/{peers.count}")
    if peers.median is None or peers.lower_quartile is None or peers.upper_quartile is None:
        return Standing(peers.count)
    if not finding.indicator.is_fraction:
        return Standing(peers.count, numbers.mean(peers.median))
    written = numbers.level if finding.is_banded else numbers.percent
    lower, median, upper = (
        _show(value, written(value))
        for value in (peers.lower_quartile, peers.median, peers.upper_quartile)
    )
    is_below = finding.value is not None and finding.value < peers.median
    dots = _dots(study, finding)
    return Standing(peers.count, median.text, (lower, median, upper), is_below, dots)


def _dots(study: Study, finding: Finding) -> tuple[tuple[int, int], ...]:
    """Count the peers at each percent: the whole type once for all pages, less the unit itself."""
    year, indicator = finding.year, finding.indicator.id
    unit_type = study.unit_types[(year, finding.scope_id)]

    def count() -> Counter[int]:
        values = study.type_values(indicator, year, unit_type)
        return Counter(map(_percent, values))

    dots: Counter[int] = study.remember(("dots", indicator, year, unit_type), count)
    own = None if finding.value is None else _percent(finding.value)
    return tuple((at, n - (at == own)) for at, n in sorted(dots.items()) if n > (at == own))


def _percent(value: Fraction) -> int:
    return int(round_half_up(value, 2) * 100)


def _neighbours(study: Study, unit_id: str, year: int) -> dict[str, tuple[str, str]]:
    def line_up() -> dict[str, list[tuple[str, str]]]:
        units = study.expected_units(year)
        groups = units["name"].groupby(units["unit_type"], observed=True)
        return {str(kind): [(str(key), str(name)) for key, name in g.items()] for kind, g in groups}

    if unit_id not in study.expected_units(year).index:
        return {}
    lines = study.remember(("units in line", year), line_up)
    line = lines[study.unit_types[(year, unit_id)]]
    place = next(place for place, (key, _) in enumerate(line) if key == unit_id)
    found = {"previous_unit": place - 1, "next_unit": place + 1}
    return {word: line[other] for word, other in found.items() if 0 <= other < len(line)}
