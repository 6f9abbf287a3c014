"""The figures of the sample's pages: no text on another or cut off, described, safe to embed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from shared import sample
from test_reports_consistency import make_pages
from test_reports_kit import NUMBER, OTHER_PLAN, PLAN, Page, study_of, texts, unit_page, year_page

from analysis.exact import round_half_up
from analysis.figures.charts import peers
from analysis.figures.style import PANEL, SMALL, WIDTH
from analysis.reports import base, unit

SAMPLE = Path("data/sample")
STEP = 25
#: Points: less than this is no overlap that an eye would see.
TOLERANCE = 1.0


class Drawing(NamedTuple):
    """A figure as it was drawn for a page."""

    page: Page
    name: str
    figure: Figure


@contextmanager
def kept_figures(found: list[Drawing]) -> Iterator[None]:
    """Keep the matplotlib figure of every drawing of the pages that are made meanwhile."""
    drawn: list[tuple[str, Figure]] = []
    real_svg, real_page = base.to_svg, Page.__post_init__

    def keep(figure: Figure, alt: str, name: str) -> str:
        drawn.append((name, figure))
        return real_svg(figure, alt, name)

    def make(page: Page) -> None:
        drawn.clear()
        real_page(page)
        found.extend(Drawing(page, name, figure) for name, figure in drawn)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "to_svg", keep)
        patch.setattr(Page, "__post_init__", make)
        yield


@pytest.fixture(scope="module")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> list[Drawing]:
    """Every figure of two years' pages and of some units', under both plans.

    And of made-up datasets with values that the sample has not: nothing, 0%, 120%, 89,9999996%.
    """
    folder = tmp_path_factory.mktemp("random")
    found: list[Drawing] = []
    with kept_figures(found):
        for seed in (5, 10, 16):
            make_pages(seed, folder / str(seed))
        for plan, years, step in ((PLAN, (2024, 2025), STEP), (OTHER_PLAN, (2024,), 2 * STEP)):
            study = sample() if plan == PLAN else study_of(SAMPLE, 2024, plan)
            for year in years:
                for key in list(study.expected_units(year).index)[::step]:
                    unit_page(study, key, year)
                year_page(study, year)
    return found


@cache
def boxes(figure: Figure) -> tuple[dict[Text, Bbox], Bbox]:
    """The places of a figure's visible texts, and of its whole area, in points."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    shown = {}
    for artist in figure.findobj(Text):
        if artist.get_text().strip() and is_shown(artist, figure):
            shown[artist] = artist.get_window_extent(renderer)
    return shown, figure.bbox


def is_shown(text: Text, figure: Figure) -> bool:
    """Whether a text is drawn: a tick label beyond its axis' ends is not."""
    for axes in figure.axes:
        for axis, ends in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if text is tick.label1:
                    inside = min(ends) <= tick.get_loc() <= max(ends)
                    return inside and tick.label1.get_visible()
                if text is tick.label2:
                    return bool(tick.label2.get_visible())
    return bool(text.get_visible())


def overlap(one: Bbox, other: Bbox) -> bool:
    across = min(one.x1, other.x1) - max(one.x0, other.x0)
    down = min(one.y1, other.y1) - max(one.y0, other.y0)
    # A line's box has room above and below its letters.
    return across > TOLERANCE and down > TOLERANCE + 2


def test_helper_sees_texts_that_overlap_and_texts_that_are_cut_off() -> None:
    figure = Figure(figsize=(2, 1), dpi=72)
    for x, text in ((0.1, "một"), (0.15, "hai"), (0.9, "dài quá mép")):
        figure.text(x, 0.5, text)
    places, whole = boxes(figure)
    one, two, three = places.values()
    assert overlap(one, two)
    assert not overlap(one, three)
    assert three.x1 > whole.x1 + TOLERANCE


def test_sample_draws_every_kind_of_figure(drawings: list[Drawing]) -> None:
    kinds = {re.sub(r"^(lo-trinh)-.*|-\d+$", r"\1", drawing.name) for drawing in drawings}
    assert kinds == {
        "chi-tieu",
        "cac-nam",
        "xu-huong",
        "cung-loai",
        "xa-thi-tran",
        "lo-trinh",
        "nhiem-vu",
    }
    assert len(drawings) > 40


def test_no_text_of_a_figure_lies_on_another(drawings: list[Drawing]) -> None:
    wrong = []
    for page, name, figure in drawings:
        places, _ = boxes(figure)
        for one, other in combinations(places, 2):
            if overlap(places[one], places[other]):
                wrong.append(f"{page} {name}: {one.get_text()!r} on {other.get_text()!r}")
    assert not wrong, f"{len(wrong)} times, first:\n" + "\n".join(wrong[:12])


