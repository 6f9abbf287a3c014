"""What is drawn: each function takes a tidy frame and returns one figure with fixed margins.

Reports make these frames from findings; an analyst may take them from the indicator table. Columns
that are not there are not drawn, but for those that a chart is made of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import groupby
from textwrap import wrap
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from analysis.figures.style import (
    MARKS,
    PANEL,
    SMALL,
    TEXT,
    WIDTH,
    Mark,
    add_axes,
    colour,
    new_figure,
)
from analysis.language import Language, load_language
from analysis.params import find_root
from analysis.plan import Target
from analysis.problems import InputError, error

_ROW = 41.0
# A dot is as wide in points; those of one value are together no higher than this part of a row.
_DOT, _DOTS_HEIGHT = 2.6, 0.34
_TASK_ROW = 38.0
_SIDE = 6.0
_AXIS = 22.0
_PANEL_HEIGHT = 112.0
#: Columns that a chart uses where they are there.
_OPTIONAL = ("text", "target", "lower", "upper", "numerator", "denominator")
#: The colour and the pattern of each part of a bar, from the left.
_LOOKS = {
    "done": ("met", ""),
    "open": ("band", ""),
    "late": ("not_met", "////"),
    "silent": ("tint", ".."),
}
# A narrower part has its count in the line above the bar alone.
_FEWEST_POINTS = 20


def rates(frame: pd.DataFrame, *, label: str = "label", language: Language | None = None) -> Figure:
    """Draw rates against their targets, a row each, with bounds where figures are missing.

    Parameters
    ----------
    frame : DataFrame
        ``value`` (a share as 0.78); if there: ``target`` (a share, or as the indicator table has
        it: ``>=0.8``), ``lower`` and ``upper``, ``verdict``, ``text`` (else the value is written),
        ``numerator`` and ``denominator``.
    label : str
        The column with what each row is called.
    language : Language, optional
        Writes the numbers; Vietnamese by default.

    Examples
    --------
    >>> frame = pd.DataFrame({"label": ["Khe Sanh"], "value": [0.78], "target": [0.75]})
    >>> rates(frame).get_label()
    'Biểu đồ: Khe Sanh 78,0%, mức 75%.'
    """
    language = language or load_language("vi", find_root())
    rows = _read(frame, label, ("value",), language)
    figure, axes = _rows(len(rows))
    top = float(max([Fraction(1), *(row.value for row in rows)]))
    is_common = len({row.target for row in rows}) == 1  # then it is written once
    for place, row in enumerate(rows):
        y = -place
        _label_row(axes, y, row.label, row.text, top)
        axes.plot([0, top], [y, y], color=colour("line"), lw=0.8, zorder=1)
        if row.lower is not None and row.upper is not None and row.lower < row.upper:
            ends = [float(row.lower), min(float(row.upper), top)]
            axes.plot(ends, [y, y], color=colour("band"), lw=7, solid_capstyle="butt", zorder=1)
        if row.target is not None:
            level = "" if place and is_common else language.numbers.level(row.target)
            _draw_bar(axes, float(row.target), y, top, level)
        _draw_mark(axes, float(row.value), y, MARKS[row.verdict])
    _percent_axis(axes, top, language)
    mark, told = language.ui("level_mark"), [f"{row.label} {row.text}" for row in rows]
    for place, row in enumerate(rows):
        if row.target is not None:
            told[place] += f", {mark} {language.numbers.level(row.target)}"
    return _described(figure, language, told)


def peers(frame: pd.DataFrame, *, label: str = "label", language: Language | None = None) -> Figure:
    """Draw one unit among all others: a dot each behind the middle half, a row for each rate.

    Parameters
    ----------
    frame : DataFrame
        ``value`` of everybody, one row each, or one for ``count`` of the others with one value;
        ``is_marked`` for the unit itself. On the marked row, if there: ``verdict``, ``text``, and
        ``lower_quartile``, ``median`` and ``upper_quartile`` of the others (computed otherwise).
    label, language
        As for `rates`; rows with one label are drawn on one line.

    Examples
    --------
    >>> values = {"value": [0.2, 0.4, 0.6, 0.8], "is_marked": [False, True, False, False]}
    >>> peers(pd.DataFrame({"label": "Được tuyên truyền", **values})).get_label()
    'Biểu đồ: Được tuyên truyền 40,0%, trung vị 60,0%.'
    """
    language = language or load_language("vi", find_root())
    rows = _read(frame, label, ("value", "is_marked"), language)
    lines = {name: [row for row in rows if row.label == name] for name in _names(rows)}
    figure, axes = _rows(len(lines))
    top, told = float(max([Fraction(1), *(row.value for row in rows)])), []
    for place, (name, group) in enumerate(lines.items()):
        y, others = -place, Counter[float]()
        for row in (row for row in group if not row.is_marked):
            others[float(row.value)] += int(getattr(row, "count", 1))
        marked = next((row for row in group if row.is_marked), None)
        axes.plot([0, top], [y, y], color=colour("line"), lw=0.8, zorder=1)
        quartiles = _quartiles(marked, list(others.elements()))
        if quartiles:
            ends = [float(quartiles[0]), float(quartiles[2])]
            axes.plot(ends, [y, y], color=colour("band"), lw=13, solid_capstyle="butt", zorder=1)
            middle = float(quartiles[1])
            axes.plot([middle, middle], [y - 0.2, y + 0.2], color=colour("ink"), lw=1.4, zorder=2)
        _draw_dots(axes, others, y)
        text = marked.text if marked is not None else ""
        _label_row(axes, y, name, text, top)
        if marked is not None:
            _draw_mark(axes, float(marked.value), y, MARKS[marked.verdict])
        median = language.numbers.percent(quartiles[1]) if quartiles else ""
        told.append(
            f"{name} {text}" + (f", {language.ui('median').lower()} {median}" if median else "")
        )
    _percent_axis(axes, top, language)
    return _described(figure, language, told)


def trends(
    frame: pd.DataFrame,
    *,
    label: str = "label",
    columns: int = 1,
    language: Language | None = None,
) -> Figure:
    """Draw small charts of rates by year, all on one scale, each year with its own verdict.

    Parameters
    ----------
    frame : DataFrame
        ``year`` and ``value``; if there: ``verdict``, ``target`` (of that year), ``of`` (who; the
        first is bold, others pale), ``is_break`` (other units are in it from this year: the line
        is broken there and the place marked), ``text``.
    label, language
        As for `rates`; one small chart for each label.
    columns : int
        How many stand side by side.

    Examples
    --------
    >>> frame = pd.DataFrame({"label": "Thu kinh phí", "year": [2023, 2024], "value": [0.9, 0.953]})
    >>> trends(frame).get_label()
    'Biểu đồ: Thu kinh phí: 2023 90,0%, 2024 95,3%.'
    """
    language = language or load_language("vi", find_root())
    rows = _read(frame, label, ("year", "value"), language)
    names = _names(rows)
    years = sorted({row.year for row in rows})
    columns = min(columns, len(names))
    lines = -(-len(names) // columns)
    figure = new_figure(_PANEL_HEIGHT * lines, PANEL * columns)
    top = float(max([Fraction(1), *(row.value for row in rows)]))
    levels = [language.numbers.level(row.target) for row in rows if row.target is not None]
    margins = (
        max(_width(text, SMALL) + 8 for text in ("100%", *levels)),
        max(_width(row.text, SMALL, "bold") + 8 for row in rows),
    )
    for place, name in enumerate(names):
        left = PANEL * (place % columns)
        bottom = _PANEL_HEIGHT * (lines - 1 - place // columns)
        axes = add_axes(
            figure, left + margins[0], bottom + 18, PANEL - sum(margins), _PANEL_HEIGHT - 52
        )
        _draw_trend(axes, [row for row in rows if row.label == name], years, top, language)
        title = "\n".join(wrap(name, 25)[:2])
        x, y = (
            (left + 4) / (PANEL * columns),
            (bottom + _PANEL_HEIGHT - 2) / (figure.get_figheight() * 72),
        )
        figure.text(x, y, title, fontsize=SMALL, fontweight="bold", color=colour("ink"), va="top",
                    linespacing=1.1)  # fmt: skip
    told = [
        f"{name}: " + ", ".join(f"{row.year} {row.text}" for row in rows if row.label == name)
        for name in names
    ]
    return _described(figure, language, told)


def path(frame: pd.DataFrame, *, language: Language | None = None) -> Figure:
    """Draw yearly values with their bounds against a planned path, every planned level written.

    Years stand side by side however far apart they are, so that the known ones have room.

    Parameters
    ----------
    frame : DataFrame
        ``year``, ``value`` and ``planned`` (either may be empty); if there: ``lower`` and
        ``upper``, ``verdict``, ``text``.
    language : Language, optional
        As for `rates`.

    Examples
    --------
    >>> frame = pd.DataFrame({"year": [2023, 2030], "value": [0.6, None], "planned": [0.6, 0.85]})
    >>> path(frame).get_label()
    'Biểu đồ: 2023 60,0%; 2030 85%.'
    """
    language = language or load_language("vi", find_root())
    rows = sorted(_read(frame, "year", ("value", "planned"), language), key=lambda row: row.year)
    height = 190.0
    figure = new_figure(height)
    axes = add_axes(figure, 38, _AXIS, WIDTH - 38 - 30, height - _AXIS - 20)
    lowest = min(
        float(number) for row in rows for number in (row.value, row.lower, row.planned)
        if number is not None
    )  # fmt: skip
    base = max(int((lowest - 0.1) * 10) / 10, 0)
    axes.set_ylim(base, 1.06)
    axes.set_xlim(-0.5, len(rows) - 0.5)
    planned = _draw_path(axes, rows, language)
    for place, row in enumerate(rows):
        if row.value is None:
            continue
        if row.lower is not None and row.upper is not None:
            ends = [float(row.lower), float(row.upper)]
            axes.plot([place] * 2, ends, color=colour("band"), lw=6, solid_capstyle="butt")
        _draw_mark(axes, place, float(row.value), MARKS[row.verdict])
        # Away from the path, but not onto the years' labels.
        is_low = float(row.value) < planned.get(row.year, 0) and float(row.value) - base > 0.12
        at = (place, float(row.value))
        _note(axes, row.text, at, (0, -12 if is_low else 11), weight="bold", ha="center")
    axes.set_xticks(range(len(rows)), [str(row.year) for row in rows])
    ticks = [t / 10 for t in range(0, 11, 2) if t / 10 >= base]
    axes.set_yticks(ticks, [language.numbers.level(Fraction(round(t * 10), 10)) for t in ticks])
    axes.grid(axis="y", color=colour("line"), lw=0.5)
    outside: dict[str, Any] = {"transform": axes.transAxes, "ha": "right", "fontsize": SMALL}
    _write(axes, -0.02, 1.08, language.ui("rate_axis"), "muted", **outside)
    _write(axes, -0.02, -0.1, language.ui("year"), "muted", **outside)
    level = language.numbers.level
    told = [
        f"{row.year} {row.text if row.value is not None else level(row.planned)}"
        for row in rows
        if row.value is not None or row.planned is not None
    ]
    return _described(figure, language, told)


def _read(
    frame: pd.DataFrame, label: str, needed: Sequence[str], language: Language
) -> list[SimpleNamespace]:
    """Return a frame's rows with exact numbers; what a chart cannot draw is left out or refused."""
    absent = [name for name in (label, *needed) if name not in frame]
    if absent:
        message = f"bảng để vẽ thiếu cột này; bảng có: {', '.join(map(str, frame.columns))}"
        raise InputError(error(message, code="no_column", column=name) for name in absent)
    rows = []
    for record in frame.to_dict("records"):
        row = SimpleNamespace(**{str(key): value for key, value in record.items()})
        row.label = str(record[label])
        for name in (*_OPTIONAL, *(n for n in needed if n not in ("year", "is_marked"))):
            cell = record.get(name)
            setattr(row, name, cell if name == "text" else _exact(cell))
        if row.numerator is not None and row.denominator and "value" in needed:
            row.value = row.numerator / row.denominator
        row.verdict = str(record.get("verdict") or "no_target")
        row.verdict = row.verdict if row.verdict in MARKS else "no_target"
        if "planned" not in needed and any(getattr(row, name) is None for name in needed):
            continue
        if not isinstance(row.text, str) and "value" in needed and row.value is not None:
            bar = None if row.target is None else Target(at_least=row.target)
            row.text = language.numbers.percent(row.value, bar)
        rows.append(row)
    if not rows:
        message = "bảng để vẽ không có dòng nào có số liệu"
        raise InputError([error(message, code="nothing_to_draw")])
    return rows


