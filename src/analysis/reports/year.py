"""The narrative of a whole year."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.figures import charts
from analysis.findings.finding import (
    Finding,
    Sides,
    difference,
    find,
    find_before,
    find_in,
    find_restated,
    find_years,
    is_comparable,
    planned_path,
    tally,
)
from analysis.findings.perimeter import Circumstances, find_circle, find_circumstances, same_units
from analysis.findings.units import (
    FEW_UNITS,
    TASK_VERDICTS,
    Gap,
    Leaders,
    find_gap,
    find_without_union,
    lead,
    own_facts,
)
from analysis.pages.fragments import EndMark, Fragment, render
from analysis.redaction.published import kind_of
from analysis.reports.base import in_columns, table
from analysis.reports.board import Boards
from analysis.study import Study
from analysis.tables.dictionary import dictionary
from analysis.tables.writing import alphabetically, came_into, find_place
from analysis.tasks import GROUPS, Duty

#: As many communes stand below each other; more begin another column.
_MOST_BARS = 11
#: Of a unit's register and return: who and where it is, and texts.
_NOT_FIGURES = ("name", "unit_type", "commune", "parent", "founded_on", "dissolved_on", "note")
_MOST_PLACES = 3
_FEWEST_POINTS, _MOST_POINTS = 3, 5
_MOST_UNITS = 20
#: Of a gap's units, or of a list's; the board has all.
_MOST_NAMED = 4


class YearReport(Boards):
    """The narrative of a year; made by `year`."""

    #: Whom it tells of: the whole, or one area.
    scope, scope_id = "district", ""

    def __init__(self, study: Study, year: int) -> None:
        super().__init__(study, year)
        whole = ("district", study.plan.issuer.id, self.year)
        before = find_before(study, *whole)
        self.before, _ = before
        self.findings = find(study, *whole, before)
        self.circle = find_circle(study, self.year)
        self.units = study.expected_units(self.year)

    @cached_property
    def ended_on(self) -> date | None:
        """The day on which the district federation ended, if before this year's figures close."""
        ended = self.study.dataset.district["dissolved_on"].min()
        is_over = pd.notna(ended) and ended.date() < self.study.plan.cut_off_in(self.year)
        return ended.date() if is_over else None

    @cached_property
    def gaps(self) -> dict[str, Gap]:
        """Where those are that hold what was missed, by indicator."""
        missed = [f for f in self.by_verdict["not_met"] if f.indicator.over == "units"]
        return {f.indicator.id: find_gap(self.study, f) for f in missed if f.indicator.is_fraction}

    @property
    def received(self) -> int:
        """How many units have reported."""
        return int(self.units["has_return"].sum())

    def header(self) -> Fragment:
        """Show what this is about."""
        plan, people = self.study.plan, find_circumstances(self.study, self.year).whole
        members = self.ui("hidden")
        if people.members is not None:
            members = self.say("sum_of_known", people.members, people.unknown)
        told = [self.count(len(self.units)), self.count(self.received), members]
        facts = list(zip(self.labels("expected", "received", "members"), told, strict=True))
        if self.ended_on:
            facts.insert(0, (self.ui("district_ended_on"), self.day(self.ended_on)))
        title = f"{self.ui('year_title')} {self.year}: {plan.short}"
        return self.head(plan.issuer.name, title, facts)

    def summary(self) -> Fragment:
        """Show the year at a glance: the counts, what changed sides, the main points."""
        return self._render(
            "tom-tat",
            "year_summary",
            self.ui("summary"),
            lead=self._lead(self.sides),
            points=self._main_points(),
            notes=[self.coverage_line(), *self._perimeter_lines()],
        )

    def _lead(self, sides: Sides | None) -> str:
        """Say what was met; once the district has ended, of its unions and not of itself."""
        told = self.say("year_lead", self.tally, sides, self.name)
        if self.ended_on is None:
            return told
        return f"{self.say('district_ended', self.day(self.ended_on), self.name)} {told}"

    def _main_points(self) -> list[str]:
        """Say the largest news first: grades, what is no longer met, what came on, what lacks most."""
        grades = [f for f in self.wholes if f.is_grade and f.change and f.change.difference != 0]
        points = [f"{f.indicator.title}: {self.line(f)['text']}" for f in grades]
        won, lost = (self.sides.won, self.sides.lost) if self.sides else ((), ())
        points += self._crossings(f for f in lost if f not in grades)
        points += self._better_sections(won, lost)
        points += self._crossings(f for f in won if f not in grades)
        # Nothing is called the most or the least where a withheld figure may be.
        missed = self.by_verdict["not_met"]
        missed = [] if any(f.is_hidden for f in missed) else missed
        people = [f for f in missed if kind_of(f.indicator) == "persons" and f.shortfall]
        largest = max(people, key=lambda f: f.shortfall, default=None)
        if largest is not None:
            points.insert(min(len(points), _MOST_POINTS - 1), self.say("point_gap", largest))
        # Then what is farthest from its bar and what nearest, of what was not told yet.
        sized = [f for f in missed if f.shortfall and f not in (*lost, largest)]
        sized.sort(key=_distance, reverse=True)
        ends = [(f, False) for f in sized[:1]] + [(f, True) for f in sized[1:][-1:]]
        more = [self.say("point_end", *pair) for pair in ends]
        points += more[: max(_FEWEST_POINTS - len(points), 0)]
        return points[:_MOST_POINTS]

    def _crossings(self, moved: Iterable[Finding]) -> list[str]:
        """Say of each indicator that crossed its bar how it stood and stands, the largest move first."""
        return [
            self.say("point_side", f, self.before[f.indicator.id])
            for f in sorted(moved, key=lambda f: -abs(f.change.difference) if f.change else 0)
        ]

    def _better_sections(self, won: Sequence[Finding], lost: Sequence[Finding]) -> list[str]:
        """Say which part of the plan came on most, where one did by two indicators or more."""
        net = Counter(f.indicator.part_of_plan for f in won)
        net.subtract(f.indicator.part_of_plan for f in lost)
        (best, most), *others = net.most_common() or [("", 0)]
        if most < 2 or (others and others[0][1] == most):
            return []
        inside = [f for f in self.wholes if f.indicator.part_of_plan == best]
        (title,) = self.by_section(inside)
        return [self.say("point_section", title, most, tally(self.year, inside))]

    def circumstances(self) -> Fragment:
        """Show with what the year began and ended: unions, members, events; then the office's words."""
        found = find_circumstances(self.study, self.year)
        return self._render(
            "dac-diem",
            "circumstances",
            self.language.dictionary_word("statement", "circumstances"),
            lines=self.circumstances_lines(found),
            statements=self.written("circumstances"),
            table=self.table_of_types(found),
        )

    def circumstances_lines(self, found: Circumstances) -> list[str]:
        """Say how many unions and members there are, and what happened to unions in the year."""
        day = self.day(self.study.plan.cut_off_in(self.year))
        return [self.say("circumstances", found, day), self.say("events", found, _MOST_NAMED)]

    def table_of_types(self, found: Circumstances) -> dict[str, Any]:
        """Return unions and members by type as a table of the page's templates."""
        has_people = all(one.members is not None for one in found.types)
        labels = self.labels("unit_type", "unit", "members", "women")[: 4 if has_people else 2]
        rows = [
            [
                self.language.dictionary_word("unit_type", one.unit_type),
                self.count(one.units),
                self.say("sum_of_known", one.members or 0, one.unknown),
                "–" if one.women is None else self.count(one.women),
            ]
            for one in found.types
        ]
        return table(self.ui("types_caption"), labels, rows)

    def leadership(self) -> Fragment:
        """Show part I of a review: what the district itself did, to its end if it ended."""
        if self.ended_on is None:
            context: dict[str, Any] = {"lines": [], "items": self.own_lines(), "table": None}
        else:
            lines = [self.not_judged(self.ended_on)]
            context = {"lines": lines, "items": [], "table": self._own_facts(self.ended_on)}
        return self._render("lanh-dao", "leadership", self.ui("leadership"), **context)

    def not_judged(self, ended_on: date) -> str:
        """Say that a district that ended is not judged itself."""
        return self.say("district_not_judged", self.day(ended_on), self.name, self.year)

    def own_lines(self) -> list[dict[str, Any]]:
        """Say of each of the district's own indicators how it stands; of those without figures at once."""
        own = [f for f in self.wholes if f.indicator.over == "district"]
        silent = [f for f in own if _is_silent(f)]
        if len(silent) < 2:
            return [self.line(f) for f in own]
        names = "; ".join(f.indicator.short for f in silent)
        known = [self.line(f) for f in own if f not in silent]
        return [*known, {"title": self.say("own_unknown", self.name), "text": f"{names}."}]

    def _own_facts(self, ended_on: date) -> dict[str, Any] | None:
        """Return what the district itself did in the year in which it ended."""
        found = own_facts(self.study, self.year)
        if not found or self.year not in set(self.study.dataset.district["year"]):
            return None
        rows = [
            [f.indicator.title, self.say("value", f), self.say("counts", f)]
            for f in found.values()
            if not f.indicator.is_part or f.indicator.whole not in found
        ]
        caption = self.say("own_facts", self.name, self.day(ended_on))
        return table(caption, self.labels("task", "value", "counts"), rows)

    def year_results(self) -> Fragment:
        """Show part II of a review: the plan's parts in order, and who holds what is missing."""
        parts: list[dict[str, Any]] = []
        for title, inside in self.by_section(self.wholes).items():
            shown = [f for f in inside if f.indicator.over != "district"]
            own = sum(f.is_judged for f in inside if f not in shown)
            intro = self.say("part_intro", tally(self.year, inside), own, self.name)
            rows = [(f, _bar(f), self._gap_words(f)) for f in shown]
            parts.append({"title": title, "intro": intro, "rows": rows})
        changes = [f.change for part in parts for f, _, _ in part["rows"] if f.change]
        notes = [self.say("since_same_units")] if self.circle.is_other else []
        return self._render(
            "phan-ii",
            "parts",
            self.ui("year_results"),
            parts=parts,
            since=self.say("since", self.year - 1) if any(not one.grade for one in changes) else "",
            notes=[*notes, *self.only_reported()],
        )

    def only_reported(self) -> list[str]:
        """Say so, once, where what is lacking counts only those that reported."""
        missed = any(f.missing for f in self.by_verdict["not_met"] if f.shortfall)
        return [self.say("only_reported")] if missed else []

    def own_tasks(self) -> Fragment | None:
        """Show the tasks of the issuer itself; nothing once it has ended."""
        if self.ended_on is not None:
            return None
        return self._show_tasks(self.say("own_tasks_title", self.name))

    @cached_property
    def duties(self) -> list[Duty]:
        """What every holder has to do in the year."""
        return [duty for held in self.study.duties(self.year).values() for duty in held]

    @cached_property
    def _task_bars(self) -> dict[str, charts.TaskBar]:
        """Return the bar of each part of the plan that has tasks, by the part's id."""
        found: dict[str, Counter[str]] = defaultdict(Counter)
        for duty in self.duties:
            found[duty.task.section.partition(".")[0]][duty.group] += 1
        bars = {}
        for section in self.study.plan.sections:
            if section.id in found:
                counts = {group: found[section.id][group] for group in GROUPS}
                text = self.say("section_tasks", counts, sum(counts.values()))
                bars[section.id] = charts.TaskBar(f"{section.id}. {section.title}", text, counts)
        return bars

    def _overdue_lines(self) -> list[str]:
        """Name each task that is overdue anywhere, with its day and those that are late."""
        late: dict[str, list[Duty]] = defaultdict(list)
        for duty in self.duties:
            if duty.state == "overdue":
                late[duty.task.id].append(duty)
        lines = []
        for held in sorted(late.values(), key=lambda held: -held[0].days_late):
            names = sorted((self._name_holder(d.holder_id) for d in held), key=alphabetically)
            day, shown = self.day(held[0].due), names[:_MOST_UNITS]
            lines.append(self.say("overdue_line", held[0], day, shown, len(names) - len(shown)))
        return lines

    def _name_holder(self, holder: str) -> str:
        return self.name if holder == self.holder else str(self.units.at[holder, "name"])

    def figure_tasks(self) -> Fragment | None:
        """Draw the tasks of each section by state; nothing where nobody follows tasks."""
        say, groups, bars = self.say, self.words["task_group"], list(self._task_bars.values())
        if not bars:
            return None
        total = {group: sum(bar.counts[group] for bar in bars) for group in GROUPS}
        alt = say("fig_tasks_alt", [f"{bar.label}: {bar.text}" for bar in bars])
        chart = self.figure(
            "nhiem-vu",
            [(alt, charts.tasks_chart(bars, self.language))],
            headline=say("fig_tasks_title", total, sum(total.values())),
            subtitle=say("fig_tasks_subtitle", self.day(self.duties[0].on)),
            header=[self.ui("part_of_plan"), *groups.values()],
            rows=[[bar.label, *(self.count(bar.counts[name]) for name in groups)] for bar in bars],
            legend=self.legend({tone: groups[name] for name, tone in TASK_VERDICTS.items()}),
        )
        lines = self._overdue_lines()
        more = render("lines", heading=self.ui("overdue_tasks"), lines=lines).html if lines else ""
        return Fragment(chart.html + more)

    def _gap_words(self, finding: Finding) -> dict[str, Any] | None:
        gap = self.gaps.get(finding.indicator.id)
        if gap is None or not gap.units:
            return None
        say, is_share = self.say, finding.indicator.is_share
        leaders = gap.named(_MOST_NAMED)
        tail = say("gap_rest", gap, leaders)
        is_one = len(gap.units) == 1 and not gap.own and not gap.is_partial
        return {
            "where": "" if is_one else say("gap_where", gap, self._places(gap)),
            "lead": say("gap_lead", gap, leaders) if leaders.named else "",
            "units": [
                {
                    "id": key,
                    "name": str(self.units.at[key, "name"]),
                    "size": "" if is_share or is_one else self.count(size),
                }
                for key, size in leaders.named
            ],
            "rest": tail if tail[0] in ";." or not leaders.named else f" {tail}",
        }

    def _places(self, gap: Gap) -> Leaders:
        """Return the communes that hold most; none where every unit is named or all are in one."""
        are_many = len(gap.units) > FEW_UNITS and self.units["commune"].nunique() > 1
        return lead(gap.communes, _MOST_PLACES) if are_many else Leaders(())

    def assessment(self) -> Fragment:
        """Show part III of a review: what is strong and weak, near and far, open, and under way."""
        statements = self.written("causes", "lessons")
        return self._render(
            "danh-gia",
            "assessment",
            self.ui("assessment"),
            lines=self.weigh(),
            statements=statements,
        )

    def weigh(self) -> list[str]:
        """Say what the year's verdicts come to, a sentence each."""
        return [*self._weigh_sections(), *self._weigh_verdicts()]

    def _weigh_sections(self) -> list[str]:
        """Name the parts of the plan with the largest and the smallest share of what is met."""
        rated: dict[Fraction, list[tuple[str, Any]]] = defaultdict(list)
        for title, inside in self.by_section(self.wholes).items():
            counts = tally(self.year, inside)
            if decided := counts.met + counts.not_met:
                rated[Fraction(counts.met, decided)].append((title, counts))
        if len(rated) < 2:
            return []
        # More parts than can be named are no end of a list.
        best, worst = rated[max(rated)], rated[min(rated)]
        ends = [end if len(end) <= _MOST_PLACES else [] for end in (best, worst)]
        return [self.say("weigh_sections", *ends)] if any(ends) else []

    def _weigh_verdicts(self) -> list[str]:
        """Say of each verdict what stands nearest to the bar and what farthest from it."""
        say, by_verdict = self.say, self.by_verdict
        lines = []
        if met := by_verdict["met"]:
            spare = [f for f in met if f.slack is not None and f.target and f.target.minimum < 1]
            lines.append(say("weigh_met", met, sorted(spare, key=_distance)[:2]))
        if missed := by_verdict["not_met"]:
            is_whole = not any(f.is_hidden for f in missed)
            known = sorted((f for f in missed if f.shortfall and is_whole), key=_distance)
            far = [f for f in known[-2:] if f not in known[:3]]
            lines.append(say("weigh_missed", missed, known[:3], far[::-1]))
        if still_open := by_verdict["undetermined"]:
            lines.append(say("weigh_open", still_open))
        if staged := by_verdict["not_due"]:
            lines.append(say("weigh_staged", staged))
        return lines

    def same_perimeter(self) -> Fragment | None:
        """Show both years over the same units, where the circle of units itself has changed."""
        say, pairs, rows = self.say, self.same_rows(), []
        for f in self.wholes:
            if f.indicator.over != "units" or f.indicator.id not in pairs:
                continue
            before, now = (find_in(self.study, f.indicator, r) for r in pairs[f.indicator.id])
            if change := difference(now, before, "same_units"):
                last = self.before.get(f.indicator.id)
                figures = [say("value", one) if one else "–" for one in (last, f, before, now)]
                rows.append([f.indicator.title, *figures, say("change_size", change)])
        if not rows:
            return None
        published, same, last_year = self.ui("published"), self.ui("same_units"), self.year - 1
        labels = [f"{word} {year}" for word in (published, same) for year in (last_year, self.year)]
        caption = self.ui("same_perimeter")
        return self._render(
            "cung-pham-vi",
            "table",
            caption,
            lines=[say("same_perimeter", self.year)],
            missing=[],
            **table(caption, [self.ui("indicator"), *labels, self.ui("change")], rows),
        )

    def same_rows(self) -> Mapping[str, tuple[Any, Any]]:
        """Return last year's rows and this year's over the units in both; none where all are."""
        if not self.circle.is_other:
            return {}
        return same_units(self.study, self.year, self.scope, self.scope_id)

    def coverage_line(self) -> str:
        """Say how many have reported."""
        return self.say("coverage", self.year, len(self.units), self.received)

    def _perimeter_lines(self) -> list[str]:
        """Say so where the circle of units itself has changed since last year."""
        has_sums = self.study.params.edition == "internal"
        told = self.say("perimeter", self.circle, self.year - 1, has_sums)
        return [told] if self.circle.is_other else []

    def figures_path(self) -> Fragment | None:
        """Draw the stage indicators' yearly values against the planned path."""
        drawn = [self.figure(**parts) for parts in self.paths()]
        html = "\n".join(fragment.html for fragment in drawn)
        return Fragment(f"<div>{html}</div>") if html else None

    def paths(self) -> list[dict[str, Any]]:
        """Return what `figure` shows of each stage indicator: its years against the planned path."""
        parts = [self._path(f) for f in self.wholes if f.indicator.is_stage]
        return [one for one in parts if one is not None]

    def _path(self, finding: Finding) -> dict[str, Any] | None:
        say, percent = self.say, self.language.numbers.percent
        yearly, path = (
            self._years_of(finding),
            planned_path(self.study, finding.indicator, self.year),
        )
        if not path or not yearly:
            return None
        others = [f.year for f in yearly if self.is_break(f)]
        planned = {y: percent(level) for y, level in sorted(path.items())}
        rows = [[str(f.year), say("value", f), say("counts", f), ""] for f in yearly]
        rows += [[str(y), "", "", level] for y, level in planned.items()]
        items = [f"{f.year}: {say('value', f)}" for f in yearly]
        knots = [f"{y}: {level}" for y, level in planned.items()]
        corners: dict[int, dict[str, Any]] = {y: {"planned": level} for y, level in path.items()}
        for f in yearly:
            corners.setdefault(f.year, {"planned": None}).update(self.rate(f))
        frame = pd.DataFrame([{**row, "year": y} for y, row in corners.items()])
        drawn = charts.path(frame, language=self.language)
        return {
            "name": f"lo-trinh-{finding.indicator.id.replace('_', '-')}",
            "panels": [(say("fig_path_alt", finding.indicator.short, items, knots), drawn)],
            "headline": say("fig_path_title", finding),
            "subtitle": say("fig_path_subtitle", min(yearly[0].year, *path), max(path), others),
            "header": self.labels("year", "value", "counts", "path"),
            "rows": rows,
            "legend": self.verdicts_in(yearly),
        }

    def figure_trends(self) -> Fragment | None:
        """Draw the district's rates over all years, a small chart each on one scale."""
        say, panels, rows, drawn = self.say, [], [], []
        for finding in (f for f in self.wholes if f.is_judged and f.indicator.is_fraction):
            short, series = finding.indicator.short, self._years_of(finding)
            if len(series) < 2:
                continue
            frame = pd.DataFrame(
                [self.rate(f, year=f.year, is_break=self.is_break(f)) for f in series]
            )
            item = say("fig_trend_item", short, series, {}, finding.target)
            panels.append(
                (say("fig_trend_alt", [item]), charts.trends(frame, language=self.language))
            )
            drawn += series
            for f in series:
                told = [say("value", f), say("target", f), self.words["verdict"][f.verdict]]
                rows.append([short, str(f.year), *told])
        if not panels:
            return None
        years = sorted({f.year for f in drawn})
        breaks = [y for y in years[1:] if find_circle(self.study, y).is_other]
        return self.figure(
            "cac-nam",
            panels,
            headline=say("fig_trends_title", years[0], years[-1]),
            subtitle=say("fig_trends_subtitle", breaks),
            header=self.labels("indicator", "year", "value", "target", "verdict"),
            rows=rows,
            legend=self.verdicts_in(drawn),
        )

    def _years_of(self, finding: Finding) -> list[Finding]:
        issuer = self.study.plan.issuer.id
        found = find_years(self.study, "district", issuer, finding.indicator, self.year)
        return list(found.values())

    def figure_gap(self) -> Fragment | None:
        """Draw the communes' rates where the largest shortfall of persons or units is."""
        sized = [g for g in self.gaps.values() if not g.finding.indicator.is_money]
        gap = max(sized, key=lambda g: g.total, default=None)
        communes = self._communes(gap.finding) if gap is not None else []
        if gap is None or len(communes) < 2:
            return None
        say, verdicts = self.say, self.words["verdict"]
        panels = []
        for part in in_columns(communes, _MOST_BARS):
            frame = pd.DataFrame([self.rate_and_counts(f) | {"label": f.scope_id} for f in part])
            items = [say("fig_commune_item", f) for f in part]
            alt = say("fig_commune_alt", gap.finding, self.year, items)
            panels.append((alt, charts.rates(frame, language=self.language)))
        lowest = [f for f in communes if f.shown == communes[0].shown]
        below, formed = sum(f.verdict == "not_met" for f in communes), self._formed(communes)
        return self.figure(
            "xa-thi-tran",
            panels,
            headline=say("fig_commune_title", gap.finding, lowest, below, len(communes)),
            subtitle=say("fig_commune_subtitle", gap, self.year, formed),
            header=self.labels("commune", "numerator", "denominator", "value", "verdict"),
            rows=[[f.scope_id, *self.figure_row(f)[1:4], verdicts[f.verdict]] for f in communes],
            legend=self.verdicts_in(communes),
        )

    def _formed(self, communes: Sequence[Finding]) -> list[tuple[str, list[str]]]:
        """Return the communes that took the place of others since the last report, with those."""
        formed: dict[str, list[str]] = defaultdict(list)
        places = {f.scope_id for f in communes}
        heirs = came_into(self.study.dataset.tables["communes"], self.year - 1, self.year)
        for old, names in heirs.items():
            for new in {find_place(name, places) for name in names} - {None}:
                formed[str(new)].append(old)
        return sorted(formed.items(), key=lambda one: alphabetically(one[0]))

    def _communes(self, finding: Finding) -> list[Finding]:
        """Return what each commune's units reached, lowest first; withheld or unknown left out."""
        names = sorted(self.units["commune"].astype(str).unique(), key=alphabetically)
        rows = [self.study.rows("commune", name, self.year) for name in names]
        item = finding.indicator
        found = [find_in(self.study, item, row[item.id]) for row in rows if item.id in row]
        return sorted((f for f in found if f.value is not None), key=lambda f: f.value or 0)

    def restated(self) -> Fragment | None:
        """Show what is another than in the edition before; nothing where there was none."""
        kept = Path(self.study.params.previous)
        if not self.study.params.previous or not is_comparable(self.study, kept):
            return None
        say, is_shared = self.say, self.study.params.edition == "share"
        changed = find_restated(self.study, self.findings, kept)
        if is_shared and not changed:
            return None  # of persons and money it says nothing, not even that they are the same
        lines = [{"title": r.finding.indicator.title, "text": say("restated", r)} for r in changed]
        made_on = self.day(datetime.strptime(kept.stem[:8], "%Y%m%d").date())
        verdicts = sum(r.is_other_verdict for r in changed)
        told = [say("restated_lead", made_on, verdicts, len(changed), is_shared)]
        title = self.ui("restated")
        return self._render("thay-doi", "leadership", title, lines=told, items=lines, table=None)

    def coverage(self) -> Fragment:
        """Show who has reported and who has not, by type."""
        rows = []
        for word, returned in self.units.groupby("unit_type", sort=False)["has_return"]:
            name, received = self.language.dictionary_word("unit_type", str(word)), returned.sum()
            counts = [
                self.count(int(n)) for n in (returned.size, received, returned.size - received)
            ]
            rows.append([name, *counts])
        rows.sort(key=lambda row: alphabetically(row[0]))
        labels = self.labels("unit_type", "expected", "received", "not_received")
        title = self.ui("coverage")
        return self._render(
            "bao-cao",
            "table",
            title,
            lines=[self.coverage_line()],
            missing=[{"id": key, "name": str(name)} for key, name in self.absent["name"].items()],
            missing_heading=self.ui("not_received"),
            **table(title, labels, rows),
        )

    @property
    def absent(self) -> pd.DataFrame:
        """The units without a return, by name."""
        units = self.units[~self.units["has_return"]].sort_index()
        return units.sort_values("name", key=lambda names: names.map(alphabetically), kind="stable")

    def employers_without_union(self) -> Fragment | None:
        """Name the employers that the plan counts and that have no union; for the office alone."""
        found, title = self.table_without_union(), self.ui("without_union")
        if found is None:
            return None
        return self._render("chua-co-cong-doan", "table", title, **found, missing=[])

    def table_without_union(self) -> dict[str, Any] | None:
        """Return the employers without a union as a table of the page's templates, with its lead."""
        asked = next((f for f in self.wholes if f.indicator.measure == "share_of_employers"), None)
        if asked is None or self.study.params.edition != "internal":
            return None
        found = find_without_union(self.study, asked.indicator, self.year)
        if found.empty:
            return None
        workers = found["workers_total"]
        unknown = asked.missing + int(workers.isna().sum())
        rows = [
            [name, commune, "–" if pd.isna(number) else self.count(int(number))]
            for name, commune, number in found.itertuples(index=False)
        ]
        caption = f"{self.ui('without_union')}, {self.year}"
        lines = [self.say("without_union", asked, len(found), workers.sum(), unknown)]
        return table(caption, self.labels("employer", "commune", "workers"), rows, 2) | {
            "lines": lines
        }

    def final_returns(self) -> Fragment | None:
        """Show the last figures of units that ended in the year: they are in no result of it."""
        units = self.study.register.loc[self.year]
        ended = units[~units["is_expected"] & units["dissolved_on"].notna()]
        told = ended[ended["has_return"]]
        if told.empty or self.study.params.edition != "internal":
            return None
        told = told.sort_values("name", key=lambda names: names.map(alphabetically))
        last = [
            {
                "name": str(unit["name"]),
                "day": self.day(unit["dissolved_on"].date()),
                "figures": self._figures_of(str(key)),
            }
            for key, unit in told.iterrows()
        ]
        lead, title = (
            self.say("final_returns", self.year, len(ended), len(told)),
            self.ui("final_returns"),
        )
        return self._render("so-lieu-cuoi", "final_returns", title, lead=lead, units=last)

    def _figures_of(self, unit_id: str) -> list[tuple[str, str]]:
        """Return what a unit reported, in words; what it left empty is left out."""
        cells, language, found = self.study.cells(unit_id, self.year), self.language, []
        for source in ("roster", "returns"):
            for name, column in dictionary().tables[source].columns.items():
                cell = cells.get(name)
                if name in _NOT_FIGURES or pd.isna(cell):
                    continue
                if column.type.name == "boolean":
                    text = language.word("answer", "yes" if cell else "no")
                else:
                    is_word = bool(column.words)
                    text = language.dictionary_word("grade", cell) if is_word else self.count(cell)
                found.append((language.heading(name), text))
        return found

    def next_steps(self) -> Fragment:
        """Show part IV: decisions, each with who is to carry it out and the number to reach."""
        return self._render(
            "phuong-huong",
            "decisions",
            self.ui("direction"),
            lines=self._handed_over(),
            rows=self.decisions(),
            nothing=self.say("keep_going"),
            statements=self.written("proposals"),
        )

    def decisions(self, listed: str = "") -> list[dict[str, Any]]:
        """Return what is to be done: what, where the plan asks for it, who, and what it makes up for.

        ``listed`` is under which heading those without a return are named; by default the page's.
        """
        rows = [*self._urgent(listed or self.ui("coverage")), *self._mending()]
        return [
            {"ref": "", "number": "", "reasons": [], "owner": self._owner, **row} for row in rows
        ]

    def _urgent(self, listed: str) -> list[dict[str, Any]]:
        """Return what is overdue, who has not sent a return, what else is open, what falls due next."""
        say = self.say
        late = Counter(duty.task.short for duty in self.duties if duty.state == "overdue")
        rows = [
            {"what": [say("press_overdue", name)], "number": say("places", held)}
            for name, held in late.most_common()
        ]
        if absent := len(self.units) - self.received:
            number = f"{self.count(absent)} {self.ui('unit')}"
            rows.append({"what": [say("remind", self.year, listed)], "number": number})
        # What the indicators that are still open wait for: the district's own figures, others'.
        waiting = self.by_verdict["undetermined"]
        own = [f for f in waiting if f.indicator.over == "district"]
        asked = (
            (say("supply_own", own, self.name), len(own)),
            (say("supply_rest"), len(waiting) - len(own)),
        )
        rows += [{"what": [text], "number": say("targets_open", n)} for text, n in asked if n]
        return rows + [{"what": [text]} for text in self._next_due()]

    def _mending(self) -> list[dict[str, Any]]:
        """Return the plan's tasks for all that was missed, with what each has to make up for."""
        return [
            {
                "what": [task.text for task in tasks] or [self.say("no_task")],
                "ref": "; ".join(dict.fromkeys(task.section for task in tasks)),
                "reasons": missed,
            }
            for tasks, missed in self.tasks_for(self.by_verdict["not_met"]).items()
        ]

    @cached_property
    def heirs(self) -> list[str]:
        """Who has taken the plan over from a district that ended: whom its units report to now."""
        named = self.study.dataset.description.parents
        taken = self.ended_on is not None
        return [named[key] for key in sorted(set(self.units["parent"])) if taken and key in named]

    @property
    def _owner(self) -> str:
        if self.ended_on is not None:
            return "; ".join(self.heirs) or self.ui("heirs")
        return self.name

    def _handed_over(self) -> list[str]:
        """Say to whom the tasks of a district that ended have passed."""
        if self.ended_on is None:
            return []
        return [self.say("handed_over", self.name, self.day(self.ended_on), self.heirs)]

    def _next_due(self) -> list[str]:
        """Name what falls due first in the next months, of everything that comes every year."""
        coming: dict[date, list[str]] = defaultdict(list)
        for task in dict.fromkeys(d.task for d in self.duties if d.task.cadence == "yearly"):
            due = task.due_in(self.year + 1, self.study.plan.cut_off)
            if due is not None and task.due:
                coming[due].append(f"“{task.short}”")
        named = [f"{', '.join(coming[day])} ({self.day(day)})" for day in sorted(coming)]
        return [self.say("next_due", named)] if named else []

    def finish(self) -> EndMark:
        """End the page: its title, its contents and the mark that it ran to the end."""
        beside = self.study.params.years_beside
        nav = [("index.html", self.ui("back_to_index"))]
        nav += [(f"../{y}/year.html", f"{self.ui('year')} {y}") for y in beside]
        return self._end(
            self._lead(None), f"{self.ui('year_title')} {self.year} – {self.name}", nav
        )


