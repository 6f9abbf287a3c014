"""The one reader of YAML files, with every problem on its line and in Vietnamese."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from analysis.problems import InputError, Problem, error

Location = tuple[int | str, ...]
#: Where each key and item stands: file and line.
Places = Mapping[Location, tuple[str, int]]
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
    "invalid_key": "tên khóa phải là chữ",
    "finite_number": "phải là số nguyên",
    "date_type": "phải là ngày dạng 2022-03-31",
    "date_from_datetime_parsing": "phải là ngày dạng 2022-03-31",
}

#: No settings file and no plan is nearly as large, long or deep.
_MOST_BYTES, _MOST_ITEMS, _DEEPEST = 2_000_000, 30_000, 40
#: A key and its value are two nodes.
_MOST_NODES = 2 * _MOST_ITEMS

_SAVE_AGAIN = "hãy mở bằng Notepad, chọn Tệp → Lưu thành, mã hóa UTF-8 rồi lưu lại"
_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)

#: Signs that look like spaces and are none to YAML, before a key or around its colon.
_FALSE_SPACE = re.compile(
    "^[ -]*[\u00a0\u2000-\u200b\u202f\u3000\ufeff]|^[ -]*[\\w.]+(?:[\u00a0\u200b]+:|:[\u00a0\u200b])"
)
#: In double quotes a backslash begins a command; these commands cannot be part of a path.
_COMMANDS = re.compile(r"\\(?:[\\\"/]|\r?\n)")
_BACKSLASH = (
    "trong ngoặc kép, dấu \\ là một lệnh của YAML; hãy viết \\\\ hoặc /, hay dùng ngoặc đơn"
)

#: What PyYAML says, what an analyst is told, and whether the line to name is where the broken part
#: begins (``context``) rather than where PyYAML gave up.
_SYNTAX = (
    (r"'\\t'", "có dấu Tab; YAML chỉ nhận dấu cách, cả khi thụt dòng", False),
    ("escape", _BACKSLASH, True),
    ("expected ':'", "thiếu dấu hai chấm và một dấu cách sau tên khóa", True),
    ("end of stream", "dấu nháy mở mà không đóng", True),
    ("expected ',' or", "dấu ngoặc mở mà không đóng, hoặc thiếu dấu phẩy", True),
    (
        "mapping values",
        "dấu hai chấm không đứng được ở đây: thụt dòng chưa đúng, hoặc chữ có dấu hai chấm chưa đặt"
        " trong ngoặc kép",
        False,
    ),
    ("another document", "tệp có nhiều phần ngăn bằng ---; chỉ được có một", False),
    (
        "cannot start|expected the node|found '%'|alias|anchor|alphabetic|constructor for the tag",
        "chữ bắt đầu bằng một ký hiệu phải đặt trong ngoặc kép",
        False,
    ),
    (
        "<block end>|<document start>|sequence entries",
        "thụt dòng không thẳng với các dòng cùng nhóm, hoặc thừa chữ sau dấu nháy",
        False,
    ),
    ("special characters", "có ký tự điều khiển không nhìn thấy được", False),
)


class MisplacedError(ValueError):
    """Broken rules, each with its place within the part of the file that was validated."""

    def __init__(self, found: Iterable[tuple[Location, str]]) -> None:
        self.found = tuple(found)
        super().__init__("; ".join(message for _, message in self.found))


@dataclass(frozen=True)
class Document:
    """What a YAML file says, as plain data, and where each key and item of it stands."""

    file: str
    data: dict[str, Any]
    places: dict[Location, tuple[str, int]] = field(repr=False)

    def over(self, other: Document) -> Document:
        """Return both in one: this file's top-level keys, and the other's where this has none."""
        kept = {at: p for at, p in other.places.items() if at and at[0] not in self.data}
        return Document(self.file, {**other.data, **self.data}, {**kept, **self.places})


def read_document(path: Path) -> Document:
    """Read a YAML file that holds keys and values.

    Raises
    ------
    InputError
        With file, line and what is wrong: another encoding than UTF-8, the syntax, a key that is
        there twice, a file that is no group of keys, one that nobody could have meant.
    """
    reading = _YamlReading(path.name)
    text = _decode(path)
    for row, line in enumerate(text.split("\n"), start=1):
        if _FALSE_SPACE.search(line):
            message = (
                "có dấu cách lạ (dấu cách không ngắt, thường do chép từ Word hay trang web);"
                " hãy xóa và gõ lại bằng phím cách"
            )
            reading.refuse(message, "false_space", row)
    if reading.problems:
        raise InputError(reading.problems)
    try:
        tree = _compose(text)
        data = {} if tree is None else reading.build(tree, (), text)
    except yaml.YAMLError as failure:
        raise InputError([_syntax(failure, path.name, text)]) from None
    except (RecursionError, _EndlessError):
        message = "tệp lồng quá nhiều tầng, hoặc tự nhắc lại chính nó (ký hiệu & và *)"
        raise InputError([error(message, code="endless", file=path.name, row=1)]) from None
    if not isinstance(data, dict):
        reading.refuse(_MESSAGES["model_type"], "model_type", 1)
    if reading.problems:
        raise InputError(reading.problems)
    return Document(path.name, data, reading.places)


def read_own(package: str, name: str) -> Any:
    """Return what a YAML file in a package of this program holds, scanned in C where there is C.

    Examples
    --------
    >>> read_own("analysis.tables", "dictionary.yaml")["words"]["unit_type"]["fdi_enterprise"]
    'Doanh nghiệp có vốn đầu tư nước ngoài'
    """
    text = files(package).joinpath(name).read_text("utf-8")
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def read_yaml(path: Path, model: type[Model]) -> Model:
    """Read a YAML file into a model.

    Raises
    ------
    InputError
        With file, line, key and what was expected, for every problem at once.
    """
    return validate(read_document(path), model)


def validate(document: Document, model: type[Model]) -> Model:
    """Turn a document into a model, or refuse it as `read_yaml` does."""
    try:
        return model.model_validate(document.data)
    except ValidationError as failure:
        found = explain(failure, document.data, document.places, document.file)
        raise InputError(found) from None


def explain(
    failure: ValidationError, data: dict[str, Any], places: Places | None = None, file: str = ""
) -> list[Problem]:
    """Return, in Vietnamese, what a model refused of the data.

    Of data from a file, ``places`` are where every key and item stands; what is not there is lacking in
    ``file``.
    """
    found = failure.errors()
    return [p for item in found for p in _problems(item, data, places or {}, file)]


def _decode(path: Path) -> str:
    if not path.is_file():  # a pipe by that name would never end
        raise InputError([error("không tìm thấy tệp", code="no_file", file=path.name)])
    with path.open("rb") as stream:
        content = stream.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        message = "tệp lớn bất thường, không phải tệp cài đặt hay tệp kế hoạch"
        raise InputError([error(message, code="too_big", file=path.name)])
    if content.startswith(_BOMS) or content.count(b"\0") * 4 > len(content):
        message = f"tệp lưu dạng UTF-16 (Unicode), không phải UTF-8; {_SAVE_AGAIN}"
        raise InputError([error(message, code="not_utf8", file=path.name, row=1)])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        row = content.count(b"\n", 0, failure.start) + 1
        message = f"có chữ không phải UTF-8 (tệp lưu dạng ANSI?); {_SAVE_AGAIN}"
        raise InputError([error(message, code="not_utf8", file=path.name, row=row)]) from None


def _compose(text: str) -> yaml.Node | None:
    """Scan in C, ten times as fast; scan in Python what C refuses, for a better explanation.

    A text with a Tab is scanned in Python, since C lets some Tabs pass.
    """
    if yaml.__with_libyaml__ and "\t" not in text:
        with suppress(yaml.YAMLError):
            return yaml.compose(text, Loader=_Loader)
    return yaml.compose(text, Loader=_SlowLoader)


def _syntax(failure: yaml.YAMLError, file: str, text: str) -> Problem:
    reason = str(getattr(failure, "problem", None) or getattr(failure, "reason", ""))
    found = (words for words in _SYNTAX if re.search(words[0], reason))
    _, message, is_from_begin = next(found, ("", "không đọc được chỗ này", False))
    mark = getattr(failure, "problem_mark", None)
    if is_from_begin:
        mark = getattr(failure, "context_mark", None) or mark
    row = mark.line + 1 if mark else text.count("\n", 0, getattr(failure, "position", 0)) + 1
    return error(f"sai cú pháp YAML: {message}", code="yaml", file=file, row=row)


class _EndlessError(Exception):
    """Nested or repeated more than anybody could have meant."""


class _Composer(yaml.composer.Composer):
    """Composes in Python: over a text nested too deep, C's own composer ends the process."""

    _nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise _EndlessError
        return super().compose_node(parent, index)


