"""Finished pages on paper: A4 with the margins of an official document, at most four sheets a unit.

Read back with poppler's tools; without them these tests fail, they are never skipped.
"""

from __future__ import annotations

import re
import subprocess
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from browser import open_browser
from playwright.sync_api import Browser
from test_pages_kit import (
    PAGES,
    Visit,
    largest_area,
    open_context,
    shared_sites,
)

from analysis.tables.files import write_atomically

MOST_SHEETS = 4
POINTS = 72 / 25.4
WIDTH, HEIGHT = 210 * POINTS, 297 * POINTS
#: Of the boards of the sample's 110 units: all indicators on one sheet, the tasks on two.
MOST_BOARD_SHEETS = 1 + 2
#: Millimetres at the top, the bottom, the left and the right: Nghị định 30/2020/NĐ-CP.
UPRIGHT = (20, 20, 30, 15)
#: Of a board, which is to lie before a committee on as few sheets as can be read.
LYING = (9, 7, 15, 8)
DPI = 40
#: Each that is laid out in another way: a name's signs matter on screens alone.
KINDS = ("missing return", "nothing met", "longest", "one long word", "year", "index of names")
PRINTED = {key: PAGES[key] for key in KINDS}
AREA = "2024/largest.html"


class Word(NamedTuple):
    """A word of a sheet and where it stands, in points from the upper left."""

    left: float
    top: float
    right: float
    bottom: float
    text: str


@dataclass
class Print:
    """A page on paper."""

    visit: Visit
    file: Path

    def read(self, *command: str) -> bytes:
        program, *options = command
        return subprocess.run(
            [program, *options, str(self.file), *(["-"] if program == "pdftotext" else [])],
            capture_output=True,
            check=True,
            timeout=60,
        ).stdout

    @cached_property
    def info(self) -> dict[str, str]:
        lines = self.read("pdfinfo").decode().splitlines()
        return {
            key.strip(): text.strip() for key, _, text in (line.partition(":") for line in lines)
        }

    @cached_property
    def sizes(self) -> list[tuple[float, float]]:
        """Width and height of each sheet: a board lies on its side."""
        text = self.read("pdftotext", "-bbox").decode()
        found = re.findall(r'<page width="([\d.]+)" height="([\d.]+)"', text)
        return [(float(width), float(height)) for width, height in found]

    @cached_property
    def sheets(self) -> list[list[Word]]:
        """The words of each sheet."""
        text = self.read("pdftotext", "-bbox").decode()
        number = r'"([\d.]+)"'
        pattern = rf"<word xMin={number} yMin={number} xMax={number} yMax={number}>(.*?)</word>"
        return [
            [Word(*map(float, found[:4]), found[4]) for found in re.findall(pattern, sheet)]
            for sheet in text.split("<page ")[1:]
        ]

    @cached_property
    def text(self) -> str:
        """All text in the file's own order."""
        return squeezed(self.read("pdftotext", "-raw", "-nopgbrk").decode())

    @cached_property
    def pictures(self) -> list[np.ndarray]:
        """Each sheet in shades of grey."""
        data = self.read("pdftoppm", "-gray", "-r", str(DPI))
        sheets = []
        while data:
            head = re.match(rb"P5\s+(\d+)\s+(\d+)\s+255\s", data)
            assert head
            width, height = int(head[1]), int(head[2])
            size = width * height
            pixels = np.frombuffer(data[head.end() : head.end() + size], np.uint8)
            sheets.append(pixels.reshape(height, width))
            data = data[head.end() + size :]
        return sheets


def margins_of(width: float, height: float) -> tuple[int, int, int, int]:
    return LYING if width > height else UPRIGHT


def squeezed(text: str) -> str:
    """A text without white space, which a printed line's end stands for."""
    return "".join(unicodedata.normalize("NFC", text).split())


@pytest.fixture(scope="module")
def root() -> Path:
    root = shared_sites()
    write_atomically(root / AREA, largest_area("commune").html)
    return root


@pytest.fixture(scope="module")
def browser(root: Path) -> Iterator[Browser]:
    with open_browser() as started:
        yield started


@pytest.fixture(scope="module", params=[*PRINTED, AREA])
def printed(request: pytest.FixtureRequest, browser: Browser, root: Path) -> Iterator[Print]:
    with open_context(browser) as context:
        visit = Visit(context, root, PRINTED.get(request.param, AREA))
        file = root / f"{visit.file.stem}.pdf"
        visit.page.pdf(path=file, prefer_css_page_size=True)
        visit.page.emulate_media(media="print")
        yield Print(visit, file)


