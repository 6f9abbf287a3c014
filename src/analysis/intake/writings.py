"""What people write: cells as text, texts compared, words looked up, encodings from before Unicode."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from typing import Any

from analysis.tables.dictionary import dictionary, per_dictionary
from analysis.tables.writing import bare, clean, lacks_only_marks, loosely
from analysis.yamlfile import read_own

#: What a cell holds; ``""`` is empty.
Raw = str | int | float | bool | date | datetime | time | timedelta
#: What is asked of each task, by table and column, with the widths of the cells.
TASK_CELLS = {
    ("tasks", "state"): 20, ("tasks", "done_on"): 14, ("tasks", "count"): 12,
    ("evidence", "doc_no"): 20, ("evidence", "doc_date"): 14, ("evidence", "title"): 36,
    ("tasks", "note"): 30,
}  # fmt: skip
#: The name of the marker that a sheet of tasks carries, in the texts of the forms.
TASK_MARKER = "task_marker"
#: Between a task's code and its label.
MEANS = " = "
YEAR = re.compile(r"(?<![0-9])(?:19|20)[0-9]{2}(?![0-9])")


def tidy(text: str) -> str:
    """Return a text in NFC without spaces around it."""
    return unicodedata.normalize("NFC", text).strip().strip("\ufeff\u200b").strip()


def shown(raw: Raw) -> str:
    """Return a raw value as a person would have typed it."""
    if isinstance(raw, bool):
        return "TRUE" if raw else "FALSE"
    if isinstance(raw, float):
        return str(int(raw)) if raw.is_integer() else repr(raw).replace(".", ",")
    if isinstance(raw, datetime):
        return f"{raw:%d/%m/%Y %H:%M:%S}"
    if isinstance(raw, date):
        return f"{raw:%d/%m/%Y}"
    return str(raw)


@cache
def form_texts() -> dict[str, Any]:
    """Return the texts of ``forms.yaml``."""
    texts: dict[str, Any] = read_own(__package__, "forms.yaml")
    return texts


@lru_cache(maxsize=20_000)  # file after file has the same headings
def fold(text: str) -> str:
    """Return a heading or a word without what people write differently: case, spaces, form of marks.

    Examples
    --------
    >>> fold(" Mã  CĐCS "), fold("MÃ CĐCS")
    ('mã cđcs', 'mã cđcs')
    """
    return " ".join(clean(text).casefold().split())


def plain(text: str) -> str:
    r"""Return letters and digits of ASCII joined by hyphens, for the name of a file or to compare.

    Examples
    --------
    >>> plain("CĐCS Trường TH&THCS Húc / \u00d0akrông")
    'CDCS-Truong-TH-THCS-Huc-Dakrong'
    """
    marked = unicodedata.normalize("NFD", clean(text).replace("đ", "d").replace("Đ", "D"))
    letters = "".join(sign for sign in marked if not unicodedata.combining(sign))
    return re.sub(r"[^A-Za-z0-9]+", "-", letters).strip("-")


# Words that mean something

#: Known writings by their letters alone: each in full and what it means.
Listed = dict[str, list[tuple[str, str]]]


@cache
def lists() -> dict[str, Any]:
    """Return the lists of ``spellings.yaml``."""
    raw: dict[str, Any] = read_own(__package__, "spellings.yaml")
    return raw


@cache
def answers() -> Listed:
    """Return the words for yes, no and for nothing known."""
    raw = lists()
    known = {str(text): word for word in ("true", "false") for text in raw[word]}
    known |= {text: "unclear" for line in raw["unclear"] for text in line}
    for word, before in raw["deeds"]["before"].items():
        known |= {f"{start} {verb}": word for start in before for verb in raw["deeds"]["verbs"]}
    return listed(known)


@per_dictionary
def units() -> Listed:
    """Return the words for the dictionary's units of measure."""
    columns = (
        column for table in dictionary().tables.values() for column in table.columns.values()
    )
    known = {column.unit: column.unit for column in columns if column.type.is_number}
    return listed(known | {text: unit for unit, own in lists()["units"].items() for text in own})


def listed(known: dict[str, str]) -> Listed:
    """Return writings and what they mean, as `find` looks them up."""
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
    """Return the words of one of the dictionary's lists, by label and by name."""
    words, also = dictionary().words[word_list], dictionary().also.get(word_list, {})
    known = {text: word for word, texts in also.items() for text in texts}
    return listed(known | {label: word for word, label in words.items()} | {w: w for w in words})


@cache
def money_units() -> Listed:
    """Return the words for units of money; each means how many đồng it is."""
    stated: dict[str, list[str]] = lists()["money_units"]
    return listed({text: worth for worth, texts in stated.items() for text in texts})


