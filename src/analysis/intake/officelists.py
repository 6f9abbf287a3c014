"""An office's own lists: what was answered about them once for all, and the codes that they leave out."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, Field

from analysis.intake.writings import find, fold, form_texts, labels, listed, plain
from analysis.problems import InputError, Problem, error
from analysis.tables.check import NO_REGISTER
from analysis.tables.delivery import Delivery, Records, repeated_keys
from analysis.tables.dictionary import dictionary
from analysis.tables.files import write_atomically
from analysis.tables.load import Dataset
from analysis.tables.writing import (
    bare_place,
    came_into,
    clean,
    find_place,
    has_no_title,
    lacks_only_marks,
    loosely,
)
from analysis.yamlfile import read_document, validate

#: What an answer says of a column that is not wanted.
IGNORE = "bỏ qua"
#: What an answer says of a unit that only seems to be a known one.
_NEW = "mới"
#: What an answer says of an employer without a union.
_NONE = "không có"
FILE = "anh-xa.yaml"
#: The part of the file that answers each kind of question.
_PARTS = {
    "ask_heading": "cot",
    "unknown_word": "loai",
    "ask_code": "ma",
    "ask_commune": "xa",
    "ask_union": "cong_doan",
}
_TYPES = ("unit_type", "employer_type")
_HEAD = f"""# Danh sách của văn phòng nói gì. congdoan hỏi mỗi điều một lần, ghi vào đây, lần nhập sau làm theo.
#   cot        tiêu đề trong danh sách: tiêu đề của congdoan, hoặc «{IGNORE}»
#   loai       cách ghi loại hình: loại hình trong danh mục
#   ma         tên đơn vị / xã: mã CĐCS đã có, hoặc «{_NEW}»
#   xa         cách ghi xã, thị trấn: tên đúng
#   cong_doan  tên doanh nghiệp / xã: mã CĐCS của doanh nghiệp, hoặc «{_NONE}»
# Ô để trống ('') là câu chưa trả lời.
"""
#: How alike the names of two units of one commune are, when one may be a writing of the other.
_NEAR = 0.85
#: Of the register, what employers are compared with.
_REGISTER = ("year", "unit_id", "name", "unit_type", "commune")
_LONGEST = 32


class Answers(BaseModel):
    """What the office has answered about its own lists, in the parts of its file.

    Parameters
    ----------
    columns : dict of str to str
        From a heading as it stands (storeys joined by " / ") to the dictionary's, or `IGNORE`.
    types : dict of str to str
        From a word to a label of the dictionary's.
    codes : dict of str to str
        From a unit's name and commune (joined likewise) to its code, or that it is a new one.
    communes : dict of str to str
        From a commune as it stands to its name.
    unions : dict of str to str
        From an employer's name and commune to the code of its union, or that it has none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    columns: dict[str, str] = Field({}, alias="cot")
    types: dict[str, str] = Field({}, alias="loai")
    codes: dict[str, str] = Field({}, alias="ma")
    communes: dict[str, str] = Field({}, alias="xa")
    unions: dict[str, str] = Field({}, alias="cong_doan")


def read_answers(folder: Path) -> Answers:
    """Read what the office has answered; nothing if there is no file.

    Raises
    ------
    InputError
        For every answer that is no heading or no type.
    """
    given = _read(folder)
    lists = (dictionary().tables[name].columns.values() for name in dictionary().headings)
    columns = [column for one in lists for column in one]
    types = "; ".join(dictionary().words["unit_type"].values())
    headings = listed({text: one.name for one in columns for text in (one.vi, one.name)})
    wrong = [
        _wrong(f"cot: {key}", answer, f"phải là một tiêu đề của danh sách, hoặc «{IGNORE}»")
        for key, answer in given.columns.items()
        if answer and fold(answer) != IGNORE and find(answer, headings) is None
    ]
    wrong += [
        _wrong(f"loai: {key}", answer, f"dùng một trong: {types}")
        for key, answer in given.types.items()
        if answer and find(answer, labels("unit_type")) is None
    ]
    if wrong:
        raise InputError(wrong)
    # A question that is still open says nothing.
    return Answers.model_validate(
        {name: {k: said for k, said in part.items() if said} for name, part in given}
    )


