"""A frame that answers a question: plain pandas to work with, an office's table to look at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial, wraps
from html import escape
from itertools import zip_longest
from math import isfinite
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from pandas.api.types import is_numeric_dtype, is_scalar
from pandas.api.typing import DataFrameGroupBy
from pandas.errors import UndefinedVariableError

from analysis.exact import round_half_up
from analysis.exploring.names import choose
from analysis.language import Language
from analysis.plan import Plan, Target
from analysis.problems import InputError, Problem, error, explain_os
from analysis.tables.dictionary import dictionary
from analysis.tables.writing import harmless

#: How many rows are shown; the frame holds them all.
MOST_SHOWN = 30
#: A column of texts no longer than this stands on one line each.
_SHORT = 24
#: How a workbook shows the kinds of numbers.
_FORMATS = {"share": "0.0%", "year": "0", "count": "#,##0", "decimal": "#,##0.0"}
#: What the name of a sheet may not hold, nor be longer than.
_NO_SHEET, _LONGEST_SHEET = re.compile(r"[\[\]:*?/\\']"), 31
#: What is made of an indicator's values in these ways is of their kind.
_ALIKE = ("mean", "median", "min", "max", "first", "last")
#: The axes that tell of a pivot's column which indicator it is.
_AXES = {"indicator": "id", "title": "title"}
_LOC: Any = type(pd.DataFrame().loc)
_ROLE = re.compile(r"^\W*The following '[a-z]+' labels")
_QUOTED = re.compile(r"'(?:Column not found: )?([^']*)'")
#: Columns whose numbers are the indicator's own: a share is shown in percent, a change in points.
VALUES = ("value", "lower", "upper", "breakeven", "before", "now")
_CHANGES = ("change", "difference")
#: A change is shown to a tenth of a point, and known to so many digits after floats were subtracted.
_CHANGE_DIGITS, _SURE_DIGITS = 3, 12
_SHARES = ("share_of_gap", "rate", "on_time_rate")
#: An analyst's own figures may be shares.
_OWN_DIGITS = 3
_TARGET = re.compile(r"(>=?)([\d.]+)(?:@(\d+))?")
_TEXTS = ("name", "title", "value_text", "reason")
#: Columns whose words the language has, with the group that they stand in.
_WORDS = {"scope": "scope", "state": "task_state", "trajectory": "trajectory", "flags": "flag"}


class UnknownNameError(InputError, KeyError, UndefinedVariableError):  # type: ignore[misc]
    """What an answer does not have; pandas itself counts on the errors that it is, too."""

    __str__ = Exception.__str__


class UnknownAttributeError(InputError, AttributeError):
    """A column that an answer does not have, asked for behind a dot."""


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


def _spread(source: pd.DataFrame, made: Any, values: Any) -> Any:
    """Let the columns of a pivot be shown as the values of an indicator that they hold."""
    look = _look_of(made)
    if look and values in VALUES and made.columns.nlevels == 1:
        axis, items = made.columns.name, look.plan.catalogue()
        kinds = {getattr(one, _AXES.get(axis, "id")): one.is_fraction for one in items}
        asked = set(map(kinds.get, source.get("indicator", pd.Series()).astype(str)))
        common = asked.pop() if len(asked) == 1 else None
        bars = {column: Scale(kinds.get(str(column), common)) for column in made.columns}
        made.attrs["look"] = replace(look, bars=bars)
    return made


def _look_of(frame: Any) -> Presentation | None:
    return getattr(frame, "attrs", {}).get("look")


def _naming(name: str, kind: Any = pd.DataFrame) -> Callable[..., Any]:
    """Return a method of pandas that refuses a name which is not there with the nearest that is."""
    method, looks_up = getattr(kind, name), name in ("query", "eval")

    @wraps(method)
    def ask(self: Any, *given: Any, **named: Any) -> Any:
        if looks_up:  # @names are looked up where it is called: one step further
            named["level"] = named.get("level", 0) + 1
        try:
            return method(self, *given, **named)
        except UnknownNameError:
            raise
        except (KeyError, UndefinedVariableError) as refusal:
            problems = _explain(refusal, getattr(self, "obj", self), with_rows=kind is _LOC)
            if not problems:
                raise
            raise UnknownNameError(problems) from None

    return ask


def _explain(refusal: Exception, frame: pd.DataFrame, *, with_rows: bool) -> Iterable[Problem]:
    """Say what pandas did not find; nothing where that is no name."""
    told = _ROLE.sub("", str(refusal))
    names = {*map(str, frame.columns), *map(str, frame.index.names)}
    wrong = [one for one in _QUOTED.findall(told) if one not in names]
    if not wrong:
        return []
    if told.startswith("local variable"):
        message = "chưa đặt biến này; dấu @ lấy một biến đã đặt ở ô trên"
        return [error(message, code="unknown_name", column="@", value=wrong[0])]
    text = "; chữ để so phải nằm trong ngoặc kép" if told.startswith("name ") else ""
    found = _not_there(wrong[0], frame, with_rows=with_rows)
    return [replace(one, message=one.message + text) for one in found]


def _not_there(name: str, frame: pd.DataFrame, *, with_rows: bool = False) -> Sequence[Problem]:
    """Return the refusal of a column (or row) that is not there, with the nearest that is.

    A column may be meant by the heading under which it is shown.
    """
    look, names = _look_of(frame), [*frame.columns, *filter(None, frame.index.names)]
    kind, shown = "cột", {str(one): heading(one, look) for one in names} if look else {}
    if with_rows:
        kind = "dòng hay cột"
        levels = [frame.index.get_level_values(n) for n in range(frame.index.nlevels)]
        names += [key for level in levels if not is_numeric_dtype(level) for key in level.unique()]
    try:
        meant = choose(kind, name, {str(one): str(one) for one in names}, shown)
    except InputError as unknown:
        return unknown.problems
    message = f"không có {kind} này; ý anh/chị là {meant}?"
    return [error(message, code="unknown_name", column=kind, value=name)]


class _Groups(DataFrameGroupBy):  # type: ignore[misc]
    """Groups of an answer's rows: what is asked of them is refused as what is asked of it."""

    __getitem__, agg, aggregate = (
        _naming(name, DataFrameGroupBy) for name in ("__getitem__", "agg", "aggregate")
    )


