"""The whole indicator table again, in polars: something fair to measure the engine against.

Like the engine it knows kinds, never an indicator by name. States and verdicts are expressions, a
fact is a nullable boolean (polars' "and" is three-valued already), sums are `group_by`s, and the
pieces of one indicator are collected together. Only the few rows that have a trajectory share the
engine's plain Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby

import polars as pl

from analysis.indicators.rollups import SCOPES
from analysis.indicators.trajectory import TRAJECTORIES, Point, assess, is_overdue
from analysis.indicators.verdicts import FLAGS, VERDICTS
from analysis.plan import Condition, Indicator, Plan, Target
from analysis.tables.dictionary import dictionary
from analysis.tables.load import Dataset

GRADES = dictionary().ranked["grade"]
COUNTS = ("expected", "reported", "not_applicable", "missing")
TRAJECTORY_SCOPES = ("district", "unit_type")
KEYS = ("year", "scope_id")

VERDICT = pl.Enum(VERDICTS)
SCOPE = pl.Enum(SCOPES)
TRAJECTORY = pl.Enum(TRAJECTORIES)
FLAG_WORDS = [
    ";".join(flag for bit, flag in enumerate(FLAGS) if code >> bit & 1)
    for code in range(2 ** len(FLAGS))
]

N, D, CAP = pl.col("numerator"), pl.col("denominator"), pl.col("cap")
MISSING, CARRIED, UNCAPPED = pl.col("missing"), pl.col("carried"), pl.col("uncapped")
HAS_VALUE = pl.col("reported") > 0


def to_polars(dataset: Dataset) -> dict[str, pl.DataFrame]:
    """Return a dataset's tables as polars frames (set-up, not part of the computation)."""
    return {name: pl.from_pandas(frame) for name, frame in dataset.tables.items()}


@dataclass(frozen=True)
class Source:
    """One row per member and year, sorted by year and id, ids as `scope_id` words."""

    frame: pl.DataFrame
    scopes: dict[str, str]


@dataclass(frozen=True)
class Work:
    """What the whole computation needs."""

    plan: Plan
    years: list[int]
    registered: set[int]
    sources: dict[str, Source]
    words: dict[str, pl.Enum]


def compute_table(tables: dict[str, pl.DataFrame], plan: Plan) -> pl.DataFrame:
    """Return the indicator table of all years and scopes."""
    work = _prepare(tables, plan)
    pieces = {
        (indicator.id, scope): piece
        for indicator in plan.catalogue()
        for scope, piece in _judged(work, indicator).items()
    }
    # Each piece is sorted by year and name: slices in the right order need no sorting.
    wanted = sorted(tables["roster"]["year"].unique())
    slices = [_of_year(piece, year) for year in wanted for piece in pieces.values()]
    return pl.concat(slices)


def _of_year(piece: pl.DataFrame, year: int) -> pl.DataFrame:
    start, end = (piece["year"].search_sorted(year, side) for side in ("left", "right"))
    return piece.slice(start, end - start)


# Who is asked


def _prepare(tables: dict[str, pl.DataFrame], plan: Plan) -> Work:
    catalogue = plan.catalogue()
    of_tables = (tables[name]["year"] for name in ("roster", "employers", "district"))
    years = sorted(set[int]().union(*of_tables))
    words = {
        "indicator": pl.Enum([item.id for item in catalogue]),
        "target": pl.Enum(sorted({"", *(str(t) for item in catalogue for t in item.targets)})),
    }
    groups = {name: name for name in ("commune", "unit_type", "parent")}
    frames = {
        "units": (_units(tables, plan), pl.col("unit_id").to_physical()),
        "employers": (_employers(tables), pl.col("employer_id")),
        "district": (_district(tables, plan, years), pl.col("year") * 0),
    }
    scopes = {
        "units": {**groups, "unit": "unit_id"},
        "employers": {"commune": "commune", "unit_type": "employer_type"},
        "district": {},
    }
    sources = {
        over: Source(_with_earlier(frame, key, _capped(over, catalogue), len(years)), scopes[over])
        for over, (frame, key) in frames.items()
    }
    return Work(plan, years, set(tables["employers"]["year"].unique()), sources, words)


