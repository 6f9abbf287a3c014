"""The narrative of one grassroots union in one year."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.exact import round_half_up
from analysis.exploring.names import choose
from analysis.figures import charts
from analysis.findings.finding import (
    Finding,
    by_nearness,
    find,
    find_before,
    find_years,
    quartiles,
    strongest,
)
from analysis.findings.perimeter import Passage, find_circle, find_passages
from analysis.pages.fragments import EndMark, Fragment, render
from analysis.plan import Task
from analysis.reports.base import Report, digest
from analysis.study import Study
from analysis.tasks import Duty

_MOST_GOOD = 3
_MOST_FIRST = 3
_MOST_OPEN = 5
_MOST_TRENDS = 2


#: Charts place others' shares to a tenth of a per cent, which is how finely they are written.
_PLACE_DIGITS = 3


class Shown(NamedTuple):
    """A share of others: its words, and where a chart puts it."""

    text: str
    place: Fraction


@dataclass(frozen=True)
class Standing:
    """A unit's finding beside those of its peers."""

    count: int  # of peers with a value
    text: str = ""  # their median, or how many of them hold; empty where they are not compared
    quartiles: Sequence[Shown] | None = None  # of a share
    is_below: bool = False  # the unit is below the median
    dots: tuple[tuple[int, int], ...] = ()  # whole percents, each with how many peers have it