# Encodings from before Unicode: recognised, named, never guessed silently

#: TCVN 5712 (the ".Vn" fonts, "ABC"): what the codes A1 to FF stand for.
_TCVN3 = (
    "ĂÂÊÔƠƯĐăâêôơưđẰ\u0300\u0309\u0303\u0301\u0323àảãáạẲằẳẵắẴẮẦẨẪẤỀặầẩẫấậèỂẻẽéẹềểễếệìỉỄẾỒĩíịòỔỏõóọ"
    "ồổỗốộờởỡớợùỖủũúụừửữứựỳỷỹýỵỐ"
)
_TCVN3_TABLE = {0xA1 + place: letter for place, letter in enumerate(_TCVN3)}

#: VNI for Windows writes a letter, then a second sign with its marks; a few letters stand alone.
_VNI_SIGNS = {
    **{"ø": "\u0300", "ù": "\u0301", "û": "\u0309", "õ": "\u0303", "ï": "\u0323"},
    **{"â": "\u0302", "à": "\u0302\u0300", "á": "\u0302\u0301", "å": "\u0302\u0309"},
    **{"ã": "\u0302\u0303", "ä": "\u0302\u0323", "ê": "\u0306", "è": "\u0306\u0300"},
    **{"é": "\u0306\u0301", "ú": "\u0306\u0309", "ü": "\u0306\u0303", "ë": "\u0306\u0323"},
}
_VNI_LETTERS = {"ñ": "đ", "ô": "ơ", "ö": "ư", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ"}
_VNI_SIGNS |= {sign.upper(): marks for sign, marks in _VNI_SIGNS.items()}
_VNI_LETTERS |= {code.upper(): letter.upper() for code, letter in _VNI_LETTERS.items()}
_VNI_CODES = re.compile(
    f"([aeiouyAEIOUYôöÔÖ])([{''.join(_VNI_SIGNS)}])|([{''.join(_VNI_LETTERS)}])"
)

_TONES = dict.fromkeys(map(ord, "\u0300\u0301\u0303\u0309\u0323"))
_SYLLABLE = re.compile(
    r"(?:ngh?|nh|ch|gh|gi|kh|ph|qu|th|tr|kr|kl|br|đr|pl|[bcdđghklmnprstvx])?"
    r"(?:(?:iêu|yêu|oai|oay|oao|oeo|uây|uôi|uya|uyu|ươi|ươu|ai|ao|au|ay|âu|ây|eo|êu|ia|iu|oa|oe|"
    r"oi|ôi|ơi|ua|uê|ue|ui|uơ|uy|ưa|ưi|ưu|ya|[aeêioôơuưy])(?:ch|ng|nh|[ckmnpt])?"
    # These vowels end no syllable.
    r"|(?:uyê|iê|yê|uô|ươ|oă|oo|uâ|[ăâ])(?:ch|ng|nh|[ckmnpt]))"
)
#: Letters of Vietnamese that no encoding from before Unicode can be taken for.
_UNICODE = re.compile("[ăĂđĐĩĨũŨơƠưƯ\u1ea0-\u1ef9]")
#: Signs of arithmetic and measure, which stand for letters in old encodings, but only within words.
_SIGNS = re.compile(r"(?<![^\W\d_])[×½¼¾¹²³°±÷]+|(?<=m)[²³]")
#: What a file that was encoded twice has in place of a letter: its bytes, each taken for a letter.
_BYTES = "\u0080-\u00bfŒœŠšŸŽžƒˆ˜–—‘’‚“”„†‡•…‰‹›€™"
_TWICE = re.compile(f"[Â-Æ][{_BYTES}]|[áâ][{_BYTES}][{_BYTES}]")
#: A letter that an encoding does not have becomes a question mark, within or before others.
_LOST = re.compile(r"[^\W\d_]\?+[^\W\d_]|(?<!\S)\?+[^\W\d_]")
_WORD = re.compile(r"[^\s\d.,;:()/\\\-–\"'“”‘’|+&*!?%_=\[\]<>…]+")
#: A text of which at least this share of the words reads as Vietnamese is taken to be that.
_ENOUGH = 0.9


def is_syllable(word: str) -> bool:
    """Tell whether a word could be a Vietnamese syllable."""
    marked = unicodedata.normalize("NFD", word.casefold())
    tones = sum(ord(sign) in _TONES for sign in marked)
    base = unicodedata.normalize("NFC", marked.translate(_TONES))
    return tones <= 1 and _SYLLABLE.fullmatch(base) is not None


def _share_readable(text: str) -> float:
    """Return the share of the different words with marks that could be Vietnamese; 1 if none has marks."""
    marked = [word for word in {*_WORD.findall(text)} if not word.isascii()]
    return sum(map(is_syllable, marked)) / len(marked) if marked else 1.0


def from_tcvn3(text: str) -> str:
    """Read TCVN3 codes that were taken for Latin letters."""
    return unicodedata.normalize("NFC", text.translate(_TCVN3_TABLE))


def from_vni(text: str) -> str:
    """Read VNI codes that were taken for Latin letters."""

    def read(found: re.Match[str]) -> str:
        letter = found[1] or found[3]
        return _VNI_LETTERS.get(letter, letter) + _VNI_SIGNS.get(found[2], "")

    return unicodedata.normalize("NFC", _VNI_CODES.sub(read, text))


_READINGS: dict[str, Callable[[str], str]] = {"TCVN3 (ABC)": from_tcvn3, "VNI": from_vni}


def recognise(text: str) -> tuple[str, str] | None:
    """Tell in which old encoding a text was written, and its probable reading.

    None for text that reads as it is, or in no way.
    """
    if text.isascii() or _UNICODE.search(text):
        return None
    text = _SIGNS.sub(" ", text)
    if _share_readable(unicodedata.normalize("NFC", text)) >= _ENOUGH:
        return None
    for name, read in _READINGS.items():
        reading = read(text)
        if reading != text and _share_readable(reading) >= _ENOUGH:
            return name, reading
    return None


def find_damage(text: str, *, is_name: bool = False) -> str | None:
    r"""Say how letters of a text were lost between two encodings; None if none were.

    In a name (``is_name``) nobody asks a question.

    Examples
    --------
    >>> find_damage("XÃ£ HÆ°á»›ng PhÃ¹ng")
    'chữ UTF-8 bị đọc nhầm bảng mã, có lẽ là «Xã Hướng Phùng»; hãy lưu lại tệp gốc dạng UTF-8'
    """
    reading = _TWICE.sub(_read_twice, text)
    if reading != text and _share_readable(reading) > _share_readable(text):
        return (
            f"chữ UTF-8 bị đọc nhầm bảng mã, có lẽ là «{reading}»; hãy lưu lại tệp gốc dạng UTF-8"
        )
    if "\ufffd" in text or re.search("[\x80-\x9f]", text):
        return "có chữ bị mất hoặc hỏng (\ufffd) khi đổi bảng mã; hãy lưu lại tệp gốc dạng UTF-8, hoặc gõ lại"
    is_address = "://" in text or "www." in text
    if (is_name and "?" in text) or (_LOST.search(text) and not is_address):
        return "có chữ bị mất thành dấu ?; hãy lưu lại tệp gốc dạng UTF-8, hoặc gõ lại"
    return None


def _read_twice(found: re.Match[str]) -> str:
    """Return the letter whose bytes stand there; the same text where they make none."""
    try:
        read = b"".join(
            sign.encode("cp1252" if sign > "\u00ff" else "latin-1") for sign in found[0]
        ).decode("utf-8")
    except UnicodeError:
        return found[0]
    is_letter = is_syllable(read) or _UNICODE.search(read) or read in "“”‘’–—…•\u00a0"
    return read if is_letter else found[0]


def decode(content: bytes) -> tuple[str, str | None]:
    """Decode a text file, and name the old encoding that the text is still written in, if any.

    UTF-8, UTF-16 and Windows-1258 come as they are meant; TCVN3 and VNI as Latin letters, and what
    can only be Windows-1252, which lacks most letters of Vietnamese. The rest is no text.
    """
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16"), None
    try:
        text = content.decode("utf-8-sig")
        if "\0" not in text:
            return text, None
    except UnicodeDecodeError as failure:
        if b"\0" not in content:
            return _decode_bytes(content, failure)
    # Every second byte of UTF-16 text without a mark is 0 wherever the letter is a Latin one.
    order = "utf-16-le" if content[1::2].count(0) >= content[::2].count(0) else "utf-16-be"
    return content.decode(order), None


def _decode_bytes(content: bytes, failure: UnicodeDecodeError) -> tuple[str, str | None]:
    latin = content.decode("latin-1")
    readings: dict[str | None, str] = {}
    for name, encoding in ((None, "cp1258"), ("Windows-1252", "cp1252")):
        with contextlib.suppress(UnicodeDecodeError):
            reading = unicodedata.normalize("NFC", content.decode(encoding))
            if reading not in readings.values():
                readings[name] = reading
    readings |= {name: read(latin) for name, read in _READINGS.items()}
    shares = {name: _share_readable(text) for name, text in readings.items()}
    # Where both code pages read well, nobody can tell ã from ă: that is not guessed.
    best = max(shares, key=lambda name: (shares[name], name == "Windows-1252", name is None))
    if shares[best] < _ENOUGH:
        raise failure
    return (latin if best in _READINGS else readings[best]), best
