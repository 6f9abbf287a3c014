"""Exact whole-number arithmetic on arrays: int64 while it fits, Python integers beyond."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

#: Up to here a float64 holds every whole number, so sums and quotients through floats are exact.
EXACT_IN_FLOAT = 2**53


def fits(*arrays: np.ndarray, factor: int = 1) -> list[np.ndarray]:
    """Return the arrays ready to be multiplied by ``factor`` (and added once) without overflow.

    Parameters
    ----------
    *arrays : int arrays
        Whole numbers, ``int64`` or ``object``.
    factor : int
        What each will be multiplied with.

    Returns
    -------
    list of arrays
        Unchanged where all stays within 2**53, else as Python integers.

    Examples
    --------
    >>> fits(np.array([1]), factor=100)[0].dtype, fits(np.array([2**52]), factor=100)[0].dtype
    (dtype('int64'), dtype('O'))
    """
    largest = max(
        (abs(int(bound)) for a in arrays if len(a) for bound in (a.max(), a.min())), default=0
    )
    if largest * max(abs(factor), 1) * 2 < EXACT_IN_FLOAT:
        return list(arrays)
    return [a.astype(object) for a in arrays]


def multiply(array: np.ndarray, factor: int) -> np.ndarray:
    """Multiply by a Python integer, leaving arrays alone when it is 1."""
    return array if factor == 1 else array * factor


def sum_by(codes: np.ndarray, values: np.ndarray, groups: int) -> np.ndarray:
    """Sum non-negative whole numbers per group, exactly.

    Parameters
    ----------
    codes : int array
        The group of each value, from 0 to ``groups`` - 1.
    values : bool or int array
        What to sum.
    groups : int
        How many groups there are.

    Returns
    -------
    array
        ``int64`` of length ``groups``, or Python integers where a sum could pass 2**53.

    Examples
    --------
    >>> sum_by(np.array([0, 1, 0]), np.array([1, 2, 3]), 2)
    array([4, 2])
    """
    if values.dtype == bool or float(values.sum(dtype=np.float64)) < EXACT_IN_FLOAT / 2:
        return np.bincount(codes, weights=values, minlength=groups).astype(np.int64)
    totals = np.zeros(groups, object)
    np.add.at(totals, codes, values.astype(object))
    return totals


def divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """Divide whole numbers to the nearest float64; nothing is divided by 0 (that gives NaN)."""
    result = np.full(len(numerator), np.nan)
    whole = np.asarray(denominator != 0, bool)
    top, bottom = fits(numerator[whole], denominator[whole])
    result[whole] = (top / bottom).astype(np.float64)
    return result


def round_half_up(value: Fraction, digits: int) -> Fraction:
    """Round a fraction half up (away from zero) to a number of decimals.

    Examples
    --------
    >>> round_half_up(Fraction(1, 8), 2)
    Fraction(13, 100)
    """
    scale = 10**digits
    scaled = abs(value) * scale
    rounded = Fraction(
        (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator), scale
    )
    return rounded if value >= 0 else -rounded
