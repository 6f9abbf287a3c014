"""An attacker with an integer solver: what can a hidden count be, given all that is published?

Every count of persons is a whole number that is not negative. What is known of them: each shown cell
and sum, part <= whole, shown verdicts, facts that rest on counts, and that what is shown is not of
1 to 7 persons. The solver finds data that fit, in which a count is as small or as large as can be.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components

Cell = tuple[int, str, str]
Form = dict[Cell, int]

#: No count of the tests' data is larger.
MOST = 100_000
ENOUGH = 3
#: So far from the true figures other data that fit are looked for at first.
NEAR = 5


@dataclass
class Puzzle:
    """Linear constraints on whole numbers.

    Attributes
    ----------
    known : dict of Cell to int
        Cells that are shown.
    rows : list
        ``(form, least, most)``.
    """

    known: dict[Cell, int] = field(default_factory=dict)
    rows: list[tuple[Form, float, float]] = field(default_factory=list)

    def add(self, form: Form, least: float, most: float) -> None:
        """Demand that a sum lies between two numbers."""
        if len(form) == 1 and least == most:
            ((cell, factor),) = form.items()
            self.known[cell] = int(least) // factor
        else:
            self.rows.append((form, least, most))

    def reduced(self) -> Iterator[tuple[Form, float, float]]:
        """The constraints on what is not known, each once."""
        seen = set()
        for form, least, most in self.rows:
            base = sum(f * self.known[c] for c, f in form.items() if c in self.known)
            rest = {c: f for c, f in form.items() if c not in self.known}
            key = (frozenset(rest.items()), least - base, most - base)
            if rest and key not in seen:
                seen.add(key)
                yield rest, least - base, most - base


class Solver:
    """Asks for the ends of sums; counts that no constraint ties together are solved apart."""

    def __init__(self, puzzle: Puzzle, truth: Mapping[Cell, int]) -> None:
        self.truth = truth
        self.known = puzzle.known
        self.rows = list(puzzle.reduced())
        self._split()

    def _split(self) -> None:
        place = {
            cell: i for i, cell in enumerate(dict.fromkeys(c for r in self.rows for c in r[0]))
        }
        ties = [(place[next(iter(form))], place[c]) for form, _, _ in self.rows for c in form]
        graph = coo_array((np.ones(len(ties)), tuple(zip(*ties, strict=True))), (len(place),) * 2)
        _, labels = connected_components(graph, directed=False)
        self.home = {cell: int(labels[i]) for cell, i in place.items()}
        self.groups: dict[int, tuple[list[Cell], list[tuple[Form, float, float]]]] = {}
        for cell, home in self.home.items():
            self.groups.setdefault(home, ([], []))[0].append(cell)
        for row in self.rows:
            self.groups[self.home[next(iter(row[0]))]][1].append(row)

    def ways(self, secrets: Iterable[tuple[str, Form]]) -> Iterator[tuple[str, set[int]]]:
        """Yield each secret that the constraints leave fewer than three values, with these."""
        by_home: dict[frozenset[int], list[tuple[str, Form, int]]] = {}
        for label, form in secrets:
            base = sum(f * self.known[c] for c, f in form.items() if c in self.known)
            rest = {c: f for c, f in form.items() if c not in self.known}
            if not rest:
                yield label, {base}
            elif all(c in self.home for c in rest):
                homes = frozenset(self.home[c] for c in rest)
                by_home.setdefault(homes, []).append((label, rest, base))
        for homes, asked in by_home.items():
            yield from _Group([self.groups[home] for home in homes], self.truth).narrow(asked)


class _Group:
    """Cells that hang together, as a matrix."""

    def __init__(
        self,
        parts: list[tuple[list[Cell], list[tuple[Form, float, float]]]],
        truth: Mapping[Cell, int],
    ) -> None:
        self.cells = [cell for cells, _ in parts for cell in cells]
        rows = [row for _, found in parts for row in found]
        self.place = {cell: i for i, cell in enumerate(self.cells)}
        entries = [
            (i, self.place[c], f) for i, (form, _, _) in enumerate(rows) for c, f in form.items()
        ]
        where = ([e[0] for e in entries], [e[1] for e in entries])
        matrix = csr_array(([float(e[2]) for e in entries], where), (len(rows), len(self.cells)))
        self.demands = LinearConstraint(matrix, [r[1] for r in rows], [r[2] for r in rows])

        size = len(self.cells)
        true = np.array([truth.get(cell, np.nan) for cell in self.cells])
        self.anywhere = Bounds(np.zeros(size), np.full(size, MOST))
        self.near = Bounds(
            np.nan_to_num(np.maximum(true - NEAR, 0)), np.nan_to_num(true + NEAR, nan=MOST)
        )

    def solve(self, weights: np.ndarray, where: Bounds) -> np.ndarray:
        """Return whole numbers that fit and make a weighted sum small."""
        found = milp(
            weights,
            integrality=np.ones(len(self.cells)),
            bounds=where,
            constraints=self.demands,
            options={"time_limit": 20, "mip_rel_gap": 0.0},
        )
        assert found.x is not None, f"nothing fits what is published: {found.message}"
        return np.rint(found.x)

    def narrow(self, asked: list[tuple[str, Form, int]]) -> Iterator[tuple[str, set[int]]]:
        """Look near the true figures at many secrets at once, then everywhere at each that is left.

        What is found near the truth fits as well as what is found elsewhere, and far sooner.
        """
        vectors = np.zeros((len(asked), len(self.cells)))
        for i, (_, form, _) in enumerate(asked):
            for cell, factor in form.items():
                vectors[i, self.place[cell]] = factor
        low, high = np.full(len(asked), np.inf), np.full(len(asked), -np.inf)

        def look(weights: np.ndarray, where: Bounds) -> None:
            values = vectors @ self.solve(weights, where)
            np.minimum(low, values, out=low)
            np.maximum(high, values, out=high)

        chance = np.random.default_rng(1)
        for _ in range(6):
            left = high - low < ENOUGH - 1
            if left.any():
                weights = chance.choice([-1.0, 1.0], len(asked)) * left
                look(weights @ vectors, self.near)
                look(-weights @ vectors, self.near)
        for i in np.flatnonzero(high - low < ENOUGH - 1):
            look(vectors[i], self.anywhere)
            look(-vectors[i], self.anywhere)
            if high[i] - low[i] < ENOUGH - 1:
                label, _, base = asked[i]
                yield label, {int(base + v) for v in np.arange(low[i], high[i] + 1)}
