"""A frame that answers a question: plain pandas to work with, an office's table to look at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial, wraps
from html import escape
from itertools import zip_longest
from math import isfinite
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from pandas.api.types import is_numeric_dtype as _is_number
from pandas.api.types import is_scalar
from pandas.errors import UndefinedVariableError

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
#: An analyst's own figures may be shares.
_OWN_DIGITS = 3
#: How a workbook shows the kinds of numbers.
_FORMATS = {"share": "0.0%", "year": "0", "count": "#,##0", "decimal": "#,##0.0"}
_TARGET = re.compile(r"(>=?)([\d.]+)(?:@(\d+))?")
_TEXTS = ("name", "title", "value_text", "reason")
_QUOTED = re.compile(r"'([^']*)'")
#: Columns whose words the language has, with the group that they stand in.
_WORDS = {"scope": "scope", "state": "task_state", "trajectory": "trajectory"}


class Scale(NamedTuple):
    """Whether a figure is a share (None where nobody can tell), and the bar that it must not touch."""

    is_share: bool | None
    target: Target | None = None


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
    is_share : bool or None
        What its values are where no column tells their indicator; None if both occur.
    bars : mapping of str to Scale
        The columns that are themselves values of an indicator, as a board's.
    """

    language: Language
    plan: Plan
    nothing: str = ""
    mark: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    is_assumed: bool = False
    is_share: bool | None = None
    bars: Mapping[str, Scale] = field(default_factory=dict)

    def __deepcopy__(self, memo: Any) -> Presentation:
        """Return itself: pandas copies ``attrs`` deeply with every column that is taken."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave it behind when an answer is pickled: what is read again is plain pandas."""
        return type(None), ()


class UnknownColumnError(InputError, KeyError, UndefinedVariableError):  # type: ignore[misc]
    """A column that an answer does not have; pandas itself counts on the errors that it is, too."""

    __str__ = Exception.__str__


class _Looked:
    """What an answer and its columns have in common: what is made of them is shown by the same.

    pandas asks for a constructor wherever it makes one of another. What is made of assumed figures
    and of others is assumed.
    """

    @property
    def _constructor(self) -> Callable[..., Any]:
        return self._constructor_expanddim if isinstance(self, Answer) else self._constructor_sliced

    @property
    def _constructor_sliced(self) -> Callable[..., Any]:
        return partial(_make, AnswerColumn, self)

    @property
    def _constructor_expanddim(self) -> Callable[..., Any]:
        return partial(_make, Answer, self)

    def __finalize__(self, other: Any, method: str | None = None, **named: Any) -> Any:
        sources = [self, other, *getattr(other, "input_objs", ())]
        looks = [look for look in map(_look_of, sources) if look]
        done = super().__finalize__(other, method, **named)  # type: ignore[misc]
        if looks:
            done.attrs["look"] = max(looks, key=lambda look: look.is_assumed)
        return done

    def describe(self, *given: Any, **named: Any) -> Any:
        """As of any frame; pandas puts it together from plain columns, counts among them."""
        made = self._constructor(super().describe(*given, **named))  # type: ignore[misc]
        if look := _look_of(made):
            made.attrs["look"] = replace(look, is_share=None)
        return made

    def value_counts(self, *given: Any, **named: Any) -> Any:
        """As of any frame; what it counts are rows."""
        made = self._constructor_sliced(super().value_counts(*given, **named))  # type: ignore[misc]
        if look := _look_of(made):
            made.attrs["look"] = replace(look, labels={"count": look.language.ui("rows")})
        return made


def _make(kind: type, source: Any, *given: Any, **named: Any) -> Any:
    made, look = kind(*given, **named), _look_of(source)
    if look and "look" not in made.attrs:
        made.attrs["look"] = look
    return made


def _look_of(frame: Any) -> Presentation | None:
    return getattr(frame, "attrs", {}).get("look")


def _naming(name: str) -> Callable[..., Any]:
    """Return a method of a frame that refuses a column which is not there with the nearest that is."""
    method = getattr(pd.DataFrame, name)

    @wraps(method)
    def ask(self: pd.DataFrame, *given: Any, **named: Any) -> Any:
        if name in ("query", "eval"):  # they look up @names where they are called: one step further
            named["level"] = named.get("level", 0) + 1
        try:
            return method(self, *given, **named)
        except (KeyError, UndefinedVariableError) as refusal:
            known = {str(one): str(one) for one in [*self.columns, *filter(None, self.index.names)]}
            told = "" if isinstance(refusal, UnknownColumnError) else str(refusal)
            wrong = [one for one in _QUOTED.findall(told) if one not in known]
            if not wrong or told.startswith("local variable"):
                raise
            try:
                choose("cột", wrong[0], known)
            except InputError as unknown:
                text = "; chữ để so phải nằm trong ngoặc kép" if told.startswith("name ") else ""
                raise UnknownColumnError(
                    replace(one, message=one.message + text) for one in unknown.problems
                ) from None
            raise

    return ask


