"""What is drawn: each function takes findings and returns one figure with fixed margins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.style import (
    MARKS,
    SMALL,
    TEXT,
    WIDTH,
    Mark,
    add_axes,
    colour,
    new_figure,
)
from analysis.findings import Finding
from analysis.language import Language
from analysis.plan import Target

_ROW = 36.0
_SIDE = 6.0
_AXIS = 22.0
_LETTER = 6.4


@dataclass(frozen=True)
class Shown:
    """A share of others: its words, and where a chart puts it."""

    text: str
    place: Fraction


@dataclass(frozen=True)
class PeerMark:
    """One row of the peers' figure: a label, the unit's value and its peers' quartiles."""

    label: str
    verdict: str
    value: Fraction
    lower_quartile: Shown
    median: Shown
    upper_quartile: Shown
    text: str


@dataclass(frozen=True)
class Trend:
    """One small chart: a unit's values and verdicts by year, the district's values, this year's bar.

    The district's line is broken before each year of ``breaks``: other units are in it from there.
    """

    label: str
    unit: dict[int, Fraction]
    verdicts: dict[int, str]
    unit_text: str
    district: dict[int, Fraction]
    district_text: str
    breaks: Sequence[int]
    target: Target | None


@dataclass(frozen=True)
class GapBar:
    """One bar: who, and how much of the shortfall."""

    label: str
    size: int


def targets_chart(findings: Sequence[Finding], language: Language) -> Figure:
    """Draw shares against their targets, a row each, with bounds where figures are missing.

    Parameters
    ----------
    findings : sequence of Finding
        Shares with a value.
    language : Language
        Writes the numbers.
    """
    figure, axes = _rows(len(findings))
    top = float(max([Fraction(1), *(f.value for f in findings if f.value is not None)]))
    for place, finding in enumerate(findings):
        assert finding.value is not None
        y = -place
        _label_row(axes, y, finding.indicator.short, _value_and_counts(finding, language), top)
        axes.plot([0, top], [y, y], color=colour("line"), lw=0.8, zorder=1)
        if (
            finding.lower is not None
            and finding.upper is not None
            and finding.lower < finding.upper
        ):
            ends = [float(finding.lower), min(float(finding.upper), top)]
            axes.plot(ends, [y, y], color=colour("band"), lw=7, solid_capstyle="butt", zorder=1)
        if finding.target is not None:
            bar = float(finding.target.minimum)
            axes.plot([bar, bar], [y - 0.17, y + 0.17], color=colour("ink"), lw=1.6, zorder=2)
        _draw_mark(axes, float(finding.value), y, MARKS[finding.verdict])
    _percent_axis(axes, top, language)
    return figure


def peers_chart(marks: Sequence[PeerMark], language: Language) -> Figure:
    """Draw a unit's shares over the middle half and the median of its peers, a row each."""
    figure, axes = _rows(len(marks))
    top = float(
        max([Fraction(1), *(m.value for m in marks), *(m.upper_quartile.place for m in marks)])
    )
    for place, mark in enumerate(marks):
        y = -place
        _label_row(axes, y, mark.label, mark.text, top)
        axes.plot([0, top], [y, y], color=colour("line"), lw=0.8, zorder=1)
        ends = [float(mark.lower_quartile.place), float(mark.upper_quartile.place)]
        axes.plot(ends, [y, y], color=colour("band"), lw=9, solid_capstyle="butt", zorder=1)
        middle = float(mark.median.place)
        axes.plot([middle, middle], [y - 0.17, y + 0.17], color=colour("muted"), lw=1.6, zorder=2)
        _draw_mark(axes, float(mark.value), y, MARKS[mark.verdict])
    _percent_axis(axes, top, language)
    return figure


def trend_chart(trends: Sequence[Trend], years: Sequence[int], language: Language) -> Figure:
    """Draw shares by year, one small chart below the other; the unit bold, the district pale."""
    step = 104.0
    figure = new_figure(step * len(trends))
    # A value close to its target takes more digits, and its label more room.
    right = 10 + _LETTER * max(len(text) for t in trends for text in (t.unit_text, t.district_text))
    for place, trend in enumerate(trends):
        bottom = step * (len(trends) - 1 - place) + _AXIS
        axes = add_axes(figure, 34, bottom, WIDTH - 34 - right, step - _AXIS - 30)
        _draw_trend(axes, trend, years, language)
        height = figure.get_figheight() * 72
        figure.text(
            _SIDE / WIDTH,
            (bottom + step - _AXIS - 12) / height,
            trend.label,
            fontsize=TEXT,
            fontweight="bold",
            color=colour("ink"),
            va="center",
        )
    return figure


