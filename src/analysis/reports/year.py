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
from matplotlib.figure import Figure

from analysis.figures import TaskBar, rates, tasks_chart, trends
from analysis.figures import path as path_chart
from analysis.findings import (
    Change,
    Circumstances,
    Finding,
    find,
    find_before,
    find_circle,
    find_circumstances,
    find_years,
    tally,
)
from analysis.findings.finding import difference, find_in, planned_path
from analysis.findings.gaps import (
    FEW_UNITS,
    Gap,
    Leaders,
    find_gap,
    find_without_union,
    lead,
    own_facts,
)
from analysis.findings.perimeter import same_units
from analysis.findings.tally import TASK_VERDICTS, Sides, find_restated, is_comparable
from analysis.pages.fragments import EndMark, Fragment, render
from analysis.plan import Task
from analysis.problems import InputError, error
from analysis.redaction.published import kind_of
from analysis.reports.base import in_columns
from analysis.reports.board import Boards
from analysis.study import Study
from analysis.tables.dictionary import Column, dictionary
from analysis.tables.writing import alphabetically, came_into, find_place
from analysis.tasks import GROUPS, Duty

#: As many communes stand below each other; more begin another column.
_MOST_BARS = 11
#: Of a unit's register and return: who and where it is, and texts.
_NOT_FIGURES = (
    *("year", "unit_id", "name", "unit_type", "commune", "parent"),
    *("founded_on", "dissolved_on", "note"),
)
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
        if year not in study.dataset.years:
            known = ", ".join(str(y) for y in study.dataset.years)
            message = f"danh sách CĐCS không có năm này; các năm hiện có: {known}"
            raise InputError([error(message, code="no_year", column="year", value=year)])
        issuer = study.plan.issuer
        before = find_before(study, "district", issuer.id, year)
        self.before, _ = before
        self.findings = find(study, "district", issuer.id, year, before)
        self.circle = find_circle(study, year)
        ended = study.dataset.district["dissolved_on"].min()
        is_over = pd.notna(ended) and ended.date() < study.plan.cut_off_in(year)
        #: The day on which the district federation ended, if before this year's figures close.
        self.ended_on: date | None = ended.date() if is_over else None
        self.units = study.expected_units(year)
        self.gaps: dict[str, Gap] = {
            f.indicator.id: find_gap(study, f)
            for f in self.wholes
            if f.verdict == "not_met" and f.indicator.over == "units" and f.indicator.is_fraction
        }

    def header(self) -> Fragment:
        """Show what this is about."""
        texts, numbers = self.language.words["ui"], self.language.numbers
        plan = self.study.plan
        received = int(self.units["has_return"].sum())
        people, members = find_circumstances(self.study, self.year).whole, texts["hidden"]
        if people.members is not None:
            members = self.language.say("sum_of_known", people.members, people.unknown)
        facts = [
            (texts["expected"], numbers.count(len(self.units))),
            (texts["received"], numbers.count(received)),
            (texts["members"], members),
        ]
        if self.ended_on:
            facts.insert(0, (texts["district_ended_on"], self.language.date(self.ended_on)))
        title = f"{texts['year_title']} {self.year}: {plan.short}"
        return self.head(plan.issuer.name, title, facts)

    def summary(self) -> Fragment:
        """Show the year at a glance: the counts, what changed sides, the main points."""
        return self._render(
            "tom-tat",
            "year_summary",
            self.language.ui("summary"),
            lead=self._lead(self.sides),
            points=self._main_points(),
            notes=[self._coverage_line(), *self._perimeter_lines()],
        )

    def _lead(self, sides: Sides | None) -> str:
        """Say what was met; once the district has ended, of its unions and not of itself."""
        say, issuer = self.language.say, self.study.plan.issuer.short
        counts = tally(self.year, self.findings.values())
        told = say("year_lead", counts, sides, issuer)
        if self.ended_on is None:
            return told
        return f"{say('district_ended', self.language.date(self.ended_on), issuer)} {told}"

    def _main_points(self) -> list[str]:
        """Say the largest news first: grades, what is no longer met, what came on, what lacks most."""
        say = self.language.say
        grades = [f for f in self.wholes if f.is_grade and f.change and f.change.difference != 0]
        points = [f"{f.indicator.title}: {self.line(f)['text']}" for f in grades]
        won, lost = (self.sides.won, self.sides.lost) if self.sides else ((), ())
        points += self._crossings(f for f in lost if f not in grades)
        points += self._better_sections(won, lost)
        points += self._crossings(f for f in won if f not in grades)
        largest = max(
            (f for f in self._by_verdict()["not_met"] if kind_of(f.indicator) == "persons"),
            key=lambda f: f.shortfall,
            default=None,
        )
        if largest is not None and largest.shortfall:
            points.insert(min(len(points), _MOST_POINTS - 1), say("point_gap", largest))
        told = {f.indicator.id for f in (*lost, *([largest] if largest else ()))}
        points += self._ends(told)[: max(_FEWEST_POINTS - len(points), 0)]
        return points[:_MOST_POINTS]

    def _ends(self, told: set[str]) -> list[str]:
        """Say what is farthest from its bar and what nearest, of what was missed and not told yet."""
        missed = self._by_verdict()["not_met"]
        sized = [f for f in missed if f.shortfall and f.indicator.id not in told]
        sized.sort(key=_distance, reverse=True)
        pairs = [(f, False) for f in sized[:1]] + [(f, True) for f in sized[1:][-1:]]
        return [self.language.say("point_end", *pair) for pair in pairs]

    def _crossings(self, moved: Iterable[Finding]) -> list[str]:
        """Say of each indicator that crossed its bar how it stood and stands, the largest move first."""
        return [
            self.language.say("point_side", f, self.before[f.indicator.id])
            for f in sorted(moved, key=_size_of_change)
        ]

    def _better_sections(self, won: Sequence[Finding], lost: Sequence[Finding]) -> list[str]:
        """Say which part of the plan came on most, where one did by two indicators or more."""
        net = Counter(f.indicator.part_of_plan for f in won)
        net.subtract(f.indicator.part_of_plan for f in lost)
        (best, most), *others = net.most_common() or [("", 0)]
        if most < 2 or (others and others[0][1] == most):
            return []
        section = next(s for s in self.study.plan.sections if s.id == best)
        inside = [f for f in self.wholes if f.indicator.part_of_plan == best]
        counts = tally(self.year, inside)
        return [self.language.say("point_section", f"{best}. {section.title}", most, counts)]

    def circumstances(self) -> Fragment:
        """Show with what the year began and ended: unions, members, events; then the office's words."""
        say, found = self.language.say, find_circumstances(self.study, self.year)
        day = self.language.date(self.study.plan.cut_off_in(self.year))
        lines = [say("circumstances", found, day), say("events", found, _MOST_NAMED)]
        return self._render(
            "dac-diem",
            "circumstances",
            self.language.dictionary_word("statement", "circumstances"),
            lines=lines,
            statements=self.written("circumstances"),
            table=self.table_of_types(found),
        )

    def table_of_types(self, found: Circumstances) -> dict[str, Any]:
        """Return unions and members by type as a table of the page's templates."""
        texts, count = self.language.words["ui"], self.language.numbers.count
        has_people = all(one.members is not None for one in found.types)
        names = {"type": texts["unit_type"], "units": texts["unit"]}
        people = {"members": texts["members"], "women": texts["women"]} if has_people else {}
        rows = [
            {
                "type": self.language.dictionary_word("unit_type", one.unit_type),
                "units": count(one.units),
                "members": self.language.say("sum_of_known", one.members or 0, one.unknown),
                "women": "–" if one.women is None else count(one.women),
            }
            for one in found.types
        ]
        columns = [
            {"key": key, "label": label, "number": key != "type"}
            for key, label in {**names, **people}.items()
        ]
        return {"caption": self.language.ui("types_caption"), "columns": columns, "rows": rows}

    def leadership(self) -> Fragment:
        """Show part I of a review: what the district itself did, to its end if it ended."""
        lines, items, table = [], [], None
        if self.ended_on is None:
            items = self.own_lines()
        else:
            day, issuer = self.language.date(self.ended_on), self.study.plan.issuer.short
            lines = [self.language.say("district_not_judged", day, issuer, self.year)]
            table = self._own_facts()
        title = self.language.ui("leadership")
        return self._render("lanh-dao", "leadership", title, lines=lines, items=items, table=table)

    def own_lines(self) -> list[dict[str, Any]]:
        """Say of each of the district's own indicators how it stands; of those without figures at once."""
        own = [f for f in self.wholes if f.indicator.over == "district"]
        silent = [f for f in own if _is_silent(f)]
        if len(silent) < 2:
            return [self.line(f) for f in own]
        names = "; ".join(f.indicator.short for f in silent)
        title = self.language.say("own_unknown", self.study.plan.issuer.short)
        known = [self.line(f) for f in own if f not in silent]
        return [*known, {"title": title, "text": f"{names}."}]

    def _own_facts(self) -> dict[str, Any] | None:
        """Return what the district itself did in the year in which it ended."""
        study, say, texts = self.study, self.language.say, self.language.words["ui"]
        found = own_facts(study, self.year)
        if (
            self.ended_on is None
            or not found
            or self.year not in set(study.dataset.district["year"])
        ):
            return None
        keys = {"title": "task", "value": "value", "counts": "counts"}
        columns = [{"key": k, "label": texts[v], "number": k != "title"} for k, v in keys.items()]
        rows = [
            {"title": f.indicator.title, "value": say("value", f), "counts": say("counts", f)}
            for f in found.values()
            if not f.indicator.is_part or f.indicator.whole not in found
        ]
        day = self.language.date(self.ended_on)
        caption = say("own_facts", self.study.plan.issuer.short, day)
        return {"caption": caption, "columns": columns, "rows": rows}

    def year_results(self) -> Fragment:
        """Show part II of a review: the plan's parts in order, and who holds what is missing."""
        parts: list[dict[str, Any]] = []
        for section in self.study.plan.sections:
            inside = [f for f in self.wholes if f.indicator.part_of_plan == section.id]
            shown = [f for f in inside if f.indicator.over != "district"]
            if inside:
                counts = tally(self.year, inside)
                own = sum(f.is_judged for f in inside if f not in shown)
                issuer = self.study.plan.issuer.short
                intro = self.language.say("part_intro", counts, own, issuer)
                rows = [self._scan_row(finding) for finding in shown]
                title = f"{section.id}. {section.title}"
                parts.append({"title": title, "intro": intro, "rows": rows})
        changed = any(row["change"] for part in parts for row in part["rows"])
        return self._render(
            "phan-ii",
            "parts",
            self.language.ui("year_results"),
            parts=parts,
            since=self.language.say("since", self.year - 1) if changed else "",
            notes=[
                *([self.language.say("since_same_units")] if self.circle.is_other else []),
                *self.only_reported(),
            ],
        )

    def only_reported(self) -> list[str]:
        """Say so, once, where what is lacking counts only those that reported."""
        missed = [f for f in self.wholes if f.verdict == "not_met" and f.shortfall]
        return [self.language.say("only_reported")] if any(f.missing for f in missed) else []

    def _scan_row(self, finding: Finding) -> dict[str, Any]:
        """Return an indicator's row: its figure, bar, change and gap, and what else there is to say."""
        say, change = self.language.say, finding.change
        return {
            **self._result_row(finding),
            "id": finding.indicator.id,
            "title": finding.indicator.short,
            "bar": _bar(finding),
            "change": say("change_size", change) if change and not change.grade else "",
            "lacks": say("lacks_here", finding),
            "gap": self._gap_words(finding),
            "said": say("scan_note", finding),
        }

    def own_tasks(self) -> Fragment | None:
        """Show the tasks of the issuer itself; nothing once it has ended."""
        if self.ended_on is not None:
            return None
        return self._show_tasks(self.language.say("own_tasks_title", self.study.plan.issuer.short))

    @cached_property
    def _duties(self) -> list[Duty]:
        return [duty for held in self.study.duties(self.year).values() for duty in held]

    @cached_property
    def _task_bars(self) -> dict[str, TaskBar]:
        """Return the bar of each part of the plan that has tasks, by the part's id."""
        found: dict[str, Counter[str]] = {}
        for duty in self._duties:
            part = duty.task.section.partition(".")[0]
            found.setdefault(part, Counter())[duty.group] += 1
        bars = {}
        for section in self.study.plan.sections:
            if section.id in found:
                counts = {group: found[section.id][group] for group in GROUPS}
                text = self.language.say("section_tasks", counts, sum(counts.values()))
                bars[section.id] = TaskBar(f"{section.id}. {section.title}", text, counts)
        return bars

    def _overdue_lines(self) -> list[str]:
        """Name each task that is overdue anywhere, with its day and those that are late."""
        late: dict[str, list[Duty]] = {}
        for duty in self._duties:
            if duty.state == "overdue":
                late.setdefault(duty.task.id, []).append(duty)
        lines = []
        for held in sorted(late.values(), key=lambda held: -held[0].days_late):
            names = sorted((self._name_holder(d.holder_id) for d in held), key=alphabetically)
            due = held[0].due
            assert due is not None
            shown = names[:_MOST_UNITS]
            rest = len(names) - len(shown)
            day = self.language.date(due)
            lines.append(self.language.say("overdue_line", held[0], day, shown, rest))
        return lines

    def _name_holder(self, holder: str) -> str:
        issuer = self.study.plan.issuer
        return issuer.short if holder == issuer.id else str(self.units.at[holder, "name"])

    def figure_tasks(self) -> Fragment | None:
        """Draw the tasks of each section by state; nothing where nobody follows tasks."""
        say, texts, count = (
            self.language.say,
            self.language.words["ui"],
            self.language.numbers.count,
        )
        groups, bars = self.language.words["task_group"], list(self._task_bars.values())
        if not bars:
            return None
        total = {group: sum(bar.counts[group] for bar in bars) for group in GROUPS}
        day = self.language.date(self._duties[0].on)
        chart = self.figure(
            "nhiem-vu",
            [
                (
                    say("fig_tasks_alt", [f"{bar.label}: {bar.text}" for bar in bars]),
                    tasks_chart(bars, self.language),
                )
            ],
            headline=say("fig_tasks_title", total, sum(total.values())),
            subtitle=say("fig_tasks_subtitle", day),
            header=[texts["part_of_plan"], *groups.values()],
            rows=[[bar.label, *(count(bar.counts[name]) for name in groups)] for bar in bars],
            legend=[
                {
                    "verdict": tone,
                    "sign": self.language.word("mark_sign", tone),
                    "label": groups[name],
                }
                for name, tone in TASK_VERDICTS.items()
            ],
        )
        lines = self._overdue_lines()
        if not lines:
            return chart
        heading = self.language.ui("overdue_tasks")
        return Fragment(chart.html + render("lines", heading=heading, lines=lines).html)

    def _gap_words(self, finding: Finding) -> dict[str, Any] | None:
        gap = self.gaps.get(finding.indicator.id)
        if gap is None or not gap.units:
            return None
        say, is_share = self.language.say, finding.indicator.is_share
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
                    "size": "" if is_share or is_one else self.language.numbers.count(size),
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
        title, statements = self.language.ui("assessment"), self.written("causes", "lessons")
        told = self.weigh()
        return self._render("danh-gia", "assessment", title, lines=told, statements=statements)

    def weigh(self) -> list[str]:
        """Say what the year's verdicts come to, a sentence each."""
        lines = [self._weigh_sections(), *self._weigh_verdicts()]
        return [line for line in lines if line]

    def _weigh_sections(self) -> str:
        """Name the parts of the plan with the largest and the smallest share of what is met."""
        rated = []
        for section in self.study.plan.sections:
            inside = [f for f in self.wholes if f.indicator.part_of_plan == section.id]
            counts = tally(self.year, inside)
            if decided := counts.met + counts.not_met:
                rated.append((Fraction(counts.met, decided), section, counts))
        rates = [rate for rate, _, _ in rated]
        if len(set(rates)) < 2:
            return ""
        ends = [
            [(f"{s.id}. {s.title}", counts) for rate, s, counts in rated if rate == end]
            for end in (max(rates), min(rates))
        ]
        # More parts than can be named are no end of a list.
        ends = [end if len(end) <= _MOST_PLACES else [] for end in ends]
        return self.language.say("weigh_sections", *ends) if any(ends) else ""

    def _weigh_verdicts(self) -> list[str]:
        """Say of each verdict what stands nearest to the bar and what farthest from it."""
        say, by_verdict = self.language.say, self._by_verdict()
        lines = []
        if met := by_verdict["met"]:
            spare = [f for f in met if f.slack is not None and f.target and f.target.minimum < 1]
            lines.append(say("weigh_met", met, sorted(spare, key=_distance)[:2]))
        if missed := by_verdict["not_met"]:
            known = sorted((f for f in missed if f.shortfall), key=_distance)
            far = [f for f in known[-2:] if f not in known[:3]]
            lines.append(say("weigh_missed", missed, known[:3], far[::-1]))
        if still_open := by_verdict["undetermined"]:
            lines.append(say("weigh_open", still_open))
        if staged := by_verdict["not_due"]:
            lines.append(say("weigh_staged", staged))
        return lines

    def _by_verdict(self) -> dict[str, list[Finding]]:
        found: dict[str, list[Finding]] = defaultdict(list)
        for finding in self.wholes:
            found[finding.verdict].append(finding)
        return found

    def same_perimeter(self) -> Fragment | None:
        """Show both years over the same units, where the circle of units itself has changed."""
        rows = self.same_rows()
        lines = []
        for finding in (f for f in self.wholes if f.indicator.over == "units"):
            pair = [
                find_in(self.study, finding.indicator, r)
                for r in rows.get(finding.indicator.id, ())
            ]
            if pair and (change := difference(pair[1], pair[0], "same_units")) is not None:
                lines.append(self._perimeter_row(finding, pair[0], pair[1], change))
        if not lines:
            return None
        texts, last = self.language.words["ui"], str(self.year - 1)
        headings = {
            "title": texts["indicator"],
            "before": f"{texts['published']} {last}",
            "now": f"{texts['published']} {self.year}",
            "same_before": f"{texts['same_units']} {last}",
            "same_now": f"{texts['same_units']} {self.year}",
            "change": texts["change"],
        }
        columns = [{"key": k, "label": v, "number": k != "title"} for k, v in headings.items()]
        return self._render(
            "cung-pham-vi",
            "table",
            texts["same_perimeter"],
            lines=[self.language.say("same_perimeter", self.year)],
            caption=texts["same_perimeter"],
            columns=columns,
            rows=lines,
            missing=[],
            missing_heading="",
        )

    def same_rows(self) -> Mapping[str, tuple[Any, Any]]:
        """Return last year's rows and this year's over the units in both; none where all are."""
        if not self.circle.is_other:
            return {}
        return same_units(self.study, self.year, self.scope, self.scope_id)

    def _perimeter_row(
        self, finding: Finding, before: Finding, now: Finding, change: Change
    ) -> dict[str, str]:
        say = self.language.say
        last = self.before.get(finding.indicator.id)
        return {
            "title": finding.indicator.title,
            "before": say("value", last) if last else "–",
            "now": say("value", finding),
            "same_before": say("value", before),
            "same_now": say("value", now),
            "change": say("change_size", change),
        }

    def _coverage_line(self) -> str:
        received = int(self.units["has_return"].sum())
        return self.language.say("coverage", self.year, len(self.units), received)

    def _perimeter_lines(self) -> list[str]:
        """Say so where the circle of units itself has changed since last year."""
        if not self.circle.is_other:
            return []
        is_comparable = self.study.params.edition == "internal"
        return [self.language.say("perimeter", self.circle, self.year - 1, is_comparable)]

    def figure_targets(self) -> Fragment | None:
        """Draw all judged shares against their targets; nothing where there are none."""
        judged = [f for f in self.wholes if f.is_judged and f.indicator.is_fraction]
        shown = [f for f in judged if f.value is not None]
        return self._figure_targets(self.study.plan.issuer.short, shown)

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
        study, say, texts = self.study, self.language.say, self.language.words["ui"]
        issuer = study.plan.issuer.id
        yearly = list(find_years(study, "district", issuer, finding.indicator, self.year).values())
        is_of_units = finding.indicator.over == "units"
        others = [f.year for f in yearly if is_of_units and find_circle(study, f.year).is_other]
        path = planned_path(study, finding.indicator, self.year)
        if not path or not yearly:
            return None
        rows = [[str(f.year), say("value", f), say("counts", f), ""] for f in yearly]
        rows += [
            [str(y), "", "", self.language.numbers.percent(v)] for y, v in sorted(path.items())
        ]
        items = [f"{f.year}: {say('value', f)}" for f in yearly]
        knots = [f"{y}: {self.language.numbers.percent(v)}" for y, v in sorted(path.items())]
        corners: dict[int, dict[str, Any]] = {y: {"planned": v} for y, v in path.items()}
        for f in yearly:
            corners.setdefault(f.year, {}).update(self.rate(f), text=say("value", f))
        drawn = path_chart(
            pd.DataFrame([{"planned": None, **row, "year": y} for y, row in corners.items()]),
            language=self.language,
        )
        return {
            "name": f"lo-trinh-{finding.indicator.id.replace('_', '-')}",
            "panels": [(say("fig_path_alt", finding.indicator.short, items, knots), drawn)],
            "headline": say("fig_path_title", finding),
            "subtitle": say("fig_path_subtitle", min(yearly[0].year, *path), max(path), others),
            "header": [texts["year"], texts["value"], texts["counts"], texts["path"]],
            "rows": rows,
            "legend": self.verdicts_in(yearly),
        }

    def figure_trends(self) -> Fragment | None:
        """Draw the district's rates over all years, a small chart each on one scale."""
        say, texts, words = self.language.say, self.language.words["ui"], self.language.words
        panels, rows, drawn = [], [], []
        for finding in self.wholes:
            series = self._years_of(finding)
            if finding.indicator.is_fraction and finding.is_judged and len(series) > 1:
                item = say("fig_trend_item", finding.indicator.short, series, {}, finding.target)
                panels.append((say("fig_trend_alt", [item]), self._small_multiple(series)))
                drawn += series
                for f in series:
                    cells = [say("value", f), say("target", f), words["verdict"][f.verdict]]
                    rows.append([f.indicator.short, str(f.year), *cells])
        if not panels:
            return None
        years = sorted({f.year for f in drawn})
        breaks = [y for y in years[1:] if find_circle(self.study, y).is_other]
        return self.figure(
            "cac-nam",
            panels,
            headline=say("fig_trends_title", years[0], years[-1]),
            subtitle=say("fig_trends_subtitle", breaks),
            header=[texts[key] for key in ("indicator", "year", "value", "target", "verdict")],
            rows=rows,
            legend=self.verdicts_in(drawn),
        )

    def _years_of(self, finding: Finding) -> list[Finding]:
        issuer = self.study.plan.issuer.id
        found = find_years(self.study, "district", issuer, finding.indicator, self.year)
        return list(found.values())

    def _small_multiple(self, series: list[Finding]) -> Figure:
        rows = [
            {
                **self.rate(f),
                "year": f.year,
                "text": self.language.say("value", f),
                "is_break": f.indicator.over == "units"
                and find_circle(self.study, f.year).is_other,
            }
            for f in series
        ]
        return trends(pd.DataFrame(rows), language=self.language)

    def figure_gap(self) -> Fragment | None:
        """Draw the communes' rates where the largest shortfall of persons or units is."""
        gap = max(
            (g for g in self.gaps.values() if not g.finding.indicator.is_money),
            key=lambda g: g.total,
            default=None,
        )
        communes = self._communes(gap.finding) if gap is not None else []
        if gap is None or len(communes) < 2:
            return None
        say, texts = self.language.say, self.language.words["ui"]
        panels = []
        for part in in_columns(communes, _MOST_BARS):
            frame = pd.DataFrame([{**self.rate(f), "label": f.scope_id} for f in part])
            items = [say("fig_commune_item", f) for f in part]
            alt = say("fig_commune_alt", gap.finding, self.year, items)
            panels.append((alt, rates(frame, language=self.language)))
        lowest = [f for f in communes if f.shown == communes[0].shown]
        below = sum(f.verdict == "not_met" for f in communes)
        columns = ("commune", "numerator", "denominator", "value", "verdict")
        return self.figure(
            "xa-thi-tran",
            panels,
            headline=say("fig_commune_title", gap.finding, lowest, below, len(communes)),
            subtitle=say(
                "fig_commune_subtitle", gap, self.year, self._formed({f.scope_id for f in communes})
            ),
            header=[texts[column] for column in columns],
            rows=[
                [f.scope_id, *self.figure_row(f)[1:4], self.language.word("verdict", f.verdict)]
                for f in communes
            ],
            legend=self.verdicts_in(communes),
        )

    def _formed(self, communes: set[str]) -> list[tuple[str, list[str]]]:
        """Return the communes that took the place of others since the last report, with those."""
        formed: dict[str, list[str]] = {}
        heirs = came_into(self.study.dataset.tables["communes"], self.year - 1, self.year)
        for old, names in heirs.items():
            for new in {find_place(name, communes) for name in names} - {None}:
                formed.setdefault(str(new), []).append(old)
        return sorted(formed.items(), key=lambda one: alphabetically(one[0]))

    def _communes(self, finding: Finding) -> list[Finding]:
        """Return what each commune's units reached, lowest first; withheld or unknown left out."""
        rows = {
            name: self.study.rows("commune", name, self.year).get(finding.indicator.id)
            for name in sorted(self.units["commune"].astype(str).unique(), key=alphabetically)
        }
        found = [
            find_in(self.study, finding.indicator, row) for row in rows.values() if row is not None
        ]
        known = [f for f in found if f.value is not None]
        return sorted(known, key=lambda f: f.value or 0)

    def restated(self) -> Fragment | None:
        """Show what is another than in the edition before; nothing where there was none."""
        kept = Path(self.study.params.previous)
        if not self.study.params.previous or not is_comparable(self.study, kept):
            return None
        say, is_shared = self.language.say, self.study.params.edition == "share"
        changed = find_restated(self.study, self.findings, kept)
        if is_shared and not changed:
            return None  # of persons and money it says nothing, not even that they are the same
        lines = [{"title": r.finding.indicator.title, "text": say("restated", r)} for r in changed]
        made_on = self.language.date(datetime.strptime(kept.stem[:8], "%Y%m%d").date())
        verdicts = sum(r.is_other_verdict for r in changed)
        lead = say("restated_lead", made_on, verdicts, len(changed), is_shared)
        title = self.language.ui("restated")
        return self._render("thay-doi", "leadership", title, lines=[lead], items=lines, table=None)

    def coverage(self) -> Fragment:
        """Show who has reported and who has not, by type."""
        texts, numbers = self.language.words["ui"], self.language.numbers
        by_type = self.units.groupby("unit_type", sort=False)["has_return"].agg(["size", "sum"])
        types = {word: self.language.dictionary_word("unit_type", word) for word in by_type.index}
        rows = [
            {
                "type": types[word],
                "expected": numbers.count(int(by_type.loc[word, "size"])),
                "received": numbers.count(int(by_type.loc[word, "sum"])),
                "missing": numbers.count(int(by_type.loc[word, "size"] - by_type.loc[word, "sum"])),
            }
            for word in sorted(types, key=lambda word: alphabetically(types[word]))
        ]
        columns = [
            {"key": "type", "label": texts["unit_type"], "number": False},
            {"key": "expected", "label": texts["expected"], "number": True},
            {"key": "received", "label": texts["received"], "number": True},
            {"key": "missing", "label": texts["not_received"], "number": True},
        ]
        absent = self.units[~self.units["has_return"]]
        missing = [{"id": key, "name": str(name)} for key, name in absent["name"].items()]
        missing.sort(key=lambda one: (alphabetically(one["name"]), one["id"]))
        return self._render(
            "bao-cao",
            "table",
            texts["coverage"],
            lines=[self._coverage_line()],
            caption=texts["coverage"],
            columns=columns,
            rows=rows,
            missing=missing,
            missing_heading=texts["not_received"],
        )

    def employers_without_union(self) -> Fragment | None:
        """Name the employers that the plan counts and that have no union; for the office alone."""
        table, title = self.table_without_union(), self.language.ui("without_union")
        return (
            self._render("chua-co-cong-doan", "table", title, **table, missing=[])
            if table
            else None
        )

    def table_without_union(self) -> dict[str, Any] | None:
        """Return the employers without a union as a table of the page's templates."""
        asked = next((f for f in self.wholes if f.indicator.measure == "share_of_employers"), None)
        if asked is None or self.study.params.edition != "internal":
            return None
        found = find_without_union(self.study, asked.indicator, self.year)
        if found.empty:
            return None
        texts, count = self.language.words["ui"], self.language.numbers.count
        say, workers = self.language.say, found["workers_total"]
        unknown = asked.missing + int(workers.isna().sum())
        labels = {"name": "employer", "commune": "commune", "workers_total": "workers"}
        return {
            "lines": [say("without_union", asked, len(found), workers.sum(), unknown)],
            "caption": f"{texts['without_union']}, {self.year}",
            "columns": [
                {"key": key, "label": texts[word], "number": key == "workers_total"}
                for key, word in labels.items()
            ],
            "rows": [
                {**row, "workers_total": "–" if pd.isna(number) else count(int(number))}
                for row, number in zip(found.to_dict("records"), workers, strict=True)
            ],
        }

    def final_returns(self) -> Fragment | None:
        """Show the last figures of units that ended in the year: they are in no result of it."""
        study, texts = self.study, self.language.words["ui"]
        units = study.register.loc[self.year]
        ended = units[~units["is_expected"] & units["dissolved_on"].notna()]
        told = ended[ended["has_return"]]
        if told.empty or study.params.edition != "internal":
            return None
        last = [
            {
                "name": str(unit["name"]),
                "day": self.language.date(unit["dissolved_on"].date()),
                "figures": self._figures_of(str(key)),
            }
            for key, unit in told.sort_values(
                "name", key=lambda names: names.map(alphabetically)
            ).iterrows()
        ]
        lead = self.language.say("final_returns", self.year, len(ended), len(told))
        return self._render(
            "so-lieu-cuoi", "final_returns", texts["final_returns"], lead=lead, units=last
        )

    def _figures_of(self, unit_id: str) -> list[tuple[str, str]]:
        """Return what a unit reported, in words; what it left empty is left out."""
        cells, found = self.study.cells(unit_id, self.year), []
        for table in ("roster", "returns"):
            for name, column in dictionary().tables[table].columns.items():
                if name in _NOT_FIGURES or pd.isna(cells[name]):
                    continue
                found.append((self.language.heading(name), self._cell_words(column, cells[name])))
        return found

    def _cell_words(self, column: Column, cell: Any) -> str:
        if column.type.name == "boolean":
            return self.language.word("answer", "yes" if cell else "no")
        if column.words:
            return self.language.dictionary_word("grade", str(cell))
        return self.language.numbers.count(int(cell))

    def next_steps(self) -> Fragment:
        """Show part IV: decisions, each with who is to carry it out and the number to reach."""
        return self._render(
            "phuong-huong",
            "decisions",
            self.language.ui("direction"),
            lines=self._handed_over(),
            rows=self.decisions(),
            nothing=self.language.say("keep_going"),
            statements=self.written("proposals"),
        )

    def decisions(self, listed: str = "") -> list[dict[str, Any]]:
        """Return what is to be done: what, where the plan asks for it, who, and what it makes up for.

        ``listed`` is under which heading those without a return are named; by default the page's.
        """
        return [*self._urgent(listed or self.language.ui("coverage")), *self._mending()]

    def _urgent(self, listed: str) -> list[dict[str, Any]]:
        """Return what is overdue, who has not sent a return, what else is open, what falls due next."""
        say, count = self.language.say, self.language.numbers.count
        late = Counter(duty.task.short for duty in self._duties if duty.state == "overdue")
        absent = int((~self.units["has_return"]).sum())
        rows = [
            {"what": [say("press_overdue", name)], "number": say("places", held)}
            for name, held in late.most_common()
        ]
        if absent:
            number = f"{count(absent)} {self.language.ui('unit')}"
            rows.append({"what": [say("remind", self.year, listed)], "number": number})
        rows += self._to_supply()
        rows += [{"what": [text], "number": ""} for text in self._next_due()]
        return [{**row, "owner": self._owner, "ref": "", "reasons": []} for row in rows]

    def _to_supply(self) -> list[dict[str, Any]]:
        """Return whose figures the indicators that are still open wait for: the district's own, others'."""
        say, waiting = self.language.say, self._by_verdict()["undetermined"]
        own = [f for f in waiting if f.indicator.over == "district"]
        asked = (
            (say("supply_own", own, self.study.plan.issuer.short), len(own)),
            (say("supply_rest"), len(waiting) - len(own)),
        )
        return [{"what": [text], "number": say("targets_open", n)} for text, n in asked if n]

    def _mending(self) -> list[dict[str, Any]]:
        """Return the plan's tasks for all that was missed, with what each has to make up for."""
        by_tasks: dict[tuple[Task, ...], list[Finding]] = {}
        for finding in self._by_verdict()["not_met"]:
            by_tasks.setdefault(self._tasks_for(finding), []).append(finding)
        rows = []
        for tasks, missed in by_tasks.items():
            reasons = [
                {
                    "id": f.indicator.id,
                    "title": f.indicator.short,
                    "text": self.language.say("lacks_here", f),
                }
                for f in missed
            ]
            rows.append(
                {
                    "what": [task.text for task in tasks] or [self.language.say("no_task")],
                    "ref": "; ".join(dict.fromkeys(task.section for task in tasks)),
                    "owner": self._owner,
                    "number": "",
                    "reasons": reasons,
                }
            )
        return rows

    @cached_property
    def heirs(self) -> list[str]:
        """Who has taken the plan over from a district that ended: whom its units report to now."""
        named = self.study.dataset.description.parents
        taken = self.ended_on is not None
        return [named[key] for key in sorted(set(self.units["parent"])) if taken and key in named]

    @property
    def _owner(self) -> str:
        if self.ended_on is not None:
            return "; ".join(self.heirs) or self.language.ui("heirs")
        return self.study.plan.issuer.short

    def _handed_over(self) -> list[str]:
        """Say to whom the tasks of a district that ended have passed."""
        if self.ended_on is None:
            return []
        issuer, day = self.study.plan.issuer.short, self.language.date(self.ended_on)
        return [self.language.say("handed_over", issuer, day, self.heirs)]

    def _next_due(self) -> list[str]:
        """Name what falls due first in the next months, of everything that comes every year."""
        plan = self.study.plan
        coming: dict[date, list[str]] = {}
        for task in dict.fromkeys(d.task for d in self._duties if d.task.cadence == "yearly"):
            due = task.due_in(self.year + 1, plan.cut_off)
            if due is not None and task.due:
                coming.setdefault(due, []).append(task.short)
        named = [
            f"{', '.join(f'“{short}”' for short in coming[day])} ({self.language.date(day)})"
            for day in sorted(coming)
        ]
        return [self.language.say("next_due", named)] if named else []

    def finish(self) -> EndMark:
        """End the page: its title, its contents and the mark that it ran to the end."""
        texts = self.language.words["ui"]
        issuer = self.study.plan.issuer
        return self._end(
            self._lead(None),
            f"{texts['year_title']} {self.year} – {issuer.short}",
            nav=[
                {"href": "index.html", "text": texts["back_to_index"]},
                *(
                    {"href": f"../{y}/year.html", "text": f"{texts['year']} {y}"}
                    for y in self.study.params.years_beside
                ),
            ],
        )


def _size_of_change(finding: Finding) -> Fraction:
    """Return by how much a figure moved, for the largest move to come first."""
    return -abs(finding.change.difference) if finding.change else Fraction(0)


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
