"""What a plan file may say. The engine knows these *kinds* and never an indicator by name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from analysis.plan.tasks import Task, misplaced_tasks
from analysis.problems import is_unprintable
from analysis.tables.dictionary import Column, dictionary
from analysis.yamlfile import Location, MisplacedError, read_yaml

Measure = Literal[
    "ratio", "share_of_units", "mean_per_unit", "total", "district_value", "share_of_employers"
]
Kind = Literal[Measure, "monitor"]
Source = Literal["units", "employers", "district"]

#: The tables whose columns an indicator over this source may name.
SOURCE_TABLES: dict[Source, tuple[str, ...]] = {
    "units": ("roster", "returns"),
    "employers": ("employers",),
    "district": ("district",),
}


def columns_over(source: Source) -> dict[str, Column]:
    """Return the columns that an indicator over a source may name.

    Examples
    --------
    >>> columns_over("employers")["workers_gathered"].at_most
    'workers_total'
    """
    tables = dictionary().tables
    return {n: c for name in SOURCE_TABLES[source] for n, c in tables[name].columns.items()}


class Percent(Fraction):
    """A number written with a percent sign: a share of something, never a count."""

    __slots__ = ()


def parse_number(given: Any) -> Fraction:
    """Read ``80%``, ``0.8`` or ``100`` exactly.

    Examples
    --------
    >>> parse_number("80%"), parse_number(100)
    (Percent(4, 5), Fraction(100, 1))
    """
    if isinstance(given, Fraction):
        return given
    text = str(given).strip()
    try:
        number = Fraction(Decimal(text.removesuffix("%")))
    except (InvalidOperation, OverflowError, ValueError):
        raise ValueError("phải là số hoặc phần trăm, ví dụ 80% hoặc 100") from None
    if number < 0:
        raise ValueError("không được âm")
    return Percent(number / 100) if text.endswith("%") else number


def write_number(number: Fraction) -> str:
    """Write a target in its shortest form, ``0.85`` or ``100``.

    Examples
    --------
    >>> write_number(Fraction(17, 20)), write_number(Fraction(1))
    ('0.85', '1')
    """
    if number.denominator == 1:
        return str(number.numerator)
    decimal = Decimal(number.numerator) / Decimal(number.denominator)
    return format(decimal.normalize(), "f") if Fraction(decimal) == number else str(number)


def _at_most_whole(number: Fraction) -> Fraction:
    if number > 1:
        raise ValueError("không được quá 100%; viết dạng 10%, không viết 10")
    return number


def _bar(given: Any) -> Any:
    """Let a bar be a number, or a word of the ranked grades."""
    return given if given in dictionary().ranked["grade"] else parse_number(given)


Number = Annotated[Fraction, BeforeValidator(parse_number)]
Bar = Annotated[Fraction | str, BeforeValidator(_bar)]
_YEAR = dictionary().tables["returns"].columns["year"].type
FIRST_YEAR, LAST_YEAR = _YEAR.smallest or 0, _YEAR.largest or 9999
Year = Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR)]


class Model(BaseModel):
    """A part of the plan file: unknown keys are refused, nothing changes after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Condition(Model):
    """One fact about a member: known yes, known no, or unknown.

    ``{column: conference_held}`` holds where the cell is true; ``at_least``, ``more_than`` and
    ``is_not`` compare; ``over`` compares the quotient of two columns; ``present`` asks whether the
    cell is filled, for the one column where empty says something (``employers.unit_id``).
    """

    column: str
    over: str | None = None
    at_least: Bar | None = None
    more_than: Number | None = None
    is_not: str | None = None
    present: bool | None = None

    @model_validator(mode="after")
    def _one_comparison(self) -> Self:
        given = [self.at_least, self.more_than, self.is_not, self.present]
        if sum(value is not None for value in given) > 1:
            raise ValueError("chỉ được dùng một trong: at_least, more_than, is_not, present")
        if self.over is not None and not isinstance(self.at_least, Fraction):
            raise ValueError("over cần đi với at_least là một con số")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it reads."""
        return (self.column,) if self.over is None else (self.column, self.over)


class Target(Model):
    """A bar and the years in which it holds.

    Exactly one of ``at_least``, ``more_than``, ``between`` and ``holds``. Without ``years`` and
    ``by_end_of`` it holds every year; ``by_end_of`` makes it a stage target, judged at the end of
    that year alone.
    """

    at_least: Bar | None = None
    more_than: Number | None = None
    between: tuple[Number, Number] | None = None
    holds: Literal[True] | None = None
    years: tuple[Year, Year] | None = None
    by_end_of: Year | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        bars = [self.at_least, self.more_than, self.between, self.holds]
        if sum(value is not None for value in bars) != 1:
            raise ValueError("cần đúng một trong: at_least, more_than, between, holds")
        if self.between and self.between[0] > self.between[1]:
            raise ValueError("between: số đầu phải nhỏ hơn hoặc bằng số sau")
        if self.years and self.by_end_of:
            raise ValueError("years và by_end_of không đi cùng nhau")
        if self.years and self.years[0] > self.years[1]:
            raise ValueError(
                f"years: {self.years[0]} sau {self.years[1]}, năm đầu phải trước năm cuối"
            )
        return self

    @property
    def first_year(self) -> int:
        """The first year in which it is judged."""
        return self.by_end_of or (self.years[0] if self.years else 0)

    @property
    def last_year(self) -> int:
        """The last year in which it is judged."""
        return self.by_end_of or (self.years[1] if self.years else 9999)

    @property
    def minimum(self) -> Fraction:
        """The least number that the target speaks of (a grade's rank, 1 for yes)."""
        if self.holds:
            return Fraction(1)
        if self.between:
            return self.between[0]
        if self.more_than is not None:
            return self.more_than
        if isinstance(self.at_least, str):
            return Fraction(dictionary().rank("grade", self.at_least))
        assert self.at_least is not None
        return self.at_least

    @property
    def maximum(self) -> Fraction | None:
        """The top of a ``between``; above it is met and ``exceeded``."""
        return self.between[1] if self.between else None

    @property
    def is_strict(self) -> bool:
        """Whether the minimum itself does not meet the target (the plan's "trên")."""
        return self.more_than is not None

    @property
    def is_numeric(self) -> bool:
        """Whether a count of persons or units can fall short of it."""
        return self.holds is None and not isinstance(self.at_least, str)

    def __str__(self) -> str:
        """Write it as the indicator table does: ``>0.8``, ``2..5``, ``>=0.85@2030``."""
        if self.holds:
            text = "yes"
        elif self.between:
            text = "..".join(write_number(end) for end in self.between)
        elif isinstance(self.at_least, str):
            text = f">={self.at_least}"
        else:
            text = (">" if self.is_strict else ">=") + write_number(self.minimum)
        return f"{text}@{self.by_end_of}" if self.by_end_of else text


class Indicator(Model):
    """One row of the catalogue: what is counted, over whom, against which target.

    ``once`` facts stay true from the first year in which a member reported them. ``reference`` is a
    number that stands among the plan's tasks: shown beside a monitor, never judged.
    """

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)?$")
    section: str
    title: str
    short: str
    kind: Kind
    monitors: Measure | None = None
    over: Source = "units"
    population: str = "all"
    members_if: tuple[Condition, ...] = ()
    with_district: bool = False
    numerator: tuple[str, ...] = ()
    denominator: tuple[str, ...] = ()
    holds: tuple[Condition, ...] = ()
    applies_if: tuple[Condition, ...] = ()
    targets: tuple[Target, ...] = ()
    once: bool = False
    max_rate: Number | None = None
    reference: Number | None = None
    unit: str = ""
    what: str = ""
    why: str = ""
    decision: str = ""
    tasks: tuple[str, ...] = ()
    part_titles: dict[str, str] = {}

    @field_validator("monitors", mode="after")
    @classmethod
    def _monitor_needs_measure(cls, value: Measure | None, info: Any) -> Measure | None:
        if (info.data.get("kind") == "monitor") != (value is not None):
            raise ValueError("monitors đi với kind: monitor và chỉ với kind ấy")
        return value

    @model_validator(mode="before")
    @classmethod
    def _source_follows_measure(cls, data: Any) -> Any:
        """Let district values and employer shares imply where they read."""
        if not isinstance(data, dict) or "over" in data:
            return data
        measure = data.get("monitors") or data.get("kind")
        implied = {"district_value": "district", "share_of_employers": "employers"}.get(
            str(measure)
        )
        return {**data, "over": implied} if implied else data

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.kind == "monitor" and self.monitors is None:
            raise ValueError("kind: monitor cần khóa monitors (đại lượng được theo dõi)")
        _check_shape(self)
        _check_columns(self)
        _check_sums(self)
        _check_targets(self)
        return self

    @property
    def measure(self) -> Measure:
        """How it is computed; for a monitor, what it monitors."""
        return self.monitors if self.kind == "monitor" else self.kind  # type: ignore[return-value]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that its figures and conditions read."""
        conditions = (*self.holds, *self.applies_if, *self.members_if)
        named = [column for condition in conditions for column in condition.columns]
        return (*self.numerator, *self.denominator, *named)

    @property
    def is_share(self) -> bool:
        """Whether members are counted as holding or not."""
        return self.measure in ("share_of_units", "share_of_employers")

    @property
    def is_fraction(self) -> bool:
        """Whether its value is a share of something, shown as a percentage."""
        return self.is_share or self.measure == "ratio"

    @property
    def is_money(self) -> bool:
        """Whether it counts đồng, not people or units."""
        columns = columns_over(self.over)
        return any(columns[name].type.name == "money" for name in self.numerator)

    @property
    def question(self) -> tuple[object, ...]:
        """What it asks, whoever is asked: rows that agree in this ask the same fact."""
        lists = (self.numerator, self.denominator, self.holds, self.applies_if, self.members_if)
        return (self.over, self.kind, self.once, *map(frozenset, lists))

    @property
    def is_stage(self) -> bool:
        """Whether it has stage targets, and so a trajectory."""
        return any(target.by_end_of for target in self.targets)

    @property
    def is_part(self) -> bool:
        """Whether it is a part of another, without a target of its own."""
        return "." in self.id

    @property
    def part_of_plan(self) -> str:
        """The plan's top-level section that it stands in."""
        return self.section.partition(".")[0]

    @property
    def whole(self) -> str:
        """The id of the indicator that this one is a part of, or its own."""
        return self.id.partition(".")[0]

    def target_in(self, year: int) -> Target | None:
        """Return the target of a year: the yearly one, or the next stage target."""
        ahead = [target for target in self.targets if target.last_year >= year]
        ahead = [t for t in ahead if t.by_end_of or t.first_year <= year]
        return min(ahead, key=lambda target: target.last_year, default=None)

    def parts(self) -> list[Indicator]:
        """Return the parts of an "and" or a "+", as indicators of their own without a target."""
        shared: dict[str, Any] = {"kind": "monitor", "monitors": self.measure}
        shared |= {"targets": (), "reference": None, "decision": ""}
        pieces: dict[str, dict[str, Any]] = {}
        if len(self.holds) > 1:
            pieces = {fact.column: {"holds": (fact,)} for fact in self.holds}
        elif len(self.numerator) > 1:
            pieces = {
                column: {"numerator": (column,), "denominator": self.denominator[i : i + 1]}
                for i, column in enumerate(self.numerator)
            }
        columns = columns_over(self.over)
        found = []
        for column, changed in pieces.items():
            title = self.part_titles.get(column, columns[column].vi)
            named = {"id": f"{self.id}.{column}", "title": title, "short": title}
            found.append(self.model_copy(update={**shared, **changed, **named}))
        return found


