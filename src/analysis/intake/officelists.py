"""An office's own lists: what was answered about them once for all, and the codes that they leave out."""

from __future__ import annotations

import difflib
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
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
    """What the office has answered about its own lists, in the parts of its file."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    #: From a heading as it stands (storeys joined by " / ") to the dictionary's, or `IGNORE`.
    columns: dict[str, str] = Field({}, alias="cot")
    #: From a word to a label of the dictionary's.
    types: dict[str, str] = Field({}, alias="loai")
    #: From a unit's name and commune (joined likewise) to its code, or that it is a new one.
    codes: dict[str, str] = Field({}, alias="ma")
    communes: dict[str, str] = Field({}, alias="xa")
    #: From an employer's name and commune to the code of its union, or that it has none.
    unions: dict[str, str] = Field({}, alias="cong_doan")


def read_answers(folder: Path) -> Answers:
    """Read what the office has answered; nothing if there is no file.

    Raises
    ------
    InputError
        For every answer that is no heading or no type.
    """
    given = _read(folder)
    wrong = {
        (f"{part}: {key}", answer): message
        for part, answers in given.model_dump(by_alias=True).items()
        for key, answer in answers.items()
        if answer and (message := _refuse(part, answer))
    }
    if wrong:
        raise InputError(
            error(message, code="bad_answer", file=FILE, column=column, value=value)
            for (column, value), message in wrong.items()
        )
    # A question that is still open says nothing.
    return Answers.model_validate(
        {name: {k: said for k, said in part.items() if said} for name, part in given}
    )


def _refuse(part: str, answer: str) -> str:
    """Return what an answer must be, if it is none; nothing if it may stand."""
    if part == "cot" and fold(answer) != IGNORE:
        lists = (dictionary().tables[name].columns.values() for name in dictionary().headings)
        known = listed({text: one.name for one in chain(*lists) for text in (one.vi, one.name)})
        return "" if find(answer, known) else f"phải là một tiêu đề của danh sách, hoặc «{IGNORE}»"
    if part == "loai" and find(answer, labels("unit_type")) is None:
        return f"dùng một trong: {'; '.join(dictionary().words['unit_type'].values())}"
    word = {"ma": _NEW, "cong_doan": _NONE}.get(part, "")
    if word and fold(answer) != word and not _is_code(answer):
        return f"phải là mã CĐCS, hoặc «{word}»"
    return ""


def _is_code(answer: str) -> bool:
    pattern = dictionary().tables["roster"].columns["unit_id"].type.pattern
    return re.fullmatch(str(pattern), answer.upper()) is not None


def take_answer(question: Problem, said: str) -> tuple[str, str]:
    """Return the answer that was meant, a choice by its number, and why it cannot stand, if so."""
    offered = choices(question)
    answer = offered[int(said) - 1] if said in map(str, range(1, len(offered) + 1)) else said
    return answer, _refuse(_PARTS[question.code], answer) if answer else ""


def choices(question: Problem) -> list[str]:
    """Return the answers that a question offers, best first; any other fitting one may be given."""
    if question.code == "unknown_word":
        return [*dictionary().words["unit_type"].values()]
    if question.code == "ask_heading":
        tables = (dictionary().tables[name].columns for name in dictionary().headings)
        return [next(one[question.column].vi for one in tables if question.column in one), IGNORE]
    return [*question.choices]


def _read(folder: Path) -> Answers:
    path = folder / FILE
    return validate(read_document(path), Answers) if path.exists() else Answers()


def once_each(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems with each word for a type told once, and where it is answered."""
    kept: dict[tuple[object, ...], Problem] = {}
    for one in problems:
        is_type = one.code == "unknown_word" and one.column in _TYPES
        advice = f"trả lời một lần trong {FILE}, mục loai" if is_type else one.advice
        kept.setdefault(
            (is_type, one.column, one.value) if is_type else (one,), replace(one, advice=advice)
        )
    return [*kept.values()]


