"""A visit's sheet and a short message of each unit: what is well, what is near, what falls due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.findings import Finding, find, find_before, tally
from analysis.findings.finding import by_nearness
from analysis.findings.tally import compare_sides
from analysis.language import Language, load_language
from analysis.pages.fragments import render
from analysis.pages.template import POLICY
from analysis.study import Study
from analysis.tasks import SOON_DAYS, Duty

#: So long a message is still read on a phone.
LONGEST_MESSAGE = 600
_MOST_GOOD = 5
_MOST_GAPS = 5
_MOST_TASKS = 3


@dataclass(frozen=True)
class Brief:
    """What a sheet and a message say of one unit.

    Attributes
    ----------
    unit_id, name, unit_type, commune, parent : str
        Who it is, and who it reports to.
    has_return : bool
        Whether it has reported.
    lead : str
        How many targets it met, this year and last.
    good, gaps : tuple of Finding
        The strongest results, and what was missed, the nearest first.
    rest : int
        How many more were missed.
    duties : tuple of Duty
        Overdue first, then what falls due.
    """

    unit_id: str
    name: str
    unit_type: str
    commune: str
    parent: str
    has_return: bool
    lead: str
    good: tuple[Finding, ...]
    gaps: tuple[Finding, ...]
    rest: int
    duties: tuple[Duty, ...]


def make_brief(study: Study, unit_id: str) -> Brief:
    """Gather what a unit's sheet and message say of the study's year.

    Parameters
    ----------
    study : Study
        Of either edition: what it withholds is not in it.
    unit_id : str
        A unit that has to report.

    Examples
    --------
    >>> from analysis import load
    >>> brief = make_brief(load(2024), "DN-DABAN")
    >>> brief.commune, len(brief.gaps) <= 5
    ('Tân Long', True)
    """
    year = study.params.year
    language = load_language(study.params.lang, study.root)
    unit = study.register.loc[(year, unit_id)]
    before = find_before(study, "unit", unit_id, year)
    findings = find(study, "unit", unit_id, year, before)
    wholes = [f for f in findings.values() if not f.indicator.is_part]
    missed = by_nearness(f for f in wholes if f.verdict == "not_met")
    met = [f for f in wholes if f.verdict == "met"]
    rates = [f for f in met if f.indicator.is_fraction and not f.is_answer]
    best = sorted(rates, key=lambda f: f.value or 0, reverse=True)
    good = [*best, *(f for f in met if f not in rates)][:_MOST_GOOD]
    counts = tally(year, findings.values())
    sides = compare_sides(findings, before[0]) if unit["has_return"] else None
    return Brief(
        unit_id,
        str(unit["name"]),
        language.dictionary_word("unit_type", str(unit["unit_type"])),
        str(unit["commune"]),
        study.name_parent(str(unit["parent"]), year),
        bool(unit["has_return"]),
        language.say("tally", counts, language.ui("the_unit"), sides),
        tuple(good),
        tuple(missed[:_MOST_GAPS]),
        len(missed[_MOST_GAPS:]),
        _due(not_known_done(study, unit_id, study.duties(year).get(unit_id, ()))),
    )


def not_known_done(study: Study, unit_id: str, duties: Sequence[Duty]) -> tuple[Duty, ...]:
    """Leave out tasks that nobody reported but whose fact the unit's own return says yes to.

    Parameters
    ----------
    study : Study
        Of either edition: a fact that it withholds is not known.
    unit_id : str
        Who holds them.
    duties : sequence of Duty
        Of the study's year.

    Examples
    --------
    >>> from analysis import load
    >>> study = load(2024)
    >>> held = study.duties(2024)["BHXH-HUYEN"]
    >>> left = not_known_done(study, "BHXH-HUYEN", held)
    >>> [d.task.short for d in held if d not in left][:1]
    ['Lập kế hoạch Nghị quyết 02']
    """
    this_year = study.params.year
    years = [
        year
        for year in study.dataset.years
        if year <= this_year and (year, unit_id) in study.register.index
    ]
    said = {year: study.cells(unit_id, year) for year in years}

    def is_said(duty: Duty) -> bool:
        asked = years if duty.task.cadence == "once" else [this_year]
        known = [said[year].get(duty.task.fact) for year in asked if year in said]
        return any(pd.notna(cell) and bool(cell) for cell in known)

    return tuple(
        duty for duty in duties if not (duty.task.fact and duty.group == "silent" and is_said(duty))
    )


def _due(duties: Sequence[Duty]) -> tuple[Duty, ...]:
    late = [duty for duty in duties if duty.has_passed]
    soon = [duty for duty in duties if duty.is_due_within(SOON_DAYS)]
    waiting = [d for d in duties if d.group == "late" and d not in late]
    ordered = sorted(late, key=lambda d: -d.days_late) + soon + waiting
    return tuple(ordered[:_MOST_TASKS])


def render_briefs(study: Study, briefs: Sequence[Brief]) -> str:
    """Return sheets as one HTML page, an A4 each.

    Examples
    --------
    >>> from analysis import load
    >>> study = load(2024)
    >>> render_briefs(study, [make_brief(study, "DN-DABAN")]).count('class="sheet"')
    1
    """
    language = load_language(study.params.lang, study.root)
    texts, described = language.words["ui"], study.dataset.description
    return render(
        "brief",
        lang=language.code,
        t=texts,
        policy=POLICY,
        title=f"{texts['brief_title']} {study.params.year}",
        plan=study.plan.short,
        edition=texts[study.params.edition],
        notice=texts["illustrative"] if described.illustrative else "",
        sheets=[_sheet(brief, study, language) for brief in briefs],
    ).html


def _sheet(brief: Brief, study: Study, language: Language) -> dict[str, Any]:
    say = language.say
    lines = [] if brief.has_return else [say("send_return", study.params.year, brief.parent)]
    return {
        "brief": brief,
        "asked": lines,
        "good": [(f.indicator.short, say("value", f)) for f in brief.good],
        "gaps": [
            {
                "title": f.indicator.short,
                "value": say("value", f),
                "target": say("target", f),
                "gap": say("gap_size", f),
            }
            for f in brief.gaps
        ],
        "rest": say("gaps_rest", brief.rest) if brief.rest else "",
        "tasks": [say("brief_task", duty, _day(duty, language)) for duty in brief.duties],
        "contact": say("contact", brief.parent),
    }


def _day(duty: Duty, language: Language) -> str:
    return language.date(duty.due) if duty.due else ""


def write_message(study: Study, brief: Brief) -> str:
    """Return a message of at most `LONGEST_MESSAGE` characters, with no figure that the page lacks.

    Examples
    --------
    >>> from analysis import load
    >>> study = load(2024)
    >>> len(write_message(study, make_brief(study, "DN-DABAN"))) <= LONGEST_MESSAGE
    True
    """
    language = load_language(study.params.lang, study.root)
    say, year = language.say, study.params.year
    for most in range(_MOST_TASKS, -1, -1):
        text = say(
            "message",
            brief,
            year,
            list(brief.gaps[:most]),
            [say("brief_task", duty, _day(duty, language)) for duty in brief.duties[:most]],
        )
        if len(text) <= LONGEST_MESSAGE:
            return text
    return text[: LONGEST_MESSAGE - 1].rsplit(" ", 1)[0] + "…"
