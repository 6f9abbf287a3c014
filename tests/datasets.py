"""Random small data sets for property tests: sound by the rules of the tables, awkward on purpose.

Gaps, zeros, figures that hit a bar exactly, units founded or dissolved on, before and after the
cut-off, types, communes and parents that change, years without a district row or without an
employer register. The same seed gives the same tables.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterable, Sequence
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import NamedTuple

Cells = dict[str, str]
Tables = dict[str, list[Cells]]

HEADERS = {
    "roster": (
        *("year", "unit_id", "name", "unit_type", "commune", "parent", "founded_on"),
        *("dissolved_on", "workers_total", "workers_female", "members_total", "members_female"),
    ),
    "returns": (
        *("year", "unit_id", "informed", "resolution_informed", "plan_made", "plan_disseminated"),
        *("conference_held", "dialogue_held", "hardship_members", "hardship_supported"),
        *("culture_members", "welfare_members", "agreement_in_force", "culture_held"),
        *("party_introduced", "party_admitted", "new_members", "grade", "cadres_total"),
        *("cadres_trained", "womens_committee", "emulation_launched", "emulation_agreement"),
        *("coordination_rules", "reward_scheme", "fund_due", "fund_collected", "fund_allocated"),
        *("dues_due", "dues_collected", "finance_disclosed", "note"),
    ),
    "employers": (
        *("year", "employer_id", "name", "employer_type", "commune", "workers_total"),
        *("unit_id", "workers_gathered"),
    ),
    "district": (
        *("year", "dissolved_on", "plan_made", "plan_disseminated", "inspections"),
        *("law_classes", "district_grade", "cadres_total", "cadres_trained"),
        *("emulation_launched", "finance_disclosed", "fund_due", "fund_collected", "dues_due"),
        *("dues_collected", "rewards_collectives", "rewards_individuals", "rewards_proposed"),
        *("coordination_government", "coordination_tax", "coordination_social_insurance"),
        *("coordination_labour", "note"),
    ),
    "lineage": ("date", "event", "predecessor_id", "successor_id", "share", "note"),
}
PUBLIC = ("state_agency", "public_service")
EMPLOYERS = (
    *("state_enterprise", "private_enterprise", "fdi_enterprise"),
    *("cooperative", "non_public_service"),
)
COMMUNES = ("Khe Sanh", "Lao Bảo", "Tân Hợp", "Tân Liên", "Hướng Phùng", "A Dơi", "Húc", "Lìa")
PARENTS = ("", "", "XA-01", "XA-02")
GRADES = ("excellent", "good", "good", "completed", "failed", "not_graded")
FACTS = (
    *("plan_made", "plan_disseminated", "conference_held", "dialogue_held", "culture_held"),
    *("womens_committee", "emulation_launched", "emulation_agreement", "coordination_rules"),
    *("reward_scheme", "finance_disclosed"),
)
PARTNERS = (
    *("coordination_government", "coordination_tax", "coordination_social_insurance"),
    "coordination_labour",
)
#: Head-counts on which the plan's bars are hit exactly (8/10, 27/30), or can only be met by all.
HEADS = (0, 1, 2, 4, 5, 8, 9, 10, 10, 11, 19, 20, 20, 21, 30, 40, 100, 400)
#: The plan's own bars, and both ends.
RATES = tuple(Fraction(n, 100) for n in (0, 20, 50, 60, 75, 75, 80, 80, 85, 90, 90, 100, 100, 100))
MONEY = (0, 1, 100, 500_000, 1_000_000, 7_654_321, 12_345_678, 250_000_000, 9_000_000_000)
#: One may not exceed the other (both known). Through a gap the limit is the next one up.
AT_MOST = {
    "informed": "workers_total",
    "resolution_informed": "workers_total",
    "hardship_supported": "hardship_members",
    "hardship_members": "members_total",
    "culture_members": "members_total",
    "welfare_members": "members_total",
    "party_introduced": "members_total",
    "party_admitted": "members_total",
    "cadres_trained": "cadres_total",
    "fund_allocated": "fund_collected",
}
DUE = {"fund_collected": "fund_due", "dues_collected": "dues_due"}
#: Denominators that an earlier year's figure may stand in for.
CARRIED = (
    *("workers_total", "members_total", "hardship_members", "cadres_total"),
    *("fund_due", "dues_due"),
)
MONEY_COLUMNS = ("fund_due", "fund_collected", "fund_allocated", "dues_due", "dues_collected")


class Where(NamedTuple):
    """The cell of ``returns`` that was filled, and with what."""

    year: int
    unit_id: str
    column: str
    value: str


# Small makers


def text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def part(rng: random.Random, whole: int) -> int:
    """A part of a whole: often at a bar exactly, or one person beside it."""
    if rng.random() < 0.3:
        return rng.randint(0, whole)
    nearest = int(whole * rng.choice(RATES)) + rng.choice((0, 0, 0, -1, 1))
    return min(max(nearest, 0), whole)


def paid(rng: random.Random, due: int) -> int:
    """What was collected of a sum due: may pass it, up to 120%."""
    rates = (*RATES, Fraction(1, 3), Fraction(11, 10), Fraction(6, 5))
    return max(int(due * rng.choice(rates)) - rng.choice((0, 0, 0, 1)), 0)


def gappy(rng: random.Random, row: Cells, gaps: float, kept: Iterable[str]) -> Cells:
    """Empty a share of the cells: not reported."""
    kept = set(kept)
    return {
        column: "" if column not in kept and rng.random() < gaps else cell
        for column, cell in row.items()
    }


def filled(table: str, cells: dict[str, object]) -> Cells:
    """A row of a table as text, in the table's own order; what is not given is empty."""
    return {column: text(cells.get(column, "")) for column in HEADERS[table]}