def _units(tables: dict[str, pl.DataFrame], plan: Plan) -> pl.LazyFrame:
    days = {year: plan.cut_off_in(year) for year in tables["roster"]["year"].unique()}
    cut_off = pl.col("year").replace_strict(days, return_dtype=pl.Date)
    return (
        tables["roster"]
        .lazy()
        .join(tables["returns"].lazy(), on=["year", "unit_id"], how="left")
        .sort("year", "unit_id")
        .with_columns(
            pl.col("parent").fill_null(plan.issuer.id).cast(pl.Categorical),
            pl.col("commune", "unit_type", "unit_id").cast(pl.Categorical),
            type=pl.col("unit_type").cast(pl.Categorical),
            is_expected=(pl.col("founded_on") <= cut_off).fill_null(True)
            & (pl.col("dissolved_on") > cut_off).fill_null(True),
        )
    )


def _employers(tables: dict[str, pl.DataFrame]) -> pl.LazyFrame:
    return (
        tables["employers"]
        .lazy()
        .sort("year", "employer_id")
        .with_columns(
            pl.col("commune", "employer_type").cast(pl.Categorical),
            type=pl.col("employer_type").cast(pl.Categorical),
            is_expected=True,
        )
    )


def _district(tables: dict[str, pl.DataFrame], plan: Plan, years: list[int]) -> pl.LazyFrame:
    """Return the district itself, one row for every year, reported or not; grades as ranks."""
    ended = tables["district"]["dissolved_on"].min()
    alive = [ended is None or ended.date() >= plan.cut_off_in(year) for year in years]
    ranks = {word: rank for rank, word in enumerate(GRADES)}
    grade = pl.col("district_grade")
    return (
        pl.LazyFrame({"year": years, "is_expected": alive})
        .join(tables["district"].lazy(), on="year", how="left")
        .with_columns(grade.replace_strict(ranks, default=None, return_dtype=pl.Int64))
        .sort("year")
    )


def _capped(over: str, catalogue: Sequence[Indicator]) -> list[str]:
    """Return the denominators that may stand in for a missing one in a later year."""
    ratios = [item for item in catalogue if item.measure == "ratio"]
    ratios = [i for i in ratios if i.over == over or (over == "district" and i.with_district)]
    return sorted({name for item in ratios for name in item.denominator})


def _with_earlier(
    frame: pl.LazyFrame, key: pl.Expr, columns: Sequence[str], years: int
) -> pl.DataFrame:
    """Add each column's largest value in the member's earlier years; 0 is no cap."""
    # The years are few: looking back row by row beats a window, which groups anew per column.
    back = range(1, years)
    own = [key == key.shift(k) for k in back]
    earlier = {
        name: [pl.when(same).then(pl.col(name).shift(k)) for k, same in zip(back, own, strict=True)]
        for name in columns
    }
    largest = {n: pl.max_horizontal(pl.lit(None, pl.Int64), *e) for n, e in earlier.items()}
    caps = {f"{n}_before": pl.when(value > 0).then(value) for n, value in largest.items()}
    by_member = frame.with_row_index("row").sort(key, "row")
    return by_member.with_columns(**caps).sort("row").drop("row").collect()


# What each member is


def _fact(condition: Condition) -> pl.Expr:
    """Return a condition as true, false or null."""
    cell = pl.col(condition.column)
    if condition.present is not None:
        return cell.is_not_null() == condition.present
    if condition.is_not is not None:
        return cell != condition.is_not
    if isinstance(condition.at_least, str):
        return cell.is_in(GRADES[GRADES.index(condition.at_least) :])
    bar = condition.at_least if condition.more_than is None else condition.more_than
    if bar is None:
        return cell
    base = pl.lit(1) if condition.over is None else pl.col(condition.over)
    left, right = cell * bar.denominator, base * bar.numerator
    holds = left > right if condition.more_than is not None else left >= right
    return holds if condition.over is None else pl.when(base > 0).then(holds)


