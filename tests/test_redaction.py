"""The edition to share gives back no count of 1 to 7 persons, whoever subtracts what from what.

Proof: other data sets, in which each hidden figure takes at least three values, from which the engine
computes just what is shown. The other side, an attacker who solves for what is hidden:
``test_redaction_solver``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache, cached_property
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest
from conftest import ROOT, sample
from datasets import Tables, random_tables
from test_engine_kit import INFORMED, dataset_of, more_than, plan_of, tables_of

from analysis.params import Params
from analysis.plan import Indicator, Plan
from analysis.plan.schema import columns_over
from analysis.problems import InputError
from analysis.redaction import BANDED, BOUNDS_HIDDEN, HIDDEN, RedactedStudy, redact
from analysis.redaction.edition import BANDS, HIDDEN_CELL
from analysis.redaction.published import SIZES, Respondents, is_persons, kind_of
from analysis.redaction.suppression import decide
from analysis.results import OPEN_COLUMNS, compute_indicators
from analysis.results.rollups import Sources, Year, open_sources
from analysis.study import Study, shown_value
from analysis.tables.check import check_dataset
from analysis.tables.dictionary import Column, dictionary
from analysis.tables.load import Dataset

SMALL = range(1, 8)
ENOUGH = 3
PARTNERS = 4
YEARS = (2023, 2024)
SEEDS = range(4)
COUNTS = (
    *("indicator", "year", "scope", "scope_id"),
    *("expected", "reported", "not_applicable", "missing"),
)
FIGURES = (
    *("numerator", "denominator", "value", "lower", "upper", "slack", "breakeven"),
    *OPEN_COLUMNS,
)

Cell = tuple[int, str, str]  # year, member, column; the district is a member without a name
Form = dict[Cell, int]
DISTRICT = ""
KEYS = {"roster": "unit_id", "returns": "unit_id", "employers": "employer_id", "district": ""}


# Studies


@cache
def shared_sample() -> RedactedStudy:
    edition = sample("share")
    assert isinstance(edition, RedactedStudy)
    return edition


def study_of(tables: Tables, plan: Plan | None = None) -> Study:
    params = Params(year=2024, data="-", plan="-")
    return Study(params, plan or sample().plan, dataset_of(tables), ROOT)


@cache
def random_study(seed: int) -> Study:
    return study_of(random_tables(seed, units=8 + seed % 3 * 4, years=YEARS))


@cache
def shared_random(seed: int) -> RedactedStudy:
    return shared(random_study(seed))


@cache
def late_sample() -> Study:
    """The sample's last two years: as many unions as there are, and figures of a year before."""
    dataset = sample().dataset
    tables = {
        name: frame[frame["year"] >= 2024] if "year" in frame else frame
        for name, frame in dataset.tables.items()
    }
    return replace(sample(), dataset=replace(dataset, tables=tables))


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
        register = self.study.register.to_dict("index")
        for row in rows[rows["indicator"].isin(asked)].itertuples():
            year, unit = int(row.year), str(row.scope_id)
            for scope, name in self._places(register[year, unit]) | {("unit", unit)}:
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

        for label, form in (*self._of_rows(), *self._of_register()):
            add(label, form)
        return list(found.values())

    def _of_rows(self) -> Iterator[tuple[str, Form]]:
        asked = persons_in(self.study.plan)
        rows = self.study.table[self.study.table["indicator"].isin(asked)]
        for row in rows.itertuples():
            indicator = asked[row.indicator]
            if indicator.over == "district":
                continue
            label = f"{row.indicator} {row.year} {row.scope} {row.scope_id}"
            if row.reported:
                for name, form in self.forms(row, indicator):
                    yield f"{label} {name}", form
            elif row.scope == "unit":
                for name in (*indicator.numerator, *indicator.denominator):
                    cell = (int(row.year), str(row.scope_id), name)
                    if cell in self.values:
                        yield f"{label} {name}", {cell: 1}

    def _of_register(self) -> Iterator[tuple[str, Form]]:
        for year in self.study.dataset.years:
            for unit in self.study.expected_units(year).index:
                cells = [(year, str(unit), size) for size in SIZES]
                known = [cell for cell in cells if cell in self.values]
                yield from ((f"{cell}", {cell: 1}) for cell in known)
                if len(known) == len(cells):
                    yield f"{cells[0]} left out", {cells[0]: 1, cells[1]: -1}

    def _is_odd(self, form: Form) -> bool:
        """A "part" that exceeds its whole for somebody leaves nobody out."""
        of_member: Counter[str] = Counter()
        for cell, factor in form.items():
            of_member[cell[1]] += factor * self.values[cell]
        return min(of_member.values()) < 0


