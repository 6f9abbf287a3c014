"""An independent recomputation of the indicator table, written from the specification alone.

It shares no code with the package and is slow on purpose: plain dictionaries, exact fractions,
one loop per indicator, scope and member, one function per rule. Where the specification leaves
something open, the docstring of the rule says how it was settled here.

``expected_table(tables, plan, year)`` takes tables of text cells (as ``csv.DictReader`` gives
them) and the plan file as ``yaml.safe_load`` gives it, and returns rows with whole numbers,
``Fraction`` or ``None`` in the columns of ``COLUMNS``.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

Cells = dict[str, str]
Tables = dict[str, list[Cells]]
Spec = dict[str, Any]
Row = dict[str, object]

TABLE_NAMES = ("roster", "returns", "employers", "district", "lineage")
COLUMNS = (
    *("indicator", "year", "scope", "scope_id"),
    *("expected", "reported", "not_applicable", "missing"),
    *("numerator", "denominator", "value", "lower", "upper"),
    *("target", "verdict", "slack", "breakeven", "trajectory", "flags"),
)
FRACTION_COLUMNS = ("value", "lower", "upper", "breakeven")
SCOPES = ("district", "commune", "unit_type", "parent", "unit")
EMPLOYER_SCOPES = ("district", "commune", "unit_type")
TRAJECTORY_SCOPES = ("district", "unit_type")
GRADE_RANKS = {"failed": 0, "completed": 1, "good": 2, "excellent": 3}
GRADE_COLUMNS = ("grade", "district_grade")
SHARES = ("share_of_units", "share_of_employers")
ZERO, ONE = Fraction(0), Fraction(1)
UNIT_TYPES = (
    *("state_agency", "public_service", "state_enterprise", "private_enterprise"),
    *("fdi_enterprise", "cooperative", "non_public_service", "trade_guild"),
)
#: Which part may not exceed which whole, among the cells of one member and year.
WHOLES = {
    "units": {
        "informed": "workers_total",
        "resolution_informed": "workers_total",
        "members_total": "workers_total",
        "workers_female": "workers_total",
        "members_female": "members_total",
        "hardship_members": "members_total",
        "hardship_supported": "hardship_members",
        "culture_members": "members_total",
        "welfare_members": "members_total",
        "party_admitted": "members_total",
        "party_introduced": "members_total",
        "cadres_trained": "cadres_total",
        "fund_allocated": "fund_collected",
    },
    "employers": {"workers_gathered": "workers_total"},
    "district": {"cadres_trained": "cadres_total"},
}


# Reading


def read_tables(folder: Path | str) -> Tables:
    """Read a folder of CSV tables; a table without a file is empty."""
    tables: Tables = {}
    for name in TABLE_NAMES:
        path = Path(folder) / f"{name}.csv"
        tables[name] = []
        if path.exists():
            with path.open(encoding="utf-8", newline="") as lines:
                tables[name] = list(csv.DictReader(lines))
    return tables


def number(cell: str | None) -> int | None:
    """A count or a sum of money; an empty cell is not reported."""
    return int(cell) if cell else None


def quantity(given: object) -> Fraction:
    """A number of the plan file: ``80%``, ``0.8`` or ``100``."""
    text = str(given).strip()
    if text.endswith("%"):
        return Fraction(Decimal(text[:-1])) / 100
    return Fraction(Decimal(text))


def written(given: Fraction) -> str:
    """A number of the plan in its shortest form: ``0.85``, ``100``."""
    if given.denominator == 1:
        return str(given.numerator)
    text = format(Decimal(given.numerator) / Decimal(given.denominator), "f")
    return text.rstrip("0")


def in_year(rows: Iterable[Cells], year: int) -> list[Cells]:
    return [row for row in rows if int(row["year"]) == year]


def years_of(tables: Tables) -> list[int]:
    """The years of the data set: all years of the roster, and of the district's own facts."""
    rows = [*tables.get("roster", []), *tables.get("district", [])]
    return sorted({int(row["year"]) for row in rows})


# The plan


def types_of(plan: Spec, population: str) -> set[str]:
    """The unit types of a population, groups within groups included."""
    if population == "all":
        return set(UNIT_TYPES)
    if population not in plan["groups"]:
        return {population}
    types: set[str] = set()
    for word in plan["groups"][population]:
        types |= types_of(plan, word)
    return types


def measure_of(indicator: Spec) -> str:
    return indicator["monitors"] if indicator["kind"] == "monitor" else indicator["kind"]


def table_of(indicator: Spec) -> str:
    """Whether its members are units, employers or the district alone."""
    implied = {"district_value": "district", "share_of_employers": "employers"}
    return indicator.get("over") or implied.get(measure_of(indicator), "units")


