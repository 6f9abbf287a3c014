"""The CSV of an indicator table, made column by column: the bytes that pandas writes, row by row."""

from __future__ import annotations

import io
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.results import write_table

WORDS = ["x", "A, B", 'q"q', "l\nl", "r\rr", "", None, " s", "é;", "'", "="]
ENDS = [0.0, 1.0, 0.1, 1 / 3, 1e-4, 1e-5, 1e15, 1e16, 123456789012345678.0, np.nan, np.inf]


def odd_table(rows: int) -> pd.DataFrame:
    """Every kind of column that an indicator table may have, with awkward cells."""
    rng = np.random.default_rng(rows)
    decimals = rng.integers(0, 10**9, rows) * 10.0 ** rng.integers(-12, 15, rows)
    decimals[: len(ENDS)] = ENDS[:rows]
    return pd.DataFrame(
        {
            "word": pd.Categorical(np.resize(np.array(WORDS, object), rows)),
            "decimal": decimals,
            "count": pd.array(np.resize(np.array([1, None, -5, 10**18], object), rows), "Int64"),
            "beyond int64": np.resize(np.array([10**30, None, -3], object), rows),
            "a, b": np.arange(rows),
            "last": pd.array(np.resize(np.array(["t", "u,v", None], object), rows), "str"),
        }
    )


@pytest.mark.parametrize("rows", [0, 1, 20, 2000])
def test_csv_is_what_pandas_writes(
    rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("analysis.results.table"), "_CHUNK", 700)
    table, stream, path = odd_table(rows), io.StringIO(), tmp_path / "table.csv"
    wanted = table.to_csv(index=False, lineterminator="\n")
    write_table(table, stream)
    write_table(table, path)
    assert stream.getvalue() == wanted
    assert path.read_bytes() == wanted.encode()
