"""``congdoan indicators``: the table on standard output and in files."""

from __future__ import annotations

import csv
import io
import string
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import openpyxl
import pandas as pd
import pytest
from conftest import Run
from oracle import COLUMNS, SCOPES
from test_engine_worked import assert_same, expected_rows, read_rows

from analysis.plan import Plan

Congdoan = Callable[..., Run]

YEAR = 2025


@pytest.fixture(scope="module")
def folder(worked_folder: Path) -> Path:
    return worked_folder / "small"


def rows_of(run: Run) -> list[dict[str, str]]:
    assert (run.status, run.err) == (0, "")
    return list(csv.DictReader(io.StringIO(run.out, newline="")))


@pytest.mark.parametrize(("name", "year"), [("small", 2022), ("small", 2025), ("dissolved", 2026)])
def test_standard_output_is_the_table_of_the_contract(
    congdoan: Congdoan, worked_folder: Path, plan: Plan, name: str, year: int
) -> None:
    run = congdoan("indicators", "--year", year, "--data", worked_folder / name)
    assert_same(rows_of(run), expected_rows(worked_folder / name, year, plan))


def test_the_bytes_are_utf8_without_a_mark_and_lines_end_in_lf(
    folder: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    from analysis.cli import main

    arguments = ["indicators", "--year", str(YEAR), "--data", str(folder)]
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 0
    printed = capfdbinary.readouterr().out
    assert printed.startswith(",".join(COLUMNS).encode() + b"\n")
    assert b"\r" not in printed
    assert printed.endswith(b"\n")
    assert "Hướng Phùng".encode() in printed
    with pytest.raises(SystemExit):
        main([*arguments, "--out", str(tmp_path / "table.csv")])
    assert (tmp_path / "table.csv").read_bytes() == printed


def test_decimals_are_in_the_shortest_form_that_round_trips(
    congdoan: Congdoan, folder: Path
) -> None:
    rows = rows_of(congdoan("indicators", "--year", YEAR, "--data", folder))
    cells = [
        row[name] for row in rows for name in ("value", "lower", "upper", "breakeven") if row[name]
    ]
    assert all(cell == repr(float(cell)) for cell in cells)
    assert "1.0" in cells
    counts = {row[name] for row in rows for name in ("numerator", "denominator", "slack")}
    assert all(cell == "" or cell == str(int(cell)) for cell in counts)


@pytest.mark.parametrize(
    "by",
    [
        "commune",
        "unit,district",
        "parent, unit_type",
        ",".join(SCOPES),
    ],
)
def test_by_shows_only_these_scopes_in_the_tables_own_order(
    congdoan: Congdoan, folder: Path, plan: Plan, by: str
) -> None:
    run = congdoan("indicators", "--year", YEAR, "--by", by, "--data", folder)
    scopes = {word.strip() for word in by.split(",")}
    wanted = [row for row in expected_rows(folder, YEAR, plan) if row["scope"] in scopes]
    assert_same(rows_of(run), wanted)


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".xlsx"])
def test_out_writes_the_form_that_the_ending_says(
    congdoan: Congdoan, folder: Path, plan: Plan, tmp_path: Path, ending: str
) -> None:
    target = tmp_path / f"table{ending}"
    form = ["--may"] if ending == ".xlsx" else []
    run = congdoan("indicators", "--year", YEAR, "--data", folder, "--out", target, *form)
    assert (run.status, run.out) == (0, "")
    assert str(len(expected_rows(folder, YEAR, plan))) in run.err
    assert_same(READERS[ending](target), expected_rows(folder, YEAR, plan))