class Answer(_Looked, pd.DataFrame):  # type: ignore[misc]
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

    __getitem__, query, eval, groupby, sort_values, set_index, drop = map(
        _naming, ("__getitem__", "query", "eval", "groupby", "sort_values", "set_index", "drop")
    )

    def melt(self, *given: Any, **named: Any) -> Any:
        """As of any frame; where a column is already called ``value``, the new one is ``figure``."""
        if len(given) < 4 and "value" in self.columns:
            named.setdefault("value_name", "figure")
        return super().melt(*given, **named)

    def shown(self) -> pd.DataFrame:
        """Return what a reader sees: headings and texts; for a page or a workbook."""
        look = _look_of(self)
        if look is None:
            return pd.DataFrame(self)
        parts = self._parts(look)
        shown = pd.DataFrame({n: part.texts(look) for n, part in enumerate(parts)}, self.index)
        return shown.set_axis([part.heading for part in parts], axis=1)

    def _parts(self, look: Presentation) -> list[_Part]:
        """Return what is shown side by side: the index where it says something, then the columns."""
        levels = [self.index.get_level_values(n) for n in range(self.index.nlevels)]
        if not any(self.index.names) and all(map(_is_number, levels)):
            levels = []
        columns = [(level.name or "", level) for level in levels]
        columns += [(name, self.iloc[:, n]) for n, name in enumerate(self.columns)]
        cells = [column.tolist() for _, column in columns]
        bars = _bars(dict(zip((name for name, _ in columns), cells, strict=True)), len(self), look)
        return [
            _Part(
                "value" if name in look.bars else str(name),
                heading(name, look, self.columns.names),
                found,
                [look.bars[name]] * len(self) if name in look.bars else bars,
                _is_number(column),
            )
            for (name, column), found in zip(columns, cells, strict=True)
        ]

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

        look = self.attrs["look"]
        parts = self._parts(look)
        options = {"strings_to_formulas": False, "strings_to_urls": False}
        with Workbook(str(target), options) as book:
            page = book.add_worksheet(sheet)
            head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
            formats = {text: book.add_format({"num_format": text}) for text in _FORMATS.values()}
            first = 0
            if look.mark:
                page.write_string(0, 0, look.mark)
                first = 1
            for column, part in enumerate(parts):
                texts = part.texts(look)
                page.write_string(first, column, part.heading, head)
                longest = max(map(len, texts), default=0)
                page.set_column(column, column, min(max(longest, 9) + 2, 60))
                for row, (cell, bar, text) in enumerate(
                    zip(part.cells, part.bars, texts, strict=True), first + 1
                ):
                    kind = _number_kind(part.name, cell, bar)
                    if kind:
                        page.write_number(row, column, float(cell), formats[_FORMATS[kind]])
                    elif text != "":
                        page.write_string(row, column, text)
            page.freeze_panes(first + 1, 0)
            page.autofilter(first, 0, first + len(self), max(len(parts) - 1, 0))

    def _repr_html_(self) -> str:
        look = _look_of(self)
        if look is None:
            return str(super()._repr_html_())
        if self.empty:
            return f"<p>{escape(look.nothing or 'Không có dòng nào.')}</p>"
        parts = self.iloc[:MOST_SHOWN]._parts(look)
        # JupyterLab sets every cell to the right, which is for numbers alone.
        sides = ["right" if part.is_number else "left" for part in parts]
        texts = zip(*(part.texts(look) for part in parts), strict=True)
        lines = [
            "".join(
                f'<{tag} style="text-align:{side}">{escape(cell)}</{tag}>'
                for side, cell in zip(sides, line, strict=True)
            )
            for tag, line in [
                ("th", [part.heading for part in parts]),
                *(("td", row) for row in texts),
            ]
        ]
        head, *rows = (f"<tr>{line}</tr>" for line in lines)
        table = (
            f'<table class="dataframe"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'
        )
        more = len(self) - MOST_SHOWN
        told = [f"{len(self)} dòng" + (f", hiện {MOST_SHOWN} dòng đầu" if more > 0 else "")]
        return f"{table}<p>{'. '.join([*told, *([look.mark] if look.mark else [])])}.</p>"


class AnswerColumn(_Looked, pd.Series):  # type: ignore[misc]
    """A column or a row of an answer, shown as the answer is."""

    def _repr_html_(self) -> str | None:
        look = _look_of(self)
        if look is None:
            return None
        if set(self.index) <= look.language.words["column"].keys():  # a row
            return str(self.to_frame(0).T._repr_html_())
        return str(self.to_frame("" if self.name is None else self.name)._repr_html_())


