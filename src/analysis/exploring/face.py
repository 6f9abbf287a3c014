"""What an analyst asks of a study, each in one line."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from functools import wraps
from importlib import import_module
from inspect import signature
from types import MethodType
from typing import Any, ClassVar

from analysis.problems import InputError, error


class _Question:
    """A method of `Study` whose function stands in a module that itself knows `Study`.

    It is imported when it is first asked for, which also keeps loading fast.
    """

    def __init__(self, name: str, module: str = "answers") -> None:
        self._module, self._name = f"analysis.exploring.{module}", name

    def __get__(self, study: Any, owner: type | None = None) -> Any:
        function = getattr(import_module(self._module), self._name)
        return function if study is None else MethodType(_told(function), study.take_columns())


def _told(function: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse arguments that a question does not have in Vietnamese."""

    @wraps(function)
    def ask(*given: Any, **named: Any) -> Any:
        asked = signature(function)
        try:
            asked.bind(*given, **named)
        except TypeError:
            _, *known = asked.parameters
            message = f"hãy hỏi {function.__name__}({', '.join(known)}); xem help(study.{function.__name__})"
            wrong = [name for name in named if name not in known]
            raise InputError(
                [error(message, code="bad_question", column=name) for name in wrong or [""]]
            ) from None
        return function(*given, **named)

    return ask


class Questions:
    """The questions of `analysis.Study`: every answer is a tidy frame, in the plan's order.

    Names may be given as an id or as words, with or without marks; several as a list. What is
    unknown is refused with the nearest that exists. An empty answer says why it is empty.

    ``is_assumed`` tells whether figures of the study are assumed.
    """

    is_assumed: ClassVar[bool] = False

    find = _Question("find_units")
    results = _Question("results")
    board = _Question("board")
    missed = _Question("missed")
    trend = _Question("trend")
    compare = _Question("compare")
    outliers = _Question("outliers")
    missing = _Question("missing")
    tasks = _Question("tasks")
    sources = _Question("sources")
    needed = _Question("needed")
    assume = _Question("assume", "whatif")
    _keyed = _Question("Keyed")
    _repr_html_ = _Question("describe", "card")

    def __repr__(self: Any) -> str:
        """Return one line: the card is for notebooks."""
        params, years = self.params, self.dataset.years
        told = (params.data, f"{min(years)}–{max(years)}", self.plan.id, params.edition)
        return f"{type(self).__name__}({', '.join(told)})"

    def __getattr__(self, name: str) -> Any:
        """Say that there is no such question, and which ones there are."""
        if name.startswith("_"):
            raise AttributeError(name)
        known = [one for one in dir(type(self)) if not one.startswith("_")]
        near = get_close_matches(name, known, 3)
        told = f"ý anh/chị là {' hay '.join(near)}?" if near else "gõ study. rồi phím Tab để xem"
        raise AttributeError(f"study không có «{name}»; {told}")

    @property
    def units(self) -> Any:
        """Mọi chỉ tiêu của một CĐCS: ``study.units["DN-DABAN"]``; phím Tab gợi ý mã."""
        return self._keyed("unit")

    @property
    def indicators(self) -> Any:
        """Một chỉ tiêu ở mọi phạm vi: ``study.indicators["informed_all"]``; phím Tab gợi ý mã."""
        return self._keyed("indicator")
