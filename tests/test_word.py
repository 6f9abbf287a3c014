"""The Word report: its numbers are the table's, its layout is the decree's, and nobody's work is lost."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import docx
import pandas as pd
import pytest
from docx.shared import Twips
from shared import sample
from test_site_kit import make_study

import analysis
from analysis.handouts.document import is_edited
from analysis.handouts.word import write_unit, write_year
from analysis.site.build import write_documents
from analysis.site.ledger import Layout, word_file
from analysis.study import Study
from analysis.tables.dictionary import dictionary

CELL_PADDING = Twips(108)  # left and right, Word's own
SCALES = {"": 1, " triệu": 10**6, " tỷ": 10**9}
UNIT = "DN-NUICAM"


@pytest.fixture(scope="module", params=["internal", "share"])
def study(request: pytest.FixtureRequest) -> Study:
    return sample(request.param)


@pytest.fixture(scope="module")
def made(study: Study) -> bytes:
    return write_year(study)


@pytest.fixture(scope="module")
def made_unit(study: Study) -> bytes:
    return write_unit(study, UNIT)


def opened(file: bytes) -> Any:
    return docx.Document(io.BytesIO(file))


def words_of(file: bytes) -> str:
    """Everything that stands in a document, tables too."""
    return "\n".join(
        node.text or "" for node in opened(file).element.iter() if node.tag.endswith("}t")
    )


def table_under(document: Any, heading: str) -> list[list[str]]:
    for table in document.tables:
        rows = [[cell.text for cell in row.cells] for row in table.rows]
        if heading in rows[0]:
            return rows
    raise AssertionError(heading)


def number(text: str) -> Fraction:
    return Fraction(text.replace(".", "").replace(",", "."))


def check_value(shown: str, row: Any) -> None:
    """A figure is the table's, as it is rounded to be shown; what the table lacks is not a number."""
    if pd.isna(row.value):
        assert not re.search(r"\d%|^\d+$", shown), row
    elif shown.endswith("%"):
        step = Fraction(1, 10 ** len(shown[:-1].partition(",")[2]))
        assert abs(number(shown[:-1]) - Fraction(row.value) * 100) <= step, row
    elif re.fullmatch(r"[\d.,]+", shown):
        assert abs(number(shown) - Fraction(row.value)) <= Fraction(1, 20), row


def check_counts(shown: str, row: Any) -> None:
    pair = re.fullmatch(r"([\d.,]+)/([\d.,]+)( tỷ| triệu|)", shown)
    if pair is None:
        assert pd.isna(row.numerator) or pd.isna(row.denominator) or not shown, row
        return
    for text, exact in zip(pair.groups()[:2], (row.numerator, row.denominator), strict=True):
        step = SCALES[pair[3]] // (1 if pair[3] == "" else 10)
        assert abs(number(text) * SCALES[pair[3]] - int(exact)) <= Fraction(step, 2) * bool(pair[3])


@pytest.mark.parametrize("unit", ["", UNIT])
def test_every_number_of_the_table_is_the_indicator_tables(
    study: Study, made: bytes, made_unit: bytes, unit: str
) -> None:
    shown = table_under(opened(made_unit if unit else made), "Mức đặt ra")
    scope = ("unit", unit) if unit else ("district", study.plan.issuer.id)
    rows, before = study.rows(*scope, 2024), study.rows(*scope, 2023)
    known = [i for i in study.plan.catalogue() if i.id in rows]
    lines = [line for line in shown[1:] if len(set(line)) > 1]  # without the sections' headings
    assert [line[1].removeprefix("– ") for line in lines] == [i.title for i in known]
    for line, indicator in zip(lines, known, strict=True):
        check_value(line[2], rows[indicator.id])
        check_counts(line[3], rows[indicator.id])
        if line[6]:
            check_value(line[6], before[indicator.id])


only_internal = pytest.mark.parametrize("study", ["internal"], indirect=True)


@only_internal
def test_the_same_input_makes_the_same_bytes(study: Study, made_unit: bytes) -> None:
    assert write_unit(study, UNIT) == made_unit


@only_internal
@pytest.mark.skipif(shutil.which("soffice") is None, reason="chưa cài LibreOffice")
@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="chưa cài poppler-utils")
def test_libreoffice_opens_it_without_a_word_lost(
    made: bytes, made_unit: bytes, tmp_path: Path
) -> None:
    files = {"year": made, "unit": made_unit}
    for name, file in files.items():
        (tmp_path / f"{name}.docx").write_bytes(file)
    profile = (tmp_path / "profile").as_uri()
    command = ["soffice", f"-env:UserInstallation={profile}", "--headless", "--convert-to", "pdf"]
    places = [f"{name}.docx" for name in files]
    subprocess.run([*command, *places], cwd=tmp_path, check=True, capture_output=True)
    for name, file in files.items():
        command = ["pdftotext", "-layout", f"{name}.pdf", "-"]
        shown = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout
        # Laid out, as else words that a line breaks at their hyphen would be joined.
        told = Counter(re.findall(r"\w+", shown.decode()))
        lost = Counter(re.findall(r"\w+", words_of(file))) - told
        assert not lost, (name, lost)
        (signed,) = (page for page in shown.decode().split("\f") if "Nơi nhận" in page)
        assert re.search(r"[^\W\d]", signed.partition("Nơi nhận")[0]), (
            name
        )  # not alone on its sheet


