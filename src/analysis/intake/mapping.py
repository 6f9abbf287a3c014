"""``anh-xa.yaml`` in the dataset: what the office has answered about its own lists."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from analysis.intake.codes import NEW, NONE
from analysis.intake.formtexts import fold
from analysis.intake.headings import IGNORE, Answers
from analysis.intake.wordlists import find, labels, listed
from analysis.problems import InputError, Problem, error
from analysis.tables.dictionary import dictionary
from analysis.tables.files import write_atomically
from analysis.yamlfile import read_document, validate

FILE = "anh-xa.yaml"
#: The part of the file that answers each kind of question.
_PARTS = {
    "ask_heading": "cot",
    "unknown_word": "loai",
    "ask_code": "ma",
    "ask_commune": "xa",
    "ask_union": "cong_doan",
}
_TYPES = ("unit_type", "employer_type")
_HEAD = f"""# Danh sách của văn phòng nói gì. congdoan hỏi mỗi điều một lần, ghi vào đây, lần nhập sau làm theo.
#   cot        tiêu đề trong danh sách: tiêu đề của congdoan, hoặc «{IGNORE}»
#   loai       cách ghi loại hình: loại hình trong danh mục
#   ma         tên đơn vị / xã: mã CĐCS đã có, hoặc «{NEW}»
#   xa         cách ghi xã, thị trấn: tên đúng
#   cong_doan  tên doanh nghiệp / xã: mã CĐCS của doanh nghiệp, hoặc «{NONE}»
# Ô để trống ('') là câu chưa trả lời.
"""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    cot: dict[str, str] = {}
    loai: dict[str, str] = {}
    ma: dict[str, str] = {}
    xa: dict[str, str] = {}
    cong_doan: dict[str, str] = {}


def read_answers(folder: Path) -> Answers:
    """Read what the office has answered.

    Parameters
    ----------
    folder : Path
        The dataset folder; without the file nothing was answered.

    Raises
    ------
    InputError
        For every answer that is no heading or no type.
    """
    given = _read(folder)
    lists = (dictionary().tables[name].columns.values() for name in dictionary().headings)
    columns = [column for one in lists for column in one]
    types = "; ".join(dictionary().words["unit_type"].values())
    headings = listed({text: one.name for one in columns for text in (one.vi, one.name)})
    wrong = [
        _wrong(f"cot: {key}", answer, f"phải là một tiêu đề của danh sách, hoặc «{IGNORE}»")
        for key, answer in given.cot.items()
        if answer and fold(answer) != IGNORE and find(answer, headings) is None
    ]
    wrong += [
        _wrong(f"loai: {key}", answer, f"dùng một trong: {types}")
        for key, answer in given.loai.items()
        if answer and find(answer, labels("unit_type")) is None
    ]
    if wrong:
        raise InputError(wrong)
    parts = (given.cot, given.loai, given.ma, given.xa, given.cong_doan)
    return Answers(*({key: said for key, said in part.items() if said} for part in parts))


def _read(folder: Path) -> _File:
    path = folder / FILE
    return validate(read_document(path), _File) if path.exists() else _File()


def _wrong(column: str, value: str, message: str) -> Problem:
    return error(message, code="bad_answer", file=FILE, column=column, value=value)


def find_questions(problems: Iterable[Problem]) -> list[Problem]:
    """Return what can be answered once for all, each question once.

    Examples
    --------
    >>> asked = error("?", code="ask_heading", file="a.xlsx", value="Địa chỉ")
    >>> len(find_questions([asked, asked])), find_questions([])
    (1, [])
    """
    found = {
        (one.code, str(one.value)): one
        for one in problems
        if one.code in _PARTS and (one.code != "unknown_word" or one.column in _TYPES)
    }
    return list(found.values())


def note_answers(folder: Path, answers: Iterable[tuple[Problem, str]]) -> None:
    """Write answers, or questions that are still open, into the file; all else in it stays as it is.

    Parameters
    ----------
    folder : Path
        The dataset folder.
    answers : iterable of (Problem, str)
        A question, and its answer; an empty one is still to be given.
    """
    known, path = _read(folder).model_dump(), folder / FILE
    text = path.read_text("utf-8-sig") if path.exists() else _HEAD
    for question, answer in answers:
        part, key = _PARTS[question.code], str(question.value)
        if key not in known[part] or (answer and answer != known[part][key]):
            known[part][key] = answer
            text = _with_line(text, part, key, answer)
    write_atomically(path, text)


def _with_line(text: str, part: str, key: str, answer: str) -> str:
    """Return the file's text with one more answer: whoever edits it also writes remarks there."""
    line = yaml.safe_dump({key: answer}, allow_unicode=True, width=1000).rstrip("\n")
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    node = next((value for name, value in root.value if name.value == part), None) if root else None
    if node is None:
        start = end = len(text)
        new = f"{part}:\n{_indented(line)}\n"
    elif same := [value for name, value in node.value if name.value == key]:
        start, end = same[0].start_mark.index, same[0].end_mark.index
        new = yaml.safe_dump([answer], allow_unicode=True, width=1000)[2:].rstrip("\n")
    elif node.flow_style:
        start, end = node.start_mark.index, node.end_mark.index
        both = yaml.safe_load(text[start:end]) | {key: answer}
        lines = yaml.safe_dump(both, allow_unicode=True, sort_keys=False, width=1000)
        start, new = len(text[:start].rstrip()), f"\n{_indented(lines.rstrip())}"
    else:
        # Behind the last answer, and behind what is remarked on its line.
        last = node.value[-1][1].end_mark.index
        start = end = text.find("\n", last) + 1 or len(text)
        new = _indented(line, node.value[0][0].start_mark.column) + "\n"
    before = text[:start]
    gap = "\n" if start == end and before and not before.endswith("\n") else ""
    return before + gap + new + text[end:]


def _indented(lines: str, by: int = 2) -> str:
    return "\n".join(" " * by + line for line in lines.splitlines())