class _Places(_LOC):  # type: ignore[misc]
    """What of an answer is taken by the names of rows and columns."""

    __getitem__ = _naming("__getitem__", _LOC)


class Answer(_Looked, pd.DataFrame):  # type: ignore[misc]
    """A tidy frame that shows itself with Vietnamese headings, by ``attrs["look"]``.

    It is a DataFrame in every other way: filter, group, plot and save it as any.

    Examples
    --------
    >>> from analysis import load
    >>> rows = load(2024).results(year=2024, scope="district")
    >>> isinstance(rows, pd.DataFrame), "Chỉ tiêu" in rows._repr_html_()
    (True, True)
    """

    __getitem__, query, eval, sort_values, set_index, drop, agg, aggregate = map(
        _naming,
        ("__getitem__", "query", "eval", "sort_values", "set_index", "drop", "agg", "aggregate"),
    )
    merge, dropna, drop_duplicates = map(_naming, ("merge", "dropna", "drop_duplicates"))
    _group, _pivot, _pivot_table, _melt = map(_naming, ("groupby", "pivot", "pivot_table", "melt"))

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name.startswith("_"):
                raise
        raise UnknownAttributeError(_not_there(name, self))

    @property
    def loc(self) -> Any:
        """As of any frame."""
        return _Places("loc", self)

    def groupby(self, *given: Any, **named: Any) -> Any:
        """As of any frame."""
        made = self._group(*given, **named)
        made.__class__ = _Groups
        return made

    def melt(self, *given: Any, **named: Any) -> Any:
        """As of any frame; where a column is already called ``value``, the new one is ``figure``."""
        if len(given) < 4 and "value" in self.columns:
            named.setdefault("value_name", "figure")
        return self._melt(*given, **named)

    def pivot(self, **named: Any) -> Any:
        """As of any frame; an indicator's values stay what they are."""
        return _spread(self, self._pivot(**named), named.get("values"))

    def pivot_table(
        self, values: Any = None, index: Any = None, columns: Any = None, aggfunc: Any = "mean",
        **named: Any,
    ) -> Any:  # fmt: skip
        """As of any frame; an indicator's values stay what they are."""
        made = self._pivot_table(values, index, columns, aggfunc, **named)
        return _spread(self, made, values if aggfunc in _ALIKE else None)

    def shown(self) -> pd.DataFrame:
        """Return what a reader sees: headings and texts; for a page or a workbook."""
        look = _look_of(self)
        if look is None:
            return pd.DataFrame(self)
        parts = show(self, look)
        shown = pd.DataFrame({n: part.texts for n, part in enumerate(parts)}, self.index)
        return shown.set_axis([part.heading for part in parts], axis=1)

    def save(self, path: str | Path, sheet: str = "") -> Path:
        """Ghi bảng ra tệp Excel hoặc CSV để gửi, với tên cột tiếng Việt.

        Parameters
        ----------
        path : str or Path
            Ending in ``.xlsx`` (numbers stay numbers, shares in percent, the heading frozen and
            filtered) or ``.csv`` (as it is shown, with a BOM for Excel).
        sheet : str
            The name of the sheet; by default the word for data.

        Raises
        ------
        InputError
            If the ending is another.
        """
        from xlsxwriter.exceptions import FileCreateError

        target = Path(str(path))
        write = {".csv": self._write_csv, ".xlsx": self._write_workbook}.get(target.suffix.lower())
        if write is None:
            message = "đuôi tệp phải là .xlsx hoặc .csv"
            raise InputError([error(message, code="ending", file=target.name)])
        try:
            write(target, sheet)
        except (OSError, FileCreateError) as failure:
            cause = failure if isinstance(failure, OSError) else failure.args[0]
            hint = "; tệp đang mở thì đóng lại" if isinstance(cause, PermissionError) else ""
            message = f"không ghi được: {explain_os(cause)}{hint}"
            raise InputError([error(message, code="not_written", file=str(target))]) from None
        return target

    def _write_csv(self, target: Path, _: str) -> None:
        told = self.shown().map(lambda cell: harmless(cell) if isinstance(cell, str) else cell)
        text = told.to_csv(index=False, lineterminator="\n")
        look = _look_of(self)
        mark = f"{look.mark}\n" if look and look.mark else ""  # as in a workbook
        target.write_text(mark + text, "utf-8-sig", newline="\n")

    def _write_workbook(self, target: Path, sheet: str) -> None:
        from xlsxwriter import Workbook  # only who saves one waits for it

        look = _look_of(self)
        if look is None:
            pd.DataFrame(self).to_excel(target, index=False, engine="xlsxwriter")
            return
        parts = show(self, look)
        options = {"strings_to_formulas": False, "strings_to_urls": False}
        with Workbook(str(target), options) as book:
            name = _NO_SHEET.sub(" ", sheet)[:_LONGEST_SHEET].strip()
            page = book.add_worksheet(name or look.language.told("data"))
            head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
            formats = {text: book.add_format({"num_format": text}) for text in _FORMATS.values()}
            first = 0
            if look.mark:
                page.write_string(0, 0, look.mark)
                first = 1
            for column, part in enumerate(parts):
                texts = part.texts
                page.write_string(first, column, part.heading, head)
                longest = max(map(len, texts), default=0)
                page.set_column(column, column, min(max(longest, 9) + 2, 60))
                for row, (cell, bar, text) in enumerate(
                    zip(part.cells, part.bars, texts, strict=True), first + 1
                ):
                    kind = number_kind(part.name, cell, bar)
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
            return f"<p>{escape(look.nothing)}</p>"
        parts = show(self.iloc[:MOST_SHOWN], look)
        # JupyterLab sets every cell to the right, which is for numbers alone, squeezes a long text to
        # a word a line where a table is wide, and leaves no room between columns among controls.
        columns = [part.texts for part in parts]
        styles = [
            f"padding:.3em .5em;text-align:{'right' if part.is_number else 'left'};"
            + ("min-width:16em" if max(map(len, texts)) > _SHORT else "white-space:nowrap")
            for part, texts in zip(parts, columns, strict=True)
        ]
        lines = [
            "".join(
                f'<{tag} style="{style}{wrap}">{escape(cell)}</{tag}>'
                for style, cell in zip(styles, line, strict=True)
            )
            for tag, wrap, line in [
                ("th", ";white-space:normal", [part.heading for part in parts]),
                *(("td", "", row) for row in zip(*columns, strict=True)),
            ]
        ]
        head, *rows = (f"<tr>{line}</tr>" for line in lines)
        table = (
            '<div style="overflow-x:auto;line-height:1.4"><table class="dataframe">'
            f"<thead>{head}</thead><tbody>{''.join(rows)}</tbody></table></div>"
        )
        count = look.language.told(
            "first_rows" if len(self) > MOST_SHOWN else "rows", len(self), MOST_SHOWN
        )
        return f"{table}<p style='white-space:normal'>{'. '.join(filter(None, [count, look.mark]))}.</p>"