def _facts(conditions: Iterable[Condition]) -> pl.Expr:
    facts = [_fact(condition) for condition in conditions]
    return pl.all_horizontal(facts) if facts else pl.lit(True)


def _sum(columns: Sequence[str], suffix: str = "") -> pl.Expr:
    """Add columns; null where any is."""
    first, *rest = (pl.col(name + suffix) for name in columns)
    for column in rest:
        first = first + column
    return first


def _states(indicator: Indicator) -> dict[str, pl.Expr]:
    """Return what a member of the population is, and with how much."""
    no = pl.lit(False)
    if indicator.holds:
        applies, facts = _facts(indicator.applies_if), _facts(indicator.holds)
        reported = (applies & facts.is_not_null()).fill_null(False)
        not_applicable = (~applies).fill_null(False)
        missing = ~reported & ~not_applicable
        sums = (reported & facts, reported, missing, no, no)
    elif indicator.measure == "ratio":
        above, below = _sum(indicator.numerator), _sum(indicator.denominator)
        not_applicable = (below == 0).fill_null(False)
        reported = (above.is_not_null() & (below > 0)).fill_null(False)
        missing = ~reported & ~not_applicable
        sums = (
            pl.when(reported).then(above).otherwise(0),
            pl.when(reported).then(below).otherwise(0),
            *_caps(indicator, above, missing),
        )
    else:
        above = _sum(indicator.numerator)
        reported, not_applicable, missing = above.is_not_null(), no, above.is_null()
        sums = (above.fill_null(0), reported, missing, no, no)
    names = ("numerator", "denominator", "cap", "carried", "uncapped")
    counts = dict(zip(COUNTS, (pl.lit(True), reported, not_applicable, missing), strict=True))
    return counts | dict(zip(names, sums, strict=True))


def _caps(indicator: Indicator, above: pl.Expr, missing: pl.Expr) -> tuple[pl.Expr, ...]:
    cells = [(pl.col(name), pl.col(f"{name}_before")) for name in indicator.denominator]
    known = pl.sum_horizontal([pl.coalesce(cell, before) for cell, before in cells])
    cap = pl.when(missing).then(pl.max_horizontal(known, above)).otherwise(0)
    carried = pl.any_horizontal([cell.is_null() & before.is_not_null() for cell, before in cells])
    uncapped = pl.any_horizontal([cell.is_null() & before.is_null() for cell, before in cells])
    return cap, missing & carried, missing & uncapped


def _members(work: Work, indicator: Indicator) -> pl.LazyFrame:
    """Return the states of an indicator's population, with the keys of every scope."""
    source = work.sources[indicator.over]
    chosen = [pl.col("is_expected")]
    if indicator.over != "district" and indicator.population != "all":
        types = pl.Series(sorted(work.plan.types_in(indicator.population)), dtype=pl.Categorical)
        chosen.append(pl.col("type").is_in(types.implode()))
    if indicator.members_if:
        chosen.append(_facts(indicator.members_if))
    keys = ["year", *source.scopes.values()]
    return source.frame.lazy().filter(*chosen).select(*keys, **_states(indicator))


# Sums per scope


def _summed(by: Sequence[str], states: pl.LazyFrame) -> pl.LazyFrame:
    """Sum the states; whole sums in 128 bits, so that no product of theirs overflows."""
    return states.group_by(by).agg(
        pl.col(*COUNTS).sum().cast(pl.Int64),
        pl.col("numerator", "denominator", "cap").sum().cast(pl.Int128),
        pl.col("carried", "uncapped").any(),
    )


