"""What a question may name: what is meant is found, what is unknown is refused with the nearest."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from analysis.problems import InputError, error
from analysis.tables.writing import bare, loosely

_MOST_NAMED = 12
#: As few are all named, beside the nearest.
_FEW = 7
_NEAR = 0.6


def choose(kind: str, given: object, known: Mapping[str, str]) -> str:
    """Return the id that is meant by an id or a name, with or without marks.

    Parameters
    ----------
    kind : str
        What it is, in Vietnamese, for the error.
    given : object
        What was asked for.
    known : mapping of str to str
        The names, by id.

    Raises
    ------
    InputError
        If nothing or more than one is meant; it names the nearest.

    Examples
    --------
    >>> choose("xã", "khe sanh", {"Khe Sanh": "Khe Sanh", "Tân Hợp": "Tân Hợp"})
    'Khe Sanh'
    """
    if not isinstance(given, str | int):
        told = f"cần một {kind}, viết trong ngoặc kép"
        raise InputError([error(told, code="no_name", column=kind, value=given)])
    if str(given) in known:
        return str(given)
    wanted = fold(given)
    meant = [key for key, name in known.items() if wanted in (fold(key), fold(name))]
    if len(meant) == 1:
        return meant[0]
    named = [_named(key, known[key]) for key in meant or _nearest(wanted, known)]
    if meant:
        told = f"nhiều {kind} có tên này: {', '.join(named[:_MOST_NAMED])}; hãy nêu mã"
    else:
        told = f"không có {kind} này"
        told += f"; ý anh/chị là {' hay '.join(named)}?" if named else ""
    if not meant and (len(known) < _FEW or not named):
        every = [_named(key, name) for key, name in known.items()]
        more = f" và {len(every) - _MOST_NAMED} {kind} khác" if len(every) > _MOST_NAMED else ""
        told += f"{'' if named else ';'} hiện có: {', '.join(every[:_MOST_NAMED])}{more}"
    raise InputError([error(told, code="unknown_name", column=kind, value=given)])


def choose_all(kind: str, given: object, known: Mapping[str, str]) -> list[str]:
    """Return the ids that one name, or each of several, means."""
    return [choose(kind, item, known) for item in several(kind, given)]


def several(kind: str, given: object) -> list[object]:
    """Return what is named as a list, whether it is one or several; none at all is refused."""
    named = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    if not named:
        raise InputError([error(f"chưa nêu {kind} nào", code="no_name", column=kind)])
    return named


def fold(text: object) -> str:
    """Return a name without marks, case, spaces and stops: ``gachnui``."""
    return bare(loosely(str(text)))


def _nearest(wanted: str, known: Mapping[str, str]) -> list[str]:
    folded: dict[str, str] = {}
    for key, name in known.items():
        folded.setdefault(fold(key), key)
        folded.setdefault(fold(name), key)
    near = difflib.get_close_matches(wanted, folded, 3, _NEAR)
    inside = [word for word in folded if len(wanted) > 2 and wanted in word][:3]
    return list(dict.fromkeys(folded[word] for word in [*inside, *near]))[:3]


def _named(key: str, name: str) -> str:
    return key if key == name else f"{key} ({name})"