def _is_silent(finding: Finding) -> bool:
    """Tell whether there is no figure at all, and no verdict without one."""
    is_told = finding.is_hidden or finding.is_banded or finding.verdict in ("met", "not_met")
    return finding.value is None and not is_told and finding.verdict != "not_applicable"


def _distance(finding: Finding) -> Fraction:
    """Return how far a count is from its target, as a part of what the target needs."""
    assert finding.slack is not None
    needed = (finding.numerator or 0) - finding.slack
    return Fraction(abs(finding.slack), max(needed, 1))


def _bar(finding: Finding) -> dict[str, str] | None:
    """Return where a rate and its target stand on a line from 0 to 100%, in percent."""
    if finding.value is None or not finding.indicator.is_fraction or finding.is_answer:
        return None
    target = finding.target.minimum if finding.target else None
    return {
        "value": f"{float(min(finding.shown, Fraction(1)) * 100):.1f}%",
        "target": "" if target is None else f"{float(target * 100):.1f}%",
    }


def year(study: Study, year: int) -> YearReport:
    """Mở báo cáo năm.

    Parameters
    ----------
    study : Study
        From `load`.
    year : int
        A year of the roster.

    Returns
    -------
    YearReport
        Each method shows one section in a notebook.

    Raises
    ------
    InputError
        If the roster does not know the year.
    """
    return YearReport(study, year)