def test_a_workbook_for_people_has_headings_names_and_percents(
    congdoan: Congdoan, folder: Path, plan: Plan, tmp_path: Path
) -> None:
    target = tmp_path / "table.xlsx"
    run = congdoan("indicators", "--year", YEAR, "--data", folder, "--out", target)
    assert (run.status, run.out) == (0, "")
    sheet = openpyxl.load_workbook(target).active
    rows = list(sheet.iter_rows())
    heads = next(n for n, row in enumerate(rows) if row[0].value == "Mã chỉ tiêu")
    names = [cell.value for cell in rows[heads]]
    assert {"Chỉ tiêu", "Tên", "Kết quả", "Đánh giá", "Mức đặt ra"} <= set(names)
    assert len(rows) - heads - 1 == len(expected_rows(folder, YEAR, plan))
    fractions = {item.id for item in plan.catalogue() if item.is_fraction}
    place = names.index("Kết quả")
    for row, expected in zip(rows[heads + 1 :], expected_rows(folder, YEAR, plan), strict=True):
        if expected["value"]:
            assert row[place].value == pytest.approx(float(expected["value"]))
            assert ("%" in row[place].number_format) == (expected["indicator"] in fractions)
    assert sheet.freeze_panes == f"A{heads + 2}"
    assert sheet.auto_filter.ref


def read_parquet(path: Path) -> list[dict[str, str]]:
    frame = pd.read_parquet(path)
    assert frame["numerator"].dtype == "Int64"
    assert frame["value"].dtype == "float64"
    text = io.StringIO(frame.to_csv(index=False), newline="")
    return list(csv.DictReader(text))


def read_sheet(path: Path) -> list[dict[str, str]]:
    """The cells of a workbook's first sheet, taken from its XML."""
    with zipfile.ZipFile(path) as book:
        strings = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    words = ["".join(item.itertext()) for item in strings.iter(f"{SHEET}si")]
    rows = []
    for row in sheet.iter(f"{SHEET}row"):
        cells = dict.fromkeys(string.ascii_uppercase[: len(COLUMNS)], "")
        for cell in row.iter(f"{SHEET}c"):
            value = cell.findtext(f"{SHEET}v") or ""
            letter = cell.attrib["r"].rstrip(string.digits)
            cells[letter] = words[int(value)] if cell.get("t") == "s" else value
        rows.append(list(cells.values()))
    header, *body = rows
    return [dict(zip(header, cells, strict=True)) for cells in body]


SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
READERS: dict[str, Callable[[Path], list[dict[str, str]]]] = {
    ".csv": read_rows,
    ".parquet": read_parquet,
    ".xlsx": read_sheet,
}


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_the_same_input_gives_the_same_bytes(
    congdoan: Congdoan, folder: Path, tmp_path: Path, ending: str
) -> None:
    targets = [tmp_path / f"{name}{ending}" for name in ("one", "two")]
    for target in targets:
        congdoan("indicators", "--year", YEAR, "--data", folder, "--out", target)
    assert targets[0].read_bytes() == targets[1].read_bytes()


def test_another_plan_gives_its_own_table(
    congdoan: Congdoan, folder: Path, other_plan_file: Path
) -> None:
    arguments = ["--year", YEAR, "--data", folder, "--plan", other_plan_file]
    rows = rows_of(congdoan("indicators", *arguments))
    assert {row["scope_id"] for row in rows if row["scope"] == "district"} == {"LDLD-TINH"}
    assert {row["indicator"] for row in rows} >= {"founded_25", "guild_welfare", "partners"}


def test_a_params_file_of_ones_own_names_data_and_plan(
    congdoan: Congdoan, folder: Path, other_plan_file: Path, tmp_path: Path
) -> None:
    text = f"data: '{folder.as_posix()}'\nplan: '{other_plan_file.as_posix()}'\n"
    (tmp_path / "mine.yaml").write_text(text, "utf-8")
    one = congdoan("indicators", "--year", YEAR, "--params", tmp_path / "mine.yaml")
    other = congdoan("indicators", "--year", YEAR, "--data", folder, "--plan", other_plan_file)
    assert rows_of(one) == rows_of(other)


def test_a_workbook_may_be_in_another_language(
    congdoan: Congdoan, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "table.xlsx"
    asked = ("indicators", "--year", str(YEAR), "--data", str(folder), "--out", str(out))
    assert congdoan(*asked, "--lang", "en").status == 0
    sheet = openpyxl.load_workbook(out).active
    assert sheet is not None
    assert "Verdict" in {cell for row in sheet.iter_rows(values_only=True) for cell in row}
    refused = congdoan(*asked, "--lang", "xx")
    assert refused.status == 1
    assert "xx" in refused.err
