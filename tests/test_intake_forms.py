"""The forms that go out: what they ask, and that what a person fills in comes back cell by cell."""

from __future__ import annotations

import csv
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import openpyxl
import pytest
from cases import CASES
from conftest import ROOT, Run

import analysis
from analysis.intake import forms, read_delivery
from analysis.intake.forms import write_forms
from analysis.intake.writings import form_texts
from analysis.problems import InputError
from analysis.study import Study
from analysis.tables.delivery import Delivery
from analysis.tables.dictionary import Column, dictionary

YEAR = 2024
#: By their names one stands before the district's workbook and one after it.
CHOSEN = ("DN-DABAN", "TT-KHESANH")
Rows = list[dict[str, str]]


@cache
def few() -> set[str]:
    """Two of each type of the hundred unions of the year, and some that have not returned anything."""
    register = [row for row in sample_rows("roster") if row["year"] == str(YEAR)]
    returned = {row["unit_id"] for row in sample_rows("returns") if row["year"] == str(YEAR)}
    kinds: dict[str, list[str]] = {"": list(CHOSEN)}
    for row in register:
        kinds.setdefault(row["unit_type"], []).append(row["unit_id"])
    silent = [row["unit_id"] for row in register if row["unit_id"] not in returned]
    return {unit for units in (*kinds.values(), silent) for unit in units[:2]}


