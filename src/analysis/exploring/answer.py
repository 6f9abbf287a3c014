"""A frame that answers a question: plain pandas to work with, an office's table to look at."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from pandas.api.types import is_numeric_dtype as _is_number

from analysis.exact import round_half_up
from analysis.exploring.names import choose
from analysis.language import Language
from analysis.plan import Plan, Target
from analysis.problems import InputError, error
from analysis.tables.writing import harmless

#: How many rows are shown; the frame holds them all.
MOST_SHOWN = 30
#: Columns whose numbers are the indicator's own: a share is shown in percent, a change in points.
_VALUES = ("value", "lower", "upper", "breakeven", "before", "now")
_CHANGES = ("change", "difference")
#: A change is shown to a tenth of a point.
_CHANGE_DIGITS = 3
_SHARES = ("share_of_gap", "rate", "on_time_rate")
#: How a workbook shows the kinds of numbers.
_FORMATS = {"share": "0.0%", "year": "0", "count": "#,##0", "decimal": "#,##0.0"}
_TARGET = re.compile(r"(>=?)([\d.]+)(?:@(\d+))?")
_TEXTS = ("name", "title", "value_text", "reason")
#: Columns whose words the language has, with the group that they stand in.
_WORDS = {"scope": "scope", "state": "task_state", "trajectory": "trajectory"}


@dataclass(frozen=True)
class Presentation:
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
    is_assumed : bool
        Whether its figures are assumed: then no page shows it.
    """

    language: Language
    plan: Plan
    nothing: str = ""
    mark: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    is_assumed: bool = False

    def __deepcopy__(self, memo: Any) -> Presentation:
        """Return itself: pandas copies ``attrs`` deeply with every column that is taken."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave it behind when an answer is pickled: what is read again is plain pandas."""
        return type(None), ()


