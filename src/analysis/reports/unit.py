"""The narrative of one grassroots union in one year."""

from __future__ import annotations

from fractions import Fraction

import pandas as pd

from analysis.figures import PeerMark, Trend, peers_chart, trend_chart
from analysis.findings import Finding, Peers, compare_with_peers, find, tally
from analysis.indicators.verdicts import VERDICTS
from analysis.pages.fragments import EndMark, Fragment, render
from analysis.plan import Target
from analysis.problems import InputError, error
from analysis.reports.base import Report
from analysis.study import Study

_MOST_GOOD = 3
_MOST_OPEN = 5
_MOST_TRENDS = 2


class UnitReport(Report):
    """The narrative of one unit; made by `unit`.

    Attributes
    ----------
    findings : dict of str to Finding
        This year's, by indicator id, in the plan's order.
    before : dict of str to Finding
        Last year's.
    """

    def __init__(self, study: Study, unit_id: str, year: int) -> None:
        super().__init__(study, year)
        if (year, unit_id) not in study.register.index:
            message = f"không có CĐCS này trong danh sách năm {year}"
            raise InputError([error(message, code="unknown_unit", column="unit_id", value=unit_id)])
        self.unit_id = unit_id
        self.facts: pd.Series = study.register.loc[(year, unit_id)]
        self.name = str(self.facts["name"])
        self.findings = find(study, "unit", unit_id, year)
        self.before = find(study, "unit", unit_id, year - 1)
        self.district = find(study, "district", study.plan.issuer.id, year)
        self.peers: dict[str, Peers] = {
            key: compare_with_peers(study, finding) for key, finding in self.findings.items()
        }

    @property
    def shares(self) -> list[Finding]:
        """The unit's own rates that have a value."""
        return [f for f in self.wholes if f.indicator.measure == "ratio" and f.value is not None]

    def header(self) -> Fragment:
        """Show who this is about."""
        texts, numbers = self.language.words["ui"], self.language.numbers
        facts = [
            (
                texts["unit_type"],
                self.language.dictionary_word("unit_type", str(self.facts["unit_type"])),
            ),
            (texts["commune"], str(self.facts["commune"])),
            (texts["parent"], self.parent),
        ]
        hidden = self.study.hidden_columns(self.unit_id, self.year)
        for label, column in (("workers", "workers_total"), ("members", "members_total")):
            known = pd.notna(self.facts[column])
            absent = texts["hidden"] if column in hidden else self.unknown
            facts.append(
                (texts[label], numbers.count(int(self.facts[column])) if known else absent)
            )
        kicker = f"{texts['report_of']} {self.year} · {self.study.plan.short}"
        return self.head(kicker, self.name, facts)

    @property
    def parent(self) -> str:
        """Who the unit reports to."""
        parent = str(self.facts["parent"])
        issuer = self.study.plan.issuer
        return issuer.short if parent == issuer.id else parent

    @property
    def unknown(self) -> str:
        """The words for a figure that was not reported."""
        return self.language.word("answer", "unknown").lower()

    def summary(self) -> Fragment:
        """Show how many targets were met, what is good and what cannot be concluded."""
        say = self.language.say
        counts = tally(self.year, self.findings.values(), list(self.before.values()))
        lead = say("tally", counts, self.name)
        notes = []
        if not self.facts["has_return"]:
            notes.append(say("no_return", self.year, self.name, self.parent))
        if not self.before:
            notes.append(say("new_unit", self.year))
        verdicts = {v: [f for f in self.wholes if f.verdict == v] for v in VERDICTS}
        groups = [
            self.group("met", say("good_heading"), self._good_lines(verdicts["met"])),
            self.group("undetermined", say("open_heading"), self._open_lines()),
            self.group("not_due", say("stage_heading"), self._lines(verdicts["not_due"])),
        ]
        title = self.language.ui("summary")
        shown = [group for group in groups if group["lines"]]
        return self._render("tom-tat", "summary", title, lead=lead, notes=notes, groups=shown)

    def _lines(self, findings: list[Finding]) -> list[dict[str, str]]:
        return [self.line(finding) for finding in findings]

    def _good_lines(self, findings: list[Finding]) -> list[dict[str, str]]:
        """Name the strongest results and count the rest."""
        rates = [f for f in findings if f.indicator.is_fraction and not f.is_answer]
        others = [f for f in findings if f not in rates]
        chosen = sorted(rates, key=lambda f: f.value or 0, reverse=True)[:_MOST_GOOD]
        chosen += others[: _MOST_GOOD - len(chosen)]
        lines = self._lines([f for f in findings if f in chosen])
        rest = [f.indicator.short for f in findings if f not in chosen]
        if rest:
            lines.append({"title": "", "text": self.language.say("others_met", rest)})
        return lines

    def _open_lines(self) -> list[dict[str, str]]:
        """Name what is open and which figures would settle it; without a return that is all of it."""
        if not self.facts["has_return"]:
            return []
        found = [f for f in self.wholes if f.verdict == "undetermined"]
        lines = self._lines(found[:_MOST_OPEN])
        rest = [f.indicator.short for f in found[_MOST_OPEN:]]
        if rest:
            lines.append({"title": "", "text": self.language.say("others_met", rest)})
        return lines

    def figure_targets(self) -> Fragment | None:
        """Draw the unit's rates against their targets; nothing where it has none."""
        return self._figure_targets(self.name, [f for f in self.shares if f.is_judged])

    def figure_trend(self) -> Fragment | None:
        """Draw the rates that most deserve a look over the years; nothing in a first year."""
        trends = self._trends()
        if not trends:
            return None
        years = sorted({y for t in trends for y in t.unit})
        say, texts, numbers = self.language.say, self.language.words["ui"], self.language.numbers
        first = trends[0]
        change = first.unit[max(first.unit)] - first.unit[min(first.unit)]
        items = [
            say(
                "fig_trend_item",
                trend.label,
                {y: numbers.percent(v, trend.target) for y, v in trend.unit.items()},
            )
            for trend in trends
        ]

        def cell(series: dict[int, Fraction], year: int, target: Target | None) -> str:
            return numbers.percent(series[year], target) if year in series else "–"

        return self.figure(
            "xu-huong",
            trend_chart(trends, years, self.language),
            headline=say("fig_trend_title", first.label, min(first.unit), max(first.unit), change),
            subtitle=say("fig_trend_subtitle", years[0], years[-1]),
            alt=say("fig_trend_alt", items),
            header=[texts["indicator"], texts["year"], texts["unit"], texts["district_value"]],
            rows=[
                [t.label, str(y), cell(t.unit, y, t.target), cell(t.district, y, t.target)]
                for t in trends
                for y in years
            ],
        )

    def _trends(self) -> list[Trend]:
        """Choose missed rates first, then those that moved most."""
        issuer = self.study.plan.issuer.id
        trends = []
        for finding in self.shares:
            key = finding.indicator.id
            unit_values = self._up_to_now(self.study.values(key, "unit", self.unit_id))
            district_values = self._up_to_now(self.study.values(key, "district", issuer))
            if len(unit_values) < 2:
                continue
            trends.append(
                Trend(finding.indicator.short, unit_values, district_values, finding.target, finding.verdict)
            )  # fmt: skip

        def weight(trend: Trend) -> tuple[bool, Fraction]:
            values = list(trend.unit.values())
            return trend.verdict == "not_met", max(values) - min(values)

        return sorted(trends, key=weight, reverse=True)[:_MOST_TRENDS]

    def _up_to_now(self, values: dict[int, Fraction]) -> dict[int, Fraction]:
        return {year: value for year, value in values.items() if year <= self.year}

    def _headings_beside(self) -> list[str]:
        texts = self.language.words["ui"]
        return [str(self.year - 1), texts["district_value"], texts["peers_median"]]

    def _beside(self, finding: Finding) -> list[str]:
        whole = self.district.get(finding.indicator.id)
        district = self.language.say("value", whole) if whole else ""
        return [*super()._beside(finding), district, self._among_peers(finding)]

    def _among_peers(self, finding: Finding) -> str:
        """Write the median of the peers' rates, or how many of them hold."""
        peers = self.peers[finding.indicator.id]
        if peers.holding is not None:
            return f"{peers.holding}/{peers.count}"
        if peers.median is None:
            return ""
        if finding.indicator.is_fraction:
            return self.language.numbers.percent(peers.median)
        return self.language.numbers.quantity(peers.median)

    def figure_peers(self) -> Fragment:
        """Draw the unit among its peers, or say why it is not compared."""
        say, texts, numbers = self.language.say, self.language.words["ui"], self.language.numbers
        marks = []
        for finding in self.shares:
            peers = self.peers[finding.indicator.id]
            people = finding.denominator  # amounts of money may be withheld, and are never few
            small = people is not None and people < self.study.params.min_ranked
            if peers.median is None or small or finding.value is None:
                continue
            assert peers.lower_quartile is not None
            assert peers.upper_quartile is not None
            marks.append(
                PeerMark(
                    finding.indicator.short,
                    finding.verdict,
                    finding.value,
                    peers.lower_quartile,
                    peers.median,
                    peers.upper_quartile,
                    numbers.percent(finding.value, finding.target),
                )
            )
        if not marks:
            count = max((peers.count for peers in self.peers.values()), default=0)
            fewest = self.study.params.min_peers
            line = say("peers_few", count, fewest) if count < fewest else say("peers_small")
            return render("note", line=line)
        others = max(self.peers[f.indicator.id].count for f in self.shares)
        better = sum(mark.value >= mark.median for mark in marks)
        items = [say("fig_peers_item", m.label, m.text, numbers.percent(m.median)) for m in marks]
        type_name = self.language.dictionary_word("unit_type", str(self.facts["unit_type"]))
        return self.figure(
            "cung-loai",
            peers_chart(marks, self.language),
            headline=say("fig_peers_title", better, len(marks)),
            subtitle=say("fig_peers_subtitle", type_name, others, self.year),
            alt=say("fig_peers_alt", items),
            header=[texts["indicator"], texts["unit"], texts["median"], texts["quartiles"]],
            rows=[
                [m.label, m.text, numbers.percent(m.median),
                 f"{numbers.percent(m.lower_quartile)} – {numbers.percent(m.upper_quartile)}"]
                for m in marks
            ],
            verdicts=[m.verdict for m in marks],
        )  # fmt: skip

    def next_steps(self) -> Fragment:
        """Show what was missed and by how much, with the plan's own task for it."""
        say = self.language.say
        lacking = dict.fromkeys(
            name for f in self.wholes if f.verdict == "undetermined" for name in f.lacking
        )
        first = []
        if not self.facts["has_return"]:
            first.append(say("send_return", self.year, self.parent))
        elif lacking:
            first.append(say("send_missing", list(lacking)))
        return self._steps("viec-can-lam", self.language.ui("missed_and_next"), first)

    def finish(self) -> EndMark:
        """End the page: its title, its contents and the mark that it ran to the end."""
        texts = self.language.words["ui"]
        return self._end(
            self.name,
            f"{self.name} – {texts['report_of'].lower()} {self.year}",
            nav=[
                {"href": "../index.html", "text": texts["back_to_index"]},
                {"href": "../year.html", "text": texts["back_to_year"]},
                *self._neighbours(),
                *self._other_years(),
            ],
        )

    def _neighbours(self) -> list[dict[str, str]]:
        """Link the units before and after this one, in the index's order within its type."""
        units = self.study.expected_units(self.year)
        beside = list(units.index[units["unit_type"] == self.facts["unit_type"]])
        if self.unit_id not in beside:
            return []
        place = beside.index(self.unit_id)
        found = {
            "previous_unit": beside[place - 1] if place else None,
            "next_unit": beside[place + 1] if place + 1 < len(beside) else None,
        }
        return [
            {"href": f"{key}.html", "text": f"{self.language.ui(word)}: {units.at[key, 'name']}"}
            for word, key in found.items()
            if key is not None
        ]

    def _other_years(self) -> list[dict[str, str]]:
        """Link this unit's pages in the sites that lie beside this one."""
        return [
            {
                "href": f"../../{year}/cdcs/{self.unit_id}.html",
                "text": f"{self.language.ui('year')} {year}",
            }
            for year in self.study.params.years_beside
            if self.unit_id in self.study.expected_units(year).index
        ]


def unit(study: Study, unit_id: str, year: int) -> UnitReport:
    """Open the narrative of one unit in one year.

    Parameters
    ----------
    study : Study
        From `load`.
    unit_id : str
        As in the roster.
    year : int
        A year of the roster.

    Returns
    -------
    UnitReport
        Each method shows one section in a notebook.

    Raises
    ------
    InputError
        If the roster of the year has no such unit.

    See Also
    --------
    analysis.reports.year : The narrative of the whole district.

    Examples
    --------
    >>> from analysis import load
    >>> report = unit(load(2024), "DN-DABAN", 2024)
    >>> report.findings["informed_enterprise"].shortfall
    1
    """
    return UnitReport(study, unit_id, year)
