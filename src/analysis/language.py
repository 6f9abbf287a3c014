"""One language of the reports: its words and sentences (``params/lang/<lang>``) and its numbers."""

from __future__ import annotations

import math
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

import jinja2
from babel.dates import format_date
from babel.numbers import format_decimal
from pydantic import BaseModel, ConfigDict

from analysis.exact import round_half_up
from analysis.plan import Plan, Target
from analysis.problems import InputError, error
from analysis.tables.dictionary import dictionary
from analysis.yamlfile import read_document, read_yaml

#: Beyond any count of people or đồng; a bar such as 1/3 is never reached by decimals.
_MOST_DIGITS = 40
LANG_FOLDER = Path("params") / "lang"
_SENTENCES, _WORDS = "sentences.j2", "words.yaml"


class _Words(dict[str, Any]):
    """Labels by their keys; one that an office has lost is refused by its name."""

    def __init__(self, labels: Mapping[str, Any], path: str = "") -> None:
        self._path = path
        for key, label in labels.items():
            self[key] = _Words(label, f"{path}{key}.") if isinstance(label, dict) else label

    def __missing__(self, key: str) -> Any:
        name = f"{self._path}{key}"
        raise InputError([error("thiếu chữ này", code="no_word", file=_WORDS, column=name)])


@dataclass(frozen=True)
class Numbers:
    """How one language writes numbers; ``locale`` is for example ``"vi"``.

    Examples
    --------
    >>> numbers = Numbers("vi")
    >>> numbers.count(1234), numbers.percent(Fraction(172, 220))
    ('1.234', '78,2%')
    """

    locale: str

    def count(self, value: int | Fraction) -> str:
        """Write a whole number with its thousands."""
        return str(format_decimal(int(value), locale=self.locale))

    def decimal(self, value: Fraction, digits: int = 1) -> str:
        """Write a number rounded half up, with all its decimals, so that columns read evenly.

        Examples
        --------
        >>> Numbers("vi").decimal(Fraction(86)), Numbers("vi").decimal(Fraction(86017, 1000))
        ('86,0', '86,0')
        """
        return self._write(value, digits, "0")

    def percent(self, value: Fraction, target: Target | None = None, fewest: int = 1) -> str:
        """Write a share in percent: with ``fewest`` decimals, or as many as its verdict needs.

        Examples
        --------
        >>> numbers = Numbers("vi")
        >>> numbers.percent(Fraction(8996, 10000), Target(at_least="90%"))
        '89,96%'
        >>> numbers.percent(Fraction(8, 10)), numbers.percent(Fraction(8, 10), None, 0)
        ('80,0%', '80%')
        """
        return self.decimal(value * 100, _digits(value, target, 100, fewest)) + "%"

    def level(self, value: Fraction) -> str:
        """Write a share that is set and not measured, a target or a tick: ``80%``."""
        return self._write(value * 100, 1, "#") + "%"

    def points(self, difference: Fraction) -> str:
        """Write a difference of shares in percentage points, without its sign.

        A difference that is not zero is never written as 0, and one of two shown figures has all
        their decimals.

        Examples
        --------
        >>> Numbers("vi").points(Fraction(-463, 10000)), Numbers("vi").points(Fraction(1, 30))
        ('4,63', '3,3')
        """
        return self._exactly(abs(difference) * 100)

    def difference(self, difference: Fraction) -> str:
        """Write the size of a difference of means; one that is not zero never reads 0."""
        size = abs(difference)
        return self.count(size) if size.denominator == 1 else self._exactly(size)

    def _exactly(self, size: Fraction) -> str:
        exact = next((n for n in range(1, _MOST_DIGITS) if round_half_up(size, n) == size), 1)
        digits = exact
        while size and digits < _MOST_DIGITS and not round_half_up(size, digits):
            digits += 1
        return self.decimal(size, digits)

    def percent_up(self, value: Fraction) -> str:
        """Write a share that is enough, rounded up to one decimal."""
        return self.decimal(Fraction(math.ceil(value * 1000), 10)) + "%"

    def mean(self, value: Fraction, target: Target | None = None) -> str:
        """Write a mean: with one decimal, or as many as its verdict needs."""
        return self.decimal(value, _digits(value, target, 1))

    def quantity(self, value: Fraction) -> str:
        """Write a count, or half of one; a whole number has no decimals."""
        return self._write(value, 1, "#")

    def _write(self, value: Fraction, digits: int, place: str) -> str:
        return _in_decimals(value, digits, place, self.locale)


