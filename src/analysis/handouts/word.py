"""The year's and a unit's report as a Word document, from the findings that the pages tell.

It follows the parts of a review; what people have written stands in its place, and what an office
fills in by hand (number, day, signature) is left open.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from analysis.figures import charts
from analysis.findings.finding import Finding, find_years
from analysis.findings.perimeter import find_circumstances
from analysis.handouts.document import WordFile
from analysis.reports.base import in_columns
from analysis.reports.unit import UnitReport
from analysis.reports.year import YearReport
from analysis.study import Study
from analysis.tables.peoples_text import to_blocks
from analysis.tasks import GROUPS, SOON_DAYS, Duty

_MOST_NAMED = 4
#: Rates in one picture: a page holds so many.
_MOST_ROWS = 14
_MOST_PANELS = 24
_ROMAN = ("", "I", "II", "III", "IV")
_ASSESSED = ("met", "not_met", "undetermined", "not_due")


def write_year(study: Study) -> bytes:
    """Return the study's year as a Word document, in either edition.

    Examples
    --------
    >>> from analysis import load
    >>> write_year(load(2024))[:2]
    b'PK'
    """
    return _YearPaper(YearReport(study, study.params.year)).finish()


def write_unit(study: Study, unit_id: str) -> bytes:
    """Return a unit's year as a Word document, in either edition."""
    return _UnitPaper(UnitReport(study, unit_id, study.params.year)).finish()