def test_no_text_of_a_figure_is_cut_off(drawings: list[Drawing]) -> None:
    wrong = []
    for page, name, figure in drawings:
        places, whole = boxes(figure)
        for text, place in places.items():
            # Above and below, a line's box is larger than its letters.
            sides = (whole.x0 - place.x0, place.x1 - whole.x1)
            ends = (whole.y0 - place.y0, place.y1 - whole.y1)
            if max(sides) > TOLERANCE or max(ends) > TOLERANCE + 2:
                wrong.append(f"{page} {name}: {text.get_text()!r} by {max(*sides, *ends):.0f} pt")
    assert not wrong, f"{len(wrong)} times, first:\n" + "\n".join(wrong[:12])


def test_every_figure_keeps_the_common_width_and_legible_letters(drawings: list[Drawing]) -> None:
    for page, name, figure in drawings:
        width = PANEL if re.match("cac-nam|xu-huong", name) else WIDTH
        assert figure.get_figwidth() * 72 == pytest.approx(width), (page, name)
        sizes = {text.get_fontsize() for text in boxes(figure)[0]}
        assert min(sizes) >= SMALL >= 9, (page, name)


def test_letters_of_figures_are_never_read_as_formulas(drawings: list[Drawing]) -> None:
    for page, name, figure in drawings:
        assert not any(text.get_parse_math() for text in figure.findobj(Text)), (page, name)


def test_alternative_text_tells_the_figures_values(drawings: list[Drawing]) -> None:
    for page in {id(d.page): d.page for d in drawings}.values():
        for figure in page.tree.all("figure"):
            values = [c.text for c in figure.one("tbody").all("td")]
            for svg in figure.all("svg"):
                alt = svg.attrs["aria-label"]
                assert svg.attrs["role"] == "img"
                assert alt.startswith("Biểu đồ"), (page, alt)
                told = [v for v in values if re.fullmatch(f"{NUMBER}%?", v) and v in alt]
                assert told, (page, alt)


def test_drawings_ask_nothing_of_the_network_and_run_nothing(drawings: list[Drawing]) -> None:
    for page in {id(d.page): d.page for d in drawings}.values():
        for svg in page.tree.all("svg"):
            for node in svg.walk():
                assert node.tag not in ("script", "foreignobject", "image", "iframe"), page
                for name, value in node.attrs.items():
                    assert not name.startswith("on"), (page, name)
                    if name.endswith("href"):
                        assert value.startswith("#"), (page, value)
                    assert "url(" not in value or "url(#" in value, (page, value)
        assert "<script" not in page.html
        assert re.findall(r"https?://(?!www\.w3\.org)[^\s\"'<]*", page.html) == []


def test_names_inside_drawings_are_unique_on_a_page(drawings: list[Drawing]) -> None:
    for page in {id(d.page): d.page for d in drawings}.values():
        ids = [node.attrs["id"] for node in page.tree.walk() if "id" in node.attrs]
        assert len(ids) == len(set(ids)), page
        for svg in page.tree.all("svg"):
            own = {node.attrs["id"] for node in svg.walk() if "id" in node.attrs}
            text = " ".join(value for node in svg.walk() for value in node.attrs.values())
            assert set(re.findall(r"url\(#([^)]+)\)", text)) <= own, page


def test_a_page_is_light_enough_for_a_phone(drawings: list[Drawing]) -> None:
    for page in {id(d.page): d.page for d in drawings}.values():
        if page.kind == "unit":
            assert len(page.html.encode()) <= 150_000, page
        assert any(page.year == int(text) for text in texts(page.tree) if text.isdigit()) or (
            str(page.year) in page.html
        )


def test_a_crowd_of_equal_peers_is_drawn_no_larger_than_a_few() -> None:
    def drawn(count: int) -> tuple[int, float]:
        columns = {"label": "A", "value": [0.5, 0.9], "is_marked": [True, False]}
        dots = peers(pd.DataFrame({**columns, "count": [1, count]})).axes[0].lines[-2]
        ys = np.asarray(dots.get_ydata(), float)
        return len(ys), float(np.nanmax(ys) - np.nanmin(ys))

    few, many = drawn(6), drawn(5_000)
    assert many[0] < few[0]
    assert drawn(1)[1] < drawn(2)[1] < few[1] <= many[1]
    assert many[1] == drawn(500)[1]


def test_dots_of_a_page_are_its_units_peers_each_once() -> None:
    study = sample()
    for unit_id in study.expected_units(2024).index[::30]:
        for indicator, standing in unit(study, unit_id, 2024).peers.items():
            if standing.dots:
                values = study.peer_values(indicator, unit_id, 2024)
                expected = Counter(int(round_half_up(value, 2) * 100) for value in values)
                assert dict(standing.dots) == expected, (unit_id, indicator)