def find_questions(problems: Iterable[Problem]) -> list[Problem]:
    """Return what can be answered once for all, each question once."""
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
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    node = next((value for name, value in root.value if name.value == part), None) if root else None
    same = [value for name, value in node.value if name.value == key] if node else []
    if same:
        start, end = same[0].start_mark.index, same[0].end_mark.index
        return text[:start] + _yaml([answer], 0)[2:].rstrip("\n") + text[end:]
    line = {key: answer}
    if node is None:
        end = len(text)
        new = f"{part}:\n{_yaml(line)}"
    elif node.flow_style:
        start, end = node.start_mark.index, node.end_mark.index
        both = _yaml(yaml.safe_load(text[start:end]) | line)
        return f"{text[:start].rstrip()}\n{both.rstrip()}{text[end:]}"
    else:
        # Behind the last answer, and behind what is remarked on its line.
        end = text.find("\n", node.value[-1][1].end_mark.index) + 1 or len(text)
        new = _yaml(line, node.value[0][0].start_mark.column)
    gap = "" if text[:end].endswith("\n") or end == 0 else "\n"
    return text[:end] + gap + new + text[end:]


def _yaml(data: object, by: int = 2) -> str:
    lines = yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=1000)
    return textwrap.indent(lines, " " * by)


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


def lacks_unions(records: Records) -> bool:
    """Tell whether these rows are another office's list of employers, which knows of no unions."""
    is_own = records.sheet == form_texts()["sheets"]["employers"]
    return records.table == "employers" and "unit_id" not in records.text and not is_own


@dataclass(frozen=True)
class Coded:
    """A list whose units have codes, and whose employers have their unions."""

    delivery: Delivery
    #: Names by the codes that were made; unions that have the name of an employer, by its own name.
    made: dict[str, str]
    unions: dict[str, str]
    #: What has to be asked; where a name or a commune is written in another way, a warning.
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
    coded = Coded(delivery, {}, {}, [])
    parts = []
    for part in delivery.records:
        if lacks_codes(part):
            units = _Units(delivery.file, part, known, answers)
            units.give({issuer, *coded.made})
            coded.made.update(units.found)
            one: _List = units
        elif lacks_unions(part):
            one = employers = _Employers(delivery.file, part, known, answers)
            employers.give(beside)
            coded.unions.update(employers.found)
        else:
            parts.append(part)
            continue
        coded.problems.extend(one.problems)
        parts.append(replace(part, text=one.text))
    if not any(problem.code == "ask_code" for problem in coded.problems):
        coded.problems.extend(repeated_keys(delivery.file, parts))
    return replace(coded, delivery=replace(delivery, records=tuple(parts)))


class _List:
    """One list, what it lacks, and what was found for it."""

    def __init__(self, file: str, part: Records, known: Dataset, answers: Answers) -> None:
        self.file, self.part, self.known, self.answers = file, part, known, answers
        self.text = part.text.copy()
        self.found: dict[str, str] = {}
        self.problems: list[Problem] = []

    def _ask(
        self,
        row: int,
        code: str,
        message: str,
        choices: Iterable[str] = (),
        column: str = "name",
        value: str = "",
    ) -> None:
        asked = self.part.problem(self.file, column, row, code=code, message=message)
        asked = replace(asked, value=value or asked.value, choices=tuple(choices))
        self.problems.append(asked)

    def _tell(self, row: int, code: str, message: str, column: str = "name") -> None:
        told = self.part.problem(self.file, column, row, code=code, message=message)
        self.problems.append(replace(told, severity="warning"))

    def _settle_communes(self, register: pd.DataFrame) -> None:
        """Write communes as the register does, or else as most of the list's own rows.

        With or without "xã" is one commune; a town is another than the commune of its name.
        """
        known = {*register["commune"], *self.known.tables["communes"]["new_name"]}
        answers = {loosely(text): answer for text, answer in self.answers.communes.items()}
        counts = self.text["commune"].value_counts(sort=False).to_dict()
        settled = {
            text: answers.get(loosely(text))
            or find_place(text, known)
            or self._settled(text, counts, {*counts, *known})
            for text in counts
        }
        self.text["commune"] = self.text["commune"].map(settled)

    def _settled(self, text: str, counts: dict[str, int], every: set[str]) -> str:
        row, own = self.text.index[self.text["commune"] == text][0], bare_place(text)
        like = {place for place in every if bare_place(place) == own}
        titled = {loosely(place): place for place in like if not has_no_title(place)}
        fuller = [p for p in every if own != bare_place(p) and lacks_only_marks(own, bare_place(p))]
        unclear = [*titled.values()] if has_no_title(text) and len(titled) > 1 else fuller
        if unclear:
            told = "; ".join(f"«{place}»" for place in sorted(unclear))
            message = (
                f"chưa rõ là xã nào: {told}? Hãy trả lời một lần trong anh-xa.yaml, mục xa: ghi tên"
                " xã đúng"
            )
            self._ask(row, "ask_commune", message, sorted(unclear), "commune")
            return text
        same = [p for p in like if len(titled) < 2 or loosely(p) == loosely(text)]
        best = max(same, key=lambda one: (counts.get(one, 0), has_no_title(one), one))
        if best != text:
            message = f"ghi thống nhất là «{best}», như các dòng khác"
            self._tell(row, "joined_commune", message, "commune")
        return best


