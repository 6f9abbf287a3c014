"""Files as units hand them in, and a reader of them: canonical CSV, with a sheet and cells of its own.

The name says the table: ``returns-anything.csv``. The reader stands for the one of the forms.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
from datasets import filled, write_tables
from test_tables import UNIT, sound_tables

from analysis.plan import Plan
from analysis.problems import Problem, error
from analysis.store.log import Handed, add_entry, open_for_writing, writing
from analysis.store.take_in import Occasion, Recap, take_in
from analysis.tables.delivery import Delivery, Records

SHEET = "Báo cáo"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def write_delivery(folder: Path, name: str, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write rows of one table as somebody would hand them in; only the columns that they have."""
    table = [{key: _spell(value) for key, value in row.items()} for row in rows]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(table[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.csv"
    path.write_text(buffer.getvalue(), "utf-8")
    return path


def _spell(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def read_delivery(path: Path) -> tuple[Delivery | None, list[Problem]]:
    """Read a delivery; one that says ``garbage`` cannot be read."""
    content = path.read_bytes()
    if content.startswith(b"garbage"):
        return None, [error("không đọc được tệp", code="unreadable", file=path.name)]
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    names = list(rows[0])
    places = {name: f"{letter}{{row}}" for name, letter in zip(names, LETTERS, strict=False)}
    text = pd.DataFrame(rows, index=range(2, len(rows) + 2), dtype="str")
    table = path.name.partition("-")[0].removesuffix(".csv")
    records = Records(table, text, SHEET, places)
    return Delivery(path.name, hashlib.sha256(content).hexdigest(), (records,)), []


def make_folder(folder: Path, units: Iterable[str] = ("U1", "U2", "U3"), **roster: Any) -> Path:
    """Write a dataset folder: a register of these units for 2024, and the return of the first."""
    tables = sound_tables()
    tables["roster"] = [filled("roster", UNIT | roster | {"unit_id": unit}) for unit in units]
    return write_tables(tables, folder)


def give(folder: Path, plan: Plan, *paths: Path, **settings: Any) -> Recap:
    """Take files in."""
    return take_in(folder, list(paths), read_delivery, plan, Occasion(**settings))


def add(folder: Path, *paths: Path, reason: str = "", by: str = "") -> None:
    """Put sound files into a store: what a test begins with needs not be judged, which is dear."""
    with closing(open_for_writing(folder)) as connection, writing(connection):
        for path in paths:
            delivery, _ = read_delivery(path)
            assert delivery is not None
            handed = Handed("congdoan import", delivery.file, delivery.digest, reason, by)
            add_entry(connection, handed, delivery.records)