def _pooled(work: Work, indicator: Indicator) -> dict[str, pl.LazyFrame]:
    """Return the sums of every scope, sorted by year and name."""
    states = _members(work, indicator).collect().lazy()
    pooled = {"district": _pooled_district(work, indicator, states)}
    for scope, key in work.sources[indicator.over].scopes.items():
        named = states.rename({key: "scope_id"})
        if scope == "unit":
            # A unit has one row a year, already sorted: nothing to sum.
            summands = (*COUNTS, "numerator", "denominator", "cap")
            pooled[scope] = named.with_columns(pl.col(*summands).cast(pl.Int64))
        else:
            pooled[scope] = _summed(KEYS, named).sort(KEYS)
    return pooled


def _pooled_district(work: Work, indicator: Indicator, states: pl.LazyFrame) -> pl.LazyFrame:
    summands = _states(indicator)
    sums = states.select("year", *summands)
    if indicator.with_district:
        own = work.sources["district"].frame.lazy().filter("is_expected")
        sums = pl.concat([sums, own.select("year", **summands)])
    every_year = pl.LazyFrame({"year": work.years})
    rows = every_year.join(_summed(["year"], sums), on="year", how="left").sort("year")
    counts = (*COUNTS, "numerator", "denominator", "cap")
    rows = rows.with_columns(
        pl.col(*counts).fill_null(0),
        pl.col("carried", "uncapped").fill_null(False),
        scope_id=pl.lit(work.plan.issuer.id, pl.Categorical),
    )
    if indicator.over == "district":
        # Expected every year; once the level has ended, its value does not apply.
        ended = pl.col("not_applicable") + 1 - pl.col("expected")
        rows = rows.with_columns(expected=pl.lit(1, pl.Int64), not_applicable=ended)
    return rows


# Verdicts


@dataclass(frozen=True)
class Terms:
    """The bar, and under which circumstances it is judged."""

    target: Target | None
    is_due: bool
    is_registered: bool


@dataclass(frozen=True)
class Ends:
    """Value and bounds, each a numerator and a denominator."""

    value: tuple[pl.Expr, pl.Expr]
    lower: tuple[pl.Expr, pl.Expr]
    upper: tuple[pl.Expr, pl.Expr]
    is_open: pl.Expr
    unbounded: pl.Expr


def _terms(work: Work, indicator: Indicator, scope: str) -> list[tuple[Terms, list[int]]]:
    """Return runs of years under the same terms; the plan asks a total of the district alone."""

    def terms(year: int) -> Terms:
        target = indicator.target_in(year)
        if indicator.measure == "total" and scope != "district":
            target = None
        stage = target.by_end_of if target else None
        registered = indicator.over != "employers" or year in work.registered
        return Terms(target, stage is None or year >= stage, registered)

    return [(one, list(years)) for one, years in groupby(work.years, terms)]


def _ends(indicator: Indicator) -> Ends:
    one, no = pl.lit(1), pl.lit(False)
    is_missing, nobody = MISSING > 0, pl.col("expected") == 0
    if indicator.measure == "district_value":
        ceiling = _ceiling(indicator)
        top = pl.when(HAS_VALUE).then(N).otherwise(ceiling or 0)
        return Ends((N, one), (N, one), (top, one), is_missing if ceiling is None else no, no)
    if indicator.measure == "total":
        return Ends((N, one), (N, one), (N, one), is_missing | nobody, no)
    if indicator.measure == "mean_per_unit":
        ends = (N, pl.when(nobody).then(1).otherwise(D + CAP))
        return Ends((N, D), ends, ends, is_missing | nobody, no)
    rate, whole = indicator.max_rate or Fraction(1), D + CAP
    unbounded = UNCAPPED | (is_missing & (whole == 0))
    anything = unbounded | (whole == 0)
    top = N * rate.denominator + CAP * rate.numerator

    def unless(expression: pl.Expr, bare: int) -> pl.Expr:
        return pl.when(anything).then(bare).otherwise(expression)

    return Ends(
        value=(N, D),
        lower=(unless(N, 0), unless(whole, 1)),
        upper=(unless(top, 1), unless(whole * rate.denominator, 1)),
        is_open=unbounded if indicator.max_rate is not None else no,
        unbounded=unbounded,
    )


