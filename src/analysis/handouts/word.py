"""The year's and a unit's report as a Word document, from the findings that the pages tell.

It follows the parts of a review; what people have written stands in its place, and what an office
fills in by hand (number, day, signature) is left open.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from analysis.figures import rates, trends
from analysis.findings import Finding, find_circle, find_circumstances, find_years, tally
from analysis.findings.finding import by_nearness
from analysis.handouts.brief import not_known_done
from analysis.handouts.document import Letterhead, WordFile
from analysis.reports.base import in_columns
from analysis.reports.unit import UnitReport
from analysis.reports.year import YearReport
from analysis.study import Study
from analysis.tables.peoples_text import to_blocks
from analysis.tables.writing import alphabetically
from analysis.tasks import GROUPS, SOON_DAYS, Duty

#: What the marks of a figure mean, as `Report.verdicts_in` makes it.
Legend = Sequence[dict[str, str]]

_MOST_NAMED = 4
#: Rates in one picture: a page holds so many.
_MOST_ROWS = 14
_MOST_PANELS = 24
_ROMAN = ("", "I", "II", "III", "IV")
_ASSESSED = ("met", "not_met", "undetermined", "not_due")


def write_year(study: Study) -> bytes:
    """Return the study's year as a Word document.

    Parameters
    ----------
    study : Study
        Of either edition: what it withholds is not in the document.

    Examples
    --------
    >>> from analysis import load
    >>> write_year(load(2024))[:2]
    b'PK'
    """
    return _YearPaper(YearReport(study, study.params.year)).finish()


def write_unit(study: Study, unit_id: str) -> bytes:
    """Return a unit's year as a Word document.

    Parameters
    ----------
    study : Study
        Of either edition.
    unit_id : str
        A unit that has to report.
    """
    return _UnitPaper(UnitReport(study, unit_id, study.params.year)).finish()


class _Paper:
    """What both documents have: the frame, the four parts, the table of all indicators."""

    def __init__(self, report: YearReport | UnitReport, name: str, head: Letterhead) -> None:
        self.report, self.name = report, name
        self.study, self.year, self.language = report.study, report.year, report.language
        self.texts: dict[str, str] = self.language.words["document"]
        self._appendices = 0
        plan, say = self.study.plan, self.language.say
        subject = say("document_subject", self.year, plan.title)
        day = datetime.combine(plan.cut_off_in(self.year), time())
        self.document = WordFile(f"{name}: {subject}", name, day, self.language.code)
        self.document.letterhead(head)
        self.document.write(self.texts["kind"], "BC Tên loại")
        self.document.write(subject, "BC Trích yếu")
        bases = [*plan.legal_bases, plan.source]
        for place, basis in enumerate(bases, 1):
            mark = "." if place == len(bases) else ";"
            self.document.write(f"{self.texts['basis']} {basis}{mark}", "BC Căn cứ")
        self.document.write(say("document_opening", name, self.year))

    def circumstances(self) -> None:
        """Write with what the year began and ended."""
        raise NotImplementedError

    def leadership(self) -> None:
        """Write part I."""
        raise NotImplementedError

    def assessment(self) -> None:
        """Write part III, before the causes and the lessons that people have written."""
        raise NotImplementedError

    def direction(self) -> None:
        """Write part IV, before what is asked for."""
        raise NotImplementedError

    def appendices(self) -> None:
        """Write the tables of tasks and of whoever is missing."""
        raise NotImplementedError

    @property
    def closing(self) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        """Who receives the document, and on whose behalf it is signed: one block for each signer."""
        raise NotImplementedError

    def finish(self) -> bytes:
        """Write all parts and return the file."""
        ui, document = self.language.ui, self.document
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
        recipients, signers = self.closing
        hand = (self.texts["signer"], "", "", "", "", self.texts["signature"], "")
        signed = [line for signer in signers for line in (*signer, *hand)]
        document.signatures(self.texts["recipients"], recipients, signed)
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
        for section in self.study.plan.sections:
            inside = [
                f
                for f in self.report.shown_results
                if not f.indicator.is_part and f.indicator.part_of_plan == section.id
            ]
            shown = [f for f in inside if f.indicator.over != "district"]
            if shown:
                self.document.heading(f"{section.id}. {section.title}", 2)
            for finding in shown:
                self.item(finding)
        self._figures()

    def item(self, finding: Finding) -> None:
        """Write an indicator's sentence, with the units that lack most."""
        line, held = self.report.line(finding), self.holders(finding)
        self.document.item(line["title"], f"{line['text']}{' ' if held else ''}{held}")

    def holders(self, finding: Finding) -> str:
        """Say who holds the gap; nothing for one unit."""
        return ""

    def _figures(self) -> None:
        """Put in all judged shares against their bars, their years, and the paths of stages."""
        judged = [f for f in self.report.wholes if f.is_judged and f.value is not None]
        shares = [f for f in judged if f.indicator.is_fraction and not f.is_answer]
        say, language = self.language.say, self.language
        shown: list[tuple[str, Legend, Sequence[tuple[str, Figure]], float]] = []
        if shares:
            halves = (map(self._rate, part) for part in in_columns(shares, _MOST_ROWS))
            drawn = [rates(pd.DataFrame(half), language=language) for half in halves]
            caption = say("fig_targets_subtitle", self.name, self.year, True)
            labelled = [(str(one.get_label()), one) for one in drawn]
            shown.append((caption, self.report.verdicts_in(shares), labelled, 80))
        every = [
            find_years(self.study, f.scope, f.scope_id, f.indicator, self.year) for f in shares
        ]
        several = [series for series in every if len(series) > 1]
        for panels in in_columns(several, _MOST_PANELS):
            rows = [
                {**self._rate(f), "year": y, "is_break": self._is_break(f)}
                for series in panels
                for y, f in series.items()
            ]
            caption = say("fig_trends_subtitle", self._breaks(rows))
            one = trends(pd.DataFrame(rows), columns=4, language=language)
            seen = self.report.verdicts_in(f for series in panels for f in series.values())
            width = min(160, one.get_figwidth() * 25.4)
            shown.append((caption, seen, [(str(one.get_label()), one)], width))
        for path in self.paths:
            caption = f"{path['headline']}. {path['subtitle']}"
            shown.append((caption, path["legend"], path["panels"], 80))
        for number, (caption, legend, drawings, width) in enumerate(shown, 1):
            marks = "; ".join(f"{mark['sign']} {mark['label']}" for mark in legend)
            caption = f"{self.texts['figure']} {number}. {caption}. {marks}."
            self.document.figure(caption, drawings, width)

    def _is_break(self, finding: Finding) -> bool:
        is_wide = finding.scope == "district" and finding.indicator.over == "units"
        return is_wide and find_circle(self.study, finding.year).is_other

    def _breaks(self, rows: Iterable[dict[str, object]]) -> list[object]:
        return list(dict.fromkeys(row["year"] for row in rows if row["is_break"]))

    def _rate(self, finding: Finding) -> dict[str, Any]:
        return self.report.rate(finding) | {"text": self.language.say("value", finding)}

    @property
    def paths(self) -> Sequence[dict[str, Any]]:
        """What is to reach a level by the end of a stage, as the page draws it."""
        return ()

    def shown(self, table: dict[str, Any], shares: Sequence[float]) -> None:
        """Write a table that the page has too."""
        columns = table["columns"]
        rows = [[row[column["key"]] for column in columns] for row in table["rows"]]
        numeric = [place for place, column in enumerate(columns) if column["number"]]
        header = [column["label"] for column in columns]
        self.document.table(table["caption"], header, rows, shares[: len(columns)], numeric)

    def appendix(self, title: str) -> None:
        """Begin the next appendix."""
        self._appendices += 1
        number = f"{self.texts['appendix']} {_ROMAN[self._appendices]}"
        self.document.appendix(number, title)

    def day(self, duty: Duty) -> str:
        """Write by when a task is to be done; empty where it never falls due."""
        return self.language.date(duty.due) if duty.due else ""

    def _indicators(self) -> None:
        """Write the table of all indicators, as the page has it."""
        ui, say = self.language.words["ui"], self.language.say
        self.appendix(ui["results"])
        header = [self.texts["number"], ui["indicator"], ui["value"], ui["counts"], ui["target"]]
        header += [ui["verdict"], f"{ui['value']} {self.year - 1}"]
        rows: list[list[str]] = []
        place = 0
        for section in self.study.plan.sections:
            inside = [
                f for f in self.report.shown_results if f.indicator.part_of_plan == section.id
            ]
            if inside:
                rows.append([f"{section.id}. {section.title}"])
            for f in inside:
                is_part, last = f.indicator.is_part, self.report.before.get(f.indicator.id)
                place += not is_part
                verdict = "" if is_part else self.language.word("verdict", f.verdict)
                title = f"– {f.indicator.title}" if is_part else f.indicator.title
                row = ["" if is_part else str(place), title, say("value", f), say("counts", f)]
                note = say("note", f)
                row += [
                    say("target", f),
                    verdict + (f"; {note}" if note else "").lstrip("; " * is_part),
                ]
                rows.append([*row, say("value", last) if last else ""])
        caption = say("results_caption", self.year)
        self.document.table(caption, header, rows, (4, 32, 10, 12, 13, 24, 10), (2, 3, 6))

    def _origin(self) -> None:
        """Write how figures come about, and from which data these did."""
        study, ui, say = self.study, self.language.words["ui"], self.language.say
        is_shared = study.params.edition == "share"
        self.document.heading(ui["method"], 2)
        self.document.write(say("method", self.language.date(study.plan.cut_off_in(self.year))))
        if is_shared:
            self.document.write(self.report.about_edition())
        data = study.dataset.description
        self.document.write(
            f"{ui['dataset']}: {data.name or ui['none']} (SHA-256 {self.report.data_digest()})."
        )
        marks = [ui[study.params.edition], ui["illustrative"] if data.illustrative else ""]
        self.document.mark(" · ".join(filter(None, marks)))


