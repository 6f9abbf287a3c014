"""``congdoan next-year``: who goes on into a new year, and what the office is told of the others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Run
from datasets import filled, write_tables
from test_tables import UNIT, sound_tables

from analysis.tables.load import load_dataset

Congdoan = Callable[..., Run]

#: What became of each unit in the old year.
EVENTS = [
    ("2024-08-15", "merged", "U2", "U1"),
    ("2024-05-01", "dissolved", "U3", ""),
    ("2024-07-01", "transferred_out", "U4", "U4"),
    ("2024-07-01", "transferred_out", "U5", ""),
    ("2024-09-01", "split", "U1", "U7"),
    ("2022-09-01", "dissolved", "U6", ""),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    tables = sound_tables()
    ends = {"U8": "2024-10-01", "U9": "2025-03-01"}
    tables["roster"] = [
        filled(
            "roster", UNIT | {"unit_id": unit, "parent": "CDX", "dissolved_on": ends.get(unit, "")}
        )
        for unit in (f"U{number}" for number in range(1, 10) if number != 7)
    ]
    names = ("date", "event", "predecessor_id", "successor_id")
    tables["lineage"] = [
        filled("lineage", dict(zip(names, event, strict=True))) for event in EVENTS
    ]
    return write_tables(tables, tmp_path / "data")


def test_who_goes_on_is_in_the_new_register_and_all_else_is_told(
    congdoan: Congdoan, data: Path
) -> None:
    old = load_dataset(data)
    run = congdoan("next-year", 2025, "--data", data, "--by", "Hoa")
    assert (run.status, run.err) == (0, "")
    roster = load_dataset(data).roster
    new = roster[roster["year"] == 2025].set_index("unit_id")
    # One that goes on as itself under another, one of an older event, one that ends later on.
    assert set(new.index) == {"U1", "U4", "U6", "U9"}
    assert set(new["parent"]) == {"CDX"}
    assert new[["workers_total", "members_total"]].isna().all(axis=None)
    kept = roster[roster["year"] == 2024]
    assert kept.to_csv(index=False) == old.roster.to_csv(index=False)
    for told in (
        "Danh sách năm 2025: 4 CĐCS, lấy từ 8 CĐCS năm 2024",
        "vào U1 ngày 15/08/2024",
        "U8 ",
        "kết thúc hoạt động ngày 01/10/2024",
        "U7: chia, tách từ U1 ngày 01/09/2024",
    ):
        assert told in run.out
    status = congdoan("status", "--year", 2025, "--data", data).out
    assert "U4" in status


def test_nothing_is_written_over(congdoan: Congdoan, data: Path) -> None:
    before = {path.name: path.read_bytes() for path in data.iterdir()}
    for year, told in ((2024, "đã có"), (2026, "chưa có danh sách năm 2025")):
        run = congdoan("next-year", year, "--data", data)
        assert (run.status, run.out) == (1, "")
        assert told in run.err
    assert {path.name: path.read_bytes() for path in data.iterdir()} == before
    assert congdoan("next-year", 2025, "--data", data).status == 0
    assert "đã có" in congdoan("next-year", 2025, "--data", data).err
