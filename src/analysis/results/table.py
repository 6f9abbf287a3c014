"""The indicator table: every indicator at every scope, in the order and form of its contract."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from analysis.plan import Indicator, Plan
from analysis.problems import InputError, error
from analysis.results.members import Codes
from analysis.results.rollups import (
    FLAGS,
    SCOPES,
    VERDICTS,
    Block,
    Sources,
    Year,
    flag_bit,
    open_sources,
)
from analysis.results.trajectory import TRAJECTORIES, History, find_history
from analysis.tables.load import Dataset

Scope = TypeVar("Scope", str, tuple[str, str])
COLUMNS = (
    *("indicator", "year", "scope", "scope_id"),
    *("expected", "reported", "not_applicable", "missing", "numerator", "denominator"),
    *("value", "lower", "upper", "target", "verdict", "slack", "breakeven", "trajectory", "flags"),
)
#: More columns, for sentences: `breakeven` is ``needed`` divided by ``unknown``.
OPEN_COLUMNS = ("needed", "unknown")
COUNTS = ("expected", "reported", "not_applicable", "missing")
_NULLABLE = ("numerator", "denominator", "slack", *OPEN_COLUMNS)
_DECIMALS = ("value", "lower", "upper", "breakeven")
#: Rows that become text at a time, so that the text of millions is never in memory.
_CHUNK = 250_000
#: Signs for which `csv` may need quotes; `csv` itself decides.
_SPECIAL = re.compile(r'[",\r\n]')
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
    """The table as it grows: arrays of its full length, filled block by block."""

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
        groups: Sequence[tuple[str, Codes]],
    ) -> None:
        """Write the next block: what `_judge` says of some scopes' groups in one year."""
        none, target = (
            self._targets.setdefault(text, len(self._targets))
            for text in ("", str(judged["target"] or ""))
        )
        places = [self._places[indicator.over, scope][codes] for scope, codes in groups]
        here = slice(self._filled, self._filled + sum(map(len, places)))
        self._filled = here.stop
        scopes = [np.full(len(codes), SCOPES.index(scope)) for scope, codes in groups]
        keys = {
            "indicator": self._ids.index(indicator.id),
            "year": year,
            "scope": np.concatenate(scopes),
            "scope_id": np.concatenate(places),
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
    scopes: dict[tuple[str, str], Sequence[str]] = {
        (over, scope): groups.names
        for over, register in sources.registers.items()
        for scope, groups in register.scopes.items()
    }
    scopes |= {(over, "district"): [sources.plan.issuer.id] for over in sources.registers}
    return place_names(scopes)


def place_names(scopes: Mapping[Scope, Sequence[str]]) -> tuple[list[str], dict[Scope, np.ndarray]]:
    """Return every group's name, by code point, and for each scope the place of its codes there."""
    every = sorted(set().union(*scopes.values()))
    place = pd.Index(every, dtype="object")
    return every, {key: place.get_indexer(names).astype(np.int32) for key, names in scopes.items()}


def _nullable(values: np.ndarray, known: np.ndarray) -> Any:
    """Return nullable whole numbers, empty where not known."""
    if values.dtype == object:
        values[~known] = None
        return values
    return pd.arrays.IntegerArray(values, ~known)


def compute_indicators(
    dataset: Dataset,
    plan: Plan,
    years: Iterable[int] | None = None,
    scopes: Sequence[str] = SCOPES,
    *,
    only: Container[str] | None = None,
    with_open: bool = False,
) -> pd.DataFrame:
    """Compute the indicator table.

    Parameters
    ----------
    dataset : Dataset
        Tables without errors. All its years are read: caps and trajectories look at other years.
    plan : Plan
        The catalogue.
    years : iterable of int, optional
        The years to show; all of the roster's by default.
    scopes : sequence of str
        Which of `SCOPES` to show.
    only : container of str, optional
        The ids of the indicators to show; all by default.
    with_open : bool
        Whether to add the columns ``needed`` and ``unknown`` beside ``breakeven``, so that a sentence
        can name units, persons or đồng: at least so many of all those that are not known.

    Returns
    -------
    DataFrame
        One row per year, indicator, scope and scope_id, columns as `COLUMNS`. Counts are whole
        numbers, ``value``, ``lower``, ``upper`` and ``breakeven`` float64 made from exact fractions
        (a share as 0.782), words are categories; what does not apply is missing.

    Raises
    ------
    InputError
        If the roster has nothing for a year that was asked for.
    """
    chosen = sorted(dataset.years if years is None else set(years))
    require_years(dataset, chosen)
    sources = open_sources(dataset, plan)
    shown = [Year(sources, year) for year in chosen]
    catalogue = [item for item in plan.catalogue() if only is None or item.id in only]
    # The table's length follows from who is asked, so each figure is written once, in its place.
    lengths = (
        len(year.groups(indicator, scope))
        for year, indicator in product(shown, catalogue)
        for scope in sources.scopes_of(indicator, scopes)
    )
    rows = Rows(sum(lengths), sources, (*COLUMNS, *OPEN_COLUMNS) if with_open else COLUMNS)
    histories = {item.id: find_history(item, sources) for item in catalogue if item.is_stage}
    for year, indicator in product(shown, catalogue):
        for block in year.roll_up(indicator, scopes):
            judged = _judge(year, indicator, block, histories.get(indicator.id))
            rows.add(judged, indicator=indicator, year=year.year, groups=block.groups)
    return rows.to_frame()


def require_years(dataset: Dataset, years: Sequence[int]) -> None:
    """Refuse years of which the roster has nothing, and name those that there are."""
    absent = sorted(set(years) - set(dataset.years))
    if absent:
        known = ", ".join(str(year) for year in dataset.years) or "không có năm nào"
        file = dataset.files.get("roster", "roster")
        message = f"danh sách CĐCS không có năm này; các năm hiện có: {known}"
        raise InputError(
            error(message, code="no_year", file=file, column="year", value=year) for year in absent
        )


def _judge(
    year: Year, indicator: Indicator, block: Block, history: History | None
) -> dict[str, Any]:
    """Return the judged columns of one indicator's scopes in a year."""
    columns = year.judge(indicator, block)
    columns |= {name: getattr(block.sums, name) for name in COUNTS}
    if history is None:
        return columns | {"trajectory": 0}
    paths = [history.assess(scope, codes, year.year) for scope, codes in block.groups]
    trajectory, overdue = (np.concatenate(part) for part in zip(*paths, strict=True))
    columns["flags"] |= overdue * flag_bit("overdue")
    return columns | {"trajectory": trajectory}


def write_table(table: pd.DataFrame, target: Path | IO[str], sheet: str = "Chỉ tiêu") -> None:
    """Write an indicator table, or a task table, by the path's ending; a stream gets CSV.

    CSV is UTF-8 without BOM, LF, decimals in the shortest form that round-trips.

    Raises
    ------
    InputError
        If the ending is none of ``.csv``, ``.parquet`` and ``.xlsx``.
    """
    if not isinstance(target, Path):
        target.writelines(str(lines, "utf-8") for lines in csv_lines(table))
        return
    suffix = target.suffix.lower()
    if suffix == ".csv":
        with target.open("wb") as file:
            file.writelines(csv_lines(table))
    elif suffix == ".parquet":
        table.to_parquet(target, index=False)
    elif suffix == ".xlsx":
        # Names come from other people's files: never let one become a formula or a link.
        options = {"strings_to_formulas": False, "strings_to_urls": False}
        with pd.ExcelWriter(
            target, engine="xlsxwriter", engine_kwargs={"options": options}
        ) as writer:
            table.to_excel(writer, index=False, sheet_name=sheet)
    else:
        message = "đuôi tệp phải là .csv, .parquet hoặc .xlsx"
        raise InputError([error(message, code="ending", file=str(target))])


def csv_lines(table: pd.DataFrame) -> Iterator[memoryview]:
    r"""Yield a table of words and numbers as CSV: the heading, then some rows at a time.

    The same bytes as ``table.to_csv(index=False, lineterminator="\n")``, many times faster: words
    and decimals become text once for each distinct one, and rows are joined column by column.

    Examples
    --------
    >>> table = pd.DataFrame({"name": ["A, B", None], "value": [0.5, 1.0]})
    >>> b"".join(csv_lines(table))
    b'name,value\n"A, B",0.5\n,1.0\n'
    """
    yield memoryview((",".join(_as_fields(table.columns).to_pylist()) + "\n").encode())
    words = {
        name: _as_fields(column.cat.categories)
        for name, column in table.items()
        if isinstance(column.dtype, pd.CategoricalDtype)
    }
    for start in range(0, len(table), _CHUNK):
        rows = table.iloc[start : start + _CHUNK]
        *cells, last = [_as_text(rows[name], words.get(name)) for name in table]
        yield _bytes(_join([*cells, _join([last, "\n"], "")], ","))


def _as_text(cells: pd.Series, words: pa.Array | None) -> pa.Array:
    """Return the fields of some cells, null where missing; ``words`` are those of categories."""
    if words is not None:
        codes = cells.cat.codes.to_numpy()
    elif pd.api.types.is_integer_dtype(cells.dtype):
        return pa.array(cells).cast(pa.string())
    else:
        codes, distinct = pd.factorize(cells)
        words = _as_fields(distinct)
    return words.take(pa.array(codes, mask=codes < 0))


def _as_fields(values: Iterable[object]) -> pa.Array:
    """Return values as they stand in a CSV file, quoted where they need it."""
    texts = [str(value) for value in values]
    return pa.array(
        [_quoted(text) if _SPECIAL.search(text) else text for text in texts], pa.string()
    )


def _quoted(text: str) -> str:
    buffer = io.StringIO()
    # Beside a second, empty field, so that a lone empty one is not quoted.
    csv.writer(buffer, lineterminator="\n").writerow([text, ""])
    return buffer.getvalue().removesuffix(",\n")


def _join(columns: Sequence[pa.Array | str], separator: str) -> pa.Array:
    return pc.binary_join_element_wise(
        *columns, separator, null_handling="replace", null_replacement=""
    )


def _bytes(texts: pa.Array) -> memoryview:
    """Return the texts one after the other, as they lie in memory."""
    _, offsets, data = texts.buffers()
    end = np.frombuffer(offsets, np.int32)[len(texts)]
    return memoryview(data)[:end]
