"""A frame that answers a question: plain pandas to work with, an office's table to look at."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial, wraps
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd
from pandas.api.typing import DataFrameGroupBy
from pandas.errors import UndefinedVariableError

from analysis.exploring.cells import VALUES, Presentation, Scale, heading, number_kind, show
from analysis.exploring.names import choose
from analysis.problems import InputError, Problem, error, explain_os
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
_ROLE = re.compile(r"^\W*The following '[a-z]+' labels")
_QUOTED = re.compile(r"'(?:Column not found: )?([^']*)'")


class UnknownColumnError(InputError, KeyError, UndefinedVariableError):  # type: ignore[misc]
    """A column that an answer does not have; pandas itself counts on the errors that it is, too."""

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


def _naming(name: str, kind: type = pd.DataFrame) -> Callable[..., Any]:
    """Return a method of pandas that refuses a column which is not there with the nearest that is."""
    method = getattr(kind, name)

    @wraps(method)
    def ask(self: Any, *given: Any, **named: Any) -> Any:
        if name in ("query", "eval"):  # they look up @names where they are called: one step further
            named["level"] = named.get("level", 0) + 1
        try:
            return method(self, *given, **named)
        except (KeyError, UndefinedVariableError) as refusal:
            frame = self.obj if isinstance(self, DataFrameGroupBy) else self
            if isinstance(refusal, UnknownColumnError) and name in ("query", "eval"):
                raise
            if isinstance(refusal, UnknownColumnError):  # pandas asked a part of it
                told, asked = "", [problem.value for problem in refusal.problems]
            else:
                told = _ROLE.sub("", str(refusal))
                asked = _QUOTED.findall(told)
            names = {*map(str, frame.columns), *map(str, frame.index.names)}
            wrong = [one for one in asked if one not in names]
            if told.startswith("local variable"):
                message = "chưa đặt biến này; dấu @ lấy một biến đã đặt ở ô trên"
                raise UnknownColumnError(
                    [error(message, code="unknown_name", column="@", value=wrong[0])]
                ) from None
            if not wrong:
                raise
            text = "; chữ để so phải nằm trong ngoặc kép" if told.startswith("name ") else ""
            raise UnknownColumnError(
                replace(one, message=one.message + text) for one in _not_there(wrong[0], frame)
            ) from None

    return ask


def _not_there(name: str, frame: pd.DataFrame) -> Sequence[Problem]:
    """Return the refusal of a column that is not there, with the nearest that is.

    A column may be meant by the heading under which it is shown.
    """
    look, names = _look_of(frame), [*frame.columns, *filter(None, frame.index.names)]
    known = {str(one): str(one) for one in names}
    shown = {str(one): heading(one, look) for one in names} if look else {}
    try:
        meant = choose("cột", name, known, shown)
    except InputError as unknown:
        return unknown.problems
    message = f"không có cột này; ý anh/chị là {meant}?"
    return [error(message, code="unknown_name", column="cột", value=name)]


class _Groups(DataFrameGroupBy):  # type: ignore[misc]
    """Groups of an answer's rows: what is asked of them is refused as what is asked of it."""

    __getitem__, agg, aggregate = (
        _naming(name, DataFrameGroupBy) for name in ("__getitem__", "agg", "aggregate")
    )


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
        shown = pd.DataFrame({n: part.texts(look) for n, part in enumerate(parts)}, self.index)
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
                texts = part.texts(look)
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
        columns = [part.texts(look) for part in parts]
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


class Table(Answer):
    """An answer whose columns are pandas' own: programs compare them with those of other tables."""

    @property
    def _constructor(self) -> Callable[..., Any]:
        return partial(_make, Table, self)

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
