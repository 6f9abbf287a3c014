"""What is shown of a task on a day: a state for each holder, from what they said and when."""

from __future__ import annotations

from datetime import date

import numpy as np
import numpy.typing as npt

from analysis.indicators.members import BoolArray, IntArray

Codes = npt.NDArray[np.int8]

#: What is reported, and what is shown of it; codes point into them. ``""``: nothing is reported.
REPORTED = ("", "done", "in_progress", "not_started", "not_applicable")
STATES = (
    *("not_applicable", "done_on_time", "done_late", "done_undated", "kept"),
    *("in_progress", "kept_so_far", "not_started", "overdue", "no_result"),
    *("unreported", "unreported_due"),
)
DONE = ("done_on_time", "done_late", "done_undated", "kept")
#: A day that is not known.
NO_DAY = np.iinfo(np.int64).min


def code(state: str) -> int:
    """Return the code of a state that is shown.

    Examples
    --------
    >>> STATES[code("overdue")]
    'overdue'
    """
    return STATES.index(state)


def days(day: date) -> int:
    """Return a day as numbers of days, as holders' days are."""
    return int(np.datetime64(day, "D").astype(np.int64))


def show_states(reported: Codes, done_on: IntArray, due: date | None, on: date) -> Codes:
    """Return the state shown for each holder of a task.

    Parameters
    ----------
    reported : int8 array
        Codes in `REPORTED`.
    done_on : int64 array
        Numbers of days; `NO_DAY` where none is given.
    due : date or None
        By when; None for what never falls due.
    on : date
        The day that is asked about: what was done after it was not yet done.

    Returns
    -------
    int8 array
        Codes in `STATES`.

    Examples
    --------
    >>> reported = np.array([1, 2, 0], np.int8)
    >>> done_on = np.array([days(date(2024, 5, 31)), NO_DAY, NO_DAY])
    >>> shown = show_states(reported, done_on, date(2024, 5, 31), date(2024, 11, 30))
    >>> [STATES[one] for one in shown]
    ['done_on_time', 'overdue', 'unreported_due']
    """
    if due is None:
        words = ("unreported", "kept", "kept_so_far", "no_result", "not_applicable")
    elif on > due:
        words = ("unreported_due", "done_on_time", "overdue", "overdue", "not_applicable")
    else:
        words = ("unreported", "done_on_time", "in_progress", "not_started", "not_applicable")
    lookup = np.array([code(word) for word in words], np.int8)
    later = done_on > days(on)
    shown: Codes = lookup[np.where(later, REPORTED.index("in_progress"), reported)]
    if due is not None:
        done = shown == code("done_on_time")
        shown[done & (done_on == NO_DAY)] = code("done_undated")
        shown[done & (done_on > days(due))] = code("done_late")
    return shown


def is_done(shown: Codes) -> BoolArray:
    """Tell which holders are done."""
    return np.isin(shown, [code(state) for state in DONE])
