"""A dataset folder as people make it: encodings, broken files, Parquet, missing tables and columns."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from datasets import HEADERS, random_tables, write_tables
from test_tables import errors_of, place, problems_of, sound_tables

from analysis.plan import Plan
from analysis.problems import InputError, Problem
from analysis.results import compute_indicators
from analysis.tables.check import check_dataset
from analysis.tables.dictionary import dictionary
from analysis.tables.load import Dataset, load_dataset, read_dataset


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tables(sound_tables(), tmp_path)


def problems_in(folder: Path) -> list[Problem]:
    dataset, problems = read_dataset(folder)
    return problems + check_dataset(dataset)


def errors_in(folder: Path) -> list[Problem]:
    return [problem for problem in problems_in(folder) if problem.severity == "error"]


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


def same_tables(one: Dataset, other: Dataset) -> bool:
    return all(one.tables[name].equals(other.tables[name]) for name in HEADERS)


# Files that cannot be read as they are


def ragged(content: bytes) -> bytes:
    return content + b"2024,U2,thieu o\n"


def open_quote(content: bytes) -> bytes:
    return content + b'2024,"U2\n'


def text_after_a_quote(content: bytes) -> bytes:
    return content + b'2024,"U2"x\n'


def doubled_heading(content: bytes) -> bytes:
    return content.replace(b"informed", b"grade", 1)


def legacy_encoding(content: bytes) -> bytes:
    return content + "2024,Tần Số".encode("utf-16-le")


def nothing(content: bytes) -> bytes:
    return b""


def byte_order_mark_alone(content: bytes) -> bytes:
    return b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("change", "row", "column", "code", "said"),
    [
        (ragged, 3, "", "ragged", "dòng có 3 ô, dòng tiêu đề có 32 ô"),
        (open_quote, 3, "", "bad_csv", "dấu nháy kép"),
        (text_after_a_quote, 3, "", "bad_csv", "dấu nháy kép"),
        (doubled_heading, 1, "grade", "duplicate_column", "lặp lại 2 lần"),
        (legacy_encoding, None, "", "not_utf8", "UTF-8"),
        (nothing, None, "", "empty_file", "tệp trống"),
        (byte_order_mark_alone, None, "", "empty_file", "tệp trống"),
    ],
)
def test_a_broken_file_is_an_error_that_says_where(
    change: Callable[[bytes], bytes],
    row: int | None,
    column: str,
    code: str,
    said: str,
    folder: Path,
) -> None:
    rewrite(folder / "returns.csv", change)
    (problem,) = errors_in(folder)
    assert (problem.file, problem.row, problem.column) == ("returns.csv", row, column)
    assert problem.code == code
    assert said in problem.message


def test_a_broken_file_hides_nothing_of_the_others(folder: Path) -> None:
    rewrite(folder / "returns.csv", open_quote)
    rewrite(folder / "employers.csv", nothing)
    rewrite(folder / "roster.csv", lambda content: content.replace(b"private_enterprise", b"x"))
    rewrite(folder / "district.csv", lambda content: content.replace(b"cadres_total", b"cadres"))
    found = {(problem.file, problem.code) for problem in errors_in(folder)}
    assert found == {
        ("returns.csv", "bad_csv"),
        ("employers.csv", "empty_file"),
        ("roster.csv", "unknown_word"),
        ("district.csv", "unknown_column"),
    }


def test_a_broken_description_hides_nothing_of_the_tables(folder: Path) -> None:
    rewrite(folder / "roster.csv", lambda content: content.replace(b"private_enterprise", b"x"))
    (folder / "dataset.yaml").write_text("illustrative: maybe\n", "utf-8")
    try:
        found = {problem.file for problem in errors_in(folder)}
    except InputError as failure:
        found = {problem.file for problem in failure.problems}
    assert found == {"roster.csv", "dataset.yaml"}


@pytest.mark.parametrize("name", ["roster", "returns"])
def test_a_dataset_needs_a_roster_and_returns(name: str, folder: Path) -> None:
    (folder / f"{name}.csv").unlink()
    problem = next(problem for problem in errors_in(folder) if problem.code == "no_table")
    assert problem.file == name
    assert dictionary().tables[name].vi in problem.message


def test_a_folder_without_any_table_is_told_how_to_begin(tmp_path: Path) -> None:
    missing = [problem for problem in errors_in(tmp_path) if problem.code == "no_table"]
    assert [problem.file for problem in missing] == ["roster", "returns"]
    assert all("congdoan import" in problem.message for problem in missing)


@pytest.mark.parametrize("name", ["employers", "district", "lineage"])
def test_without_the_other_tables_nothing_of_theirs_is_known(name: str, folder: Path) -> None:
    (folder / f"{name}.csv").unlink()
    assert problems_in(folder) == []
    assert load_dataset(folder).tables[name].empty


def test_a_table_as_csv_and_as_parquet_leaves_open_which_one_counts(folder: Path) -> None:
    pd.DataFrame({"year": [2024]}).to_parquet(folder / "employers.parquet")
    (problem,) = errors_in(folder)
    assert (problem.file, problem.code) == ("employers", "two_files")
    assert "employers.csv" in problem.message
    assert "employers.parquet" in problem.message


def test_a_file_that_only_claims_to_be_parquet_is_an_error(folder: Path) -> None:
    (folder / "employers.csv").rename(folder / "employers.parquet")
    (problem,) = errors_in(folder)
    assert (problem.file, problem.code) == ("employers.parquet", "bad_parquet")


def test_without_a_folder_there_is_one_error_and_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(InputError) as failure:
        read_dataset(tmp_path / "none")
    (problem,) = failure.value.problems
    assert problem.code == "no_folder"


# Columns


def test_an_unknown_column_is_an_error_that_names_the_right_ones(folder: Path) -> None:
    rewrite(folder / "returns.csv", lambda content: content.replace(b"dialogue_held", b"dialog"))
    problems = problems_in(folder)
    (problem,) = [problem for problem in problems if problem.severity == "error"]
    assert place(problem)[:3] == ("returns.csv", 1, "dialog")
    assert (problem.code, "dialogue_held" in problem.message) == ("unknown_column", True)
    (warning,) = [problem for problem in problems if problem.severity == "warning"]
    assert (warning.column, warning.code) == ("dialogue_held", "no_column")


def test_a_missing_column_is_not_reported_and_warned_of(folder: Path) -> None:
    frame = pd.read_csv(folder / "returns.csv", dtype=str, keep_default_na=False)
    frame.drop(columns="informed").to_csv(folder / "returns.csv", index=False)
    (problem,) = problems_in(folder)
    assert (problem.severity, problem.file, problem.column) == (
        "warning",
        "returns.csv",
        "informed",
    )
    assert load_dataset(folder).returns["informed"].isna().all()


@pytest.mark.parametrize(
    ("table", "column"), [("roster", "unit_id"), ("roster", "commune"), ("returns", "year")]
)
def test_a_column_that_every_row_needs_may_not_be_missing(
    table: str, column: str, folder: Path
) -> None:
    frame = pd.read_csv(folder / f"{table}.csv", dtype=str, keep_default_na=False)
    frame.drop(columns=column).to_csv(folder / f"{table}.csv", index=False)
    found = {(problem.file, problem.column, problem.code) for problem in errors_in(folder)}
    assert (f"{table}.csv", column, "no_column") in found


def test_the_order_of_the_columns_does_not_matter(folder: Path) -> None:
    before = load_dataset(folder)
    for name, header in HEADERS.items():
        frame = pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
        turned = random.Random(name).sample(header, len(header))
        frame[turned].to_csv(folder / f"{name}.csv", index=False)
    assert same_tables(before, load_dataset(folder))


# Files that are a little different


@pytest.mark.parametrize(
    "change",
    [
        lambda content: b"\xef\xbb\xbf" + content,
        lambda content: content.replace(b"\n", b"\r\n"),
        lambda content: content.removesuffix(b"\n"),
        lambda content: content + b"\n\n",
    ],
    ids=["byte-order-mark", "windows-lines", "no-last-line-end", "blank-lines-at-the-end"],
)
def test_what_spreadsheets_make_of_a_csv_is_accepted(
    change: Callable[[bytes], bytes], folder: Path
) -> None:
    before = load_dataset(folder)
    for name in HEADERS:
        rewrite(folder / f"{name}.csv", change)
    assert same_tables(before, load_dataset(folder))


def test_rows_are_counted_as_a_spreadsheet_counts_them(tmp_path: Path) -> None:
    """A line break within a cell starts no row, and a blank line is one."""
    tables = sound_tables()
    tables["returns"][0]["note"] = "một\nhai\nba"
    folder = write_tables(tables, tmp_path)
    last = (folder / "returns.csv").read_text("utf-8").replace("một\nhai\nba", "").splitlines()[1]
    rewrite(
        folder / "returns.csv",
        lambda content: (
            content + b"\n" + last.replace("2024,U1", "2024,U2").replace('""', "").encode()
        ),
    )
    (problem,) = errors_in(folder)
    assert (problem.code, problem.row, problem.value) == ("unknown_unit", 4, "U2")


def test_the_same_data_has_the_same_digest_and_other_data_another(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    again = write_tables(sound_tables(), tmp_path_factory.mktemp("again"))
    assert read_dataset(folder)[0].digest == read_dataset(again)[0].digest
    rewrite(again / "returns.csv", lambda content: content.replace(b",5,", b",6,"))
    assert read_dataset(folder)[0].digest != read_dataset(again)[0].digest


# Parquet


def as_strings(folder: Path) -> dict[str, pd.DataFrame]:
    return {
        name: pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
        for name in HEADERS
    }


def natural_cells(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The cells as numbers, facts and dates, as a database would export them."""
    typed = {}
    for column, cells in frame.items():
        kind = dictionary().tables[name].columns[str(column)].type.name
        values = [cell or None for cell in cells]
        if kind in ("year", "count", "money"):
            typed[column] = pd.array([v if v is None else int(v) for v in values], "Int64")
        elif kind == "boolean":
            typed[column] = pd.array([v if v is None else v == "true" for v in values], "boolean")
        elif kind == "date":
            typed[column] = [v if v is None else date.fromisoformat(v) for v in values]
        else:
            typed[column] = values
    return pd.DataFrame(typed)