_NUMBERS = ("count", "money")

#: Per measure: which of numerator, denominator and holds it needs.
_SHAPES: dict[Measure, tuple[tuple[bool, bool, bool], ...]] = {
    "ratio": ((True, True, False),),
    "share_of_units": ((False, False, True),),
    "share_of_employers": ((False, False, True),),
    "mean_per_unit": ((True, False, False),),
    "total": ((True, False, False),),
    "district_value": ((True, False, False), (False, False, True)),
}


def _check_shape(indicator: Indicator) -> None:
    given = (bool(indicator.numerator), bool(indicator.denominator), bool(indicator.holds))
    if given not in _SHAPES[indicator.measure]:
        names = ("numerator", "denominator", "holds")
        wanted = " hoặc ".join(
            " và ".join(name for name, needed in zip(names, shape, strict=True) if needed)
            for shape in _SHAPES[indicator.measure]
        )
        raise ValueError(f"{indicator.measure} cần đúng: {wanted}")
    uneven = indicator.denominator and len(indicator.denominator) != len(indicator.numerator)
    if len(indicator.numerator) > 1 and uneven:
        raise ValueError("numerator và denominator phải có cùng số cột để tính từng phần")
    if indicator.max_rate is not None and indicator.measure != "ratio":
        raise ValueError("max_rate chỉ dùng cho ratio")
    if indicator.max_rate is not None and indicator.max_rate < 1:
        raise ValueError("max_rate phải từ 100% trở lên")
    if indicator.applies_if and not indicator.is_share:
        raise ValueError("applies_if chỉ dùng cho share_of_units và share_of_employers")


