"""The edition to share gives back no count of 1 to 7 persons, whoever subtracts what from what.

Two sides: an attacker who knows every shown figure, the rules of the tables and the plan, and solves
for what is hidden; and proof that no attacker can do better: other data sets, in which each hidden
figure takes at least three values, from which the engine computes just what is shown.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from itertools import pairwise
from math import ceil, floor
from typing import Any

import pandas as pd
import pytest
from conftest import ROOT
from datasets import HEADERS, Tables, random_tables
from test_engine_kit import dataset_of, plan_of, tables_of
from test_engine_oracle import UNUSUAL

from analysis import load
from analysis.indicators import compute_indicators
from analysis.params import Params
from analysis.plan import Indicator, Plan, load_plan
from analysis.problems import InputError, has_errors
from analysis.redaction import (
    BANDED,
    BOUNDS_HIDDEN,
    HIDDEN,
    HIDDEN_CELL,
    RedactedStudy,
    redact,
    shown_value,
)
from analysis.redaction.kinds import SIZES, kind_of
from analysis.redaction.money import BANDS
from analysis.redaction.years import Register
from analysis.study import Study
from analysis.tables.check import check_dataset
from analysis.tables.dictionary import dictionary
from analysis.tables.load import Dataset

SMALL = range(1, 8)
ENOUGH = 3
YEARS = (2022, 2023, 2024)
SEEDS = range(20)
FIGURES = ("numerator", "denominator", "value", "lower", "upper", "slack", "breakeven")

Cell = tuple[int, str, str]  # year, member, column; the district is a member without a name
Form = dict[Cell, int]
DISTRICT = ""


# Studies


@cache
def sample() -> Study:
    return load(2024)


@cache
def shared_sample() -> RedactedStudy:
    return shared(sample())


def study_of(tables: Tables, plan: Plan | None = None) -> Study:
    params = Params(year=2024, data="-", plan="-")
    return Study(params, plan or sample().plan, dataset_of(tables), ROOT)


@cache
def random_study(seed: int) -> Study:
    return study_of(random_tables(seed, units=10 + seed % 4 * 4, years=YEARS))


@cache
def shared_random(seed: int) -> RedactedStudy:
    return shared(random_study(seed))


def shared(study: Study) -> RedactedStudy:
    edition = redact(study)
    assert isinstance(edition, RedactedStudy)
    return edition


def flags_of(row: Any) -> set[str]:
    return set(str(row.flags).split(";")) - {""}


def persons_in(plan: Plan) -> dict[str, Indicator]:
    return {i.id: i for i in plan.catalogue() if kind_of(i) == "persons"}


def number(cell: Any) -> int | None:
    return None if pd.isna(cell) else int(cell)


# What there is to know of a data set


@dataclass
class World:
    """The members of each sum, and the true figures that must not come out."""

    study: Study
    values: dict[Cell, int] = field(default_factory=dict)
    wholes: dict[Cell, Cell] = field(default_factory=dict)
    members: dict[tuple[str, int, str, str], list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._read("roster", "unit_id")
        self._read("returns", "unit_id")
        self._read("employers", "employer_id")
        self._read("district", None)
        for source, table in (("units", self.study.table), ("employers", None)):
            self._gather(source, table)

    def _read(self, name: str, key: str | None) -> None:
        described = dictionary().tables[name].columns
        counts = [c for c in described.values() if c.type.name == "count"]
        exempt = {
            (int(row.year), str(row.unit_id)): str(row.unit_type)
            for row in self.study.dataset.roster.itertuples()
        }
        for row in self.study.dataset.tables[name].to_dict("records"):
            year, member = int(row["year"]), str(row[key]) if key else DISTRICT
            for column in counts:
                if pd.notna(row[column.name]):
                    cell = (year, member, column.name)
                    self.values[cell] = int(row[column.name])
                    if column.at_most and exempt.get((year, member)) not in column.exempt:
                        self.wholes[cell] = (year, member, column.at_most)
        self.wholes = {c: w for c, w in self.wholes.items() if not self._is_over(c, w)}

    def _is_over(self, part: Cell, whole: Cell) -> bool:
        """A rule that is only a warning may be broken."""
        return whole in self.values and self.values[part] > self.values[whole]

    def _gather(self, source: str, table: pd.DataFrame | None) -> None:
        """Note who is in each sum of persons."""
        plan = self.study.plan
        asked = {k: i for k, i in persons_in(plan).items() if i.over == source}
        if table is None:
            return self._gather_employers(asked)
        rows = table[(table["scope"] == "unit") & (table["reported"] > 0)]
        for row in rows[rows["indicator"].isin(asked)].itertuples():
            year, unit = int(row.year), str(row.scope_id)
            facts = self.study.register.loc[(year, unit)]
            for scope, name in self._places(facts) | {("unit", unit)}:
                self.members.setdefault((row.indicator, year, scope, name), []).append(unit)
        whole = table[(table["scope"] == "district") & table["indicator"].isin(asked)]
        for row in whole.itertuples():
            inside = self.members.setdefault(self.key(row), [])
            if row.reported > len(inside):
                inside.append(DISTRICT)
        return None

    def _places(self, facts: Any) -> set[tuple[str, str]]:
        scopes = {(scope, str(facts[scope])) for scope in ("commune", "unit_type", "parent")}
        return scopes | {("district", self.study.plan.issuer.id)}

    def _gather_employers(self, asked: dict[str, Indicator]) -> None:
        for row in self.study.dataset.employers.to_dict("records"):
            for indicator in asked.values():
                counts = [row[c] for c in (*indicator.numerator, *indicator.denominator)]
                included = all(
                    pd.notna(row[c.column]) == c.present for c in indicator.members_if
                ) and row["employer_type"] in self.study.plan.types_in(indicator.population)
                if not included or pd.isna(counts).any() or not row[indicator.denominator[0]]:
                    continue
                for scope, name in (
                    ("commune", row["commune"]),
                    ("unit_type", row["employer_type"]),
                    ("district", self.study.plan.issuer.id),
                ):
                    key = (indicator.id, int(row["year"]), scope, str(name))
                    self.members.setdefault(key, []).append(str(row["employer_id"]))

    def key(self, row: Any) -> tuple[str, int, str, str]:
        return str(row.indicator), int(row.year), str(row.scope), str(row.scope_id)

    def forms(self, row: Any, indicator: Indicator) -> Iterator[tuple[str, Form]]:
        """The numerator, the denominator and who was left out, in terms of cells."""
        members = self.members.get(self.key(row), [])
        year = int(row.year)
        part = {(year, m, c): 1 for m in members for c in indicator.numerator}
        yield "numerator", part
        if indicator.measure == "ratio":
            whole = {(year, m, c): 1 for m in members for c in indicator.denominator}
            yield "denominator", whole
            yield "left out", whole | {cell: -1 for cell in part}

    def value(self, form: Form) -> int:
        return sum(factor * self.values[cell] for cell, factor in form.items())

    @property
    def secrets(self) -> list[tuple[str, Form]]:
        """Everything that counts 1 to 7 persons in a table that goes out, or could be worked out."""
        found: dict[frozenset[tuple[Cell, int]], tuple[str, Form]] = {}

        def add(label: str, form: Form) -> None:
            if form and self.value(form) in SMALL and not self._is_odd(form):
                found.setdefault(frozenset(form.items()), (label, form))

        asked = persons_in(self.study.plan)
        rows = self.study.table[self.study.table["indicator"].isin(asked)]
        for row in rows[rows["reported"] > 0].itertuples():
            indicator = asked[row.indicator]
            if indicator.over == "district":
                continue
            for name, form in self.forms(row, indicator):
                add(f"{row.indicator} {row.year} {row.scope} {row.scope_id} {name}", form)
        for year in self.study.dataset.years:
            for unit in self.study.expected_units(year).index:
                cells = [(year, str(unit), size) for size in SIZES]
                for cell in cells:
                    if cell in self.values:
                        add(f"{cell}", {cell: 1})
                if all(cell in self.values for cell in cells):
                    add(f"{cells[0]} left out", {cells[0]: 1, cells[1]: -1})
        return list(found.values())

    def _is_odd(self, form: Form) -> bool:
        """A "part" that exceeds its whole for somebody leaves nobody out."""
        of_member: Counter[str] = Counter()
        for cell, factor in form.items():
            of_member[cell[1]] += factor * self.values[cell]
        return min(of_member.values()) < 0


# The attacker


class Attacker:
    """Solves for hidden figures from what an edition shows.

    Linear equations (every shown sum over its members, every shown cell), solved exactly; then
    intervals: no count is negative, no part exceeds its whole, shown verdicts hold.
    """

    def __init__(self, world: World, edition: Study) -> None:
        self.world = world
        self.equations: list[tuple[Form, Fraction]] = []
        self.low: dict[Cell, int] = {}
        self.high: dict[Cell, int] = {}
        self.orders: list[tuple[Cell, Cell]] = list(world.wholes.items())
        self.verdicts: list[tuple[Cell, Cell, Any, bool]] = []
        self._read_cells(edition)
        asked = persons_in(edition.plan)
        table = edition.table
        for row in table[table["indicator"].isin(asked) & (table["reported"] > 0)].itertuples():
            self._read_row(row, asked[row.indicator])
        self._solve()
        self._narrow()

    def _read_cells(self, edition: Study) -> None:
        self.unknown = set(self.world.values)
        for name, key in (("roster", "unit_id"), ("returns", "unit_id"), ("district", None)):
            columns = dictionary().tables[name].columns.values()
            counts = [c.name for c in columns if c.type.name == "count"]
            for row in edition.dataset.tables[name].to_dict("records"):
                member = str(row[key]) if key else DISTRICT
                for column in counts:
                    if pd.notna(row[column]):
                        self._learn({(int(row["year"]), member, column): 1}, int(row[column]))
        if isinstance(edition, RedactedStudy):
            for (year, column), total in edition.totals.items():
                units = edition.expected_units(year).index
                cells = [(year, str(unit), column) for unit in units]
                self._learn({c: 1 for c in cells if c in self.world.values}, total)

    def _read_row(self, row: Any, indicator: Indicator) -> None:
        if indicator.over == "district":
            return
        forms = dict(self.world.forms(row, indicator))
        for name in ("numerator", "denominator"):
            figure = number(getattr(row, name))
            if figure is not None and name in forms:
                self._learn(forms[name], figure)
        target = indicator.target_in(int(row.year))
        simple = indicator.measure == "ratio" and len(indicator.numerator) == 1
        if row.scope == "unit" and simple and target and row.verdict in ("met", "not_met"):
            part, whole = next(iter(forms["numerator"])), next(iter(forms["denominator"]))
            self.verdicts.append((part, whole, target, row.verdict == "met"))
        if number(row.denominator) and row.scope != "unit" and row.missing and row.lower > 0:
            self._read_bounds(row, indicator)

    def _read_bounds(self, row: Any, indicator: Indicator) -> None:
        """The lower bound gives the caps of the missing: with one missing, a figure of its own."""
        caps = round(row.numerator / row.lower - row.denominator)
        year, scope, name = int(row.year), str(row.scope), str(row.scope_id)
        register = self.world.study.register.loc[year]
        rows = self.world.study.table
        rows = rows[(rows["scope"] == "unit") & (rows["indicator"] == indicator.id)]
        rows = rows[(rows["year"] == year) & (rows["missing"] > 0)]
        units = [u for u in rows["scope_id"].astype(str) if scope == "district" or register.at[u, scope] == name]
        if len(units) != 1 or len(indicator.denominator) != 1 or indicator.with_district:
            return
        column = indicator.denominator[0]
        if any((year, units[0], name) in self.world.values for name in indicator.numerator):
            return
        before = [(y, units[0], column) for y in range(1990, year)]
        known = [cell for cell in before if cell in self.world.values]
        if (year, units[0], column) in self.world.values:
            self._learn({(year, units[0], column): 1}, caps)
        elif len(known) == 1:
            self._learn({known[0]: 1}, caps)

    def _learn(self, form: Form, value: int) -> None:
        self.equations.append((form, Fraction(value)))

    def _solve(self) -> None:
        """Gauss and Jordan, exactly: every pivot in terms of cells that are none."""
        self.solved: dict[Cell, tuple[dict[Cell, Fraction], Fraction]] = {}
        self.uses: dict[Cell, set[Cell]] = defaultdict(set)
        for form, value in sorted(self.equations, key=lambda item: len(item[0])):
            rest, constant = self._reduce(form)
            if not rest:
                assert constant == value, "what is shown contradicts itself"
                continue
            pivot = min(rest)
            factor = rest.pop(pivot)
            row = {cell: -f / factor for cell, f in rest.items()}
            base = (value - constant) / factor
            for user in list(self.uses.pop(pivot, ())):
                terms, old = self.solved[user]
                weight = terms.pop(pivot)
                for cell, f in row.items():
                    terms[cell] = terms.get(cell, Fraction(0)) + weight * f
                    if terms[cell]:
                        self.uses[cell].add(user)
                    else:
                        del terms[cell]
                        self.uses[cell].discard(user)
                self.solved[user] = (terms, old + weight * base)
            self.solved[pivot] = (row, base)
            for cell in row:
                self.uses[cell].add(pivot)

    def _reduce(self, form: Form) -> tuple[dict[Cell, Fraction], Fraction]:
        rest: dict[Cell, Fraction] = {}
        constant = Fraction(0)
        for cell, factor in form.items():
            terms, base = self.solved.get(cell, ({cell: Fraction(1)}, Fraction(0)))
            constant += factor * base
            for other, f in terms.items():
                rest[other] = rest.get(other, Fraction(0)) + factor * f
        return {cell: f for cell, f in rest.items() if f}, constant

    def _narrow(self) -> None:
        most = sum(self.world.values.values()) + 1
        self.low = dict.fromkeys(self.world.values, 0)
        self.high = dict.fromkeys(self.world.values, most)
        sums = [(dict(form), value) for form, value in self.equations]
        sums += [({**{c: -f for c, f in terms.items()}, cell: Fraction(1)}, base) for cell, (terms, base) in self.solved.items()]
        for _ in range(60):
            before = (dict(self.low), dict(self.high))
            for form, value in sums:
                self._narrow_sum(form, value)
            for part, whole in self.orders:
                if whole in self.high:
                    self._set(part, None, self.high[whole])
                    self._set(whole, self.low[part], None)
            for part, whole, target, met in self.verdicts:
                self._narrow_verdict(part, whole, target, met)
            if before == (self.low, self.high):
                break

    def _set(self, cell: Cell, low: int | None, high: int | None) -> None:
        if low is not None and low > self.low[cell]:
            self.low[cell] = low
        if high is not None and high < self.high[cell]:
            self.high[cell] = high

    def _narrow_sum(self, form: dict[Cell, Any], value: Fraction) -> None:
        ends = {
            c: sorted((f * self.low[c], f * self.high[c])) for c, f in form.items()
        }
        least, most = sum(e[0] for e in ends.values()), sum(e[1] for e in ends.values())
        for cell, factor in form.items():
            bounds = sorted(
                ((value - most + ends[cell][1]) / factor, (value - least + ends[cell][0]) / factor)
            )
            self._set(cell, ceil(bounds[0]), floor(bounds[1]))

    def _narrow_verdict(self, part: Cell, whole: Cell, target: Any, met: bool) -> None:
        bar, strict = target.minimum, target.is_strict
        if met:
            least = bar * self.low[whole]
            self._set(part, floor(least) + 1 if strict and self.low[whole] else ceil(least), None)
            return
        most = bar * self.high[whole]
        self._set(part, None, floor(most) if strict else ceil(most) - 1)

    def range_of(self, form: Form) -> range:
        """The whole numbers that a figure could be, as far as the attacker knows."""
        lows, highs = [], []
        reduced, constant = self._reduce(form)
        for terms, base in ((form, Fraction(0)), (reduced, constant)):
            ends = [sorted((f * self.low[c], f * self.high[c])) for c, f in terms.items()]
            lows.append(base + sum(e[0] for e in ends))
            highs.append(base + sum(e[1] for e in ends))
        return range(ceil(max(lows)), floor(min(highs)) + 1)

    def find(self) -> list[str]:
        """The figures of 1 to 7 persons that have fewer than three values left."""
        found = []
        for label, form in self.world.secrets:
            left = self.range_of(form)
            assert self.world.value(form) in left, f"{label}: the attacker is wrong"
            if len(left) < ENOUGH:
                found.append(f"{label}: {left}")
        return found


def naive(study: Study) -> Study:
    """The edition that hides small figures and thinks no further."""
    table, plan = study.table.copy(), study.plan
    persons = table["indicator"].isin(persons_in(plan)) & (table["reported"] > 0)
    ratio = table["indicator"].isin([i.id for i in plan.catalogue() if i.measure == "ratio"])
    above, below = table["numerator"].fillna(0), table["denominator"].fillna(0)
    small = above.between(1, 7) | (ratio & (below.between(1, 7) | (below - above).between(1, 7)))
    table.loc[persons & small, list(FIGURES)] = None
    table["verdict"] = table["verdict"].astype(object)
    table.loc[persons & small, "verdict"] = HIDDEN
    tables = {}
    for name, frame in study.dataset.tables.items():
        described = dictionary().tables[name].columns
        counts = [c.name for c in described.values() if c.type.name == "count"]
        shown = {c: frame[c].mask(frame[c].between(1, 7).fillna(False)) for c in counts}
        # Parts beside which few were left out stay out of the tables: the rows are what is tried.
        tables[name] = frame.assign(**{c: v.mask(v.notna() & (name != "roster")) for c, v in shown.items()})
    edition = Study(study.params, plan, Dataset(tables), study.root)
    edition.__dict__["table"] = table
    return edition


@pytest.mark.parametrize("seed", SEEDS)
def test_attack_on_random_data_fails(seed: int) -> None:
    assert Attacker(World(random_study(seed)), shared_random(seed)).find() == []


def test_attack_on_sample_fails() -> None:
    assert Attacker(World(sample()), shared_sample()).find() == []


def test_attack_succeeds_on_what_is_not_redacted() -> None:
    world = World(sample())
    assert len(Attacker(world, sample()).find()) == len(world.secrets) > 1000


def test_attack_succeeds_on_naive_redaction() -> None:
    world = World(sample())
    assert len(Attacker(world, naive(sample())).find()) > 50
    broken = [seed for seed in SEEDS if Attacker(World(random_study(seed)), naive(random_study(seed))).find()]
    assert len(broken) > len(SEEDS) // 2


def test_bounds_would_tell_last_years_figure() -> None:
    """A missing unit's cap is its own figure of an earlier year."""
    tables = tables_of(
        {"year": 2023, "workers_total": 5, "informed": 5, "unit_id": "A"},
        *(
            {"year": year, "workers_total": size, "informed": size - gap, "unit_id": unit}
            for year in (2023, 2024)
            for unit, size, gap in (("B", 40, 2), ("C", 50, 3), ("D", 60, 9), ("E", 30, 4), ("F", 6, 1), ("G", 5, 2))
        ),
        {"year": 2024, "unit_id": "A", "plan_made": True},
    )
    study = study_of(tables)
    assert any("2023" in label for label in Attacker(World(study), naive(study)).find())
    assert Attacker(World(study), redact(study)).find() == []
    row = next(r for r in shared(study).table.itertuples() if World(study).key(r) == ("informed_all", 2024, "district", study.plan.issuer.id))
    if HIDDEN not in flags_of(row):
        assert BOUNDS_HIDDEN in flags_of(row)
        assert pd.isna(row.lower)


