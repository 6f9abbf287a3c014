"""The files of one import as they arrive: each one read, none taking the others down."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pandas as pd

from analysis.problems import Problem, error, explain_os, has_errors
from analysis.store.figures import show_figure
from analysis.store.lists import LISTED
from analysis.store.merge import is_beside_returns
from analysis.tables.delivery import Delivery, Records
from analysis.tables.dictionary import dictionary

#: Reads one file: what it holds, or every reason why it cannot be read.
Reader = Callable[[Path], tuple[Delivery | None, list[Problem]]]


@dataclass(frozen=True)
class Arrival:
    """One file as it was read.

    Attributes
    ----------
    path : Path
        The file.
    delivery : Delivery or None
        What could be read.
    problems : tuple of Problem
        What is wrong with it.
    trace : str
        Where the program itself failed over it; empty if it did not.
    """

    path: Path
    delivery: Delivery | None
    problems: tuple[Problem, ...]
    trace: str = ""


def read_all(paths: Iterable[Path], read: Reader) -> list[Arrival]:
    """Read the files; those with the office's register come first, since returns need it.

    Parameters
    ----------
    paths : iterable of Path
        The files.
    read : callable
        Reads one of them; whatever it raises is a problem of this file alone.
    """
    arrivals = [_read(path, read) for path in paths]
    return sorted(arrivals, key=lambda one: one.delivery is None or not has_register(one.delivery))


def _read(path: Path, read: Reader) -> Arrival:
    try:
        delivery, problems = read(path)
        if delivery is not None and not has_errors(problems):
            problems = [*problems, *_lacking_keys(delivery)]
        return Arrival(path, delivery, tuple(problems))
    except OSError as failure:
        message = f"không đọc được tệp ({explain_os(failure)})"
        return Arrival(path, None, (error(message, code="unreadable", file=path.name),))
    except Exception as failure:
        return Arrival(path, None, (program_error(path, failure),), traceback.format_exc())


def program_error(path: Path, failure: Exception) -> Problem:
    """Return the problem of a file over which the program itself failed."""
    message = (
        f"lỗi của chương trình ({type(failure).__name__}) khi xử lý tệp này, chưa nhận gì từ tệp;"
        " hãy gửi nhật ký lỗi cho người phụ trách"
    )
    return error(message, code="program_error", file=path.name)


def _lacking_keys(delivery: Delivery) -> list[Problem]:
    """Return an error for every key column that a part of a file does not have."""
    return [
        error(
            f"thiếu cột «{table.columns[name].vi}» của bảng «{table.vi}»",
            code="no_column",
            file=delivery.file,
            column=name,
            sheet=part.sheet,
        )
        for part in delivery.records
        for table in (dictionary().tables[part.table],)
        for name in table.key
        if name not in part.text
    ]


def has_register(delivery: Delivery) -> bool:
    """Tell whether a file holds the office's register."""
    parts = (part for part in delivery.records if part.table == "roster")
    return any(not is_beside_returns(part, delivery) for part in parts)


def find_conflicts(
    arrivals: Sequence[Arrival], known: Collection[str]
) -> dict[Path, list[Problem]]:
    """Return the figures of which two files say different things: nobody can know which is right.

    A unit's form may say something else of the unit than the office's register: that is not told
    here, for the register came first.

    Parameters
    ----------
    arrivals : sequence of Arrival
        The files of one import.
    known : collection of str
        Digests of files that the store has already: a newer file may well say something else.

    Returns
    -------
    dict of Path to list of Problem
        For each of the files in question.
    """
    kinds: dict[tuple[str, bool], list[tuple[Arrival, Records]]] = {}
    for arrival in arrivals:
        delivery = arrival.delivery
        if delivery is None or has_errors(arrival.problems) or delivery.digest in known:
            continue
        for part in delivery.records:
            kind = (part.table, is_beside_returns(part, delivery))
            kinds.setdefault(kind, []).append((arrival, part))
    found: dict[Path, list[Problem]] = {}
    for parts in kinds.values():
        for one, other in _pairs(parts):
            for mine, its in ((one, other), (other, one)):
                found.setdefault(mine[0].path, []).extend(_differences(mine, its))
    return {path: list(dict.fromkeys(problems)) for path, problems in found.items() if problems}


_Row = tuple[Arrival, Records, int]


def _pairs(parts: Sequence[tuple[Arrival, Records]]) -> Iterator[tuple[_Row, _Row]]:
    """Yield every two rows with one key from different files."""
    if len({arrival.path for arrival, _ in parts}) < 2:
        return
    key = list(dictionary().tables[parts[0][1].table].key)
    rows = pd.concat([part.text[key].assign(part=number) for number, (_, part) in enumerate(parts)])
    rows = rows[rows.duplicated(key, keep=False)]
    for _, group in rows.groupby(key, sort=False):
        places = [(*parts[number], int(row)) for row, number in group["part"].items()]
        for position, one in enumerate(places):
            for other in places[position + 1 :]:
                if other[0].path != one[0].path:
                    yield one, other


def _differences(mine: _Row, its: _Row) -> list[Problem]:
    (arrival, part, row), (other, its_part, its_row) = mine, its
    table = dictionary().tables[part.table]
    problems, advice = [], _propose_later(arrival.path, other.path)
    for name in part.text.columns.intersection(its_part.text.columns):
        here, there = part.text.at[row, name], its_part.text.at[its_row, name]
        gives_way = name in LISTED.get(table.name, ()) and (
            part.is_form(name) != its_part.is_form(name)
        )
        if here != there and not gives_way:
            told = show_figure(table.columns[name], there)
            message = (
                f"«{table.columns[name].vi}» ở tệp {other.path.name} trong cùng lần nhập này là"
                f" {told}; chưa nhận tệp nào trong hai tệp, hãy giữ lại một tệp"
            )
            problem = part.problem(
                arrival.path.name, name, row, code="two_deliveries", message=message
            )
            problems.append(replace(problem, advice=advice))
    return problems


def _propose_later(*paths: Path) -> str:
    """Name the file that was saved last: it may be the right one, and only a person can tell."""
    try:
        saved = {path.stat().st_mtime_ns // 10**9: path.name for path in paths}
    except OSError:
        return ""
    if len(saved) < len(paths):
        return ""
    last = max(saved)
    at = f"{datetime.fromtimestamp(last).astimezone():%d/%m/%Y %H:%M:%S}"
    return f"bản lưu sau cùng là {saved[last]} ({at})"