def _check_columns(indicator: Indicator) -> None:
    columns = columns_over(indicator.over)
    conditions = (*indicator.holds, *indicator.applies_if, *indicator.members_if)
    named = indicator.columns
    tables = ", ".join(SOURCE_TABLES[indicator.over])
    for name in named:
        if name not in columns:
            raise ValueError(f"cột «{name}» không có trong bảng {tables}")
    if indicator.with_district:
        _check_district_columns(indicator, named)
    for name in (*indicator.numerator, *indicator.denominator):
        is_grade = indicator.measure == "district_value" and bool(columns[name].words)
        if columns[name].type.name not in _NUMBERS and not is_grade:
            raise ValueError(f"cột «{name}» không phải là số, không cộng được")
    for condition in conditions:
        _check_condition(condition, columns)
    if indicator.once and {columns[fact.column].type.name for fact in indicator.holds} != {
        "boolean"
    }:
        raise ValueError("once chỉ dùng cho holds với các cột có/không")
    for condition in indicator.members_if:
        if condition.present is None:
            raise ValueError(
                "members_if chỉ nhận điều kiện present, vì phải luôn biết ai là thành viên"
            )


def _check_district_columns(indicator: Indicator, named: tuple[str, ...]) -> None:
    if indicator.over != "units":
        raise ValueError("with_district chỉ dùng cho chỉ tiêu tính trên CĐCS")
    for name in named:
        if name not in columns_over("district"):
            raise ValueError(f"with_district: cột «{name}» không có trong bảng district")