# The proof


@dataclass(frozen=True)
class Exchange:
    """Persons given by some members of a shown sum to others: what each cell grows by."""

    steps: tuple[tuple[Cell, int], ...]

    @property
    def members(self) -> set[tuple[int, str]]:
        return {(year, member) for (year, member, _), _ in self.steps}

    def change(self, form: Form) -> int:
        return sum(form.get(cell, 0) * step for cell, step in self.steps)


def exchanges_of(study: Study) -> list[Exchange]:
    """Exchanges that the redaction holds to be invisible, a few of every kind for every member."""
    found = []
    for source in ("units", "employers"):
        register = Register(study.dataset, study.plan, source)
        for year in study.dataset.years:
            persons = register.read(year)
            names = [*persons.ids, DISTRICT]
            proof = persons.decide().proof
            for move, (up, down) in proof.room.items():
                columns = [persons.sheet.columns[c] for c in move]
                pool, free = proof.pools(move)
                for ours, theirs, sign in ((up, down, 1), (down, up, -1)):
                    for row in ours.nonzero()[0].tolist():
                        others = [-1] if free[row] else [int(o) for o in theirs.nonzero()[0] if pool[o] == pool[row] and o != row]
                        for taken in _spreads(int(ours[row]), others, theirs):
                            steps = {row: sum(taken.values())} | {o: -n for o, n in taken.items()}
                            found.append(Exchange(tuple(
                                ((year, names[m], c), sign * n)
                                for m, n in steps.items() if m >= 0 for c in columns
                            )))  # fmt: skip
    return found