def _read(folder: Path) -> Answers:
    path = folder / FILE
    return validate(read_document(path), Answers) if path.exists() else Answers()


def _wrong(column: str, value: str, message: str) -> Problem:
    return error(message, code="bad_answer", file=FILE, column=column, value=value)


def find_questions(problems: Iterable[Problem]) -> list[Problem]:
    """Return what can be answered once for all, each question once.

    Examples
    --------
    >>> asked = error("?", code="ask_heading", file="a.xlsx", value="Địa chỉ")
    >>> len(find_questions([asked, asked])), find_questions([])
    (1, [])
    """
    found = {
        (one.code, str(one.value)): one
        for one in problems
        if one.code in _PARTS and (one.code != "unknown_word" or one.column in _TYPES)
    }
    return list(found.values())


def note_answers(folder: Path, answers: Iterable[tuple[Problem, str]]) -> None:
    """Write answers, or questions still open (with an empty answer), into the file.

    All else in it stays as it is.
    """
    known, path = _read(folder).model_dump(by_alias=True), folder / FILE
    text = path.read_text("utf-8-sig") if path.exists() else _HEAD
    for question, answer in answers:
        part, key = _PARTS[question.code], str(question.value)
        if key not in known[part] or (answer and answer != known[part][key]):
            known[part][key] = answer
            text = _with_line(text, part, key, answer)
    write_atomically(path, text)


def _with_line(text: str, part: str, key: str, answer: str) -> str:
    """Return the file's text with one more answer: whoever edits it also writes remarks there."""
    line = yaml.safe_dump({key: answer}, allow_unicode=True, width=1000).rstrip("\n")
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    node = next((value for name, value in root.value if name.value == part), None) if root else None
    if node is None:
        start = end = len(text)
        new = f"{part}:\n{_indented(line)}\n"
    elif same := [value for name, value in node.value if name.value == key]:
        start, end = same[0].start_mark.index, same[0].end_mark.index
        new = yaml.safe_dump([answer], allow_unicode=True, width=1000)[2:].rstrip("\n")
    elif node.flow_style:
        start, end = node.start_mark.index, node.end_mark.index
        both = yaml.safe_load(text[start:end]) | {key: answer}
        lines = yaml.safe_dump(both, allow_unicode=True, sort_keys=False, width=1000)
        start, new = len(text[:start].rstrip()), f"\n{_indented(lines.rstrip())}"
    else:
        # Behind the last answer, and behind what is remarked on its line.
        last = node.value[-1][1].end_mark.index
        start = end = text.find("\n", last) + 1 or len(text)
        new = _indented(line, node.value[0][0].start_mark.column) + "\n"
    before = text[:start]
    gap = "\n" if start == end and before and not before.endswith("\n") else ""
    return before + gap + new + text[end:]


def _indented(lines: str, by: int = 2) -> str:
    return "\n".join(" " * by + line for line in lines.splitlines())


# Codes and unions


def is_list(columns: Iterable[str]) -> bool:
    """Tell whether columns say all that a list of units says, codes or none."""
    return {"name", "unit_type", "commune"} <= {*columns}


def lacks_codes(records: Records) -> bool:
    """Tell whether these rows are a list of units some of which have no code."""
    if records.table != "roster" or "year" not in records.text or not is_list(records.text):
        return False
    codes = records.text.get("unit_id")
    return codes is None or "" in codes.to_list()


@dataclass(frozen=True)
class Coded:
    """A list whose units have codes, and whose employers have their unions.

    Attributes
    ----------
    delivery : Delivery
        With codes.
    made : dict of str to str
        Names by the codes that were made.
    unions : dict of str to str
        Unions that have the name of an employer, by its own name.
    problems : list of Problem
        What has to be asked; where a name or a commune is written in another way, a warning.
    """

    delivery: Delivery
    made: dict[str, str]
    unions: dict[str, str]
    problems: list[Problem]