class _Threshold(NamedTuple):
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

    def __getitem__(self, key: Any) -> Any:
        try:
            return super().__getitem__(key)
        except KeyError:
            asked = [key] if isinstance(key, str) else key if isinstance(key, list) else []
            known = {str(name): str(name) for name in self.columns}
            for name in (name for name in asked if name not in known):
                try:
                    choose("cột", name, known)
                except InputError as refusal:  # pandas itself counts on a KeyError
                    raise KeyError(refusal.problems[0].message) from None
            raise

    def melt(self, *given: Any, **named: Any) -> Any:
        """As of any frame; where a column is already called ``value``, the new one is ``figure``."""
        if len(given) < 4 and "value" in self.columns:
            named.setdefault("value_name", "figure")
        return super().melt(*given, **named)

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

    def save(self, path: str | Path, sheet: str = "Số liệu") -> Path:
        """Ghi bảng ra tệp Excel hoặc CSV để gửi, với tên cột tiếng Việt.

        Parameters
        ----------
        path : str or Path
            Ending in ``.xlsx`` (numbers stay numbers, shares in percent, the heading frozen and
            filtered) or ``.csv`` (as it is shown, with a BOM for Excel).
        sheet : str
            The name of the sheet.

        Raises
        ------
        InputError
            If the ending is another.
        """
        target = Path(str(path))
        suffix = target.suffix.lower()
        if suffix == ".csv":
            told = self.shown().map(lambda cell: harmless(cell) if isinstance(cell, str) else cell)
            told.to_csv(target, index=False, encoding="utf-8-sig", lineterminator="\n")
        elif suffix == ".xlsx":
            self._write_workbook(target, sheet)
        else:
            message = "đuôi tệp phải là .xlsx hoặc .csv"
            raise InputError([error(message, code="ending", file=target.name)])
        return target

    def _write_workbook(self, target: Path, sheet: str) -> None:
        from xlsxwriter import Workbook  # only who saves one waits for it

        look, shown = self.attrs["look"], self.shown()
        options = {"strings_to_formulas": False, "strings_to_urls": False}
        with Workbook(str(target), options) as book:
            page = book.add_worksheet(sheet)
            head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
            formats = {text: book.add_format({"num_format": text}) for text in _FORMATS.values()}
            first = 0
            if look.mark:
                page.write_string(0, 0, look.mark)
                first = 1
            for column, (name, title) in enumerate(zip(self.columns, shown.columns, strict=True)):
                page.write_string(first, column, str(title), head)
                longest = max(map(len, shown[title].astype(str)), default=0)
                page.set_column(column, column, min(max(longest, 9) + 2, 60))
                for row, (cell, bar, text) in enumerate(
                    zip(self[name].tolist(), self._bars(look.plan), shown[title], strict=True)
                ):
                    kind = _number_kind(str(name), cell, bar)
                    if kind:
                        page.write_number(
                            first + 1 + row, column, float(cell), formats[_FORMATS[kind]]
                        )
                    elif text != "":
                        page.write_string(first + 1 + row, column, str(text))
            page.freeze_panes(first + 1, 0)
            page.autofilter(first, 0, first + len(self), max(len(self.columns) - 1, 0))

    def _bars(self, plan: Plan) -> list[_Threshold]:
        """Return of each row whether its figure is a share, and the bar that it must not touch."""
        if "indicator" not in self.columns:
            return [_Threshold(True, None)] * len(self)
        known = {item.id: item for item in plan.catalogue()}
        years = self["year"] if "year" in self.columns else [0] * len(self)
        found = [known.get(str(key)) for key in self["indicator"]]
        return [
            _Threshold(item.is_fraction, item.target_in(int(year)))
            if item
            else _Threshold(True, None)
            for item, year in zip(found, years, strict=True)
        ]

    def _repr_html_(self) -> str:
        look = self.attrs.get("look")
        if look is None:
            return str(super()._repr_html_())
        if self.empty:
            return f"<p>{escape(look.nothing or 'Không có dòng nào.')}</p>"
        top = self.iloc[:MOST_SHOWN].shown()
        # JupyterLab sets every cell to the right, which is for numbers alone.
        sides = ["right" if _is_number(one) else "left" for one in self.dtypes]
        lines = [
            "".join(
                f'<{tag} style="text-align:{side}">{escape(str(cell))}</{tag}>'
                for side, cell in zip(sides, line, strict=True)
            )
            for tag, line in [("th", top.columns), *(("td", row) for row in top.to_numpy())]
        ]
        head, *rows = (f"<tr>{line}</tr>" for line in lines)
        table = (
            f'<table class="dataframe"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'
        )
        more = len(self) - MOST_SHOWN
        told = [f"{len(self)} dòng" + (f", hiện {MOST_SHOWN} dòng đầu" if more > 0 else "")]
        return f"{table}<p>{'. '.join([*told, *([look.mark] if look.mark else [])])}.</p>"


def heading(column: str, look: Presentation) -> str:
    """Return how a column is headed; a board's are indicators."""
    found = look.language.words["column"].get(column)
    if found is None:
        shorts = {item.id: item.short for item in look.plan.catalogue()}
        found = shorts.get(column, column)
    return str(found)


def _text(name: str, cell: Any, bar: _Threshold, language: Language) -> str:
    if cell is None or pd.isna(cell):
        return ""
    numbers, words = language.numbers, language.words
    if isinstance(cell, str) and cell in words["verdict"] and name not in _TEXTS:
        return f"{words['verdict_sign'][cell]} {words['verdict'][cell]}"
    if name in _SHARES:
        return numbers.percent(_exact(cell))
    asked = _TARGET.fullmatch(str(cell)) if name == "target" else None
    if asked:
        sign, level, by = asked.groups()
        shown = (
            numbers.level(Fraction(level)) if bar.is_fraction else _plain(float(level), language)
        )
        return f"{sign.replace('>=', '≥')} {shown}" + (f" ({by})" if by else "")
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


def _number_kind(name: str, cell: Any, bar: _Threshold) -> str:
    """Return how a workbook shows a cell as a number; empty for what is written as text."""
    is_number = isinstance(cell, int | float | Fraction) and not isinstance(cell, bool)
    if not is_number or pd.isna(cell):
        return ""
    if name in _SHARES or (name in (*_VALUES, *_CHANGES) and bar.is_fraction):
        return "share"
    if name.endswith("year"):
        return "year"
    return "count" if cell == int(cell) else "decimal"


def _exact(cell: Any) -> Fraction:
    return cell if isinstance(cell, Fraction) else Fraction(repr(float(cell)))