# What a reader knows


class Reader:
    """What an edition publishes, as equations: every shown sum over its members, every shown cell."""

    def __init__(self, world: World, edition: Study) -> None:
        self.world = world
        self.equations: list[tuple[Form, int]] = []
        self._read_cells(edition)
        asked = persons_in(edition.plan)
        table = edition.table
        for row in table[table["indicator"].isin(asked) & (table["reported"] > 0)].itertuples():
            self._read_row(row, asked[row.indicator])

    def _read_cells(self, edition: Study) -> None:
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
        units = [
            u
            for u in rows["scope_id"].astype(str)
            if scope == "district" or register.at[u, scope] == name
        ]
        if len(units) != 1 or len(indicator.denominator) != 1 or indicator.with_district:
            return
        column = indicator.denominator[0]
        known = [n for year_, unit, n in self.world.values if (year_, unit) == (year, units[0])]
        columns = {
            **dictionary().tables["roster"].columns,
            **dictionary().tables["returns"].columns,
        }
        if any({n, columns[n].at_most}.intersection(indicator.numerator) for n in known):
            return  # the bound holds these figures too
        before = [(y, units[0], column) for y in range(1990, year)]
        earlier = [cell for cell in before if cell in self.world.values]
        whole = (year, units[0], str(columns[column].at_most))
        if column in known:
            self._learn({(year, units[0], column): 1}, caps)
        elif "carried" not in row.flags and whole in self.world.values:
            self._learn({whole: 1}, caps)
        elif "carried" in row.flags and len(earlier) == 1:
            self._learn({earlier[0]: 1}, caps)

    def _learn(self, form: Form, value: int) -> None:
        self.equations.append((form, value))


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
        tables[name] = frame.assign(
            **{c: v.mask(v.notna() & (name != "roster")) for c, v in shown.items()}
        )
    edition = Study(study.params, plan, Dataset(tables), study.root)
    edition.__dict__["table"] = table
    return edition


def test_bounds_of_a_unit_that_reported_in_part_would_tell_what_it_reported() -> None:
    study = study_of(tables_of({"unit_id": "A", "members_total": 49, "informed": 3}))
    exact, edition = (
        one.table[(one.table["indicator"] == "informed_all") & (one.table["scope"] == "unit")]
        for one in (study, shared(study))
    )
    assert exact["upper"].item() == pytest.approx(3 / 49)
    assert edition[list(FIGURES)].isna().all().all()
    assert edition["verdict"].item() in ("no_target", HIDDEN)


@pytest.mark.parametrize(("others", "is_hidden"), [((45, 37), True), ((45, 137), False)])
def test_a_verdict_that_hangs_on_few_persons_is_not_shown(
    others: tuple[int, ...], is_hidden: bool
) -> None:
    """92/100 is over 90% if the missing unit has 2 workers, as last year, and would not be if 3."""
    units = [{"year": 2024, "workers_total": n, "informed": n, "unit_id": f"B{n}"} for n in others]
    tables = tables_of(
        {"year": 2023, "workers_total": 2, "informed": 2, "unit_id": "A"},
        {"year": 2024, "unit_id": "A", "plan_made": True},
        {"year": 2024, "workers_total": 18, "informed": 10, "unit_id": "C"},
        *units,
    )
    study = study_of(tables, plan_of(INFORMED | more_than("90%")))
    edition = shared(study)
    row = edition.rows("district", study.plan.issuer.id, 2024)["i1"]
    assert study.rows("district", study.plan.issuer.id, 2024)["i1"].verdict == "met"
    assert (row.verdict == HIDDEN) == is_hidden
    assert (HIDDEN if is_hidden else BOUNDS_HIDDEN) in flags_of(row)


# The proof


@dataclass(frozen=True)
class Exchange:
    """Persons given by some members of a shown sum to others: what each cell grows by."""

    steps: tuple[tuple[Cell, int], ...]

    @cached_property
    def members(self) -> set[tuple[int, str]]:
        return {(year, member) for (year, member, _), _ in self.steps}

    def change(self, form: Form) -> int:
        return sum(form.get(cell, 0) * step for cell, step in self.steps)