# One unit


class Unit:
    """A unit's life: when it began and ended, and what it is each year."""

    def __init__(self, rng: random.Random, position: int, years: Sequence[int]) -> None:
        self.rng = rng
        self.id = f"CD{position:03d}"
        self.type = self._another_type()
        self.commune, self.parent = rng.choice(COMMUNES), rng.choice(PARENTS)
        self.heads = rng.choice(HEADS)
        self.agreement, self.climbs = rng.random() < 0.6, rng.random() < 0.7
        self.founded_on, self.first_year = self._founding(years)
        self.dissolved_on, self.last_year = self._dissolution(years)

    def _another_type(self) -> str:
        kinds = (PUBLIC, EMPLOYERS, EMPLOYERS, ("private_enterprise",), ("trade_guild",))
        return self.rng.choice(self.rng.choice(kinds))

    def _founding(self, years: Sequence[int]) -> tuple[str, int]:
        if self.rng.random() < 0.75:
            return self.rng.choice(("", "1999-01-01")), years[0]
        year = self.rng.choice(years)
        return f"{year}-{self.rng.choice(('03-01', '11-29', '11-30', '12-01'))}", year

    def _dissolution(self, years: Sequence[int]) -> tuple[str, int]:
        """Some stay in the roster after their end."""
        if self.rng.random() < 0.75:
            return "", years[-1]
        year = self.rng.choice([year for year in years if year >= self.first_year])
        days = (f"{year}-{day}" for day in ("06-30", "11-29", "11-30", "12-01", "12-02", "12-31"))
        day = self.rng.choice([day for day in days if day > self.founded_on])
        return day, self.rng.choice((year, year, years[-1]))

    def stands_in(self, year: int) -> bool:
        return self.first_year <= year <= self.last_year

    def roster_row(self, year: int) -> Cells:
        """Who it is this year; type, commune and parent may have changed."""
        self._grow_older()
        women = part(self.rng, self.heads)
        members = self._members()
        is_over = bool(self.dissolved_on) and int(self.dissolved_on[:4]) <= year
        return filled(
            "roster",
            {
                "year": year,
                "unit_id": self.id,
                "name": f"CĐCS {self.id}",
                "unit_type": self.type,
                "commune": self.commune,
                "parent": self.parent,
                "founded_on": self.founded_on,
                "dissolved_on": self.dissolved_on if is_over else "",
                "workers_total": self.heads,
                "workers_female": women,
                "members_total": members,
                "members_female": min(self.rng.choice((9, 10, 11, women, members)), members),
            },
        )

    def _grow_older(self) -> None:
        if self.rng.random() < 0.12:
            self.type = self._another_type()
        if self.rng.random() < 0.12:
            self.commune = self.rng.choice(COMMUNES)
        if self.rng.random() < 0.12:
            self.parent = self.rng.choice(PARENTS)
        if self.rng.random() < 0.4:
            self.heads = self.rng.choice((*HEADS, self.heads + 1, max(self.heads - 1, 0)))
        if self.rng.random() < 0.3:
            self.agreement = self.climbs

    def _members(self) -> int:
        """A guild may have more members than workers."""
        if self.type in PUBLIC:
            return self.heads
        if self.type == "trade_guild":
            return self.heads + self.rng.choice((0, 1, 10, 20))
        return part(self.rng, self.heads)

    def returns_row(self, roster: Cells) -> Cells:
        """What it has to report, without gaps."""
        rng = self.rng
        workers, members = int(roster["workers_total"]), int(roster["members_total"])
        hardship = min(rng.choice((0, 0, 1, 2, 3, 8, 10)), members)
        cadres = rng.choice((0, 1, 2, 3, 5, 10))
        fund_due, dues_due = rng.choice(MONEY), rng.choice(MONEY)
        fund = paid(rng, fund_due)
        cells: dict[str, object] = {
            "year": roster["year"],
            "unit_id": self.id,
            "informed": part(rng, workers),
            "resolution_informed": part(rng, workers),
            "hardship_members": hardship,
            "hardship_supported": part(rng, hardship),
            "culture_members": part(rng, members),
            "welfare_members": part(rng, members),
            "agreement_in_force": self.agreement,
            "party_introduced": min(rng.choice((0, 0, 1, 1, 2, 4)), members),
            "party_admitted": min(rng.choice((0, 0, 1)), members),
            "new_members": rng.choice((0, 0, 1, 3, 10, 25, 50)),
            "grade": rng.choice(GRADES),
            "cadres_total": cadres,
            "cadres_trained": part(rng, cadres),
            "fund_due": fund_due,
            "fund_collected": fund,
            "fund_allocated": part(rng, fund),
            "dues_due": dues_due,
            "dues_collected": paid(rng, dues_due),
        }
        return filled("returns", cells | {fact: rng.random() < 0.85 for fact in FACTS})


