"""``anh-xa.yaml`` in the dataset: what the office has answered about its own lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from analysis.atomic import write_atomically
from analysis.intake.codes import NEW
from analysis.intake.formtexts import fold
from analysis.intake.headings import IGNORE, Answers
from analysis.intake.wordlists import find, labels, listed
from analysis.problems import InputError, Problem, error
from analysis.tables.dictionary import dictionary
from analysis.yamlfile import read_document, validate

FILE = "anh-xa.yaml"
#: The part of the file that answers each kind of question.
_PARTS = {"ask_heading": "cot", "unknown_word": "loai", "ask_code": "ma"}
_TYPES = ("unit_type", "employer_type")
_HEAD = f"""# Danh sách của văn phòng nói gì. congdoan hỏi mỗi điều một lần, ghi vào đây, lần nhập sau làm theo.
#   cot    tiêu đề trong danh sách: tiêu đề của congdoan, hoặc «{IGNORE}»
#   loai   cách ghi loại hình: loại hình trong danh mục
#   ma     tên đơn vị / xã: mã CĐCS đã có, hoặc «{NEW}»
# Ô để trống ('') là câu chưa trả lời.
"""


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    cot: dict[str, str] = {}
    loai: dict[str, str] = {}
    ma: dict[str, str] = {}


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
    headings = listed({text: one.name for one in columns for text in (one.vi, one.name)})
    wrong = [
        _wrong(f"cot: {key}", answer, f"phải là một tiêu đề của danh sách, hoặc «{IGNORE}»")
        for key, answer in given.cot.items()
        if answer and fold(answer) != IGNORE and find(answer, headings) is None
    ]
    wrong += [
        _wrong(f"loai: {key}", answer, f"dùng một trong: {_types()}")
        for key, answer in given.loai.items()
        if answer and find(answer, labels("unit_type")) is None
    ]
    if wrong:
        raise InputError(wrong)
    return Answers(_said(given.cot), _said(given.loai), _said(given.ma))


def _said(part: Mapping[str, str]) -> dict[str, str]:
    return {key: answer for key, answer in part.items() if answer}


def _read(folder: Path) -> _File:
    path = folder / FILE
    return validate(read_document(path), _File) if path.exists() else _File()


def _types() -> str:
    return "; ".join(dictionary().words["unit_type"].values())


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
    """Write answers, or questions that are still open, into the file; what it says stays.

    Parameters
    ----------
    folder : Path
        The dataset folder.
    answers : iterable of (Problem, str)
        A question, and its answer; an empty one is still to be given.
    """
    parts: dict[str, Any] = _read(folder).model_dump()
    for question, answer in answers:
        part = parts[_PARTS[question.code]]
        part[str(question.value)] = answer or part.get(str(question.value), "")
    text = yaml.safe_dump(parts, allow_unicode=True, sort_keys=False, width=1000)
    write_atomically(folder / FILE, _HEAD + text)