class _SlowLoader(_Composer, yaml.SafeLoader):
    pass


if yaml.__with_libyaml__:

    class _Loader(_Composer, yaml.CSafeLoader):
        def __init__(self, text: str) -> None:
            yaml.composer.Composer.__init__(self)
            yaml.CSafeLoader.__init__(self, text)


class _YamlReading:
    """One file on the way from PyYAML's tree to plain data."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.places: dict[Location, tuple[str, int]] = {}
        self.problems: list[Problem] = []

    def refuse(self, message: str, code: str, row: int, key: str = "") -> None:
        self.problems.append(error(message, code=code, file=self.file, row=row, column=key))

    def build(self, node: yaml.Node, at: Location, text: str) -> Any:
        """Build plain data and remember where every key and item stands."""
        if len(at) > _DEEPEST or len(self.places) > _MOST_ITEMS:
            raise _EndlessError
        self.places.setdefault(at, (self.file, node.start_mark.line + 1))
        if isinstance(node, yaml.MappingNode):
            return self._build_mapping(node, at, text)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*at, i), text) for i, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and node.style == '"':
            written = text[node.start_mark.index : node.end_mark.index]
            if "\\" in _COMMANDS.sub("", written):
                row = node.start_mark.line + 1
                self.refuse(_BACKSLASH, "backslash", row, ".".join(map(str, at)))
        return _scalar(node)

    def _build_mapping(self, node: yaml.MappingNode, at: Location, text: str) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            row = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.refuse(_MESSAGES["invalid_key"], "invalid_key", row)
                continue
            key = _scalar(key_node)
            if key in result:
                _, first = self.places[(*at, key)]
                self.refuse(f"khóa lặp lại (đã có ở dòng {first})", "duplicate_key", row, str(key))
                continue
            self.places[(*at, key)] = self.file, row
            result[key] = self.build(value_node, (*at, key), text)
        return result


def _scalar(node: yaml.Node) -> Any:
    if node.tag == "tag:yaml.org,2002:int" and not re.fullmatch(
        r"[-+]?(0|[1-9][0-9]*)", node.value
    ):
        return str(node.value)  # YAML reads 010 as 8, 1:30 as 90: nobody means that
    try:
        value = yaml.constructor.SafeConstructor().construct_object(node, deep=True)
        hash(value)
    except (ValueError, TypeError):  # a day such as 2022-02-31
        return str(node.value)
    return value


def _problems(item: Any, data: dict[str, Any], places: Places, file: str) -> Iterator[Problem]:
    where: Location = tuple(item["loc"])
    kind = item["type"]
    context = item.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, MisplacedError):
        for at, message in cause.found:
            given = _given((*where, *at), data)
            yield _problem(message, kind, (*where, *at), given, data, places, file)
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
    yield _problem(message, kind, where, given, data, places, file)


def _problem(
    message: str,
    code: str,
    where: Location,
    given: Any,
    data: dict[str, Any],
    places: Places,
    file: str,
) -> Problem:
    known = where
    while known and known not in places:
        known = known[:-1]
    named, row = places.get(known, (file, None))
    return error(
        message,
        code=code,
        file=named,
        row=row,
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
    """Yield the parts of a place, with ids of list items instead of numbers."""
    for depth, part in enumerate(where, start=1):
        item = _given(where[:depth], data)
        name = item.get("id") if isinstance(part, int) and isinstance(item, dict) else None
        yield str(name or part)