def _draw_trend(axes: Axes, trend: Trend, years: Sequence[int], language: Language) -> None:
    values = [*trend.unit.values(), *trend.district.values()]
    if trend.target is not None:
        values.append(trend.target.minimum)
    low, high = float(min(values)), float(max(values))
    room = max(high - low, 0.05) * 0.2
    axes.set_ylim(low - room, high + room)
    axes.set_xlim(years[0] - 0.2, years[-1] + 0.2)
    axes.set_xticks(list(years), [str(year) for year in years])
    axes.set_yticks([])
    if trend.target is not None:
        bar = float(trend.target.minimum)
        axes.axhline(bar, color=colour("ink"), lw=0.8, ls=(0, (4, 3)))
        axes.annotate(
            language.numbers.level(trend.target.minimum), (0, bar), (-4, 0),
            xycoords=("axes fraction", "data"), textcoords="offset points",
            ha="right", va="center", fontsize=SMALL, color=colour("ink"),
        )  # fmt: skip
    cuts = [years[0], *trend.breaks, years[-1] + 1]
    for start, end in pairwise(sorted(cuts)):
        part = {year: value for year, value in trend.district.items() if start <= year < end}
        _draw_line(axes, part, "muted", 1.2)
        axes.plot(list(part), [float(v) for v in part.values()], color=colour("muted"), lw=0,
                  marker="o", ms=2.6)  # fmt: skip
    _draw_line(axes, trend.unit, "no_target", 2.0)
    for year, value in trend.unit.items():
        _draw_mark(axes, year, float(value), MARKS[trend.verdicts[year]])
    for text, height, role in _end_labels(trend, (low - room, high + room)):
        axes.annotate(
            text, (1, height), (6, 0),
            xycoords=("axes fraction", "data"), textcoords="offset points",
            ha="left", va="center", fontsize=SMALL, color=colour(role),
        )  # fmt: skip


def _end_labels(trend: Trend, limits: tuple[float, float]) -> list[tuple[str, float, str]]:
    """Return the last value of each line, moved apart where they would touch."""
    lines = [(trend.unit, trend.unit_text, "ink"), (trend.district, trend.district_text, "muted")]
    ends = [(float(line[max(line)]), text, role) for line, text, role in lines if line]
    ends.sort()
    heights = [height for height, _, _ in ends]
    apart = (limits[1] - limits[0]) * 0.26
    if len(heights) == 2 and heights[1] - heights[0] < apart:
        middle = sum(heights) / 2
        heights = [middle - apart / 2, middle + apart / 2]
    return [(text, height, role) for height, (_, text, role) in zip(heights, ends, strict=True)]


def _draw_line(axes: Axes, series: dict[int, Fraction], role: str, width: float) -> None:
    """Draw a line broken where a year has no value."""
    if series:
        years = range(min(series), max(series) + 1)
        heights = [float(series[year]) if year in series else float("nan") for year in years]
        axes.plot(list(years), heights, color=colour(role), lw=width)


def path_chart(
    findings: Sequence[Finding], path: dict[int, Fraction], language: Language
) -> Figure:
    """Draw a stage indicator's yearly values with their bounds against the planned path.

    Parameters
    ----------
    findings : sequence of Finding
        One per year, at one scope.
    path : dict of int to Fraction
        The planned value of each knot and of the baseline.
    language : Language
        Writes the numbers.
    """
    height = 190.0
    figure = new_figure(height)
    axes = add_axes(figure, 38, _AXIS, WIDTH - 38 - 46, height - _AXIS - 16)
    known = [f for f in findings if f.value is not None]
    lows = [float(f.lower) for f in known if f.lower is not None]
    low = min([*lows, *(float(v) for v in path.values())])
    axes.set_ylim(max(low - 0.1, 0), 1.04)
    first = min([*path, *(f.year for f in known)])
    last = max([*path, *(f.year for f in known)])
    axes.set_xlim(first - 0.6, last + 0.6)
    knots = sorted(path)
    axes.plot(knots, [float(path[k]) for k in knots], color=colour("muted"), lw=1.2, ls=(0, (5, 3)))
    for year in knots:
        axes.plot(year, float(path[year]), marker="|", ms=10, color=colour("ink"))
    axes.annotate(
        language.numbers.level(path[knots[-1]]), (knots[-1], float(path[knots[-1]])), (6, 0),
        textcoords="offset points", va="center", fontsize=SMALL, color=colour("ink"),
    )  # fmt: skip
    for finding in known:
        assert finding.value is not None
        if finding.lower is not None and finding.upper is not None:
            ends = [float(finding.lower), float(finding.upper)]
            axes.plot([finding.year] * 2, ends, color=colour("band"), lw=6, solid_capstyle="butt")
        _draw_mark(axes, finding.year, float(finding.value), MARKS[finding.verdict])
    if known:
        now = known[-1]
        assert now.value is not None
        bottom, top = axes.get_ylim()
        # Near the years' labels the value goes above its mark.
        beside = (9, -9) if float(now.value) - bottom > (top - bottom) / 8 else (9, 10)
        axes.annotate(
            language.say("value", now), (now.year, float(now.value)), beside,
            textcoords="offset points", va="center", fontsize=TEXT, fontweight="bold",
            color=colour("ink"),
        )  # fmt: skip
    shown = _spread(sorted({*knots, *(f.year for f in known)}), (last - first) / 9)
    axes.set_xticks(shown, [str(year) for year in shown])
    ticks = [t / 10 for t in range(0, 11, 2) if t / 10 >= max(low - 0.1, 0)]
    axes.set_yticks(ticks, [language.numbers.level(Fraction(round(t * 10), 10)) for t in ticks])
    axes.grid(axis="y", color=colour("line"), lw=0.5)
    return figure