def _exact(cell: Any) -> Fraction | None:
    """Return a cell's number; a bar as the indicator table writes it (``>=0.8@2025``) too."""
    if isinstance(cell, str):
        cell = cell.lstrip("<>=").partition("..")[0].partition("@")[0]
        cell = cell if cell.replace(".", "", 1).isdecimal() else None  # of a fact: ``yes``
    if cell is None or pd.isna(cell):
        return None
    return Fraction(cell) if isinstance(cell, Fraction | int | str) else Fraction(repr(float(cell)))


def _names(rows: Iterable[SimpleNamespace]) -> list[str]:
    return list(dict.fromkeys(row.label for row in rows))


def _described(figure: Figure, language: Language, items: Sequence[str]) -> Figure:
    """Give a figure the text that a screen reader reads instead of it."""
    figure.set_label(f"{language.ui('chart')}: {'; '.join(items)}.")
    return figure


def _draw_trend(
    axes: Axes, rows: list[SimpleNamespace], years: Sequence[int], top: float, language: Language
) -> None:
    """Draw one small chart: the bar of each year, the pale lines, the bold one with its marks."""
    axes.set_ylim(0, top * 1.04)
    axes.set_xlim(years[0] - 0.3, years[-1] + 0.3)
    ends = sorted({years[0], years[-1]})
    axes.set_xticks(ends, [str(year) for year in ends])
    # Between the years' labels.
    title, span = language.ui("year"), years[-1] - years[0]
    apart = float(axes.bbox.width) * span / (span + 0.6)  # points: a figure has 72 dots an inch
    if _width(title, SMALL) + _width(str(years[0]), SMALL) + 6 < apart:
        axes.set_xlabel(title, fontsize=SMALL, color=colour("muted"), labelpad=-SMALL)
    levels = {row.year: row.target for row in rows if row.target is not None}
    for year, level in levels.items():
        axes.plot([year - 0.5, year + 0.5], [float(level)] * 2, color=colour("ink"), lw=0.9,
                  ls=(0, (4, 2)))  # fmt: skip
    marks = {Fraction(0), Fraction(1)}
    if levels:
        last = levels[max(levels)]
        marks = {mark for mark in marks if abs(mark - last) > Fraction(1, 5)} | {last}
    ticks = sorted(marks)
    axes.set_yticks([float(t) for t in ticks], [language.numbers.level(t) for t in ticks])
    axes.plot([years[0] - 0.3, years[-1] + 0.3], [0, 0], color=colour("line"), lw=0.8)
    series = {who: list(group) for who, group in groupby(rows, lambda row: getattr(row, "of", ""))}
    breaks = {row.year for row in rows if getattr(row, "is_break", False) is True}
    for year in breaks - {years[0]}:
        axes.axvline(year - 0.5, color=colour("muted"), lw=1, ls=(0, (1, 2)))
    for number, group in reversed(list(enumerate(series.values()))):
        role, width = ("muted", 1.2) if number else ("no_target", 1.8)
        values = {row.year: float(row.value) for row in group}
        stops = breaks if number or len(series) == 1 else set()
        _draw_line(axes, values, stops, role, width)
        for row in group:
            if number:
                axes.plot(row.year, float(row.value), color=colour(role), marker="o", ms=2.4)
            else:
                _draw_mark(axes, row.year, float(row.value), MARKS[row.verdict], 6)
    last_rows = [group[-1] for group in series.values()]
    heights = _apart([float(row.value) for row in last_rows], top * 0.2)
    for number, (row, height) in enumerate(zip(last_rows, heights, strict=True)):
        axes.annotate(
            row.text, (1, height), (5, 0), xycoords=("axes fraction", "data"),
            textcoords="offset points", ha="left", va="center", fontsize=SMALL,
            fontweight="normal" if number else "bold", color=colour("muted" if number else "ink"),
        )  # fmt: skip