@lru_cache(maxsize=1 << 14)  # the pages of a site show the same shares over and over
def _in_decimals(value: Fraction, digits: int, place: str, locale: str) -> str:
    rounded = round_half_up(value, digits)
    exact = Decimal(rounded.numerator) / Decimal(rounded.denominator)
    return str(format_decimal(exact, format=f"#,##0.{place * digits}", locale=locale))


def round_as_shown(value: Fraction, target: Target | None = None, *, is_share: bool) -> Fraction:
    """Return the number that a page shows for a value, so that readers can subtract two of them.

    Examples
    --------
    >>> round_as_shown(Fraction(624, 739), is_share=True)
    Fraction(211, 250)
    """
    scale = 100 if is_share else 1
    return round_half_up(value * scale, _digits(value, target, scale)) / scale


def _digits(value: Fraction, target: Target | None, scale: int, fewest: int = 1) -> int:
    """Return the fewest decimals at which the rounded number stands where the exact one does."""
    digits = fewest
    if target is None or not target.is_numeric:
        return digits
    exact, bar = value * scale, target.minimum * scale
    while digits < _MOST_DIGITS and _side(round_half_up(exact, digits), bar) != _side(exact, bar):
        digits += 1
    return digits


def _side(value: Fraction, bar: Fraction) -> int:
    return (value > bar) - (value < bar)


class _Texts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _ItemTexts(_Texts):
    id: str


class _IssuerTexts(_Texts):
    name: str | None = None
    short: str | None = None
    place: str | None = None
    superior: str | None = None


class _SectionTexts(_ItemTexts):
    title: str


class _TaskTexts(_ItemTexts):
    text: str | None = None
    short: str | None = None
    evidence_hint: str | None = None
    count: str | None = None


class _IndicatorTexts(_ItemTexts):
    title: str | None = None
    short: str | None = None
    unit: str | None = None
    what: str | None = None
    why: str | None = None
    decision: str | None = None
    part_titles: dict[str, str] | None = None


class PlanTexts(_Texts):
    """What a file of ``params/lang/<lang>/plans`` may say."""

    title: str | None = None
    short: str | None = None
    source: str | None = None
    issuer: _IssuerTexts = _IssuerTexts()
    legal_bases: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    sections: tuple[_SectionTexts, ...] = ()
    tasks: tuple[_TaskTexts, ...] = ()
    indicators: tuple[_IndicatorTexts, ...] = ()

    def apply(self, plan: Plan, file: str) -> Plan:
        """Return the plan with these texts in place of its own; ids that it has not are refused."""
        given = {key: text for key, text in self.model_dump(exclude_none=True).items() if text}
        given["issuer"] = plan.issuer.model_copy(update=given.get("issuer"))
        unknown = []
        for name in ("sections", "tasks", "indicators"):
            texts = {item["id"]: item for item in given.get(name, ())}
            own = {item.id: item for item in getattr(plan, name)}
            unknown += [f"{name}.{key}" for key in texts if key not in own]
            given[name] = tuple(one.model_copy(update=texts.get(key)) for key, one in own.items())
        if unknown:
            message = "kế hoạch không có mã này, nên lời dịch sẽ không hiện ở đâu cả"
            raise InputError(
                error(message, code="unknown_id", file=file, column=name) for name in unknown
            )
        return plan.model_copy(update=given)