def _ceiling(indicator: Indicator) -> int | None:
    if indicator.holds:
        return 1
    graded = dictionary().tables["district"].columns[indicator.numerator[0]].words
    return len(GRADES) - 1 if graded else None


def _quotient(pair: tuple[pl.Expr, pl.Expr], shown: pl.Expr) -> pl.Expr:
    above, below = pair
    return pl.when(shown & (below != 0)).then(above.cast(pl.Float64) / below.cast(pl.Float64))


def _reaches(pair: tuple[pl.Expr, pl.Expr], target: Target) -> pl.Expr:
    reach, needed = pair[0] * target.minimum.denominator, pair[1] * target.minimum.numerator
    return reach > needed if target.is_strict else reach >= needed


def _least_sufficient(below: pl.Expr, target: Target) -> pl.Expr:
    product, unit = below * target.minimum.numerator, target.minimum.denominator
    return product // unit + 1 if target.is_strict else (product + unit - 1) // unit


def _verdict(indicator: Indicator, terms: Terms, ends: Ends, idle: pl.Expr) -> pl.Expr:
    def word(name: str) -> pl.Expr:
        return pl.lit(name, VERDICT)

    first = pl.when(idle).then(word("not_applicable"))
    if terms.target is None:
        return first.otherwise(word("no_target"))
    if not terms.is_due:
        return first.otherwise(word("not_due"))
    not_met = ~ends.is_open & ~_reaches(ends.upper, terms.target)
    if indicator.measure == "ratio" and indicator.max_rate is None and terms.target.minimum >= 1:
        not_met = not_met | (HAS_VALUE & (N < D))
    rest = first.when(_reaches(ends.lower, terms.target)).then(word("met"))
    return rest.when(not_met).then(word("not_met")).otherwise(word("undetermined"))


def _slack(indicator: Indicator, target: Target | None, shown: pl.Expr) -> pl.Expr:
    if target is None or not target.is_numeric:
        return pl.lit(None, pl.Int64)
    divided = indicator.is_fraction or indicator.measure == "mean_per_unit"
    below = D if divided else pl.lit(1)
    return pl.when(shown if divided else HAS_VALUE).then(N - _least_sufficient(below, target))


def _breakeven(indicator: Indicator, target: Target | None, ends: Ends) -> pl.Expr:
    if target is None or not indicator.is_fraction:
        return pl.lit(None, pl.Float64)
    p, q = target.minimum.numerator, target.minimum.denominator
    asked = (pl.col("verdict") == "undetermined") & ~ends.unbounded
    return _quotient(((D + CAP) * p - N * q, CAP * q), asked)


def _flag_bits(indicator: Indicator, scope: str, target: Target | None, ends: Ends) -> pl.Expr:
    flags = {"carried": CARRIED, "unbounded": ends.unbounded}
    if target is not None and target.maximum is not None:
        (above, below), most = ends.lower, target.maximum
        beyond = above * most.denominator > below * most.numerator
        flags["exceeded"] = (pl.col("verdict") == "met") & beyond
    below_all = target is not None and target.minimum < 1
    if indicator.measure == "ratio" and below_all and scope == "unit":
        flags["all_or_nothing"] = HAS_VALUE & (_least_sufficient(D, target) == D)
    bits = [flag.cast(pl.UInt8) * 2 ** FLAGS.index(name) for name, flag in flags.items()]
    return pl.sum_horizontal(bits).cast(pl.UInt8)


