"""The edition to share against an integer solver: no hidden count is narrowed below three values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import permutations
from math import ceil, floor
from pathlib import Path

import pandas as pd
import pytest
from conftest import ROOT
from datasets import random_tables
from solver import Cell, Form, Puzzle, Solver
from test_engine_kit import INFORMED, Cells, plan_of, tables_of
from test_engine_oracle import UNUSUAL
from test_redaction import (
    SEEDS,
    YEARS,
    Reader,
    World,
    flags_of,
    late_sample,
    naive,
    persons_in,
    random_study,
    shared,
    shared_random,
    study_of,
)

from analysis.params import Params
from analysis.plan import Indicator, Plan, load_plan
from analysis.plan.schema import columns_over
from analysis.problems import InputError
from analysis.redaction import BOUNDS_HIDDEN, HIDDEN, redact
from analysis.redaction.published import is_persons
from analysis.site.build import note_shared
from analysis.study import Study
from analysis.tables.dictionary import dictionary

PARAMS = Params(year=YEARS[-1], data="data", plan="-")


def demand(puzzle: Puzzle, part: Form, whole: Form, bar: Fraction, strict: bool, met: bool) -> None:
    """Note that part / whole reaches a bar, or does not."""
    form = {c: f * bar.denominator for c, f in part.items()}
    for cell, factor in whole.items():
        form[cell] = form.get(cell, 0) - factor * bar.numerator
    puzzle.add(form, *((int(strict), float("inf")) if met else (-float("inf"), int(strict) - 1)))


def puzzle_of(world: World, edition: Study) -> Puzzle:
    """Everything that an edition and the tables' rules say about counts of persons."""
    puzzle, reader = Puzzle(), Reader(world, edition)
    for form, value in reader.equations:
        puzzle.add(form, value, value)
    for part, whole in world.wholes.items():
        if whole in world.values:
            puzzle.add({whole: 1, part: -1}, 0, float("inf"))
    asked = persons_in(edition.plan)
    table = edition.table
    rows = table[(table["scope"] == "unit") & table["indicator"].isin(asked)]
    for row in rows[rows["verdict"].isin(["met", "not_met"]) & (rows["reported"] > 0)].itertuples():
        target = asked[row.indicator].target_in(int(row.year))
        forms = dict(world.forms(row, asked[row.indicator]))
        if target is not None and "denominator" in forms:
            met = row.verdict == "met"
            sides = forms["numerator"], forms["denominator"]
            demand(puzzle, *sides, target.minimum, target.is_strict, met)
    _add_facts(puzzle, world, edition)
    _add_silences(puzzle, world, table[(table["scope"] == "unit") & (table["missing"] > 0)], asked)
    return puzzle


def _add_silences(
    puzzle: Puzzle, world: World, rows: pd.DataFrame, asked: dict[str, Indicator]
) -> None:
    """Whether a row without figures is withheld, or says what it rests on, compares two counts.

    A reader sees who reported which columns. Where one of two units that reported the same ones is
    told something and the other is not, whatever sets them apart is a guess at the rule; the guess
    is as good as can be: the comparisons that hold in the true figures.
    """
    alike: dict[tuple[str, str, frozenset[str]], list[tuple[dict[str, Cell], bool]]] = {}
    for row in rows[rows["indicator"].isin(asked)].itertuples():
        cells = neighbours(world, asked[row.indicator], int(row.year), str(row.scope_id))
        for flag in (HIDDEN, "carried"):
            key = (row.indicator, flag, frozenset(cells))
            alike.setdefault(key, []).append((cells, flag in flags_of(row)))
    for (_, _, names), told in alike.items():
        if len({is_told for _, is_told in told}) < 2:
            continue
        for less, more in permutations(sorted(names), 2):
            if all(
                (world.values[at[less]] < world.values[at[more]]) == is_told for at, is_told in told
            ):
                for at, is_told in told:
                    ends = (1, float("inf")) if is_told else (-float("inf"), 0)
                    puzzle.add({at[more]: 1, at[less]: -1}, *ends)