def _spreads(most: int, others: list[int], room: Any) -> Iterator[dict[int, int]]:
    """Ways to take persons from others, or (-1) from nobody."""
    for other in others:
        for size in range(1, min(most, int(room[other]) if other >= 0 else most) + 1):
            yield {other: size}
    for first, second in pairwise(others):
        if most > 1:
            yield {first: 1, second: 1}


def worlds_of(study: Study, truth: World) -> list[list[Exchange]]:
    """Pack exchanges into few data sets, so that every secret has enough values among them."""
    changing: dict[Cell, list[Exchange]] = defaultdict(list)
    for exchange in exchanges_of(study):
        for cell, _ in exchange.steps:
            changing[cell].append(exchange)
    worlds: list[list[Exchange]] = []
    open_secrets = truth.secrets
    for _ in range(12):
        worlds += _pack(open_secrets, worlds, changing)
        nets = [_net(world) for world in worlds]
        open_secrets = [s for s in open_secrets if len(_values(s[1], nets)) < ENOUGH]
        if not open_secrets:
            return worlds
    label, form = open_secrets[0]
    raise AssertionError(f"{label} = {truth.value(form)}: {_values(form, nets)}")


def _net(world: list[Exchange]) -> Counter[Cell]:
    return Counter({cell: step for exchange in world for cell, step in exchange.steps})


