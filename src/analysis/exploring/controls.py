"""Looking at results without code: choose, see the table and the figure, write them to Excel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ipywidgets as widgets

from analysis.exploring import plot
from analysis.exploring.answer import Answer
from analysis.exploring.names import language_of, latest_year
from analysis.problems import InputError
from analysis.results import SCOPES
from analysis.study import Study
from analysis.tables.writing import alphabetically

_SHOWN = ["name", "reported", "missing", "numerator", "denominator", "value", "target", "verdict",
          "slack"]  # fmt: skip
_MOST_DRAWN = 30


def controls(study: Study, folder: str | Path = ".") -> widgets.VBox:
    """Bảng chọn năm, chỉ tiêu, phạm vi, loại hình, xã; bảng và hình đổi theo.

    It stands at the end of a cell; its button writes ``so-lieu.xlsx`` into ``folder``.
    """
    language, register = language_of(study), study.register
    communes = sorted(map(str, register["commune"].unique()), key=alphabetically)
    types = {language.dictionary_word("unit_type", t): t for t in register["unit_type"].unique()}
    everything = {language.told("all"): ""}
    options: dict[str, Any] = {
        "year": study.dataset.years,
        "indicator": {item.title: item.id for item in study.plan.indicators},
        "scope": {language.word("scope", scope): scope for scope in SCOPES},
        "unit_type": everything | types,
        "commune": everything | {name: name for name in communes},
    }
    chosen = {
        name: widgets.Dropdown(
            options=known, description=language.told(name), layout={"width": "28rem"}
        )
        for name, known in options.items()
    }
    if (year := latest_year(study)) in study.dataset.years:
        chosen["year"].value = year
    button = widgets.Button(description=language.told("to_excel"), icon="download")
    said, table, drawing = widgets.Label(), widgets.HTML(), widgets.HTML()
    for shown in (*chosen.values(), table, drawing):  # a narrow window moves the table alone
        shown.layout.max_width = "100%"
    table.layout.overflow = "auto"

    def ask() -> Answer:
        given = {name: one.value or None for name, one in chosen.items()}
        if given["unit_type"] or given["commune"]:
            given["scope"] = "unit"
        rows: Answer = study.results(**given)
        return rows

    def show(_: Any = None) -> None:
        rows = ask()
        table.value = rows[_SHOWN]._repr_html_()
        try:
            drawing.value = plot.rates(rows.iloc[:_MOST_DRAWN])._repr_html_()
        except InputError:  # nothing to draw: the table says why, or shows counts alone
            drawing.value = ""

    def write(_: Any) -> None:
        path = ask().save(Path(folder) / "so-lieu.xlsx")
        said.value = language.told("written", path)

    for one in chosen.values():
        one.observe(show, names="value")
    button.on_click(write)
    show()
    return widgets.VBox([*chosen.values(), widgets.HBox([button, said]), table, drawing])