def exchanges_of(study: Study) -> list[Exchange]:
    """Exchanges that the redaction holds to be invisible, a few of every kind for every member."""
    found = []
    sources = open_sources(study.dataset, study.plan)
    for over in ("units", "employers"):
        for year in study.dataset.years:
            persons = Respondents(sources, over, year)
            names = names_of(persons, sources, year)
            _, proof = decide(persons)
            for way in proof.exchanges:
                up, down = way.upper, way.lower
                columns = [persons.matrix.columns[c] for c in way.columns]
                pool = proof.find_pools(way.columns)
                free = ~proof.told[:, sorted(way.columns)].any(axis=1)
                for ours, theirs, sign in ((up, down, 1), (down, up, -1)):
                    for row in ours.nonzero()[0].tolist():
                        others = (
                            [-1]
                            if free[row]
                            else [
                                int(o)
                                for o in theirs.nonzero()[0]
                                if pool[o] == pool[row] and o != row
                            ]
                        )
                        # Others right behind it, so that not all turn to the same few.
                        others = [
                            *(o for o in others if o > row or o < 0),
                            *(o for o in others if 0 <= o < row),
                        ][:PARTNERS]
                        for taken in _spreads(int(ours[row]), others, theirs):
                            steps = {row: sum(taken.values())} | {o: -n for o, n in taken.items()}
                            found.append(Exchange(tuple(
                                ((year, names[m], c), sign * n)
                                for m, n in steps.items() if m >= 0 for c in columns
                            )))  # fmt: skip
    return found


def names_of(persons: Respondents, sources: Sources, year: int) -> list[str]:
    """Whose the rows are."""
    if "unit" not in persons.scopes:
        everyone = Year(sources, year).everyone("employers")
        return [str(name) for name in everyone.cells("employer_id")]
    return [str(name) for name in persons.scopes["unit"]]


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
            if not by:
                continue
            for i in range(len(worlds) + 1):
                if i == len(worlds):
                    worlds.append([])
                    nets.append(Counter())
                    busy.append(set())
                if not busy[i].isdisjoint(exchange.members):
                    continue
                after = sum(factor * nets[i][cell] for cell, factor in form.items()) + by
                if after not in seen:
                    worlds[i].append(exchange)
                    nets[i].update(dict(exchange.steps))
                    busy[i] |= exchange.members
                    seen.add(after)
                    break
                if not worlds[i]:
                    break
    return [world for world in worlds if world]


def changed(dataset: Dataset, exchanges: list[Exchange], plan: Plan) -> Dataset:
    """The data set after exchanges; columns that no indicator asks for follow their wholes."""
    net = _net(exchanges)
    tables = dict(dataset.tables)
    for name, key in KEYS.items():
        frame = tables[name]
        members = frame[key].tolist() if key else [DISTRICT] * len(frame)
        places = {pair: i for i, pair in enumerate(zip(frame["year"], members, strict=True))}
        for column in dictionary().tables[name].columns.values():
            steps = {
                places[cell[:2]]: step
                for cell, step in net.items()
                if cell[2] == column.name and cell[:2] in places
            }
            if column.type.name == "count" and steps:
                values = frame[column.name].array.copy()
                for place, step in steps.items():
                    values[place] += step
                frame = frame.assign(**{column.name: values})
        tables[name] = frame
    return Dataset(_follow(tables, plan), dataset.files, dataset.description)


def asked_for(plan: Plan) -> set[str]:
    indicators = plan.catalogue()
    tested = {n for i in indicators for c in (*i.holds, *i.applies_if) for n in c.columns}
    described = columns_over("units").values()
    for name in tuple(tested):  # a threshold may be settled by parts, or by the whole
        tested |= {c.name for c in described if c.at_most == name}
        tested |= {str(c.at_most) for c in described if c.name == name}
    return tested.union(SIZES, *({*i.numerator, *i.denominator} for i in indicators))


def _follow(tables: dict[str, pd.DataFrame], plan: Plan) -> dict[str, pd.DataFrame]:
    """Keep columns that no indicator asks for above their parts and within their wholes."""
    asked = asked_for(plan)
    for name in ("roster", "returns"):
        frame = tables[name]
        keys = pd.MultiIndex.from_frame(frame[["year", "unit_id"]])
        beside = tables["roster"].set_index(["year", "unit_id"]).reindex(keys)
        for column in dictionary().tables[name].columns.values():
            if column.at_most in frame and column.name in asked and column.at_most not in asked:
                part, whole = frame[column.name], frame[column.at_most]
                frame = frame.assign(
                    **{column.at_most: whole.mask((part > whole).fillna(False), part)}
                )
            if column.at_most and column.name not in asked:
                whole = (frame if column.at_most in frame else beside)[column.at_most].array
                over = (frame[column.name] > whole).fillna(False)
                frame = frame.assign(**{column.name: frame[column.name].mask(over, whole)})
        tables = tables | {name: frame}
    return tables


