"""What a plan asks to be done: one entry a task, and the bullets of the plan that they cover."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from analysis.yamlfile import Location

Owner = Literal["district", "unit"]
Cadence = Literal["once", "yearly", "standing", "on_event"]


def parse_day(given: Any) -> str:
    """Read a day of every year (``11-30``) or a full date (``2022-06-30``).

    Examples
    --------
    >>> parse_day("05-31"), parse_day(date(2022, 6, 30))
    ('05-31', '2022-06-30')
    """
    text = str(given)
    try:
        # A day of every year is not the 29th of February.
        date.fromisoformat(text if len(text) > len("11-30") else f"2023-{text}")
    except ValueError:
        message = "phải là ngày có trong mọi năm, dạng 11-30, hoặc ngày đầy đủ, dạng 2022-06-30"
        raise ValueError(message) from None
    return text


class Task(BaseModel):
    """Something that the plan asks of the district or of the unions of a population."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")
    section: str
    #: Which bullet of the plan it comes from: ``2.2-1``; the number alone within its section.
    bullet: str = ""
    owner: Owner = "unit"
    population: str = "all"
    #: Where an "and" fails, it is for those that lack this fact.
    fact: str = ""
    cadence: Cadence = "yearly"
    due: Annotated[str, BeforeValidator(parse_day)] = ""
    evidence: Literal["required", "optional", "none"] = "none"
    evidence_hint: str = ""
    #: What is counted, as its unit; empty where nothing is.
    count: str = ""
    #: Whose verdict says the same: the state is taken from it, and nobody is asked.
    indicator: str = ""
    #: Its name in tables; ``text`` is an order to the owner.
    short: str = Field(default="", max_length=40)
    text: str = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _bullet_with_its_section(cls, data: Any) -> Any:
        bullet = str(data.get("bullet", "")) if isinstance(data, dict) else ""
        return {**data, "bullet": f"{data.get('section')}-{bullet}"} if bullet.isdigit() else data

    @model_validator(mode="after")
    def _consistent(self) -> Task:
        if self.cadence == "standing" and self.due:
            raise ValueError("việc thường xuyên (standing) không có thời hạn (due)")
        if self.owner == "district" and self.population != "all":
            raise ValueError("population chỉ dùng cho việc của CĐCS (owner: unit)")
        return self

    def due_in(self, year: int, cut_off: str) -> date | None:
        """Return the day by which a year's work is due, by default the plan's cut-off.

        None for what never falls due.

        Examples
        --------
        >>> Task(id="t", section="1", text="Lập kế hoạch.").due_in(2024, "11-30")
        datetime.date(2024, 11, 30)
        """
        if self.cadence == "standing":
            return None
        day = self.due or cut_off
        return date.fromisoformat(day if len(day) > len("11-30") else f"{year}-{day}")


def misplaced_tasks(
    tasks: Sequence[Task], bullets: Sequence[str], sources: Mapping[str, str]
) -> Iterator[tuple[Location, str]]:
    """Yield what is wrong between tasks, the plan's bullets and its indicators, with its place.

    ``bullets`` are empty where the plan lists none; ``sources`` tells of every indicator and part
    whose figures it reads: units, employers or district.
    """
    covered = {task.bullet for task in tasks}
    for place, bullet in enumerate(bullets):
        if bullet in bullets[:place]:
            yield ("bullets", place), f"gạch đầu dòng «{bullet}» lặp lại"
        elif bullet not in covered:
            yield ("bullets", place), f"không có nhiệm vụ nào cho gạch đầu dòng «{bullet}»"
    for place, task in enumerate(tasks):
        if task.bullet and bullets and task.bullet not in bullets:
            yield ("tasks", place, "bullet"), "không có trong bullets"
        wanted = "district" if task.owner == "district" else "units"
        if task.indicator and task.indicator not in sources:
            yield ("tasks", place, "indicator"), "không có chỉ tiêu nào mang mã này"
        elif task.indicator and sources[task.indicator] != wanted:
            whose = "chính cơ quan ban hành kế hoạch" if wanted == "district" else "từng CĐCS"
            yield ("tasks", place, "indicator"), f"chỉ tiêu này không phải của {whose}"
