"""What goes back to those who sent the files: a list, and copies with the wrong cells marked."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import openpyxl
import pytest
from test_intake_files import as_csv, put, workbook

from analysis.intake import read_delivery, write_error_lists
from analysis.problems import Problem


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, list[Problem]]:
    """Two workbooks of the same name with wrong cells, a text table, and one that is broken."""
    folder = tmp_path_factory.mktemp("sent")
    evil = "<img src=x onerror=alert(1)>"
    files = {
        folder / "a" / "b.xlsx": workbook(put(C2="NA", F3=evil)),
        folder / "c" / "b.xlsx": workbook(put(H2=-1)),
        folder / "t.csv": as_csv(",", "utf-8").replace(b"12", b"1E3"),
        folder / "broken.xlsx": workbook()[:1000],
        folder / "good.xlsx": workbook(),
    }
    for path, content in files.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    return {path: read_delivery(path)[1] for path in files}


class Page(HTMLParser):
    """Every tag with its attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_page_lists_every_problem_and_runs_nothing(
    sent: dict[Path, list[Problem]], tmp_path: Path
) -> None:
    page = Page(write_error_lists(sent, tmp_path)[0].read_text("utf-8"))
    names = [tag for tag, _ in page.tags]
    assert ("html", {"lang": "vi"}) in page.tags
    assert "img" not in names
    assert "script" not in names
    policy = next(attrs["content"] for tag, attrs in page.tags if "http-equiv" in attrs)
    assert policy is not None
    assert "default-src 'none'" in policy
    assert names.count("caption") == names.count("table") == 4
    assert all(attrs.get("scope") for tag, attrs in page.tags if tag == "th")
    for problems in sent.values():
        for problem in problems:
            assert problem.message in page.text
            assert problem.cell in page.text
    assert "Số người được tuyên truyền" in page.text
    assert "5 lỗi, 0 cảnh báo trong 4 tệp" in page.text
    assert not re.search(r"https?://|/tmp/", page.text)


def test_copies_mark_the_cells_and_leave_the_originals_alone(
    sent: dict[Path, list[Problem]], tmp_path: Path
) -> None:
    before = {path: path.read_bytes() for path in sent}
    written = write_error_lists(sent, tmp_path)
    assert [path.name for path in written] == [
        "danh-sach-loi.html",
        "b_danh-dau-loi.xlsx",
        "b_2_danh-dau-loi.xlsx",
    ]
    page = openpyxl.load_workbook(written[1])["Số liệu"]
    marked = {cell.coordinate: cell for row in page.iter_rows() for cell in row if cell.comment}
    assert sorted(marked) == ["C2", "F3"]
    assert "để trống nếu chưa có số liệu" in marked["C2"].comment.text
    assert marked["C2"].fill.fgColor.rgb == "FFFFB3B3"
    assert marked["C2"].value == "NA"
    assert page["C3"].fill.fill_type is None
    assert {path: path.read_bytes() for path in sent} == before


def test_nothing_wrong_writes_nothing(sent: dict[Path, list[Problem]], tmp_path: Path) -> None:
    good = {path: found for path, found in sent.items() if not found}
    assert [path.name for path in good] == ["good.xlsx"]
    assert write_error_lists(good, tmp_path / "none") == []
    assert not (tmp_path / "none").exists()