def sample_rows(table: str) -> Rows:
    """The sample's own CSV file, read by nothing of ours."""
    with (ROOT / "data" / "sample" / f"{table}.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def rows_of(table: str, year: int = YEAR) -> Rows:
    """A year's rows; of the year of the forms those about `few` unions."""
    rows = sample_rows(table)
    if table == "lineage":
        return [row for row in rows if row["date"].startswith(str(year))]
    ours = {"", *few()}
    return [
        row
        for row in rows
        if row["year"] == str(year) and (year != YEAR or row.get("unit_id", "") in ours)
    ]


def unit_of(path: Path) -> str:
    return path.name.partition("_")[0]


def settled(table: str, unit_id: str | None = None) -> dict[str, int]:
    """The facts of a unit, or of the district, that the plan asks once, and since when it has them."""
    found: dict[str, int] = {}
    for year in range(2022, YEAR):
        for row in rows_of(table, year):
            if unit_id in (None, row.get("unit_id")):
                done = [n for n in ("plan_made", "plan_disseminated") if row[n] == "true"]
                found = {**dict.fromkeys(done, year), **found}
    return found


# A person at the keyboard


def typed(text: str, column: Column, turn: int) -> object:
    """What a person would type, never twice the same way."""
    kind = column.type.name
    if kind in ("count", "money"):
        grouped = f"{int(text):,}".replace(",", ".")
        return (int(text), grouped, float(text), f" {text} ")[turn % 4]
    if kind == "boolean":
        return {"true": ("Có", "có", "x", "Rồi"), "false": ("Không", "chưa", "KHÔNG", "Chưa có")}[
            text
        ][turn % 4]
    if kind == "word":
        label = dictionary().words[column.word_list][text]
        return (label, label.upper(), text)[turn % 3]
    if kind == "date":
        day = date.fromisoformat(text)
        return (day, text, f"{day.day} tháng {day.month} năm {day.year}")[turn % 3]
    return text


def fill_form(path: Path, sheet: str, cells: dict[str, str], table: str) -> None:
    """Write into «Số lượng» beside each line's own words."""
    workbook = openpyxl.load_workbook(path)
    page = workbook[sheet]
    header = next(row for row in page.iter_rows() if row[0].value == "TT")
    figure = next(cell.column for cell in header if cell.value == "Số lượng")
    columns = {
        column.vi: column
        for name in (table, "roster")
        for column in dictionary().tables[name].columns.values()
    }
    for turn, row in enumerate(page.iter_rows(min_row=header[0].row + 1)):
        column = columns.get(str(row[1].value))
        is_asked = isinstance(row[0].value, int) and row[-1].value is not None
        if column is not None and is_asked and cells.get(column.name):
            page.cell(row[0].row, figure).value = typed(cells[column.name], column, turn)
    workbook.save(path)


def fill_register(path: Path, sheet: str, table: str, rows: Rows) -> None:
    """Write every cell of a register that is still empty."""
    workbook = openpyxl.load_workbook(path)
    page = workbook[sheet]
    columns = {column.vi: column for column in dictionary().tables[table].columns.values()}
    header = next(row for row in page.iter_rows() if row[1].value in columns)
    for line, row in enumerate(rows, start=header[0].row + 1):
        for place, heading in enumerate(header, start=1):
            column = columns[str(heading.value)]
            cell = page.cell(line, place)
            if cell.value is None and row[column.name]:
                cell.value = typed(row[column.name], column, line)
    workbook.save(path)


# What comes back


def records_in(delivery: Delivery) -> Iterator[tuple[str, dict[str, str]]]:
    for records in delivery.records:
        for row in records.text.to_dict("records"):
            yield records.table, {str(name): str(cell) for name, cell in row.items()}


def read(path: Path) -> Delivery:
    delivery, problems = read_delivery(path, year=YEAR)
    assert delivery is not None, [str(problem) for problem in problems]
    return delivery


@pytest.fixture(scope="module")
def study() -> Study:
    study = analysis.load(YEAR)
    tables = {
        name: frame[
            (frame["year"] != YEAR) | frame["unit_id"].isin(few()) | frame["unit_id"].isna()
        ]
        for name, frame in study.dataset.tables.items()
        if name in ("roster", "returns", "employers")
    }
    dataset = replace(study.dataset, tables={**study.dataset.tables, **tables})
    return replace(study, dataset=dataset)


@pytest.fixture(scope="module")
def written(study: Study, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_forms(study, tmp_path_factory.mktemp("forms"), YEAR)


@pytest.fixture(scope="module")
def filled(written: list[Path]) -> list[Path]:
    """Forms as they come back: the district's workbook first."""
    district, *units = written
    own = {row["unit_id"]: row for row in rows_of("roster")}
    returns = {row["unit_id"]: row for row in rows_of("returns")}
    for path in units:
        unit = unit_of(path)
        fill_form(path, "Báo cáo", {**returns.get(unit, {}), **own[unit]}, "returns")
    fill_form(district, "Số liệu của cơ quan", rows_of("district")[0], "district")
    fill_register(district, "Danh sách CĐCS", "roster", rows_of("roster"))
    fill_register(district, "Người sử dụng lao động", "employers", rows_of("employers"))
    fill_register(district, "Biến động tổ chức", "lineage", rows_of("lineage"))
    return [district, *units]


def test_every_unit_expected_has_a_form(study: Study, written: list[Path]) -> None:
    assert [unit_of(path) for path in written[1:]] == list(study.expected_units(YEAR).index)


def test_filled_unit_forms_give_the_very_tables(filled: list[Path]) -> None:
    roster = {row["unit_id"]: row for row in rows_of("roster")}
    returns = {row["unit_id"]: row for row in rows_of("returns")}
    for path in filled[1:]:
        found = dict(records_in(read(path)))
        unit = unit_of(path)
        assert found["roster"] == roster[unit]
        if unit not in returns:  # a form without a figure is no return
            assert "returns" not in found
            continue
        # What the plan does not ask of this type is empty in the table, and no line of the form;
        # what was done once is no line either.
        truth = returns[unit] | dict.fromkeys(settled("returns", unit), "")
        assert {name: "" for name in truth} | found["returns"] == truth


def test_some_units_have_not_returned_anything(filled: list[Path]) -> None:
    """So the test above has seen both."""
    returned = {row["unit_id"] for row in rows_of("returns")}
    assert 0 < sum(unit_of(path) not in returned for path in filled[1:]) < len(filled) - 1


def test_filled_district_workbook_gives_the_very_tables(filled: list[Path]) -> None:
    found: dict[str, Rows] = {}
    for table, row in records_in(read(filled[0])):
        found.setdefault(table, []).append(row)
    for table in ("roster", "employers", "district", "lineage"):
        # A register's column that nobody filled in says nothing; here it is empty in the sample too.
        said = [{name: row.get(name, "") for name in rows_of(table)[0]} for row in found[table]]
        once = dict.fromkeys(settled("district"), "") if table == "district" else {}
        assert said == [row | once for row in rows_of(table)], table


def test_address_of_a_figure_is_the_cell_that_was_typed_into(filled: list[Path]) -> None:
    page = openpyxl.load_workbook(filled[1])["Báo cáo"]
    returns = next(one for one in read(filled[1]).records if one.table == "returns")
    cell = page[returns.address("fund_due", returns.text.index[0])]
    assert page.cell(cell.row, 2).value == "Kinh phí công đoàn phải thu"
    assert page.cell(cell.row, 4) is cell


def test_forms_survive_another_program(filled: list[Path], tmp_path: Path) -> None:
    """LibreOffice opens them without a word and saves them; nothing is lost on the way."""
    both = [shutil.copy(path, tmp_path) for path in filled[:2]]
    profile = (tmp_path / "profile").as_uri()
    command = ["soffice", f"-env:UserInstallation={profile}", "--headless", "--convert-to", "ods"]
    done = subprocess.run(
        [*command, "--outdir", str(tmp_path), *map(str, both)],
        check=True,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert "Error" not in done.stdout + done.stderr
    for path in both:
        before = list(records_in(read(Path(path))))
        assert list(records_in(read(Path(path).with_suffix(".ods")))) == before


def clear_counts(path: Path) -> None:
    workbook = openpyxl.load_workbook(path)
    page = workbook["Danh sách CĐCS"]
    header = next(row for row in page.iter_rows() if row[0].value == "Mã CĐCS")
    for heading in header[-4:]:
        for row in range(header[0].row + 1, page.max_row + 1):
            page.cell(row, heading.column).value = None
    workbook.save(path)


def test_forms_and_the_register_of_one_import_go_together(
    filled: list[Path], congdoan: Callable[..., Run], tmp_path: Path
) -> None:
    """The district's workbook says who the units are, their own forms how many belong to them."""
    data, sent = tmp_path / "data", tmp_path / "sent"
    shutil.copytree(ROOT / "data" / "sample", data, ignore=shutil.ignore_patterns("loi-van"))
    for table in ("roster", "returns", "employers", "district", "lineage"):
        lines = (data / f"{table}.csv").read_text("utf-8").splitlines(keepends=True)
        kept = (line for line in lines if not line.startswith(str(YEAR)))
        (data / f"{table}.csv").write_text("".join(kept), "utf-8")
    sent.mkdir()
    own = {row["unit_id"]: row for row in rows_of("roster")}
    chosen = [path for path in filled[1:] if unit_of(path) in CHOSEN]
    district, *_ = [Path(shutil.copy(path, sent)) for path in (filled[0], *chosen)]
    clear_counts(district)
    done = congdoan("import", sent, "--data", data, "--year", YEAR)
    assert done.status == 0, done.err
    out = tmp_path / "out"
    assert congdoan("export", "--data", data, "--out", out).status == 0
    with (out / "roster.csv").open(encoding="utf-8") as lines:
        found = {row["unit_id"]: row for row in csv.DictReader(lines) if row["year"] == str(YEAR)}
    for path in chosen:
        assert found[unit_of(path)] == own[unit_of(path)]
    with (out / "returns.csv").open(encoding="utf-8") as lines:
        back = [row["unit_id"] for row in csv.DictReader(lines) if row["year"] == str(YEAR)]
    assert sorted(back) == sorted(unit_of(path) for path in chosen)


# What a form asks


@pytest.mark.parametrize(
    ("unit_type", "column", "asked"),
    [
        ("public_service", "agreement_in_force", False),
        ("private_enterprise", "agreement_in_force", True),
        ("trade_guild", "agreement_in_force", False),
        ("private_enterprise", "womens_committee", True),
        ("cooperative", "womens_committee", False),
        ("public_service", "conference_held", True),
        ("private_enterprise", "dialogue_held", True),
        ("public_service", "dialogue_held", False),
        ("trade_guild", "members_female", True),
        ("trade_guild", "party_admitted", True),
    ],
)
def test_lines_follow_from_the_plan(study: Study, unit_type: str, column: str, asked: bool) -> None:
    tables = dictionary().tables
    names = [
        one.name
        for table in ("roster", "returns")
        for one in forms.columns_for(tables[table], unit_type, study.plan)
    ]
    assert (column in names) is asked


def test_cells_to_fill_are_open_and_have_rules_and_the_rest_is_locked(filled: list[Path]) -> None:
    page = openpyxl.load_workbook(filled[1])["Báo cáo"]
    marker = form_texts()["marker"]
    header = next(row for row in page.iter_rows() if row[-1].value == marker)
    assert page.protection.sheet
    assert page.column_dimensions["G"].hidden
    rules = {str(rule.sqref): rule for rule in page.data_validations.dataValidation}
    lines = [row for row in page.iter_rows(min_row=header[0].row + 1) if row[-1].value]
    lines = [row for row in lines if row[-1].value != form_texts()["paper"]["marker"]]
    assert len(lines) > 25
    for row in lines:
        assert not row[3].protection.locked
        assert row[1].protection.locked
        assert rules[row[3].coordinate].error
    for row in page.iter_rows(max_row=header[0].row):
        assert all(cell.protection.locked for cell in row)


def test_what_was_done_once_is_shown_with_its_year_and_not_asked_again(
    filled: list[Path],
) -> None:
    asked_anew = 0
    for path in filled:
        is_unit = path != filled[0]
        page = openpyxl.load_workbook(path)["Báo cáo" if is_unit else "Số liệu của cơ quan"]
        since = settled("returns", unit_of(path)) if is_unit else settled("district")
        for name in ("plan_made", "plan_disseminated"):
            column = dictionary().tables["returns"].columns[name]
            line = next(row for row in page.iter_rows() if row[1].value == column.vi)
            if name in since:
                assert line[4].value == f"đã có từ năm {since[name]}"
                assert all(cell.protection.locked for cell in line)
                assert line[3].value is None
                assert line[-1].value is None
            else:
                asked_anew += 1
                assert not line[3].protection.locked
                assert line[-1].value.endswith(f".{name}")
    assert asked_anew
    assert any(settled("returns", unit_of(path)) for path in filled[1:])


def test_last_year_stands_beside_for_comparison(study: Study, filled: list[Path]) -> None:
    page = openpyxl.load_workbook(filled[1])["Báo cáo"]
    before = study.cells(unit_of(filled[1]), YEAR - 1)
    shown = {row[1].value: row[4].value for row in page.iter_rows() if row[4].value is not None}
    assert shown["Tổng số CNVCLĐ"] == before["workers_total"]
    assert shown["Đã công khai tài chính công đoàn"] == (
        "Có" if before["finance_disclosed"] else "Không"
    )


def test_remarks_beside_the_lines_are_kept_in_the_note(filled: list[Path], tmp_path: Path) -> None:
    path = Path(shutil.copy(filled[1], tmp_path))
    workbook = openpyxl.load_workbook(path)
    page = workbook["Báo cáo"]
    row = next(cell.row for cell in page["B"] if cell.value == "Đoàn phí đã thu")
    page.cell(row, 6).value = "Còn nợ quý IV"
    workbook.save(path)
    found = dict(records_in(read(path)))
    before = dict(records_in(read(filled[1])))["returns"]["note"]
    assert found["returns"]["note"] == "\n".join(
        filter(None, [before, "Đoàn phí đã thu: Còn nợ quý IV"])
    )


def test_a_year_without_a_roster_takes_the_last_one(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "_unit_book", lambda *_: b"")  # whose they are is asked here
    paths = write_forms(study, tmp_path, 2027)
    assert [unit_of(path) for path in paths[1:]] == list(study.expected_units(2025).index)
    assert all(path.stem.endswith("_2027") and path.name.isascii() for path in paths)


def test_no_form_before_the_first_roster(study: Study, tmp_path: Path) -> None:
    with pytest.raises(InputError) as failure:
        write_forms(study, tmp_path, 2001)
    assert [problem.code for problem in failure.value.problems] == ["no_roster"]


def test_forms_never_overwrite_what_may_be_filled_in(
    congdoan: Callable[..., Run], tmp_path: Path
) -> None:
    command = ("template", "--year", 2025, "--data", CASES / "_base", "--out", tmp_path)
    first = congdoan(*command)
    assert first.status == 0
    assert "13 tệp" in first.out
    kept = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(kept) == 13
    again = congdoan(*command)
    assert again.status == 1
    assert "có thể đã được điền" in again.err
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == kept


def test_same_data_gives_the_same_bytes(study: Study) -> None:
    units, _ = forms._units(study, 2025)
    one, other = (forms._unit_book(study, 2025, units.iloc[0]) for _ in range(2))
    assert one == other


def test_who_filled_a_form_in_and_signs_it_stays_on_paper(
    filled: list[Path], tmp_path: Path
) -> None:
    path = Path(shutil.copy(filled[1], tmp_path))
    before = [*records_in(read(path))]
    workbook = openpyxl.load_workbook(path)
    page = workbook["Báo cáo"]
    (first,) = [
        row[0].row for row in page.iter_rows() if row[-1].value == form_texts()["paper"]["marker"]
    ]
    texts = [str(cell.value) for row in page.iter_rows(min_row=first) for cell in row if cell.value]
    for asked in ("Người lập biểu:", "Điện thoại:", "CHỦ TỊCH"):
        assert asked in texts
    for row, text in enumerate(("Trần Thị Giữ Kín", "0912345678")):
        assert not page.cell(first + row, 3).protection.locked
        page.cell(first + row, 3).value = text
    page.cell(first + 5, 6).value = "Nguyễn Văn Chủ Tịch"
    workbook.save(path)
    delivery, problems = read_delivery(path, year=YEAR)
    assert delivery is not None
    assert [*records_in(delivery)] == before
    assert not [problem for problem in problems if "Kín" in str(problem)]