def parts_of(indicator: Spec) -> list[Spec]:
    """Parts of an "and" or a "+": the same population, one column each, no target."""
    shared = {**indicator, "kind": "monitor", "monitors": measure_of(indicator), "targets": []}
    holds, columns = indicator.get("holds") or [], indicator.get("numerator") or []
    denominators = indicator.get("denominator") or []
    parts = []
    if len(holds) > 1:
        for fact in holds:
            parts.append({**shared, "id": f"{indicator['id']}.{fact['column']}", "holds": [fact]})
    elif len(columns) > 1:
        for position, column in enumerate(columns):
            part = {**shared, "id": f"{indicator['id']}.{column}", "numerator": [column]}
            part["denominator"] = denominators[position : position + 1]
            parts.append(part)
    return parts


def catalogue(plan: Spec) -> list[Spec]:
    """Every indicator in the plan's order, each followed by its parts."""
    return [item for whole in plan["indicators"] for item in (whole, *parts_of(whole))]


@dataclass
class Target:
    """A bar as it stands in one year."""

    text: str
    minimum: Fraction
    is_strict: bool = False
    maximum: Fraction | None = None
    is_numeric: bool = True
    due: int | None = None

    def satisfied_by(self, value: Fraction) -> bool:
        return value > self.minimum if self.is_strict else value >= self.minimum


def target_from(given: Spec) -> Target:
    """Read one target of the plan file."""
    due = given.get("by_end_of")
    if given.get("holds"):
        target = Target("yes", ONE, is_numeric=False)
    elif given.get("between") is not None:
        low, high = (quantity(end) for end in given["between"])
        target = Target(f"{written(low)}..{written(high)}", low, maximum=high)
    elif given.get("more_than") is not None:
        bar = quantity(given["more_than"])
        target = Target(f">{written(bar)}", bar, is_strict=True)
    elif given["at_least"] in GRADE_RANKS:
        rank = Fraction(GRADE_RANKS[given["at_least"]])
        target = Target(f">={given['at_least']}", rank, is_numeric=False)
    else:
        bar = quantity(given["at_least"])
        target = Target(f">={written(bar)}", bar)
    target.due = due
    target.text += f"@{due}" if due else ""
    return target


def is_stage(indicator: Spec) -> bool:
    return any(target.get("by_end_of") for target in indicator.get("targets") or [])


def stage_targets(indicator: Spec) -> list[Target]:
    """Its stage targets, the earliest first."""
    given = [target_from(item) for item in indicator.get("targets") or [] if item.get("by_end_of")]
    return sorted(given, key=lambda target: target.due or 0)


def target_in(indicator: Spec, year: int) -> Target | None:
    """The target of a year: the yearly one, or the next stage target (in its own year, that one)."""
    for target in stage_targets(indicator):
        if year <= (target.due or 0):
            return target
    for given in indicator.get("targets") or []:
        first, last = given.get("years") or (year, year)
        if not given.get("by_end_of") and first <= year <= last:
            return target_from(given)
    return None


def target_at(
    plan: Spec, indicator: Spec, scope: str, unit_type: str | None, year: int
) -> Target | None:
    """The target of a year that a group is held to; ``unit_type`` is a unit's, or the group itself.

    A total has its target at district scope alone, a mean has none at ``unit``, and where a
    narrower row asks the same fact, that row judges.
    """
    measure = measure_of(indicator)
    if (measure == "total" and scope != "district") or (measure, scope) == (
        "mean_per_unit",
        "unit",
    ):
        return None
    if unit_type is not None and is_judged_elsewhere(plan, indicator, unit_type, year):
        return None
    return target_in(indicator, year)


def question_of(indicator: Spec) -> tuple[object, ...]:
    """The fact that a row asks, whoever is asked.

    Open: whether a ``once`` fact and a yearly one are the same. They are taken to be two.
    """
    names = ("numerator", "denominator", "holds", "applies_if", "members_if")
    asked = (sorted(map(str, indicator.get(name) or [])) for name in names)
    return indicator["kind"], table_of(indicator), bool(indicator.get("once")), *map(tuple, asked)


def is_judged_elsewhere(plan: Spec, indicator: Spec, unit_type: str, year: int) -> bool:
    """Whether a row with a target this year asks the same of a strictly narrower population.

    Open: a narrower row without a target this year. It judges nobody, so the wider row does.
    """
    for other in plan["indicators"]:
        narrow = asked_by(plan, other)
        if (
            question_of(other) == question_of(indicator)
            and narrow < asked_by(plan, indicator)
            and unit_type in narrow
            and target_in(other, year) is not None
        ):
            return True
    return False