class PlainAnswer(Answer):
    """An answer whose columns are pandas' own: programs compare them with those of other tables."""

    @property
    def _constructor(self) -> Callable[..., Any]:
        return partial(_make, PlainAnswer, self)

    @property
    def _constructor_sliced(self) -> Any:
        return pd.Series


class AnswerColumn(_Looked, pd.Series):  # type: ignore[misc]
    """A column or a row of an answer, shown and saved as the answer is."""

    def _framed(self) -> Answer:
        look = _look_of(self)
        if look and set(self.index) <= look.language.words["column"].keys():  # a row
            row: Answer = self.to_frame(0).T
            return row
        column: Answer = self.to_frame("" if self.name is None else self.name)
        return column

    def shown(self) -> pd.DataFrame:
        """Return what a reader sees; see `Answer.shown`."""
        return self._framed().shown()

    def save(self, path: str | Path, sheet: str = "") -> Path:
        """Ghi cột (hay dòng) này ra tệp Excel hoặc CSV; xem ``Answer.save``."""
        return self._framed().save(path, sheet)

    def _repr_html_(self) -> str | None:
        return None if _look_of(self) is None else self._framed()._repr_html_()


# How a cell and its heading are shown --------------------------------------------------------------


class Scale(NamedTuple):
    """Whether a figure is a share (None where nobody can tell), and the bar that it must not touch."""

    is_share: bool | None
    target: Target | None = None