def _draw_line(
    axes: Axes, values: dict[int, float], breaks: set[int], role: str, width: float
) -> None:
    """Draw a line broken where a year has no value and before years with other units."""
    xs: list[float] = []
    for year in range(min(values), max(values) + 1):
        xs += [year - 0.5, year] if year in breaks else [year]
    known = {float(year): value for year, value in values.items()}
    axes.plot(xs, [known.get(x, float("nan")) for x in xs], color=colour(role), lw=width)


def _apart(heights: list[float], least: float) -> list[float]:
    """Move two labels apart where they would touch."""
    if len(heights) != 2 or abs(heights[0] - heights[1]) >= least:
        return heights
    middle, sign = sum(heights) / 2, 1 if heights[0] >= heights[1] else -1
    return [middle + sign * least / 2, middle - sign * least / 2]


def _draw_path(axes: Axes, rows: list[SimpleNamespace], language: Language) -> dict[int, float]:
    """Draw the planned path with each level, on the other side of that year's own value."""
    knots = [(row.year, row.planned) for row in rows if row.planned is not None]
    if not knots:
        return {}
    years = [row.year for row in rows]
    inside = [year for year in years if knots[0][0] <= year <= knots[-1][0]]
    levels = np.interp(inside, [year for year, _ in knots], [float(level) for _, level in knots])
    places = [years.index(year) for year in inside]
    axes.plot(places, levels, color=colour("muted"), lw=1.2, ls=(0, (5, 3)))
    for place, row in enumerate(rows):
        if row.planned is None:
            continue
        axes.plot(place, float(row.planned), marker="_", ms=14, mew=1.6, color=colour("ink"))
        is_measured = row.planned.denominator > 100
        if row.value is not None and is_measured:
            continue  # a path begins at what was reached
        write = language.numbers.percent if is_measured else language.numbers.level
        at = (place, float(row.planned))
        if row.value is None or row.value < row.planned:
            _note(axes, write(row.planned), at, (0, 9), ha="center")
        elif float(row.planned) - axes.get_ylim()[0] > 0.1:
            _note(axes, write(row.planned), at, (0, -10), ha="center")
        else:  # not onto the years' labels
            _note(axes, write(row.planned), at, (9, 0), ha="left")
    return dict(zip(inside, levels, strict=True))