class _Part(NamedTuple):
    """One column as it is shown."""

    name: str
    heading: str
    cells: list[Any]
    bars: list[Scale]
    is_number: bool

    def texts(self, look: Presentation) -> list[str]:
        pairs = zip(self.cells, self.bars, strict=True)
        return [_text(self.name, cell, bar, look.language) for cell, bar in pairs]


def _bars(known: Mapping[Any, list[Any]], count: int, look: Presentation) -> list[Scale]:
    """Return of each row whether its figure is a share, and the bar that it must not touch."""
    items, kinds = look.plan.catalogue(), [look.is_share] * count
    for key, names in (("title", [i.title for i in items]), ("indicator", [i.id for i in items])):
        if key in known:
            of = dict(zip(names, (item.is_fraction for item in items), strict=True))
            kinds = [of.get(str(one)) for one in known[key]]
    bars = {str(target): target for item in items for target in item.targets}
    targets = map(bars.get, map(str, known.get("target", kinds)))
    return list(map(Scale, kinds, targets))


def heading(column: Any, look: Presentation, axes: Iterable[str | None] = (None,)) -> str:
    """Return how a column is headed; a board's are indicators, a pivot's what its axis says."""
    if column in look.labels:
        return look.labels[column]
    keys = column if isinstance(column, tuple) else (column,)
    shorts = {item.id: item.short for item in look.plan.catalogue()}
    words = {**shorts, **look.language.words["column"]}
    told = [
        _text(axis, key, Scale(None), look.language) if axis else str(key)
        for key, axis in zip_longest(keys, axes)
    ]
    return " · ".join(words.get(one, one) for one in told if one)


def _text(name: str, cell: Any, bar: Scale, language: Language) -> str:
    """Return a cell as a reader sees it; what nobody knows of, as Python writes it."""
    if not is_scalar(cell):
        return str(cell)
    if pd.isna(cell):
        return ""
    if isinstance(cell, str):
        return _word(name, cell, bar, language)
    if isinstance(cell, pd.Timestamp):
        return language.date(cell.date())
    if isinstance(cell, bool):
        return language.word("answer", "yes" if cell else "no")
    return _number(name, cell, bar, language) if _is_finite(cell) else str(cell)


def _number(name: str, cell: Any, bar: Scale, language: Language) -> str:
    numbers, exact = (
        language.numbers,
        Fraction(repr(float(cell))) if isinstance(cell, float) else cell,
    )
    kind, target = _number_kind(name, cell, bar), bar.target if name in _VALUES else None
    if name in _CHANGES and bar.is_share is not None:
        size = round_half_up(Fraction(exact), _CHANGE_DIGITS)
        sign = "+" if size > 0 else "−" if size < 0 else ""
        unit = " " + language.ui("points") if bar.is_share else ""
        return sign + (numbers.points if bar.is_share else numbers.difference)(size) + unit
    if kind == "share":
        return numbers.percent(exact, target)
    if kind == "year":
        return f"{cell:g}"
    if kind == "count":
        return numbers.count(exact)
    is_own = name not in language.words["column"] or (name in _VALUES and bar.is_share is None)
    return numbers.decimal(exact, _OWN_DIGITS) if is_own else numbers.mean(exact, target)


def _word(name: str, cell: str, bar: Scale, language: Language) -> str:
    words = language.words
    asked = _TARGET.fullmatch(cell) if name == "target" else None
    if asked:
        sign, level, by = asked.groups()
        exact = Fraction(level)
        shown = (
            language.numbers.level(exact)
            if bar.is_share is not False
            else (_text("", float(exact), bar, language))
        )
        return f"{sign.replace('>=', '≥')} {shown}" + (f" ({by})" if by else "")
    if name in _TEXTS:
        return cell
    if cell in words["verdict"]:
        return f"{words['verdict_sign'][cell]} {words['verdict'][cell]}"
    if name == "unit_type":
        with suppress(KeyError):  # an analyst's own
            return language.dictionary_word("unit_type", cell)
    return str(words[_WORDS[name]].get(cell, cell)) if name in _WORDS else cell


def _number_kind(name: str, cell: Any, bar: Scale) -> str:
    """Return how a workbook shows a cell as a number; empty for what is written as text."""
    if not _is_finite(cell):
        return ""
    # What is counted of shares is none.
    is_value = name in (*_VALUES, *_CHANGES) and not isinstance(cell, int)
    if name in _SHARES or (is_value and bar.is_share):
        return "share"
    if name.endswith("year"):
        return "year"
    return "count" if cell == int(cell) else "decimal"


def _is_finite(cell: Any) -> bool:
    return not isinstance(cell, bool) and isinstance(cell, Real) and isfinite(cell)
