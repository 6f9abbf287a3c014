"""Codes for the units of a list that has none: found again by name and commune, or made."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pandas as pd

from analysis.intake.formtexts import fold, plain
from analysis.intake.headings import Answers
from analysis.intake.reading import lacks_codes
from analysis.intake.wordlists import find, listed
from analysis.problems import Problem
from analysis.tables.communes import bare_place, came_into, find_place
from analysis.tables.delivery import Delivery, Records, repeated_keys
from analysis.tables.dictionary import dictionary
from analysis.tables.load import Dataset
from analysis.tables.writing import clean, loosely

#: How alike the names of two units of one commune are, when one may be a writing of the other.
_NEAR = 0.85
_LONGEST = 32
#: What an answer says of a unit that only seems to be a known one.
NEW = "mới"


@dataclass(frozen=True)
class Coded:
    """A list whose units have codes.

    Attributes
    ----------
    delivery : Delivery
        With codes.
    made : dict of str to str
        Names by the codes that were made.
    problems : list of Problem
        What has to be asked; where a name or a commune is written in another way, a warning.
    """

    delivery: Delivery
    made: dict[str, str]
    problems: list[Problem]


def give_codes(delivery: Delivery, known: Dataset, issuer: str, answers: Answers) -> Coded:
    """Give the units of a list the codes that they have, or new ones.

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
    """
    register = known.roster.sort_values("year").drop_duplicates("unit_id", keep="last")
    communes = known.tables["communes"]
    made: dict[str, str] = {}
    problems: list[Problem] = []
    parts = []
    for part in delivery.records:
        if lacks_codes(part):
            taken = {issuer, *register["unit_id"], *made}
            one = _List(delivery.file, part, register, communes, taken)
            one.give(answers)
            part = replace(part, text=one.text)
            made |= one.made
            problems += one.problems
        parts.append(part)
    if not any(problem.code == "ask_code" for problem in problems):
        problems += repeated_keys(delivery.file, parts)
    return Coded(replace(delivery, records=tuple(parts)), made, problems)


class _List:
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
        self._settle_communes()
        known = listed({key: answer for key, answer in answers.codes.items() if answer})
        keys = {row: (_bare_name(name), bare_place(place)) for row, name, place in self._rows()}
        found = {row: self.units.get(key, []) for row, key in keys.items()}
        met = {unit for units in found.values() if len(units) == 1 for unit in units}
        codes = {}
        for row, name, commune in self._rows():
            answer = find(f"{name} / {commune}", known)
            likely = found[row] or [unit for unit in self._near(*keys[row]) if unit not in met]
            if answer is not None and fold(answer) != NEW:
                codes[row] = answer.upper()
            elif len(found[row]) == 1:
                codes[row] = found[row][0]
                self._tell_spelling(row, name, codes[row])
            elif likely and answer is None:
                self._ask(row, f"{name} / {commune}", likely)
                codes[row] = ""
            else:
                codes[row] = self._make(row, name, commune)
        self.text.insert(
            1, "unit_id", pd.array([codes[row] for row in self.text.index], dtype="str")
        )

    def _rows(self) -> Iterator[tuple[int, str, str]]:
        yield from self.text[["name", "commune"]].itertuples(name=None)

    def _settle_communes(self) -> None:
        """Write communes as the register does, with or without "xã"; a town is no commune."""
        for row, _, commune in self._rows():
            self.text.loc[row, "commune"] = find_place(commune, self.places) or commune

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
            f" hoặc «{NEW}» nếu là đơn vị mới"
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
        body = _short(_without_title(name)) or plain(commune).upper()
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


def _short(name: str) -> str:
    for words, short in dictionary().code_words.items():
        name = re.sub(rf"\b{re.escape(words)}\b", short, name, flags=re.IGNORECASE)
    return plain(name).upper()


def _cut(code: str, longest: int) -> str:
    """Cut a code at the end of a word, if there is one to cut at."""
    return code if len(code) <= longest else code[: longest + 1].rpartition("-")[0][:longest]
