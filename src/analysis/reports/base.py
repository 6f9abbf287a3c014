"""What all narratives share: the results, the tasks, figures, definitions, and an analyst's own tables."""

from __future__ import annotations

import hashlib
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from fractions import Fraction
from functools import cache, cached_property
from importlib.metadata import version
from typing import Any, cast

import pandas as pd
from matplotlib.figure import Figure

from analysis.exploring.answers import answer
from analysis.exploring.names import pick_year
from analysis.figures import charts
from analysis.figures.style import WIDTH, to_svg
from analysis.findings.finding import Finding, Sides, Tally, compare_sides, find, tally
from analysis.findings.perimeter import find_circle
from analysis.language import Language, load_language
from analysis.pages.fragments import EndMark, Fragment, raw, render
from analysis.plan import Condition, Indicator, Task
from analysis.plan.schema import SOURCE_TABLES
from analysis.problems import InputError, error
from analysis.redaction import LARGEST_HIDDEN
from analysis.study import Study
from analysis.tables.peoples_text import to_html
from analysis.tasks import SOON_DAYS, Duty

#: As many rates stand below each other; more begin another column.
_MOST_ROWS = 10
_LONGEST_COUNTS = 11
#: A note is quoted in so many signs: what is longer was not written for a page.
_LONGEST_NOTE = 300


def _refuse_assumed(is_assumed: bool) -> None:
    if is_assumed:
        message = "đây là số liệu giả định; báo cáo chỉ lập từ số liệu đã báo cáo"
        raise InputError([error(message, code="assumed")])