def assert_same_edition(edition: RedactedStudy, other: Dataset, study: Study) -> None:
    """The engine computes from the other data set whatever the edition shows."""
    problems = [p for p in check_dataset(other) if p.severity == "error"]
    assert not problems, problems[:3]
    table = compute_indicators(other, study.plan, with_open=True)
    shown = edition.table
    kinds = {indicator.id: kind_of(indicator) for indicator in study.plan.catalogue()}
    money = shown["indicator"].astype(object).map(kinds) == "money"  # bands and whole percents
    for name in (*COUNTS, "target"):
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
        # Of persons no row says whether an earlier year's figure is in its bounds.
        carried = {"carried"} - plain
        assert is_hidden or plain == set(str(theirs).split(";")) - carried - {""}
    for name, frame in edition.dataset.tables.items():
        for column in frame.columns.intersection(other.tables[name].columns):
            here = frame[column].notna()
            assert (frame.loc[here, column] == other.tables[name].loc[here, column]).all(), column


def prove(study: Study, edition: RedactedStudy, computed: int) -> None:
    """Find the data sets; all fit every shown sum, and the engine computes some of them."""
    truth = World(study)
    worlds, asked = worlds_of(study, truth), asked_for(study.plan)
    equations: dict[Cell, list[int]] = defaultdict(list)
    shown = Reader(truth, edition).equations
    for i, (form, _) in enumerate(shown):
        for cell in form:
            equations[cell].append(i)
    for exchanges in worlds:
        net = _net(exchanges)
        for i in {i for cell in net for i in equations[cell]}:
            assert sum(factor * net[cell] for cell, factor in shown[i][0].items()) == 0
        for part, whole in truth.wholes.items():
            if {part[2], whole[2]} <= asked and whole in truth.values and (net[part] or net[whole]):
                assert truth.values[part] + net[part] <= truth.values[whole] + net[whole]
    for exchanges in worlds[:computed]:
        assert_same_edition(edition, changed(study.dataset, exchanges, study.plan), study)


def test_other_data_would_give_the_same_edition() -> None:
    prove(random_study(0), shared_random(0), computed=2)


def test_other_data_would_give_the_same_sample() -> None:
    prove(late_sample(), shared(late_sample()), computed=1)


# What is shown


def rows_with_figures(edition: Study) -> Iterator[tuple[Any, Indicator]]:
    asked = persons_in(edition.plan)
    table = edition.table
    for row in table[table["indicator"].isin(asked)].itertuples():
        if pd.notna(row.numerator):
            yield row, asked[row.indicator]


@pytest.mark.parametrize("seed", [None, *SEEDS])
def test_no_row_shows_few_persons(seed: int | None) -> None:
    edition = shared_sample() if seed is None else shared_random(seed)
    for row, indicator in rows_with_figures(edition):
        assert row.numerator not in SMALL, row
        if indicator.measure == "ratio":
            assert row.denominator not in SMALL, row
            assert row.denominator - row.numerator not in SMALL, row


def test_a_sum_less_the_units_that_are_shown_leaves_no_few_persons_of_one() -> None:
    """A commune or commune union of one unit or two is no way to what the unit's page withholds."""
    seen: Counter[int] = Counter()
    for study, edition in (
        (sample(), shared_sample()),
        *((random_study(seed), shared_random(seed)) for seed in SEEDS),
    ):
        world, asked = World(study), persons_in(study.plan)
        rows = [row for row, _ in rows_with_figures(edition)]
        told = {(r.indicator, r.year, str(r.scope_id)) for r in rows if r.scope == "unit"}
        for row in rows:
            members = world.members.get(world.key(row), [])
            lone = [m for m in members if (row.indicator, row.year, m) not in told]
            if row.scope != "unit" and len(lone) == 1:
                seen[len(members)] += 1
                world.members[world.key(row)] = lone
                for name, form in world.forms(row, asked[row.indicator]):
                    assert world.value(form) not in SMALL, (row, name, lone)
    assert seen[1] > 10
    assert seen[2] > 10


