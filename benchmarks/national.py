"""A made-up nation: any number of grassroots unions over some years, as typed tables.

Drawn with numpy, a column at a time, so that 120,000 units × 5 years take seconds. The rules of the
tables hold (`analysis.tables.check` finds no error), some returns are missing and some cells empty.
The same seed gives the same tables.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.tables.dictionary import Table, dictionary
from analysis.tables.load import Dataset

FIRST_YEAR = 2022
COMMUNES = 700
PARENTS = 63
SHARES_OF_TYPES = {
    "state_agency": 0.20,
    "public_service": 0.28,
    "state_enterprise": 0.05,
    "private_enterprise": 0.28,
    "fdi_enterprise": 0.06,
    "cooperative": 0.04,
    "non_public_service": 0.05,
    "trade_guild": 0.04,
}
MISSING_RETURNS = 0.05
EMPTY_CELLS = 0.02
DUE_OF_A_WORKER = 1_500_000

Values = np.ndarray
Columns = dict[str, Values]


def make_nation(units: int, years: int, seed: int = 2022) -> Dataset:
    """Return a dataset of ``units`` unions in each of ``years`` years, from `FIRST_YEAR` on."""
    rng = np.random.default_rng(seed)
    life = _Life(rng, units)
    drawn: dict[str, list[pd.DataFrame]] = {name: [] for name in dictionary().tables}
    for year in range(FIRST_YEAR, FIRST_YEAR + years):
        roster, known = life.roster(year)
        returning = np.flatnonzero(rng.random(units) >= MISSING_RETURNS)
        known = {name: values[returning] for name, values in known.items()}
        columns = {
            "roster": roster,
            "returns": _returns(rng, year, life.ids[returning], known),
            "employers": _employers(rng, year, life, roster),
            "district": _district(year),
        }
        for name, table in dictionary().tables.items():
            gaps = EMPTY_CELLS if name in ("roster", "returns", "employers") else 0
            empty = {column: np.array([]) for column in table.columns}
            drawn[name].append(_typed(rng, table, columns.get(name, empty), gaps))
    tables = {name: pd.concat(frames, ignore_index=True) for name, frames in drawn.items()}
    for frame in tables.values():
        frame.index += 2  # the row's number in its file, below the heading
    return Dataset(tables, {name: f"{name}.csv" for name in tables})


class _Life:
    """What stays with a unit through the years; a few move, change type, begin or end."""

    def __init__(self, rng: np.random.Generator, units: int) -> None:
        words, shares = list(SHARES_OF_TYPES), list(SHARES_OF_TYPES.values())
        self.rng = rng
        self.ids = np.array([f"CD{number:06d}" for number in range(units)], object)
        self.names = np.array([f"Công đoàn cơ sở số {n}" for n in range(units)], object)
        self.types = np.array(words, object)[rng.choice(len(words), units, p=shares)]
        communes = np.array([f"Xã {number:03d}" for number in range(COMMUNES)], object)
        parents = np.array([None, *(f"TINH-{n:02d}" for n in range(1, PARENTS))], object)
        home = rng.integers(COMMUNES, size=units)
        self.communes, self.all_communes = communes[home], communes
        self.parents = parents[home * PARENTS // COMMUNES]
        self.workers = np.maximum(rng.lognormal(3.6, 1.1, units), 1).astype(np.int64)
        days = rng.integers(365 * 40, size=units).astype("timedelta64[D]")
        self.founded = np.datetime64("1985-01-01") + days
        self.founded[rng.random(units) < 0.1] = np.datetime64("NaT")
        self.dissolved = np.full(units, np.datetime64("NaT", "D"))
        self.diligence = rng.beta(9, 1.2, units)

    def roster(self, year: int) -> tuple[Columns, Columns]:
        """Return a year's roster, and the true head-counts before any cell is emptied."""
        rng, units = self.rng, len(self.ids)
        moving = rng.random(units) < 0.01
        self.communes = np.where(moving, rng.permutation(self.communes), self.communes)
        changing = rng.random(units) < 0.002
        self.types = np.where(changing, rng.permutation(self.types), self.types)
        ending = np.isnat(self.dissolved) & (rng.random(units) < 0.01)
        self.dissolved[ending] = np.datetime64(f"{year}-01-01") + rng.integers(
            365, size=ending.sum()
        ).astype("timedelta64[D]")
        growth = rng.normal(1.01, 0.06, units)
        self.workers = np.maximum(self.workers * growth, 1).astype(np.int64)
        workers = self.workers
        workers_female = rng.binomial(workers, 0.45)
        members = rng.binomial(workers, 0.85)
        known = {
            "unit_type": self.types,
            "workers_total": workers,
            "members_total": members,
            "diligence": self.diligence,
        }
        roster = {
            "year": np.full(units, year),
            "unit_id": self.ids,
            "name": self.names,
            "unit_type": self.types,
            "commune": self.communes,
            "parent": self.parents,
            "founded_on": self.founded,
            "dissolved_on": self.dissolved,
            "workers_total": workers,
            "workers_female": workers_female,
            "members_total": members,
            "members_female": rng.binomial(members, 0.45),
        }
        return roster, known


