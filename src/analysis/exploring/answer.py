"""A frame that answers a question: plain pandas to work with, an office's table to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from html import escape
from typing import Any, NamedTuple

import pandas as pd

from analysis.exact import round_half_up
from analysis.language import Language
from analysis.plan import Plan, Target

#: How many rows are shown; the frame holds them all.
MOST_SHOWN = 30
#: Columns whose numbers are the indicator's own: a share is shown in percent, a change in points.
_VALUES = ("value", "lower", "upper", "breakeven", "before", "now", "before_value", "now_value")
_CHANGES = ("change", "difference")
#: A change is shown to a tenth of a point.
_CHANGE_DIGITS = 3
_SHARES = ("share", "share_of_gap")
_TEXTS = ("name", "title", "value_text", "reason")
#: Columns whose words the language has, with the group that they stand in.
_WORDS = {"scope": "scope", "state": "task_state", "trajectory": "trajectory"}


@dataclass(frozen=True)
class Look:
    """By what an answer is shown.

    Attributes
    ----------
    language : Language
        Its headings and numbers.
    plan : Plan
        Which of its figures are shares, and of what bar.
    nothing : str
        Why there are no rows.
    mark : str
        What every table and figure of it says: illustrative, assumed.
    labels : mapping of str to str
        Headings of its own.
    """

    language: Language
    plan: Plan
    nothing: str = ""
    mark: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    def __deepcopy__(self, memo: Any) -> Look:
        """Return itself: pandas copies ``attrs`` deeply with every column that is taken."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave it behind when an answer is pickled: what is read again is plain pandas."""
        return type(None), ()


class _Bar(NamedTuple):
    is_fraction: bool
    target: Target | None


class Answer(pd.DataFrame):  # type: ignore[misc]
    """A tidy frame that shows itself with Vietnamese headings.

    It is a DataFrame in every other way: filter, group, plot and save it as any. ``attrs["look"]`` is
    by what it is shown.

    Examples
    --------
    >>> from analysis import load
    >>> rows = load(2024).results(year=2024, scope="district")
    >>> isinstance(rows, pd.DataFrame), "Chỉ tiêu" in rows._repr_html_()
    (True, True)
    """

    @property
    def _constructor(self) -> type[Answer]:
        return Answer

    def shown(self) -> pd.DataFrame:
        """Return what a reader sees: headings and texts; for a page or a workbook."""
        look = self.attrs.get("look")
        if look is None:
            return pd.DataFrame(self)
        bars = self._bars(look.plan)
        texts = {
            look.labels.get(name) or heading(str(name), look): [
                _text(str(name), cell, bar, look.language)
                for cell, bar in zip(self[name].tolist(), bars, strict=True)
            ]
            for name in self.columns
        }
        return pd.DataFrame(texts, index=self.index)

    def _bars(self, plan: Plan) -> list[_Bar]:
        """Return of each row whether its figure is a share, and the bar that it must not touch."""
        if "indicator" not in self.columns:
            return [_Bar(True, None)] * len(self)
        known = {item.id: item for item in plan.catalogue()}
        years = self["year"] if "year" in self.columns else [0] * len(self)
        found = [known.get(str(key)) for key in self["indicator"]]
        return [
            _Bar(item.is_fraction, item.target_in(int(year))) if item else _Bar(True, None)
            for item, year in zip(found, years, strict=True)
        ]

    def _repr_html_(self) -> str:
        look = self.attrs.get("look")
        if look is None:
            return str(super()._repr_html_())
        if self.empty:
            return f"<p>{escape(look.nothing or 'Không có dòng nào.')}</p>"
        top = self.iloc[:MOST_SHOWN].shown()
        table = top.to_html(index=False, border=0, escape=True, na_rep="", notebook=True)
        more = len(self) - MOST_SHOWN
        told = [f"{len(self)} dòng" + (f", hiện {MOST_SHOWN} dòng đầu" if more > 0 else "")]
        return f"{table}<p>{'. '.join([*told, *([look.mark] if look.mark else [])])}.</p>"


def heading(column: str, look: Look) -> str:
    """Return how a column is headed; a board's are indicators."""
    found = look.language.words["column"].get(column)
    if found is None:
        shorts = {item.id: item.short for item in look.plan.catalogue()}
        found = shorts.get(column, column)
    return str(found)


def _text(name: str, cell: Any, bar: _Bar, language: Language) -> str:
    if cell is None or pd.isna(cell):
        return ""
    numbers, words = language.numbers, language.words
    if isinstance(cell, str) and cell in words["verdict"] and name not in _TEXTS:
        return f"{words['verdict_sign'][cell]} {words['verdict'][cell]}"
    if name in _SHARES:
        return numbers.percent(_exact(cell))
    if name in _VALUES and bar.is_fraction:
        return numbers.percent(_exact(cell), bar.target)
    if name in _CHANGES:
        size = round_half_up(_exact(cell), _CHANGE_DIGITS)
        sign = "+" if size > 0 else "−" if size < 0 else ""
        unit = " " + language.ui("points") if bar.is_fraction else ""
        return sign + (numbers.points if bar.is_fraction else numbers.difference)(size) + unit
    if name in _WORDS and cell in words[_WORDS[name]]:
        return str(words[_WORDS[name]][cell])
    if name == "unit_type":
        return language.dictionary_word("unit_type", cell)
    if name.endswith("year"):
        return str(cell)
    return _plain(cell, language)


def _plain(cell: Any, language: Language) -> str:
    if isinstance(cell, bool):
        return language.word("answer", "yes" if cell else "no")
    if isinstance(cell, pd.Timestamp):
        return language.date(cell.date())
    if isinstance(cell, str):
        return cell
    numbers = language.numbers
    return numbers.mean(_exact(cell)) if cell != int(cell) else numbers.count(int(cell))


def _exact(cell: Any) -> Fraction:
    return cell if isinstance(cell, Fraction) else Fraction(repr(float(cell)))