def _values(form: Form, nets: Iterable[Counter[Cell]]) -> set[int]:
    return {0} | {sum(factor * net[cell] for cell, factor in form.items()) for net in nets}


def _pack(
    secrets: list[tuple[str, Form]],
    before: list[list[Exchange]],
    changing: dict[Cell, list[Exchange]],
) -> list[list[Exchange]]:
    old = [_net(world) for world in before]
    worlds: list[list[Exchange]] = []
    nets: list[Counter[Cell]] = []
    busy: list[set[tuple[int, str]]] = []
    for _, form in secrets:
        seen = _values(form, [*old, *nets])
        for exchange in (e for cell in form for e in changing[cell]):
            if len(seen) >= ENOUGH:
                break
            by = exchange.change(form)
            for i in range(len(worlds) + 1):
                if i == len(worlds):
                    worlds.append([])
                    nets.append(Counter())
                    busy.append(set())
                after = sum(factor * nets[i][cell] for cell, factor in form.items()) + by
                if by and not busy[i] & exchange.members and after not in seen:
                    worlds[i].append(exchange)
                    nets[i].update(dict(exchange.steps))
                    busy[i] |= exchange.members
                    seen.add(after)
                    break
                if i == len(worlds) - 1 and not worlds[i]:
                    break
    return [world for world in worlds if world]