# Whole tables


def random_tables(
    seed: int, *, units: int = 12, years: Sequence[int] = (2022, 2023, 2024, 2025, 2026)
) -> Tables:
    """Tables of text cells that the table rules accept, the same for the same seed."""
    rng = random.Random(seed)
    years = sorted(years)
    tables: Tables = {name: [] for name in HEADERS}
    everyone = [Unit(rng, position, years) for position in range(1, units + 1)]
    for year in years:
        gaps, silent = rng.choice(((0, 0), (0, 0), (0.04, 0), (0.1, 0.1), (0.3, 0.2)))
        for unit in everyone:
            if unit.stands_in(year):
                add_unit(rng, tables, unit, year, gaps, silent)
    add_employers(rng, tables, years)
    add_district(rng, tables, years)
    add_lineage(tables, everyone)
    return tables


def add_unit(
    rng: random.Random, tables: Tables, unit: Unit, year: int, gaps: float, silent: float
) -> None:
    """A unit's year: its roster row always, its return unless it was silent.

    A unit that is no longer expected, or not yet, sometimes reports all the same.
    """
    roster = unit.roster_row(year)
    returned = unit.returns_row(roster)
    tables["roster"].append(gappy(rng, roster, gaps / 3, HEADERS["roster"][:8]))
    if rng.random() >= silent:
        tables["returns"].append(gappy(rng, returned, gaps, ("year", "unit_id", "note")))


def add_employers(rng: random.Random, tables: Tables, years: Sequence[int]) -> None:
    """The register of employers, which some years lack; types, communes and unions change."""
    without = rng.choice(((), (), (rng.choice(years),), (years[0],), tuple(years)))
    count = rng.choice((1, 4, 7, 10))
    for year in years:
        if year in without:
            continue
        unit_ids = [row["unit_id"] for row in tables["roster"] if row["year"] == str(year)]
        for position in range(1, count + 1):
            if rng.random() < 0.9:
                tables["employers"].append(employer_row(rng, year, position, unit_ids))


