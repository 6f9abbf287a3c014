"""The narrative of one grassroots union in one year."""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from analysis.exploring.names import choose
from analysis.figures import peers as peers_chart
from analysis.figures import trends as trends_chart
from analysis.findings import Finding, find, find_before, find_years, tally
from analysis.findings.finding import by_nearness
from analysis.pages.fragments import EndMark, Fragment, render
from analysis.plan import Task
from analysis.reports.base import Report, digest
from analysis.reports.surroundings import Shown, look_around
from analysis.results.rollups import VERDICTS
from analysis.study import Study

_MOST_GOOD = 3
_MOST_FIRST = 3
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
    around : Surroundings
        All that the page shows of others.
    """

    #: A reader does a few things well; what else was missed is named with what it lacks.
    most_steps = 3

    def __init__(self, study: Study, unit_id: str, year: int) -> None:
        super().__init__(study, year)
        year = self.year
        if (year, unit_id) not in study.register.index:
            names = study.register.loc[year]["name"].astype(str).to_dict()
            unit_id = choose(f"CĐCS trong danh sách năm {year}", unit_id, names)
        self.unit_id = self.writer = unit_id
        self.facts: pd.Series = study.register.loc[(year, unit_id)]
        self.name = str(self.facts["name"])
        before = find_before(study, "unit", unit_id, year)
        self.before, self.basis = before
        self.findings = find(study, "unit", unit_id, year, before)
        self.trends = self._choose_trends()
        self.around = look_around(study, self.findings, unit_id, year, drawn=self.trends)

    @property
    def shares(self) -> list[Finding]:
        """The unit's own rates that have a value; of two rows of one fact the one that judges."""
        rates = [f for f in self.wholes if f.indicator.measure == "ratio" and not f.judged_by]
        return [f for f in rates if f.value is not None]

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
        return self.study.name_parent(str(self.facts["parent"]), self.year)

    @property
    def parent_before(self) -> str:
        """Who the unit reported to a year ago; empty where it was not in the register."""
        if (self.year - 1, self.unit_id) not in self.study.register.index:
            return ""
        last = self.study.register.at[(self.year - 1, self.unit_id), "parent"]
        return self.study.name_parent(str(last), self.year)

    def _events(self) -> list[dict[str, str]]:
        return [
            {
                "text": self.language.say("passage", p, self.language.date(p.day)),
                "name": p.other_name,
                "href": href,
            }
            for p, href in self.around.passages
        ]

    @property
    def unknown(self) -> str:
        """The words for a figure that was not reported."""
        return self.language.word("answer", "unknown").lower()

    def summary(self) -> Fragment:
        """Show how many targets were met, what is nearest, what lacks most, and what to do first."""
        say = self.language.say
        counts = tally(self.year, self.findings.values())
        # What little is known without a return is no year to hold beside another.
        sides = self.sides if self.facts["has_return"] else None
        lead = say("tally", counts, self.language.ui("the_unit"), sides)
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
        title = self.language.ui("summary")
        context = {"lead": lead, "notes": notes, "events": self._events(), "groups": []}
        return self._render("tom-tat", "summary", title, first=first, **context)

    @cached_property
    def missed(self) -> list[Finding]:
        """What was missed, the nearest first."""
        return by_nearness(f for f in self.wholes if f.verdict == "not_met")

    def _extremes(self) -> tuple[list[Finding], Finding | None]:
        """Return what lacks the fewest persons, and what lacks the most where that is another."""
        people = [
            f for f in self.missed if f.shortfall and not (f.is_answer or f.indicator.is_money)
        ]
        nearest = [f for f in people if f.shortfall == people[0].shortfall]
        largest = max(people, key=lambda f: f.shortfall, default=None)
        return nearest, None if largest in nearest else largest

    def _first_steps(self) -> list[dict[str, str]]:
        """Name the three things to do first: what is overdue, then what is nearest."""
        say = self.language.say
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
        say = self.language.say
        verdicts = {v: [f for f in self.wholes if f.verdict == v] for v in VERDICTS}
        groups = [
            self.group("met", say("good_heading"), self._good_lines(verdicts["met"])),
            self.group("undetermined", say("open_heading"), self._open_lines()),
            self.group("not_due", say("stage_heading"), self._lines(verdicts["not_due"])),
        ]
        shown = [group for group in groups if group["lines"]]
        if not shown or not self.facts["has_return"]:
            return None
        found = {group["verdict"] for group in shown}
        is_met = "met" in found and "undetermined" not in found
        title = self.language.ui("achieved" if is_met else "achieved_and_open")
        return self._render("lam-duoc", "groups", title, groups=shown)

    def own_words(self) -> Fragment | None:
        """Show what the unit says itself: the note of its return, and what was written for it."""
        quoted = self.quote(self.unit_id)
        said = self.written(*self.study.words_of(self.year, self.unit_id))
        if not quoted and not said:
            return None
        title = self.language.ui("own_words")
        return self._render("y-kien", "statements", title, lines=quoted, statements=said)

    def last_year(self) -> Fragment | None:
        """Show what a unit without a return told a year ago: what the new one will be held against."""
        known = [f for f in self.before.values() if not f.indicator.is_part and f.is_judged]
        if self.facts["has_return"] or not known:
            return None
        missed = by_nearness(f for f in known if f.verdict == "not_met")
        lines = [
            {"title": f.indicator.short, "text": f"{self.language.say('gap_size', f)}."}
            for f in missed
        ]
        say, year = self.language.say, self.year - 1
        met = [f.indicator.short for f in known if f.verdict == "met"]
        groups = [self.group("not_met", say("bad_heading"), lines)] if lines else []
        if met:
            good = [{"title": "", "text": "; ".join(met) + "."}]
            groups.append(self.group("met", say("good_heading"), good))
        title = f"{self.language.ui('value')} {year}"
        return self._render("nam-truoc", "groups", title, groups=groups)

    def results(self) -> Fragment | None:
        """Show every indicator; of a unit without a return what is known all the same, if anything."""
        return super().results() if self.shown_results else None

    @property
    def shown_results(self) -> list[Finding]:
        """What the table of results shows; without a return only what is known without it."""
        found = super().shown_results
        if self.facts["has_return"]:
            return found
        return [f for f in found if f.value is not None or f.verdict in ("met", "not_met")]

    @property
    def defined(self) -> list[Finding]:
        """What the page defines: all, and without a return what the table of results shows."""
        shown = {f.indicator.whole for f in self.shown_results}
        return [f for f in self.wholes if f.indicator.id in shown or self.facts["has_return"]]

    def definitions(self) -> Fragment | None:
        """Show how each indicator is computed; nothing where there is no result."""
        return super().definitions() if self.defined else None

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
        if not self.trends:
            return None
        say, words = self.language.say, self.language.words
        texts, around = words["ui"], self.around
        drawn = [f for series in self.trends.values() for f in series.values()]
        years = sorted({f.year for f in drawn})
        first = list(next(iter(self.trends.values())).values())
        change = first[-1].shown - first[-2].shown
        breaks = [y for y in around.other_circles if years[0] < y <= years[-1]]
        whole = {key: {y: s.text for y, s in around.series[key].items()} for key in self.trends}
        panels = [
            (
                say("fig_trend_alt", [
                    say("fig_trend_item", self.findings[key].indicator.short,
                        list(series.values()), whole[key], self.findings[key].target)
                ]),
                trends_chart(self._trend(key, years), language=self.language),
            )
            for key, series in self.trends.items()
        ]  # fmt: skip
        return self.figure(
            "xu-huong",
            panels,
            headline=say("fig_trend_title", first[0].indicator.short, first[-2].year, change),
            subtitle=say("fig_trend_subtitle", years[0], years[-1], breaks),
            header=[
                *(texts[key] for key in ("indicator", "year", "unit", "verdict", "district_value"))
            ],
            rows=[
                [
                    self.findings[key].indicator.short,
                    str(year),
                    say("value", series[year]) if year in series else "–",
                    words["verdict"][series[year].verdict] if year in series else "–",
                    whole[key].get(year, "–"),
                ]
                for key, series in self.trends.items()
                for year in years
            ],
            legend=self.verdicts_in(drawn),
        )

    def _trend(self, key: str, years: list[int]) -> pd.DataFrame:
        """Return the unit's years and the district's as rows of `analysis.figures.trends`."""
        own = {y: {**self.rate(f), "of": "unit"} for y, f in self.trends[key].items()}
        for y, finding in self.trends[key].items():
            own[y]["text"] = self.language.say("value", finding)
        whole = {
            y: {"label": self.findings[key].indicator.short, "of": "district",
                "value": shown.place, "text": shown.text}
            for y, shown in self.around.series[key].items() if y in years
        }  # fmt: skip
        breaks = self.around.other_circles
        rows = [{**row, "year": y, "is_break": y in breaks} for y, row in own.items()]
        rows += [{**row, "year": y, "is_break": y in breaks} for y, row in whole.items()]
        return pd.DataFrame(rows)

    def _choose_trends(self) -> dict[str, dict[int, Finding]]:
        """Return the years of missed rates first, then of those that moved most."""
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

    def _headings_beside(self) -> list[str]:
        texts = self.language.words["ui"]
        return [*super()._headings_beside(), texts["district_value"], texts["peers_median"]]

    def _beside(self, finding: Finding) -> list[str]:
        key = finding.indicator.id
        others = [self.around.district.get(key, ""), self.around.peers[key].text]
        return [*super()._beside(finding), *others]

    def figure_peers(self) -> Fragment:
        """Draw the unit among its peers, or say why it is not compared."""
        say, texts = self.language.say, self.language.words["ui"]
        peers = self.around.peers
        shown = [f for f in self.shares if self._is_compared(f)]
        if not shown:
            count = max((standing.count for standing in peers.values()), default=0)
            fewest = self.study.params.min_peers
            line = say("peers_few", count, fewest) if count < fewest else say("peers_small")
            return render("note", line=line)
        counts = [peers[f.indicator.id].count for f in shown]
        better = sum(not peers[f.indicator.id].is_below for f in shown)
        type_name = self.language.dictionary_word("unit_type", str(self.facts["unit_type"]))
        rows = []
        for finding, count in zip(shown, counts, strict=True):
            lower, median, upper = self._quartiles(finding)
            between = f"{lower.text} – {upper.text}"
            label, value = finding.indicator.short, say("value", finding)
            rows.append([label, value, median.text, between, str(count)])
        items = [say("fig_peers_item", *row[:4]) for row in rows]
        drawn = peers_chart(pd.concat(map(self._peers_of, shown)), language=self.language)
        return self.figure(
            "cung-loai",
            [(say("fig_peers_alt", items), drawn)],
            headline=say("fig_peers_title", better, len(shown)),
            subtitle=say("fig_peers_subtitle", type_name, min(counts), max(counts), self.year),
            header=[
                texts[key] for key in ("indicator", "unit", "median", "quartiles", "compared_with")
            ],
            rows=rows,
            legend=self.verdicts_in(shown),
        )

    def _is_compared(self, finding: Finding) -> bool:
        people = finding.denominator  # amounts of money may be withheld, and are never few
        is_small = people is not None and people < self.study.params.min_ranked
        return not is_small and self.around.peers[finding.indicator.id].quartiles is not None

    def _quartiles(self, finding: Finding) -> tuple[Shown, Shown, Shown]:
        quartiles = self.around.peers[finding.indicator.id].quartiles
        assert quartiles is not None
        return quartiles

    def _peers_of(self, finding: Finding) -> pd.DataFrame:
        """Return the unit and its peers as rows of `analysis.figures.peers`."""
        names = ("lower_quartile", "median", "upper_quartile")
        places = [shown.place for shown in self._quartiles(finding)]
        own = {
            "label": finding.indicator.short,
            "value": finding.value,
            "is_marked": True,
            "verdict": finding.verdict,
            "text": self.language.say("value", finding),
            **dict(zip(names, places, strict=True)),
        }
        dots = self.around.peers[finding.indicator.id].dots
        others = [
            {"label": own["label"], "value": Fraction(at, 100), "is_marked": False, "count": count}
            for at, count in dots
        ]
        return pd.DataFrame([own, *others])

    def next_steps(self) -> Fragment:
        """Show what was missed and by how much, with the plan's own task for it."""
        return self._render(
            "viec-can-lam",
            "next_steps",
            self.language.ui("missed_and_next" if self.missed else "to_do"),
            steps=[*map(_asked, self.asked()), *self.missed_steps(self.most_steps)],
            nothing=self.language.say("keep_going"),
        )

    def asked(self) -> list[str]:
        """Say what the unit has to send: its return, or the figures that its return lacks."""
        say = self.language.say
        lacking = dict.fromkeys(
            name for f in self.wholes if f.verdict == "undetermined" for name in f.lacking
        )
        if self.facts["has_return"]:
            return [say("send_missing", list(lacking))] if lacking else []
        form = self.language.dictionary_word("unit_type", str(self.facts["unit_type"]))
        day = self.language.date(self.study.plan.cut_off_in(self.year))
        return [
            say("send_form", self.year, form, day),
            say("send_return", self.year, self.parent),
            f"{self.language.ui('brief_contact')}: {say('contact', self.parent)}",
        ]

    def missed_steps(self, most: int) -> list[dict[str, Any]]:
        """Return the plan's tasks for so many of the nearest, each with what it mends, then the rest."""
        by_tasks: dict[tuple[Task, ...], list[Finding]] = {}
        for finding in self.missed[:most]:
            by_tasks.setdefault(self._tasks_for(finding), []).append(finding)
        steps: list[dict[str, Any]] = [
            {
                "tasks": [{"text": task.text, "ref": self._task_ref(task)} for task in tasks],
                "reasons": [self.line(finding) for finding in findings],
                "named": [],
            }
            for tasks, findings in by_tasks.items()
        ]
        rest = self.missed[most:]
        if rest:
            say = self.language.say
            named = [say("missed_by", finding) for finding in rest]
            steps.append({**_asked(say("other_missed", len(rest))), "named": named})
        return steps

    def _task_ref(self, task: Task) -> str:
        """Say where the plan asks for a task, and how the unit stands with it."""
        duty = next((duty for duty in self.held if duty.task.id == task.id), None)
        ref = self.language.say("by_plan", task.section)
        if duty is None or duty.task.indicator:
            return ref
        due = self.language.date(duty.due) if duty.due else ""
        return f"{ref}; {self.language.say('duty_of_step', duty, due)}"

    def tasks(self) -> Fragment:
        """Show every task that the plan gives this unit, with its state and what proves it."""
        return self._show_tasks(self.language.ui("tasks"))

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
        cells, say = self.study.cells(self.unit_id, self.year), self.language.say
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

    @property
    def holder(self) -> str:
        """Whose tasks the page orders: the unit's."""
        return self.unit_id

    def _fits(self, task: Task) -> bool:
        types = self.study.plan.types_in(task.population)
        return task.owner == "unit" and str(self.facts["unit_type"]) in types

    def finish(self) -> EndMark:
        """End the page: its title, its contents and the mark that it ran to the end."""
        texts = self.language.words["ui"]
        return self._end(
            self.language.say("tally", tally(self.year, self.findings.values()), self.name),
            f"{self.name} – {texts['report_of'].lower()} {self.year}",
            nav=[
                {"href": "../index.html", "text": texts["back_to_index"]},
                {"href": "../year.html", "text": texts["back_to_year"]},
                *(
                    {"href": f"{key}.html", "text": f"{texts[word]}: {name}"}
                    for word, (key, name) in self.around.neighbours.items()
                ),
                *(
                    {
                        "href": f"../../{year}/cdcs/{self.unit_id}.html",
                        "text": f"{texts['year']} {year}",
                    }
                    for year in self.around.other_years
                ),
            ],
        )

    def digests(self) -> dict[str, str]:
        """Return hashes of all that the page says: of the unit itself, and of what is around it.

        Two pages of a unit with equal digests, under the same plan and settings, are the same.

        Returns
        -------
        dict of str to str
            ``figures``: the unit's own cells and indicators of all years up to this one;
            ``tasks`` and ``words``: its own; ``district``, ``peers`` and ``links``: `around`.
        """
        study, years = self.study, [y for y in self.study.dataset.years if y <= self.year]
        own = [self.facts.astype(str).to_dict()]
        own += [dict(study.rows("unit", self.unit_id, year)) for year in years]
        own += [
            study.cells(self.unit_id, year).astype(str).to_dict()
            for year in years
            if (year, self.unit_id) in study.register.index
        ]
        around = vars(self.around).copy()
        peers = around.pop("peers")
        links = [around.pop(name) for name in ("neighbours", "other_years", "passages")]
        return {
            "figures": digest(own),
            "tasks": digest(self.held),
            "words": digest(sorted(study.words_of(self.year, self.unit_id).items())),
            "district": digest(around),
            "peers": digest(peers),
            "links": digest(links),
        }


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