@dataclass(frozen=True)
class Language:
    """What the reports say in one language: the labels of ``words.yaml``, sentences and numbers."""

    code: str
    words: dict[str, Any]
    numbers: Numbers
    _templates: jinja2.Environment

    @cached_property
    def sentences(self) -> Any:
        """The macros of ``sentences.j2``, compiled on first use: a table needs none."""
        try:
            return self._templates.get_template(_SENTENCES).module
        except Exception as caught:
            raise self._blame("không đọc được các câu", caught) from caught

    def say(self, macro: str, *args: Any, **kwargs: Any) -> str:
        """Return a sentence of ``sentences.j2``: plain text on one line, not escaped for HTML.

        Raises
        ------
        InputError
            If it cannot be made, with its line: an office may word the sentences itself.
        """
        sentences = self.sentences
        try:
            text = str(getattr(sentences, macro)(*args, **kwargs))
        except Exception as caught:
            raise self._blame(f"không viết được câu «{macro}»", caught) from caught
        return " ".join(text.split()).replace(" ,", ",").replace(" .", ".").replace(" ;", ";")

    def _blame(self, message: str, caught: Exception) -> InputError:
        """Return the refusal of what is wrong in ``sentences.j2``, with its line."""
        row = getattr(caught, "lineno", None)  # of what cannot even be compiled
        for frame in traceback.extract_tb(caught.__traceback__) if row is None else ():
            if frame.filename.endswith(_SENTENCES):
                sentences = self._templates.get_template(_SENTENCES)
                row = sentences.get_corresponding_lineno(frame.lineno or 0)
        return InputError(
            [error(f"{message}: {caught}", code="sentence", file=_SENTENCES, row=row)]
        )

    def word(self, group: str, key: str) -> str:
        """Return one label; one that the language lacks is refused."""
        return str(self.words[group][key])

    def ui(self, key: str) -> str:
        """Return a fixed text of the pages."""
        return self.word("ui", key)

    def told(self, key: str, *given: object) -> str:
        """Return what an answer to an analyst says of itself, filled in."""
        return self.word("asking", key).format(*given)

    def dictionary_word(self, group: str, key: str) -> str:
        """Return the label of a word that cells hold: a unit type, a grade."""
        return str(self.words.get(group, dictionary().words[group])[key])

    def heading(self, column: str, tables: Iterable[str] = ("roster", "returns")) -> str:
        """Return a column's heading, from the first of the tables that has it: the language's own, if any."""
        for table in tables:
            found = dictionary().tables[table].columns.get(column)
            if found is not None:
                given = (self.code == "en" and found.en) or found.vi
                return str(self.words.get("headings", {}).get(table, {}).get(column, given))
        raise KeyError(column)

    def date(self, day: date) -> str:
        """Write a date as this language does (30/11/2024)."""
        return str(format_date(day, format=self.words["date_format"], locale=self.code))


def localise(plan: Plan, code: str, root: Path) -> Plan:
    """Return the plan with its texts in a language, where ``plans/<plan id>.yaml`` has them.

    The file's shape is the plan file's own: it repeats the ids and gives only texts. ``code`` names a
    folder of ``params/lang`` in the project's folder ``root``.

    Raises
    ------
    InputError
        If the file is broken, gives something else than texts, or names what the plan has not.
    """
    file = root / LANG_FOLDER / code / "plans" / f"{plan.id}.yaml"
    if not file.is_file():
        return plan
    return read_yaml(file, PlanTexts).apply(plan, file.name)


def lower_first(text: str) -> str:
    """Write a heading inside a sentence, leaving abbreviations as they are.

    Examples
    --------
    >>> lower_first("Số đoàn viên"), lower_first("CNVCLĐ nữ")
    ('số đoàn viên', 'CNVCLĐ nữ')
    """
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


@cache
def load_language(code: str, root: Path) -> Language:
    """Read a language's folder of ``params/lang``; one that is not there is refused."""
    folder = root / LANG_FOLDER / code
    if not (folder / _WORDS).is_file():
        message = "chưa có thư mục ngôn ngữ này trong params/lang"
        raise InputError([error(message, code="no_language", column="lang", value=code)])
    words = _Words(read_document(folder / _WORDS).data)
    numbers = Numbers(code)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    language = Language(code, words, numbers, environment)
    environment.globals["w"] = words
    written = ("count", "decimal", "percent", "level", "mean", "points", "quantity", "difference")
    environment.filters.update(
        {name: getattr(numbers, name) for name in (*written, "percent_up")},
        scaled=lambda number, scale: numbers.quantity(Fraction(number, scale)),
        amount=lambda number, scale: (
            numbers.count(number) if scale == 1 else numbers.decimal(Fraction(number, scale))
        ),
        lower_first=lower_first,
        heading=lambda column: language.heading(column, tuple(dictionary().tables)),
    )
    return language