def employer_row(rng: random.Random, year: int, position: int, unit_ids: list[str]) -> Cells:
    workers = rng.choice((0, 2, 9, 19, 20, 20, 21, 50, 400))
    unit_id = rng.choice(unit_ids) if unit_ids and rng.random() < 0.6 else ""
    cells: dict[str, object] = {
        "year": year,
        "employer_id": f"DN{position:03d}",
        "name": f"Công ty {position}",
        "employer_type": rng.choice((*EMPLOYERS[:3], *EMPLOYERS)),
        "commune": rng.choice(COMMUNES),
        "workers_total": workers,
        "unit_id": unit_id,
        "workers_gathered": "" if unit_id else part(rng, workers),
    }
    kept = set(HEADERS["employers"]) - {"workers_total", "workers_gathered"}
    return gappy(rng, filled("employers", cells), 0.12, kept)


def add_district(rng: random.Random, tables: Tables, years: Sequence[int]) -> None:
    """The district's own facts: rows missing in some years, none after its end."""
    end = rng.choice((None, None, *years[1:]))
    day = rng.choice(("06-30", "07-01", "11-29", "11-30", "12-01", "12-31"))
    gaps = rng.choice((0, 0.1, 0.3))
    for year in years:
        if end is not None and year > end:
            break
        if year == end or rng.random() < 0.8:
            row = gappy(rng, district_row(rng, year), gaps, ("year", "note"))
            row["dissolved_on"] = f"{year}-{day}" if year == end else ""
            tables["district"].append(row)


def district_row(rng: random.Random, year: int) -> Cells:
    cadres = rng.choice((0, 4, 6))
    fund_due, dues_due = rng.choice(MONEY), rng.choice(MONEY)
    cells: dict[str, object] = {
        "year": year,
        "plan_made": rng.random() < 0.8,
        "plan_disseminated": rng.random() < 0.8,
        "inspections": rng.choice((0, 1, 2, 3, 5, 6)),
        "law_classes": rng.choice((0, 1, 2, 3, 4)),
        "district_grade": rng.choice(GRADES[:-1]),
        "cadres_total": cadres,
        "cadres_trained": part(rng, cadres),
        "emulation_launched": rng.random() < 0.8,
        "finance_disclosed": rng.random() < 0.8,
        "fund_due": fund_due,
        "fund_collected": paid(rng, fund_due),
        "dues_due": dues_due,
        "dues_collected": paid(rng, dues_due),
        "rewards_collectives": rng.choice((0, 3, 10)),
        "rewards_individuals": rng.choice((0, 12, 40)),
        "rewards_proposed": rng.choice((0, 2, 5)),
    }
    return filled("district", cells | {fact: rng.random() < 0.8 for fact in PARTNERS})


def add_lineage(tables: Tables, everyone: list[Unit]) -> None:
    """Foundings and dissolutions, as far as the units tell of them."""
    for unit in everyone:
        if unit.founded_on:
            event = {"date": unit.founded_on, "event": "founded", "successor_id": unit.id}
            tables["lineage"].append(filled("lineage", dict(event)))
        if unit.dissolved_on:
            event = {"date": unit.dissolved_on, "event": "dissolved", "predecessor_id": unit.id}
            tables["lineage"].append(filled("lineage", dict(event)))


# What tests do with them