def _quartiles(marked: SimpleNamespace | None, others: list[float]) -> tuple[Fraction, ...]:
    names = ("lower_quartile", "median", "upper_quartile")
    given = [_exact(getattr(marked, name, None)) for name in names]
    if None in given:
        given = [_exact(one) for one in np.quantile(others, [0.25, 0.5, 0.75])] if others else []
    return tuple(one for one in given if one is not None)


def _draw_dots(axes: Axes, values: Mapping[float, int], y: float) -> None:
    """Draw a dot for each value, equals above and below each other.

    As one line of short pieces with round ends: a tenth of the bytes of as many marks. Where more
    are equal than can be told apart, the piece is as high as they together.
    """
    equals = Counter[float]()
    for value, count in values.items():
        equals[round(value, 2)] += count
    xs: list[float] = []
    ys: list[float] = []
    for value, count in sorted(equals.items()):
        height = min(0.1 * (count - 1), _DOTS_HEIGHT)
        is_crowded = height * _ROW < _DOT / 2 * (count - 1)
        for number in range(1 if is_crowded else count):
            at = y - height / 2 + (number * height / (count - 1) if number else 0)
            xs += [value, value + 1e-4, float("nan")]
            ys += [at, at + (height if is_crowded else 0), float("nan")]
    axes.plot(
        xs, ys, color=colour("muted"), lw=_DOT, solid_capstyle="round", zorder=2, clip_on=False
    )