#: Of a column of values whose rows tell what they are.
_ANY = Scale(None)


@dataclass(frozen=True)
class Presentation:
    """By what an answer is shown; the plan tells which figures are shares, and of what bar."""

    language: Language
    plan: Plan
    #: Why there are no rows.
    nothing: str
    #: What every table and figure of it says: illustrative, assumed.
    mark: str
    #: Headings of its own.
    labels: Mapping[str, str]
    #: Whether its figures are assumed: then no page shows it.
    is_assumed: bool
    #: What its values are where no column tells their indicator; None if both occur.
    is_share: bool | None
    #: The columns that are themselves values of an indicator, as a board's.
    bars: Mapping[str, Scale]

    def __deepcopy__(self, memo: Any) -> Presentation:
        """Return itself: pandas copies ``attrs`` deeply with every column that is taken."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave it behind when an answer is pickled: what is read again is plain pandas."""
        return type(None), ()


class ShownColumn(NamedTuple):
    """One column as it is shown; ``texts`` are its cells as a reader sees them."""

    name: str
    heading: str
    cells: list[Any]
    bars: list[Scale]
    is_number: bool
    texts: list[str]


def show(frame: pd.DataFrame, look: Presentation) -> list[ShownColumn]:
    """Return what is shown side by side: the index where it says something, then the columns."""
    levels = [frame.index.get_level_values(n) for n in range(frame.index.nlevels)]
    if not any(frame.index.names) and all(map(is_numeric_dtype, levels)):
        levels = []
    columns = [(level.name or "", level) for level in levels]
    columns += [(name, frame.iloc[:, n]) for n, name in enumerate(frame.columns)]
    cells = [column.tolist() for _, column in columns]
    bars = _bars(dict(zip((name for name, _ in columns), cells, strict=True)), len(frame), look)
    shown = []
    for (column, values), found in zip(columns, cells, strict=True):
        is_known = look.bars.get(column, _ANY).is_share is not None
        own, name = [look.bars[column]] * len(frame) if is_known else bars, str(column)
        if column in look.bars:
            name = "value"
        texts = [_text(name, *pair, look.language) for pair in zip(found, own, strict=True)]
        head = heading(column, look, frame.columns.names)
        shown.append(ShownColumn(name, head, found, own, is_numeric_dtype(values), texts))
    return shown


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
    numbers, target = language.numbers, bar.target if name in VALUES else None
    if target is not None and target.holds is not None:
        return language.word("answer", "yes" if cell else "no")
    if target is not None and isinstance(target.at_least, str):
        return _grades(language)[dictionary().ranked["grade"][int(cell)]]
    exact = Fraction(repr(float(cell))) if isinstance(cell, float) else cell
    if name in _CHANGES and bar.is_share is not None:
        # What is lost beyond them must not decide which way a tie is rounded: pages know it exactly.
        sure = Fraction(repr(round(float(cell), _SURE_DIGITS)))
        size = round_half_up(sure, _CHANGE_DIGITS)
        sign = "+" if size > 0 else "−" if size < 0 else ""
        unit = " " + language.ui("points") if bar.is_share else ""
        return sign + (numbers.points if bar.is_share else numbers.difference)(size) + unit
    kind = number_kind(name, cell, bar)
    if kind == "share":
        return numbers.percent(exact, target)
    if kind == "year":
        return f"{cell:g}"
    if kind == "count":
        return numbers.count(exact)
    is_own = name not in language.words["column"] or (name in VALUES and bar.is_share is None)
    return numbers.decimal(exact, _OWN_DIGITS) if is_own else numbers.mean(exact, target)