class _Employers(_List):
    """One list of employers of another office: their unions are proposed by name."""

    def give(self, beside: Sequence[Records]) -> None:
        """Put the unions into the text, as far as there are any."""
        own = self.known.roster[[*_REGISTER]].astype({"year": "str"})
        news = [one.text.reindex(columns=[*_REGISTER]) for one in beside]
        rosters = pd.concat([own, *news], ignore_index=True)
        roster = rosters.drop_duplicates(["year", "unit_id"], keep="last")
        self._settle_communes(roster)
        types = dictionary().words["employer_type"]
        self.text["unit_id"] = pd.array([""] * len(self.text), dtype="str")
        for year, rows in self.text.groupby("year"):
            units = roster[roster["year"] == year]
            if units.empty:
                message = NO_REGISTER.format(year=year)
                self._ask(int(rows.index[0]), "no_register", message, column="year")
            self._give(rows, units[units["unit_type"].isin(types)].set_index("unit_id"))

    def _give(self, rows: pd.DataFrame, units: pd.DataFrame) -> None:
        before = self.known.tables["employers"].dropna(subset="unit_id").sort_values("year")
        known = dict(zip(before["employer_id"], before["unit_id"], strict=True))
        answered, names = listed(self.answers.unions), units["name"].to_dict()
        cores = {unit: _core(name) for unit, name in names.items()}
        places = units["commune"].map(bare_place).to_dict()
        given = rows["name"].map(_core)
        several = set(given[given.duplicated()])
        for row, core in given.items():
            name, commune = rows.at[row, "name"], rows.at[row, "commune"]
            answer = find(f"{name} / {commune}", answered)
            here = {unit for unit, place in places.items() if place == bare_place(commune)}
            same = [unit for unit in names if core and cores[unit] == core]
            unit = known.get(rows.at[row, "employer_id"], "")
            if answer is not None:
                unit = "" if fold(answer) == _NONE else answer.upper()
            elif unit in names:
                pass
            elif len(same) == 1 and here.issuperset(same) and core not in several:
                unit = same[0]
                self.found[name] = f"{unit} ({names[unit]})"
            else:
                unit = ""
                likely = same or [one for one in here if _is_near(cores[one], core)]
                told = "; ".join(f"{one} ({names[one]})" for one in sorted(likely))
                message = (
                    f"có công đoàn không, là {told}? Hãy trả lời một lần trong anh-xa.yaml, mục"
                    f" cong_doan: ghi mã, hoặc «{_NONE}»"
                )
                if likely:
                    offered, key = [*sorted(likely), _NONE], f"{name} / {commune}"
                    self._ask(row, "ask_union", message, offered, value=key)
            self.text.at[row, "unit_id"] = unit


