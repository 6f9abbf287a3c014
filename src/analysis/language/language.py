"""Words and sentence templates of one language; another language is another folder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import yaml
from babel.dates import format_date

from analysis.language.numbers import Numbers
from analysis.problems import InputError, error
from analysis.tables.dictionary import dictionary

LANG_FOLDER = Path("params") / "lang"


@dataclass(frozen=True)
class Language:
    """What the reports say in one language.

    Attributes
    ----------
    code : str
        For example ``"vi"``.
    words : dict
        The labels of ``words.yaml``.
    numbers : Numbers
        How numbers are written.
    """

    code: str
    words: dict[str, Any]
    numbers: Numbers
    _sentences: Any

    def say(self, macro: str, *args: Any, **kwargs: Any) -> str:
        """Return a sentence of ``sentences.j2``: plain text on one line, not escaped for HTML."""
        text = str(getattr(self._sentences, macro)(*args, **kwargs))
        return " ".join(text.split()).replace(" ,", ",").replace(" .", ".").replace(" ;", ";")

    def word(self, group: str, key: str) -> str:
        """Return one label.

        Raises
        ------
        KeyError
            If the language lacks it.
        """
        return str(self.words[group][key])

    def ui(self, key: str) -> str:
        """Return a fixed text of the pages."""
        return self.word("ui", key)

    def type_name(self, unit_type: str) -> str:
        """Return the label of a unit type."""
        types = self.words.get("unit_type") or dictionary().words["unit_type"]
        return str(types[unit_type])

    def date(self, day: date) -> str:
        """Write a date as this language does (30/11/2024)."""
        return str(format_date(day, format=self.words["date_format"], locale=self.code))


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
    """Read a language's folder.

    Raises
    ------
    InputError
        If there is no such folder.
    """
    folder = root / LANG_FOLDER / code
    if not (folder / "words.yaml").is_file():
        message = "chưa có thư mục ngôn ngữ này trong params/lang"
        raise InputError([error(message, code="no_language", column="lang", value=code)])
    words = yaml.safe_load((folder / "words.yaml").read_text("utf-8"))
    numbers = Numbers(code)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.globals["w"] = words
    environment.filters.update(
        count=numbers.count,
        decimal=numbers.decimal,
        percent=numbers.percent,
        points=numbers.points,
        quantity=numbers.quantity,
        lower_first=lower_first,
    )
    return Language(code, words, numbers, environment.get_template("sentences.j2").module)