def changed(dataset: Dataset, exchanges: Iterable[Exchange]) -> Dataset:
    """The data set after exchanges; columns that no indicator asks for follow their wholes."""
    steps: dict[tuple[int, str], dict[str, int]] = defaultdict(dict)
    for exchange in exchanges:
        for (year, member, column), step in exchange.steps:
            steps[year, member][column] = step
    tables = {}
    for name, key in (("roster", "unit_id"), ("returns", "unit_id"), ("employers", "employer_id"), ("district", "")):
        frame = dataset.tables[name].copy()
        for place, year in enumerate(frame["year"]):
            member = frame[key].iat[place] if key else DISTRICT
            for column, step in steps.get((int(year), member), {}).items():
                if column in frame and not (name == "employers" and column not in ("workers_total", "workers_gathered")):
                    frame[column] = frame[column].mask(frame.index == frame.index[place], frame[column].iat[place] + step)
        tables[name] = frame
    roster = tables["roster"]
    over = roster["unit_type"] == "trade_guild"
    for part, whole in (("workers_female", "workers_total"), ("members_female", "members_total")):
        roster[part] = roster[part].where(~(roster[part] > roster[whole]).fillna(False), roster[whole])
    whole = roster.set_index(["year", "unit_id"])["members_total"]
    returns = tables["returns"]
    limit = pd.Series([whole.get((y, u)) for y, u in zip(returns["year"], returns["unit_id"], strict=True)], index=returns.index, dtype="Int64")
    returns["party_admitted"] = returns["party_admitted"].where(~(returns["party_admitted"] > limit).fillna(False), limit)
    assert over is not None
    return Dataset({**dataset.tables, **tables}, dataset.files, dataset.description)


