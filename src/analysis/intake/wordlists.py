"""What people write for an answer, a word or a unit of measure: the lists of ``spellings.yaml``."""

from __future__ import annotations

from functools import cache
from typing import Any

from analysis.intake.formtexts import fold
from analysis.tables.dictionary import dictionary, per_dictionary
from analysis.tables.writing import bare, lacks_only_marks, loosely
from analysis.yamlfile import read_own

#: Known writings by their letters alone: each in full and what it means.
Listed = dict[str, list[tuple[str, str]]]


@cache
def lists() -> dict[str, Any]:
    """Return the lists (read once).

    Examples
    --------
    >>> lists()["false"][0]
    'không'
    """
    raw: dict[str, Any] = read_own(__package__, "spellings.yaml")
    return raw


@cache
def answers() -> Listed:
    """Return the words for yes, no and for nothing known.

    Examples
    --------
    >>> find("chưa ký", answers()), find("không rõ", answers())
    ('false', 'unclear')
    """
    raw = lists()
    known = {str(text): word for word in ("true", "false") for text in raw[word]}
    known |= {text: "unclear" for line in raw["unclear"] for text in line}
    for word, before in raw["deeds"]["before"].items():
        known |= {f"{start} {verb}": word for start in before for verb in raw["deeds"]["verbs"]}
    return listed(known)


@per_dictionary
def units() -> Listed:
    """Return the words for the dictionary's units of measure.

    Examples
    --------
    >>> find("VNĐ", units())
    'đồng'
    """
    columns = (
        column for table in dictionary().tables.values() for column in table.columns.values()
    )
    known = {column.unit: column.unit for column in columns if column.type.is_number}
    return listed(known | {text: unit for unit, own in lists()["units"].items() for text in own})


def listed(known: dict[str, str]) -> Listed:
    """Return writings and what they mean, as `find` looks them up.

    Examples
    --------
    >>> find("DIA BAN", listed({"Địa bàn": "commune"}))
    'commune'
    """
    by_letters: Listed = {}
    for text, word in known.items():
        # Signs have no letters: they are known as they stand.
        key = bare(loosely(text)) or fold(text)
        by_letters.setdefault(key, []).append((loosely(text) or fold(text), word))
    return by_letters


def find(text: str, among: Listed) -> str | None:
    """Return what a writing means; None if it is not listed, or could mean two things.

    Examples
    --------
    >>> find("da xay dung.", answers()), find("Ko", answers()), find("có thể", answers())
    ('true', 'false', None)
    """
    loose = loosely(text) if text.rstrip("?") == text else ""
    if loose.isdigit() and loose != text:
        return None  # a sign before a figure, or a point in it, says something
    near = among.get(bare(loose) or fold(text), [])
    same = {word for full, word in near if full == (loose or fold(text))}
    meant = same or {word for full, word in near if lacks_only_marks(loose, full)}
    return meant.pop() if len(meant) == 1 else None


@cache
def labels(word_list: str) -> Listed:
    """Return the words of one of the dictionary's lists, by label and by name.

    Examples
    --------
    >>> find("hoan thanh tot nhiem vu", labels("grade"))
    'good'
    """
    words, also = dictionary().words[word_list], dictionary().also.get(word_list, {})
    known = {text: word for word, texts in also.items() for text in texts}
    return listed(known | {label: word for word, label in words.items()} | {w: w for w in words})


@cache
def money_units() -> Listed:
    """Return the words for units of money; each means how many đồng it is.

    Examples
    --------
    >>> find("1.000 đ", money_units()), find("Triệu đồng", money_units())
    ('1000', '1000000')
    """
    stated: dict[str, list[str]] = lists()["money_units"]
    return listed({text: worth for worth, texts in stated.items() for text in texts})
