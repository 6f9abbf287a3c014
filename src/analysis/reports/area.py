"""The narrative of one area in one year: a commune, or the units of one commune union."""

from __future__ import annotations

from dataclasses import replace

from analysis.exploring.names import choose
from analysis.findings.finding import Finding, by_nearness, find, find_before
from analysis.findings.perimeter import find_circle
from analysis.pages.fragments import EndMark, Fragment
from analysis.problems import InputError, error
from analysis.reports.base import Report, digest
from analysis.reports.year import YearReport
from analysis.study import Study

_MOST_MISSED = 5
#: What an area may be: a column of the register and a scope of the indicator table.
AREA_SCOPES = ("parent", "commune")


class AreaReport(YearReport):
    """The narrative of an area; made by `area`: the year's page for its units alone."""

    up = "../"

    def __init__(self, study: Study, scope: str, scope_id: str, year: int) -> None:
        Report.__init__(self, study, year)
        year = self.year
        if scope not in AREA_SCOPES:
            message = f"phạm vi phải là một trong: {', '.join(AREA_SCOPES)}"
            raise InputError([error(message, code="unknown_scope", column="scope", value=scope)])
        everybody = study.expected_units(year)
        known = {str(place): str(place) for place in everybody[scope].unique()}
        scope_id = choose(f"nơi có CĐCS phải báo cáo năm {year}", scope_id, known)
        self.units = everybody[everybody[scope] == scope_id]
        self.scope, self.scope_id = scope, scope_id
        self.circle = find_circle(study, year, scope, scope_id)
        before = find_before(study, scope, scope_id, year)
        self.before, _ = before
        self.findings = {
            # Where other units are in it, better or worse is not theirs.
            key: replace(f, change=None) if self.circle.is_other else f
            for key, f in find(study, scope, scope_id, year, before).items()
        }

    @property
    def name(self) -> str:
        """What the area is called."""
        if self.scope == "commune":
            return self.scope_id
        return self.study.name_parent(self.scope_id, self.year)

    def header(self) -> Fragment:
        """Show which area this is about, and how much of it is there."""
        told = [self.count(len(self.units)), self.count(self.received)]
        facts = list(zip(self.labels("expected", "received"), told, strict=True))
        kicker = f"{self.ui(f'area_{self.scope}')} · {self.ui('year').lower()} {self.year}"
        return self.head(f"{kicker} · {self.study.plan.short}", self.name, facts)

    def summary(self) -> Fragment:
        """Show what was met, and what is nearest to be met."""
        say, missed = self.say, by_nearness(self.by_verdict["not_met"])
        lines = [self.line(f) for f in missed[:_MOST_MISSED]]
        if rest := missed[_MOST_MISSED:]:
            told = [say("other_missed", len(rest)), *(say("missed_by", f) for f in rest)]
            lines.append({"title": "", "text": " ".join(told)})
        return self._render(
            "tom-tat",
            "summary",
            self.ui("summary"),
            lead=say("tally", self.tally, self.name, self.sides),
            notes=[self.coverage_line(), *self._perimeter_lines()],
            events=[],
            groups=[self.group("not_met", "bad_heading", lines)] if lines else [],
        )

    def _headings_beside(self) -> list[str]:
        return [*super()._headings_beside(), self.ui("district_value")]

    def _beside(self, finding: Finding) -> list[str]:
        return [*super()._beside(finding), self.district.get(finding.indicator.id, "")]

    def digests(self) -> dict[str, str]:
        """Return hashes of all that the page shows: the area's own rows, its units' and the district's.

        Returns
        -------
        dict of str to str
            ``figures`` and ``tasks``: of the area and its units, this year and last; ``words``:
            the units' own; ``district``: its results.
        """
        study, keys = self.study, [str(key) for key in self.units.index]
        own: list[object] = [self.units.astype(str).to_dict(), self.circle]
        duties: list[object] = []
        for year in (self.year - 1, self.year):
            own.append(dict(study.rows(self.scope, self.scope_id, year)))
            own += [dict(study.rows("unit", key, year)) for key in keys]
            if year in study.dataset.years:
                duties += [study.duties(year).get(key, ()) for key in keys]
        return {
            "figures": digest([*own, *map(repr, self.same_rows().items())]),
            "tasks": digest(duties),
            "words": digest([self.quote(key) for key in keys]),
            "district": digest(self.district),
        }

    def finish(self) -> EndMark:
        """End the page: its title, its contents and the mark that it ran to the end."""
        title = f"{self.name} – {self.ui('year').lower()} {self.year}"
        nav = [
            ("../index.html", self.ui("back_to_index")),
            ("../year.html", self.ui("back_to_year")),
        ]
        return self._end(self.say("tally", self.tally, self.name), title, nav)


def area(study: Study, scope: str, scope_id: str, year: int) -> AreaReport:
    """Mở báo cáo của một xã, hoặc của các CĐCS thuộc một công đoàn xã, trong một năm.

    Parameters
    ----------
    study : Study
        From `load`.
    scope : {"commune", "parent"}
        What ``scope_id`` is.
    scope_id : str
        A commune's name as in the register, or the id in its ``parent`` column.
    year : int
        A year of the roster.

    Returns
    -------
    AreaReport
        Each method shows one section in a notebook.

    Raises
    ------
    InputError
        If no unit of that place has to report in the year.

    Examples
    --------
    >>> from analysis import load
    >>> len(area(load(2024), "commune", "Khe Sanh", 2024).units)
    22
    """
    return AreaReport(study, scope, scope_id, year)