def _check_sums(indicator: Indicator) -> None:
    """Refuse sums and facts that nobody can have meant."""
    columns = columns_over(indicator.over)
    facts = [condition.column for condition in indicator.holds]
    for names in (indicator.numerator, indicator.denominator, facts):
        again = [name for i, name in enumerate(names) if name in names[:i]]
        if again:
            raise ValueError(f"cột «{again[0]}» có hai lần, sẽ bị tính hai lần")
    both = [name for name in indicator.numerator if name in indicator.denominator]
    if both:
        raise ValueError(f"cột «{both[0]}» vừa ở numerator vừa ở denominator")
    if len({columns[name].type.name for name in indicator.numerator + indicator.denominator}) > 1:
        raise ValueError(
            "numerator và denominator lẫn tiền, số đếm và xếp loại; không cộng, chia được"
        )
    if indicator.over == "district" and indicator.population != "all":
        raise ValueError("population không dùng cho số liệu của chính cơ quan (district_value)")
    lost = [name for name in indicator.part_titles if name not in (*indicator.numerator, *facts)]
    if lost:
        raise ValueError(f"part_titles: «{lost[0]}» không phải là một phần của chỉ tiêu")


def _check_condition(condition: Condition, columns: dict[str, Column]) -> None:
    _check_comparison(condition, columns)
    kind = columns[condition.column].type.name
    numeric = isinstance(condition.at_least, Fraction) or condition.more_than is not None
    word = condition.is_not or (condition.at_least if isinstance(condition.at_least, str) else None)
    if numeric and kind not in _NUMBERS:
        raise ValueError(f"cột «{condition.column}» không phải là số, không so với số được")
    if word is not None and word not in columns[condition.column].words:
        raise ValueError(f"«{word}» không phải là từ của cột «{condition.column}»")
    if not numeric and word is None and condition.present is None and kind != "boolean":
        raise ValueError(f"cột «{condition.column}» không phải có/không, cần một phép so")