def asked_by(plan: Spec, indicator: Spec) -> set[str]:
    """The types of a population, and the district itself where it is one more member."""
    district = {"the district"} if indicator.get("with_district") else set()
    return types_of(plan, indicator.get("population", "all")) | district


# Who is in it


@dataclass
class Member:
    """A unit, an employer or the district itself in one year, with the cells known of it."""

    id: str
    kind: str
    scopes: dict[str, str]
    cells: Cells
    earlier: list[Cells] = field(default_factory=list)

    def whole_of(self, column: str) -> str | None:
        """The column that this one may not exceed; a guild's members may exceed its workers."""
        if column == "members_total" and self.scopes.get("unit_type") == "trade_guild":
            return None
        return WHOLES[self.kind].get(column)

    def span(self, column: str) -> tuple[int, int | None]:
        """What a cell can be: itself, else from its largest known part to its known whole."""
        known = number(self.cells.get(column))
        if known is not None:
            return known, known
        parts = [part for part in WHOLES[self.kind] if self.whole_of(part) == column]
        least = max((number(self.cells.get(part)) or 0 for part in parts), default=0)
        return least, number(self.cells.get(self.whole_of(column) or ""))


def cut_off(plan: Spec, year: int) -> date:
    return date.fromisoformat(f"{year}-{plan['cut_off']}")


def is_expected(row: Cells, closing: date) -> bool:
    """Founded on or before the cut-off, not dissolved on or before it."""
    founded, dissolved = row.get("founded_on"), row.get("dissolved_on")
    if founded and date.fromisoformat(founded) > closing:
        return False
    return not (dissolved and date.fromisoformat(dissolved) <= closing)


def unit_cells(tables: Tables, unit_id: str, year: int) -> Cells:
    """What is known of a unit for a year: its roster row and its return, if any."""
    cells: Cells = {}
    for name in ("roster", "returns"):
        for row in in_year(tables.get(name, []), year):
            if row["unit_id"] == unit_id:
                cells |= row
    return cells


def units_expected(tables: Tables, plan: Spec, year: int) -> list[Member]:
    """The units that were expected to report; earlier years count whether expected then or not."""
    years = [earlier for earlier in years_of(tables) if earlier < year]
    members = []
    for row in in_year(tables.get("roster", []), year):
        if is_expected(row, cut_off(plan, year)):
            unit_id = row["unit_id"]
            scopes = {
                "commune": row["commune"],
                "unit_type": row["unit_type"],
                "parent": row.get("parent") or plan["issuer"]["id"],
                "unit": unit_id,
            }
            earlier = [unit_cells(tables, unit_id, before) for before in years]
            members.append(
                Member(unit_id, "units", scopes, unit_cells(tables, unit_id, year), earlier)
            )
    return members


def employers_registered(tables: Tables, year: int) -> list[Member]:
    """The employer register of a year, unionised or not."""
    rows = tables.get("employers", [])
    members = []
    for row in in_year(rows, year):
        scopes = {"commune": row["commune"], "unit_type": row["employer_type"]}
        same = [other for other in rows if other["employer_id"] == row["employer_id"]]
        earlier = [other for other in same if int(other["year"]) < year]
        members.append(Member(row["employer_id"], "employers", scopes, row, earlier))
    return members


def has_register(tables: Tables, year: int) -> bool:
    """Whether the employer register has any row in a year."""
    return bool(in_year(tables.get("employers", []), year))


def is_district_dissolved(tables: Tables, plan: Spec, year: int) -> bool:
    """From the year whose cut-off the district's ``dissolved_on`` precedes.

    Open: on the cut-off day itself. "Precedes" is taken to the letter (strictly before), although
    a unit dissolved on the day is no longer expected. The date stands once, in any row.
    """
    dates = [row.get("dissolved_on") for row in tables.get("district", [])]
    return any(date.fromisoformat(day) < cut_off(plan, year) for day in dates if day)


def district_member(tables: Tables, plan: Spec, year: int) -> Member:
    """The district federation itself; without a row for the year nothing of it is known."""
    rows = tables.get("district", [])
    cells: Cells = {}
    for row in in_year(rows, year):
        cells = row
    earlier = [row for row in rows if int(row["year"]) < year]
    return Member(plan["issuer"]["id"], "district", {}, cells, earlier)


def population(tables: Tables, plan: Spec, indicator: Spec, year: int) -> list[Member]:
    """The members of an indicator's population in a year, at district scope."""
    if table_of(indicator) == "district":
        return [district_member(tables, plan, year)]
    if table_of(indicator) == "employers":
        members = employers_registered(tables, year)
    else:
        members = units_expected(tables, plan, year)
    types = types_of(plan, indicator.get("population", "all"))
    conditions = indicator.get("members_if") or []
    members = [
        member
        for member in members
        if member.scopes["unit_type"] in types and all_hold(conditions, member) is True
    ]
    if indicator.get("with_district") and not is_district_dissolved(tables, plan, year):
        members.append(district_member(tables, plan, year))
    return members


