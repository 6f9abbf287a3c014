"""A visit's sheet and a short message of each unit: what is well, what is near, what falls due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis.findings.finding import Finding, strongest
from analysis.language import Language, load_language
from analysis.pages.fragments import render
from analysis.pages.template import POLICY
from analysis.reports.unit import UnitReport
from analysis.study import Study
from analysis.tasks import SOON_DAYS, Duty

#: So long a message is still read on a phone.
LONGEST_MESSAGE = 600
_MOST_GOOD = 5
_MOST_GAPS = 5
_MOST_TASKS = 3


@dataclass(frozen=True)
class Brief:
    """What a sheet and a message say of one unit."""

    unit_id: str
    name: str
    unit_type: str
    commune: str
    parent: str  # who it reports to
    has_return: bool
    lead: str  # how many targets it met, this year and last
    good: tuple[Finding, ...]  # the strongest results
    gaps: tuple[Finding, ...]  # what was missed, the nearest first
    rest: int  # how many more were missed
    duties: tuple[Duty, ...]  # overdue first, then what falls due


def make_brief(study: Study, unit_id: str) -> Brief:
    """Gather what a unit's sheet and message say of the study's year, in either edition.

    Examples
    --------
    >>> from analysis import load
    >>> brief = make_brief(load(2024), "DN-DABAN")
    >>> brief.commune, len(brief.gaps) <= 5
    ('Tân Long', True)
    """
    report = UnitReport(study, unit_id, study.params.year)
    return Brief(
        unit_id,
        report.name,
        report.type_name,
        str(report.facts["commune"]),
        report.parent,
        bool(report.facts["has_return"]),
        report.lead(),
        tuple(strongest(report.by_verdict["met"], _MOST_GOOD)),
        tuple(report.missed[:_MOST_GAPS]),
        len(report.missed[_MOST_GAPS:]),
        _due(report.not_known_done()),
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
            (f.indicator.short, say("value", f), say("target", f), say("gap_size", f))
            for f in brief.gaps
        ],
        "rest": say("gaps_rest", brief.rest) if brief.rest else "",
        "tasks": _tasks(brief, language),
        "contact": say("contact", brief.parent),
    }


def _tasks(brief: Brief, language: Language) -> list[str]:
    return [
        language.say("brief_task", duty, language.date(duty.due) if duty.due else "")
        for duty in brief.duties
    ]


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
    tasks = _tasks(brief, language)
    for most in range(_MOST_TASKS, -1, -1):
        given = brief, study.params.year, list(brief.gaps[:most]), tasks[:most]
        text = language.say("message", *given)
        if len(text) <= LONGEST_MESSAGE:
            return text
    return text[: LONGEST_MESSAGE - 1].rsplit(" ", 1)[0] + "…"