def _check_comparison(condition: Condition, columns: dict[str, Column]) -> None:
    """Refuse a comparison that is always true, never true, or of two different things."""
    kinds = {columns[name].type.name for name in condition.columns}
    name = condition.column
    if condition.present is not None and (columns[name].words or kinds & {*_NUMBERS, "boolean"}):
        raise ValueError(
            f"present: ô «{name}» trống nghĩa là chưa có số liệu, không phải là không có"
        )
    if condition.over is not None and (condition.over == name or len(kinds) > 1):
        raise ValueError(f"over: không so «{name}» với «{condition.over}» được")
    for number in (condition.at_least, condition.more_than):
        if not isinstance(number, Fraction):
            continue
        if number == 0 and number is condition.at_least:
            raise ValueError("at_least: 0 thì lúc nào cũng đúng")
        if condition.over is None and (isinstance(number, Percent) or number.denominator != 1):
            raise ValueError(f"cột «{name}» là số đếm, phải so với số nguyên")
        if condition.over is not None and number > 1 and not isinstance(number, Percent):
            raise ValueError("over: tỷ lệ viết dạng 80%, không viết 80")


def _check_targets(indicator: Indicator) -> None:
    if indicator.kind == "monitor" and indicator.targets:
        raise ValueError("kind: monitor không có chỉ tiêu (targets)")
    if indicator.reference is not None:
        if indicator.kind != "monitor":
            raise ValueError("reference chỉ dùng cho kind: monitor; mức để xét thì ghi ở targets")
        _check_percent(indicator, indicator.reference)
        _check_bar(indicator, Target(at_least=indicator.reference))
    if indicator.kind != "monitor" and not indicator.targets:
        raise ValueError("thiếu targets; nếu kế hoạch không nêu mức, dùng kind: monitor")
    stages = {bool(target.by_end_of) for target in indicator.targets}
    if len(stages) > 1:
        raise ValueError("không trộn chỉ tiêu theo giai đoạn (by_end_of) với chỉ tiêu hằng năm")
    ordered = sorted(indicator.targets, key=lambda target: target.first_year)
    for before, after in pairwise(ordered):
        if after.first_year <= before.last_year:
            raise ValueError(f"hai chỉ tiêu chồng năm nhau: «{before}» và «{after}»")
    for target in indicator.targets:
        _check_target(indicator, target)
        _check_bar(indicator, target)


def _check_target(indicator: Indicator, target: Target) -> None:
    if target.holds and not (indicator.measure == "district_value" and indicator.holds):
        raise ValueError("holds chỉ dùng cho district_value có/không")
    if target.between and indicator.is_fraction:
        raise ValueError("between chỉ dùng cho số đếm")
    if target.by_end_of and (not indicator.is_fraction or target.is_strict):
        raise ValueError("by_end_of cần một tỷ lệ với at_least")
    if isinstance(target.at_least, str) and indicator.measure != "district_value":
        raise ValueError("mức xếp loại chỉ dùng cho district_value")
    _check_percent(indicator, target.minimum)


def _check_percent(indicator: Indicator, bar: Fraction) -> None:
    if indicator.is_fraction and bar > (indicator.max_rate or 1):
        given = write_number(bar)
        raise ValueError(f"mức {given} quá 100%; tỷ lệ viết dạng 80%, không viết 80")


def _check_bar(indicator: Indicator, target: Target) -> None:
    """Refuse a bar of another kind than what it bars, and one that all or none can reach."""
    columns = columns_over(indicator.over)
    is_grade = any(columns[name].words for name in indicator.numerator)
    wanted = "holds: true" if indicator.holds else "một từ xếp loại" if is_grade else ""
    given = bool(target.holds) or isinstance(target.at_least, str)
    if indicator.measure == "district_value" and wanted and not given:
        raise ValueError(f"mức {target} không so được với sự việc này; mức phải là {wanted}")
    if isinstance(target.at_least, str) and not is_grade:
        raise ValueError(f"mức {target} là xếp loại, mà cột được tính không phải là xếp loại")
    numbers = [target.at_least, target.more_than, *(target.between or ())]
    numbers = [number for number in numbers if isinstance(number, Fraction)]
    if not indicator.is_fraction and any(isinstance(number, Percent) for number in numbers):
        raise ValueError(f"mức {target} viết bằng phần trăm, mà {indicator.measure} là số đếm")
    is_whole = not indicator.is_fraction and indicator.measure != "mean_per_unit"
    if is_whole and any(number.denominator != 1 for number in numbers):
        raise ValueError(f"mức {target} của một số đếm phải là số nguyên")
    if target.minimum == 0 and not target.is_strict:
        raise ValueError(f"mức {target} thì ai cũng đạt")
    if target.is_strict and indicator.is_fraction and target.minimum >= (indicator.max_rate or 1):
        raise ValueError(f"mức {target} thì không ai đạt được")


