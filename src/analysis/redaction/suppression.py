"""The order of steps: hide what is sensitive, look for protection, publish one sum after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analysis.problems import InputError, error
from analysis.redaction.protection import Release, Sensitive, find_protection, find_sets
from analysis.redaction.published import Asked, Key, PublishedSum, Respondents
from analysis.redaction.sensitive import LARGEST_HIDDEN, MOST_PERSONS, SIZES, Amount
from analysis.results.members import BoolArray, IntArray
from analysis.results.states import States, pool
from analysis.results.verdicts import Terms, judge

#: In this order sums are published, as long as nothing comes out.
_SCOPES = ("district", "unit_type", "parent", "commune")
# How often protection is looked for; each time some more is hidden.
_MOST_ROUNDS = 6
#: Whether a verdict gets better (or worse) where the missing bring more of this.
_BETTER = {"low_above": 1, "low_below": -1, "high_above": 1, "high_below": -1, "free": 1}


def decide(respondents: Respondents) -> tuple[dict[Key, str], Release]:
    """Decide what is published of all persons of one source in one year.

    Returns
    -------
    rows : dict of Key to str
        Rows of the indicator table: with their ``figures``, a unit's with its ``verdict`` alone, or
        with nothing, where the numerator of somebody is ``known`` who did not report all. The
        register's totals are here too: a column, ``district`` and no name.
    release : Release
        Its matrix tells what is hidden; itself how persons can be exchanged unnoticed.

    Raises
    ------
    InputError
        If a fact that the plan asks about pins a hidden count: no figure could be published.
    """
    sensitive, sums = _find_groups(respondents)
    verdicts, release = _protect(
        respondents, sensitive, [s for s in sums if s.key[1] == "district"]
    )
    if any(release.find_exposed()):
        message = (
            "không lập được bản chia sẻ: một điều kiện có/không của kế hoạch để lộ số người từ 1 "
            f"đến {LARGEST_HIDDEN} ở một đơn vị"
        )
        raise InputError([error(message, code="pinned")])
    rows: dict[Key, str] = {}
    for asked in respondents.asked:
        reported, partly = asked.states.reported, asked.states.missing & asked.part_known
        hidden = release.matrix.hidden[:, asked.columns].any(axis=1)
        held = reported & hidden & verdicts[asked.indicator.id]
        for scope in respondents.scopes:
            rows |= dict.fromkeys(respondents.keys(asked, scope, partly), "known")
        rows |= dict.fromkeys(respondents.keys(asked, "unit", held), "verdict")
        rows |= dict.fromkeys(respondents.keys(asked, "unit", reported & ~hidden), "figures")
    for item in sums:
        after, told = release.publish(item)
        if not any(after.find_exposed(told)):
            release, rows[item.key] = after, "figures"
    return rows, release


def _find_groups(respondents: Respondents) -> tuple[list[Sensitive], list[PublishedSum]]:
    """Return amounts of few persons, and sums that count no few and hang on no few missing."""
    matrix, scopes = respondents.matrix, respondents.scopes
    sides = [Amount(side) for amount in matrix.left_out for side in (amount.minus, amount.plus)]
    columns = [Amount((column,)) for column in range(len(matrix.columns))]
    sensitive, sums = [], []
    for amount in dict.fromkeys([*columns, *matrix.left_out, *sides]):
        few = amount.is_few(matrix.x, matrix.known)
        sensitive.append(Sensitive(amount, np.where(few, np.arange(len(few)), -1)))
    for scope in _SCOPES:
        for asked in respondents.asked:
            labels = {amount: np.full(len(matrix.x), -1) for amount in asked.amounts()}
            for code, key in enumerate(respondents.keys(asked, scope, asked.states.reported)):
                members = scopes[scope] == key[2]
                rows = members & asked.states.reported
                of_few = [amount for amount in labels if amount.is_of_few(matrix.x[rows])]
                for amount in of_few:
                    labels[amount][rows] = code
                if not of_few and _is_firm(asked, members):
                    sums.append(PublishedSum(key, frozenset(asked.columns), rows))
            sensitive += [Sensitive(*item) for item in labels.items()]
        for name in sorted(SIZES) if scope == "district" and "unit" in scopes else ():
            column = matrix.columns.index(name)
            rows = matrix.known[:, column] & (scopes["unit"] != "")
            if not Amount((column,)).is_of_few(matrix.x[rows]):
                sums.append(PublishedSum((name, "district", ""), frozenset({column}), rows))
    return sensitive, sums


def _is_firm(asked: Asked, members: BoolArray) -> bool:
    """Tell whether a sum's verdict and flags stay if the figures of the missing are a bit off."""
    if asked.target is None or not asked.whole:
        return True
    own = States(**{name: array[members] for name, array in vars(asked.states).items()})
    sums, ends = pool(own), {}
    for name, sign in _BETTER.items():
        step = MOST_PERSONS * len(asked.whole) * np.count_nonzero(getattr(own, name))
        ends[name] = np.maximum(getattr(sums, name) + sign * step * np.array([-1, 0, 1]), 0)
    ends["low_above"] = np.minimum(ends["low_above"], ends["low_below"])
    shifted = replace(sums.take(np.zeros(3, np.int64)), **ends)
    judged = judge(shifted, asked.indicator, Terms(asked.target), is_unit=False)
    return all(len(np.unique(judged[name])) == 1 for name in ("verdict", "flags"))