class UnitReport(Report):
    """The narrative of one unit; made by `unit`.

    One correction anywhere moves the district's exact figures a little. A page has to be made again
    only where something that it *shows* has moved, so beside its own findings it reads no more of
    others than `district`, `series`, `other_circles`, `peers` and `links`, as rounded as shown, and
    the digest of these tells whether it is still right.
    """

    #: A reader does a few things well; what else was missed is named with what it lacks.
    most_steps = 3

    def __init__(self, study: Study, unit_id: str, year: int) -> None:
        super().__init__(study, year)
        year = self.year
        if (year, unit_id) not in study.register.index:
            names = study.register.loc[year]["name"].astype(str).to_dict()
            unit_id = choose(f"CĐCS trong danh sách năm {year}", unit_id, names)
        self.unit_id = self.writer = self.holder = unit_id
        self.facts: pd.Series = study.register.loc[(year, unit_id)]
        self.type_name = self.language.dictionary_word("unit_type", str(self.facts["unit_type"]))
        self.parent = study.name_parent(str(self.facts["parent"]), year)
        before = find_before(study, "unit", unit_id, year)
        self.before, self.basis = before
        self.findings = find(study, "unit", unit_id, year, before)

    @property
    def name(self) -> str:
        """What the unit is called."""
        return str(self.facts["name"])

    @property
    def shares(self) -> list[Finding]:
        """The unit's own rates that have a value; of two rows of one fact the one that judges."""
        rates = [f for f in self.wholes if f.indicator.measure == "ratio" and not f.judged_by]
        return [f for f in rates if f.value is not None]

    def people(self) -> list[tuple[str, str]]:
        """Return the workers and the members by the register, in words."""
        hidden = self.study.hidden_columns(self.unit_id, self.year)
        unknown = self.language.word("answer", "unknown").lower()
        told = []
        for label in ("workers", "members"):
            cell, column = self.facts[f"{label}_total"], f"{label}_total"
            absent = self.ui("hidden") if column in hidden else unknown
            told.append((self.ui(label), self.count(int(cell)) if pd.notna(cell) else absent))
        return told

    def header(self) -> Fragment:
        """Show who this is about."""
        told = [self.type_name, str(self.facts["commune"]), self.parent]
        facts = list(zip(self.labels("unit_type", "commune", "parent"), told, strict=True))
        kicker = f"{self.ui('report_of')} {self.year} · {self.study.plan.short}"
        return self.head(kicker, self.name, [*facts, *self.people()])

    @property
    def parent_before(self) -> str:
        """Who the unit reported to a year ago; empty where it was not in the register."""
        if (self.year - 1, self.unit_id) not in self.study.register.index:
            return ""
        last = self.study.register.at[(self.year - 1, self.unit_id), "parent"]
        return self.study.name_parent(str(last), self.year)

    def summary(self) -> Fragment:
        """Show how many targets were met, what is nearest, what lacks most, and what to do first."""
        say, lead = self.say, self.lead()
        notes, first = [], []
        if not self.facts["has_return"]:
            notes.append(say("no_return", self.year, self.name, self.parent))
        else:
            nearest, largest = self._extremes()
            lead = f"{lead} {say('extremes', nearest, largest)}".strip()
            first = self._first_steps()
        if self.basis:
            notes.append(say("with_predecessors", self.year - 1))
        elif not self.before:
            notes.append(say("new_unit", self.year))
        if self.parent_before not in ("", self.parent):
            notes.append(say("parent_changed", self.parent_before, self.parent))
        events = [
            {"text": say("passage", p, self.day(p.day)), "name": p.other_name, "href": href}
            for p, href in self.links["passages"]
        ]
        context = {"lead": lead, "first": first, "notes": notes, "events": events, "groups": []}
        return self._render("tom-tat", "summary", self.ui("summary"), **context)

    def lead(self) -> str:
        """Say how many targets were met, this year and last."""
        # What little is known without a return is no year to hold beside another.
        sides = self.sides if self.facts["has_return"] else None
        return self.say("tally", self.tally, self.ui("the_unit"), sides)

    @cached_property
    def missed(self) -> list[Finding]:
        """What was missed, the nearest first."""
        return by_nearness(self.by_verdict["not_met"])

    def _extremes(self) -> tuple[list[Finding], Finding | None]:
        """Return what lacks the fewest persons, and what lacks the most where that is another.

        Nothing where a withheld figure may be less or more than those shown.
        """
        if any(f.is_hidden for f in self.missed):
            return [], None
        people = [
            f for f in self.missed if f.shortfall and not (f.is_answer or f.indicator.is_money)
        ]
        nearest = [f for f in people if f.shortfall == people[0].shortfall]
        largest = max(people, key=lambda f: f.shortfall, default=None)
        return nearest, None if largest in nearest else largest

    def _first_steps(self) -> list[dict[str, str]]:
        """Name the three things to do first: what is overdue, then what is nearest."""
        say = self.say
        late = sorted((d for d in self.held if d.state == "overdue"), key=lambda d: -d.days_late)
        steps = [
            {"title": d.task.short or d.task.text, "text": f"{say('first_duty', d)}."} for d in late
        ]
        steps += [
            {"title": f.indicator.short, "text": f"{say('first_step', f)}."} for f in self.missed
        ]
        return steps[:_MOST_FIRST]

    def achieved(self) -> Fragment | None:
        """Show what is good, what cannot be concluded and what is not due; nothing without a return."""
        met, still_open = self.by_verdict["met"], self.by_verdict["undetermined"]
        staged = self.by_verdict["not_due"]
        groups = [
            self.group("met", "good_heading", self._lines(met, strongest(met, _MOST_GOOD))),
            self.group(
                "undetermined", "open_heading", self._lines(still_open, still_open[:_MOST_OPEN])
            ),
            self.group("not_due", "stage_heading", self._lines(staged, staged)),
        ]
        shown = [group for group in groups if group["lines"]]
        if not shown or not self.facts["has_return"]:
            return None
        title = self.ui("achieved" if met and not still_open else "achieved_and_open")
        return self._render("lam-duoc", "groups", title, groups=shown)

    def _lines(self, findings: list[Finding], chosen: list[Finding]) -> list[dict[str, str]]:
        """Say a line of each of the chosen ones, and name the rest."""
        lines = [self.line(f) for f in findings if f in chosen]
        if rest := [f.indicator.short for f in findings if f not in chosen]:
            lines.append({"title": "", "text": self.say("others_met", rest)})
        return lines

    def own_words(self) -> Fragment | None:
        """Show what the unit says itself: the note of its return, and what was written for it."""
        quoted = self.quote(self.unit_id)
        said = self.written(*self.study.words_of(self.year, self.unit_id))
        if not quoted and not said:
            return None
        return self._render(
            "y-kien", "statements", self.ui("own_words"), lines=quoted, statements=said
        )

    def last_year(self) -> Fragment | None:
        """Show what a unit without a return told a year ago: what the new one will be held against."""
        known = [f for f in self.before.values() if not f.indicator.is_part and f.is_judged]
        if self.facts["has_return"] or not known:
            return None
        missed = by_nearness(f for f in known if f.verdict == "not_met")
        lines = [
            {"title": f.indicator.short, "text": f"{self.say('gap_size', f)}."} for f in missed
        ]
        groups = [self.group("not_met", "bad_heading", lines)] if lines else []
        if met := [f.indicator.short for f in known if f.verdict == "met"]:
            good = [{"title": "", "text": "; ".join(met) + "."}]
            groups.append(self.group("met", "good_heading", good))
        title = f"{self.ui('value')} {self.year - 1}"
        return self._render("nam-truoc", "groups", title, groups=groups)

    @property
    def shown_results(self) -> list[Finding]:
        """What the table of results shows; of a unit without a return what is known all the same."""
        found = super().shown_results
        if self.facts["has_return"]:
            return found
        return [f for f in found if f.value is not None or f.verdict in ("met", "not_met")]

    @property
    def defined(self) -> list[Finding]:
        """What the page defines: all, and without a return what the table of results shows."""
        shown = {f.indicator.whole for f in self.shown_results}
        return [f for f in self.wholes if f.indicator.id in shown or self.facts["has_return"]]

    def figure_trend(self) -> Fragment | None:
        """Draw the rates that most deserve a look over the years; nothing in a first year."""
        if not self.trends:
            return None
        say, verdicts = self.say, self.words["verdict"]
        drawn = [f for series in self.trends.values() for f in series.values()]
        years = sorted({f.year for f in drawn})
        first = list(next(iter(self.trends.values())).values())
        change = first[-1].shown - first[-2].shown
        breaks = [y for y in self.other_circles if years[0] < y <= years[-1]]
        panels, rows = [], []
        for key, series in self.trends.items():
            finding = self.findings[key]
            short, whole = finding.indicator.short, {y: s.text for y, s in self.series[key].items()}
            item = say("fig_trend_item", short, list(series.values()), whole, finding.target)
            chart = charts.trends(self._trend(key, years), language=self.language)
            panels.append((say("fig_trend_alt", [item]), chart))
            for year in years:
                own = series.get(year)
                told = [say("value", own), verdicts[own.verdict]] if own else ["–", "–"]
                rows.append([short, str(year), *told, whole.get(year, "–")])
        return self.figure(
            "xu-huong",
            panels,
            headline=say("fig_trend_title", first[0].indicator.short, first[-2].year, change),
            subtitle=say("fig_trend_subtitle", years[0], years[-1], breaks),
            header=self.labels("indicator", "year", "unit", "verdict", "district_value"),
            rows=rows,
            legend=self.verdicts_in(drawn),
        )

    def _trend(self, key: str, years: list[int]) -> pd.DataFrame:
        """Return the unit's years and the district's as rows of `analysis.figures.charts.trends`."""
        label, breaks = self.findings[key].indicator.short, self.other_circles
        rows = [
            self.rate(f, of="unit", year=y, is_break=y in breaks)
            for y, f in self.trends[key].items()
        ]
        rows += [
            {"label": label, "of": "district", "value": shown.place, "text": shown.text, "year": y,
             "is_break": y in breaks}
            for y, shown in self.series[key].items() if y in years
        ]  # fmt: skip
        return pd.DataFrame(rows)

    @cached_property
    def trends(self) -> dict[str, dict[int, Finding]]:
        """The years of some rates, by indicator: of missed ones first, then of those that moved most."""
        found = {}
        for finding in self.shares:
            series = find_years(self.study, "unit", self.unit_id, finding.indicator, self.year)
            if len(series) > 1:
                found[finding.indicator.id] = series

        def weight(key: str) -> tuple[bool, Fraction]:
            values = [f.value for f in found[key].values() if f.value is not None]
            return self.findings[key].verdict == "not_met", max(values) - min(values)

        chosen = sorted(found, key=weight, reverse=True)[:_MOST_TRENDS]
        return {key: found[key] for key in chosen}

    @cached_property
    def series(self) -> dict[str, dict[int, Shown]]:
        """The district's shares by year, where they are drawn."""
        whole, found = ("district", self.study.plan.issuer.id), {}
        for key in self.trends:
            years = find_years(self.study, *whole, self.findings[key].indicator, self.year)
            found[key] = {y: _show(f.value, self.say("value", f)) for y, f in years.items()}
        return found

    @cached_property
    def other_circles(self) -> list[int]:
        """The years up to this one whose circle of units is another than the year's before."""
        years = [y for y in self.study.dataset.years if y <= self.year]
        return [y for y in years if find_circle(self.study, y).is_other]

    @cached_property
    def peers(self) -> dict[str, Standing]:
        """How the unit stands among its peers, by indicator."""
        return {key: self._stand(finding) for key, finding in self.findings.items()}

    def _stand(self, finding: Finding) -> Standing:
        study, numbers = self.study, self.language.numbers
        values = study.peer_values(finding.indicator.id, self.unit_id, self.year)
        count = len(values)
        if count < study.params.min_peers:
            return Standing(count)
        if finding.indicator.is_share:
            # The values are 0 or 1 in order: those that hold come last.
            return Standing(count, f"{count - bisect_left(values, 1)}/{count}")
        found = quartiles(values)
        if not finding.indicator.is_fraction:
            return Standing(count, numbers.mean(found[1]))
        written = numbers.level if finding.is_banded else numbers.percent
        lower, median, upper = (_show(value, written(value)) for value in found)
        is_below = finding.value is not None and finding.value < found[1]
        return Standing(count, median.text, (lower, median, upper), is_below, self._dots(finding))

    def _dots(self, finding: Finding) -> tuple[tuple[int, int], ...]:
        """Count the peers at each percent: the whole type once for all pages, less the unit itself."""
        key = (finding.indicator.id, self.year, self.study.unit_types[(self.year, self.unit_id)])
        dots: Counter[int] = self.study.remember(
            ("dots", *key), lambda: Counter(map(_percent, self.study.type_values(*key)))
        )
        own = None if finding.value is None else _percent(finding.value)
        return tuple((at, n - (at == own)) for at, n in sorted(dots.items()) if n > (at == own))

    @cached_property
    def links(self) -> dict[str, Any]:
        """What the page leads to, in groups.

        ``neighbours``: id and name of the unit before (``previous_unit``) and after (``next_unit``)
        this one, in the index's order within its type; ``other_years``: whose sites lie beside this
        one and have a page of this unit; ``passages``: where it came from and went, each with the
        link to the other one's page, if any.
        """
        study, beside = self.study, self.study.params.years_beside
        return {
            "neighbours": self._neighbours(),
            "other_years": [y for y in beside if self.unit_id in study.expected_units(y).index],
            "passages": [(p, self._link(p)) for p in find_passages(study, self.unit_id, self.year)],
        }

    def _link(self, passage: Passage) -> str:
        """Return where the other unit's page lies as seen from this one; empty where there is none."""
        if passage.page_year == self.year:
            return f"{passage.other_id}.html"
        if passage.page_year in self.study.params.years_beside:
            return f"../../{passage.page_year}/cdcs/{passage.other_id}.html"
        return ""

    def _neighbours(self) -> dict[str, tuple[str, str]]:
        units = self.study.expected_units(self.year)
        if self.unit_id not in units.index:
            return {}
        line = units.loc[units["unit_type"] == self.facts["unit_type"], "name"]
        place = list(line.index).index(self.unit_id)
        found = {"previous_unit": place - 1, "next_unit": place + 1}
        return {
            word: (str(line.index[at]), str(line.iloc[at]))
            for word, at in found.items()
            if 0 <= at < len(line)
        }

    def _headings_beside(self) -> list[str]:
        return [*super()._headings_beside(), *self.labels("district_value", "peers_median")]

    def _beside(self, finding: Finding) -> list[str]:
        key = finding.indicator.id
        return [*super()._beside(finding), self.district.get(key, ""), self.peers[key].text]

    def figure_peers(self) -> Fragment:
        """Draw the unit among its peers, or say why it is not compared."""
        say, fewest = self.say, self.study.params.min_peers
        few = self.study.params.min_ranked
        # Amounts of money may be withheld, and are never few.
        large = [f for f in self.shares if f.denominator is None or f.denominator >= few]
        pairs = [(f, self.peers[f.indicator.id]) for f in large]
        compared = [(f, peers, peers.quartiles) for f, peers in pairs if peers.quartiles]
        if not compared:
            count = max((peers.count for peers in self.peers.values()), default=0)
            line = say("peers_few", count, fewest) if count < fewest else say("peers_small")
            return render("note", line=line)
        rows, frames = [], []
        for f, peers, three in compared:
            lower, median, upper = three
            own = [f.indicator.short, say("value", f)]
            rows.append([*own, median.text, f"{lower.text} – {upper.text}", str(peers.count)])
            frames.append(self._peers_of(f, peers, three))
        counts = [peers.count for _, peers, _ in compared]
        better = sum(not peers.is_below for _, peers, _ in compared)
        items = [say("fig_peers_item", *row[:4]) for row in rows]
        drawn = charts.peers(pd.concat(frames), language=self.language)
        return self.figure(
            "cung-loai",
            [(say("fig_peers_alt", items), drawn)],
            headline=say("fig_peers_title", better, len(compared)),
            subtitle=say("fig_peers_subtitle", self.type_name, min(counts), max(counts), self.year),
            header=self.labels("indicator", "unit", "median", "quartiles", "compared_with"),
            rows=rows,
            legend=self.verdicts_in(f for f, _, _ in compared),
        )

    def _peers_of(self, finding: Finding, peers: Standing, three: Sequence[Shown]) -> pd.DataFrame:
        """Return the unit and its peers as rows of `analysis.figures.charts.peers`."""
        label, names = finding.indicator.short, ("lower_quartile", "median", "upper_quartile")
        places = {name: shown.place for name, shown in zip(names, three, strict=True)}
        own = self.rate(finding, is_marked=True, **places)
        others = [
            {"label": label, "value": Fraction(at, 100), "is_marked": False, "count": count}
            for at, count in peers.dots
        ]
        return pd.DataFrame([own, *others])

    def next_steps(self) -> Fragment:
        """Show what was missed and by how much, with the plan's own task for it."""
        return self._render(
            "viec-can-lam",
            "next_steps",
            self.ui("missed_and_next" if self.missed else "to_do"),
            steps=[*map(_asked, self.asked()), *self.missed_steps(self.most_steps)],
            nothing=self.say("keep_going"),
        )

    def asked(self) -> list[str]:
        """Say what the unit has to send: its return, or the figures that its return lacks."""
        say, open_ones = self.say, self.by_verdict["undetermined"]
        lacking = list(dict.fromkeys(name for f in open_ones for name in f.lacking))
        if self.facts["has_return"]:
            return [say("send_missing", lacking)] if lacking else []
        return [
            say(
                "send_form",
                self.year,
                self.type_name,
                self.day(self.study.plan.cut_off_in(self.year)),
            ),
            say("send_return", self.year, self.parent),
            f"{self.ui('brief_contact')}: {say('contact', self.parent)}",
        ]

    def missed_steps(self, most: int) -> list[dict[str, Any]]:
        """Return the plan's tasks for so many of the nearest, each with what it mends, then the rest."""
        steps: list[dict[str, Any]] = [
            {
                "tasks": [{"text": task.text, "ref": self._task_ref(task)} for task in tasks],
                "reasons": [self.line(finding) for finding in findings],
                "named": [],
            }
            for tasks, findings in self.tasks_for(self.missed[:most]).items()
        ]
        rest = self.missed[most:]
        if rest:
            named = [self.say("missed_by", finding) for finding in rest]
            steps.append({**_asked(self.say("other_missed", len(rest))), "named": named})
        return steps

    def _task_ref(self, task: Task) -> str:
        """Say where the plan asks for a task, and how the unit stands with it."""
        duty = next((duty for duty in self.held if duty.task.id == task.id), None)
        ref = self.say("by_plan", task.section)
        if duty is None or duty.task.indicator:
            return ref
        return f"{ref}; {self.say('duty_of_step', duty, self.day(duty.due))}"

    def tasks(self) -> Fragment:
        """Show every task that the plan gives this unit, with its state and what proves it."""
        return self._show_tasks(self.ui("tasks"))

    def not_known_done(self) -> list[Duty]:
        """Return what the unit holds, but for what nobody reported and its own return says yes to."""
        years = [y for y in self.study.dataset.years if y <= self.year]
        known = [y for y in years if (y, self.unit_id) in self.study.register.index]
        said = {y: self.study.cells(self.unit_id, y) for y in known}

        def is_said(duty: Duty) -> bool:
            asked = said if duty.task.cadence == "once" else [self.year]
            cells = [said[y].get(duty.task.fact) for y in asked if y in said]
            return any(pd.notna(cell) and bool(cell) for cell in cells)

        return [d for d in self.held if not (d.task.fact and d.group == "silent" and is_said(d))]

    def line(self, finding: Finding) -> dict[str, Any]:
        """Return what a finding says, with the grade or the amounts that a yes or no rests on."""
        line = super().line(finding)
        detail = self._behind(finding)
        return {**line, "text": f"{line['text'][:-1]} ({detail})."} if detail else line

    def _behind(self, finding: Finding) -> str:
        conditions = finding.indicator.holds
        if not finding.is_answer or finding.value is None or len(conditions) != 1:
            return ""
        (condition,) = conditions
        cells, say = self.study.cells(self.unit_id, self.year), self.say
        known = [
            cells[name]
            for name in condition.columns
            if name in cells and isinstance(cells[name], str | int | np.integer)
        ]
        if len(known) != len(condition.columns):
            return ""  # not reported, or withheld in the edition to share
        if condition.column == "grade":
            return say("own_grade", known[0])
        if len(known) == 2:
            return say("own_amounts", *map(self.language.heading, condition.columns), *known)
        return ""

    def _fits(self, task: Task) -> bool:
        types = self.study.plan.types_in(task.population)
        return task.owner == "unit" and str(self.facts["unit_type"]) in types

    def finish(self) -> EndMark:
        """End the page: its title, its contents and the mark that it ran to the end."""
        ui, links = self.ui, self.links
        nav = [("../index.html", ui("back_to_index")), ("../year.html", ui("back_to_year"))]
        nav += [
            (f"{key}.html", f"{ui(word)}: {name}")
            for word, (key, name) in links["neighbours"].items()
        ]
        nav += [
            (f"../../{year}/cdcs/{self.unit_id}.html", f"{ui('year')} {year}")
            for year in links["other_years"]
        ]
        title = f"{self.name} – {ui('report_of').lower()} {self.year}"
        return self._end(self.say("tally", self.tally, self.name), title, nav)

    def digests(self) -> dict[str, str]:
        """Return hashes of all that the page says: of the unit itself, and of what is around it.

        Returns
        -------
        dict of str to str
            ``figures``: the unit's own cells and indicators of all years up to this one; ``tasks``
            and ``words``: its own; ``district``, ``peers`` and ``links``: what it shows of others.
        """
        study, years = self.study, [y for y in self.study.dataset.years if y <= self.year]
        own = [self.facts.astype(str).to_dict()]
        own += [dict(study.rows("unit", self.unit_id, year)) for year in years]
        own += [
            study.cells(self.unit_id, year).astype(str).to_dict()
            for year in years
            if (year, self.unit_id) in study.register.index
        ]
        percent = self.language.numbers.percent
        whole = {key: self.district.get(key, "") for key in self.findings}
        parts = {
            k: percent(f.share_of_district)
            for k, f in self.findings.items()
            if f.share_of_district is not None
        }
        return {
            "figures": digest(own),
            "tasks": digest(self.held),
            "words": digest(sorted(study.words_of(self.year, self.unit_id).items())),
            "district": digest([whole, parts, self.series, self.other_circles]),
            "peers": digest(self.peers),
            "links": digest(self.links),
        }


def _show(value: Fraction | None, text: str) -> Shown:
    return Shown(text, round_half_up(value or Fraction(0), _PLACE_DIGITS))


def _percent(value: Fraction) -> int:
    return int(round_half_up(value, 2) * 100)


def _asked(text: str) -> dict[str, Any]:
    """Return a step that is not the plan's own."""
    return {"tasks": [{"text": text, "ref": ""}], "reasons": [], "named": []}


def unit(study: Study, unit_id: str, year: int) -> UnitReport:
    """Mở báo cáo của một CĐCS trong một năm.

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