def give_codes(
    delivery: Delivery,
    known: Dataset,
    issuer: str,
    answers: Answers,
    beside: Sequence[Records] = (),
) -> Coded:
    """Give the units of a list the codes that they have, or new ones, and employers their unions.

    Parameters
    ----------
    delivery : Delivery
        Lists among its records may lack codes.
    known : Dataset
        The register of all years, and what became of communes.
    issuer : str
        The code that no unit may have.
    answers : Answers
        Which units are which, and which are new.
    beside : sequence of Records
        Registers of the same import, whose unions employers may have.
    """
    register = known.roster.sort_values("year").drop_duplicates("unit_id", keep="last")
    communes = known.tables["communes"]
    made: dict[str, str] = {}
    unions: dict[str, str] = {}
    problems: list[Problem] = []
    parts = []
    for part in delivery.records:
        if lacks_codes(part):
            taken = {issuer, *register["unit_id"], *made}
            one = _UncodedList(delivery.file, part, register, communes, taken)
            one.give(answers)
            part = replace(part, text=one.text)
            made |= one.made
            problems += one.problems
        elif lacks_unions(part):
            employers = _Employers(delivery.file, part, known, beside)
            employers.give(answers)
            part = replace(part, text=employers.text)
            unions |= employers.unions
            problems += employers.problems
        parts.append(part)
    if not any(problem.code == "ask_code" for problem in problems):
        problems += repeated_keys(delivery.file, parts)
    return Coded(replace(delivery, records=tuple(parts)), made, unions, problems)


def lacks_unions(records: Records) -> bool:
    """Tell whether these rows are another office's list of employers, which knows of no unions."""
    is_own = records.sheet == form_texts()["sheets"]["employers"]
    return records.table == "employers" and "unit_id" not in records.text and not is_own


class _Communes:
    """How communes are written in one list: as the register does, or else as most of its own rows.

    With or without "xã" is one commune; a town is another than the commune of its name.
    """

    def __init__(self, file: str, part: Records, known: set[str], answers: Answers) -> None:
        self.file, self.part, self.known = file, part, known
        self.answers = {loosely(text): answer for text, answer in answers.communes.items()}
        self.counts = part.text["commune"].value_counts(sort=False).to_dict()
        self.problems: list[Problem] = []

    def settle(self) -> pd.Series:
        """Return the communes of all rows; what is joined, and what is not certain, is told."""
        return self.part.text["commune"].map({text: self._settled(text) for text in self.counts})

    def _settled(self, text: str) -> str:
        answer = self.answers.get(loosely(text)) or find_place(text, self.known)
        if answer is not None:
            return answer
        every = {*self.counts, *self.known}
        like = {place for place in every if bare_place(place) == bare_place(text)}
        titled = {loosely(place): place for place in like if not has_no_title(place)}
        own = bare_place(text)
        fuller = [p for p in every if own != bare_place(p) and lacks_only_marks(own, bare_place(p))]
        unclear = [*titled.values()] if has_no_title(text) and len(titled) > 1 else fuller
        if unclear:
            told = "; ".join(f"«{place}»" for place in sorted(unclear))
            message = (
                f"chưa rõ là xã nào: {told}? Hãy trả lời một lần trong anh-xa.yaml, mục xa: ghi tên"
                " xã đúng"
            )
            self._tell(text, "ask_commune", message)
            return text
        is_one = len(titled) < 2
        same = [p for p in like if loosely(p) == loosely(text) or (is_one and has_no_title(p))]
        same = [*like] if is_one else same
        best: str = max(same, key=lambda one: (self.counts.get(one, 0), has_no_title(one), one))
        if best != text:
            self._tell(text, "joined_commune", f"ghi thống nhất là «{best}», như các dòng khác")
        return best

    def _tell(self, text: str, code: str, message: str) -> None:
        row = self.part.text.index[self.part.text["commune"] == text][0]
        problem = self.part.problem(self.file, "commune", row, code=code, message=message)
        is_told = code == "joined_commune"
        self.problems.append(replace(problem, severity="warning") if is_told else problem)