def is_free_text(column: Column, key: Sequence[str]) -> bool:
    """Notes, an office's own texts, what evidence is called: people's words and names."""
    return column.type.name == "text" and not column.required and column.name not in key


@pytest.mark.parametrize("seed", [None, *SEEDS])
def test_no_table_shows_few_persons_or_amounts(seed: int | None) -> None:
    edition = shared_sample() if seed is None else shared_random(seed)
    for name, frame in edition.dataset.tables.items():
        described = dictionary().tables[name]
        for column in described.columns.values():
            cells = frame[column.name].dropna()
            if column.type.name == "money" or is_free_text(column, described.key):
                assert cells.empty
            if is_persons(column) and column.name not in described.key:
                assert not cells.isin(SMALL).any(), column.name
    roster = edition.dataset.roster
    assert not (roster["workers_total"] - roster["members_total"]).isin(SMALL).any()
    assert not any(total in SMALL for total in edition.totals.values())


def test_a_rate_is_shown_with_its_counts_or_not_at_all() -> None:
    for edition in (shared_sample(), *(shared_random(seed) for seed in SEEDS)):
        table = edition.table
        persons = table[table["indicator"].isin(persons_in(edition.plan))]
        hidden = persons[[HIDDEN in flags_of(row) for row in persons.itertuples()]]
        assert hidden[list(FIGURES)].isna().all().all()
        # How many are unknown is a count of another year, or of another column.
        assert persons[list(OPEN_COLUMNS)].isna().all().all()
        # Of a unit that reported in part only the ends would tell, and they are not shown either.
        assert (hidden.loc[hidden["reported"] == 0, "missing"] > 0).all()
        bare = persons[persons["numerator"].isna() & (persons["reported"] > 0)]
        assert len(bare) == (hidden["reported"] > 0).sum()
        assert not persons["verdict"].isin([HIDDEN])[~persons.index.isin(hidden.index)].any()


def test_who_reported_stays() -> None:
    """What is hidden is not missing."""
    pd.testing.assert_frame_equal(shared_sample().table[[*COUNTS]], sample().table[[*COUNTS]])


def test_open_figures_stay() -> None:
    kinds = {i.id: kind_of(i) for i in sample().plan.catalogue()}
    is_open = (sample().table["indicator"].astype(object).map(kinds) == "open").to_numpy()
    exact, edition = sample().table[is_open], shared_sample().table[is_open]
    pd.testing.assert_frame_equal(
        edition[exact.columns].astype(str), exact.astype(str), check_like=True
    )


def test_shown_figures_are_exact() -> None:
    exact = sample().table
    for row, _ in rows_with_figures(shared_sample()):
        true = exact.loc[row.Index]
        for name in ("numerator", "denominator", "slack"):
            assert number(getattr(row, name)) == number(true[name])
        assert row.value == true["value"]
        assert row.verdict == true["verdict"]


def test_verdicts_beside_hidden_figures_are_the_true_ones() -> None:
    exact, edition = sample().table, shared_sample().table
    shown = edition["verdict"].astype(str) != HIDDEN
    assert (edition["verdict"].astype(str)[shown] == exact["verdict"].astype(str)[shown]).all()
    units = edition[
        [HIDDEN in flags_of(row) and row.scope == "unit" for row in edition.itertuples()]
    ]
    judged = exact.loc[units.index, "verdict"].isin(["met", "not_met"])
    assert (units["verdict"][judged] != HIDDEN).mean() > 0.75


def test_cells_tell_hidden_from_missing() -> None:
    edition = shared_sample()
    study = sample()
    hidden = missing = 0
    for unit in study.expected_units(2024).index:
        exact, cells = study.cells(str(unit), 2024), edition.cells(str(unit), 2024)
        for column in ("informed", "cadres_total", "workers_total", "dues_due"):
            assert pd.isna(cells[column]) == pd.isna(exact[column])
            is_hidden = cells[column] is HIDDEN_CELL
            assert (column in edition.hidden_columns(str(unit), 2024)) == is_hidden
            hidden += is_hidden
            missing += pd.isna(cells[column])
    assert hidden
    assert missing


def test_total_of_register() -> None:
    edition, units = shared_sample(), sample().expected_units(2024)
    assert edition.roster_total(2024, "members_total") == units["members_total"].sum()
    assert edition.roster_total(2024, "members_female") is None


