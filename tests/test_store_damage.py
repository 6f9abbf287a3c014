"""A store whose file was damaged: what is read is what was taken in, or it is refused in words."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from conftest import Run
from deliveries import add, give, make_folder, write_delivery
from test_store import a_return

from analysis.plan import Plan
from analysis.problems import InputError
from analysis.store.log import create_store, withdraw_rows
from analysis.tables.dictionary import dictionary
from analysis.tables.files import STORE
from analysis.tables.load import load_dataset

UNITS = [f"U{number}" for number in range(1, 65)]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("damage")
    folder = make_folder(base / "data", UNITS)
    create_store(folder, "congdoan import")
    rows = [a_return(unit, note=f"ghi chú {unit} " * 9) for unit in UNITS[1:]]
    add(folder, write_delivery(base, "returns-a", rows[:40]))
    add(folder, write_delivery(base, "returns-b", rows[40:]))
    return folder


@pytest.fixture
def folder(kept: Path, tmp_path: Path) -> Path:
    return shutil.copytree(kept, tmp_path / "data")


def spoil(folder: Path, statement: str) -> None:
    """Change rows as a damaged page would: without the store's own guards."""
    with closing(sqlite3.connect(folder / STORE, isolation_level=None)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        for (name,) in names.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM returns WHERE unit_id IN ('U7', 'U8', 'U9', 'U10')",
        "UPDATE returns SET informed = '58' WHERE unit_id = 'U7'",
        "UPDATE returns SET informed = NULL WHERE unit_id = 'U7'",
        "UPDATE returns SET source = 1 WHERE unit_id = 'U7'",
        "UPDATE entry SET errors = 1 WHERE file = 'returns-a.csv'",
        "DELETE FROM source WHERE id = (SELECT max(source) - 1 FROM returns)",
        "DELETE FROM entry WHERE file = 'returns-a.csv'",
    ],
)
def test_rows_that_are_lost_or_changed_are_noticed_and_the_rest_is_saved(
    folder: Path, statement: str, plan: Plan, congdoan: Callable[..., Run], tmp_path: Path
) -> None:
    spoil(folder, statement)
    with pytest.raises(InputError, match="congdoan doctor"):
        load_dataset(folder)
    with pytest.raises(InputError, match="congdoan doctor"):
        give(folder, plan, write_delivery(tmp_path, "returns-c", [a_return("U1")]))
    run = congdoan("doctor", "--data", folder, "--out", tmp_path / "saved")
    assert run.status == 1
    assert "Kho bị hỏng" in run.out
    saved = {path.stem for path in (tmp_path / "saved").glob("*.csv")}
    assert saved == set(dictionary().tables)
    saved = (tmp_path / "saved" / "returns.csv").read_text("utf-8")
    # What was not touched is there; nothing of a damaged entry passes for sound.
    assert "2024,U60," in saved
    assert "2024,U7," not in saved


def test_a_page_that_makes_no_sense_is_told_and_what_lies_around_it_is_saved(
    folder: Path, congdoan: Callable[..., Run], tmp_path: Path
) -> None:
    path = folder / STORE
    content = bytearray(path.read_bytes())
    page = content.index("ghi chú U20 ".encode()) // 4096
    content[page * 4096 : (page + 1) * 4096] = bytes(4096)
    path.write_bytes(content)
    with pytest.raises(InputError, match="congdoan doctor"):
        load_dataset(folder)
    run = congdoan("doctor", "--data", folder, "--out", tmp_path / "saved")
    assert (run.status, "returns-a.csv" in run.out) == (1, True)
    assert "2024,U60," in (tmp_path / "saved" / "returns.csv").read_text("utf-8")
    doubtful = (tmp_path / "saved" / "can-kiem-tra" / "returns.csv").read_text("utf-8")
    assert "2024,U2," in doubtful


def test_an_index_that_misses_a_figure_does_not_let_it_be_replaced_in_silence(
    folder: Path, plan: Plan, congdoan: Callable[..., Run], tmp_path: Path
) -> None:
    path = folder / STORE
    with closing(sqlite3.connect(path)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        where = "SELECT rootpage FROM sqlite_master WHERE name = 'returns_key'"
        (page,) = connection.execute(where).fetchone()
    content = bytearray(path.read_bytes())
    content[content.index(b"2024U20", (page - 1) * size) + 6] = ord("9")
    path.write_bytes(content)
    second = write_delivery(tmp_path, "returns-c", [a_return("U20", informed="41")])
    for act in (lambda: load_dataset(folder), lambda: give(folder, plan, second)):
        with pytest.raises(InputError, match="congdoan doctor"):
            act()
    run = congdoan("doctor", "--data", folder, "--out", tmp_path / "saved")
    assert (run.status, "Cả 7 lần nhập còn lành" in run.out) == (1, True)
    assert (tmp_path / "saved" / "returns.csv").read_text("utf-8").count("\n") == len(UNITS) + 1


def test_a_sound_store_is_called_sound(folder: Path, congdoan: Callable[..., Run]) -> None:
    run = congdoan("doctor", "--data", folder)
    assert (run.status, run.err) == (0, "")
    assert "Kho lành: 7 lần nhập" in run.out


@pytest.mark.parametrize("command", ["import", "withdraw"])
def test_a_store_of_an_older_program_is_read_and_sealed_by_the_next_command_that_writes(
    folder: Path, plan: Plan, tmp_path: Path, command: str
) -> None:
    spoil(folder, "DROP TABLE seal")
    before = load_dataset(folder).digest
    if command == "import":
        give(folder, plan, write_delivery(tmp_path, "returns-b", [a_return("U1")]))
        assert load_dataset(folder).digest == before
    else:
        withdraw_rows(folder, "U1", 2024, reason="nhầm")
    spoil(folder, "DELETE FROM returns WHERE unit_id = 'U7'")
    with pytest.raises(InputError, match="congdoan doctor"):
        load_dataset(folder)