class _Employers:
    """One list of employers of another office: their unions are proposed by name."""

    def __init__(self, file: str, part: Records, known: Dataset, beside: Sequence[Records]) -> None:
        self.file, self.part, self.known = file, part, known
        own = known.roster[[*_REGISTER]].astype({"year": "str"})
        news = [one.text.reindex(columns=[*_REGISTER]) for one in beside]
        rosters = pd.concat([own, *news], ignore_index=True)
        self.roster = rosters.drop_duplicates(["year", "unit_id"], keep="last")
        self.text = part.text.copy()
        self.unions: dict[str, str] = {}
        self.problems: list[Problem] = []

    def give(self, answers: Answers) -> None:
        """Put the unions into the text, as far as there are any."""
        roster, reform = self.roster, self.known.tables["communes"]
        places = {*roster["commune"], *reform["new_name"]}
        communes = _Communes(self.file, self.part, places, answers)
        self.text["commune"] = communes.settle()
        self.problems += communes.problems
        types = dictionary().words["employer_type"]
        self.text["unit_id"] = pd.array([""] * len(self.text), dtype="str")
        for year, rows in self.text.groupby("year"):
            units = roster[roster["year"] == year]
            if units.empty:
                row = int(rows.index[0])
                message = NO_REGISTER.format(year=year)
                self.problems.append(
                    self.part.problem(self.file, "year", row, code="no_register", message=message)
                )
            self._give(rows, units[units["unit_type"].isin(types)].set_index("unit_id"), answers)

    def _give(self, rows: pd.DataFrame, units: pd.DataFrame, answers: Answers) -> None:
        before = self.known.tables["employers"].dropna(subset="unit_id").sort_values("year")
        known = dict(zip(before["employer_id"], before["unit_id"], strict=True))
        answered = listed(answers.unions)
        names = units["name"].to_dict()
        cores = {unit: _core(name) for unit, name in names.items()}
        places = units["commune"].map(bare_place).to_dict()
        given = rows["name"].map(_core)
        several = set(given[given.duplicated()])
        columns = (rows[column] for column in ("employer_id", "name", "commune"))
        for row, core, employer, name, commune in zip(rows.index, given, *columns, strict=True):
            answer = find(f"{name} / {commune}", answered)
            here = {unit for unit, place in places.items() if place == bare_place(commune)}
            same = [unit for unit in names if core and cores[unit] == core]
            unit = ""
            if answer is not None:
                unit = "" if fold(answer) == _NONE else answer.upper()
            elif known.get(employer) in names:
                unit = known[employer]
            elif len(same) == 1 and here.issuperset(same) and core not in several:
                unit = same[0]
                self.unions[name] = f"{unit} ({names[unit]})"
            elif likely := same or [one for one in here if _is_near(cores[one], core)]:
                told = "; ".join(f"{one} ({names[one]})" for one in sorted(likely))
                message = (
                    f"có công đoàn không, là {told}? Hãy trả lời một lần trong anh-xa.yaml, mục"
                    f" cong_doan: ghi mã, hoặc «{_NONE}»"
                )
                asked = self.part.problem(self.file, "name", row, code="ask_union", message=message)
                self.problems.append(replace(asked, value=f"{name} / {commune}"))
            self.text.at[row, "unit_id"] = unit