def neighbours(world: World, indicator: Indicator, year: int, unit: str) -> dict[str, Cell]:
    """The known figures on which the ends of a unit's row can rest, by column and years ago."""
    named, described = {*indicator.numerator, *indicator.denominator}, columns_over("units")
    near = named | {c.at_most for n, c in described.items() if n in named}
    near |= {n for n, c in described.items() if c.at_most in named}
    return {
        f"{name} {year - before}": cell
        for before in range(YEARS[0], year + 1)
        for name in near
        if (cell := (before, unit, str(name))) in world.values
    }


def _add_facts(puzzle: Puzzle, world: World, edition: Study) -> None:
    """A fact that rests on a count is shown of everybody."""
    parts_of: dict[Cell, list[Cell]] = {}
    for part, above in world.wholes.items():
        parts_of.setdefault(above, []).append(part)
    for indicator in edition.plan.catalogue():
        for condition in (*indicator.holds, *indicator.applies_if):
            bar = condition.at_least if condition.more_than is None else condition.more_than
            if not isinstance(bar, Fraction) or indicator.over == "employers":
                continue
            for year, member in {cell[:2] for cell in world.values}:
                cells = [(year, member, name) for name in condition.columns]
                is_strict = condition.more_than is not None
                if all(cell in world.values for cell in cells):
                    values = [Fraction(world.values[cell]) for cell in cells]
                    base = values[1] if len(values) > 1 else Fraction(1)
                    met = values[0] > bar * base if is_strict else values[0] >= bar * base
                    if len(cells) > 1:
                        whole: Form = {cells[1]: 1}
                        demand(puzzle, {cells[0]: 1}, whole, bar, is_strict, met)
                    else:
                        _demand_count(puzzle, cells[0], bar, is_strict, met)
                elif len(cells) == 1:
                    parts = parts_of.get(cells[0], [])
                    _add_threshold(puzzle, world, cells[0], parts, bar, is_strict)


def _add_threshold(
    puzzle: Puzzle, world: World, cell: Cell, parts: list[Cell], bar: Fraction, strict: bool
) -> None:
    """A threshold of a count that nobody reported, settled by its parts or its whole or left open."""
    year, member, name = cell
    least = floor(bar) + 1 if strict else ceil(bar)
    if any(world.values[part] >= least for part in parts):
        wanted: Form = {}
        for part in parts:
            reaches = (year, member, f"{part[2]} >= {least}")
            puzzle.add({reaches: 1}, 0, 1) if len(parts) > 1 else puzzle.add({reaches: 1}, 1, 1)
            puzzle.add({part: 1, reaches: -least}, 0, float("inf"))
            wanted[reaches] = 1
        puzzle.add(wanted, 1, float("inf"))
        return
    for part in parts:
        puzzle.add({part: 1}, -float("inf"), least - 1)
    described = columns_over("units").get(name)
    if described is None or (year, member) not in world.study.register.index:
        return
    kind = world.study.register.at[(year, member), "unit_type"]
    above = (year, member, str(described.at_most))
    if above in world.values and kind not in described.exempt:
        _demand_count(puzzle, above, bar, strict, world.values[above] >= least)


def _demand_count(puzzle: Puzzle, cell: Cell, bar: Fraction, strict: bool, met: bool) -> None:
    form, most = {cell: bar.denominator}, float("inf")
    if met:
        puzzle.add(form, bar.numerator + int(strict), most)
    else:
        puzzle.add(form, -most, bar.numerator - 1 + int(strict))