def scopes_of(indicator: Spec) -> tuple[str, ...]:
    if table_of(indicator) == "district":
        return ("district",)
    return EMPLOYER_SCOPES if table_of(indicator) == "employers" else SCOPES


def groups_of(plan: Spec, scope: str, members: list[Member]) -> dict[str, list[Member]]:
    """The members by scope_id; the district itself is a member at district scope only."""
    if scope == "district":
        return {plan["issuer"]["id"]: members}
    groups: dict[str, list[Member]] = {}
    for member in members:
        if member.scopes:
            groups.setdefault(member.scopes[scope], []).append(member)
    return groups


# Facts


def holds(condition: Spec, member: Member, once: object = None) -> bool | None:
    """One fact: known yes, known no, or unknown (None)."""
    cell = member.cells.get(condition["column"]) or ""
    if condition.get("present") is not None:
        return bool(cell) == condition["present"]
    if condition.get("over") is not None:
        return holds_quotient(condition, member.cells)
    if is_threshold(condition):
        return holds_threshold(condition, *member.span(condition["column"]))
    if once and any(earlier.get(condition["column"]) == "true" for earlier in member.earlier):
        return True
    if not cell:
        return None
    if condition.get("is_not") is not None:
        return cell != condition["is_not"]
    if condition.get("at_least") is not None:
        return holds_grade(cell, condition["at_least"])
    return cell == "true"


def is_threshold(condition: Spec) -> bool:
    bar = condition.get("more_than", condition.get("at_least"))
    return bar is not None and bar not in GRADE_RANKS


def holds_threshold(condition: Spec, least: int, most: int | None) -> bool | None:
    """A number against a bar, decided by all that the number can be."""

    def reached(figure: int) -> bool:
        if condition.get("more_than") is not None:
            return figure > quantity(condition["more_than"])
        return figure >= quantity(condition["at_least"])

    if reached(least):
        return True
    return False if most is not None and not reached(most) else None


def holds_quotient(condition: Spec, cells: Cells) -> bool | None:
    """A quotient of two columns against a bar, by whole numbers; both must be known.

    Open: 0 over an unknown amount reaches no bar above 0, whatever the amount; the worked examples
    leave it unknown all the same.
    """
    upper, lower = number(cells.get(condition["column"])), number(cells.get(condition["over"]))
    if upper is None or not lower:
        return None
    return upper >= quantity(condition["at_least"]) * lower


def holds_grade(cell: str, bar: object) -> bool | None:
    """A grade against a bar; a grade without a rank says nothing."""
    return GRADE_RANKS[cell] >= GRADE_RANKS[str(bar)] if cell in GRADE_RANKS else None


def all_hold(conditions: list[Spec], member: Member, once: object = None) -> bool | None:
    """Three-valued "and": one known "no" settles it; "yes" needs all known."""
    known = [holds(condition, member, once) for condition in conditions]
    if False in known:
        return False
    return None if None in known else True


def sum_of(columns: list[str], cells: Cells) -> int | None:
    """A sum of columns, known only when every one of them is."""
    numbers = [number(cells.get(column)) for column in columns]
    return None if None in numbers else sum(n for n in numbers if n is not None)


# One member


REPORTED, NOT_APPLICABLE, MISSING = "reported", "not_applicable", "missing"


@dataclass
class Outcome:
    """What one member brings to a roll-up; of a missing one, what it adds to each end.

    ``low`` and ``high`` are pairs of a numerator and a denominator; None where the end is open.
    """

    status: str
    numerator: int = 0
    denominator: int = 0
    low: tuple[int, int] | None = (0, 0)
    high: tuple[Fraction, int] | None = (ZERO, 0)
    unknown: int = 0
    is_carried: bool = False


def share_outcome(indicator: Spec, member: Member) -> Outcome:
    """Holds or not, where it applies; an unknown applicability is missing."""
    applies = all_hold(indicator.get("applies_if") or [], member)
    if applies is False:
        return Outcome(NOT_APPLICABLE)
    fact = all_hold(indicator["holds"], member, indicator.get("once"))
    if applies and fact is not None:
        return Outcome(REPORTED, numerator=int(fact), denominator=1)
    if fact is None:
        return Outcome(MISSING, low=(0, 1), high=(ONE, 1), unknown=1)
    return Outcome(MISSING, high=(ONE, 1)) if fact else Outcome(MISSING, low=(0, 1))