class _YearPaper(_Paper):
    """The document of a year."""

    report: YearReport

    def __init__(self, report: YearReport) -> None:
        issuer, name = report.study.plan.issuer, report.study.plan.issuer.name
        short, place = issuer.short, issuer.place
        if report.heirs:  # of a district that is no more, neither the name nor the town
            name, short = " – ".join(report.heirs), ""
            place = place.partition(",")[2] or place
        super().__init__(report, name, _letterhead(report, issuer.superior, name, short, place))
        self.units = report.units

    def circumstances(self) -> None:
        say, found = self.language.say, find_circumstances(self.study, self.year)
        day = self.language.date(self.study.plan.cut_off_in(self.year))
        self.document.write(say("circumstances", found, day))
        self.document.write(say("events", found, _MOST_NAMED))
        self.shown(self.report.table_of_types(found), (4, 1, 2, 1.5))

    def leadership(self) -> None:
        report, say, short = self.report, self.language.say, self.study.plan.issuer.short
        counts = tally(self.year, report.findings.values())
        received = int(self.units["has_return"].sum())
        self.document.write(say("coverage", self.year, len(self.units), received))
        if report.ended_on is not None:
            day = self.language.date(report.ended_on)
            self.document.write(say("district_not_judged", day, short, self.year))
            self.document.write(say("tally", counts, self.language.ui("all_unions"), report.sides))
            return
        self.document.write(say("tally", counts, short, report.sides))
        for line in report.own_lines():
            self.document.item(line["title"], line["text"])

    def _results(self) -> None:
        for line in self.report.only_reported():
            self.document.write(line)
        super()._results()

    @property
    def paths(self) -> Sequence[dict[str, Any]]:
        return self.report.paths()

    def assessment(self) -> None:
        """Write what the verdicts come to, then who needs help and what they say of it."""
        for line in self.report.weigh():
            self.document.write(line)
        needy = self.report.need()
        if needy:
            self.document.heading(self.language.words["board"]["need"], 2)
        for one in needy:
            self.document.item(one["name"], " ".join([f"{one['text']}.", *one["said"]]))

    def holders(self, finding: Finding) -> str:
        gap = self.report.gaps.get(finding.indicator.id)
        if gap is None or finding.indicator.is_share:
            return ""
        named = [
            (str(self.units.at[key, "name"]), size) for key, size in gap.named(_MOST_NAMED).named
        ]
        return self.language.say("document_holders", named) if named else ""

    def direction(self) -> None:
        texts = self.language.words["ui"]
        rows = []
        for place, row in enumerate(self.report.decisions(texts["not_received"]), 1):
            what = " ".join(row["what"]) + (f" ({row['ref']})" if row["ref"] else "")
            made_up = [f"{one['title']}: {one['text']}" for one in row["reasons"]]
            rows.append([str(place), what, row["owner"], row["number"] or "; ".join(made_up)])
        if not rows:
            self.document.write(self.language.say("keep_going"))
            return
        keys = ("decision_what", "decision_who", "decision_number")
        header = [self.texts["number"], *(texts[key] for key in keys)]
        caption = self.language.say("document_decisions", self.year + 1)
        self.document.table(caption, header, rows, (7, 46, 17, 30))

    @property
    def closing(self) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        issuer, for_district = self.study.plan.issuer, self.texts["for_district"]
        if not self.report.heirs:
            return self.study.plan.recipients, [(for_district,)]
        signers = [(for_district, name.upper()) for name in self.report.heirs]
        return [text for text in (issuer.superior, *self.report.heirs) if text], signers

    def appendices(self) -> None:
        self._tasks()
        self._absent()
        if table := self.report.table_without_union():
            self.appendix(self.language.ui("without_union"))
            for line in table["lines"]:
                self.document.write(line)
            self.shown(table, (6, 2, 1))

    def _absent(self) -> None:
        """Write who has not sent a return."""
        absent = self.units[~self.units["has_return"]]
        if absent.empty:
            return
        ui = self.language.words["ui"]
        self.appendix(ui["not_received"])
        ordered = absent.sort_values("name", key=lambda names: names.map(alphabetically))
        rows = [
            [str(place), str(unit["name"]), self._type(unit), str(unit["commune"]), str(key)]
            for place, (key, unit) in enumerate(ordered.iterrows(), 1)
        ]
        received = int(self.units["has_return"].sum())
        caption = self.language.say("coverage", self.year, len(self.units), received)
        header = [
            self.texts["number"],
            ui["unit"],
            ui["unit_type"],
            ui["commune"],
            self.texts["id"],
        ]
        self.document.table(caption, header, rows, (5, 43, 25, 18, 19))

    def _type(self, unit: pd.Series) -> str:
        return self.language.dictionary_word("unit_type", str(unit["unit_type"]))

    def _tasks(self) -> None:
        """Write each task with how many of its holders stand where."""
        duties = [duty for held in self.study.duties(self.year).values() for duty in held]
        if not duties:
            return
        ui, count = self.language.words["ui"], self.language.numbers.count
        groups = self.language.words["task_group"]
        self.appendix(ui["duty"])
        header = [self.texts["number"], ui["duty"], ui["due"], *(groups[name] for name in GROUPS)]
        found: dict[str, list[Duty]] = {}
        for duty in duties:
            found.setdefault(duty.task.id, []).append(duty)
        rows = []
        tasks = [found[task.id] for task in self.study.plan.tasks if task.id in found]
        for place, held in enumerate(tasks, 1):
            states = Counter(duty.group for duty in held)
            day = self.language.say("duty_due", held[0], self.day(held[0]))
            counts = [count(states[name]) for name in GROUPS]
            rows.append([str(place), held[0].task.short or held[0].task.text, day, *counts])
        caption = self.language.say("tasks_caption", self.year, self.language.date(duties[0].on))
        self.document.table(caption, header, rows, (5, 44, 14, 12, 12, 12, 11), (3, 4, 5, 6))


