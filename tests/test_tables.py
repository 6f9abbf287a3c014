"""What must hold in a dataset: every rule names file, row, column, value and what would be right."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from datasets import HEADERS, Tables, copied, filled, write_tables

from analysis.problems import InputError, Problem
from analysis.tables.check import check_dataset
from analysis.tables.dictionary import dictionary
from analysis.tables.load import load_dataset, read_dataset

Cells = dict[str, Any]

UNIT: Cells = {
    **{"year": 2024, "unit_id": "U1", "name": "CĐCS Một", "unit_type": "private_enterprise"},
    **{"commune": "Khe Sanh", "workers_total": 50, "workers_female": 20},
    **{"members_total": 40, "members_female": 15, "informed": 50, "resolution_informed": 50},
    **{"plan_made": True, "hardship_members": 10, "hardship_supported": 10},
    **{"culture_members": 40, "welfare_members": 40, "party_introduced": 3, "party_admitted": 2},
    **{"new_members": 5, "grade": "good", "cadres_total": 6, "cadres_trained": 6},
    **{"fund_due": 90_000_000, "fund_collected": 80_000_000},
    **{"fund_allocated": 60_000_000, "dues_due": 30_000_000, "dues_collected": 30_000_000},
    "finance_disclosed": True,
}
EMPLOYER: Cells = {
    **{"year": 2024, "employer_id": "E1", "name": "Công ty", "employer_type": "fdi_enterprise"},
    **{"commune": "Lao Bảo", "workers_total": 30, "workers_gathered": 3},
}
DISTRICT: Cells = {"year": 2024, "inspections": 3, "cadres_total": 4, "cadres_trained": 4}
EVENT: Cells = {"date": "2024-03-01", "event": "founded", "successor_id": "U1", "share": "0.5"}

ON_REGISTER = "tính người có trong sổ vào ngày chốt số liệu, mỗi người một lần"


def sound_tables() -> Tables:
    """One row of everything, nearly every figure at its limit, and nothing wrong with it."""
    cells = {"employers": EMPLOYER, "district": DISTRICT, "lineage": EVENT}
    return {name: [filled(name, cells.get(name, UNIT))] for name in HEADERS}


def problems_of(tables: Tables, folder: Path) -> list[Problem]:
    dataset, problems = read_dataset(write_tables(tables, folder))
    return problems + check_dataset(dataset)


def errors_of(tables: Tables, folder: Path) -> list[Problem]:
    return [problem for problem in problems_of(tables, folder) if problem.severity == "error"]


def with_cell(table: str, column: str, value: str) -> Tables:
    tables = sound_tables()
    tables[table][0][column] = value
    return tables


def place(problem: Problem) -> tuple[str, int | None, str, str]:
    return problem.file, problem.row, problem.column, problem.value


def errors_by_case(cases: list[Any], folder: Path) -> list[list[Problem]]:
    """Read one dataset with a unit for every case (table, column, value, ...), a row in each table.

    The first case stands in row 2 of every table, the next one in row 3.
    """
    tables: Tables = {name: [] for name in HEADERS}
    for position, (table, column, value, *_) in enumerate(cases):
        keys = {
            "roster": {"unit_id": f"U{position}"},
            "returns": {"unit_id": f"U{position}"},
            "employers": {"employer_id": f"E{position}"},
            "district": {"year": str(2000 + position)},
            "lineage": {"successor_id": f"U{position}"},
        }
        for name, (row,) in sound_tables().items():
            changed = {column: str(value)} if name == table else {}
            tables[name].append(row | keys[name] | changed)
    found: list[list[Problem]] = [[] for _ in cases]
    for problem in errors_of(tables, folder):
        assert problem.row is not None
        found[problem.row - 2].append(problem)
    return found


def test_figures_at_their_limit_are_sound(tmp_path: Path) -> None:
    assert problems_of(sound_tables(), tmp_path) == []


# One part above its whole


WHOLES = [
    ("roster", "workers_female", 51, "Tổng số CNVCLĐ", 50),
    ("roster", "members_total", 51, "Tổng số CNVCLĐ", 50),
    ("roster", "members_female", 41, "Tổng số đoàn viên", 40),
    ("returns", "informed", 51, "Tổng số CNVCLĐ", 50),
    ("returns", "resolution_informed", 51, "Tổng số CNVCLĐ", 50),
    ("returns", "hardship_members", 41, "Tổng số đoàn viên", 40),
    ("returns", "hardship_supported", 11, "Số đoàn viên có hoàn cảnh khó khăn", 10),
    ("returns", "culture_members", 41, "Tổng số đoàn viên", 40),
    ("returns", "welfare_members", 41, "Tổng số đoàn viên", 40),
    ("returns", "party_introduced", 41, "Tổng số đoàn viên", 40),
    ("returns", "party_admitted", 41, "Tổng số đoàn viên", 40),
    ("returns", "cadres_trained", 7, "Số cán bộ công đoàn", 6),
    ("returns", "fund_allocated", 80_000_001, "Kinh phí công đoàn đã thu", 80_000_000),
    ("employers", "workers_gathered", 31, "Số lao động", 30),
    ("district", "cadres_trained", 5, "Số cán bộ của cơ quan ban hành kế hoạch", 4),
]


@pytest.fixture(scope="module")
def above_wholes(tmp_path_factory: pytest.TempPathFactory) -> list[list[Problem]]:
    return errors_by_case(WHOLES, tmp_path_factory.mktemp("wholes"))


@pytest.mark.parametrize(
    "case", range(len(WHOLES)), ids=[f"{case[0]}.{case[1]}" for case in WHOLES]
)
def test_a_part_above_its_whole_is_an_error(above_wholes: list[list[Problem]], case: int) -> None:
    table, column, value, whole, limit = WHOLES[case]
    (problem,) = above_wholes[case]
    assert problem.code == "part_above_whole"
    assert place(problem) == (f"{table}.csv", case + 2, column, str(value))
    heading = dictionary().tables[table].columns[column].vi
    dotted = f"{limit:,}".replace(",", ".")
    assert f"«{heading}» lớn hơn «{whole}» là {dotted}" in problem.message
    assert (ON_REGISTER in problem.message) == (column != "fund_allocated")


def test_a_guild_may_have_more_members_than_workers(tmp_path: Path) -> None:
    tables = with_cell("roster", "members_total", "51")
    assert len(errors_of(tables, tmp_path)) == 1
    tables["roster"][0]["unit_type"] = "trade_guild"
    assert errors_of(tables, tmp_path) == []


def test_nothing_is_above_a_whole_that_nobody_reported(tmp_path: Path) -> None:
    cases = [("roster", column, "") for column in ("workers_total", "members_total")]
    assert errors_by_case(cases, tmp_path) == [[], []]


def test_new_members_and_arrears_have_no_whole(tmp_path: Path) -> None:
    tables = with_cell("returns", "new_members", "500")
    tables["returns"][0] |= {"fund_collected": "100000000", "dues_collected": "100000000"}
    assert errors_of(tables, tmp_path) == []


# One cell


UNUSABLE = [
    ("returns", "informed", "-1", "negative", "không được âm"),
    ("returns", "fund_due", "-1", "negative", "không được âm"),
    ("returns", "informed", "12.5", "fraction", "số nguyên"),
    ("returns", "informed", "12.0", "fraction", "số nguyên"),
    ("returns", "informed", "1,000", "not_number", "không có dấu chấm, dấu phẩy"),
    ("returns", "informed", "1e1", "not_number", "số nguyên"),
    ("returns", "informed", "007", "not_number", "số nguyên"),
    ("returns", "informed", " 7", "not_number", "số nguyên"),
    ("returns", "informed", "7\n", "not_number", "số nguyên"),
    ("returns", "informed", "+7", "not_number", "số nguyên"),
    ("returns", "informed", "٧", "not_number", "số nguyên"),
    ("returns", "informed", "bảy", "not_number", "số nguyên"),
    ("returns", "informed", "10000001", "out_of_range", "0–10000000"),
    ("returns", "fund_due", "10000000000001", "out_of_range", "0–10000000000000"),
    ("returns", "plan_made", "có", "not_boolean", "true/false"),
    ("returns", "plan_made", "TRUE", "not_boolean", "true/false"),
    ("returns", "plan_made", "1", "not_boolean", "true/false"),
    ("returns", "grade", "tốt", "unknown_word", "excellent"),
    ("roster", "unit_type", "company", "unknown_word", "private_enterprise"),
    ("employers", "employer_type", "trade_guild", "unknown_word", "cooperative"),
    ("lineage", "event", "closed", "unknown_word", "dissolved"),
    ("roster", "founded_on", "30/11/2024", "not_date", "2024-11-30"),
    ("roster", "founded_on", "2024-02-30", "not_date", "2024-11-30"),
    ("roster", "founded_on", "2024-2-3", "not_date", "2024-11-30"),
    ("roster", "founded_on", "٢٠٢٤-٠٢-٠٣", "not_date", "2024-11-30"),
    ("roster", "founded_on", "٢٠٢٤-02-03", "not_date", "2024-11-30"),
    ("lineage", "share", "50%", "not_share", "từ 0 đến 1"),
    ("lineage", "share", "1.5", "not_share", "từ 0 đến 1"),
    ("roster", "parent", "xa-01", "not_id", "chữ hoa"),
    ("roster", "parent", "XÃ-01", "not_id", "chữ hoa"),
    ("roster", "parent", "../X", "not_id", "chữ hoa"),
    ("roster", "parent", "-X", "not_id", "chữ hoa"),
    ("roster", "parent", "X.", "not_id", "chữ hoa"),
    ("roster", "parent", "X" * 33, "not_id", "32 ký tự"),
    ("roster", "parent", "CON", "reserved_id", "Windows"),
    ("roster", "parent", "NUL.A", "reserved_id", "Windows"),
    ("roster", "parent", "COM1", "reserved_id", "Windows"),
    ("roster", "name", unicodedata.normalize("NFD", "Hướng Hóa"), "not_nfc", "NFC"),
    ("roster", "commune", unicodedata.normalize("NFD", "Lao Bảo"), "not_nfc", "NFC"),
    ("returns", "note", unicodedata.normalize("NFD", "ghi chú"), "not_nfc", "NFC"),
    ("returns", "note", "a\x07b", "control", "không in được"),
    ("roster", "name", "", "empty", "không được để trống"),
    ("roster", "unit_type", "", "empty", "không được để trống"),
    ("roster", "commune", "", "empty", "không được để trống"),
    ("lineage", "date", "", "empty", "không được để trống"),
]


@pytest.fixture(scope="module")
def unusable(tmp_path_factory: pytest.TempPathFactory) -> list[list[Problem]]:
    return errors_by_case(UNUSABLE, tmp_path_factory.mktemp("cells"))


@pytest.mark.parametrize("case", range(len(UNUSABLE)))
def test_a_cell_that_cannot_be_used_is_an_error(unusable: list[list[Problem]], case: int) -> None:
    table, column, value, code, said = UNUSABLE[case]
    (problem,) = unusable[case]
    assert problem.code == code
    assert place(problem) == (f"{table}.csv", case + 2, column, value)
    assert said in problem.message
    assert said in str(problem)


USABLE = [
    ("returns", "informed", "0"),
    ("returns", "fund_due", "10000000000000"),
    ("returns", "note", "Dòng một\nDòng hai, “trích”"),
    ("roster", "name", "=1+1"),
    ("roster", "parent", "A.B_C-9"),
    ("roster", "parent", "CONG"),
    ("roster", "parent", "X" * 32),
    ("roster", "founded_on", "2024-02-29"),
    ("roster", "dissolved_on", "2024-11-30"),
    ("lineage", "share", "0.125"),
    ("lineage", "share", "1"),
]


def test_an_unusual_cell_within_the_rules_is_no_error(tmp_path: Path) -> None:
    assert errors_by_case(USABLE, tmp_path) == [[] for _ in USABLE]


def test_a_year_that_cannot_be_read_is_an_error_of_its_own_row(tmp_path: Path) -> None:
    years = ["", "24", "2024.0", "inf", "nan", "1e400", "9" * 20]
    tables = sound_tables()
    with_years = ("roster", "returns", "employers", "district")
    for name in with_years:
        tables[name] += [dict(tables[name][0], year=year) for year in years]
    found = {place(problem) for problem in errors_of(tables, tmp_path)}
    assert found == {
        (f"{name}.csv", row, "year", year)
        for name in with_years
        for row, year in enumerate(years, start=3)
    }


def test_an_empty_cell_is_not_reported_never_zero_or_no(tmp_path: Path) -> None:
    tables = sound_tables()
    tables["returns"][0] |= {"informed": "", "grade": ""}
    tables["roster"][0]["founded_on"] = ""
    dataset = load_dataset(write_tables(tables, tmp_path))
    assert dataset.returns[["informed", "grade"]].isna().all(axis=None)
    assert dataset.roster["founded_on"].isna().all()
    facts = dataset.returns["dialogue_held"]
    assert facts.isna().all()
    assert facts.dtype == "boolean"


# Rows and keys


def test_a_key_that_stands_twice_is_an_error_that_names_the_first_row(tmp_path: Path) -> None:
    keys = [
        ("roster", "unit_id", "U1"),
        ("returns", "unit_id", "U1"),
        ("employers", "employer_id", "E1"),
        ("district", "year", "2024"),
        ("lineage", "successor_id", "U1"),
    ]
    problems = errors_of({name: rows * 3 for name, rows in sound_tables().items()}, tmp_path)
    assert {problem.code for problem in problems} == {"duplicate_key"}
    assert [place(problem) for problem in problems] == [
        (f"{table}.csv", row, column, value) for table, column, value in keys for row in (3, 4)
    ]
    assert all("dòng 2" in problem.message for problem in problems)


@pytest.mark.parametrize("table", ["returns", "employers"])
@pytest.mark.parametrize("other", [{"unit_id": "U9"}, {"year": "2023"}], ids=["id", "year"])
def test_a_unit_must_stand_in_the_roster_of_that_very_year(
    table: str, other: dict[str, str], tmp_path: Path
) -> None:
    tables = sound_tables()
    row = tables[table][0]
    row |= {"unit_id": "U1", **other}
    (problem,) = errors_of(tables, tmp_path)
    assert problem.code == "unknown_unit"
    assert place(problem) == (f"{table}.csv", 2, "unit_id", row["unit_id"])
    assert row["year"] in problem.message


def test_an_employer_without_a_union_needs_no_unit(tmp_path: Path) -> None:
    tables = sound_tables()
    assert tables["employers"][0]["unit_id"] == ""
    assert errors_of(tables, tmp_path) == []


def test_every_error_is_listed_none_hidden_behind_the_first(tmp_path: Path) -> None:
    tables = sound_tables()
    tables["roster"][0] |= {"founded_on": "hôm qua", "members_total": "60", "parent": "CON"}
    tables["roster"] += [dict(tables["roster"][0], parent="", founded_on="", members_total="1")]
    tables["returns"][0] |= {"informed": "51", "plan_made": "x", "grade": "?", "cadres_total": "-1"}
    tables["returns"] += [filled("returns", {"year": 2024, "unit_id": "U7", "new_members": "2.5"})]
    tables["employers"][0] |= {"unit_id": "U8"}
    tables["district"][0] |= {"cadres_trained": "5"}
    tables["lineage"][0] |= {"event": "x", "share": "2"}
    found = {(p.file, p.row, p.column, p.code) for p in errors_of(tables, tmp_path)}
    assert found == {
        ("roster.csv", 2, "founded_on", "not_date"),
        ("roster.csv", 2, "members_total", "part_above_whole"),
        ("roster.csv", 2, "parent", "reserved_id"),
        ("roster.csv", 3, "unit_id", "duplicate_key"),
        ("roster.csv", 3, "members_female", "part_above_whole"),
        ("returns.csv", 2, "informed", "part_above_whole"),
        ("returns.csv", 2, "plan_made", "not_boolean"),
        ("returns.csv", 2, "grade", "unknown_word"),
        ("returns.csv", 2, "cadres_total", "negative"),
        ("returns.csv", 3, "new_members", "fraction"),
        ("returns.csv", 3, "unit_id", "unknown_unit"),
        ("employers.csv", 2, "unit_id", "unknown_unit"),
        ("district.csv", 2, "cadres_trained", "part_above_whole"),
        ("lineage.csv", 2, "event", "unknown_word"),
        ("lineage.csv", 2, "share", "not_share"),
    }
    with pytest.raises(InputError) as failure:
        load_dataset(tmp_path)
    told = {(p.file, p.row, p.column, p.code) for p in failure.value.problems}
    assert told >= found


def test_a_problem_is_told_in_one_vietnamese_line(tmp_path: Path) -> None:
    (problem,) = errors_of(with_cell("returns", "grade", "tốt"), tmp_path)
    assert str(problem).startswith("LỖI returns.csv, dòng 2, cột grade (giá trị «tốt»): ")
    assert problem.as_record() == {
        "severity": "error",
        "code": "unknown_word",
        "file": "returns.csv",
        "row": 2,
        "column": "grade",
        "value": "tốt",
        "message": problem.message,
        "year": 2024,
        "sheet": "",
        "cell": "",
    }


# Warnings


def many_units(count: int) -> Tables:
    """Units alike, but for one person more or less."""
    tables: Tables = {name: [] for name in HEADERS}
    for position in range(count):
        own = {"unit_id": f"U{position}", "name": f"CĐCS Số {position}"}
        cells = UNIT | own | {"new_members": 10 + position % 3}
        tables["roster"].append(filled("roster", cells))
        tables["returns"].append(filled("returns", cells))
    return tables


def far_from_its_type(tables: Tables) -> None:
    tables["returns"][4]["new_members"] = "100"


def members_halved(tables: Tables) -> None:
    before = dict(tables["roster"][4], year="2023", members_total="100", workers_total="100")
    tables["roster"].append(before)


def collected_over_120_percent(tables: Tables) -> None:
    tables["returns"][4] |= {"fund_due": "66666666", "fund_collected": "80000000"}


def district_collected_over_120_percent(tables: Tables) -> None:
    cells = {"year": 2024, "dues_due": 100, "dues_collected": 121}
    tables["district"].append(filled("district", cells))


def lineage_of_nobody(tables: Tables) -> None:
    event = {"date": "2024-01-01", "event": "merged", "predecessor_id": "X", "successor_id": "U1"}
    tables["lineage"].append(filled("lineage", event))


def typed_in_thousands(tables: Tables) -> None:
    tables["returns"][4]["fund_due"] = "90000"
    tables["returns"][4]["fund_collected"] = ""
    tables["returns"][4]["fund_allocated"] = ""


def typed_in_thousands_beside_what_was_due(tables: Tables) -> None:
    tables["returns"][4]["dues_collected"] = "30000"


def more_a_head_than_others(tables: Tables) -> None:
    for position, row in enumerate(tables["returns"]):
        row["fund_due"] = str(90_000_000 + 1_000_000 * (position % 3))
    tables["returns"][4]["fund_due"] = "300000000"


def a_hundred_percent(tables: Tables) -> None:
    # No count of the others varies, so nothing else is odd about it.
    tables["returns"][4]["resolution_informed"] = "1"


def founded_on_another_day(tables: Tables) -> None:
    tables["roster"][4]["founded_on"] = "2013-12-09"
    tables["roster"].append(dict(tables["roster"][4], year="2021", founded_on="2013-09-12"))


def twice_under_one_name(tables: Tables) -> None:
    tables["roster"][4]["name"] = tables["roster"][1]["name"].upper()


def last_years_return_again(tables: Tables) -> None:
    for name in ("roster", "returns"):
        tables[name].append(dict(tables[name][4], year="2025"))
    tables["returns"][-1]["note"] = "mới"


def event_of(unit: str, event: str, **more: str) -> Callable[[Tables], None]:
    def add(tables: Tables) -> None:
        row = {"date": "2024-05-01", "event": event, "predecessor_id": unit} | more
        tables["lineage"].append(filled("lineage", row))

    return add


WARNINGS = [
    pytest.param(far_from_its_type, ("returns.csv", 6, "new_members", "100"), id="odd-count"),
    pytest.param(members_halved, ("roster.csv", 6, "members_total", "40"), id="sudden-change"),
    pytest.param(
        collected_over_120_percent,
        ("returns.csv", 6, "fund_collected", "80000000"),
        id="over-collection",
    ),
    pytest.param(
        district_collected_over_120_percent,
        ("district.csv", 2, "dues_collected", "121"),
        id="district-over-collection",
    ),
    pytest.param(
        lineage_of_nobody, ("lineage.csv", 2, "predecessor_id", "X"), id="unknown-in-lineage"
    ),
    pytest.param(typed_in_thousands, ("returns.csv", 6, "fund_due", "90000"), id="thousands"),
    pytest.param(
        typed_in_thousands_beside_what_was_due,
        ("returns.csv", 6, "dues_collected", "30000"),
        id="thousands-beside-due",
    ),
    pytest.param(
        more_a_head_than_others, ("returns.csv", 6, "fund_due", "300000000"), id="odd-money"
    ),
    pytest.param(a_hundred_percent, ("returns.csv", 6, "resolution_informed", "1"), id="100%"),
    pytest.param(
        founded_on_another_day, ("roster.csv", 6, "founded_on", "2013-12-09"), id="founding"
    ),
    pytest.param(twice_under_one_name, ("roster.csv", 6, "unit_id", "U4"), id="twins"),
    pytest.param(last_years_return_again, ("returns.csv", 14, "unit_id", "U4"), id="again"),
    pytest.param(
        event_of("U4", "merged", successor_id="U5"),
        ("roster.csv", 6, "dissolved_on", ""),
        id="merged",
    ),
    pytest.param(
        event_of("U4", "dissolved"), ("roster.csv", 6, "dissolved_on", ""), id="dissolved"
    ),
    pytest.param(
        event_of("U4", "split", successor_id="U5"),
        ("roster.csv", 6, "dissolved_on", ""),
        id="split",
    ),
]


@pytest.mark.parametrize(("change", "where"), WARNINGS)
def test_a_warning_is_shown(
    change: Callable[[Tables], None], where: tuple[str, int, str, str], tmp_path: Path
) -> None:
    tables = many_units(12)
    change(tables)
    (problem,) = problems_of(tables, tmp_path)
    assert problem.severity == "warning"
    assert place(problem) == where
    assert str(problem).startswith("CẢNH BÁO")


def test_units_alike_are_not_odd_and_a_warning_blocks_nothing(tmp_path: Path) -> None:
    tables = many_units(12)
    assert problems_of(tables, tmp_path) == []
    far_from_its_type(tables)
    assert len(load_dataset(write_tables(tables, tmp_path)).roster) == 12


@pytest.mark.parametrize(
    "change",
    [
        event_of("U4", "split", successor_id="U5", share="0.4"),
        event_of("U4", "merged", successor_id="U4"),
        event_of("U4", "dissolved", date="2025-05-01"),
        event_of("U4", "transferred_in", successor_id="U5"),
    ],
)
def test_a_unit_of_which_something_is_left_may_stand(
    change: Callable[[Tables], None], tmp_path: Path
) -> None:
    tables = many_units(12)
    change(tables)
    assert problems_of(tables, tmp_path) == []


def test_a_unit_that_was_founded_again_or_whose_end_is_noted_may_stand(tmp_path: Path) -> None:
    tables = many_units(12)
    event_of("U4", "dissolved")(tables)
    event_of("", "founded", successor_id="U4", date="2024-09-01")(tables)
    event_of("U5", "dissolved")(tables)
    tables["roster"][5]["dissolved_on"] = "2024-05-01"
    assert problems_of(tables, tmp_path) == []


def test_money_of_another_unit_of_money_is_asked_about_by_its_size(tmp_path: Path) -> None:
    for typed, unit in (("90000", "nghìn"), ("90", "triệu")):
        tables = many_units(12)
        before = dict(tables["returns"][4], year="2023")
        tables["roster"].append(dict(tables["roster"][4], year="2023"))
        tables["returns"].append(before)
        typed_in_thousands(tables)
        tables["returns"][4]["fund_due"] = typed
        (problem,) = problems_of(tables, tmp_path / typed)
        assert f"gõ bằng {unit} đồng?" in problem.message
        assert "năm trước (90.000.000 đồng)" in problem.message


def test_members_change_without_a_warning_where_an_event_explains_it(tmp_path: Path) -> None:
    tables = many_units(12)
    members_halved(tables)
    event = {"date": "2024-06-30", "event": "split", "predecessor_id": "U4", "successor_id": "U5"}
    tables["lineage"].append(filled("lineage", event | {"share": "0.5"}))
    assert problems_of(tables, tmp_path) == []


def test_members_may_change_by_half_exactly(tmp_path: Path) -> None:
    tables = many_units(12)
    tables["roster"].append(
        dict(tables["roster"][4], year="2023", members_total="80", workers_total="80")
    )
    assert problems_of(tables, tmp_path) == []


def test_collecting_120_percent_exactly_is_not_odd(tmp_path: Path) -> None:
    tables = many_units(12)
    tables["returns"][4] |= {"dues_due": "30000000", "dues_collected": "36000000"}
    assert problems_of(tables, tmp_path) == []
    assert tables != copied(many_units(12))


def test_a_count_is_compared_with_its_own_type_alone(tmp_path: Path) -> None:
    tables = many_units(12)
    far_from_its_type(tables)
    tables["roster"][4]["unit_type"] = "cooperative"
    assert problems_of(tables, tmp_path) == []