def _protect(
    respondents: Respondents, sensitive: Sequence[Sensitive], of_district: Sequence[PublishedSum]
) -> tuple[dict[str, BoolArray], Release]:
    """Return whose verdicts may stay, and with more cells hidden what lets the district's sums stay.

    Where an amount would be exposed, first the verdicts of its row give way. Where it would be
    exposed all by itself (by facts and by the tables' rules), then all figures of the row; where
    a sum over everybody would expose it, figures of others in the same sums.
    """
    matrix, every = respondents.matrix, respondents.asked
    verdicts = {asked.indicator.id: np.ones(len(matrix.x), bool) for asked in every}

    def begin() -> Release:
        held = [asked.hold_verdict(matrix.x, verdicts[asked.indicator.id]) for asked in every]
        sets = find_sets(matrix, [asked.columns for asked in every])
        return Release(matrix, sensitive, find_protection(matrix, sets, held))

    for attempt in range(_MOST_ROUNDS):
        release = with_sums = begin()
        for item in of_district:
            with_sums, _ = with_sums.publish(item)
        exposed = list(with_sums.find_exposed())
        if not exposed:
            return verdicts, release
        for amount, rows in exposed:
            for asked in every:
                if attempt or {*amount.plus, *amount.minus}.intersection(asked.columns):
                    verdicts[asked.indicator.id][rows] = False
        alone = [rows for _, rows in release.find_exposed()] if attempt > 1 else []
        if alone:
            cells = np.zeros(matrix.x.shape, bool)
            cells[np.concatenate(alone)] = True
            matrix = matrix.hide(cells)
        elif attempt > 1:
            matrix = matrix.hide(_find_companions(with_sums, exposed))
    return verdicts, begin()


def _find_companions(release: Release, exposed: list[tuple[Amount, IntArray]]) -> BoolArray:
    """Return one more count to hide for each exposed one: in the same sums, most protected."""
    matrix = release.matrix
    exposures, cells = (np.zeros(matrix.x.shape, bool) for _ in range(2))
    for amount, rows in exposed:
        exposures[rows, (amount.minus or amount.plus)[0]] = True
    exposures &= matrix.hidden
    for column in np.flatnonzero(exposures.any(axis=0)).tolist():
        could, trial = ~matrix.hidden & (matrix.x > 0), np.zeros(matrix.x.shape, bool)
        trial[:, column] = could[:, column]
        (way,) = find_protection(matrix.hide(trial), [frozenset({column})])
        pool, _ = release.find_pools(way.columns)
        for row in np.flatnonzero(exposures[:, column]).tolist():
            around = np.flatnonzero((pool == pool[row]) & could[:, column] & ~cells[:, column])
            room = np.minimum(way.upper, way.lower)[around]
            best = around[np.lexsort((matrix.x[around, column], -room))][:1]
            cells[[row, *best], column] = True
    return cells
