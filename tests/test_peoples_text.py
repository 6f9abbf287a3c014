"""What people write of a year: read under known headings, refused line by line, never in the share edition."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from shared import sample
from test_reports_kit import ROOT

from analysis.problems import Problem
from analysis.tables.check import check_dataset
from analysis.tables.dictionary import dictionary
from analysis.tables.files import digest_folder
from analysis.tables.load import read_dataset
from analysis.tables.peoples_text import read_texts, to_blocks, to_html

HEADINGS = dictionary().words["statement"]


def read(folder: Path, text: str | bytes, name: str = "2024.md") -> tuple[Any, list[Problem]]:
    path = folder / "loi-van" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_texts(folder)


def test_every_heading_is_known_and_an_empty_one_says_nothing(tmp_path: Path) -> None:
    text = "".join(
        f"## {heading.upper()}:\n\nLời {word}.\n\n" for word, heading in HEADINGS.items()
    )
    texts, problems = read(tmp_path, text)
    assert not problems
    assert texts == {(2024, ""): {word: f"Lời {word}." for word in HEADINGS}}
    assert read(tmp_path, "# Nguyên nhân\n\n")[0] == {(2024, ""): {}}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("# Thành tích", "unknown_heading"),
        ("# Nguyên nhân", "heading_twice"),
        ("<b>đậm</b>", "text_markup"),
        ("<!-- ẩn -->", "text_markup"),
        ("<script>", "text_markup"),
        ("![ảnh](a.png)", "text_markup"),
        ("[ở đây](https://vi.du)", "text_markup"),
        ("> trích", "text_markup"),
        ("- <i>x</i>", "text_markup"),
        ("```", "text_markup"),
        ("a\x07b", "text_markup"),
    ],
)
def test_what_cannot_be_printed_is_refused_with_its_line(
    tmp_path: Path, line: str, code: str
) -> None:
    _, problems = read(tmp_path, f"# Nguyên nhân\n\nMưa lũ.\n\n{line}\n")
    assert {(p.file, p.row, p.code, p.year) for p in problems} == {
        ("loi-van/2024.md", 5, code, 2024)
    }


def test_text_before_any_heading_is_refused(tmp_path: Path) -> None:
    _, problems = read(tmp_path, "\nMưa lũ.\n# Nguyên nhân\nMưa.\n")
    assert [(p.row, p.code) for p in problems] == [(2, "no_heading")]


@pytest.mark.parametrize("name", ["nam.md", "2024/abc/x.md", "2024/chữ thường.md", "24.md"])
def test_a_file_of_another_name_is_refused(tmp_path: Path, name: str) -> None:
    assert [p.code for p in read(tmp_path, "# Nguyên nhân\nMưa.", name)[1]] == ["text_name"]


def test_only_utf_8_is_read(tmp_path: Path) -> None:
    content = "# Nguyên nhân\nMưa.".encode("utf-16")
    assert [p.code for p in read(tmp_path, content)[1]] == ["text_encoding"]


def test_a_unit_that_the_year_has_not_is_refused(tmp_path: Path) -> None:
    dataset, _ = read_dataset(ROOT / "data/sample")
    told = replace(dataset, texts={(2024, "KHONG-CO"): {"causes": "Mưa."}})
    found = [p for p in check_dataset(told) if p.file.startswith("loi-van")]
    assert [(p.code, p.file, p.severity) for p in found] == [
        ("unknown_unit", "loi-van/2024/KHONG-CO.md", "error")
    ]


def test_page_and_document_say_the_same() -> None:
    markdown = "Một **hai** _ba_\n\n- bốn\n  1. năm\n- sáu"
    assert to_html(markdown).striptags() == "Một hai ba bốn năm sáu"
    assert [
        (block.kind, block.level, "".join(run.text for run in block.runs))
        for block in to_blocks(markdown)
    ] == [
        ("text", 0, "Một hai ba"),
        ("bullet", 1, "bốn"),
        ("number", 2, "năm"),
        ("bullet", 1, "sáu"),
    ]


def test_what_slips_through_is_shown_as_text() -> None:
    shown = to_html(
        "<img src=x onerror=alert(1)> [x](javascript:alert(1)) ![y](https://vi.du/a.png)"
    )
    assert "<img src=x" not in shown
    assert "javascript:" not in shown


def test_the_share_edition_has_no_words_of_people() -> None:
    study = sample()
    written = [(year, unit) for year, unit in study.dataset.texts if study.words_of(year, unit)]
    assert {bool(unit) for _, unit in written} == {True, False}
    edition = sample("share")
    assert not any(edition.words_of(*key) for key in written)


def test_words_make_another_state_of_the_data(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(ROOT / "data/sample", folder)
    seen = {digest_folder(folder)}
    (folder / "loi-van/2024.md").write_text("# Nguyên nhân\nKhác.", "utf-8")
    seen.add(digest_folder(folder))
    assert read_dataset(folder)[0].digest in seen
    shutil.rmtree(folder / "loi-van")
    seen.add(digest_folder(folder))
    assert len(seen) == 3


def test_check_names_the_line_and_what_nobody_has_written(
    tmp_path: Path, congdoan: Callable[..., Any]
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(ROOT / "data/sample", folder)
    assert "Lời văn" not in congdoan("check", "--data", folder).out
    (folder / "loi-van/2024.md").write_text("# Nguyên nhân\n\n<b>Mưa</b>\n", "utf-8")
    told = congdoan("check", "--data", folder)
    assert told.status == 1
    assert "loi-van/2024.md, dòng 3" in told.out
    assert "Đặc điểm tình hình; Bài học kinh nghiệm; Kiến nghị, đề xuất" in told.out