def gap_chart(bars: Sequence[GapBar], language: Language) -> Figure:
    """Draw who holds how much of a shortfall, largest first."""
    row = 24.0
    figure = new_figure(row * len(bars) + 8)
    axes = add_axes(figure, 112, 4, WIDTH - 112 - 54, row * len(bars))
    sizes = [bar.size for bar in bars]
    axes.barh([-i for i in range(len(bars))], sizes, height=0.62, color=colour("not_met"))
    axes.set_ylim(-len(bars) + 0.5, 0.5)
    axes.set_xlim(0, max(sizes))
    axes.set_xticks([])
    axes.set_yticks([])
    for place, bar in enumerate(bars):
        axes.annotate(
            _shorten(bar.label), (0, -place), (-6, 0), textcoords="offset points",
            ha="right", va="center", fontsize=TEXT, color=colour("ink"),
        )  # fmt: skip
        axes.annotate(
            language.numbers.count(bar.size), (bar.size, -place), (5, 0),
            textcoords="offset points", va="center", fontsize=TEXT, color=colour("ink"),
        )  # fmt: skip
    return figure


def _spread(years: Sequence[int], apart: float) -> list[int]:
    """Leave out years that would touch the one before, never the last."""
    shown: list[int] = []
    for year in reversed(years):
        if not shown or shown[-1] - year >= apart:
            shown.append(year)
    return shown[::-1]


def _rows(count: int) -> tuple[Figure, Axes]:
    figure = new_figure(_ROW * count + _AXIS)
    axes = add_axes(figure, _SIDE, _AXIS, WIDTH - 2 * _SIDE, _ROW * count)
    axes.set_ylim(-count + 1 - 0.36, 0.64)
    axes.set_yticks([])
    return figure, axes


def _label_row(axes: Axes, y: float, left: str, right: str, top: float) -> None:
    axes.text(0, y + 0.4, left, ha="left", va="center", fontsize=TEXT, color=colour("ink"))
    axes.text(
        top, y + 0.4, right, ha="right", va="center", fontsize=TEXT, fontweight="bold",
        color=colour("ink"),
    )  # fmt: skip


def _value_and_counts(finding: Finding, language: Language) -> str:
    assert finding.value is not None
    value = language.say("value", finding)
    if finding.indicator.is_money or len(language.say("counts", finding)) > 11:
        return value
    return f"{value} ({language.say('counts', finding)})"


def _draw_mark(axes: Axes, x: float, y: float, mark: Mark) -> None:
    axes.plot(
        [x], [y], marker=mark.shape, ms=7.5, mew=1.2, zorder=3, clip_on=False,
        markerfacecolor=colour(mark.colour) if mark.filled else colour("paper"),
        markeredgecolor=colour(mark.colour),
    )  # fmt: skip


def _percent_axis(axes: Axes, top: float, language: Language) -> None:
    axes.set_xlim(0, top)
    ticks = [0.0, 0.25, 0.5, 0.75, 1.0]
    axes.set_xticks(ticks, [language.numbers.level(Fraction(t)) for t in ticks])
    labels = axes.get_xticklabels()
    labels[0].set_horizontalalignment("left")
    if top < 1.04:
        labels[-1].set_horizontalalignment("right")


def _shorten(text: str, most: int = 17) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