class Issuer(Model):
    """Who adopted the plan and answers for it."""

    id: str = Field(pattern=r"^[A-Z0-9][A-Z0-9._-]{0,31}$")
    name: str
    short: str
    place: str
    superior: str = ""
    also_written: tuple[str, ...] = ()


def _a_day_of_every_year(day: str) -> str:
    try:
        date.fromisoformat(f"2023-{day}")
    except ValueError:
        raise ValueError("phải là ngày có trong mọi năm, dạng 11-30") from None
    return day


def _a_line(text: str) -> str:
    text = " ".join(text.split()).rstrip(";,. ")
    if not text or any(map(is_unprintable, text)):
        raise ValueError("phải là một dòng chữ")
    return text


#: A line of an official document, without the mark at its end.
Line = Annotated[str, AfterValidator(_a_line)]


class Section(Model):
    """One of the plan's parts, in the plan's order."""

    id: str
    title: str


def _misplaced(item: Task | Indicator, info: ValidationInfo) -> list[tuple[Location, str]]:
    """Return which names of a task or an indicator the plan does not have."""
    groups, sections = info.data.get("groups"), info.data.get("sections")
    wrong: list[tuple[Location, str]] = []
    types = {"all", *(groups or {}), *dictionary().words["unit_type"]}
    if groups is not None and item.population not in types:
        wrong.append((("population",), "không phải nhóm, loại hình hay all"))
    parts = {section.id for section in sections or ()}
    if sections is not None and item.section.partition(".")[0] not in parts:
        wrong.append((("section",), "không thuộc phần nào trong sections"))
    return wrong


def _task_names_known(task: Task, info: ValidationInfo) -> Task:
    wrong = _misplaced(task, info)
    if task.fact and task.fact not in columns_over("units"):
        wrong.append((("fact",), "không có cột này trong bảng roster, returns"))
    if wrong:
        raise MisplacedError(wrong)
    return task


def _indicator_names_known(indicator: Indicator, info: ValidationInfo) -> Indicator:
    wrong, tasks = _misplaced(indicator, info), info.data.get("tasks")
    if tasks is not None:
        ids = {task.id for task in tasks}
        lost = [i for i, task in enumerate(indicator.tasks) if task not in ids]
        wrong += [(("tasks", i), "không có việc nào mang mã này trong tasks") for i in lost]
    adopted_on = info.data.get("adopted_on")
    if adopted_on is not None:
        past = [i for i, t in enumerate(indicator.targets) if t.last_year < adopted_on.year]
        wrong += [(("targets", i), "hết hạn trước khi kế hoạch được ban hành") for i in past]
    if wrong:
        raise MisplacedError(wrong)
    return indicator