def _draw_bar(axes: Axes, place: float, y: float, top: float, text: str) -> None:
    """Draw a target with its level below."""
    axes.plot([place, place], [y - 0.17, y + 0.17], color=colour("ink"), lw=1.6, zorder=2)
    side = "right" if place > 0.93 * top else "left" if place < 0.07 * top else "center"
    _write(axes, place, y - 0.29, text, ha=side, fontsize=SMALL)


def _write(axes: Axes, x: float, y: float, text: str, role: str = "ink", **look: Any) -> None:
    axes.text(x, y, text, **{"va": "center", "fontsize": TEXT, "color": colour(role), **look})


def _note(
    axes: Axes, text: str, at: tuple[float, float], away: tuple[float, float], *, ha: str,
    weight: str = "normal",
) -> None:  # fmt: skip
    axes.annotate(
        text, at, away, textcoords="offset points", ha=ha, va="center", fontweight=weight,
        fontsize=TEXT if weight == "normal" and ha != "center" else SMALL, color=colour("ink"),
    )  # fmt: skip


def _rows(count: int) -> tuple[Figure, Axes]:
    bottom = _AXIS + SMALL + 2
    figure = new_figure(_ROW * count + bottom)
    axes = add_axes(figure, _SIDE, bottom, WIDTH - 2 * _SIDE, _ROW * count)
    axes.set_ylim(-count + 1 - 0.42, 0.58)
    axes.set_yticks([])
    return figure, axes


