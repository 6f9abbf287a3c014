"""The boards of a report on many units: each unit beside each indicator, and beside each task."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.findings.units import (
    TASK_VERDICTS,
    board,
    by_commune,
    comparable,
    lead,
    stand,
    task_board,
)
from analysis.pages.fragments import Fragment, area_page
from analysis.redaction import HIDDEN
from analysis.reports.base import Report
from analysis.study import shown_value
from analysis.tables.writing import alphabetically

#: More units than this are summed by commune: a board is to be seen at a glance.
MOST_UNITS = 150
_MOST_NAMED = 6
#: The order of a legend.
_VERDICTS = ("met", "not_met", "undetermined", "not_due", HIDDEN, "no_target", "not_applicable")


class Boards(Report):
    """A narrative of many units that shows them one by one."""

    units: pd.DataFrame  # of the register, by id

    def board(self) -> Fragment | None:
        """Show each unit beside each indicator, those that need help first; None without any."""
        titles = {item.id: item.short for item in self.study.plan.indicators}
        return self._show_board("indicators", titles)

    def task_board(self) -> Fragment | None:
        """Show each unit beside each task; None where nobody follows tasks."""
        titles = {task.id: task.short for task in self.study.plan.tasks}
        return self._show_board("tasks", titles)

    @property
    def _is_by_commune(self) -> bool:
        return len(self.units) > MOST_UNITS

    def _stand(self, what: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return a board's cells, and how its rows stand: those that need help most come first."""
        read = board if what == "indicators" else task_board
        named = self.units["commune" if self._is_by_commune else "name"].astype(str)
        keys = sorted(map(str, self.units.index), key=lambda key: (alphabetically(named[key]), key))
        cells = read(self.study, self.year, keys)
        before = read(self.study, self.year - 1, comparable(self.study, self.year, keys))
        rows = named if self._is_by_commune else None
        return cells, cells if cells.empty else stand(cells, before, rows)

    def _show_board(self, what: str, titles: dict[str, str]) -> Fragment | None:
        cells, standing = self._stand(what)
        if cells.empty:
            return None
        say, words, is_summed = self.say, self.words["board"], self._is_by_commune
        shown = by_commune(cells, self.units["commune"].astype(str)) if is_summed else cells
        items = [str(item) for item in cells["item"].cat.categories]
        return self._render(
            f"bang-{'chi-tieu' if what == 'indicators' else 'nhiem-vu'}",
            "board",
            words[what],
            caption=say("board_caption", self.year, what, is_summed),
            first=self.ui("commune" if is_summed else "unit"),
            score=words[f"{what}_score"],
            items=[titles[item] for item in items],
            groups=self._groups(standing, items, self._cell_texts(shown, what), what),
            legend=self._legend(shown, what),
            explained=say("board_explained", what, is_summed),
            lists=self._lists(standing, what),
        )

    def _groups(
        self,
        standing: pd.DataFrame,
        items: Sequence[str],
        texts: dict[tuple[str, str], dict[str, str]],
        what: str,
    ) -> list[dict[str, Any]]:
        """Return the rows below the headings of their unit types; communes stand together."""
        empty = {"verdict": "not_applicable", "text": "–", "more": "", "gap": ""}
        groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for key, row in standing.to_dict("index").items():
            label = ""
            if not self._is_by_commune:
                unit_type = str(self.units.at[key, "unit_type"])
                label = self.language.dictionary_word("unit_type", unit_type)
            of = row["met"] + row["not_met"] if what == "indicators" else row["all"]
            line = {
                **self._named(str(key)),
                "score": f"{self.count(row['met'])}/{self.count(of)}",
                "cells": [texts.get((str(key), item), empty) for item in items],
            }
            groups[label].append(line)
        ordered = sorted(groups, key=alphabetically)
        return [{"label": label, "rows": groups[label]} for label in ordered]

    def _named(self, key: str) -> dict[str, str]:
        if self._is_by_commune:
            return {"name": key, "href": f"{self.up}{area_page('commune', key)}"}
        return {"name": str(self.units.at[key, "name"]), "href": f"{self.up}cdcs/{key}.html"}

    def _cell_texts(self, shown: pd.DataFrame, what: str) -> dict[tuple[str, str], dict[str, str]]:
        """Return each cell's sign with what is short enough to stand beside it, ``more`` on screens alone."""
        signs, is_summed, texts = self.words["verdict_sign"], self._is_by_commune, {}
        for row in shown.itertuples(index=False):
            cell = {"verdict": row.verdict, "text": signs[row.verdict], "more": "", "gap": ""}
            if is_summed and row.judged:
                cell["text"] = f"{row.met}/{row.judged}"
            elif not is_summed and what == "indicators":
                lacks = 0 if pd.isna(row.gap) else int(row.gap)
                cell["more"], cell["gap"] = (
                    self._short_value(row),
                    self.say("board_gap", lacks, row.kind),
                )
            elif not is_summed and row.gap:
                cell["more"] = self.count(row.gap)
            texts[str(row.unit_id), str(row.item)] = cell
        return texts

    def _short_value(self, row: Any) -> str:
        indicator, value = self.study.plan.indicator(row.item), shown_value(row)
        if value is None or indicator.is_share or row.verdict in ("no_target", "not_due"):
            return ""
        target = indicator.target_in(self.year) if row.target else None
        if indicator.is_fraction:
            return self.language.numbers.percent(value, target, 0)
        return self.language.numbers.quantity(value)

    def _legend(self, shown: pd.DataFrame, what: str) -> list[dict[str, str]]:
        words, labels = self.words, dict(self.words["verdict"])
        if what == "tasks":
            labels |= {verdict: words["task_group"][g] for g, verdict in TASK_VERDICTS.items()}
        seen = {*shown["verdict"], "not_applicable"}
        return self.legend({v: labels[v] for v in _VERDICTS if v in seen}, "verdict_sign")

    def _lists(self, standing: pd.DataFrame, what: str) -> list[dict[str, Any]]:
        """Return who needs help most and who came on most since last year."""
        words = self.words["board"]
        net = standing.assign(net=standing["won"] - standing["lost"])
        better = net[net["net"] > 0].sort_values("net", ascending=False, kind="stable")
        lists = {
            "need": self._need(standing, what),
            "progress": [
                self._named(str(key))
                | {"text": self.say("board_progress", row, what, self.year - 1)}
                for key, row in _first(better, ["net"])
            ],
        }
        return [{"heading": words[key], "rows": rows} for key, rows in lists.items() if rows]

    def _need(self, standing: pd.DataFrame, what: str) -> list[dict[str, Any]]:
        """Return who needs help most, with what it lacks and what it says of it itself."""
        missed = standing[standing["not_met"] > 0]
        is_told = what == "indicators" and not self._is_by_commune
        return [
            {
                **self._named(str(key)),
                "text": self.say("board_need", row, what),
                "said": self.quote(str(key)) if is_told else [],
            }
            for key, row in _first(missed, ["not_met", "persons", "days"])
        ]

    def need(self) -> list[dict[str, Any]]:
        """Return who needs help most with the indicators, as the board lists them."""
        cells, standing = self._stand("indicators")
        return [] if cells.empty else self._need(standing, "indicators")


def _first(standing: pd.DataFrame, by: list[str]) -> list[tuple[str, dict[str, Any]]]:
    """Return the first rows of an ordered frame with their keys, never choosing among equals."""
    sizes = standing[by].itertuples(index=False, name=None)
    named = lead(list(zip(standing.index, sizes, strict=True)), _MOST_NAMED).named
    return [(key, standing.loc[key].to_dict()) for key, _ in named]