def floating_cells(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The same with whole numbers as floats and dates as timestamps, as pandas likes to have them."""
    typed = natural_cells(name, frame)
    for column in typed:
        kind = dictionary().tables[name].columns[column].type.name
        if kind in ("count", "money"):
            typed[column] = typed[column].astype("Float64").astype("float64")
        elif kind == "date":
            typed[column] = pd.to_datetime(typed[column])
    return typed


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tables = random_tables(3001, units=8, years=(2024, 2025))
    return write_tables(tables, tmp_path_factory.mktemp("csv"))


@pytest.fixture(scope="module")
def csv_dataset(written: Path) -> Dataset:
    return load_dataset(written)


@pytest.mark.parametrize(
    "form",
    [lambda name, frame: frame, natural_cells, floating_cells],
    ids=["text", "typed", "float"],
)
def test_a_parquet_dataset_is_read_like_one_in_csv(
    form: Callable[[str, pd.DataFrame], pd.DataFrame],
    written: Path,
    csv_dataset: Dataset,
    tmp_path: Path,
) -> None:
    for name, frame in as_strings(written).items():
        form(name, frame).to_parquet(tmp_path / f"{name}.parquet", index=False)
    assert same_tables(csv_dataset, load_dataset(tmp_path))


def test_a_parquet_dataset_gives_the_same_indicators(
    written: Path, csv_dataset: Dataset, tmp_path: Path, plan: Plan
) -> None:
    for name, frame in as_strings(written).items():
        natural_cells(name, frame).to_parquet(tmp_path / f"{name}.parquet", index=False)
    one = compute_indicators(csv_dataset, plan)
    other = compute_indicators(load_dataset(tmp_path), plan)
    pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("informed", 12.5, "fraction"),
        ("informed", -1.0, "negative"),
        ("informed", float("inf"), "not_number"),
        ("year", float("inf"), "not_number"),
    ],
)
def test_a_wrong_number_in_parquet_is_told_like_one_in_csv(
    column: str, value: float, code: str, folder: Path
) -> None:
    frame = natural_cells("returns", as_strings(folder)["returns"])
    frame[column] = [value]
    (folder / "returns.csv").unlink()
    frame.to_parquet(folder / "returns.parquet", index=False)
    (problem,) = errors_in(folder)
    assert (problem.file, problem.row, problem.column) == ("returns.parquet", 2, column)
    assert problem.code == code


def test_two_kinds_of_problems_are_told_together(tmp_path: Path) -> None:
    tables = sound_tables()
    tables["returns"][0] |= {"informed": "51", "fund_due": "100"}
    assert len(errors_of(tables, tmp_path)) == 1
    assert {p.severity for p in problems_of(tables, tmp_path)} == {"error", "warning"}
    with pytest.raises(InputError) as failure:
        load_dataset(tmp_path)
    assert {problem.severity for problem in failure.value.problems} == {"error", "warning"}
