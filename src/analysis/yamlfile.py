"""YAML files checked by a pydantic model, with every problem on its line and in Vietnamese."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from analysis.problems import InputError, Problem, error

Location = tuple[int | str, ...]
Model = TypeVar("Model", bound=BaseModel)

_MESSAGES = {
    "missing": "thiếu khóa này",
    "extra_forbidden": "khóa lạ, không có trong lược đồ",
    "string_type": 'phải là chữ (nếu là số thì đặt trong ngoặc kép, ví dụ "1.1")',
    "string_pattern_mismatch": "sai dạng, cần theo mẫu {pattern}",
    "int_type": "phải là số nguyên",
    "int_parsing": "phải là số nguyên",
    "int_from_float": "phải là số nguyên",
    "greater_than_equal": "phải từ {ge} trở lên",
    "less_than_equal": "không được quá {le}",
    "bool_type": "phải là true hoặc false",
    "bool_parsing": "phải là true hoặc false",
    "list_type": "phải là một danh sách",
    "tuple_type": "phải là một danh sách",
    "too_long": "danh sách chỉ được có nhiều nhất {max_length} mục",
    "dict_type": "phải là một nhóm khóa: giá trị",
    "model_type": "phải là một nhóm khóa: giá trị",
    "date_type": "phải là ngày dạng 2022-03-31",
    "date_from_datetime_parsing": "phải là ngày dạng 2022-03-31",
}


class MisplacedError(ValueError):
    """Broken rules, each with its place below the part of the file that a validator looks at."""

    def __init__(self, found: Iterable[tuple[Location, str]]) -> None:
        self.found = tuple(found)
        super().__init__("; ".join(message for _, message in self.found))


def read_yaml(path: Path, model: type[Model], base: dict[str, Any] | None = None) -> Model:
    """Read a YAML file into a model.

    Parameters
    ----------
    path : Path
        The file.
    model : type of BaseModel
        What the file must be.
    base : dict, optional
        Top-level keys that hold where the file does not say otherwise.

    Returns
    -------
    BaseModel
        The validated model.

    Raises
    ------
    InputError
        With file, line, key and what was expected, for every problem at once.
    """
    tree = _compose(path)
    lines: dict[Location, int] = {}
    duplicates: list[Problem] = []
    try:
        data = {} if tree is None else _to_python(tree, (), lines, duplicates, path.name)
    except yaml.YAMLError as failure:
        raise InputError([_syntax(failure, path)]) from None
    except RecursionError:
        message = "tệp tự nhắc lại chính nó (ký hiệu & và *)"
        raise InputError([error(message, code="yaml", file=path.name)]) from None
    if duplicates:
        raise InputError(duplicates)
    if not isinstance(data, dict):
        message = _MESSAGES["model_type"]
        raise InputError([error(message, code="model_type", file=path.name, row=1)])
    try:
        return model.model_validate({**(base or {}), **data})
    except ValidationError as failure:
        raise InputError(explain(failure, data, lines, path.name)) from None


def explain(
    failure: ValidationError,
    data: dict[str, Any],
    lines: dict[Location, int] | None = None,
    file: str = "",
) -> list[Problem]:
    """Return what a model refused, in Vietnamese.

    Parameters
    ----------
    failure : ValidationError
        From pydantic.
    data : dict
        What was validated.
    lines : dict, optional
        The line of every key and item, where it came from a file.
    file : str
        The file's name.
    """
    found = failure.errors()
    return [p for item in found for p in _problems(item, data, lines or {}, file)]


def _compose(path: Path) -> yaml.Node | None:
    try:
        return yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)
    except FileNotFoundError:
        raise InputError([error("không tìm thấy tệp", code="no_file", file=path.name)]) from None
    except UnicodeDecodeError:
        message = "tệp không phải là văn bản UTF-8"
        raise InputError([error(message, code="not_utf8", file=path.name)]) from None
    except yaml.YAMLError as failure:
        raise InputError([_syntax(failure, path)]) from None


def _syntax(failure: yaml.YAMLError, path: Path) -> Problem:
    mark = getattr(failure, "problem_mark", None)
    row = mark.line + 1 if mark else None
    reason = getattr(failure, "problem", None) or getattr(failure, "reason", "")
    return error(f"sai cú pháp YAML: {reason}", code="yaml", file=path.name, row=row)


def _to_python(
    node: yaml.Node,
    at: Location,
    lines: dict[Location, int],
    duplicates: list[Problem],
    file: str,
) -> Any:
    """Build plain data and remember the line of every key and item."""
    lines.setdefault(at, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = _scalar(key_node)
            row = key_node.start_mark.line + 1
            if key in result:
                duplicates.append(
                    error("khóa lặp lại", code="duplicate_key", file=file, row=row, column=str(key))
                )
            lines[(*at, key)] = row
            result[key] = _to_python(value_node, (*at, key), lines, duplicates, file)
        return result
    if isinstance(node, yaml.SequenceNode):
        return [
            _to_python(item, (*at, index), lines, duplicates, file)
            for index, item in enumerate(node.value)
        ]
    return _scalar(node)


def _scalar(node: yaml.Node) -> Any:
    try:
        value = yaml.SafeLoader("").construct_object(node, deep=True)
        hash(value)
    except (ValueError, TypeError):  # a day such as 2022-02-31; a key that is a list
        return str(node.value)
    return value


def _problems(
    item: Any, data: dict[str, Any], lines: dict[Location, int], file: str
) -> Iterator[Problem]:
    where: Location = tuple(item["loc"])
    kind = item["type"]
    context = item.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, MisplacedError):
        for at, message in cause.found:
            given = _given((*where, *at), data)
            yield _problem(message, kind, (*where, *at), given, data, lines, file)
        return
    if kind in ("value_error", "assertion_error"):
        message = str(cause)
    elif kind in ("literal_error", "enum"):
        message = f"phải là một trong: {context['expected']}".replace(" or ", " hoặc ")
    elif kind in _MESSAGES:
        message = _MESSAGES[kind].format(**context)
    else:
        message = f"không hợp lệ ({item['msg']})"
    given = "" if kind == "missing" else item["input"]
    yield _problem(message, kind, where, given, data, lines, file)


def _problem(
    message: str,
    code: str,
    where: Location,
    given: Any,
    data: dict[str, Any],
    lines: dict[Location, int],
    file: str,
) -> Problem:
    known = where
    while known and known not in lines:
        known = known[:-1]
    return error(
        message,
        code=code,
        file=file,
        row=lines.get(known),
        column=".".join(_names(where, data)),
        value="" if given is None or isinstance(given, dict | list | tuple) else given,
    )


def _given(where: Location, data: Any) -> Any:
    """Return what stands at a place of the file, or nothing."""
    for part in where:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _names(where: Location, data: Any) -> Iterator[str]:
    """Write a place with the ids of list items instead of their numbers."""
    for depth, part in enumerate(where, start=1):
        item = _given(where[:depth], data)
        name = item.get("id") if isinstance(part, int) and isinstance(item, dict) else None
        yield str(name or part)