def _judge(
    work: Work, indicator: Indicator, scope: str, terms: Terms, sums: pl.LazyFrame
) -> pl.LazyFrame:
    """Judge the sums of one scope in the years under the same terms."""
    ends, target = _ends(indicator), terms.target
    idle = (pl.col("expected") == pl.col("not_applicable")) & terms.is_registered
    shown = HAS_VALUE & (indicator.is_fraction or indicator.measure == "mean_per_unit")
    return sums.with_columns(verdict=_verdict(indicator, terms, ends, idle)).select(
        pl.lit(indicator.id, work.words["indicator"]).alias("indicator"),
        "year",
        pl.lit(scope, SCOPE).alias("scope"),
        "scope_id",
        *COUNTS,
        numerator=pl.when(HAS_VALUE).then(N).cast(pl.Int64),
        denominator=pl.when(shown).then(D).cast(pl.Int64),
        value=_quotient(ends.value, HAS_VALUE),
        lower=_quotient(ends.lower, ~idle),
        upper=_quotient(ends.upper, ~idle & ~ends.is_open),
        target=pl.lit(str(target or ""), work.words["target"]),
        verdict=pl.col("verdict"),
        slack=_slack(indicator, target, shown).cast(pl.Int64),
        breakeven=_breakeven(indicator, target, ends),
        trajectory=pl.lit("", TRAJECTORY),
        flags=_flag_bits(indicator, scope, target, ends),
    )


def _judged(work: Work, indicator: Indicator) -> dict[str, pl.DataFrame]:
    """Return the finished rows of one indicator per scope, sorted by year and name."""
    pooled = _pooled(work, indicator)
    lazy = {}
    for scope, sums in pooled.items():
        # Runs come in the order of the years, so together they stay sorted.
        runs = [
            _judge(work, indicator, scope, terms, sums.filter(pl.col("year").is_in(years)))
            for terms, years in _terms(work, indicator, scope)
        ]
        lazy[scope] = pl.concat(runs)
    followed = [s for s in TRAJECTORY_SCOPES if s in lazy] if indicator.is_stage else []
    frames = pl.collect_all([*lazy.values(), *(pooled[scope] for scope in followed)])
    judged = dict(zip(lazy, frames, strict=False))
    for scope, sums in zip(followed, frames[len(lazy) :], strict=True):
        judged[scope] = _follow(work, indicator, judged[scope], sums)
    words = pl.Enum(FLAG_WORDS)
    return {s: frame.with_columns(pl.col("flags").cat.to(words)) for s, frame in judged.items()}


# Trajectories: a few rows, in plain Python


def _follow(
    work: Work, indicator: Indicator, judged: pl.DataFrame, sums: pl.DataFrame
) -> pl.DataFrame:
    ends = _ends(indicator)
    pairs = {"value": ends.value, "lower": ends.lower, "upper": ends.upper}
    exact = sums.select(
        "year",
        "scope_id",
        "reported",
        "missing",
        is_open=ends.is_open,
        verdict=judged["verdict"],
        **{f"{name}_{i}": pair[i] for name, pair in pairs.items() for i in (0, 1)},
    )
    groups: dict[str, dict[int, Point]] = {}
    for row in exact.iter_rows(named=True):
        ratio = {name: _fraction(row[f"{name}_0"], row[f"{name}_1"]) for name in pairs}
        groups.setdefault(row["scope_id"], {})[row["year"]] = Point(
            reported=row["reported"],
            missing=row["missing"],
            verdict=row["verdict"],
            value=ratio["value"] if row["reported"] else None,
            lower=ratio["lower"],
            upper=None if row["is_open"] else ratio["upper"],
        )
    keys = list(exact.select("scope_id", "year").iter_rows())
    words = [assess(groups[group], year, indicator, work.plan) for group, year in keys]
    overdue = [is_overdue(groups[group], year, indicator) for group, year in keys]
    bit = 2 ** FLAGS.index("overdue")
    return judged.with_columns(
        pl.Series("trajectory", words, TRAJECTORY),
        pl.col("flags") + pl.Series([bit if late else 0 for late in overdue], dtype=pl.UInt8),
    )


def _fraction(above: int, below: int) -> Fraction | None:
    return Fraction(int(above), int(below)) if below else None
