"""The edition to share against an integer solver: no hidden count is narrowed below three values."""

from __future__ import annotations

from fractions import Fraction

import pytest
from solver import ENOUGH, Cell, Form, Puzzle, Solver
from test_redaction import (
    Attacker,
    World,
    naive,
    persons_in,
    random_study,
    sample,
    shared_random,
    shared_sample,
)

from analysis.study import Study

SEEDS = range(8)


class Reader(Attacker):
    """What an edition publishes, not yet solved."""

    def _solve(self) -> None: ...

    def _narrow(self) -> None: ...


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
        puzzle.add(form, int(value), int(value))
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
    return puzzle


def _add_facts(puzzle: Puzzle, world: World, edition: Study) -> None:
    """A fact that rests on a count is shown of everybody."""
    for indicator in edition.plan.catalogue():
        for condition in (*indicator.holds, *indicator.applies_if):
            bar = condition.at_least if condition.more_than is None else condition.more_than
            if not isinstance(bar, Fraction) or indicator.over == "employers":
                continue
            for year, member in {cell[:2] for cell in world.values}:
                cells = [(year, member, name) for name in condition.columns]
                if all(cell in world.values for cell in cells):
                    values = [Fraction(world.values[cell]) for cell in cells]
                    base = values[1] if len(values) > 1 else Fraction(1)
                    is_strict = condition.more_than is not None
                    met = values[0] > bar * base if is_strict else values[0] >= bar * base
                    if len(cells) > 1:
                        whole: Form = {cells[1]: 1}
                        demand(puzzle, {cells[0]: 1}, whole, bar, is_strict, met)
                    else:
                        _demand_count(puzzle, cells[0], bar, is_strict, met)


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
    found = []
    for label, left in Solver(whole).ways(world.secrets):
        assert len(left) < ENOUGH
        found.append(f"{label}: {sorted(left)}")
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_solver_finds_nothing_in_random_data(seed: int) -> None:
    world = World(random_study(seed))
    assert narrowed(world, puzzle_of(world, shared_random(seed))) == []


def test_solver_finds_nothing_in_sample() -> None:
    world = World(sample())
    assert narrowed(world, puzzle_of(world, shared_sample())) == []


def test_solver_finds_what_naive_redaction_leaves() -> None:
    """The attack is one: it takes what hides small figures and thinks no further."""
    worlds = {seed: World(random_study(seed)) for seed in SEEDS}
    assert any(narrowed(w, puzzle_of(w, naive(random_study(s)))) for s, w in worlds.items())