def _word(name: str, cell: str, bar: Scale, language: Language) -> str:
    words = language.words
    if name == "target":
        return _target(cell, bar, language)
    if name in _TEXTS:
        return cell
    if name in _WORDS:  # a state is called as a verdict is, and means something else
        known = words[_WORDS[name]]
        return "; ".join(str(known.get(one, one)) for one in cell.split(";"))
    if cell in words["verdict"]:
        return f"{words['verdict_sign'][cell]} {words['verdict'][cell]}"
    if name == "unit_type":
        with suppress(KeyError):  # an analyst's own
            return language.dictionary_word("unit_type", cell)
    return cell


def _target(cell: str, bar: Scale, language: Language) -> str:
    asked = _TARGET.fullmatch(cell)
    if asked is None:  # of a fact, a grade, or from … to …
        _, sign, word = cell.rpartition(">=")
        known = language.words["answer"] | _grades(language)
        return f"{'≥ ' if sign else ''}{known.get(word, word)}".replace("..", "–")
    sign, level, by = asked.groups()
    is_count, exact = bar.is_share is False, Fraction(level)
    shown = _text("", float(exact), bar, language) if is_count else language.numbers.level(exact)
    return f"{sign.replace('>=', '≥')} {shown}" + (f" ({by})" if by else "")


def number_kind(name: str, cell: Any, bar: Scale) -> str:
    """Return how a workbook shows a cell as a number; empty for what is written as text."""
    if not _is_finite(cell):
        return ""
    # What is counted of shares is none.
    is_value = name in (*VALUES, *_CHANGES) and not isinstance(cell, int)
    if name in _SHARES or (is_value and bar.is_share):
        return "share"
    if name.endswith("year"):
        return "year"
    return "count" if cell == int(cell) else "decimal"


def _grades(language: Language) -> dict[str, str]:
    ranked = dictionary().ranked["grade"]
    return {word: language.dictionary_word("grade", word) for word in ranked}


def _is_finite(cell: Any) -> bool:
    return not isinstance(cell, bool) and isinstance(cell, Real) and isfinite(cell)
