"""What an analyst asks of a study, each in one line."""

from __future__ import annotations

from importlib import import_module
from types import MethodType
from typing import Any, ClassVar


class _Question:
    """A method of `Study` whose function stands in a module that itself knows `Study`.

    It is imported when it is first asked for, which also keeps loading fast.
    """

    def __init__(self, name: str, module: str = "answers") -> None:
        self._module, self._name = f"analysis.exploring.{module}", name

    def __get__(self, study: Any, owner: type | None = None) -> Any:
        function = getattr(import_module(self._module), self._name)
        return function if study is None else MethodType(function, study)


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

    @property
    def units(self) -> Any:
        """Mọi chỉ tiêu của một CĐCS: ``study.units["DN-DABAN"]``; phím Tab gợi ý mã."""
        return self._keyed("unit")

    @property
    def indicators(self) -> Any:
        """Một chỉ tiêu ở mọi phạm vi: ``study.indicators["informed_all"]``; phím Tab gợi ý mã."""
        return self._keyed("indicator")