class Report:
    """A narrative of one year under construction, section by section."""

    #: From the page's folder to the site's.
    up = ""
    #: Whose own words the page prints: a unit's id; empty for those of the whole.
    writer = ""

    def __init__(self, study: Study, year: int) -> None:
        _refuse_assumed(study.is_assumed)
        self._study = study
        self.year = pick_year(study, year)
        self.language: Language = load_language(study.params.lang, study.root)
        # What nearly every section needs.
        self.say, self.ui, self.words = self.language.say, self.language.ui, self.language.words
        self.count = self.language.numbers.count
        self.holder = study.plan.issuer.id  # whose tasks the page orders
        self.findings: dict[str, Finding] = {}
        self.before: dict[str, Finding] = {}
        self._contents: dict[str, str] = {}

    @property
    def study(self) -> Study:
        """The study that it tells of, with its dataset's own columns in the dictionary."""
        return self._study.take_columns()

    @property
    def name(self) -> str:
        """Whom it tells of, in a figure's words."""
        return self.study.plan.issuer.short

    @property
    def wholes(self) -> list[Finding]:
        """The findings that are not parts of another."""
        return [f for f in self.findings.values() if not f.indicator.is_part]

    @cached_property
    def by_verdict(self) -> dict[str, list[Finding]]:
        """The whole findings, by verdict."""
        found: dict[str, list[Finding]] = defaultdict(list)
        for finding in self.wholes:
            found[finding.verdict].append(finding)
        return found

    @property
    def judged_rates(self) -> list[Finding]:
        """The known rates on which the year passes a verdict."""
        judged = [f for f in self.wholes if f.is_judged and f.value is not None]
        return [f for f in judged if f.indicator.is_fraction and not f.is_answer]

    @property
    def tally(self) -> Tally:
        """How many there are of each verdict."""
        return tally(self.year, self.findings.values())

    @cached_property
    def sides(self) -> Sides | None:
        """The verdicts of both years over the indicators that both decided."""
        return compare_sides(self.findings, self.before)

    @property
    def shown_results(self) -> list[Finding]:
        """The findings that the table of results shows: all, but for a level that is no more."""
        ended = ("not_applicable", "district")
        return [f for f in self.findings.values() if (f.verdict, f.indicator.over) != ended]

    def frame(self) -> pd.DataFrame:
        """Return what the page tells as a table for the analyst; the page itself does not print it.

        Returns
        -------
        DataFrame
            A row for each finding, by indicator id, in the plan's order, under the language's
            headings; shares as 0.78, a missed target's shortfall in its own unit.

        Examples
        --------
        >>> from analysis import load, unit
        >>> frame = unit(load(2024), "DN-DABAN", 2024).frame()
        >>> int(frame.loc["informed_enterprise", "Còn thiếu"])
        1
        """
        rows = {
            key: {
                "title": f.indicator.title,
                "value": None if f.value is None else float(f.value),
                "numerator": f.numerator,
                "denominator": f.denominator,
                "target": self.say("target", f),
                "verdict": self.words["verdict"][f.verdict],
                "lacking": f.shortfall or None,
                "change": None if f.change is None else float(f.change.difference),
            }
            for key, f in self.findings.items()
        }
        whole = {name: "Int64" for name in ("numerator", "denominator", "lacking")}
        found = pd.DataFrame.from_dict(rows, orient="index").astype(whole if rows else {})
        return found.rename(columns=self.words["column"])

    @property
    def defined(self) -> list[Finding]:
        """The findings whose indicators the page defines."""
        return self.wholes

    def _render(self, section: str, template: str, title: str, **context: Any) -> Fragment:
        """Render a section and enter it into the page's contents."""
        self._contents[section] = title
        common = {"t": self.words["ui"], "w": self.words, "say": self.say, "up": self.up}
        return render(template, id=section, title=title, **common, **context)

    def head(self, kicker: str, title: str, facts: list[tuple[str, str]]) -> Fragment:
        """Show a page's head: who it is about, its edition and, if wanted, the letterhead."""
        issuer, params = self.study.plan.issuer, self.study.params
        body = [text for text in (issuer.superior, issuer.name) if text]
        return render(
            "header",
            kicker=kicker,
            title=title,
            facts=facts,
            edition=self.ui(params.edition),
            letterhead={"body": body, "state": self.words["state"]} if params.letterhead else None,
        )

    def _end(self, lead: str, title: str, nav: Iterable[tuple[str, str]]) -> EndMark:
        """Return the mark of a page that ran to its end, with what its frame shows."""
        described, ui = self.study.dataset.description, self.ui
        facts = {
            "title": title,
            "description": lead,
            "lang": self.language.code,
            "issuer": self.study.plan.issuer.name,
            "contents": [{"id": key, "title": text} for key, text in self._contents.items()],
            "contents_label": ui("contents"),
            "skip": ui("skip"),
            "notice": ui("illustrative") if described.illustrative else "",
            "mark": ui("illustrative_mark"),
            "edition": ui(self.study.params.edition),
            "nav": [{"href": href, "text": text} for href, text in nav],
            "onward": ui("onward"),
        }
        return EndMark(facts)

    def by_section(self, findings: Iterable[Finding]) -> dict[str, list[Finding]]:
        """Return findings by the title of their part of the plan, in its order; none without any."""
        found: dict[str, list[Finding]] = defaultdict(list)
        for finding in findings:
            found[finding.indicator.part_of_plan].append(finding)
        parts = self.study.plan.sections
        return {f"{part.id}. {part.title}": found[part.id] for part in parts if part.id in found}

    def results(self) -> Fragment | None:
        """Show every indicator that has a result, in the plan's order and by its sections, if any."""
        parts = [
            {"title": title, "rows": [(f, self._beside(f)) for f in inside]}
            for title, inside in self.by_section(self.shown_results).items()
        ]
        if not parts:
            return None
        caption, beside = self.say("results_caption", self.year), self._headings_beside()
        return self._render(
            "ket-qua", "results", self.ui("results"), caption=caption, parts=parts, beside=beside
        )

    def _headings_beside(self) -> list[str]:
        """Return what else stands beside each result; `_beside` gives the texts."""
        return [f"{self.ui('value')} {self.year - 1}"]

    def _beside(self, finding: Finding) -> list[str]:
        last = self.before.get(finding.indicator.id)
        return [self.say("value", last) if last else ""]

    @cached_property
    def district(self) -> dict[str, str]:
        """The district's values in words, by indicator: the same for every page of a run."""

        def tell() -> dict[str, str]:
            wholes = find(self.study, "district", self.study.plan.issuer.id, self.year)
            return {key: self.say("value", finding) for key, finding in wholes.items()}

        key = ("district in words", self.year, self.language.code)
        return cast(dict[str, str], self.study.remember(key, tell))

    def group(self, verdict: str, heading: str, lines: list[dict[str, Any]]) -> dict[str, Any]:
        """Return a list for a template, under the heading that a sentence of this name gives."""
        sign = self.language.word("verdict_sign", verdict)
        return {"verdict": verdict, "heading": self.say(heading), "lines": lines, "sign": sign}

    def line(self, finding: Finding) -> dict[str, Any]:
        """Return what a finding says, with the change where it says more than that nothing moved."""
        text = self.say("sentence", finding)
        if finding.change is not None and finding.change.difference != 0:
            text += "; " + self.say("change", finding.change)
        return {"title": finding.indicator.title, "text": text + "."}

    def tasks_for(self, findings: Iterable[Finding]) -> dict[tuple[Task, ...], list[Finding]]:
        """Return findings by what mends them: of an "and" each fact's own task, else the first."""
        by_id, found = {task.id: task for task in self.study.plan.tasks}, defaultdict(list)
        for f in findings:
            fitting = [by_id[key] for key in f.indicator.tasks if self._fits(by_id[key])]
            named = tuple(task for task in fitting if task.fact in f.lacking)
            found[named or tuple(fitting[:1])].append(f)
        return found

    @cached_property
    def held(self) -> tuple[Duty, ...]:
        """What the holder has to do in the year; nothing where nobody follows tasks."""
        return self.study.duties(self.year).get(self.holder, ())

    def _fits(self, task: Task) -> bool:
        """Tell whether a task is for who reads the page."""
        return task.owner == "district"

    def _show_tasks(self, title: str) -> Fragment:
        """Show every task of the holder: what is late first, then what falls due, then the rest."""
        on = self.day(self.held[0].on) if self.held else ""
        return self._render(
            "nhiem-vu",
            "tasks",
            title,
            lead=self._tasks_lead(),
            caption=self.say("tasks_caption", self.year, on),
            rows=self._task_rows(),
        )

    def _tasks_lead(self) -> str:
        duties = self.held
        if not duties:
            return self.say("tasks_untracked")
        asked = [duty for duty in duties if not duty.task.indicator and not duty.since]
        if asked and not any(duty.is_answered for duty in asked):
            return self.say("tasks_unsent", self.year, len(asked))
        numbers = {
            "done": sum(duty.group == "done" for duty in duties),
            "all": len(duties),
            "unproven": sum(duty.is_unproven for duty in duties),
            "unreported": sum(duty.state == "unreported" for duty in duties),
        }
        late, waiting = (
            [duty.task.short for duty in duties if duty.state == state]
            for state in ("overdue", "unreported_due")
        )
        return self.say("tasks_lead", numbers, late, waiting)

    def _task_rows(self) -> list[dict[str, Any]]:
        ordered = sorted(
            self.held, key=lambda d: (not d.has_passed, not d.is_due_within(SOON_DAYS))
        )
        silent = [duty for duty in ordered if duty.state == "unreported"]
        rows = [self.task_row(duty) for duty in ordered if duty.state != "unreported"]
        if silent:
            # One line for all of which nothing else is known.
            together = self.task_row(silent[0]) | {"is_many": True, "result": ""}
            rows.append(together | {"title": "; ".join(duty.task.short for duty in silent)})
        return rows

    def task_row(self, duty: Duty) -> dict[str, Any]:
        """Return a task as a line of a table: title, day, state, result, documents, note."""
        say, tone = self.say, self.words["task_tone"][duty.state]
        documents = [
            {"text": say("document", cited, self.day(cited.doc_date)), "title": cited.title}
            for cited in duty.documents
        ]
        return {
            "title": duty.task.short or duty.task.text,
            "is_many": False,
            "due": say("duty_due", duty, self.day(duty.due)),
            "tone": tone,
            "sign": self.words["verdict_sign"][tone],
            "label": self.words["task_state"][duty.state],
            "late": say("duty_days", duty),
            "result": say("duty_result", duty, "" if duty.since else self.day(duty.done_on)),
            "documents": documents,
            "note": say("duty_note", duty.note) if duty.note else "",
        }

    def day(self, day: date | None) -> str:
        """Write a day; nothing where there is none."""
        return self.language.date(day) if day else ""

    def written(self, *words: str) -> list[dict[str, Any]]:
        """Return what people have written under some of the dictionary's ``statement`` headings."""
        found = self.study.words_of(self.year, self.writer)
        return [
            {"heading": self.language.dictionary_word("statement", word), "html": to_html(markdown)}
            for word, markdown in found.items()
            if word in words
        ]

    def quote(self, unit_id: str) -> list[str]:
        """Return what a unit notes in its return, quoted; nothing where it does not, or to be shared."""
        note = self.study.cells(unit_id, self.year)["note"]
        if self.study.params.edition != "internal" or pd.isna(note):
            return []
        text = " ".join(str(note).split())
        if len(text) > _LONGEST_NOTE:
            text = text[:_LONGEST_NOTE].rsplit(" ", 1)[0] + " …"
        return [self.say("unit_note", text)]

    def definitions(self) -> Fragment | None:
        """Show how each indicator of this page is computed and what was decided about it."""
        cards = [self._card(finding.indicator) for finding in self.defined]
        title = self.ui("definitions")
        return self._render("dinh-nghia", "definitions", title, cards=cards) if cards else None

    def _card(self, indicator: Indicator) -> tuple[Indicator, str, str]:
        """Return an indicator with its formula and its bars in words."""
        bars = [
            self.say("dated_bar", t, indicator.unit, indicator.is_fraction, indicator.once)
            for t in indicator.targets
        ]
        assumed = self.study.params.assumptions.get(indicator.id)
        if assumed and not bars:
            bars = [self.say("assumption", assumed)]
        formula = self.say("formula", formula_words(indicator, self.language))
        return indicator, formula, "; ".join(bars) or self.words["verdict_long"]["no_target"]

    def figure_targets(self) -> Fragment | None:
        """Draw the judged rates against their targets; nothing where there are none."""
        say, name, shown = self.say, self.name, self.judged_rates
        if not shown:
            return None
        missed, met = (sum(f.verdict == word for f in shown) for word in ("not_met", "met"))
        panels = []
        for part in in_columns(shown, _MOST_ROWS):
            items = [say("fig_targets_item", f) for f in part]
            frame = pd.DataFrame([self.rate_and_counts(f) for f in part])
            drawn = charts.rates(frame, language=self.language)
            panels.append((say("fig_targets_alt", name, self.year, items), drawn))
        has_bounds = any(f.lower != f.upper for f in shown)
        return self.figure(
            "chi-tieu",
            panels,
            headline=say("fig_targets_title", missed, len(shown), met),
            subtitle=say("fig_targets_subtitle", name, self.year, has_bounds),
            header=self.labels("indicator", "numerator", "denominator", "value", "target"),
            rows=[self.figure_row(f) for f in shown],
            legend=self.verdicts_in(shown),
        )

    def rate(self, finding: Finding, **more: Any) -> dict[str, Any]:
        """Return a finding as a row of the charts in `analysis.figures.charts`."""
        return {
            "label": finding.indicator.short,
            "value": finding.value,
            "lower": finding.lower,
            "upper": finding.upper,
            "target": finding.target.minimum if finding.target else None,
            "verdict": finding.verdict,
            "text": self.say("value", finding),
            **more,
        }

    def rate_and_counts(self, finding: Finding) -> dict[str, Any]:
        """Return a `rate` whose text names what it is of, where that is short."""
        row, counts = self.rate(finding), self.say("counts", finding)
        is_short = not finding.indicator.is_money and len(counts) <= _LONGEST_COUNTS
        return row | {"text": f"{row['text']} ({counts})"} if is_short else row

    def is_break(self, finding: Finding) -> bool:
        """Tell whether other units are in a figure of the district than in the year before."""
        is_of_circle = finding.scope == "district" and finding.indicator.over == "units"
        return is_of_circle and find_circle(self.study, finding.year).is_other

    def figure_row(self, finding: Finding) -> list[str]:
        """Return a finding's line of a figure's data."""
        say, known = self.say, [finding.numerator, finding.denominator]
        counts = [
            self.count(number) if number is not None else say("band", band) if band else "–"
            for number, band in zip(known, finding.bands, strict=True)
        ]
        return [finding.indicator.title, *counts, say("value", finding), say("target", finding)]

    def figure(
        self,
        name: str,
        panels: Sequence[tuple[str, Figure]],
        *,
        headline: str,
        subtitle: str,
        header: Sequence[str],
        rows: Sequence[Sequence[str]],
        legend: Sequence[dict[str, str]] = (),
    ) -> Fragment:
        """Return a figure with its message, its data, and for each drawing of it a description."""
        return render(
            "figure",
            id=f"fig-{name}",
            headline=headline,
            subtitle=subtitle,
            drawings=[
                raw(to_svg(drawn, alt, f"{name}-{place}" if place else name))
                for place, (alt, drawn) in enumerate(panels)
            ],
            small=panels[0][1].get_figwidth() * 72 < WIDTH,
            wide=sum(drawn.get_figwidth() for _, drawn in panels) * 72 > WIDTH + 1,
            legend=legend,
            header=header,
            rows=rows,
            t=self.words["ui"],
        )

    def labels(self, *keys: str) -> list[str]:
        """Return fixed texts of the pages, for the head of a table."""
        return [self.ui(key) for key in keys]

    def verdicts_in(self, shown: Iterable[Finding]) -> list[dict[str, str]]:
        """Return a figure's legend: the sign and name of each verdict in it."""
        verdicts = dict.fromkeys(finding.verdict for finding in shown)
        return self.legend({v: self.words["verdict"][v] for v in verdicts})

    def legend(self, labels: Mapping[str, str], signs: str = "mark_sign") -> list[dict[str, str]]:
        """Return what verdicts are called beside their signs, of a figure or of another kind."""
        sign = self.words[signs]
        return [{"verdict": v, "sign": sign[v], "label": label} for v, label in labels.items()]

    def about_edition(self) -> str:
        """Say what the edition to share withholds; nothing in the internal one."""
        is_internal = self.study.params.edition == "internal"
        return "" if is_internal else self.say("share_method", LARGEST_HIDDEN)

    def show(
        self,
        what: pd.DataFrame | pd.Series | Figure,
        *,
        title: str = "",
        note: str = "",
        alt: str = "",
    ) -> Fragment:
        """Đưa bảng hoặc hình của mình vào trang báo cáo, có tiêu đề và có trong mục lục.

        Parameters
        ----------
        what : DataFrame, Series or Figure
            A frame's known columns get their headings and formats; an index of names is shown as
            its first columns.
        title : str
            The section's heading, the table's caption and its entry in the contents.
        note : str, optional
            A sentence above it.
        alt : str, optional
            Of a figure: what it says, for who cannot see it. The house's own charts bring theirs.

        Returns
        -------
        Fragment
            A section of the page, if it is what the cell shows.

        Raises
        ------
        InputError
            If it is neither, or has no title, or is a figure without a description.

        Examples
        --------
        >>> import analysis
        >>> study = analysis.load(2024)
        >>> report = analysis.year(study, 2024)
        >>> gap = study.missed("cadres_trained")
        >>> "<caption>Ai còn thiếu</caption>" in report.show(gap, title="Ai còn thiếu").html
        True
        """
        if not title:
            message = 'bảng, hình đưa vào trang phải có tiêu đề: report.show(..., title="...")'
            raise InputError([error(message, code="no_title")])
        section = f"rieng-{sum(key.startswith('rieng-') for key in self._contents) + 1}"
        if isinstance(what, Figure):
            _refuse_assumed(what.get_gid() == "assumed")
            content = self._own_figure(what, alt, section)
        elif isinstance(what, pd.DataFrame | pd.Series):
            _refuse_assumed(getattr(what.attrs.get("look"), "is_assumed", False))
            content = self._own_table(pd.DataFrame(what), what.attrs.get("look"))
        else:
            message = "chỉ đưa được bảng (DataFrame, Series) hoặc hình (matplotlib Figure)"
            raise InputError([error(message, code="not_shown", value=type(what).__name__)])
        return self._render(section, "own", title, note=note, **content)

    def _own_figure(self, figure: Figure, alt: str, name: str) -> dict[str, Any]:
        # The house's own charts, which bring a description, say their mark in the drawing.
        own = str(figure.get_label())
        if not (alt or own):
            message = 'hình cần lời mô tả cho người không nhìn thấy: alt="..."'
            raise InputError([error(message, code="no_alt")])
        if "matplotlib.pyplot" in sys.modules:  # else JupyterLab would show it once more
            sys.modules["matplotlib.pyplot"].close(figure)
        return {
            "drawing": raw(to_svg(figure, alt or own, name)),
            "wide": figure.get_figwidth() * 72 > WIDTH + 1,
            "mark": "" if own else answer(self.study, pd.DataFrame()).attrs["look"].mark,
        }

    def _own_table(self, frame: pd.DataFrame, look: Any) -> dict[str, Any]:
        if not any(frame.index.names) and not pd.api.types.is_numeric_dtype(frame.index.dtype):
            frame = frame.rename_axis("index" if "name" in frame else "name")
        if any(frame.index.names):
            frame = frame.reset_index()
        told = answer(self.study, frame, labels=look.labels if look else None)
        shown = told.shown()
        columns = [
            {"key": place, "label": str(label), "number": pd.api.types.is_numeric_dtype(dtype)}
            for place, (label, dtype) in enumerate(zip(shown.columns, frame.dtypes, strict=True))
        ]
        rows = shown.itertuples(index=False, name=None)
        return {"columns": columns, "rows": rows, "mark": told.attrs["look"].mark}

    def digests(self) -> dict[str, str]:
        """Return hashes of all that the page says; of one that may say anything, the dataset's.

        Two pages with equal digests, under the same plan and settings, are the same.
        """
        return {"data": self.study.dataset.digest[:16]}

    def data_digest(self) -> str:
        """Return what tells this page's data from any other's."""
        known = self.digests()
        return known.get("data") or digest(sorted(known.items()))

    def method(self) -> Fragment:
        """Show how figures come about, their limits, and where this page comes from."""
        plan, ui = self.study.plan, self.ui
        described = self.study.dataset.description.name or ui("none")
        facts = [
            (ui("plan"), f"{plan.title} ({plan.source}; {plan.id} {plan.version})"),
            (ui("dataset"), f"{described} (SHA-256 {self.data_digest()})"),
            (ui("package"), _package_version()),
            (ui("made_at"), f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"),
        ]
        flags = {flag for f in self.findings.values() for flag in f.flags}
        return self._render(
            "cach-tinh",
            "method",
            ui("method"),
            method=self.say("method", self.day(plan.cut_off_in(self.year))),
            edition=self.about_edition(),
            flags=[self.language.word("flag", flag) for flag in sorted(flags)],
            facts=facts,
        )


def table(
    caption: str, labels: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1
) -> dict[str, Any]:
    """Return a table of the templates: the first columns are texts, the others numbers."""
    columns = [
        {"key": place, "label": label, "number": place >= texts}
        for place, label in enumerate(labels)
    ]
    return {"caption": caption, "columns": columns, "rows": list(rows)}


def formula_words(indicator: Indicator, language: Language) -> dict[str, Any]:
    """Return what an indicator counts over what, in the language's headings."""
    tables = SOURCE_TABLES[indicator.over]

    def names(columns: tuple[str, ...]) -> list[str]:
        return [language.heading(column, tables) for column in columns]

    return {
        "measure": indicator.measure,
        "is_share": indicator.is_share,
        "max_rate": indicator.max_rate,
        "member_word": language.word("member", indicator.over),
        "numerator_names": names(indicator.numerator),
        "denominator_names": names(indicator.denominator),
        "holds_names": [_fact(one, names(one.columns), language) for one in indicator.holds],
        "applies_names": [_fact(one, names(one.columns), language) for one in indicator.applies_if],
    }


def _fact(condition: Condition, names: list[str], language: Language) -> str:
    """Say a condition; of two columns it asks their quotient."""
    say, name = language.say, names[0] if len(names) == 1 else language.say("quotient", *names)
    if condition.present is not None:
        return say("condition", name, "present" if condition.present else "absent", "")
    write = language.numbers.quantity if condition.over is None else language.numbers.level
    for comparison in ("is_not", "more_than", "at_least"):
        bar = getattr(condition, comparison)
        if isinstance(bar, Fraction):
            return say("condition", name, comparison, write(bar))
        if bar is not None:
            grade = language.dictionary_word("grade", bar)
            return say(
                "condition", name, comparison, grade if comparison == "is_not" else f"“{grade}”"
            )
    return say("condition", name, "true", "")


def in_columns(items: Sequence[Any], most: int) -> list[Sequence[Any]]:
    """Return what stands beside each other where no column may be longer: of like length.

    Examples
    --------
    >>> in_columns("abcde", 3), in_columns("", 3)
    (['abc', 'de'], [])
    """
    height = -(-len(items) // (-(-len(items) // most) or 1))
    return [items[start : start + height] for start in range(0, len(items), height or 1)]


def digest(facts: object) -> str:
    """Return a short hash of facts: pages are told apart by it, not trusted, and 64 bits do."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


@cache
def _package_version() -> str:
    """Return this package's name and version; looked up once, for it takes a search on the disk."""
    return f"congdoan {version('congdoan')}"
