"""An independent recomputation of the task table, written from the specification alone.

It shares no code with the package: plain dictionaries, one loop per task and holder. The verdicts
of linked indicators come from ``oracle.py``. Where the specification leaves something open, the
docstring of the rule says how it was settled here.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

from oracle import catalogue as catalogue_of
from oracle import (
    cut_off,
    expected_table,
    is_district_dissolved,
    is_expected,
    measure_of,
    types_of,
    years_of,
)

Cells = dict[str, str]
Tables = dict[str, list[Cells]]
Spec = dict[str, Any]
Key = tuple[str, str, str]

COLUMNS = (
    *("holders", "not_applicable", "done_on_time", "done_late", "done_undated", "kept"),
    *("in_progress", "not_started", "overdue", "no_result", "unreported", "unreported_due"),
    *("done", "unproven", "rate", "lower", "upper", "on_time_rate", "count", "counted"),
)


class Oracle:
    """The task table of one plan over one set of tables."""

    def __init__(self, tables: Tables, plan: Spec) -> None:
        self.tables, self.plan = tables, plan
        self.issuer = plan["issuer"]["id"]
        self.rows = {
            (row["year"], row["task_id"], row["holder_id"]): row for row in tables["tasks"]
        }
        self.proven = {
            (row["year"], row["task_id"], row["holder_id"]) for row in tables["evidence"]
        }
        self.verdicts: dict[int, dict[tuple[str, str, str], Any]] = {}

    def indicator_row(self, year: int, indicator: str, scope: str, holder: str) -> Any:
        if year not in self.verdicts:
            known = year in {int(row["year"]) for row in self.tables["roster"]}
            rows = expected_table(self.tables, self.plan, year) if known else []
            self.verdicts[year] = {
                (str(r["indicator"]), str(r["scope"]), str(r["scope_id"])): r for r in rows
            }
        return self.verdicts[year].get((indicator, scope, holder))

    def linked(self, task: Spec, year: int, holder: str) -> str:
        """A verdict as a reported state. Where the plan passes none (a monitor, a mean at a unit,
        a stage still ahead) a known yes or a count above nothing is done, a known no is not."""
        scope = "district" if task["owner"] == "district" else "unit"
        row = self.indicator_row(year, task["indicator"], scope, holder)
        if row is None or row["verdict"] == "not_applicable":
            return "not_applicable"
        if row["verdict"] in ("met", "not_met"):
            return "done" if row["verdict"] == "met" else "not_started"
        spec = next(i for i in catalogue_of(self.plan) if i["id"] == task["indicator"])
        if row["verdict"] == "undetermined" or row["numerator"] is None:
            return ""
        if measure_of(spec) == "ratio":
            return ""
        return "done" if row["numerator"] > 0 else "not_started"

    def said(self, task: Spec, year: int, holder: str) -> str:
        if task.get("indicator"):
            return self.linked(task, year, holder)
        row = self.rows.get((str(year), task["id"], holder))
        return row["state"] if row else ""

    def due(self, task: Spec, year: int) -> date | None:
        if task["cadence"] == "standing":
            return None
        day = str(task.get("due") or self.plan["cut_off"])
        return date.fromisoformat(day if len(day) == 10 else f"{year}-{day}")

    def state(self, task: Spec, year: int, holder: str, on: date) -> tuple[str, bool]:
        """The state shown, and whether it rests on an earlier year."""
        if task["owner"] == "district" and is_district_dissolved(self.tables, self.plan, year):
            return "not_applicable", False
        if task["cadence"] == "once":
            earlier = {*years_of(self.tables), *(int(key[0]) for key in self.rows)}
            if any(self.said(task, y, holder) == "done" for y in earlier if y < year):
                return "done_on_time", True
        said = self.said(task, year, holder)
        if said == "" and task["cadence"] == "on_event" and not task.get("indicator"):
            said = "not_applicable"
        if said == "not_applicable":
            return said, False
        return self.shown(task, year, holder, said, on), False

    def shown(self, task: Spec, year: int, holder: str, said: str, on: date) -> str:
        row = self.rows.get((str(year), task["id"], holder))
        done_on = date.fromisoformat(row["done_on"]) if row and row["done_on"] else None
        due = self.due(task, year)
        if said == "done" and done_on and done_on > on:
            said = "in_progress"
        if due is None:
            return {
                **{"done": "kept", "in_progress": "kept_so_far"},
                **{"not_started": "no_result", "": "unreported"},
            }[said]
        if said == "done" and done_on is None:
            return "done_undated"
        if said == "done":
            assert done_on is not None
            return "done_on_time" if done_on <= due else "done_late"
        if said == "":
            return "unreported_due" if on > due else "unreported"
        return "overdue" if on > due else said

    def holders(self, task: Spec, year: int) -> list[Cells]:
        if task["owner"] == "district":
            return [{"unit_id": self.issuer}]
        closing, types = (
            cut_off(self.plan, year),
            types_of(self.plan, task.get("population", "all")),
        )
        return [
            row
            for row in self.tables["roster"]
            if int(row["year"]) == year and is_expected(row, closing) and row["unit_type"] in types
        ]

    def figures(self, items: list[tuple[Spec, str]], year: int, on: date) -> dict[str, Any]:
        """The counts over pairs of a task and a holder; ``overdue`` takes in ``no_result`` of
        standing tasks at the cut-off, which stays shown beside it."""
        found: dict[str, Any] = dict.fromkeys(COLUMNS, 0)
        found["holders"] = len(items)
        counts = []
        for task, holder in items:
            shown, is_earlier = self.state(task, year, holder, on)
            found["in_progress" if shown == "kept_so_far" else shown] += 1
            if shown == "no_result" and on == cut_off(self.plan, year):
                found["overdue"] += 1
            key = (str(year), task["id"], holder)
            if shown in ("done_on_time", "done_late", "done_undated", "kept"):
                found["done"] += 1
                needed = task.get("evidence") == "required" and not is_earlier
                found["unproven"] += needed and key not in self.proven
            row = self.rows.get(key)
            is_said = shown not in ("not_applicable", "unreported", "unreported_due")
            if row and row["count"] and is_said:
                counts.append(int(row["count"]))
        done, overdue, waiting = found["done"], found["overdue"], found["unreported_due"]
        found["rate"] = share(done, done + overdue)
        found["lower"] = share(done, done + overdue + waiting)
        found["upper"] = share(done + waiting, done + overdue + waiting)
        found["on_time_rate"] = share(
            found["done_on_time"], found["done_on_time"] + found["done_late"]
        )
        found["count"] = sum(counts) if counts else None
        found["counted"] = len(counts)
        return found

    def table(self, year: int, on: date | None = None) -> dict[Key, dict[str, Any]]:
        closing = cut_off(self.plan, year)
        day = min(on or closing, closing)
        found: dict[Key, dict[str, Any]] = {}
        sections: dict[str, list[tuple[Spec, str]]] = {}
        for task in self.plan["tasks"]:
            holders = self.holders(task, year)
            items = [(task, row["unit_id"]) for row in holders]
            sections.setdefault(str(task["section"]).split(".")[0], []).extend(items)
            groups = {("district", self.issuer): items}
            for row in holders if task["owner"] != "district" else []:
                for scope, group in (
                    *(("commune", row["commune"]), ("unit_type", row["unit_type"])),
                    *(("parent", row["parent"] or self.issuer), ("unit", row["unit_id"])),
                ):
                    groups.setdefault((scope, group), []).append((task, row["unit_id"]))
            for (scope, group), members in groups.items():
                found[task["id"], scope, group] = self.figures(members, year, day)
                if not task.get("count"):
                    found[task["id"], scope, group] |= {"count": None, "counted": None}
        for section, items in sections.items():
            found["", "section", section] = self.figures(items, year, day) | {
                **{"count": None, "counted": None}
            }
        return found


def share(above: int, below: int) -> Fraction | None:
    return Fraction(above, below) if below else None