def _returns(rng: np.random.Generator, year: int, ids: Values, known: Columns) -> Columns:
    size, diligence = len(ids), known["diligence"]
    workers, members = known["workers_total"], known["members_total"]

    def part(whole: Values, rate: float) -> Values:
        # A third does all of it, which is what many targets ask.
        everyone = rng.random(size) < 0.35
        return np.where(everyone, whole, rng.binomial(whole, rate * diligence))

    def fact(rate: float = 1.0) -> Values:
        return rng.random(size) < rate * diligence

    hardship, cadres = rng.binomial(members, 0.05), 3 + members // 25
    due = workers * DUE_OF_A_WORKER
    fund_collected = (due * np.clip(rng.normal(0.95, 0.08, size), 0, 1.2)).astype(np.int64)
    grades = np.array(list(dictionary().words["grade"]), object)
    columns = {
        "year": np.full(size, year),
        "unit_id": ids,
        "informed": part(workers, 0.97),
        "resolution_informed": part(workers, 0.95),
        "hardship_members": hardship,
        "hardship_supported": part(hardship, 0.95),
        "culture_members": part(members, 0.85),
        "welfare_members": part(members, 0.3),
        "party_introduced": rng.binomial(members, 0.02),
        "party_admitted": rng.binomial(members, 0.01),
        "new_members": rng.binomial(workers, 0.05),
        "grade": grades[rng.choice(len(grades), size, p=[0.02, 0.12, 0.55, 0.27, 0.04])],
        "cadres_total": cadres,
        "cadres_trained": part(cadres, 0.95),
        "fund_due": due,
        "fund_collected": fund_collected,
        "fund_allocated": fund_collected * np.where(fact(), 75, 70) // 100,
        "dues_due": due // 2,
        "dues_collected": (due // 2 * np.clip(rng.normal(0.97, 0.05, size), 0, 1.2)).astype(int),
        "note": np.full(size, None, object),
    }
    facts = [c.name for c in _table("returns").columns.values() if c.type.name == "boolean"]
    return columns | {name: fact(rate) for name, rate in zip(facts, _rates(facts), strict=True)}


def _rates(names: list[str]) -> Values:
    return np.linspace(0.8, 1.08, len(names))


def _employers(rng: np.random.Generator, year: int, life: _Life, roster: Columns) -> Columns:
    """Return the register: as many as half the units; fewer than half of them with a union."""
    words = list(dictionary().words["employer_type"])
    size = len(life.ids) // 2
    unionised = np.flatnonzero(np.isin(roster["unit_type"].astype("U"), words))[: size * 2 // 5]
    types = np.array(words, object)[rng.choice(len(words), size, p=[0.04, 0.72, 0.09, 0.06, 0.09])]
    types[: len(unionised)] = roster["unit_type"][unionised]
    communes = rng.choice(life.all_communes, size)
    communes[: len(unionised)] = roster["commune"][unionised]
    workers = np.maximum(rng.lognormal(2.8, 1.2, size), 1).astype(np.int64)
    workers[: len(unionised)] = roster["workers_total"][unionised]
    unit_ids = np.full(size, None, object)
    unit_ids[: len(unionised)] = roster["unit_id"][unionised]
    ids = np.array([f"DN{number:06d}" for number in range(size)], object)
    return {
        "year": np.full(size, year),
        "employer_id": ids,
        "name": "Doanh nghiệp " + ids,
        "employer_type": types,
        "commune": communes,
        "workers_total": workers,
        "unit_id": unit_ids,
        "workers_gathered": rng.binomial(workers, 0.1),
    }


def _district(year: int) -> Columns:
    cells: dict[str, object] = {}
    for column in _table("district").columns.values():
        cells[column.name] = {"boolean": True, "count": 4, "money": 10**10}.get(column.type.name)
    cells |= {"year": year, "district_grade": "good", "cadres_trained": 3}
    return {name: np.array([cell], object) for name, cell in cells.items()}


def _table(name: str) -> Table:
    return dictionary().tables[name]


def _typed(rng: np.random.Generator, table: Table, columns: Columns, gaps: float) -> pd.DataFrame:
    """Give every column the type that a read file would have, and empty some of its cells."""
    typed: dict[str, object] = {}
    for name, column in table.columns.items():
        values = columns[name]
        empty = rng.random(len(values)) < gaps
        match column.type.name:
            case "year":
                typed[name] = values.astype(np.int64)
            case "count" | "money":
                typed[name] = pd.arrays.IntegerArray(values.astype(np.int64), empty)
            case "boolean":
                typed[name] = pd.arrays.BooleanArray(values.astype(bool), empty)
            case "date":
                typed[name] = values.astype("datetime64[s]")
            case "share":
                typed[name] = values.astype(np.float64)
            case "word" if not column.required:
                typed[name] = pd.array(np.where(empty, None, values), dtype="str")
            case _:
                typed[name] = pd.array(values, dtype="str")
    return pd.DataFrame(typed)