def write_tables(tables: Tables, folder: Path | str) -> Path:
    """Write a dataset folder of CSV files, a header for every table, and return the folder."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, header in HEADERS.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as lines:
            writer = csv.DictWriter(lines, header, lineterminator="\n")
            writer.writeheader()
            writer.writerows(tables.get(name, []))
    return folder


def copied(tables: Tables) -> Tables:
    return {name: [dict(row) for row in rows] for name, rows in tables.items()}


def shuffled(tables: Tables, rng: random.Random) -> Tables:
    """The same rows in another order."""
    return {name: rng.sample(rows, len(rows)) for name, rows in copied(tables).items()}


def with_cell_reported(
    tables: Tables, rng: random.Random, *, within_caps: bool = False
) -> tuple[Tables, Where | None]:
    """Fill one empty cell of ``returns`` with a value that the rules accept, and say which.

    With ``within_caps`` a filled denominator stays at or below the largest figure of the unit's
    earlier years, where it has one, so does a numerator while its denominator is not known, and a
    sum collected stays at or below 120% of the sum due: the promises on which the bounds of a
    ratio rest. None if no such cell is left.
    """
    tables = copied(tables)
    gaps = [
        (row, column)
        for row in tables["returns"]
        for column, cell in row.items()
        if cell == "" and column != "note"
    ]
    rng.shuffle(gaps)
    for row, column in gaps:
        value = legal_value(tables, rng, row, column, within_caps)
        if value is not None:
            row[column] = value
            return tables, Where(int(row["year"]), row["unit_id"], column, value)
    return tables, None


def legal_value(
    tables: Tables, rng: random.Random, row: Cells, column: str, within_caps: bool
) -> str | None:
    """A value for an empty cell, None where the promises leave no room."""
    if column in (*FACTS, "agreement_in_force"):
        return rng.choice(("true", "false"))
    if column == "grade":
        return rng.choice(GRADES)
    cells = roster_of(tables, row) | row
    low, high = room(cells, column)
    if within_caps:
        promised_low, promised_high = promises(tables, row, column)
        low, high = max(low, promised_low), least(high, promised_high)
    if high is None:
        high = low + rng.choice(MONEY if column in MONEY_COLUMNS else HEADS)
    if low > high:
        return None
    return text(rng.choice((low, high, rng.randint(low, high))))


def roster_of(tables: Tables, row: Cells) -> Cells:
    key = (row["year"], row["unit_id"])
    found = [one for one in tables["roster"] if (one["year"], one["unit_id"]) == key]
    return found[0] if found else {}


def room(cells: Cells, column: str) -> tuple[int, int | None]:
    """The least and the greatest figure that the other cells of the row leave."""
    low = 0
    for part_of, whole in AT_MOST.items():
        if whole == column:
            known = cells.get(part_of) or ""
            low = max(low, int(known) if known else room(cells, part_of)[0])
    whole_column = AT_MOST.get(column)
    while whole_column is not None:
        if cells.get(whole_column):
            return low, int(cells[whole_column])
        whole_column = AT_MOST.get(whole_column)
    return low, None


def promises(tables: Tables, row: Cells, column: str) -> tuple[int, int | None]:
    """What the bounds of a ratio take for granted of a figure not yet known."""
    if column in DUE:
        return 0, most_collected(tables, row, column)
    whole = AT_MOST.get(column)
    if whole in CARRIED and not (roster_of(tables, row) | row)[whole]:
        return 0, largest_before(tables, row, whole)
    if column not in CARRIED:
        return 0, None
    low = 0
    for collected, due_column in DUE.items():
        if due_column == column and row[collected]:
            low = ceil(int(row[collected]) / Fraction(6, 5))
    return low, largest_before(tables, row, column)


def most_collected(tables: Tables, row: Cells, column: str) -> int | None:
    """At most 120% of its own sum due, and all that was collected at most all that may be due."""
    caps = {}
    for collected, due in DUE.items():
        caps[collected] = int(row[due]) if row[due] else largest_before(tables, row, due)
    if row[DUE[column]]:
        most: int | None = int(int(row[DUE[column]]) * Fraction(6, 5))
    else:
        most = caps[column]
    if all(row[due] for due in DUE.values()) or None in caps.values():
        return most
    others = sum(int(row[other] or 0) for other in DUE if other != column)
    return least(most, sum(cap or 0 for cap in caps.values()) - others)


def largest_before(tables: Tables, row: Cells, column: str) -> int | None:
    """The largest figure of the unit's earlier years; None where it has none, or only 0."""
    earlier = [
        int(other[column])
        for other in (*tables["roster"], *tables["returns"])
        if other["unit_id"] == row["unit_id"] and other["year"] < row["year"] and other.get(column)
    ]
    return max(earlier, default=0) or None


def least(one: int | None, other: int | None) -> int | None:
    known = [end for end in (one, other) if end is not None]
    return min(known, default=None)
