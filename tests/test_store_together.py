"""Files judged together: the same fate as each alone, at the cost of one."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from deliveries import give, make_folder, read_delivery, write_delivery
from test_store import a_return, outcomes, told

from analysis.plan import Plan
from analysis.problems import Problem, error
from analysis.store import judge, take_in
from analysis.store.log import create_store
from analysis.tables.check import check_rules
from analysis.tables.delivery import Delivery
from analysis.tables.files import STORE
from analysis.tables.load import Dataset

UNITS = [f"U{number}" for number in range(1, 13)]

#: What a file may say: the rows of U1 are in the store already.
SAYINGS: list[dict[str, Any]] = [
    {},
    {"informed": 12},
    {"informed": ""},
    {"informed": 51},  # of 50 workers
    {"informed": "12x"},
    {"unit_id": "NOBODY"},
    {"unit_id": "U1"},
    {"unit_id": "U1", "informed": 7},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = make_folder(tmp_path / "data", UNITS)
    create_store(folder, "congdoan import")
    return folder


def state_of(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / STORE)) as connection:
        lines = list(connection.iterdump())
    # An entry says when it was made, and its seal is over that too.
    differing = ('INSERT INTO "entry"', 'INSERT INTO "seal"')
    return [line for line in lines if not line.startswith(differing)]


def test_judged_together_or_alone_every_file_has_one_fate(
    folder: Path, tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the files say, the bad ones between the good."""
    said = [*SAYINGS, SAYINGS[0], SAYINGS[1]]
    rows = [a_return(unit) | saying for unit, saying in zip(UNITS[1:], said, strict=False)]
    rows.append({"year": 2024, "unit_id": UNITS[-1]})
    files = [
        write_delivery(tmp_path / "mail", f"returns-{number}", [row])
        for number, row in enumerate(rows)
    ]
    alone = shutil.copytree(folder, tmp_path / "alone")
    recap = give(folder, plan, *files)
    monkeypatch.setattr(take_in, "_MOST_UNITS", 0)
    same = give(alone, plan, *files)
    assert {"accepted", "refused"} <= set(outcomes(recap))
    assert recap == same
    assert state_of(folder) == state_of(alone)


def test_a_folder_is_judged_as_one_wrong_cells_or_not(
    folder: Path, tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What costs most by far: to put rows beside the store and to apply the rules."""
    calls = []

    def counted(dataset: Dataset) -> list[Problem]:
        calls.append(dataset)
        return check_rules(dataset)

    monkeypatch.setattr(judge, "check_rules", counted)
    mail = tmp_path / "mail"
    files = [write_delivery(mail, f"returns-{unit}", [a_return(unit)]) for unit in UNITS[1:]]

    def read(path: Path) -> tuple[Delivery | None, list[Problem]]:
        wrong = [error("ô sai", code="not_number", file=path.name)] if path == files[3] else []
        return read_delivery(path)[0], wrong

    fates = outcomes(take_in.take_in(folder, files, read, plan, take_in.Occasion()))
    assert (fates.pop(3), set(fates)) == ("refused", {"accepted"})
    assert len(calls) == 1


def test_what_another_command_writes_meanwhile_is_seen(
    folder: Path, tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = tmp_path / "mail"
    files = [write_delivery(mail, f"returns-{unit}", [a_return(unit)]) for unit in ("U2", "U3")]
    other = write_delivery(tmp_path, "returns-other", [a_return("U3", informed=9)])
    look = take_in._look_ahead

    def interrupted(*arguments: Any) -> None:
        look(*arguments)
        monkeypatch.setattr(take_in, "_look_ahead", look)
        assert outcomes(give(folder, plan, other)) == ["accepted"]

    monkeypatch.setattr(take_in, "_look_ahead", interrupted)
    recap = give(folder, plan, *files)
    assert outcomes(recap) == ["accepted", "refused"]
    assert "superseded" in told(recap)[1]