def narrowed(world: World, *puzzles: Puzzle) -> list[str]:
    """The counts of 1 to 7 that have fewer than three values left."""
    whole = Puzzle()
    for puzzle in puzzles:
        whole.known |= puzzle.known
        whole.rows += puzzle.rows
    return [
        f"{label}: {sorted(left)}"
        for label, left in Solver(whole, world.values).ways(world.secrets)
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_solver_finds_nothing_in_random_data(seed: int) -> None:
    world = World(random_study(seed))
    assert narrowed(world, puzzle_of(world, shared_random(seed))) == []


def test_solver_finds_nothing_in_sample() -> None:
    world = World(late_sample())
    assert narrowed(world, puzzle_of(world, shared(world.study))) == []


def test_solver_finds_what_naive_redaction_leaves() -> None:
    """The attack is one: it takes what hides small figures and thinks no further."""
    worlds = (World(random_study(seed)) for seed in SEEDS)
    assert any(narrowed(world, puzzle_of(world, naive(world.study))) for world in worlds)


def test_solver_finds_everything_in_what_is_not_redacted() -> None:
    world = World(random_study(0))
    assert len(narrowed(world, puzzle_of(world, world.study))) == len(world.secrets) > 100


@pytest.mark.parametrize("name", ["unusual", "other"])
def test_solver_finds_nothing_under_other_plans(name: str, other_plan_file: Path) -> None:
    plan = load_plan(other_plan_file) if name == "other" else Plan.model_validate(UNUSUAL)
    study = study_of(random_tables(1, units=10, years=YEARS), plan)
    world = World(study)
    assert narrowed(world, puzzle_of(world, shared(study))) == []


def test_bounds_would_tell_last_years_figure() -> None:
    """A missing unit's cap is its own figure of an earlier year."""
    tables = tables_of(
        {"year": 2023, "workers_total": 5, "informed": 5, "unit_id": "A"},
        *(
            {"year": year, "workers_total": size, "informed": size - gap, "unit_id": unit}
            for year in (2023, 2024)
            for unit, size, gap in (
                ("B", 40, 2),
                ("C", 50, 3),
                ("D", 60, 9),
                ("E", 30, 4),
                ("F", 6, 1),
                ("G", 5, 2),
            )
        ),
        {"year": 2024, "unit_id": "A", "plan_made": True},
    )
    study = study_of(tables)
    world = World(study)
    assert any("2023" in label for label in narrowed(world, puzzle_of(world, naive(study))))
    assert narrowed(world, puzzle_of(world, shared(study))) == []
    rows = [r for r in shared(study).table.itertuples() if r.year == 2024 and r.missing == 1]
    blurred = [r for r in rows if BOUNDS_HIDDEN in flags_of(r)]
    assert blurred
    assert all(pd.isna([r.lower, r.upper, r.breakeven]).all() for r in blurred)
    assert not any(pd.isna(r.value) for r in blurred)


def thresholds(*bars: int) -> Plan:
    """A plan that asks units from so many workers on for a fact, and all for a share of members."""
    share = {"kind": "ratio", "numerator": ["culture_members"], "denominator": ["members_total"]}
    return plan_of(
        share | {"targets": [{"at_least": "50%"}]},
        *(
            {
                "kind": "share_of_units",
                "holds": [{"column": "plan_made"}],
                "applies_if": [{"column": "workers_total", "at_least": bar}],
                "targets": [{"at_least": "50%"}],
            }
            for bar in bars
        ),
    )


#: Units that reported their members and not their workers.
OPEN_SIZES = tables_of(
    *(
        {"unit_id": f"U{i}", "members_total": size, "culture_members": size, "plan_made": True}
        for i, size in enumerate((2, 3, 5, 5, 6, 12, 12, 40, 30))
    )
)


@pytest.mark.parametrize(("bars", "is_shared"), [((4,), True), ((10,), True), ((5, 6), False)])
def test_a_threshold_that_parts_settle_leaves_three_values_or_nothing_is_shared(
    bars: tuple[int, ...], is_shared: bool
) -> None:
    """Whoever has 5 members has at least 5 workers; with 6 nobody would doubt that there are 6."""
    study = study_of(OPEN_SIZES, thresholds(*bars))
    world = World(study)
    if is_shared:
        assert narrowed(world, puzzle_of(world, shared(study))) == []
        return
    assert [t for t in narrowed(world, puzzle_of(world, naive(study))) if t.endswith("[5]")]
    with pytest.raises(InputError, match="để lộ số người"):
        redact(study)


def of_few() -> Plan:
    """Facts that say of each count whether it is 2 or more; and whether workers are 5 or more."""
    fact = {"kind": "share_of_units", "targets": [{"at_least": "50%"}]}
    large = {"column": "workers_total", "at_least": 5}
    counts = ("members_total", "informed", "workers_total")
    return plan_of(
        INFORMED | {"targets": [{"at_least": "50%"}]},
        {"kind": "monitor", "monitors": "ratio"}
        | {"numerator": ["culture_members"], "denominator": ["members_total"]},
        fact | {"holds": [{"column": "plan_made"}], "applies_if": [large]},
        *(fact | {"holds": [{"column": name, "at_least": 2}]} for name in counts),
    )


PAIRS = ((4, 3), (3, 4), (2, 4), (4, 2), (3, 3))
#: Two counts of 2 to 4: this year's members and informed without workers, or last year's members
#: and this year's workers without members.
FEW = {
    "this year": [{"members_total": a, "informed": b} for a, b in PAIRS],
    "last year": [
        {"year": year, "unit_id": f"U{i:03d}", **cells}
        for i, (a, b) in enumerate(PAIRS)
        for year, cells in ((2023, {"members_total": a}), (2024, {"workers_total": b}))
    ],
}


def told_by_ends(study: Study) -> Study:
    """The edition that withholds a row without figures only where its ends say something."""
    edition = shared(study)
    table, exact = edition.table.astype({"flags": object}), study.table
    silent = exact["numerator"].isna() & (exact["missing"] > 0)
    is_open = silent & exact["lower"].eq(0) & exact["upper"].eq(1)
    table.loc[is_open, "flags"] = exact.loc[is_open, "flags"]
    return replace(edition, shown=table)


@pytest.mark.parametrize("units", FEW.values(), ids=FEW)
def test_which_rows_without_figures_are_withheld_compares_nothing(units: list[Cells]) -> None:
    """Of two counts of 2 to 4, to know which is smaller leaves two values each."""
    study = study_of(tables_of(*units), of_few())
    world = World(study)
    assert narrowed(world, puzzle_of(world, told_by_ends(study)))
    assert narrowed(world, puzzle_of(world, shared(study))) == []


# --- Two editions of a year --------------------------------------------------------------------


def corrected(study: Study) -> Study:
    """A large return put right: what was typed with a digit too many."""
    roster = study.dataset.roster
    sizes = roster[roster["year"] == YEARS[-1]].set_index("unit_id")["workers_total"]
    return _with_tables(
        study,
        **{
            name: frame.assign(
                **{
                    column: frame[column].mask(
                        (frame["year"] == YEARS[-1]) & (frame["unit_id"] == sizes.idxmax()),
                        frame[column] // 10,
                    )
                    for column, described in dictionary().tables[name].columns.items()
                    if is_persons(described)
                }
            )
            for name, frame in (("roster", roster), ("returns", study.dataset.returns))
        },
    )


def before_the_last_return(study: Study) -> Study:
    """As it was before the unit with the fewest members reported."""
    returns, roster = study.dataset.returns, study.dataset.roster
    sizes = roster.set_index(["year", "unit_id"])["members_total"]
    keys = [key for key in zip(returns["year"], returns["unit_id"], strict=True) if key in sizes]
    late = min((k for k in keys if k[0] == YEARS[-1]), key=lambda k: (sizes[k] or 10**9, k))
    is_late = (returns["year"] == late[0]) & (returns["unit_id"] == late[1])
    return _with_tables(study, returns=returns[~is_late])


def of_other_plan(study: Study) -> Study:
    return replace(study, plan=load_plan(ROOT / "tests" / "plans" / "tinh.yaml"))


def _with_tables(study: Study, **tables: pd.DataFrame) -> Study:
    dataset = replace(study.dataset, tables={**study.dataset.tables, **tables})
    return replace(study, dataset=dataset)


def renamed(puzzle: Puzzle, world: World, other: World) -> Puzzle:
    """The same with other names for counts that are not the same in both."""

    def name(cell: Cell) -> Cell:
        is_same = world.values.get(cell) == other.values.get(cell)
        return cell if is_same else (cell[0], cell[1], f"{cell[2]} then")

    rows = [({name(c): f for c, f in form.items()}, *ends) for form, *ends in puzzle.rows]
    return Puzzle({name(c): v for c, v in puzzle.known.items()}, rows)


@pytest.mark.parametrize("change", [corrected, before_the_last_return, of_other_plan])
def test_two_editions_tell_what_neither_tells_so_the_second_is_refused(
    tmp_path: Path, change: Callable[[Study], Study]
) -> None:
    (tmp_path / "data").mkdir()
    study = replace(random_study(0), root=tmp_path, params=PARAMS)
    first = replace(shared_random(0), root=tmp_path, params=PARAMS)
    second = shared(change(study))
    world, other = World(study), World(change(study))
    both = puzzle_of(world, first), renamed(puzzle_of(other, second), other, world)
    assert narrowed(world, *both)
    note_shared(first, "", "2024-12-01")
    with pytest.raises(InputError, match="đã có một bản chia sẻ khác"):
        note_shared(second, "", "2024-12-02")
