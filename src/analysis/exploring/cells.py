"""How a cell and its heading are shown: a share in percent, a verdict with its sign, a date as dates are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import zip_longest
from math import isfinite
from numbers import Real
from typing import Any, NamedTuple

import pandas as pd
from pandas.api.types import is_numeric_dtype as _is_number
from pandas.api.types import is_scalar

from analysis.exact import round_half_up
from analysis.language import Language
from analysis.plan import Plan, Target
from analysis.tables.dictionary import dictionary

#: Columns whose numbers are the indicator's own: a share is shown in percent, a change in points.
VALUES = ("value", "lower", "upper", "breakeven", "before", "now")
_CHANGES = ("change", "difference")
#: A change is shown to a tenth of a point.
_CHANGE_DIGITS = 3
_SHARES = ("share_of_gap", "rate", "on_time_rate")
#: An analyst's own figures may be shares.
_OWN_DIGITS = 3
_TARGET = re.compile(r"(>=?)([\d.]+)(?:@(\d+))?")
_TEXTS = ("name", "title", "value_text", "reason")
#: Columns whose words the language has, with the group that they stand in.
_WORDS = {"scope": "scope", "state": "task_state", "trajectory": "trajectory", "flags": "flag"}


class Scale(NamedTuple):
    """Whether a figure is a share (None where nobody can tell), and the bar that it must not touch."""

    is_share: bool | None
    target: Target | None = None


#: Of a column of values whose rows tell what they are.
_ANY = Scale(None)


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


class ShownColumn(NamedTuple):
    """One column as it is shown."""

    name: str
    heading: str
    cells: list[Any]
    bars: list[Scale]
    is_number: bool

    def texts(self, look: Presentation) -> list[str]:
        """Return its cells as a reader sees them."""
        pairs = zip(self.cells, self.bars, strict=True)
        return [_text(self.name, cell, bar, look.language) for cell, bar in pairs]


def show(frame: pd.DataFrame, look: Presentation) -> list[ShownColumn]:
    """Return what is shown side by side: the index where it says something, then the columns."""
    levels = [frame.index.get_level_values(n) for n in range(frame.index.nlevels)]
    if not any(frame.index.names) and all(map(_is_number, levels)):
        levels = []
    columns = [(level.name or "", level) for level in levels]
    columns += [(name, frame.iloc[:, n]) for n, name in enumerate(frame.columns)]
    cells = [column.tolist() for _, column in columns]
    bars = _bars(dict(zip((name for name, _ in columns), cells, strict=True)), len(frame), look)
    return [
        ShownColumn(
            "value" if name in look.bars else str(name),
            heading(name, look, frame.columns.names),
            found,
            [look.bars[name]] * len(frame)
            if look.bars.get(name, _ANY).is_share is not None
            else bars,
            _is_number(column),
        )
        for (name, column), found in zip(columns, cells, strict=True)
    ]


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
    if _is_word(name, bar):
        return _fact(int(cell), bar.target, language)
    numbers, exact = (
        language.numbers,
        Fraction(repr(float(cell))) if isinstance(cell, float) else cell,
    )
    kind, target = number_kind(name, cell, bar), bar.target if name in VALUES else None
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
    is_own = name not in language.words["column"] or (name in VALUES and bar.is_share is None)
    return numbers.decimal(exact, _OWN_DIGITS) if is_own else numbers.mean(exact, target)


def _word(name: str, cell: str, bar: Scale, language: Language) -> str:
    words = language.words
    asked = _TARGET.fullmatch(cell) if name == "target" else None
    if name == "target" and not asked:  # of a fact, a grade, or from … to …
        _, sign, word = cell.rpartition(">=")
        known = words["answer"] | _grades(language)
        return f"{'≥ ' if sign else ''}{known.get(word, word)}".replace("..", "–")
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
    known = words[_WORDS[name]] if name in _WORDS else {}
    if known:  # a state is called as a verdict is, and means something else
        return "; ".join(str(known.get(one, one)) for one in cell.split(";"))
    if cell in words["verdict"]:
        return f"{words['verdict_sign'][cell]} {words['verdict'][cell]}"
    if name == "unit_type":
        with suppress(KeyError):  # an analyst's own
            return language.dictionary_word("unit_type", cell)
    return cell


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


def _is_word(name: str, bar: Scale) -> bool:
    """Tell whether a number stands for a word: of a fact, or of a grade."""
    target = bar.target if name in VALUES else None
    return target is not None and (target.holds is not None or isinstance(target.at_least, str))


def _fact(rank: int, target: Target | None, language: Language) -> str:
    if target is not None and target.holds is not None:
        return language.word("answer", "yes" if rank else "no")
    return _grades(language)[dictionary().ranked["grade"][rank]]


def _grades(language: Language) -> dict[str, str]:
    ranked = dictionary().ranked["grade"]
    return {word: language.dictionary_word("grade", word) for word in ranked}


def _is_finite(cell: Any) -> bool:
    return not isinstance(cell, bool) and isinstance(cell, Real) and isfinite(cell)