class _UnitPaper(_Paper):
    """The document of a unit."""

    report: UnitReport

    def __init__(self, report: UnitReport) -> None:
        commune = str(report.facts["commune"])
        head = _letterhead(report, report.parent, report.name, "CĐCS", commune)
        super().__init__(report, report.name, head)

    def circumstances(self) -> None:
        ui, count = self.language.words["ui"], self.language.numbers.count
        facts, hidden = self.report.facts, self.study.hidden_columns(self.report.unit_id, self.year)
        kind = self.language.dictionary_word("unit_type", str(facts["unit_type"]))
        told = [(ui["unit_type"], kind), (ui["commune"], str(facts["commune"]))]
        told.append((ui["parent"], self.report.parent))
        for label, column in (("workers", "workers_total"), ("members", "members_total")):
            absent = ui["hidden"] if column in hidden else self.report.unknown
            known = pd.notna(facts[column])
            told.append((ui[label], count(int(facts[column])) if known else absent))
        for title, text in told:
            self.document.item(title, f"{text}.")

    def leadership(self) -> None:
        report, say = self.report, self.language.say
        if not report.facts["has_return"]:
            self.document.write(say("no_return", self.year, self.name, report.parent))
        counts = tally(self.year, report.findings.values())
        self.document.write(say("tally", counts, self.language.ui("the_unit"), report.sides))
        if report.held:
            done = sum(duty.group == "done" for duty in report.held)
            self.document.write(say("document_tasks", done, len(report.held)))

    def assessment(self) -> None:
        """Write what is met, missed and open, of what is missed a line each; then what the unit notes."""
        say = self.language.say
        for verdict in _ASSESSED:
            found = [f for f in self.report.wholes if f.verdict == verdict]
            if found:
                self.document.write(say("document_named", verdict, found))
            for finding in by_nearness(found) if verdict == "not_met" else ():
                self.document.item(finding.indicator.short, f"{say('gap_size', finding)}.")
        for line in self.report.quote(self.report.unit_id):
            self.document.write(line)

    def direction(self) -> None:
        """Write what is to be sent, what falls due, then what mends what was missed."""
        ui, say = self.language.ui, self.language.say
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
        found: dict[tuple[date, str], list[Duty]] = {}
        for duty in not_known_done(self.study, self.report.unit_id, self.report.held):
            if duty.due and (duty.has_passed or duty.is_due_within(SOON_DAYS)):
                title = self.language.say("document_due", duty, self.day(duty))
                found.setdefault((duty.due, title), []).append(duty)
        return found

    @property
    def closing(self) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
        return (self.report.parent, self.texts["archive"]), [(self.texts["for_unit"],)]

    def appendices(self) -> None:
        if not self.report.held:
            return
        ui, say = self.language.words["ui"], self.language.say
        self.appendix(ui["tasks"])
        header = [
            self.texts["number"],
            *(ui[key] for key in ("duty", "due", "state", "task_result")),
        ]
        rows = []
        for place, row in enumerate(map(self.report.task_row, self.report.held), 1):
            cited = [one["text"] for one in row["documents"]]
            result = "; ".join(filter(None, [row["result"], *cited]))
            rows.append([str(place), row["title"], row["due"], row["label"], result])
        caption = say("tasks_caption", self.year, self.language.date(self.report.held[0].on))
        self.document.table(caption, header, rows, (5, 40, 14, 20, 30))


def _letterhead(
    report: YearReport | UnitReport, superior: str, issuer: str, short: str, place: str
) -> Letterhead:
    """Return the head of a document: its number and its day are written by hand."""
    words = report.language.words
    texts, first = words["document"], short.partition(" ")[0]
    town = place.partition(",")[0].strip()
    for area in words["areas"]:
        town = town.removeprefix(f"{area} ")
    number = texts["number_line"].format(first if first.isupper() else "…")
    day = texts["place_and_day"].format(town)
    return Letterhead(superior, issuer, number, texts["draft"], words["state"], day)
