"""From judged blocks to one table: every figure is written once, at its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.indicators.members import Codes
from analysis.indicators.rollups import SCOPES, Sources
from analysis.indicators.trajectory import TRAJECTORIES
from analysis.indicators.verdicts import FLAGS, VERDICTS
from analysis.plan import Indicator

COLUMNS = (
    *("indicator", "year", "scope", "scope_id"),
    *("expected", "reported", "not_applicable", "missing", "numerator", "denominator"),
    *("value", "lower", "upper", "target", "verdict", "slack", "breakeven", "trajectory", "flags"),
)
#: Further columns for sentences: `breakeven` is ``needed`` of all that is ``unknown``.
OPEN_COLUMNS = ("needed", "unknown")
COUNTS = ("expected", "reported", "not_applicable", "missing")
_NULLABLE = ("numerator", "denominator", "slack", *OPEN_COLUMNS)
_DECIMALS = ("value", "lower", "upper", "breakeven")
_FLAG_WORDS = [
    ";".join(flag for bit, flag in enumerate(FLAGS) if code >> bit & 1)
    for code in range(2 ** len(FLAGS))
]
#: The arrays that a table is made of: words are codes, and ``has_`` tells where a number is known.
_DTYPES: dict[str, Any] = {
    **dict.fromkeys(("year", *COUNTS, *_NULLABLE), np.int64),
    **dict.fromkeys(_DECIMALS, np.float64),
    **dict.fromkeys([f"has_{name}" for name in _NULLABLE], np.bool_),
    **{"indicator": np.int16, "scope": np.int8, "scope_id": np.int32, "target": np.int16},
    **{"verdict": np.int8, "trajectory": np.int8, "flags": np.int8},
}


class Rows:
    """The table as it grows: arrays of its full length, filled block by block.

    Parameters
    ----------
    length : int
        How many rows it will have.
    sources : Sources
        Whose indicators and groups it names.
    names : sequence of str
        Its columns: `COLUMNS`, with or without `OPEN_COLUMNS`.
    """

    def __init__(self, length: int, sources: Sources, names: Sequence[str] = COLUMNS) -> None:
        self._names_shown = names
        self._columns = {
            name: np.empty(length, dtype)
            for name, dtype in _DTYPES.items()
            if name.removeprefix("has_") in names
        }
        self._filled = 0
        self._ids = [item.id for item in sources.plan.catalogue()]
        self._targets: dict[str, int] = {}
        self._names, self._places = _name_groups(sources)

    def add(
        self,
        judged: Mapping[str, Any],
        *,
        indicator: Indicator,
        year: int,
        scope: str,
        groups: Codes,
    ) -> None:
        """Write the next block: the groups of one scope of one indicator in one year.

        Parameters
        ----------
        judged : mapping of str to array or scalar
            The counts, the ``trajectory`` and what `Year.judge` returns.
        indicator, year, scope
            What they are of.
        groups : int array
            The groups' codes.
        """
        if not len(groups):
            return
        none, target = (
            self._targets.setdefault(text, len(self._targets))
            for text in ("", str(judged["target"] or ""))
        )
        here = slice(self._filled, self._filled + len(groups))
        self._filled = here.stop
        keys = {
            "indicator": self._ids.index(indicator.id),
            "year": year,
            "scope": SCOPES.index(scope),
            "scope_id": self._places[indicator.over, scope][groups],
            "target": np.where(judged["is_held"], target, none),
        }
        written = {**judged, **keys}
        for name in self._columns:
            values = written[name]
            try:
                self._columns[name][here] = values
            except OverflowError:  # a sum beyond int64
                self._columns[name] = self._columns[name].astype(object)
                self._columns[name][here] = values

    def to_frame(self) -> pd.DataFrame:
        """Return the finished table."""
        targets = sorted(self._targets)
        in_order = np.array([targets.index(target) for target in self._targets], np.int8)
        self._columns["target"] = in_order[self._columns["target"]]
        words = {
            **{"indicator": self._ids, "scope": SCOPES, "scope_id": self._names},
            **{"target": targets, "verdict": VERDICTS, "trajectory": TRAJECTORIES},
            "flags": _FLAG_WORDS,
        }
        columns: dict[str, Any] = dict(self._columns)
        for name, names in words.items():
            columns[name] = pd.Categorical.from_codes(columns[name], list(names))
        for name in set(_NULLABLE).intersection(columns):
            columns[name] = _nullable(columns[name], columns[f"has_{name}"])
        return pd.DataFrame(columns, columns=list(self._names_shown), copy=False)


def _name_groups(sources: Sources) -> tuple[list[str], dict[tuple[str, str], np.ndarray]]:
    """Return every group's name, by code point, and for each scope the place of its codes there."""
    scopes = {
        (over, scope): groups.names
        for over, register in sources.registers.items()
        for scope, groups in register.scopes.items()
    }
    district = {(over, "district"): [sources.plan.issuer.id] for over in sources.registers}
    scopes = {**scopes, **district}
    every = sorted(set().union(*scopes.values()))
    place = pd.Index(every, dtype="object")
    return every, {key: place.get_indexer(names).astype(np.int32) for key, names in scopes.items()}


def _nullable(values: np.ndarray, known: np.ndarray) -> Any:
    """Return nullable whole numbers, empty where not known."""
    if values.dtype == object:
        values[~known] = None
        return values
    return pd.arrays.IntegerArray(values, ~known)
