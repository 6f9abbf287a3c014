"""What only people can write about a year: reasons, lessons, proposals, beside the tables.

``loi-van/<year>.md`` is of the whole, ``loi-van/<year>/<unit_id>.md`` of one unit. Of Markdown only
paragraphs, lists, bold and italics are understood: page and Word can both show these.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup

from analysis.problems import Problem, error, is_unprintable
from analysis.tables.dictionary import dictionary
from analysis.tables.files import TEXTS, find_texts

#: Markdown by the words of the dictionary's list ``statement``, in its order; none is empty.
Statements = Mapping[str, str]
_NAME = re.compile(r"(\d{4})(?:/([A-Z0-9][A-Z0-9._-]{0,31}))?\.md")
_HEADING = re.compile(r"\s{0,3}#+(.*)")
_SHOWN = {"paragraph", "block_text", "list", "list_item", "blank_line"}
_SHOWN |= {"text", "strong", "emphasis", "linebreak", "softbreak"}
_REFUSED = {
    "block_html": "không dùng thẻ HTML",
    "inline_html": "không dùng thẻ HTML",
    "image": "không dùng ảnh",
    "link": "không dùng đường dẫn; hãy ghi bằng chữ",
}


class Run(NamedTuple):
    """Text in one style."""

    text: str
    is_bold: bool = False
    is_italic: bool = False


class Paragraph(NamedTuple):
    """A paragraph, or an item of a list: ``kind`` is ``text``, ``bullet`` or ``number``."""

    kind: str
    level: int
    runs: tuple[Run, ...]


def read_texts(folder: Path) -> tuple[dict[tuple[int, str], Statements], list[Problem]]:
    """Read what people have written, by year and unit; the empty id stands for the whole.

    The problems: every line that cannot be printed, and every file that has another name.
    """
    texts: dict[tuple[int, str], Statements] = {}
    problems: list[Problem] = []
    for path in find_texts(folder):
        name = path.relative_to(folder / TEXTS).as_posix()
        file, match = f"{TEXTS}/{name}", _NAME.fullmatch(name)
        if match is None:
            message = f"tên phải là {TEXTS}/<năm>.md, hoặc {TEXTS}/<năm>/<mã CĐCS>.md"
            problems.append(error(message, code="text_name", file=file))
            continue
        try:
            text = unicodedata.normalize("NFC", path.read_text("utf-8-sig"))
        except UnicodeDecodeError:
            message = "phải lưu bằng mã UTF-8"
            problems.append(error(message, code="text_encoding", file=file))
            continue
        year = int(match[1])
        statements, found = _read_statements(text, file)
        texts[year, match[2] or ""] = statements
        problems += [replace(problem, year=year) for problem in found]
    return texts, problems


def _read_statements(text: str, file: str) -> tuple[Statements, list[Problem]]:
    known = {_fold(heading): word for word, heading in dictionary().words["statement"].items()}
    sections: dict[str, list[str]] = {}
    problems: list[Problem] = []
    here: list[str] | None = None

    def refuse(message: str, code: str, number: int, line: str) -> None:
        problems.append(error(message, code=code, file=file, row=number, value=line.strip()[:60]))

    for number, line in enumerate(text.splitlines(), 1):
        heading = _HEADING.match(line)
        if heading:
            word = known.get(_fold(heading[1]))
            if word is None:
                names = "; ".join(dictionary().words["statement"].values())
                refuse(f"không có mục này; các mục: {names}", "unknown_heading", number, line)
            elif word in sections:
                refuse("mục này đã có ở trên", "heading_twice", number, line)
            here = sections.setdefault(word or "", [])
            continue
        if here is None and line.strip():
            refuse("chữ đứng trước mọi tiêu đề; hãy thêm dòng «# …»", "no_heading", number, line)
            here = sections.setdefault("", [])
        for message in dict.fromkeys(_refusals(line.strip())):
            refuse(message, "text_markup", number, line)
        if here is not None:
            here.append(line)
    written = {word: "\n".join(lines).strip() for word, lines in sections.items()}
    if not problems:  # a tag may begin on one line and end on another
        spread = [m for markdown in written.values() for m in _refusals(markdown)]
        problems = [error(m, code="text_markup", file=file) for m in dict.fromkeys(spread)]
    return {w: written[w] for w in dictionary().words["statement"] if written.get(w)}, problems


def _fold(heading: str) -> str:
    return " ".join(heading.strip(" #:.*").casefold().split())


def _refusals(markdown: str) -> Iterator[str]:
    """Yield a message for each part of a text that cannot be printed."""
    if any(is_unprintable(sign) for sign in markdown):
        yield "có ký tự điều khiển"
    for token in _walk(_parser(None)(markdown)):
        if token["type"] not in _SHOWN:
            everything = "chỉ dùng đoạn văn, gạch đầu dòng, chữ đậm và chữ nghiêng"
            yield _REFUSED.get(token["type"], everything)


def _walk(tokens: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for token in tokens:
        yield token
        yield from _walk(token.get("children", ()))


@cache
def _parser(renderer: str | None) -> Any:
    import mistune  # only those who have written something wait for it

    parser = mistune.create_markdown(escape=True, renderer=renderer)  # type: ignore[arg-type]
    for rules in (parser.block.rules, parser.block.list_rules):
        for rule in ("indent_code", "setex_heading", "ref_link"):
            if rule in rules:
                rules.remove(rule)
    return parser


def to_html(markdown: str) -> Markup:
    """Return a statement as HTML; whatever is not plain Markdown is escaped.

    Examples
    --------
    >>> print(to_html("Mưa **lớn** <b>"))
    <p>Mưa <strong>lớn</strong> &lt;b&gt;</p>
    <BLANKLINE>
    """
    return Markup(_parser("html")(markdown))


def to_blocks(markdown: str) -> list[Paragraph]:
    """Return a statement as paragraphs and items of lists, for a document.

    Examples
    --------
    >>> to_blocks("- Mưa **lớn**")
    [Paragraph(kind='bullet', level=1, runs=(Run(text='Mưa ', ...), Run(text='lớn', is_bold=True, ...)))]
    """
    return list(_read_blocks(_parser(None)(markdown), "text", 0))


def _read_blocks(tokens: Iterable[dict[str, Any]], kind: str, level: int) -> Iterator[Paragraph]:
    for token in tokens:
        if token["type"] == "list":
            inner = "number" if token["attrs"]["ordered"] else "bullet"
            yield from _read_blocks(token["children"], inner, level + 1)
        elif token["type"] == "list_item":
            yield from _read_blocks(token["children"], kind, level)
        elif token["type"] in ("paragraph", "block_text"):
            yield Paragraph(kind, level, tuple(_read_runs(token["children"])))


def _read_runs(
    tokens: Iterable[dict[str, Any]], *, bold: bool = False, italic: bool = False
) -> Iterator[Run]:
    for token in tokens:
        kind = token["type"]
        text = " " if kind in ("softbreak", "linebreak") else token.get("raw", "")
        if text:
            yield Run(text, bold, italic)
        is_bold, is_italic = bold or kind == "strong", italic or kind == "emphasis"
        yield from _read_runs(token.get("children", ()), bold=is_bold, italic=is_italic)


def name_missing(texts: Mapping[tuple[int, str], Statements], year: int) -> list[str]:
    """Return, in Vietnamese, the headings that nobody has written about for the whole of a year.

    Examples
    --------
    >>> name_missing({(2024, ""): {"causes": "Mưa."}}, 2024)
    ['Đặc điểm tình hình', 'Bài học kinh nghiệm', 'Kiến nghị, đề xuất']
    """
    there = texts.get((year, ""), {})
    return [text for word, text in dictionary().words["statement"].items() if word not in there]
