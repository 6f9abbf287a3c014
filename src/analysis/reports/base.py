"""What the unit's and the year's narratives share."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache, cached_property
from importlib.metadata import version
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from analysis.exploring.answers import answer
from analysis.exploring.names import pick_year
from analysis.figures import rates, to_svg
from analysis.figures.style import WIDTH
from analysis.findings import Finding
from analysis.findings.tally import Sides, compare_sides
from analysis.language import Language, load_language
from analysis.pages.fragments import EndMark, Fragment, raw, render
from analysis.plan import Indicator, Task
from analysis.problems import InputError, error
from analysis.redaction import LARGEST_HIDDEN
from analysis.reports.formula import formula_words
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
    """A narrative of one year under construction, section by section.

    Parameters
    ----------
    study : Study
        From `analysis.load`.
    year : int
        The year it tells of.
    """

    #: From the page's folder to the site's.
    up = ""

    def __init__(self, study: Study, year: int) -> None:
        _refuse_assumed(study.is_assumed)
        self._study = study
        self.year = pick_year(study, year)
        self.language: Language = load_language(study.params.lang, study.root)
        self.findings: dict[str, Finding] = {}
        self.before: dict[str, Finding] = {}
        self._contents: dict[str, str] = {}

    @property
    def study(self) -> Study:
        """The study that it tells of, with its dataset's own columns in the dictionary."""
        return self._study.take_columns()

    #: Whose own words the page prints: a unit's id; empty for those of the whole.
    writer = ""

    @property
    def wholes(self) -> list[Finding]:
        """The findings that are not parts of another."""
        return [f for f in self.findings.values() if not f.indicator.is_part]

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
        words = self.language.words
        rows = {
            key: {
                "title": f.indicator.title,
                "value": None if f.value is None else float(f.value),
                "numerator": f.numerator,
                "denominator": f.denominator,
                "target": self.language.say("target", f),
                "verdict": words["verdict"][f.verdict],
                "lacking": f.shortfall or None,
                "change": None if f.change is None else float(f.change.difference),
            }
            for key, f in self.findings.items()
        }
        whole = {name: "Int64" for name in ("numerator", "denominator", "lacking")}
        found = pd.DataFrame.from_dict(rows, orient="index").astype(whole if rows else {})
        return found.rename(columns=words["column"])

    @property
    def defined(self) -> list[Finding]:
        """The findings whose indicators the page defines."""
        return self.wholes

    def _render(self, section: str, template: str, title: str, **context: Any) -> Fragment:
        """Render a section and enter it into the page's contents."""
        self._contents[section] = title
        texts = self.language.words["ui"]
        return render(template, id=section, title=title, t=texts, up=self.up, **context)

    def head(self, kicker: str, title: str, facts: list[tuple[str, str]]) -> Fragment:
        """Show a page's head: who it is about, its edition and, if wanted, the letterhead."""
        issuer, params = self.study.plan.issuer, self.study.params
        letterhead = None
        if params.letterhead:
            body = [text for text in (issuer.superior, issuer.name) if text]
            letterhead = {"body": body, "state": self.language.words["state"]}
        return render(
            "header",
            kicker=kicker,
            title=title,
            facts=facts,
            edition=self.language.ui(params.edition),
            letterhead=letterhead,
        )

    def _end(self, lead: str, title: str, nav: list[dict[str, str]]) -> EndMark:
        """Return the mark of a page that ran to its end, with what its frame shows."""
        texts = self.language.words["ui"]
        described = self.study.dataset.description
        facts = {
            "title": title,
            "description": lead,
            "lang": self.language.code,
            "issuer": self.study.plan.issuer.name,
            "contents": [{"id": key, "title": text} for key, text in self._contents.items()],
            "contents_label": texts["contents"],
            "skip": texts["skip"],
            "notice": texts["illustrative"] if described.illustrative else "",
            "mark": texts["illustrative_mark"],
            "edition": texts[self.study.params.edition],
            "nav": nav,
            "onward": texts["onward"],
        }
        return EndMark(facts)

    def results(self) -> Fragment | None:
        """Show every indicator in the plan's order, a table with a group for each section."""
        parts = []
        for section in self.study.plan.sections:
            inside = [f for f in self.shown_results if f.indicator.part_of_plan == section.id]
            if inside:
                rows = [self._result_row(finding) for finding in inside]
                parts.append({"title": f"{section.id}. {section.title}", "rows": rows})
        caption = self.language.say("results_caption", self.year)
        title, beside = self.language.ui("results"), self._headings_beside()
        return self._render(
            "ket-qua", "results", title, caption=caption, parts=parts, beside=beside
        )

    def _headings_beside(self) -> list[str]:
        """Return what else stands beside each result; `_beside` gives the texts."""
        return [f"{self.language.ui('value')} {self.year - 1}"]

    def _beside(self, finding: Finding) -> list[str]:
        last = self.before.get(finding.indicator.id)
        return [self.language.say("value", last) if last else ""]

    def _result_row(self, finding: Finding) -> dict[str, Any]:
        say, words = self.language.say, self.language.words
        is_part = finding.indicator.is_part
        return {
            "title": finding.indicator.title,
            "whole": finding.indicator.whole,
            "is_part": is_part,
            "value": say("value", finding),
            "counts": say("counts", finding),
            "target": say("target", finding),
            "verdict": finding.verdict,
            # A part has no target of its own: saying so on every line would only be noise.
            "verdict_label": "" if is_part else words["verdict"][finding.verdict],
            "verdict_sign": words["verdict_sign"][finding.verdict],
            "note": say("note", finding),
            "beside": self._beside(finding),
        }

    def group(self, verdict: str, heading: str, lines: list[dict[str, Any]]) -> dict[str, Any]:
        """Return a headed list for a template."""
        sign = self.language.word("verdict_sign", verdict)
        return {"verdict": verdict, "heading": heading, "lines": lines, "sign": sign}

    def line(self, finding: Finding) -> dict[str, Any]:
        """Return what a finding says, with the change where it says more than that nothing moved."""
        text = self.language.say("sentence", finding)
        if finding.change is not None and finding.change.difference != 0:
            text += "; " + self.language.say("change", finding.change)
        return {"title": finding.indicator.title, "verdict": finding.verdict, "text": text + "."}

    def _tasks_for(self, finding: Finding) -> tuple[Task, ...]:
        """Return what mends a finding: of an "and" each fact's own task, else the first."""
        by_id = {task.id: task for task in self.study.plan.tasks}
        fitting = [by_id[key] for key in finding.indicator.tasks if self._fits(by_id[key])]
        named = tuple(task for task in fitting if task.fact in finding.lacking)
        return named or tuple(fitting[:1])

    @property
    def holder(self) -> str:
        """Whose tasks the page orders: the issuer's, under its id."""
        return self.study.plan.issuer.id

    @cached_property
    def held(self) -> tuple[Duty, ...]:
        """What the holder has to do in the year; nothing where nobody follows tasks."""
        return self.study.duties(self.year).get(self.holder, ())

    def _fits(self, task: Task) -> bool:
        """Tell whether a task is for who reads the page."""
        return task.owner == "district"

    def _show_tasks(self, title: str) -> Fragment:
        """Show every task of the holder: what is late first, then what falls due, then the rest."""
        say = self.language.say
        duties = self.held
        on = self.language.date(duties[0].on) if duties else ""
        return self._render(
            "nhiem-vu",
            "tasks",
            title,
            lead=self._tasks_lead(duties),
            caption=say("tasks_caption", self.year, on),
            rows=self._task_rows(duties),
        )

    def _tasks_lead(self, duties: Sequence[Duty]) -> str:
        if not duties:
            return self.language.say("tasks_untracked")
        asked = [duty for duty in duties if not duty.task.indicator and not duty.since]
        if asked and not any(duty.is_answered for duty in asked):
            return self.language.say("tasks_unsent", self.year, len(asked))
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
        return self.language.say("tasks_lead", numbers, late, waiting)

    def _task_rows(self, duties: Sequence[Duty]) -> list[dict[str, Any]]:
        ordered = sorted(duties, key=lambda d: (not d.has_passed, not d.is_due_within(SOON_DAYS)))
        silent = [duty for duty in ordered if duty.state == "unreported"]
        rows = [self.task_row(duty) for duty in ordered if duty.state != "unreported"]
        if silent:
            # One line for all of which nothing else is known.
            together = self.task_row(silent[0]) | {"is_many": True, "result": ""}
            rows.append(together | {"title": "; ".join(duty.task.short for duty in silent)})
        return rows

    def task_row(self, duty: Duty) -> dict[str, Any]:
        """Return a task as a line of a table: title, day, state, result, documents, note."""
        say, words = self.language.say, self.language.words
        day = self.language.date
        tone = words["task_tone"][duty.state]
        documents = [
            {
                "text": say("document", cited, day(cited.doc_date) if cited.doc_date else ""),
                "title": cited.title,
            }
            for cited in duty.documents
        ]
        done_on = day(duty.done_on) if duty.done_on and not duty.since else ""
        return {
            "title": duty.task.short or duty.task.text,
            "is_many": False,
            "due": say("duty_due", duty, day(duty.due) if duty.due else ""),
            "tone": tone,
            "sign": words["verdict_sign"][tone],
            "label": words["task_state"][duty.state],
            "late": say("duty_days", duty),
            "result": say("duty_result", duty, done_on),
            "documents": documents,
            "note": say("duty_note", duty.note) if duty.note else "",
        }

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
        return [self.language.say("unit_note", text)]

    def definitions(self) -> Fragment | None:
        """Show how each indicator of this page is computed and what was decided about it."""
        cards = [self._card(finding.indicator) for finding in self.defined]
        title = self.language.ui("definitions")
        return self._render("dinh-nghia", "definitions", title, cards=cards)

    def _card(self, indicator: Indicator) -> dict[str, str]:
        say = self.language.say
        bars = [
            say("dated_bar", t, indicator.unit, indicator.is_fraction, indicator.once)
            for t in indicator.targets
        ]
        assumed = self.study.params.assumptions.get(indicator.id)
        if assumed and not indicator.targets:
            bars = [say("assumption", assumed)]
        return {
            "id": indicator.id,
            "title": indicator.title,
            "what": indicator.what,
            "why": indicator.why,
            "formula": say("formula", formula_words(indicator, self.language)),
            "target": "; ".join(bars) or self.language.word("verdict_long", "no_target"),
            "section": indicator.section,
            "decision": indicator.decision,
        }

    def _figure_targets(self, name: str, shown: list[Finding]) -> Fragment | None:
        """Draw shares against their targets; nothing where there are none."""
        if not shown:
            return None
        say, texts = self.language.say, self.language.words["ui"]
        missed, met = (sum(f.verdict == word for f in shown) for word in ("not_met", "met"))
        columns = ("indicator", "numerator", "denominator", "value", "target")
        panels = []
        for part in in_columns(shown, _MOST_ROWS):
            items = [say("fig_targets_item", f) for f in part]
            drawn = rates(pd.DataFrame([self.rate(f) for f in part]), language=self.language)
            panels.append((say("fig_targets_alt", name, self.year, items), drawn))
        return self.figure(
            "chi-tieu",
            panels,
            headline=say("fig_targets_title", missed, len(shown), met),
            subtitle=say(
                "fig_targets_subtitle", name, self.year, any(f.lower != f.upper for f in shown)
            ),
            header=[texts[column] for column in columns],
            rows=[self.figure_row(f) for f in shown],
            legend=self.verdicts_in(shown),
        )

    def rate(self, finding: Finding) -> dict[str, Any]:
        """Return a finding as a row of `analysis.figures.rates` and `trends`."""
        say = self.language.say
        text, counts = say("value", finding), say("counts", finding)
        if not finding.indicator.is_money and len(counts) <= _LONGEST_COUNTS:
            text += f" ({counts})"
        return {
            "label": finding.indicator.short,
            "value": finding.value,
            "lower": finding.lower,
            "upper": finding.upper,
            "target": finding.target.minimum if finding.target else None,
            "verdict": finding.verdict,
            "text": text,
        }

    def figure_row(self, finding: Finding) -> list[str]:
        """Return a finding's line of a figure's data."""
        count, say = self.language.numbers.count, self.language.say
        known = [finding.numerator, finding.denominator]
        counts = [
            count(number) if number is not None else say("band", band) if band else "–"
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
            t=self.language.words["ui"],
        )

    def verdicts_in(self, shown: Iterable[Finding]) -> list[dict[str, str]]:
        """Return a figure's legend: the sign and name of each verdict in it."""
        words = self.language.words
        return [
            {"verdict": v, "sign": words["mark_sign"][v], "label": words["verdict"][v]}
            for v in dict.fromkeys(finding.verdict for finding in shown)
        ]

    def about_edition(self) -> str:
        """Say what the edition to share withholds; nothing in the internal one."""
        if self.study.params.edition == "internal":
            return ""
        return self.language.say("share_method", LARGEST_HIDDEN)

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
        if isinstance(what, Figure):
            _refuse_assumed(what.get_gid() == "assumed")
            content = self._own_figure(what, alt)
        elif isinstance(what, pd.DataFrame | pd.Series):
            _refuse_assumed(getattr(what.attrs.get("look"), "is_assumed", False))
            content = self._own_table(pd.DataFrame(what), what.attrs.get("look"))
        else:
            message = "chỉ đưa được bảng (DataFrame, Series) hoặc hình (matplotlib Figure)"
            raise InputError([error(message, code="not_shown", value=type(what).__name__)])
        return self._render(self._own_section(), "own", title, note=note, **content)

    def _own_section(self) -> str:
        """Return the id of the next section that is an analyst's own."""
        return f"rieng-{sum(key.startswith('rieng-') for key in self._contents) + 1}"

    def _own_figure(self, figure: Figure, alt: str) -> dict[str, Any]:
        described = alt or str(figure.get_label())
        if not described:
            message = 'hình cần lời mô tả cho người không nhìn thấy: alt="..."'
            raise InputError([error(message, code="no_alt")])
        if "matplotlib.pyplot" in sys.modules:  # else JupyterLab would show it once more
            sys.modules["matplotlib.pyplot"].close(figure)
        return {
            "drawing": raw(to_svg(figure, described, self._own_section())),
            "wide": figure.get_figwidth() * 72 > WIDTH + 1,
            # The house's own charts, which bring a description, say it in the drawing.
            "mark": ""
            if figure.get_label()
            else answer(self.study, pd.DataFrame()).attrs["look"].mark,
        }

    def _own_table(self, table: pd.DataFrame, look: Any) -> dict[str, Any]:
        if not any(table.index.names) and not pd.api.types.is_numeric_dtype(table.index.dtype):
            table = table.rename_axis("index" if "name" in table else "name")
        if any(table.index.names):
            table = table.reset_index()
        frame = answer(self.study, table, labels=look.labels if look else None)
        shown = frame.shown()
        columns = [
            {"key": place, "label": label, "number": pd.api.types.is_numeric_dtype(dtype)}
            for place, (label, dtype) in enumerate(
                zip(map(str, shown.columns), table.dtypes, strict=True)
            )
        ]
        rows = shown.itertuples(index=False, name=None)
        return {"columns": columns, "rows": rows, "mark": frame.attrs["look"].mark}

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
        plan, dataset, texts = self.study.plan, self.study.dataset, self.language.words["ui"]
        described = dataset.description.name or texts["none"]
        facts = [
            (texts["plan"], f"{plan.title} ({plan.source}; {plan.id} {plan.version})"),
            (texts["dataset"], f"{described} (SHA-256 {self.data_digest()})"),
            (texts["package"], _package_version()),
            (texts["made_at"], f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"),
        ]
        flags = {flag for f in self.findings.values() for flag in f.flags}
        labels = [self.language.word("flag", flag) for flag in sorted(flags)]
        cut_off = self.language.date(plan.cut_off_in(self.year))
        return self._render(
            "cach-tinh",
            "method",
            texts["method"],
            method=self.language.say("method", cut_off),
            edition=self.about_edition(),
            flags=labels,
            facts=facts,
        )


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