def _label_row(axes: Axes, y: float, left: str, right: str, top: float) -> None:
    left = fit(left, WIDTH - 2 * _SIDE - _width(right, TEXT, "bold") - 4)
    _write(axes, 0, y + 0.37, left, ha="left")
    _write(axes, top, y + 0.37, right, ha="right", fontweight="bold")


@lru_cache(4096)
def _width(text: str, size: float, weight: str = "normal") -> float:
    """Return how wide a text is, in points."""
    font = FontProperties(family="DejaVu Sans", size=size, weight=weight)
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def fit(text: str, width: float) -> str:
    """Cut a label that has no room."""
    if _width(text, TEXT) <= width:
        return text
    while text and _width(text + "…", TEXT) > width:
        text = text[:-1].rstrip()
    return text + "…"


def _draw_mark(axes: Axes, x: float, y: float, mark: Mark, size: float = 7.5) -> None:
    axes.plot(
        [x], [y], marker=mark.shape, ms=size, mew=1.2, zorder=3, clip_on=False,
        markerfacecolor=colour(mark.colour) if mark.filled else colour("paper"),
        markeredgecolor=colour(mark.colour),
    )  # fmt: skip


def _percent_axis(axes: Axes, top: float, language: Language) -> None:
    axes.set_xlim(0, top)
    ticks = [0.0, 0.25, 0.5, 0.75, 1.0]
    axes.set_xticks(ticks, [language.numbers.level(Fraction(t)) for t in ticks])
    axes.set_xlabel(language.ui("rate_axis"), fontsize=SMALL, color=colour("muted"), labelpad=0)
    labels = axes.get_xticklabels()
    labels[0].set_horizontalalignment("left")
    if top < 1.04:
        labels[-1].set_horizontalalignment("right")


class TaskBar(NamedTuple):
    """One section: its title, its counts in words, and how many tasks are in each group."""

    label: str
    text: str
    counts: Mapping[str, int]


def tasks_chart(bars: Sequence[TaskBar], language: Language) -> Figure:
    """Draw each section's tasks by state: bars of one length, shares with their counts."""
    figure = new_figure(_TASK_ROW * len(bars))
    axes = add_axes(figure, 2, 0, WIDTH - 4, _TASK_ROW * len(bars))
    axes.set_xlim(0, 1)
    axes.set_ylim(-len(bars) + 0.35, 0.75)
    axes.set_xticks([])
    axes.set_yticks([])
    for row, bar in enumerate(bars):
        _write(axes, 0, 0.42 - row, bar.label)
        if late := bar.counts["late"]:
            text = f"✖ {language.numbers.count(late)}"
            _write(axes, 1, 0.42 - row, text, "not_met", ha="right", fontweight="bold")
        whole, left = sum(bar.counts.values()), 0.0
        for name, (role, pattern) in _LOOKS.items():
            share = bar.counts[name] / whole if bar.counts[name] else 0
            edge, text = ("paper", "paper") if role in ("met", "not_met") else ("muted", "ink")
            if share:
                axes.barh(
                    -row, share, left=left, height=0.42, color=colour(role), hatch=pattern,
                    edgecolor=colour(edge), linewidth=0.4,
                )  # fmt: skip
            if share * WIDTH >= _FEWEST_POINTS:
                _write(
                    axes, left + share / 2, -row, language.numbers.count(bar.counts[name]), text,
                    ha="center", fontsize=SMALL, fontweight="bold",
                    bbox={"facecolor": colour(role), "edgecolor": "none", "pad": 1},
                )  # fmt: skip
            left += share
    return figure