class _Paper:
    """What both documents have: the frame, the four parts, the table of all indicators."""

    #: Who receives the document, and on whose behalf it is signed: one block for each signer.
    recipients: Sequence[str]
    signers: Sequence[Sequence[str]]

    def __init__(
        self,
        report: YearReport | UnitReport,
        *,
        issuer: str,
        superior: str,
        short: str,
        place: str,
    ) -> None:
        self.report, self.issuer = report, issuer
        self.study, self.year, self.language = report.study, report.year, report.language
        self.say, self.ui, self.count, self.day = report.say, report.ui, report.count, report.day
        texts: dict[str, str] = report.words["document"]
        self.texts, self._appendices = texts, 0
        plan, say = self.study.plan, self.say
        subject = say("document_subject", self.year, plan.title)
        day = datetime.combine(plan.cut_off_in(self.year), time())
        self.document = WordFile(f"{issuer}: {subject}", issuer, day, self.language.code)
        first, town = short.partition(" ")[0], place.partition(",")[0].strip()
        for area in report.words["areas"]:
            town = town.removeprefix(f"{area} ")
        # The number and the day are written by hand.
        number = texts["number_line"].format(first if first.isupper() else "…")
        written = texts["place_and_day"].format(town)
        head = (superior, issuer, number, texts["draft"], report.words["state"], written)
        self.document.letterhead(*head)
        self.document.write(texts["kind"], "BC Tên loại")
        self.document.write(subject, "BC Trích yếu")
        *bases, last = *plan.legal_bases, plan.source
        for basis in (*(f"{basis};" for basis in bases), f"{last}."):
            self.document.write(f"{texts['basis']} {basis}", "BC Căn cứ")
        self.document.write(say("document_opening", issuer, self.year))

    def circumstances(self) -> None:
        """Write with what the year began and ended."""

    def leadership(self) -> None:
        """Write part I."""

    def assessment(self) -> None:
        """Write part III, before the causes and the lessons that people have written."""

    def direction(self) -> None:
        """Write part IV, before what is asked for."""

    def appendices(self) -> None:
        """Write the tables of tasks and of whoever is missing."""

    def finish(self) -> bytes:
        """Write all parts and return the file."""
        ui, document = self.ui, self.document
        document.heading(self.language.dictionary_word("statement", "circumstances"))
        self.circumstances()
        self._statements("circumstances")
        document.heading(ui("leadership"))
        self.leadership()
        document.heading(ui("year_results"))
        self._results()
        document.heading(ui("assessment"))
        self.assessment()
        self._statements("causes", "lessons")
        document.heading(ui("direction"))
        self.direction()
        self._statements("proposals")
        hand = (self.texts["signer"], "", "", "", "", self.texts["signature"], "")
        signed = [line for signer in self.signers for line in (*signer, *hand)]
        document.signatures(self.texts["recipients"], self.recipients, signed)
        self._indicators()
        self.appendices()
        self._origin()
        return document.to_bytes()

    def _statements(self, *words: str) -> None:
        """Write what people have written under some headings; an empty one is not printed."""
        for word, markdown in self.study.words_of(self.year, self.report.writer).items():
            if word in words:
                if word != "circumstances":
                    self.document.heading(self.language.dictionary_word("statement", word), 2)
                self.document.statement(to_blocks(markdown))

    def _results(self) -> None:
        """Write part II: the plan's sections, a sentence for each indicator."""
        told = [f for f in self.report.shown_results if not f.indicator.is_part]
        of_units = [f for f in told if f.indicator.over != "district"]
        for title, inside in self.report.by_section(of_units).items():
            self.document.heading(title, 2)
            for finding in inside:
                line, held = self.report.line(finding), self.holders(finding)
                self.document.item(line["title"], f"{line['text']}{' ' if held else ''}{held}")
        self._figures()

    def holders(self, finding: Finding) -> str:
        """Say who holds the gap; nothing for one unit."""
        return ""

    def _figures(self) -> None:
        """Put in all judged shares against their bars, their years, and the paths of stages."""
        say, language, shares = self.say, self.language, self.report.judged_rates
        shown: list[tuple[str, Sequence[dict[str, str]], Sequence[tuple[str, Figure]], float]] = []
        if shares:
            halves = (map(self.report.rate, part) for part in in_columns(shares, _MOST_ROWS))
            drawn = [charts.rates(pd.DataFrame(half), language=language) for half in halves]
            caption = say("fig_targets_subtitle", self.issuer, self.year, True)
            labelled = [(str(one.get_label()), one) for one in drawn]
            shown.append((caption, self.report.verdicts_in(shares), labelled, 80))
        every = [
            find_years(self.study, f.scope, f.scope_id, f.indicator, self.year) for f in shares
        ]
        several = [series for series in every if len(series) > 1]
        for panels in in_columns(several, _MOST_PANELS):
            found = [f for series in panels for f in series.values()]
            rows = [
                self.report.rate(f, year=f.year, is_break=self.report.is_break(f)) for f in found
            ]
            breaks = list(dict.fromkeys(row["year"] for row in rows if row["is_break"]))
            one = charts.trends(pd.DataFrame(rows), columns=4, language=language)
            labelled, width = [(str(one.get_label()), one)], min(160, one.get_figwidth() * 25.4)
            caption = say("fig_trends_subtitle", breaks)
            shown.append((caption, self.report.verdicts_in(found), labelled, width))
        for path in self.paths():
            caption = f"{path['headline']}. {path['subtitle']}"
            shown.append((caption, path["legend"], path["panels"], 80))
        for number, (caption, legend, drawings, width) in enumerate(shown, 1):
            marks = "; ".join(f"{mark['sign']} {mark['label']}" for mark in legend)
            caption = f"{self.texts['figure']} {number}. {caption}. {marks}."
            self.document.figure(caption, drawings, width)

    def paths(self) -> Sequence[dict[str, Any]]:
        """Return what is to reach a level by the end of a stage, as the page draws it."""
        return ()

    def shown(self, table: dict[str, Any], shares: Sequence[float]) -> None:
        """Write a table that the page has too."""
        columns = table["columns"]
        rows = [[row[column["key"]] for column in columns] for row in table["rows"]]
        numeric = [place for place, column in enumerate(columns) if column["number"]]
        header = [column["label"] for column in columns]
        self.document.table(table["caption"], header, rows, shares[: len(columns)], numeric)

    def numbered(
        self,
        caption: str,
        labels: Sequence[str],
        rows: Iterable[Sequence[str]],
        shares: Sequence[float],
        numeric: Sequence[int] = (),
    ) -> None:
        """Write a table whose rows are numbered."""
        found = [[str(place), *row] for place, row in enumerate(rows, 1)]
        self.document.table(caption, [self.texts["number"], *labels], found, shares, numeric)

    def appendix(self, title: str) -> None:
        """Begin the next appendix."""
        self._appendices += 1
        number = f"{self.texts['appendix']} {_ROMAN[self._appendices]}"
        self.document.appendix(number, title)

    def _indicators(self) -> None:
        """Write the table of all indicators, as the page has it."""
        say, labels, last_year = self.say, self.report.labels, f"{self.ui('value')} {self.year - 1}"
        self.appendix(self.ui("results"))
        header = labels("indicator", "value", "counts", "target", "verdict")
        rows: list[list[str]] = []
        place = 0
        for title, inside in self.report.by_section(self.report.shown_results).items():
            rows.append([title])
            for f in inside:
                last, note = self.report.before.get(f.indicator.id), say("note", f)
                figures = [say(word, f) for word in ("value", "counts", "target")]
                before = say("value", last) if last else ""
                if f.indicator.is_part:
                    rows.append(["", f"– {f.indicator.title}", *figures, note, before])
                    continue
                place += 1
                verdict = "; ".join(filter(None, [self.language.word("verdict", f.verdict), note]))
                rows.append([str(place), f.indicator.title, *figures, verdict, before])
        caption, shares = say("results_caption", self.year), (4, 32, 10, 12, 13, 24, 10)
        header = [self.texts["number"], *header, last_year]
        self.document.table(caption, header, rows, shares, (2, 3, 6))

    def _origin(self) -> None:
        """Write how figures come about, and from which data these did."""
        study, ui, say = self.study, self.ui, self.say
        self.document.heading(ui("method"), 2)
        self.document.write(say("method", self.day(study.plan.cut_off_in(self.year))))
        if about := self.report.about_edition():
            self.document.write(about)
        data = study.dataset.description
        self.document.write(
            f"{ui('dataset')}: {data.name or ui('none')} (SHA-256 {self.report.data_digest()})."
        )
        marks = [ui(study.params.edition), ui("illustrative") if data.illustrative else ""]
        self.document.mark(" · ".join(filter(None, marks)))