def assert_same_edition(edition: RedactedStudy, other: Dataset, study: Study) -> None:
    """The engine computes from the other data set whatever the edition shows."""
    assert not has_errors(check_dataset(other))
    table = compute_indicators(other, study.plan)
    shown = edition.table
    money = shown["flags"].astype(str).str.contains(BANDED)
    for name in ("indicator", "year", "scope", "scope_id", "expected", "reported", "not_applicable", "missing", "target"):
        assert (shown[name].astype(str) == table[name].astype(str)).all(), name
    for name in FIGURES:
        here = shown[name].notna() & ~money
        assert (shown.loc[here, name] == table.loc[here, name]).all(), name
    for name in ("verdict", "trajectory"):
        here = ~shown[name].isin([HIDDEN, ""])
        assert (shown.loc[here, name].astype(str) == table.loc[here, name].astype(str)).all(), name
    hidden = [HIDDEN in flags_of(row) for row in shown.itertuples()]
    for ours, theirs, is_hidden in zip(shown["flags"], table["flags"], hidden, strict=True):
        plain = set(str(ours).split(";")) - {BANDED, BOUNDS_HIDDEN, ""}
        assert is_hidden or plain == set(str(theirs).split(";")) - {""}
    for name, frame in edition.dataset.tables.items():
        for column in frame.columns.intersection(other.tables[name].columns):
            here = frame[column].notna()
            assert (frame.loc[here, column] == other.tables[name].loc[here, column]).all(), column


def prove(study: Study, edition: RedactedStudy) -> int:
    truth = World(study)
    worlds = worlds_of(study, truth)
    for exchanges in worlds:
        assert_same_edition(edition, changed(study.dataset, exchanges), study)
    return len(worlds)


@pytest.mark.parametrize("seed", range(6))
def test_other_data_would_give_the_same_edition(seed: int) -> None:
    assert prove(random_study(seed), shared_random(seed)) > 1


def test_other_data_would_give_the_same_sample() -> None:
    assert prove(sample(), shared_sample()) > 1