def ratio_outcome(indicator: Spec, member: Member) -> Outcome:
    """A denominator known to be 0: not applicable, whatever the numerator; else both or missing."""
    numerator = sum_of(indicator["numerator"], member.cells)
    denominator = sum_of(indicator["denominator"], member.cells)
    if denominator == 0:
        return Outcome(NOT_APPLICABLE)
    if numerator is None or denominator is None:
        return missing_ratio(indicator, member, is_known=numerator is not None)
    return Outcome(REPORTED, numerator, denominator)


def missing_ratio(indicator: Spec, member: Member, *, is_known: bool) -> Outcome:
    """What a missing member can still bring, by the spans of its cells and by its earlier years."""
    rate = quantity(indicator["max_rate"]) if indicator.get("max_rate") is not None else ONE
    least = sum(member.span(column)[0] for column in indicator["numerator"])
    base = sum(member.span(column)[0] for column in indicator["denominator"])
    base = max(base, -(-least * rate.denominator // rate.numerator))
    caps = [cap_of(member, column) for column in indicator["denominator"]]
    is_carried = any(carried for _, carried in caps)
    if any(cap is None for cap, _ in caps):
        high = (Fraction(least), base) if is_known else None
        return Outcome(MISSING, low=None, high=high, is_carried=is_carried)
    most = max(base, sum(cap or 0 for cap, _ in caps))
    high = (Fraction(least), base) if is_known else (rate * most, most)
    unknown = 0 if is_known else most
    return Outcome(MISSING, low=(least, most), high=high, unknown=unknown, is_carried=is_carried)


def cap_of(member: Member, column: str) -> tuple[int | None, bool]:
    """The most that a denominator's column can be, None without a cap; and whether it is carried."""
    known = number(member.cells.get(column))
    if known is not None:
        return known, False
    _, most = member.span(column)
    past = [number(cells.get(column)) for cells in member.earlier]
    largest = max((figure for figure in past if figure is not None), default=0)
    if largest and (most is None or largest < most):
        return largest, True
    return most, False


def count_outcome(indicator: Spec, member: Member) -> Outcome:
    """A count of a mean or a total."""
    count = sum_of(indicator["numerator"], member.cells)
    return Outcome(MISSING) if count is None else Outcome(REPORTED, count, 1)


def district_outcome(indicator: Spec, member: Member) -> Outcome:
    """A count, a yes/no as 1 or 0, or a grade's rank.

    Open: a district that is ``not_graded`` has no rank; it is missing here.
    """
    if indicator.get("holds"):
        fact = all_hold(indicator["holds"], member, indicator.get("once"))
        return Outcome(MISSING) if fact is None else Outcome(REPORTED, int(fact))
    if is_graded(indicator):
        grade = member.cells.get(indicator["numerator"][0])
        rank = GRADE_RANKS.get(grade or "")
        return Outcome(MISSING) if rank is None else Outcome(REPORTED, rank)
    return count_outcome(indicator, member)


def is_graded(indicator: Spec) -> bool:
    """Whether its one column holds a grade, not a count."""
    return (indicator.get("numerator") or [""])[0] in GRADE_COLUMNS


OUTCOMES: dict[str, Callable[[Spec, Member], Outcome]] = {
    "share_of_units": share_outcome,
    "share_of_employers": share_outcome,
    "ratio": ratio_outcome,
    "mean_per_unit": count_outcome,
    "total": count_outcome,
    "district_value": district_outcome,
}


# One roll-up


@dataclass
class Rollup:
    """The figures of one group in one year; an open or empty end is None."""

    expected: int = 0
    reported: int = 0
    not_applicable: int = 0
    missing: int = 0
    numerator: int | None = None
    denominator: int | None = None
    value: Fraction | None = None
    lower: Fraction | None = None
    upper: Fraction | None = None
    low: tuple[int, int] = (0, 0)
    unknown: int = 0
    is_carried: bool = False
    is_unbounded: bool = False
    has_no_register: bool = False


def roll_up(indicator: Spec, outcomes: list[Outcome]) -> Rollup:
    """Count the members, sum over those that reported, and set value and bounds."""
    statuses = [outcome.status for outcome in outcomes]
    rollup = Rollup(
        expected=len(outcomes),
        reported=statuses.count(REPORTED),
        not_applicable=statuses.count(NOT_APPLICABLE),
        missing=statuses.count(MISSING),
    )
    missing = [outcome for outcome in outcomes if outcome.status == MISSING]
    rollup.unknown = sum(outcome.unknown for outcome in missing)
    rollup.is_carried = any(outcome.is_carried for outcome in missing)
    if rollup.reported:
        reported = [outcome for outcome in outcomes if outcome.status == REPORTED]
        rollup.numerator = sum(outcome.numerator for outcome in reported)
        if measure_of(indicator) not in ("total", "district_value"):
            rollup.denominator = sum(outcome.denominator for outcome in reported)
        rollup.value = Fraction(rollup.numerator, rollup.denominator or 1)
    if rollup.missing:
        BOUNDS[measure_of(indicator)](indicator, rollup, missing)
    else:
        rollup.lower = rollup.upper = rollup.value
    return rollup


def without_register() -> Rollup:
    """A year without any row in the employer register: nobody expected, bounds 0 to 1."""
    return Rollup(lower=ZERO, upper=ONE, has_no_register=True)


def fraction_bounds(indicator: Spec, rollup: Rollup, missing: list[Outcome]) -> None:
    """What is added at each end; an end that is open, or over nothing, is as far as it can go."""
    done, base = rollup.numerator or 0, rollup.denominator or 0
    rollup.lower, rollup.upper = ZERO, None if indicator.get("max_rate") is not None else ONE
    lows = [outcome.low for outcome in missing if outcome.low is not None]
    rollup.low = done + sum(n for n, _ in lows), base + sum(d for _, d in lows)
    if len(lows) == len(missing) and rollup.low[1]:
        rollup.lower = Fraction(*rollup.low)
    else:
        rollup.is_unbounded = True
    highs = [outcome.high for outcome in missing if outcome.high is not None]
    whole = base + sum(d for _, d in highs)
    if len(highs) == len(missing) and whole:
        rollup.upper = (done + sum((n for n, _ in highs), ZERO)) / whole
    else:
        rollup.is_unbounded = True


def mean_bounds(indicator: Spec, rollup: Rollup, missing: list[Outcome]) -> None:
    rollup.lower = Fraction(rollup.numerator or 0, rollup.expected)


def total_bounds(indicator: Spec, rollup: Rollup, missing: list[Outcome]) -> None:
    rollup.lower = Fraction(rollup.numerator or 0)


def district_bounds(indicator: Spec, rollup: Rollup, missing: list[Outcome]) -> None:
    """Not known: counts 0 to open, yes/no 0 to 1, grades 0 to 3."""
    rollup.lower = ZERO
    if indicator.get("holds"):
        rollup.upper = ONE
    elif is_graded(indicator):
        rollup.upper = Fraction(max(GRADE_RANKS.values()))


BOUNDS: dict[str, Callable[[Spec, Rollup, list[Outcome]], None]] = {
    "share_of_units": fraction_bounds,
    "share_of_employers": fraction_bounds,
    "ratio": fraction_bounds,
    "mean_per_unit": mean_bounds,
    "total": total_bounds,
    "district_value": district_bounds,
}


def verdict_of(indicator: Spec, rollup: Rollup, target: Target | None, year: int) -> str:
    """The first rule that matches."""
    if rollup.expected == rollup.not_applicable and not rollup.has_no_register:
        return "not_applicable"
    if target is None:
        return "no_target"
    if target.due is not None and year < target.due:
        return "not_due"
    assert rollup.lower is not None
    if target.satisfied_by(rollup.lower):
        return "met"
    if rollup.upper is not None and not target.satisfied_by(rollup.upper):
        return "not_met"
    if is_lost(indicator, rollup, target):
        return "not_met"
    return "undetermined"


def is_lost(indicator: Spec, rollup: Rollup, target: Target) -> bool:
    """One person left out cannot be made good: a ratio of at least 100%, without a max_rate."""
    if measure_of(indicator) != "ratio" or indicator.get("max_rate") is not None:
        return False
    if target.is_strict or target.minimum < 1 or not rollup.reported:
        return False
    return (rollup.numerator or 0) < (rollup.denominator or 0)


def least_sufficient(target: Target, denominator: int) -> int:
    """The least whole numerator that meets a target."""
    needed = target.minimum * denominator
    if target.is_strict:
        return needed.numerator // needed.denominator + 1
    return -(-needed.numerator // needed.denominator)


def slack_of(indicator: Spec, rollup: Rollup, target: Target | None) -> int | None:
    """How many more (negative: too few) than the target needs, over those that reported."""
    if target is None or not target.is_numeric or rollup.numerator is None:
        return None
    if measure_of(indicator) in ("total", "district_value"):
        return rollup.numerator - least_sufficient(target, 1)
    return rollup.numerator - least_sufficient(target, rollup.denominator or 0)


def breakeven_of(
    indicator: Spec, rollup: Rollup, target: Target | None, verdict: str
) -> Fraction | None:
    """The rate that the missing would need, of what is really unknown."""
    if verdict != "undetermined" or target is None or rollup.is_unbounded or not rollup.unknown:
        return None
    if measure_of(indicator) not in (*SHARES, "ratio"):
        return None
    done, base = rollup.low
    return (target.minimum * base - done) / rollup.unknown


def is_exceeded(rollup: Rollup, target: Target | None, verdict: str) -> bool:
    """Over the maximum of a ``between``.

    Open: with somebody missing (a mean only); every value must be over it here.
    """
    if verdict != "met" or target is None or target.maximum is None:
        return False
    return rollup.lower is not None and rollup.lower > target.maximum


def is_all_or_nothing(indicator: Spec, scope: str, rollup: Rollup, target: Target | None) -> bool:
    """A unit's ratio with a target below 100% that only everyone meets."""
    if scope != "unit" or measure_of(indicator) != "ratio" or target is None:
        return False
    if target.minimum >= 1 or not rollup.denominator:
        return False
    return least_sufficient(target, rollup.denominator) == rollup.denominator


# Trajectory


def is_complete(plan: Spec, rollup: Rollup) -> bool:
    """At most a tenth (the plan's setting) of reported + missing is missing.

    A year in which nobody reported and nobody is missing, or without a register, has no value: it
    is no baseline (so in the worked examples), and here a gap in a pace too (the spec is silent).
    """
    if not rollup.reported:
        return False
    limit = quantity(plan["complete_if_missing_at_most"])
    return rollup.missing <= limit * (rollup.reported + rollup.missing)


def baseline_of(plan: Spec, history: dict[int, Rollup]) -> int | None:
    """The plan's baseline year where it is complete, else the first later complete year."""
    complete = [year for year, rollup in history.items() if is_complete(plan, rollup)]
    return min((year for year in complete if year >= plan["baseline_year"]), default=None)


def planned_path(
    indicator: Spec, history: dict[int, Rollup], baseline: int, year: int
) -> Fraction | None:
    """The path in a year: straight lines through the baseline and the planned knots.

    In a target year the planned knot stands in for the baseline value; a stretch that starts at
    or above its next knot is flat, at that knot.
    """
    knots = {target.due or 0: target.minimum for target in stage_targets(indicator)}
    start = knots.get(baseline, history[baseline].value)
    assert start is not None
    points = [(baseline, start), *sorted(item for item in knots.items() if item[0] > baseline)]
    for (left, low), (right, high) in pairwise(points):
        if left <= year <= right:
            return high if low >= high else low + (high - low) * Fraction(year - left, right - left)
    return None


def observed_pace(plan: Spec, history: dict[int, Rollup], year: int) -> Fraction | None:
    """(y_t - y_(t-k)) / k for the largest k <= 3 with complete years without a gap."""
    for k in (3, 2, 1):
        stretch = [history.get(earlier) for earlier in range(year - k, year + 1)]
        if all(rollup is not None and is_complete(plan, rollup) for rollup in stretch):
            first, last = history[year - k].value, history[year].value
            assert first is not None
            assert last is not None
            return (last - first) / k
    return None


def trajectory_of(
    plan: Spec, indicator: Spec, history: dict[int, Rollup], target: Target | None, year: int
) -> str:
    """The first word that matches; empty without a target ahead."""
    now = history[year]
    if target is None or target.due is None:
        return ""
    if verdict_of(indicator, now, target, year) == "not_applicable":
        return ""
    if year == target.due:
        return "due"
    baseline = baseline_of(plan, history)
    if now.value is not None and now.lower is not None and now.lower >= target.minimum:
        was_there = was_at_target(indicator, history, baseline, target)
        return "maintained" if was_there else "achieved_early"
    if baseline is None or year < baseline or now.value is None:
        return "not_assessable"
    return standing_on_path(plan, indicator, history, target, year, baseline)


def was_at_target(
    indicator: Spec, history: dict[int, Rollup], baseline: int | None, target: Target
) -> bool:
    """Whether the value of the baseline year was already at the target.

    Open: a baseline after the year in question. "If there is a baseline" is taken to the letter.
    """
    if baseline is None:
        return False
    knots = {stage.due: stage.minimum for stage in stage_targets(indicator)}
    # In a target year the planned knot stands in for the baseline value, here as on the path.
    value = knots.get(baseline, history[baseline].value)
    return value is not None and value >= target.minimum


def standing_on_path(
    plan: Spec,
    indicator: Spec,
    history: dict[int, Rollup],
    target: Target,
    year: int,
    baseline: int,
) -> str:
    now = history[year]
    path = planned_path(indicator, history, baseline, year)
    assert path is not None
    assert now.value is not None
    assert now.lower is not None
    if now.lower >= path:
        return "on_path"
    if now.upper is None or path <= now.upper:
        return "undetermined"
    pace = observed_pace(plan, history, year)
    if pace is None:
        return "behind"
    if pace < 0:
        return "regressing"
    required = (target.minimum - now.value) / ((target.due or 0) - year)
    return "behind_recovering" if pace >= required else "off_track"


def is_overdue(
    indicator: Spec, history: dict[int, Rollup], year: int, held_to: Callable[[int], Target | None]
) -> bool:
    """A target year has passed ``not_met`` and today's value is still below that target.

    Only at the scopes that have a trajectory (so in the worked examples); any passed target counts,
    also the last one, when none is ahead.
    """
    now = history[year].value
    for target in stage_targets(indicator):
        due = target.due or 0
        if now is None or now >= target.minimum or due >= year or due not in history:
            continue
        if verdict_of(indicator, history[due], held_to(due), due) == "not_met":
            return True
    return False


# The table


class Oracle:
    """One data set under one plan; remembers populations only to spare repeated walks."""

    def __init__(self, tables: Tables, plan: Spec) -> None:
        self.tables, self.plan = tables, plan
        self._populations: dict[tuple[str, int], list[Member]] = {}

    def groups(self, indicator: Spec, scope: str, year: int) -> dict[str, list[Member]]:
        key = (indicator["id"], year)
        if key not in self._populations:
            self._populations[key] = population(self.tables, self.plan, indicator, year)
        return groups_of(self.plan, scope, self._populations[key])

    def rollup(self, indicator: Spec, scope: str, scope_id: str, year: int) -> Rollup:
        """The figures of one group in one year; nobody in it: all zero and empty."""
        if table_of(indicator) == "employers" and not has_register(self.tables, year):
            return without_register()
        is_dissolved = is_district_dissolved(self.tables, self.plan, year)
        if table_of(indicator) == "district" and is_dissolved:
            return roll_up(indicator, [Outcome(NOT_APPLICABLE)])
        members = self.groups(indicator, scope, year).get(scope_id, [])
        outcome = OUTCOMES[measure_of(indicator)]
        return roll_up(indicator, [outcome(indicator, member) for member in members])

    def unit_type(self, indicator: Spec, scope: str, scope_id: str, year: int) -> str | None:
        """The one type of a group that decision 17 speaks of: a unit's, or the type itself."""
        if scope == "unit":
            return self.groups(indicator, scope, year)[scope_id][0].scopes["unit_type"]
        return scope_id if scope == "unit_type" else None

    def history(self, indicator: Spec, scope: str, scope_id: str) -> dict[int, Rollup]:
        """The same group in every year of the data set, as published."""
        years = years_of(self.tables)
        return {year: self.rollup(indicator, scope, scope_id, year) for year in years}

    def row(self, indicator: Spec, scope: str, scope_id: str, year: int) -> Row:
        rollup = self.rollup(indicator, scope, scope_id, year)
        unit_type = self.unit_type(indicator, scope, scope_id, year)

        def held_to(then: int) -> Target | None:
            return target_at(self.plan, indicator, scope, unit_type, then)

        target = held_to(year)
        verdict = verdict_of(indicator, rollup, target, year)
        trajectory, overdue = "", False
        if is_stage(indicator) and scope in TRAJECTORY_SCOPES:
            history = {**self.history(indicator, scope, scope_id), year: rollup}
            trajectory = trajectory_of(self.plan, indicator, history, target, year)
            overdue = is_overdue(indicator, history, year, held_to)
        flags = {
            "all_or_nothing": is_all_or_nothing(indicator, scope, rollup, target),
            "carried": rollup.is_carried,
            "exceeded": is_exceeded(rollup, target, verdict),
            "overdue": overdue,
            "unbounded": rollup.is_unbounded,
        }
        cells = {
            "indicator": indicator["id"],
            "year": year,
            "scope": scope,
            "scope_id": scope_id,
            "target": target.text if target else "",
            "verdict": verdict,
            "slack": slack_of(indicator, rollup, target),
            "breakeven": breakeven_of(indicator, rollup, target, verdict),
            "trajectory": trajectory,
            "flags": ";".join(sorted(name for name, is_set in flags.items() if is_set)),
        }
        return {name: cells.get(name, getattr(rollup, name, None)) for name in COLUMNS}


def expected_table(tables: Tables, plan: Spec, year: int) -> list[Row]:
    """The indicator table of one year, in the order that the contract gives."""
    oracle = Oracle(tables, plan)
    rows = []
    for indicator in catalogue(plan):
        for scope in scopes_of(indicator):
            for scope_id in sorted(oracle.groups(indicator, scope, year)):
                rows.append(oracle.row(indicator, scope, scope_id, year))
    return rows