class _YearPaper(_Paper):
    """The document of a year."""

    report: YearReport

    def __init__(self, report: YearReport) -> None:
        issuer, heirs = report.study.plan.issuer, report.heirs
        for_district = report.words["document"]["for_district"]
        name, short, place = issuer.name, issuer.short, issuer.place
        self.recipients, self.signers = report.study.plan.recipients, [(for_district,)]
        if heirs:  # of a district that is no more, neither the name nor the town
            name, short, place = " – ".join(heirs), "", place.partition(",")[2] or place
            self.recipients = [text for text in (issuer.superior, *heirs) if text]
            self.signers = [(for_district, heir.upper()) for heir in heirs]
        super().__init__(report, issuer=name, superior=issuer.superior, short=short, place=place)

    def circumstances(self) -> None:
        found = find_circumstances(self.study, self.year)
        for line in self.report.circumstances_lines(found):
            self.document.write(line)
        self.shown(self.report.table_of_types(found), (4, 1, 2, 1.5))

    def leadership(self) -> None:
        report = self.report
        self.document.write(report.coverage_line())
        if report.ended_on is not None:
            self.document.write(report.not_judged(report.ended_on))
        whose = report.name if report.ended_on is None else self.ui("all_unions")
        self.document.write(self.say("tally", report.tally, whose, report.sides))
        for line in report.own_lines() if report.ended_on is None else ():
            self.document.item(line["title"], line["text"])

    def _results(self) -> None:
        for line in self.report.only_reported():
            self.document.write(line)
        super()._results()

    def paths(self) -> Sequence[dict[str, Any]]:
        return self.report.paths()

    def assessment(self) -> None:
        """Write what the verdicts come to, then who needs help and what they say of it."""
        for line in self.report.weigh():
            self.document.write(line)
        needy = self.report.need()
        if needy:
            self.document.heading(self.report.words["board"]["need"], 2)
        for one in needy:
            self.document.item(one["name"], " ".join([f"{one['text']}.", *one["said"]]))

    def holders(self, finding: Finding) -> str:
        gap = self.report.gaps.get(finding.indicator.id)
        if gap is None or finding.indicator.is_share:
            return ""
        named = [
            (str(self.report.units.at[key, "name"]), size)
            for key, size in gap.named(_MOST_NAMED).named
        ]
        return self.say("document_holders", named) if named else ""

    def direction(self) -> None:
        rows = []
        for row in self.report.decisions(self.ui("not_received")):
            what = " ".join(row["what"]) + (f" ({row['ref']})" if row["ref"] else "")
            lacks = [f"{f.indicator.short}: {self.say('lacks_here', f)}" for f in row["reasons"]]
            rows.append([what, row["owner"], row["number"] or "; ".join(lacks)])
        if not rows:
            self.document.write(self.say("keep_going"))
            return
        labels = self.report.labels("decision_what", "decision_who", "decision_number")
        self.numbered(self.say("document_decisions", self.year + 1), labels, rows, (7, 46, 17, 30))

    def appendices(self) -> None:
        self._tasks()
        self._absent()
        if table := self.report.table_without_union():
            self.appendix(self.ui("without_union"))
            for line in table["lines"]:
                self.document.write(line)
            self.shown(table, (6, 2, 1))

    def _absent(self) -> None:
        """Write who has not sent a return."""
        absent = self.report.absent
        if absent.empty:
            return
        self.appendix(self.ui("not_received"))
        units = absent[["name", "unit_type", "commune"]].astype(str).itertuples(name=None)
        rows = [
            [name, self.language.dictionary_word("unit_type", unit_type), commune, str(key)]
            for key, name, unit_type, commune in units
        ]
        labels = [*self.report.labels("unit", "unit_type", "commune"), self.texts["id"]]
        self.numbered(self.report.coverage_line(), labels, rows, (5, 43, 25, 18, 19))

    def _tasks(self) -> None:
        """Write each task with how many of its holders stand where."""
        duties, groups = self.report.duties, self.report.words["task_group"]
        if not duties:
            return
        self.appendix(self.ui("duty"))
        found: dict[str, list[Duty]] = defaultdict(list)
        for duty in duties:
            found[duty.task.id].append(duty)
        rows = []
        tasks = [found[task.id] for task in self.study.plan.tasks if task.id in found]
        for held in tasks:
            states = Counter(duty.group for duty in held)
            day = self.say("duty_due", held[0], self.day(held[0].due))
            counts = [self.count(states[name]) for name in GROUPS]
            rows.append([held[0].task.short or held[0].task.text, day, *counts])
        caption = self.say("tasks_caption", self.year, self.day(duties[0].on))
        labels = [*self.report.labels("duty", "due"), *(groups[name] for name in GROUPS)]
        shares = (5, 44, 14, 12, 12, 12, 11)
        self.numbered(caption, labels, rows, shares, (3, 4, 5, 6))