def test_sheets_are_a4_and_few(printed: Print) -> None:
    width, height = map(float, re.findall(r"[\d.]+", printed.info["Page size"])[:2])
    assert (width, height) == pytest.approx((WIDTH, HEIGHT), abs=1)
    assert "A4" in printed.info["Page size"]
    for size in printed.sizes:
        assert sorted(size) == pytest.approx([WIDTH, HEIGHT], abs=1)
    lying = [width > height for width, height in printed.sizes]
    boards = {PAGES["year"], AREA}
    assert any(lying) == (printed.visit.link in boards)
    assert not lying[0]
    assert sum(lying) <= MOST_BOARD_SHEETS
    if printed.visit.is_unit:
        assert len(lying) <= MOST_SHEETS
    if printed.visit.link == AREA:  # a sheet for each board, beside what a unit has
        assert len(lying) <= MOST_SHEETS + 2


def test_sheets_are_numbered_at_the_top_from_the_second(printed: Print) -> None:
    for number, (words, (width, height)) in enumerate(
        zip(printed.sheets, printed.sizes, strict=True), 1
    ):
        top, _, left, right = margins_of(width, height)
        middle = (left * POINTS + width - right * POINTS) / 2
        above = [word for word in words if word.bottom <= top * POINTS]
        assert [word.text for word in above] == ([str(number)] if number > 1 else [])
        for word in above:
            assert (word.left + word.right) / 2 == pytest.approx(middle, abs=2)


def test_margins_are_empty(printed: Print) -> None:
    for number, sheet in enumerate(printed.pictures, 1):
        scale = DPI / 25.4
        # The watermark is too pale to count; a pixel of grace, for edges fall between pixels.
        rows, columns = np.nonzero(sheet < 200)
        height, width = sheet.shape
        top, bottom, left, right = margins_of(width, height)
        inside = rows > top * scale - 1
        assert rows.max() <= height - bottom * scale + 1, number
        assert columns.min() >= left * scale - 1, number
        assert columns.max() <= width - right * scale + 1, number
        outside = columns[~inside]
        if number == 1:
            assert outside.size == 0
        else:  # the number alone
            assert np.ptp(outside) <= 10 * scale
    for words, (width, height) in zip(printed.sheets, printed.sizes, strict=True):
        _, bottom, left, right = margins_of(width, height)
        for word in words:
            assert word.left >= left * POINTS - 1, word
            assert word.right <= width - right * POINTS + 1, word
            assert word.bottom <= height - bottom * POINTS + 1, word


def test_rows_and_figures_are_not_cut(printed: Print) -> None:
    inside = printed.visit.run(
        """() => [...new Set([...document.querySelectorAll("tr, figure")].map(
        (element) => getComputedStyle(element).breakInside))]"""
    )
    assert set(inside) <= {"avoid"}
    headings = printed.visit.run(
        """() => [...new Set([...document.querySelectorAll("h2, h3, .rowgroup")].map(
        (element) => getComputedStyle(element).breakAfter))]"""
    )
    assert set(headings) == {"avoid"}


def test_body_is_set_as_an_official_document(printed: Print) -> None:
    family, size, paper, ink = printed.visit.run(
        """() => { const style = getComputedStyle(document.querySelector("main p"));
        const page = getComputedStyle(document.body);
        return [style.fontFamily, parseFloat(style.fontSize) * 0.75, page.backgroundColor, page.color]; }"""
    )
    assert family.startswith('"Times New Roman"')
    assert 13 <= round(size, 2) <= 14
    assert paper == "rgb(255, 255, 255)"
    assert sum(map(int, re.findall(r"\d+", ink))) < 120


def test_closed_definitions_are_printed(printed: Print) -> None:
    cards = printed.visit.run(
        """() => [...document.querySelectorAll("details.card")].map((card) =>
        [card.open, card.querySelector("summary").textContent, card.querySelector("p:not(.what)").textContent])"""
    )
    for is_open, title, definition in cards:
        assert not is_open
        assert squeezed(title) in printed.text
        # A definition may run on in the next column or on the next sheet.
        assert squeezed(definition)[:30] in printed.text, title
    assert cards or printed.visit.is_index


def test_what_is_for_screens_only_is_not_printed(printed: Print) -> None:
    seen = printed.visit.run(
        """() => [...document.querySelectorAll(".site, .skip, .contents, form, figure details")].filter(
        (element) => element.checkVisibility()).length"""
    )
    assert seen == 0
    assert "dữliệuminhhọa" in printed.text.lower() or "names" in printed.visit.link


def test_dark_readers_print_on_white(browser: Browser, root: Path) -> None:
    with open_context(browser, color_scheme="dark") as context:
        visit = Visit(context, root, PAGES["index of names"])
        visit.page.emulate_media(media="print", color_scheme="dark")
        colour = visit.run("getComputedStyle(document.body).backgroundColor")
        assert colour == "rgb(255, 255, 255)"
