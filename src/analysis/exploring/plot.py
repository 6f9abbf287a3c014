"""The house's charts of an analyst's answers: each takes a frame and returns a matplotlib figure.

What is drawn of illustrative or assumed figures says so in the drawing itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from analysis.exploring.answer import Answer
from analysis.exploring.answers import answer, trend
from analysis.exploring.names import choose, pick_indicator
from analysis.figures import charts
from analysis.figures.style import MARKS, SMALL, WIDTH, add_axes, colour, new_figure
from analysis.findings.finding import planned_path
from analysis.language import Language
from analysis.problems import InputError, error
from analysis.study import Study

__all__ = ["board", "distribution", "gaps", "path", "rates", "trends"]

_ROW = 16.0
_NOTE = 14.0
#: How wide the names of units may be, in points.
_NAMES = 220.0
_MOST_ROWS = 60
_SOURCES = (
    "study (path) hay bảng của study.results (rates, distribution), study.trend (trends),"
    " study.missed (gaps), study.board (board)"
)


def _marked(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    """Refuse what cannot be drawn, and write below a drawing of what kind its figures are."""
    asked, name = signature(draw), draw.__name__
    wanted = Study if name == "path" else pd.DataFrame

    @wraps(draw)
    def drawn(*given: Any, **named: Any) -> Figure:
        try:
            frame, *_ = asked.bind(*given, **named).arguments.values()
        except TypeError:
            frame = None
        if not isinstance(frame, wanted):
            message = f"hãy viết {name}({', '.join(asked.parameters)}), với {_SOURCES}"
            raise InputError([error(message, code="bad_question")])
        look = (answer(frame, pd.DataFrame()) if isinstance(frame, Study) else frame).attrs.get(
            "look"
        )
        if isinstance(frame, pd.DataFrame) and frame.empty:
            message = (look.nothing if look else "") or "bảng để vẽ không có dòng nào"
            raise InputError([error(message, code="nothing_to_draw")])
        figure = draw(*given, **named)
        if look and look.is_assumed:
            figure.set_gid("assumed")  # `report.show` refuses it
        if look and look.mark:
            _write_below(figure, look.mark)
        return figure

    return drawn


def _write_below(figure: Figure, mark: str) -> None:
    height, rise = figure.get_figheight(), _NOTE / 72
    scale = height / (height + rise)
    for axes in figure.axes:
        box = axes.get_position()
        axes.set_position((box.x0, box.y0 * scale + 1 - scale, box.width, box.height * scale))
    for text in figure.texts:
        text.set_y(text.get_position()[1] * scale + 1 - scale)
    figure.set_figheight(height + rise)
    bottom = 3 / 72 / (height + rise)
    figure.text(0.01, bottom, mark, fontsize=SMALL - 2.5, color=colour("muted"))


@_marked
def rates(frame: pd.DataFrame, label: str | None = None) -> Figure:
    """Vẽ các tỷ lệ bên mức đặt ra, mỗi dòng một tỷ lệ.

    Parameters
    ----------
    frame : DataFrame
        Of `Study.results`: shares only; bounds and bars are drawn where they are.
    label : str, optional
        The column with what each row is called: ``name`` where one indicator is drawn, else
        ``title``.

    Returns
    -------
    Figure
        Of matplotlib, to be changed and saved.

    Examples
    --------
    >>> import analysis
    >>> study = analysis.load(2024)
    >>> analysis.plot.rates(study.results(year=2024, scope="commune", indicator="informed_all"))
    <Drawing ...>
    """
    return charts.rates(_shares(frame), label=label or _label(frame), language=_language(frame))


@_marked
def trends(frame: pd.DataFrame, columns: int = 2) -> Figure:
    """Vẽ các tỷ lệ qua các năm, mỗi nơi một ô nhỏ, cùng một thang.

    Parameters
    ----------
    frame : DataFrame
        Of `Study.trend` or `Study.results`, over several years.
    columns : int
        How many small charts stand side by side.

    Examples
    --------
    >>> import analysis
    >>> analysis.plot.trends(analysis.load(2024).trend("informed_all"))
    <Drawing ...>
    """
    return charts.trends(
        _shares(frame), label=_label(frame), columns=max(columns, 1), language=_language(frame)
    )


@_marked
def distribution(frame: pd.DataFrame, unit: str) -> Figure:
    """Vẽ mọi CĐCS thành các chấm, một CĐCS được đánh dấu, mỗi chỉ tiêu một dòng.

    Parameters
    ----------
    frame : DataFrame
        Of `Study.results` at unit scope, one year.
    unit : str
        The id or name of the marked one.

    Examples
    --------
    >>> import analysis
    >>> rows = analysis.load(2024).results(year=2024, scope="unit", indicator="informed_all")
    >>> analysis.plot.distribution(rows, "da ban")
    Traceback (most recent call last):
    analysis.problems.InputError: ...
    >>> analysis.plot.distribution(rows, "DN-DABAN")
    <Drawing ...>
    """
    shares = _shares(frame)
    names = dict(zip(shares["scope_id"].astype(str), shares["name"].astype(str), strict=True))
    marked = shares["scope_id"].astype(str) == choose("CĐCS", unit, names)
    shares = shares.assign(is_marked=marked)
    return charts.peers(shares, label="title", language=_language(frame))


@_marked
def path(study: Study, indicator: str) -> Figure:
    """Vẽ kết quả các năm của một chỉ tiêu giai đoạn bên lộ trình đặt ra.

    Parameters
    ----------
    study : Study
        From `analysis.load`.
    indicator : str
        The id or title of one with targets for 2025, 2030 or later.

    Examples
    --------
    >>> import analysis
    >>> analysis.plot.path(analysis.load(2024), "grade_units")
    Traceback (most recent call last):
    analysis.problems.InputError: ...
    """
    item = pick_indicator(study, indicator)
    yearly = trend(study, item.id, None, "published")
    planned = planned_path(study, item, max(study.dataset.years)) if item.is_stage else {}
    if not planned:
        message = "chỉ tiêu này không có lộ trình nhiều năm để vẽ"
        raise InputError([error(message, code="no_path", column="indicator", value=item.id)])
    ahead = pd.DataFrame({"year": list(planned), "planned": list(planned.values())})
    known = pd.DataFrame(yearly)[["year", "value", "lower", "upper", "verdict"]]
    return charts.path(known.merge(ahead, on="year", how="outer"), language=_language(yearly))


@_marked
def gaps(frame: pd.DataFrame) -> Figure:
    """Vẽ ai còn thiếu bao nhiêu thành các thanh, nhiều nhất ở trên.

    Parameters
    ----------
    frame : DataFrame
        Of `Study.missed`.

    Examples
    --------
    >>> import analysis
    >>> analysis.plot.gaps(analysis.load(2024).missed("cadres_trained"))
    <Drawing ...>
    """
    _require(frame, "name", "lacking")
    rows = frame.iloc[:_MOST_ROWS]
    figure = new_figure(_ROW * len(rows) + 4, _NAMES + WIDTH - 100)
    axes = add_axes(figure, _NAMES, 2, WIDTH - 140, _ROW * len(rows))
    axes.barh(range(len(rows)), rows["lacking"].astype(float), height=0.6, color=colour("not_met"))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(range(len(rows)), [charts.fit(str(name), _NAMES - 8) for name in rows["name"]])
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    own = rows[["lacking"]]
    texts = (own.shown() if isinstance(own, Answer) else own.astype(str)).iloc[:, -1]
    for place, (size, text) in enumerate(zip(rows["lacking"], texts, strict=True)):
        axes.annotate(text, (float(size), place), (3, 0), textcoords="offset points", va="center",
                      fontsize=SMALL, fontweight="bold", annotation_clip=False)  # fmt: skip
    told = [f"{name} {text}" for name, text in zip(rows["name"], texts, strict=True)]
    figure.set_label(_describe(frame, told))
    return figure


@_marked
def board(frame: pd.DataFrame, most: int = 40) -> Figure:
    """Vẽ bảng CĐCS × chỉ tiêu: mỗi ô một dấu, hình và màu cùng nói.

    Parameters
    ----------
    frame : DataFrame
        Of `Study.board`, with its verdicts.
    most : int
        How many units, those that need help first.

    Examples
    --------
    >>> import analysis
    >>> analysis.plot.board(analysis.load(2024).board(2024), most=5)
    <Drawing ...>
    """
    _require(frame, "name", "undetermined")
    look = frame.attrs.get("look")
    shorts = {item.id: item.short for item in look.plan.catalogue()} if look else {}
    marks = [name for name in frame.columns if name in shorts]
    rows = frame.iloc[: max(most, 1)]
    if not rows[marks].isin(list(MARKS)).any(axis=None):
        message = 'hãy vẽ bảng của study.board(năm), với các đánh giá (show="verdict")'
        raise InputError([error(message, code="no_board", column="bảng")])
    step = 13.0
    width, height = _NAMES + step * len(marks) + 60, step * len(rows) + 120
    figure = new_figure(height, width)
    axes = add_axes(figure, _NAMES, 4, step * len(marks), step * len(rows))
    axes.set_xlim(-0.5, len(marks) - 0.5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    verdicts = rows[marks].to_numpy(object)
    for verdict, mark in MARKS.items():
        down, across = (verdicts == verdict).nonzero()
        face = colour(mark.colour) if mark.filled else "none"
        axes.scatter(across, down, s=26, marker=mark.shape, facecolors=face,
                     edgecolors=colour(mark.colour), linewidths=0.8)  # fmt: skip
    axes.set_yticks(
        range(len(rows)), [charts.fit(str(name), _NAMES) for name in rows["name"]], fontsize=SMALL
    )
    axes.xaxis.tick_top()
    axes.set_xticks(range(len(marks)), [charts.fit(shorts.get(m, m), 112) for m in marks],
                    rotation=60, ha="left", fontsize=SMALL - 1)  # fmt: skip
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    missed = look.language.word("verdict", "not_met").lower()
    told = [f"{row.name}: {row.not_met} {missed}" for row in rows.itertuples(index=False)]
    figure.set_label(_describe(frame, told))
    return figure


def _language(frame: pd.DataFrame) -> Language | None:
    look = frame.attrs.get("look")
    return look.language if look else None


def _describe(frame: pd.DataFrame, told: list[str]) -> str:
    look = frame.attrs.get("look")
    word = look.language.told("chart") if look else "Biểu đồ"
    return f"{word}: {'; '.join(told)}."


def _shares(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a frame that are shares with a value; what is none has no place on a scale."""
    _require(frame, "value", "title")
    look = frame.attrs.get("look")
    if look is None or "indicator" not in frame:
        return frame
    fractions = {item.id for item in look.plan.catalogue() if item.is_fraction}
    shares = pd.DataFrame(frame)[frame["indicator"].isin(fractions)]
    kept = shares[shares["value"].notna()]
    if kept.empty:
        message = (
            "bảng này không có tỷ lệ phần trăm nào để vẽ"
            if shares.empty
            else "chưa nơi nào trong bảng này có số liệu để vẽ"
        )
        raise InputError([error(message, code="nothing_to_draw")])
    return kept


def _label(frame: pd.DataFrame) -> str:
    return "name" if frame["title"].nunique() == 1 else "title"


def _require(frame: pd.DataFrame, *columns: str) -> None:
    absent = [name for name in columns if name not in frame]
    if absent:
        message = f"bảng để vẽ thiếu cột này; hãy dùng {_SOURCES}"
        raise InputError(error(message, code="no_column", column=name) for name in absent)