class Plan(Model):
    """One plan: who, when, the groups of unit types and the catalogue of indicators.

    ``legal_bases`` and ``recipients`` stand in the year's Word report alone.
    """

    id: str
    version: str
    title: str
    short: str
    source: str
    adopted_on: date
    issuer: Issuer
    legal_bases: tuple[Line, ...] = ()
    recipients: tuple[Line, ...] = ()
    cut_off: Annotated[str, Field(pattern=r"^\d{2}-\d{2}$"), AfterValidator(_a_day_of_every_year)]
    baseline_year: Year
    complete_if_missing_at_most: Annotated[Number, AfterValidator(_at_most_whole)]
    groups: dict[str, tuple[str, ...]]
    sections: tuple[Section, ...]
    bullets: tuple[str, ...] = ()
    tasks: tuple[Annotated[Task, AfterValidator(_task_names_known)], ...] = ()
    indicators: tuple[Annotated[Indicator, AfterValidator(_indicator_names_known)], ...]

    @field_validator("groups")
    @classmethod
    def _groups_of_known_words(
        cls, groups: dict[str, tuple[str, ...]]
    ) -> dict[str, tuple[str, ...]]:
        types = dictionary().words["unit_type"]
        wrong: list[tuple[Location, str]] = []
        earlier: set[str] = set()
        for group, words in groups.items():
            if group in types or group == "all":
                wrong.append(((group,), "tên nhóm trùng với một loại hình hoặc với all"))
            if not words:
                wrong.append(((group,), "nhóm không có loại hình nào"))
            wrong += [
                ((group, i), "không phải loại hình hay nhóm đã nêu ở trên")
                for i, word in enumerate(words)
                if word not in types and word not in earlier
            ]
            earlier.add(group)
        if wrong:
            raise MisplacedError(wrong)
        return groups

    @field_validator("sections", "tasks", "indicators")
    @classmethod
    def _ids_once(cls, items: tuple[Any, ...]) -> tuple[Any, ...]:
        ids = [item.id for item in items]
        again = [i for i, key in enumerate(ids) if key in ids[:i]]
        if again:
            raise MisplacedError(((i, "id"), f"mã «{ids[i]}» lặp lại") for i in again)
        return items

    @model_validator(mode="after")
    def _tasks_fit(self) -> Self:
        sources = {item.id: item.over for item in self.catalogue()}
        wrong = list(misplaced_tasks(self.tasks, self.bullets, sources))
        if wrong:
            raise MisplacedError(wrong)
        return self

    def cut_off_in(self, year: int) -> date:
        """Return the day on which a year's figures close."""
        return date.fromisoformat(f"{year}-{self.cut_off}")

    def types_in(self, population: str) -> frozenset[str]:
        """Return the unit types of a population.

        Groups may name groups; ``all`` is every type.
        """
        types = dictionary().words["unit_type"]
        if population == "all":
            return frozenset(types)
        if population in self.groups:
            return frozenset().union(*(self.types_in(word) for word in self.groups[population]))
        return frozenset({population})

    def judged_elsewhere(self, indicator: Indicator, year: int) -> frozenset[str]:
        """Return the unit types that another row judges instead of this one.

        Where two rows with targets ask the same fact of a wider and of a strictly narrower
        population, units and unit types of the narrower one are judged there alone.
        """
        if indicator.target_in(year) is None:
            return frozenset()
        narrower = self._narrower.get(indicator.id, ())
        judging = (other for other in narrower if other.target_in(year) is not None)
        return frozenset().union(*(self.types_in(other.population) for other in judging))

    @cached_property
    def _narrower(self) -> dict[str, list[Indicator]]:
        """By id, the rows that ask the same of a strictly narrower population."""
        questions = {item.id: (item.question, self._members_of(item)) for item in self.indicators}
        return {
            key: [
                other
                for other in self.indicators
                if questions[other.id][0] == question and questions[other.id][1] < members
            ]
            for key, (question, members) in questions.items()
        }

    def _members_of(self, indicator: Indicator) -> frozenset[str]:
        itself = {self.issuer.id} if indicator.with_district else frozenset()
        return self.types_in(indicator.population) | itself

    def catalogue(self) -> list[Indicator]:
        """Return every indicator in the plan's order, each followed by its parts."""
        return list(self._by_id.values())

    @cached_property
    def _by_id(self) -> dict[str, Indicator]:
        return {item.id: item for whole in self.indicators for item in (whole, *whole.parts())}

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy; it may have other indicators, so it works out its own catalogue."""
        copied = super().model_copy(update=update, deep=deep)
        for name in ("_by_id", "_narrower"):
            copied.__dict__.pop(name, None)
        return copied

    def indicator(self, indicator_id: str) -> Indicator:
        """Return one indicator or part by its id.

        Raises
        ------
        KeyError
            If the plan has none of this id.
        """
        return self._by_id[indicator_id]


def load_plan(path: Path) -> Plan:
    """Read a plan file.

    Raises
    ------
    InputError
        With file, line and what was expected, for every problem at once.
    """
    return read_yaml(Path(path), Plan)