class _Units(_List):
    """One list of units without codes."""

    def give(self, taken: set[str]) -> None:
        """Put codes into the text; those taken are nobody else's."""
        roster = self.known.roster.sort_values("year")
        register = roster.drop_duplicates("unit_id", keep="last").set_index("unit_id")
        self._settle_communes(register)
        names, answered = register["name"].to_dict(), listed(self.answers.codes)
        known = self._known(register)
        codes = self.text.get("unit_id", pd.Series("", index=self.text.index)).to_dict()
        taken = {*taken, *names, *codes.values()}
        rows = [*self.text[["name", "commune"]].itertuples(name=None)]
        keys = {row: (_bare_name(name), bare_place(commune)) for row, name, commune in rows}
        same = {row: known.get(key, []) for row, key in keys.items()}
        met = {units[0] for units in same.values() if len(units) == 1} | {*codes.values()}
        for row, name, commune in rows:
            if codes[row]:
                continue
            answer = find(f"{name} / {commune}", answered)
            likely = same[row] or [one for one in _near(keys[row], known) if one not in met]
            if answer is not None and fold(answer) != _NEW:
                codes[row] = answer.upper()
            elif len(same[row]) == 1:
                codes[row] = same[row][0]
                if name != names[codes[row]]:
                    message = f"là đơn vị {codes[row]}, trước đây viết là «{names[codes[row]]}»"
                    self._tell(row, "other_spelling", message)
            elif likely and answer is None:
                told = "; ".join(f"{unit} ({names[unit]})" for unit in likely)
                message = (
                    f"chưa rõ là đơn vị nào: {told}? Hãy trả lời một lần trong anh-xa.yaml, mục ma:"
                    f" ghi mã, hoặc «{_NEW}» nếu là đơn vị mới"
                )
                self._ask(row, "ask_code", message, [*likely, _NEW], value=f"{name} / {commune}")
            else:
                codes[row] = self._make(row, name, commune, taken)
        given = pd.array([codes[row] for row in self.text.index], dtype="str")
        self.text = self.text.drop(columns="unit_id", errors="ignore")
        self.text.insert(1, "unit_id", given)

    def _known(self, register: pd.DataFrame) -> dict[tuple[str, str], list[str]]:
        """Return the units of the register by name and commune, also by what took a commune's place."""
        reforms = self.known.tables["communes"]
        years = [int(year) for year in self.text["year"] if year.isdigit()]
        heirs = {
            year: came_into(reforms, year, max(years, default=year))
            for year in register["year"].unique().tolist()
        }
        units: dict[tuple[str, str], list[str]] = {}
        for unit, year, name, commune in register[["year", "name", "commune"]].itertuples(
            name=None
        ):
            new = heirs[year].get(find_place(commune, heirs[year]) or "", set())
            for place in {bare_place(one) for one in (commune, *new)}:
                units.setdefault((_bare_name(name), place), []).append(unit)
        return units

    def _make(self, row: int, name: str, commune: str, taken: set[str]) -> str:
        prefix = dictionary().code_prefixes[self.text.at[row, "unit_type"]]
        place = plain(commune).upper()
        body = _core(name) or place
        tries = [f"{prefix}-{body}", *([f"{prefix}-{body}-{place}"] if place not in body else [])]
        tries += [f"{_cut(tries[0], _LONGEST - 4)}-{number}" for number in range(2, 1000)]
        fitting = (_cut(one, _LONGEST) for one in tries)
        code = next(one for one in fitting if one not in taken)
        taken.add(code)
        self.found[code] = name
        return code


def _near(key: tuple[str, str], known: dict[tuple[str, str], list[str]]) -> list[str]:
    """Return the units that this may be: of much the same name here, or of this name elsewhere."""
    return [
        unit
        for (name, place), units in known.items()
        if (name == key[0] if place != key[1] else _is_near(name, key[0]))
        for unit in units
    ]


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