class _UnitPaper(_Paper):
    """The document of a unit."""

    report: UnitReport

    def __init__(self, report: UnitReport) -> None:
        texts, self.commune = report.words["document"], str(report.facts["commune"])
        self.recipients, self.signers = (report.parent, texts["archive"]), [(texts["for_unit"],)]
        super().__init__(
            report, issuer=report.name, superior=report.parent, short="CĐCS", place=self.commune
        )

    def circumstances(self) -> None:
        report, labels = self.report, self.report.labels("unit_type", "commune", "parent")
        told = zip(labels, (report.type_name, self.commune, report.parent), strict=True)
        for title, text in (*told, *report.people()):
            self.document.item(title, f"{text}.")

    def leadership(self) -> None:
        report, say = self.report, self.say
        if not report.facts["has_return"]:
            self.document.write(say("no_return", self.year, report.name, report.parent))
        self.document.write(report.lead())
        if report.held:
            done = sum(duty.group == "done" for duty in report.held)
            self.document.write(say("document_tasks", done, len(report.held)))

    def assessment(self) -> None:
        """Write what is met, missed and open, of what is missed a line each; then what the unit notes."""
        say = self.say
        for verdict in _ASSESSED:
            if found := self.report.by_verdict[verdict]:
                self.document.write(say("document_named", verdict, found))
            for finding in self.report.missed if verdict == "not_met" else ():
                self.document.item(finding.indicator.short, f"{say('gap_size', finding)}.")
        for line in self.report.quote(self.report.unit_id):
            self.document.write(line)

    def direction(self) -> None:
        """Write what is to be sent, what falls due, then what mends what was missed."""
        ui, say = self.ui, self.say
        asked, due = self.report.asked(), self._due()
        steps = self.report.missed_steps(len(self.report.missed))
        for text in asked:
            self.document.item("", text)
        if due:
            self.document.heading(ui("brief_tasks"), 2)
        for (_, title), duties in sorted(due.items()):
            self.document.heading(title, 3)
            for section in self.study.plan.sections:
                inside = [d.task for d in duties if d.task.section.partition(".")[0] == section.id]
                if inside:
                    names = "; ".join(task.short or task.text for task in inside)
                    self.document.item(section.title, f"{names}.")
        if steps:
            self.document.heading(self.texts["mends"], 2)
        for step in steps:
            named = "; ".join(line["title"] for line in step["reasons"])
            tasks = [f"{task['text'].removesuffix('.')} ({task['ref']})." for task in step["tasks"]]
            self.document.item(named, " ".join(tasks) or f"{say('no_task')}.")
        if not (asked or due or steps):
            self.document.write(say("keep_going"))

    def _due(self) -> dict[tuple[date, str], list[Duty]]:
        """Return what is overdue or soon due by its day and by what is said of the day."""
        found: dict[tuple[date, str], list[Duty]] = defaultdict(list)
        for duty in self.report.not_known_done():
            if duty.due and (duty.has_passed or duty.is_due_within(SOON_DAYS)):
                found[duty.due, self.say("document_due", duty, self.day(duty.due))].append(duty)
        return found

    def appendices(self) -> None:
        if not self.report.held:
            return
        self.appendix(self.ui("tasks"))
        labels = self.report.labels("duty", "due", "state", "task_result")
        rows = []
        for row in map(self.report.task_row, self.report.held):
            cited = [one["text"] for one in row["documents"]]
            result = "; ".join(filter(None, [row["result"], *cited]))
            rows.append([row["title"], row["due"], row["label"], result])
        caption = self.say("tasks_caption", self.year, self.day(self.report.held[0].on))
        self.numbered(caption, labels, rows, (5, 40, 14, 20, 30))