class _UncodedList:
    """One list without codes."""

    def __init__(
        self,
        file: str,
        part: Records,
        register: pd.DataFrame,
        communes: pd.DataFrame,
        taken: set[str],
    ) -> None:
        self.file, self.part, self.register, self.taken = file, part, register, taken
        self.places = {*register["commune"], *communes["new_name"]}
        self.text = part.text.copy()
        self.made: dict[str, str] = {}
        self.problems: list[Problem] = []
        self.units: dict[tuple[str, str], list[str]] = {}
        years = [int(year) for year in self.text["year"] if year.isdigit()]
        heirs = {
            year: came_into(communes, year, max(years, default=year))
            for year in register["year"].unique().tolist()
        }
        columns = (register[name] for name in ("year", "unit_id", "name", "commune"))
        for year, unit, name, commune in zip(*columns, strict=True):
            new = heirs[year].get(find_place(commune, heirs[year]) or "", set())
            for place in {bare_place(one) for one in (commune, *new)}:
                self.units.setdefault((_bare_name(name), place), []).append(unit)

    def give(self, answers: Answers) -> None:
        """Put codes into the text."""
        communes = _Communes(self.file, self.part, self.places, answers)
        self.text["commune"] = communes.settle()
        self.problems += communes.problems
        known = listed({key: answer for key, answer in answers.codes.items() if answer})
        keys = {row: (_bare_name(name), bare_place(place)) for row, name, place in self._rows()}
        found = {row: self.units.get(key, []) for row, key in keys.items()}
        met = {unit for units in found.values() if len(units) == 1 for unit in units}
        blank = pd.Series("", index=self.text.index)
        codes = self.text.get("unit_id", blank).to_dict()
        met |= {*codes.values()}
        self.taken |= {*codes.values()}
        for row, name, commune in self._rows():
            if codes[row]:
                continue
            answer = find(f"{name} / {commune}", known)
            likely = found[row] or [unit for unit in self._near(*keys[row]) if unit not in met]
            if answer is not None and fold(answer) != _NEW:
                codes[row] = answer.upper()
            elif len(found[row]) == 1:
                codes[row] = found[row][0]
                self._tell_spelling(row, name, codes[row])
            elif likely and answer is None:
                self._ask(row, f"{name} / {commune}", likely)
                codes[row] = ""
            else:
                codes[row] = self._make(row, name, commune)
        given = pd.array([codes[row] for row in self.text.index], dtype="str")
        self.text = self.text.drop(columns="unit_id", errors="ignore")
        self.text.insert(1, "unit_id", given)

    def _rows(self) -> Iterator[tuple[int, str, str]]:
        yield from self.text[["name", "commune"]].itertuples(name=None)

    def _near(self, name: str, place: str) -> list[str]:
        """Return the units that this may be: of much the same name here, or of this name elsewhere."""
        return [
            unit
            for (other, there), units in self.units.items()
            if (other == name if there != place else _is_near(other, name))
            for unit in units
        ]

    def _ask(self, row: int, key: str, likely: list[str]) -> None:
        names = self.register.set_index("unit_id")["name"]
        told = "; ".join(f"{unit} ({names[unit]})" for unit in likely)
        message = (
            f"chưa rõ là đơn vị nào: {told}? Hãy trả lời một lần trong anh-xa.yaml, mục ma: ghi mã,"
            f" hoặc «{_NEW}» nếu là đơn vị mới"
        )
        asked = self.part.problem(self.file, "name", row, code="ask_code", message=message)
        self.problems.append(replace(asked, value=key))

    def _tell_spelling(self, row: int, name: str, unit: str) -> None:
        before = self.register.set_index("unit_id")["name"][unit]
        if name != before:
            message = f"là đơn vị {unit}, trước đây viết là «{before}»"
            told = self.part.problem(self.file, "name", row, code="other_spelling", message=message)
            self.problems.append(replace(told, severity="warning"))

    def _make(self, row: int, name: str, commune: str) -> str:
        prefix = dictionary().code_prefixes[self.text.at[row, "unit_type"]]
        body = _core(name) or plain(commune).upper()
        place = plain(commune).upper()
        tries = [f"{prefix}-{body}", *([f"{prefix}-{body}-{place}"] if place not in body else [])]
        tries += [f"{_cut(tries[0], _LONGEST - 4)}-{number}" for number in range(2, 1000)]
        fitting = (_cut(one, _LONGEST) for one in tries)
        code = next(one for one in fitting if one not in self.taken)
        self.taken.add(code)
        self.made[code] = name
        return code


def _is_near(one: str, other: str) -> bool:
    return difflib.SequenceMatcher(None, one, other).ratio() >= _NEAR


def _bare_name(name: str) -> str:
    return loosely(_without_title(name))


def _without_title(name: str) -> str:
    titles = "|".join(map(re.escape, dictionary().unit_titles))
    return re.sub(rf"^(?:{titles})\b[\s:.-]*(?=\S)", "", clean(name), flags=re.IGNORECASE)


def _core(name: str) -> str:
    """Return what tells a name from others, whatever is shortened in it."""
    name = _without_title(name)
    for words, short in dictionary().code_words.items():
        name = re.sub(rf"\b{re.escape(words)}\b", short, name, flags=re.IGNORECASE)
    return plain(name).upper()


def _cut(code: str, longest: int) -> str:
    """Cut a code at the end of a word, if there is one to cut at."""
    return code if len(code) <= longest else code[: longest + 1].rpartition("-")[0][:longest]
