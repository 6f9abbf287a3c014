"""Whatever comes in, in whatever order: every state the store ever had is what a replay gives."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from datasets import HEADERS
from deliveries import give, make_folder, write_delivery
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.plan import Plan
from analysis.problems import InputError
from analysis.store.history import read_history
from analysis.store.log import create_store, withdraw_rows
from analysis.tables.dictionary import dictionary
from analysis.tables.storefile import last_entry, read_rows, reading

UNITS = ("U1", "U2", "U3")
COLUMNS = ("informed", "new_members", "plan_made", "grade", "note")
CELLS = {
    "informed": st.sampled_from(["", "0", "7", "50", "51"]),  # 51: above the register's workers
    "new_members": st.sampled_from(["", "0", "3", "x"]),
    "plan_made": st.sampled_from(["", "true", "false"]),
    "grade": st.sampled_from(["", "good", "best"]),
    "note": st.sampled_from(["", "Nộp muộn; «đã sửa», 100%"]),
}
WRONG = {"51", "x", "best"}
Row = dict[str, str]


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[Row], str]:
    """Returns of some units, with some of the columns; and whether a reason was given."""
    columns = draw(st.lists(st.sampled_from(COLUMNS), min_size=1, unique=True))
    units = draw(st.lists(st.sampled_from((*UNITS, "U9")), min_size=1, max_size=3, unique=True))
    rows = [
        {"year": "2024", "unit_id": unit} | {name: draw(CELLS[name]) for name in columns}
        for unit in units
    ]
    return rows, draw(st.sampled_from(["", "sửa"]))


#: A delivery, or the unit whose return is taken back.
steps = st.one_of(deliveries(), st.sampled_from(UNITS))


def replay(state: dict[str, Row], rows: list[Row], reason: str) -> tuple[dict[str, Row], str]:
    """What a delivery makes of a state, written down once more as simply as can be."""
    new = {unit: dict(cells) for unit, cells in state.items()}
    is_refused = False
    for row in rows:
        unit = row["unit_id"]
        known = state.get(unit)
        is_refused |= unit not in UNITS or bool(WRONG & set(row.values()))
        cells = known or dict.fromkeys(HEADERS["returns"], "")
        is_refused |= known is not None and not reason and {**cells, **row} != cells
        new[unit] = {**cells, **row}
        # Of these columns only the note is no figure.
        has_figures = any(new[unit][name] for name in COLUMNS if name != "note")
        is_refused |= not has_figures and new[unit] != known
    if is_refused:
        return state, "refused"
    return new, "accepted" if new != state else "unchanged"


def returns_of(folder: Path, as_of: datetime | None = None) -> dict[str, Row]:
    with reading(folder) as connection:
        table = dictionary().tables["returns"]
        rows: list[dict[Any, Any]] = read_rows(
            connection, table, last_entry(connection, as_of)
        ).to_dict("records")
    return {row["unit_id"]: row for row in rows}


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_folder(tmp_path_factory.mktemp("begun") / "data", UNITS)
    (folder / "returns.csv").unlink()
    create_store(folder, "congdoan import")
    return folder


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sequence=st.lists(steps, min_size=1, max_size=5))
def test_the_state_as_of_each_moment_is_what_a_replay_gives(
    sequence: list[tuple[list[Row], str] | str],
    begun: Path,
    plan: Plan,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    base = tmp_path_factory.mktemp("case")
    folder = shutil.copytree(begun, base / "data")
    state: dict[str, Row] = {}
    accepted: set[bytes] = set()
    withdrawn: set[str] = set()
    states = [(datetime.now(UTC), state)]
    for number, step in enumerate(sequence):
        if isinstance(step, str):
            state = _withdraw(folder, state, step, withdrawn)
            states.append((datetime.now(UTC), state))
            continue
        rows, reason = step
        path = write_delivery(base / "mail", f"returns-{number}", rows)
        if path.read_bytes() not in accepted:
            new, outcome = replay(state, rows, reason)
        elif back := [row for row in rows if row["unit_id"] in withdrawn]:
            new, outcome = replay(state, back, reason) if reason else (state, "refused")
        else:
            # The same file once more changes nothing, whatever was taken in since; a reason restores.
            new, outcome = replay(state, rows, reason) if reason else (state, "unchanged")
        (taken,) = give(folder, plan, path, reason=reason).files
        assert taken.outcome == outcome
        accepted |= {path.read_bytes()} if outcome == "accepted" else set()
        state = new
        withdrawn -= set(state)
        states.append((datetime.now(UTC), state))
    for moment, expected in states:
        assert returns_of(folder, moment) == expected
    _assert_history_ends_in(folder, state)


def _withdraw(
    folder: Path, state: dict[str, Row], unit: str, withdrawn: set[str]
) -> dict[str, Row]:
    if unit not in state:
        with pytest.raises(InputError):
            withdraw_rows(folder, unit, 2024, reason="nhầm")
        return state
    withdraw_rows(folder, unit, 2024, reason="nhầm")
    withdrawn.add(unit)
    return {key: cells for key, cells in state.items() if key != unit}


def _assert_history_ends_in(folder: Path, state: dict[str, Row]) -> None:
    """Each figure's steps lead from one to the next, and the last is the figure of today."""
    for unit, cells in state.items():
        now: dict[str, str | None] = {}
        for entry in read_history(folder, unit, 2024):
            for step in entry.steps:
                if step.table.name == "returns":
                    assert step.before == now.get(step.column.name)
                    now[step.column.name] = step.after
        shown = {name: value for name, value in now.items() if value}
        keys = ("year", "unit_id")
        assert shown == {k: v for k, v in cells.items() if v and k not in keys}