def test_values_and_peers_are_those_shown() -> None:
    edition, issuer = shared_sample(), sample().plan.issuer.id
    for row in edition.table[edition.table["year"] == 2024].itertuples():
        if row.scope == "district":
            value = edition.values(row.indicator, "district", issuer).get(2024)
            assert value == shown_value(row)
    visible = edition.peer_values("informed_public", "TT-KHESANH", 2024)
    assert set(visible) <= set(sample().peer_values("informed_public", "TT-KHESANH", 2024))
    assert 0 < len(visible) < len(sample().peer_values("informed_public", "TT-KHESANH", 2024))


# Money


def test_money_is_in_bands() -> None:
    kinds = {i.id: kind_of(i) for i in sample().plan.catalogue()}
    exact, table = sample().table, shared_sample().table
    money = (table["indicator"].astype(object).map(kinds) == "money") & (table["reported"] > 0)
    assert table.loc[money, ["numerator", "denominator", "slack"]].isna().all().all()
    for row in table[money].itertuples():
        assert BANDED in flags_of(row)
        low, _, high = row.denominator_band.partition("-")
        amount = Fraction(int(exact.at[row.Index, "denominator"]), 1_000_000)
        assert int(low) in BANDS
        assert int(low) <= amount
        assert not high or amount < int(high)
        assert row.value == round(row.value, 2)
        true = exact.loc[row.Index]
        assert abs(row.value - true["value"]) < 0.01
        target = sample().plan.indicator(row.indicator).target_in(row.year)
        if target is not None and not row.missing:
            assert (Fraction(round(row.value * 100), 100) >= target.minimum) == (
                row.verdict == "met"
            )
    assert (table.loc[~money, ["numerator_band", "denominator_band"]] == "").all().all()


def test_money_as_an_amount_is_not_shown() -> None:
    plan = plan_of({"kind": "monitor", "monitors": "total", "numerator": ["dues_collected"]})
    units = (
        {"members_total": 50 + i, "workers_total": 90, "dues_collected": 7_654_321}
        for i in range(5)
    )
    table = redact(study_of(tables_of(*units), plan)).table
    assert table[list(FIGURES)].drop(columns=["lower"]).isna().all().all()
    total = table[table["scope"] == "district"].iloc[0]
    assert (total["numerator_band"], total["flags"]) == ("20-100", BANDED)


# The whole


def test_redacting_again_changes_nothing() -> None:
    assert redact(shared_sample()) is shared_sample()


def test_same_data_same_edition_and_the_study_stays_as_it_is() -> None:
    study = study_of(random_tables(0, units=8, years=YEARS))
    table, tables = study.table.copy(), {k: v.copy() for k, v in study.dataset.tables.items()}
    again = shared(study)
    pd.testing.assert_frame_equal(again.table, shared_random(0).table)
    assert again.dataset.digest == shared_random(0).dataset.digest != study.dataset.digest
    pd.testing.assert_frame_equal(study.table, table)
    for name, frame in tables.items():
        pd.testing.assert_frame_equal(study.dataset.tables[name], frame)


def share_shown(scope: str) -> float:
    asked, table = persons_in(sample().plan), shared_sample().table
    rows = table[
        table["indicator"].isin(asked) & (table["scope"] == scope) & (table["reported"] > 0)
    ]
    return float(rows["numerator"].notna().mean())


def test_it_leaves_something_to_read() -> None:
    assert share_shown("district") > 0.85
    assert share_shown("unit_type") > 0.3
    assert share_shown("commune") > 0.2
    assert share_shown("unit") > 0.4


def test_a_plan_that_pins_a_count_is_refused() -> None:
    plan = plan_of(
        {
            "kind": "share_of_units",
            "holds": [{"column": "cadres_total", "at_least": 3}],
            "targets": [{"at_least": "50%"}],
        },
        {
            "kind": "share_of_units",
            "holds": [{"column": "cadres_total", "more_than": 3}],
            "targets": [{"at_least": "50%"}],
        },
        {
            "kind": "ratio",
            "numerator": ["cadres_trained"],
            "denominator": ["cadres_total"],
            "targets": [{"at_least": "50%"}],
        },
    )
    study = study_of(
        tables_of(*({"cadres_total": size, "cadres_trained": 2} for size in (3, 9, 20))), plan
    )
    with pytest.raises(InputError) as refused:
        redact(study)
    assert [problem.code for problem in refused.value.problems] == ["pinned"]
