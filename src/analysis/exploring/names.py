"""What a question may name: what is meant is found, what is unknown is refused with the nearest."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from numbers import Integral
from typing import TYPE_CHECKING

from analysis.language import Language, load_language
from analysis.plan import Indicator
from analysis.problems import InputError, error
from analysis.results import SCOPES
from analysis.tables.writing import bare, loosely

if TYPE_CHECKING:  # a study itself is asked by names
    from analysis.study import Study

Years = int | str | Iterable[int] | None

#: As few are all named, beside the nearest.
_MOST_NAMED = 12
_NEAR = 0.6


def choose(
    kind: str, given: object, known: Mapping[str, str], also: Mapping[str, str] | None = None
) -> str:
    """Return the id that is meant by an id or a name, with or without marks.

    ``kind`` says in Vietnamese what it is; ``known`` and ``also`` are names by id.

    Raises
    ------
    InputError
        If nothing or more than one is meant; it names the nearest.

    Examples
    --------
    >>> choose("xã", "khe sanh", {"Khe Sanh": "Khe Sanh", "Tân Hợp": "Tân Hợp"})
    'Khe Sanh'
    """
    if not isinstance(given, str | Integral):
        told = f"cần một {kind}, viết trong ngoặc kép"
        raise InputError([error(told, code="no_name", column=kind, value=given)])
    if str(given) in known:
        return str(given)
    wanted, also = fold(given), also or {}
    meant = [k for k, name in known.items() if wanted in map(fold, (k, name, also.get(k, name)))]
    if len(meant) == 1:
        return meant[0]
    named = [_named(key, known[key]) for key in meant or _nearest(wanted, known, also)]
    if meant:
        told = f"nhiều {kind} có tên này: {', '.join(named[:_MOST_NAMED])}; hãy nêu mã"
    else:
        told = f"không có {kind} này"
        told += f"; ý anh/chị là {' hay '.join(named)}?" if named else ""
    if not meant and (len(known) <= _MOST_NAMED or not named):
        every = [_named(key, name) for key, name in known.items()]
        more = f" và {len(every) - _MOST_NAMED} {kind} khác" if len(every) > _MOST_NAMED else ""
        told += f"{'' if named else ';'} hiện có: {', '.join(every[:_MOST_NAMED])}{more}"
    raise InputError([error(told, code="unknown_name", column=kind, value=given)])


def choose_all(
    kind: str, given: object, known: Mapping[str, str], also: Mapping[str, str] | None = None
) -> list[str]:
    """Return the ids that one name, or each of several, means."""
    return [choose(kind, item, known, also) for item in several(kind, given)]


def several(kind: str, given: object) -> list[object]:
    """Return what is named as a list, whether it is one or several; none at all is refused."""
    named = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [given]
    if not named:
        raise InputError([error(f"chưa nêu {kind} nào", code="no_name", column=kind)])
    return named


def fold(text: object) -> str:
    """Return a name without marks, case, spaces and stops: ``gachnui``."""
    return bare(loosely(str(text)))


def language_of(study: Study) -> Language:
    """Return the language in which a study answers."""
    return load_language(study.params.lang, study.root)


def pick_years(study: Study, given: Years) -> list[int]:
    """Return the years that are meant; all where none is named."""
    years = study.dataset.years
    if given is None:
        return years
    known = {str(year): str(year) for year in years}
    asked = [f"{y:g}" if isinstance(y, float) else y for y in several("năm", given)]
    return [int(year) for year in choose_all("năm", asked, known)]


def pick_year(study: Study, given: int | str | None) -> int:
    """Return the one year that is meant; the study's where none is named."""
    found = pick_years(study, study.params.year if given is None else given)
    if len(found) > 1:
        message = "ở đây chỉ nêu được một năm"
        raise InputError([error(message, code="several", column="năm", value=given)])
    return found[0]


def latest_year(study: Study) -> int:
    """Return the year of the study, or the last one before it of which there are data."""
    known = [year for year in study.dataset.years if year <= study.params.year]
    return max(known, default=study.params.year)


def pick_indicator(study: Study, given: str) -> Indicator:
    """Return the indicator that is meant by an id or a title."""
    catalogue = {item.id: item for item in study.plan.catalogue()}
    titles = {key: item.title for key, item in catalogue.items()}
    return catalogue[choose("chỉ tiêu", given, titles, shorts_of(study))]


def shorts_of(study: Study) -> dict[str, str]:
    """Return what boards and charts call the indicators, by id."""
    return {item.id: item.short for item in study.plan.catalogue()}


def pick_unit(study: Study, given: object) -> str:
    """Return the id of the unit that is meant."""
    return choose("CĐCS", given, members_of(study)["unit"])


def scopes_of(study: Study) -> dict[str, str]:
    """Return what the scopes are called, by scope."""
    return {scope: language_of(study).word("scope", scope) for scope in SCOPES}


def members_of(study: Study) -> dict[str, dict[str, str]]:
    """Return the names of what each scope sums, by scope and id; a unit's as it was last."""

    def gather() -> dict[str, dict[str, str]]:
        register, issuer = study.register, study.plan.issuer
        language = language_of(study)
        types, last = register["unit_type"].unique(), max(study.dataset.years)
        return {
            "district": {issuer.id: issuer.short},
            "commune": {str(name): str(name) for name in sorted(register["commune"].unique())},
            "unit_type": {str(t): language.dictionary_word("unit_type", t) for t in types},
            "parent": {
                str(key): study.name_parent(str(key), last) for key in register["parent"].unique()
            },
            "unit": register["name"].groupby(level="unit_id").last().astype(str).to_dict(),
        }

    found: dict[str, dict[str, str]] = study.remember(("members", study.params.lang), gather)
    return found


def names_of(study: Study, scopes: Iterable[object], ids: Iterable[object]) -> list[str]:
    """Return the names of scopes' members, or sections; an id where there is none."""
    sections = {part.id: part.title for part in study.plan.sections}
    known = {**members_of(study), "section": sections}
    pairs = zip(map(str, scopes), map(str, ids), strict=True)
    return [known.get(scope, {}).get(key, key) for scope, key in pairs]


def pick_place(study: Study, name: object) -> tuple[str, str]:
    """Return the scope and the id that a name means, whichever scope has it."""
    members = members_of(study)
    scopes: dict[str, str] = {}
    for scope in SCOPES:
        for key in members[scope]:
            scopes.setdefault(key, scope)
    names = {key: members[scope][key] for key, scope in scopes.items()}
    whole = {study.plan.issuer.id: language_of(study).word("scope", "district")}
    key = choose("CĐCS, xã, loại hình", name, names, whole)
    return scopes[key], key


def _nearest(wanted: str, known: Mapping[str, str], also: Mapping[str, str]) -> list[str]:
    folded: dict[str, str] = {}
    for key, name in known.items():
        for one in (key, name, also.get(key, name)):
            folded.setdefault(fold(one), key)
    near = difflib.get_close_matches(wanted, folded, 3, _NEAR)
    inside = [word for word in folded if len(wanted) > 2 and wanted in word][:3]
    return list(dict.fromkeys(folded[word] for word in [*inside, *near]))[:3]


def _named(key: str, name: str) -> str:
    return key if key == name else f"{key} ({name})"
