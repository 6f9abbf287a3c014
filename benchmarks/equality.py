"""The two tables side by side: a benchmark of different results would measure nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl

from analysis.indicators.assembly import COLUMNS

DECIMALS = ("value", "lower", "upper", "breakeven")


def differing_columns(engine: pd.DataFrame, other: pl.DataFrame) -> list[str]:
    """Return the columns that differ: decimals beyond 1e-12, anything else at all."""
    if len(engine) != len(other):
        return [f"{len(engine)} rows against {len(other)}"]
    same = {name: _same_decimals if name in DECIMALS else _same for name in COLUMNS}
    return [name for name, agree in same.items() if not agree(engine[name], other[name])]


def _same(ours: pd.Series, theirs: pl.Series) -> bool:
    words = isinstance(ours.dtype, pd.CategoricalDtype) or ours.dtype == object
    left = pl.Series(ours.astype(object).where(ours.notna(), None).to_list(), strict=False)
    right = theirs.cast(pl.String) if words and left.dtype == pl.String else theirs
    return left.cast(right.dtype).equals(right, null_equal=True)


def _same_decimals(ours: pd.Series, theirs: pl.Series) -> bool:
    return bool(
        np.allclose(
            ours.to_numpy(np.float64), theirs.to_numpy(), rtol=1e-12, atol=1e-12, equal_nan=True
        )
    )