def test_the_page_is_the_decrees(made: bytes) -> None:
    document = opened(made)
    first = document.sections[0]
    assert [round(side.mm) for side in (first.page_width, first.page_height)] == [210, 297]
    for margin, (least, most) in {
        "top_margin": (20, 25),
        "bottom_margin": (20, 25),
        "left_margin": (30, 35),
        "right_margin": (15, 20),
    }.items():
        assert least <= round(getattr(first, margin).mm) <= most, margin
    used = {p.style.name for p in document.paragraphs}
    for style in (document.styles[name] for name in used if name != "Normal"):
        assert style.font.name == "Times New Roman", style.name
    text = words_of(made)
    for part in ("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc", "DỰ THẢO"):
        assert part in text


def test_a_tables_header_comes_again_and_a_picture_is_described(study: Study, made: bytes) -> None:
    document = opened(made)
    grids = [table for table in document.tables if table.style.name == "Table Grid"]
    # Types, decisions, indicators, tasks, who has not reported; for the office, who has no union.
    assert len(grids) == (6 if study.params.edition == "internal" else 5)
    for table in grids:
        assert table.rows[0]._tr.trPr.find(docx.oxml.ns.qn("w:tblHeader")) is not None
    pictures = document.inline_shapes
    assert len(pictures) > 1
    assert all(picture._inline.docPr.get("descr") for picture in pictures)
    # A mark is explained beneath each picture as in the page's legend.
    captions = [p.text for p in document.paragraphs if p.style.name == "Caption"]
    figures = [text for text in captions if text.startswith("Hình ")]
    assert all(re.search(r"\. [●✖◇□*] \w[^.]*\.$", text) for text in figures)
    assert "✖ Chưa đạt" in figures[0]
    for picture in pictures:  # a cell cuts off what is wider than it, less its padding
        (cell,) = picture._inline.xpath("ancestor::w:tc")
        assert picture.width <= cell.width - 2 * CELL_PADDING
        assert {picture._inline.get(f"dist{side}") for side in "LR"} == {"0"}


def test_it_says_what_the_plan_and_people_say(study: Study, made: bytes) -> None:
    text = words_of(made)
    for line in (*study.plan.legal_bases, *study.plan.recipients, study.plan.source):
        assert line in text
    for heading in ("I. Lãnh đạo", "II. Kết quả", "III. Đánh giá", "IV. Phương hướng"):
        assert heading in text
    is_internal = study.params.edition == "internal"
    for word, heading in dictionary().words["statement"].items():
        # The circumstances are computed in any case; the rest is people's alone.
        assert (heading in text) is (is_internal or word == "circumstances")
    units = study.expected_units(2024)
    for name in units.loc[~units["has_return"], "name"]:
        assert str(name) in text
    listed = re.search(r"\(danh sách ở “(.+?)”\)", text)
    assert listed is not None
    assert re.search(rf"Phụ lục [IV]+\. {listed[1]}", text)  # a reader of the paper finds it


def test_it_weighs_as_the_page_does_and_says_who_needs_help(study: Study, made: bytes) -> None:
    text, report = words_of(made), analysis.year(study, 2024)
    needy, paths = report.need(), report.paths()
    assert needy
    assert paths
    for line in (*report.weigh(), *(one["name"] for one in needy)):
        assert line in text
    described = [p._inline.docPr.get("descr") for p in opened(made).inline_shapes]
    assert sum("lộ trình" in (one or "") for one in described) == len(paths)
    is_internal = study.params.edition == "internal"
    assert any(one["said"] for one in needy) is is_internal
    for line in (line for one in needy for line in one["said"]):
        assert line in text
    table = analysis.year(sample(), 2024).table_without_union()
    assert table is not None
    assert all((row[0] in text) is is_internal for row in table["rows"])


def test_a_district_that_ended_signs_nothing() -> None:
    study = sample(year=2025)
    report = analysis.year(study, 2025)
    made = write_year(study)
    assert "Sơ kết năm 2025" in words_of(made)
    document = opened(made)
    ends = [table.rows[0].cells[-1].text for table in document.tables]
    (signed,) = (text.splitlines() for text in ends if "TM. BAN THƯỜNG VỤ" in text)
    assert report.heirs == list(study.dataset.description.parents.values())
    assert [line for line in signed if line.startswith("CÔNG ĐOÀN")] == [
        name.upper() for name in report.heirs
    ]
    head = document.tables[0].rows[0].cells[0].text
    assert study.plan.issuer.name.upper() not in head
    assert study.plan.issuer.superior.upper() in head


def test_notes_are_for_the_office_alone(study: Study, made: bytes, made_unit: bytes) -> None:
    tables = sample().dataset.tables
    notes = [note for name in ("tasks", "returns") for note in tables[name]["note"].dropna()]
    text = words_of(made_unit) + words_of(made)
    shown = [note for note in notes if note in text]
    assert bool(shown) is (study.params.edition == "internal")


def test_a_first_year_has_a_report() -> None:
    assert "Sơ kết năm 2022" in words_of(write_year(sample(year=2022)))


def test_a_report_changed_in_word_is_never_lost(tmp_path: Path) -> None:
    study = make_study(tmp_path / "data", ("DN-DABAN",))
    layout = Layout(tmp_path / "2024")
    write_documents(study, layout, None, asked=False)
    assert not layout.site.exists()
    write_documents(study, layout, ["DN-DABAN"], asked=True)
    year, unit = (layout.file(word_file(2024, key)) for key in ("", "DN-DABAN"))
    before = year.read_bytes(), unit.read_bytes()

    assert not is_edited(year)
    document = docx.Document(str(year))
    document.add_paragraph("Ban Thường vụ thêm.")
    document.save(str(year))
    mine = year.read_bytes()
    assert is_edited(year)
    write_documents(study, layout, None, asked=False)
    assert (year.read_bytes(), unit.read_bytes()) == (mine, before[1])

    write_documents(study, layout, None, asked=True)
    assert year.read_bytes() == before[0]
    assert year.with_name("bao-cao-2024.da-sua-1.docx").read_bytes() == mine
