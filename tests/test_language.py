"""Every language says all that the Vietnamese one says; English says it in English."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from functools import cache
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from jinja2 import nodes
from shared import sample
from test_reports_kit import ROOT, Page, parse, results, texts, unit_page, year_page

import analysis
from analysis.findings.finding import (
    Change,
    Finding,
    Restated,
    Sides,
    find,
    tally,
    write_origin,
)
from analysis.findings.perimeter import Circle, Passage, find_circumstances
from analysis.findings.units import Gap, Leaders, find_gap, lead
from analysis.handouts.brief import make_brief
from analysis.language import Language, Numbers, PlanTexts, load_language, localise
from analysis.pages.index import render_index
from analysis.plan import Indicator, Plan, Target
from analysis.problems import InputError
from analysis.redaction import BANDED, BOUNDS_HIDDEN, HIDDEN, LARGEST_HIDDEN
from analysis.redaction.edition import find_band
from analysis.reports.base import formula_words
from analysis.results import write_table
from analysis.results.rollups import FLAGS, VERDICTS
from analysis.results.trajectory import TRAJECTORIES
from analysis.study import Study
from analysis.tables.dictionary import Table, dictionary
from analysis.tasks import Evidence
from analysis.yamlfile import read_yaml

FOLDER = ROOT / "params" / "lang"
PLAN_ID = "nq02-huong-hoa"
YEARS = (2022, 2023, 2024, 2025)
#: What the data dictionary says in Vietnamese, and another language therefore says for itself.
OF_THE_DICTIONARY = {"unit_type", "grade", "statement", "headings", "oddities"}
VIETNAMESE = re.compile(r"[ăâđêôơưàáảãạèéẻẽẹìíỉĩịòóỏõọùúủũụỳýỷỹỵ\u1ea0-\u1ef9]", re.IGNORECASE)
#: Vietnamese words that a check for letters alone would let through.
PLAIN_VIETNAMESE = re.compile(r"\b(trong|theo|khi|cho|chung|sang|nay|sau|ngoài|CBCCVC)\b")
UGLY = {
    "a value that slipped through": r"\b(None(?! of )|nan|NaN|NaT|inf)\b|<NA>|[Uu]ndefined",
    "two spaces": r"\S {2,}\S|^\s|\s$",
    "a space before a sign": r"\S [,;:!?.](\s|$)",
    "two signs in a row": r"[.,;:]\s*[.,;:](?!\w)",
    "an unfilled brace": r"[{}]",
    "a gap of many, told as a small one": r"chỉ thiếu (?:[4-9]|\d\d)|short by only (?:[4-9]|\d\d)",
    "nothing, told as a number": r"\bdư 0\b|\(0 [^)]*to spare",
    "empty brackets": r"\(\s*\)|“\s*”",
}
NOUNS = {
    "person": "people",
    "class": "classes",
    "union body": "union bodies",
    "collective or individual": "collectives and individuals",
    **{
        noun: noun + "s"
        for noun in ("member", "enterprise", "officer", "worker", "grassroots union")
    },
    **{noun: noun + "s" for noun in ("target", "rate", "other union", "percentage point")},
}
COUNTED = re.compile(
    r"(?<![\d.,–])(\d[\d.,]*) (" + "|".join(chain(NOUNS, NOUNS.values())) + r")\b(?! or )"
)


# --- Both languages ------------------------------------------------------------------------------


def keys(words: Any, at: str = "") -> Iterator[str]:
    """The paths of all texts; a list's places count as keys."""
    if isinstance(words, dict | list):
        pairs = words.items() if isinstance(words, dict) else enumerate(words)
        for key, inner in pairs:
            yield from keys(inner, f"{at}/{key}")
    else:
        assert isinstance(words, str), f"{at} is not a text: {words!r}"
        assert words.strip(), f"{at} is empty"
        yield at


def macros(code: str) -> dict[str, tuple[list[str], list[Any]]]:
    """The parameters and their defaults of each macro that the reports may call."""
    source = (FOLDER / code / "sentences.j2").read_text("utf-8")
    return {
        macro.name: ([a.name for a in macro.args], [d.as_const() for d in macro.defaults])
        for macro in jinja2.Environment().parse(source).find_all(nodes.Macro)
        if not macro.name.startswith("_")
    }


def words_of(code: str) -> dict[str, Any]:
    words: dict[str, Any] = yaml.safe_load((FOLDER / code / "words.yaml").read_text("utf-8"))
    return words


LANGUAGES = sorted(path.name for path in FOLDER.iterdir())
OTHERS = [code for code in LANGUAGES if code != "vi"]


def test_english_is_there() -> None:
    assert LANGUAGES == ["en", "vi"]


@pytest.mark.parametrize("code", OTHERS)
def test_a_language_has_every_word(code: str) -> None:
    vietnamese, other = words_of("vi"), words_of(code)
    shared = {group: words for group, words in other.items() if group not in OF_THE_DICTIONARY}
    assert set(keys(shared)) == set(keys(vietnamese))
    for group in ("verdict_sign", "mark_sign"):
        assert other[group] == vietnamese[group], "the shapes are the figures', not a language's"
    assert other["ui"]["found"].count("{}") == vietnamese["ui"]["found"].count("{}") == 1
    for key, text in vietnamese["asking"].items():
        assert other["asking"][key].count("{}") == text.count("{}"), key


@pytest.mark.parametrize("code", OTHERS)
def test_a_language_names_what_the_dictionary_names_in_vietnamese(code: str) -> None:
    words = words_of(code)
    for group in ("unit_type", "grade", "statement"):
        assert list(words[group]) == list(dictionary().words[group])
    tables = {name: list(table.columns) for name, table in dictionary().tables.items()}
    assert {name: list(columns) for name, columns in words["headings"].items()} == tables


@pytest.mark.parametrize("code", OTHERS)
def test_a_language_has_every_macro_with_the_same_parameters(code: str) -> None:
    assert macros(code) == macros("vi")


def test_an_unknown_language_is_refused_in_vietnamese() -> None:
    with pytest.raises(analysis.InputError) as refused:
        load_language("xx", ROOT)
    (problem,) = refused.value.problems
    assert (problem.code, problem.column, problem.value) == ("no_language", "lang", "xx")
    assert "chưa có thư mục ngôn ngữ này" in problem.message
    with pytest.raises(analysis.InputError, match=r"chưa có thư mục ngôn ngữ .* params/lang"):
        analysis.load(2024, lang="xx")


@pytest.mark.parametrize("lang", ["english", "EN", "..", ""])
def test_a_language_is_named_by_two_letters(lang: str) -> None:
    with pytest.raises(analysis.InputError) as refused:
        analysis.load(2024, lang=lang)
    assert [problem.column for problem in refused.value.problems] == ["lang"]


# --- The sentences -------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Told:
    """A study in one language, its edition to share, and findings of every kind."""

    study: Study
    edition: Study
    language: Language
    units: list[Finding]
    district: list[Finding]
    shared: list[Finding]

    @property
    def all(self) -> list[Finding]:
        return self.units + self.district


def some_units(study: Study, year: int) -> list[str]:
    """A unit of each type, and two that have not reported."""
    units = study.expected_units(year)
    of_types = units.groupby("unit_type", observed=True).head(1).index
    return list(dict.fromkeys([*of_types, *units.index[~units["has_return"]][:2]]))


def tell(code: str) -> Told:
    study = sample(lang=code)
    units = [
        finding
        for year in YEARS[2:]
        for unit in some_units(study, year)
        for finding in find(study, "unit", unit, year).values()
    ]
    district = [
        finding
        for year in YEARS
        for finding in find(study, "district", study.plan.issuer.id, year).values()
    ]
    edition = sample("share", code)
    places = [("district", study.plan.issuer.id), *(("unit", u) for u in some_units(study, 2024))]
    shared = [f for place in places for f in find(edition, *place, 2024).values()]
    return Told(study, edition, load_language(code, ROOT), units, district, shared)


@pytest.fixture(scope="module")
def english() -> Told:
    return tell("en")


@pytest.fixture(scope="module")
def vietnamese() -> Told:
    return tell("vi")


@pytest.fixture(params=LANGUAGES)
def told(request: pytest.FixtureRequest) -> Told:
    fixture: Told = request.getfixturevalue({"en": "english", "vi": "vietnamese"}[request.param])
    return fixture


def variants(finding: Finding) -> Iterator[Finding]:
    """The finding, and what else it might have said."""
    yield finding
    if finding.value is None or finding.target is None or not finding.target.is_numeric:
        return
    more = {"expected": finding.reported + 2}
    # One and many of each, and of both.
    for missing, slack in ((0, -1), (1, -1), (2, -2), (0, -1234), (1, 0), (2, 5)):
        verdict = "not_met" if slack < 0 else "met"
        yield replace(finding, **more, missing=missing, slack=slack, verdict=verdict)
    ends = {"lower": Fraction(1, 3), "upper": Fraction(2, 3), "breakeven": Fraction(9, 10)}
    flags = frozenset({"carried"})
    yield replace(finding, missing=1, verdict="undetermined", slack=-1)
    if finding.indicator.is_fraction:
        yield replace(finding, missing=2, verdict="undetermined", flags=flags, **ends)
        for word in ("", *TRAJECTORIES):
            yield replace(finding, verdict="not_due", trajectory=word)
    elif finding.target.between:
        yield replace(finding, verdict="met", flags=frozenset({"exceeded"}))


def one_of_each(findings: list[Finding]) -> list[Finding]:
    """A finding of every indicator, scope and verdict, with and without a value."""

    def kind(finding: Finding) -> tuple[str, str, str, bool]:
        return finding.indicator.id, finding.scope, finding.verdict, finding.value is not None

    return [next(group) for _, group in groupby(sorted(findings, key=kind), key=kind)]


JUDGED = {"m": "met", "n": "not_met", "u": "undetermined", "h": "hidden"}


@cache
def calls(told: Told) -> dict[str, list[tuple[Any, ...]]]:
    """What each macro may be called with, by its name."""
    study, language, plan = told.study, told.language, told.study.plan
    day = language.date(date(2024, 11, 30))
    duties = [duty for held in study.duties(2024).values() for duty in held]
    issuer = plan.issuer.short
    every = [v for finding in one_of_each(told.all) for v in variants(finding)] + told.all
    every += told.shared
    judged = [f for f in every if f.value is not None and f.target and f.target.is_numeric]
    numeric = [f for f in judged if not f.is_answer]
    rates = [f for f in numeric if f.indicator.is_fraction]
    numbers = [f for f in every if f.value is not None and not f.is_answer and not f.is_grade]
    short = [f for f in told.units if f.shortfall and not f.is_answer]
    missed = [f for f in told.district if f.verdict == "not_met" and f.indicator.over == "units"]
    gaps = [find_gap(study, f) for f in missed if f.indicator.is_fraction]
    gaps = [gap for gap in gaps if gap.units]
    partial = [
        replace(gap, is_partial=b, own=own)
        for gap in [*gaps, *map(of_one, gaps)]
        for b, own in ((True, 0), (False, 0), (False, 1))
    ]
    led = [(gap, gap.named(most)) for gap in partial for most in (1, 5, 20)]
    sizes = [(3, 2), (1, 1)]
    places = [Leaders(())] + [
        lead([("Húc", a), ("Lìa", b)], most) for (a, b), most in zip(sizes, (4, 1), strict=True)
    ]
    decided = {key: [f for f in told.district if f.verdict == key] for key in ("met", "not_met")}
    sides = [
        None,
        *(
            Sides(2023, both, 1, 1, tuple(decided["met"][:won]), tuple(decided["not_met"][:lost]))
            for both, won, lost in ((1, 0, 0), (9, 1, 0), (9, 0, 2), (9, 2, 1))
        ),
    ]
    some = told.district[0]
    tallies = [
        tally(2024, [replace(some, verdict=JUDGED[letter]) for letter in letters])
        for letters in (
            "",
            "m",
            "n",
            "u",
            "mm",
            "nn",
            "uu",
            "mn",
            "mmn",
            "mnu",
            "muu",
            "mmnnuu",
            "h",
            "hh",
            "mh",
            "uhh",
            "mnuhh",
        )
    ]
    boards, counts = ("indicators", "tasks"), {"met": 3, "not_met": 2, "all": 9, "won": 2}
    standing = [
        {**counts, "undetermined": n, "persons": n, "money": money, "unknown": n, "lost": n}
        for n in (0, 1, 4)
        for money in (0, 26400000)
    ]
    targets = [(t, i.unit, i.is_fraction) for i in plan.catalogue() for t in i.targets]
    changes = [
        Change(2023, difference, fraction, basis)
        for difference in (Fraction(1, 100), Fraction(-1, 3), Fraction(0), Fraction(1), Fraction(2))
        for fraction in (True, False)
        for basis in ("", "same_units", "predecessors")
    ]
    changes += [
        Change(2023, Fraction(steps), False, "", word)
        for steps in (-2, -1, 1, 2)
        for word in dictionary().ranked["grade"]
    ]
    circles = [Circle(1234, 56, left, joined) for left in (0, 1, 2) for joined in (0, 1, 2)]
    items = [("A", "75%", "80%", "70% – 85%"), ("B", "1%", "2%", "0% – 3%")]
    shorts = [i.short for i in plan.indicators]
    restated = [
        Restated(f, verdict, *pair)
        for f in told.district
        for verdict in ("met", f.verdict)
        for pair in ((None, None), (1234, None), (1234, 2345))
    ]
    restated += [Restated(f, "not_met", 1, 2, is_bare=True) for f in told.shared]
    facts = [find_circumstances(one, year) for one in (study, told.edition) for year in YEARS]
    pairs = [(a, b) for b in range(4) for a in range(b + 1)]
    named = [(2024, name) for name in ("CĐCS Trường A", issuer)]
    ended = language.date(date(2025, 6, 30))
    return {
        "bar": [*targets, (Target(at_least="good"),), (Target(holds=True),)],
        "target": [(f,) for f in every],
        "stage": [(t,) for i in plan.catalogue() for t in i.targets],
        "area": [(replace(f, place=place),) for f in every[:1] for place in PLACES],
        "bar_of": [(f,) for f in rates],
        "needed": [
            (replace(f, needed=pair),)
            for f in one_of_each(rates)
            for pair in ((1, 1), (2, 2), (3, 8), (2_500_000, 10**10))
        ],
        "amount_of": [(n, "VND") for n in (1, 999, 1_500_000, 2_000_000_000)],
        "undone": [(c,) for t in dictionary().tables.values() for c in yes_no(t)],
        "asked": [(list(table.columns),) for table in dictionary().tables.values()],
        "grade": [(word,) for word in dictionary().ranked["grade"]],
        "value": [(f,) for f in every],
        "rate": [(f,) for f in every if f.value is not None and f.indicator.is_fraction],
        "band": [(find_band(10**exponent),) for exponent in range(15)],
        "pair": [(f,) for f in numbers if f.denominator is not None or f.bands[1]],
        "counts": [(f,) for f in every],
        "counted": [(f,) for f in numbers if f.denominator is not None or f.bands[1]],
        "size": [(n, i.unit) for n in (1, 2, -1234) for i in plan.indicators if i.unit],
        "sentence": [(f,) for f in every],
        "withheld": [(f,) for f in every if f.is_hidden],
        "judged": [(f,) for f in numbers if not f.indicator.is_fraction],
        "answer": [(f,) for f in every if f.is_answer and f.value is not None],
        "unknown": [(f,) for f in every if f.value is None],
        "decided": [(f,) for f in rates if f.verdict in ("met", "not_met")],
        "among": [(f,) for f in numbers],
        "fraction": [(f,) for f in rates],
        "above": [(f,) for f in rates if f.verdict == "met"],
        "below": [(f,) for f in rates if f.verdict == "not_met"],
        "open": [(f,) for f in rates if f.verdict == "undetermined"],
        "number": [(f,) for f in numbers if not f.indicator.is_fraction],
        "path": [(f,) for f in every],
        "change": [(None,), *((change,) for change in changes)],
        "change_size": [(change,) for change in changes if not change.grade],
        "same_perimeter": [(2025,)],
        "tally": [(counts, name, both) for counts in tallies for _, name in named for both in sides],
        "moves": [(both,) for both in sides if both and (both.won or both.lost)],
        "both_years": [(2024, both) for both in sides if both],
        "nothing_judged": named,
        "no_return": [(2024, "CĐCS Trường A", parent) for parent in (issuer, "CDX-01")],
        "good_heading": [()],
        "bad_heading": [()],
        "open_heading": [()],
        "stage_heading": [()],
        "others_met": [(shorts[:n],) for n in (1, 2, len(shorts))],
        "new_unit": [(2024,)],
        "with_predecessors": [(2024,)],
        "parent_changed": [(issuer, "CDX-01")],
        "passage": [
            (Passage(date(2024, 8, 15), event, arrival, name, name), language.date(date(2024, 8, 15)))
            for event in dictionary().words["event"]
            for arrival in (True, False)
            for name in ("", "CĐCS Trường B")
        ],
        "coverage": [(2024, expected, got) for got, expected in pairs if expected],
        "district_ended": [(ended, issuer)],
        "district_not_judged": [(ended, issuer, 2025)],
        "own_facts": [(issuer, ended)],
        "final_returns": [(2025, n, told) for told, n in pairs if n],
        "perimeter": [(circle, 2024, same) for circle in circles for same in (True, False)],
        "send_missing": [(list(table.columns),) for table in dictionary().tables.values()],
        "send_return": [(2024, parent) for parent in (issuer, "CDX-01")],
        "remind": [(2024, "A")],
        "supply_own": [(told.district[:n], issuer) for n in (1, 3)],
        "supply_rest": [()],
        "targets_open": [(1,), (5,)],
        "own_unknown": [(issuer,)],
        "lacks": [(f,) for f in numeric if f.slack is not None and f.slack < 0],
        "note": [(f,) for f in every],
        "results_caption": [(2024,)],
        "dated_bar": [
            (*target, once) for target in targets for once in (True, False)
        ],
        "assumption": [("90%",)],
        "quotient": [("A", "B")],
        "fig_trend_item": [
            ("A", every[:n], district, target)
            for n in (1, 4)
            for district in ({}, {2023: "80,0%", 2024: "81,0%"})
            for target in (None, next(f.target for f in rates if f.target))
        ],
        "fig_peers_item": items,
        "other_missed": [(n,) for n in (1, 2)],
        "missed_by": [(finding,) for finding in told.district],
        "keep_going": [()],
        "first_step": [(f,) for f in every if f.verdict == "not_met"],
        "first_duty": [(d,) for d in duties if d.days_late],
        "waiting": [(f, bar) for f in rates if f.verdict == "undetermined" for bar in (False, True)],
        "by_plan": [(section.id,) for section in plan.sections],
        "peers_few": [(n, 5) for n in range(5)],
        "peers_small": [()],
        "fig_targets_title": [(*pair, met) for pair in pairs for met in (0, pair[1])],
        "sum_of_known": [(1234, n) for n in (0, 1, 2)],
        "without": [(n,) for n in (0, 1, 2)],
        "circumstances": [
            (replace(found, whole=replace(found.whole, unknown=unknown), before=before), day)
            for found in facts
            for unknown in (0, 1, 2)
            for before in (None, found.before, found.whole, found.types[0])
        ],
        "without_union": [
            (f, n, 20 * n, unknown)
            for f in told.district
            if f.indicator.measure == "share_of_employers"
            for unknown in (0, 2)
            for n in (1, 2)
        ],
        "events": [(found, most) for found in facts for most in (0, 3, 99)],
        "fig_targets_subtitle": [
            (name, year, has_bounds) for year, name in named for has_bounds in (True, False)
        ],
        "fig_targets_alt": [(issuer, 2024, ["A", "B"])],
        "fig_targets_item": [(f,) for f in rates],
        "fig_trend_title": [
            ("A", 2022, up)
            for up in (Fraction(0), Fraction(1, 100), Fraction(-1, 100), Fraction(1, 3))
        ],
        "fig_trend_subtitle": [(2022, 2024, breaks) for breaks in ([], [2023], [2023, 2024])],
        "fig_trends_title": [(2022, 2024)],
        "fig_trends_subtitle": [(breaks,) for breaks in ([], [2023], [2023, 2024])],
        "fig_trend_alt": [(["A", "B"],)],
        "fig_peers_title": [pair for pair in pairs if pair[1]],
        "fig_peers_subtitle": [
            (language.dictionary_word("unit_type", word), n, most, 2024)
            for word in dictionary().words["unit_type"]
            for n, most in ((5, 5), (5, 1234))
        ],
        "fig_peers_alt": [(["A", "B"],)],
        "fig_path_title": [(f,) for f in rates],
        "fig_path_subtitle": [(2022, 2045, breaks) for breaks in ([], [2025, 2026])],
        "fig_path_alt": [("A", ["B", "C"], ["2025: 80,0%"])],
        "fig_commune_title": [
            (f, [f] * lowest, below, total)
            for f in rates
            for lowest, (below, total) in ((1, (0, 2)), (2, (1, 2)), (4, (21, 21)))
        ],
        "fig_commune_subtitle": [
            (gap, 2024, formed) for gap in partial for formed in ([], [("A", ["B", "C"])])
        ],
        "fig_commune_item": [(f,) for f in rates],
        "fig_commune_alt": [(f, 2024, ["A", "B"]) for f in rates if f.target],
        "carried": [(f,) for f in every],
        "part_intro": [(counts, own, issuer) for counts in tallies for own in (0, 1, 2)],
        "year_lead": [(counts, side, issuer) for counts in tallies for side in sides],
        "point_side": [
            (replace(f, change=change), f)
            for f in every
            if f.verdict in ("met", "not_met")
            for change in (f.change, *changes[:1], *[c for c in changes if c.basis][:1])
        ],
        "point_section": [("A", 2, counts) for counts in tallies if counts.met],
        "point_gap": [
            (f,) for f in every if f.verdict == "not_met" and f.shortfall and not f.is_answer
        ],
        "point_end": [(f, is_near) for f in short for is_near in (True, False)],
        "since": [(2023,)],
        "since_same_units": [()],
        "only_reported": [()],
        "lacks_here": [(f,) for f in every],
        "scan_note": [(f,) for f in every],
        "weigh_sections": [
            ([("A", tallies[10])], [("B", tallies[12]), ("C", tallies[12])]),
            ([("A", tallies[10])], []),
            ([], [("B", tallies[12])]),
        ],
        "weigh_met": [(rates, near) for near in ([], [f for f in rates if f.slack][:2], [replace(rates[0], slack=0)])],
        "weigh_missed": [
            (decided["not_met"], near, far)
            for near, far in (([], []), (decided["not_met"][:3], decided["not_met"][-2:]))
        ],
        "weigh_open": [([f],) for f in every if f.verdict == "undetermined"],
        "weigh_staged": [([f],) for f in every if f.verdict == "not_due"],
        "no_task": [()],
        "places": [(1,), (1234,)],
        "gap_where": [(gap, place) for gap in partial for place in places],
        "gap_lead": led,
        "gap_rest": led,
        "restated_lead": [
            (language.date(date(2024, 12, 1)), *pair, is_shared)
            for pair in pairs
            for is_shared in (False, True)
        ],
        "restated": [(r,) for r in restated],
        "formula": [(formula_words(i, language),) for i in plan.catalogue()],
        "condition": [
            ("A", op, "10")
            for op in ("true", "present", "absent", "is_not", "more_than", "at_least")
        ],
        "method": [(language.date(date(2024, 11, 30)),)],
        "share_method": [(LARGEST_HIDDEN,)],
        "tasks_lead": [
            ({"done": 3, "all": 5, "unproven": n, "unreported": n}, names, names)
            for n, names in ((0, []), (2, ["A", "B"]))
        ],
        "tasks_untracked": [()],
        "tasks_unsent": [(2024, 30)],
        "tasks_caption": [(2024, day)],
        "duty_due": [(duties[0], when) for when in ("", day)],
        "duty_days": [(duty,) for duty in duties],
        "duty_result": [(duty, day) for duty in duties],
        "document": [
            (document, when) for duty in duties for document in duty.documents for when in ("", day)
        ] + [(Evidence("", None, "", ""), "")],
        "duty_note": [("N.",)],
        "own_tasks_title": [(issuer,)],
        "section_tasks": [({"done": 3, "late": n, "silent": n}, 9) for n in (0, 1234)],
        "overdue_line": [(d, day, ["A", "B"], n) for n in (0, 2) for d in duties if d.days_late],
        "handed_over": [(issuer, day, parents) for parents in ([], ["A", "B"])],
        "own_grade": [(word,) for word in dictionary().ranked["grade"]],
        "own_amounts": [
            (*(language.heading(name) for name in ("fund_allocated", "fund_collected")), 1234, 5678)
        ],
        "extremes": [
            ([], None),
            *(([f], g) for f in short[:9] for g in (None, short[-1])),
            (short[:3], short[-1]),
        ],
        "unit_note": [("A",)],
        "send_form": [(2024, "A", day)],
        "gap_size": [(f,) for f in every if f.verdict == "not_met"],
        "gaps_rest": [(1,), (3,)],
        "brief_task": [(d, day) for d in duties],
        "contact": [("the parent",)],
        "message": [
            (make_brief(told.study, "DN-DABAN"), 2024, [f for f in every if f.verdict == "not_met"][:1], ["A"]),
            (replace(make_brief(told.study, "DN-DABAN"), has_return=False), 2024, [], []),
        ],
        "press_overdue": [("A",)],
        "document_subject": [(2024, plan.title)],
        "document_opening": [(issuer, 2024)],
        "document_named": [
            (verdict, named)
            for verdict in ("met", "not_met", "undetermined", "not_due")
            for named in (every[:1], [f for f in every if f.verdict == verdict][:3])
            if named
        ],
        "document_holders": [([("A", 12), ("B", 1234)],)],
        "document_decisions": [(2025,)],
        "document_tasks": [(3, 30)],
        "document_due": [(d, day) for d in duties],
        "next_due": [(["A", "B"],)],
        "fig_tasks_title": [({"done": 3, "silent": 4}, 9)],
        "fig_tasks_subtitle": [(day,)],
        "fig_tasks_alt": [(["A.", "B."],)],
        "duty_of_step": [(d, day) for d in duties],
        "board_caption": [(2024, what, summed) for what in boards for summed in (True, False)],
        "board_explained": [(what, summed) for what in boards for summed in (True, False)],
        "board_gap": [
            (gap, kind) for gap in (0, 3, 2500, 26400000) for kind in ("persons", "money", "open")
        ],
        "board_need": [(row, what) for row in standing for what in boards],
        "board_progress": [(row, what, 2023) for row in standing for what in boards],
    }  # fmt: skip


PLACES = ("huyện Hướng Hóa, tỉnh Quảng Trị", "thành phố Đông Hà", "tỉnh Quảng Trị", "Hải đảo")


def yes_no(table: Table) -> list[str]:
    return [name for name, column in table.columns.items() if column.type.name == "boolean"]


def of_one(gap: Gap) -> Gap:
    """The same gap where one unit lacks one."""
    key = gap.units[0][0]
    return replace(gap, total=1, units=((key, 1),))


def all_said(told: Told) -> Iterator[tuple[str, str]]:
    """Every sentence of every macro, by the macro's name."""
    for macro, arguments in calls(told).items():
        for given in arguments:
            yield macro, told.language.say(macro, *given)


@pytest.fixture(scope="module")
def said_in_english(english: Told) -> set[tuple[str, str]]:
    return set(all_said(english))


@pytest.fixture(scope="module")
def said_in_vietnamese(vietnamese: Told) -> set[tuple[str, str]]:
    return set(all_said(vietnamese))


@pytest.fixture(params=LANGUAGES)
def said(request: pytest.FixtureRequest) -> set[tuple[str, str]]:
    names = {"en": "said_in_english", "vi": "said_in_vietnamese"}
    sentences: set[tuple[str, str]] = request.getfixturevalue(names[request.param])
    return sentences


def test_every_macro_is_tried(told: Told) -> None:
    given = calls(told)
    assert set(given) == set(macros(told.language.code))
    assert all(given.values()), [name for name, arguments in given.items() if not arguments]


@pytest.mark.parametrize("what", UGLY)
def test_no_sentence_shows_the_machine_behind_it(said: set[tuple[str, str]], what: str) -> None:
    # A few macros are continuations that begin with their comma or are empty.
    lead = r"^[,;] "
    bad = [s for s in sorted(said) if re.search(UGLY[what], re.sub(lead, "", s[1]))]
    assert not bad, bad[:5]


def proper_names(study: Study) -> list[str]:
    """Names that stay as they are in any language, the longest first."""
    roster = study.dataset.roster
    employers = study.dataset.employers
    names = {*roster["name"], *roster["commune"], *employers["name"], *employers["commune"]}
    # What holders write and cite is data too.
    names |= {*study.dataset.tables["evidence"]["title"].dropna()}
    names |= {*study.dataset.tables["evidence"]["doc_no"].dropna()}
    names |= {*study.dataset.tables["tasks"]["note"].dropna()}
    names |= {*study.dataset.returns["note"].dropna()}
    for written in study.dataset.texts.values():
        # Without Markdown's marks, as a page shows it.
        lines = [line for text in written.values() for line in text.splitlines()]
        names |= {
            piece
            for line in lines
            for piece in re.split(r"\*+|^(?:-|\d+\.) +", line)
            if len(piece) > 1
        }
    # The dataset's own name is data too.
    described = study.dataset.description
    names |= {
        "Hướng Hóa",
        "Quảng Trị",
        "CĐCS Trường A",
        described.name,
        *described.parents.values(),
    }
    return sorted(map(str, names), key=len, reverse=True)


def not_english(study: Study, candidates: Iterator[str] | set[str]) -> list[str]:
    """The texts with anything Vietnamese in them that is no name."""
    names = re.compile("|".join(map(re.escape, proper_names(study))))
    stripped = {text: names.sub("", text) for text in set(candidates)}
    return sorted(
        text
        for text, rest in stripped.items()
        if VIETNAMESE.search(rest) or PLAIN_VIETNAMESE.search(rest)
    )


def test_the_check_for_vietnamese_sees_it(english: Told) -> None:
    shown = {"In 2024, CĐCS", "một", "chung", "Huong Phung", "Hướng Phùng: 3 people"}
    assert not_english(english.study, shown) == ["In 2024, CĐCS", "chung", "một"]


def test_english_sentences_are_english(
    english: Told, said_in_english: set[tuple[str, str]]
) -> None:
    assert not not_english(english.study, {text for _, text in said_in_english})[:5]


def miscounted(text: str) -> list[str]:
    """Numbers with the wrong form of their noun."""
    singular = {form: noun for noun, form in NOUNS.items()}
    return [
        match[0]
        for match in COUNTED.finditer(text)
        if (match[1] == "1") != (match[2] not in singular)
    ]


def test_the_check_for_plurals_sees_them() -> None:
    assert miscounted("1 people; 15 person; 1 of 4 grassroots union; 0 member") == [
        "1 people", "15 person", "4 grassroots union", "0 member",
    ]  # fmt: skip
    assert not miscounted("1 person, 15 people, 1.5 members, 10 collectives and individuals")


def test_english_counts_have_the_right_plural(said_in_english: set[tuple[str, str]]) -> None:
    assert not [text for _, text in said_in_english if miscounted(text)][:5]


def test_english_sentences_do_not_contradict_their_verdicts(english: Told) -> None:
    words = {
        "met": ("above the", "meeting the target", "exceeding the target", "exactly on the target"),
        "not_met": ("missing the target",),
        "undetermined": ("cannot be judged yet",),
    }
    every = [v for finding in one_of_each(english.all) for v in variants(finding)]
    for finding in every:
        text = english.language.say("sentence", finding)
        found = {verdict for verdict, any_of in words.items() if any(w in text for w in any_of)}
        wanted = {finding.verdict} & set(words)
        if finding.is_answer and finding.value is not None:
            assert text.startswith(("yes", "not yet", "not complete; still to do: ")), text
            assert text.startswith("yes") == bool(finding.value)
        elif finding.value is None:
            assert found <= {"undetermined", finding.verdict}, text
        else:
            assert found == wanted, (finding.verdict, text)
        assert ("still short by" in text) <= (finding.slack is not None and finding.slack < 0)


def made_up(plan: Plan, key: str, **facts: Any) -> Finding:
    """A finding of the district from a few facts."""
    indicator = plan.indicator(key)
    given = {
        "indicator": indicator, "year": 2024, "scope": "district", "scope_id": plan.issuer.id,
        "expected": 45, "reported": 45, "missing": 0, "numerator": None,
        "denominator": None, "value": None, "lower": None, "upper": None, "breakeven": None,
        "target": indicator.target_in(2024), "trajectory": "", "slack": None,
        "flags": frozenset(), "issuer": plan.issuer.short, **facts,
    }  # fmt: skip
    if given["value"] is None and given["numerator"] is not None:
        given["value"] = Fraction(given["numerator"], given["denominator"] or 1)
    return Finding(**given)


SENTENCES: list[tuple[str, dict[str, Any], str]] = [
    (
        "informed_enterprise",
        {"numerator": 172, "denominator": 220, "verdict": "not_met", "slack": -5},
        "78.2% (172 of 220 people), missing the target of more than 80%; still short by 5 people",
    ),
    (
        "informed_enterprise",
        {"numerator": 1, "denominator": 1, "verdict": "met", "missing": 1, "reported": 1},
        "100.0% (1 of 1 person, based on 1 of 2 grassroots unions), above the 80% mark by"
        " 20.0 percentage points; met whatever the missing figures turn out to be",
    ),
    (
        "informed_public",
        {"numerator": 1234, "denominator": 1235, "verdict": "not_met", "slack": -1},
        "99.9% (1,234 of 1,235 people), missing the target of 100%; still short by 1 person",
    ),
    (
        "dues_collected",
        {"numerator": 7_679_594_000, "denominator": 8_054_907_000, "verdict": "met"},
        "95.3% (7.7 of 8.1 billion VND), above the 90% mark by 5.3 percentage points",
    ),
    (
        "new_members",
        {"numerator": 100, "verdict": "met", "slack": 0},
        "100 members, meeting the target of at least 100 members",
    ),
    (
        "inspections",
        {"numerator": 1, "verdict": "not_met", "slack": -1},
        "1 enterprise, missing the target of 2 to 5 enterprises; still short by 1 enterprise",
    ),
    (
        "law_classes",
        {"numerator": 4, "verdict": "met", "slack": 2, "flags": frozenset({"exceeded"})},
        "4 classes, exceeding the target of 2 to 3 classes",
    ),
    (
        "district_grade",
        {"numerator": 1, "verdict": "not_met"},
        "graded “tasks completed”, missing the target of “tasks completed well” or better",
    ),
    (
        "finance_disclosed",
        {"numerator": 40, "denominator": 40, "verdict": "undetermined", "missing": 1,
         "lower": Fraction(40, 41), "upper": Fraction(1)},
        "100.0% (40 of 40 union bodies, 1 more without figures); cannot be judged yet because 1 union"
        " body lacks figures: once complete, the result will be between 97.6% and 100.0%, while the"
        " target is 100%",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("key", "facts", "sentence"), SENTENCES)
def test_what_english_sentences_say(
    english: Told, key: str, facts: dict[str, Any], sentence: str
) -> None:
    finding = made_up(english.study.plan, key, **facts)
    assert english.language.say("sentence", finding) == sentence


def test_english_tallies(english: Told) -> None:
    say, name = english.language.say, english.study.plan.issuer.short

    def lead(**counts: int) -> str:
        verdicts = [verdict for verdict, count in counts.items() for _ in range(count)]
        findings = [replace(english.district[0], verdict=v) for v in verdicts]
        return say("tally", tally(2024, findings), name)

    the_name = "the Hướng Hóa Federation of Labour"
    assert lead(met=11, not_met=7, undetermined=1) == (
        f"In 2024, {the_name} met 11 of the 18 targets that could be judged and missed 7;"
        " 1 target cannot be judged yet because figures are missing."
    )
    assert lead(met=3) == f"In 2024, {the_name} met all 3 targets that could be judged."
    assert lead(not_met=1) == f"In 2024, {the_name} missed the one target that could be judged."


def test_english_numbers_and_dates() -> None:
    numbers, language = Numbers("en"), load_language("en", ROOT)
    assert numbers.count(1234567) == "1,234,567"
    assert numbers.percent(Fraction(172, 220)) == "78.2%"
    assert numbers.percent(Fraction(8996, 10000), Target(at_least="90%")) == "89.96%"
    assert numbers.quantity(Fraction(12345, 10)) == "1,234.5"
    assert language.date(date(2024, 11, 30)) == "30 November 2024"


# --- The plan's texts ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plan_texts() -> PlanTexts:
    return read_yaml(FOLDER / "en" / "plans" / f"{PLAN_ID}.yaml", PlanTexts)


def test_every_plan_text_is_there_in_english(plan: Plan, plan_texts: PlanTexts) -> None:
    assert plan_texts.title
    assert plan_texts.short
    assert plan_texts.source
    assert set(plan_texts.issuer.model_dump(exclude_none=True)) == {
        "name",
        "short",
        "place",
        "superior",
    }
    for lines in ("legal_bases", "recipients"):
        assert len(getattr(plan_texts, lines)) == len(getattr(plan, lines))
    for group in ("sections", "tasks", "indicators"):
        ids = [item.id for item in getattr(plan, group)]
        assert [item.id for item in getattr(plan_texts, group)] == ids
    for task, told in zip(plan.tasks, plan_texts.tasks, strict=True):
        for field in ("text", "short", "evidence_hint", "count"):
            assert bool(getattr(told, field)) == bool(getattr(task, field)), f"{task.id}: {field}"
    for ours, theirs in zip(plan.indicators, plan_texts.indicators, strict=True):
        for field in ("title", "short", "unit", "what", "why", "decision"):
            given = getattr(theirs, field)
            assert given is not None, f"{ours.id}: {field}"
            assert bool(given) == bool(getattr(ours, field)), f"{ours.id}: {field}"
        columns = [part.id.partition(".")[2] for part in ours.parts()]
        assert list(theirs.part_titles or {}) == columns, ours.id


def test_english_plan_texts_are_english(english: Told, plan_texts: PlanTexts) -> None:
    given = yaml.safe_dump(plan_texts.model_dump(), allow_unicode=True, width=10**6)
    assert not not_english(english.study, set(given.splitlines()))
    parts = {part.title for whole in english.study.plan.indicators for part in whole.parts()}
    assert parts
    assert not not_english(english.study, parts)
    assert not VIETNAMESE.search("".join(keys_and_texts(words_of("en")).values()))


def keys_and_texts(words: Any) -> dict[str, str]:
    found = {}
    for path in keys(words):
        inner = words
        for key in path.split("/")[1:]:
            inner = inner[int(key)] if isinstance(inner, list) else inner[key]
        found[path] = inner
    return found


def test_english_shorts_fit_beside_a_figure(plan_texts: PlanTexts) -> None:
    shorts = [item.short or "" for item in plan_texts.indicators]
    assert not [short for short in shorts if len(short) > 34]
    assert len(set(shorts)) == len(shorts)
    titles = [item.title for item in plan_texts.indicators]
    assert len(set(titles)) == len(titles)


def numbers_in(text: str) -> list[str]:
    """The numbers of a text in their order of size, a year's range as its two years."""
    return sorted(re.findall(r"\d+(?:\.\d+)*%?", text))


def test_english_plan_texts_name_the_same_numbers(plan: Plan, plan_texts: PlanTexts) -> None:
    items: list[tuple[Any, Any, tuple[str, ...]]] = [
        (plan, plan_texts, ("title", "short")),
        *((o, t, ("text", "short")) for o, t in zip(plan.tasks, plan_texts.tasks, strict=True)),
        *(
            (ours, theirs, ("title", "what", "why", "decision"))
            for ours, theirs in zip(plan.indicators, plan_texts.indicators, strict=True)
        ),
    ]
    for ours, theirs, fields in items:
        for field in fields:
            told = set(numbers_in(getattr(theirs, field)))
            assert told == set(numbers_in(getattr(ours, field))), (ours.id, field)


def test_english_units_have_a_plural(plan_texts: PlanTexts) -> None:
    units = {item.unit for item in plan_texts.indicators} - {"", None}
    assert units <= {*NOUNS, "VND"}


# --- The pages -----------------------------------------------------------------------------------


def make_pages(study: Study, folder: Path) -> list[Page]:
    """The pages of every year, and of a unit of each kind."""
    made = []
    for year in YEARS[2:]:
        edition = folder / f"{year}1201T000000Z.csv"
        table = analysis.indicators(study, [year], ["district"])
        table["numerator"] = table["numerator"] + 1234
        plan, name = study.plan, study.dataset.description.name
        origin = {"id": plan.id, "version": plan.version}
        with edition.open("w", encoding="utf-8", newline="") as file:
            file.write(write_origin(study.params.edition, origin, name) + "\n")
            write_table(table, file)
        settings = {
            "year": year,
            "previous": str(edition),
            "years_beside": [2023, 2024],
            "assumptions": {"union_density": "90%"},
        }
        of_year = study.with_params(study.params.model_copy(update=settings))
        made.append(year_page(of_year, year))
        if year == 2024:
            made += [unit_page(of_year, key, year) for key in some_units(study, year)[::2]]
    return made


@pytest.fixture(scope="module")
def english_pages(english: Told, tmp_path_factory: pytest.TempPathFactory) -> list[Page]:
    return make_pages(english.study, tmp_path_factory.mktemp("en"))


def data_of_figures(page: Page) -> Iterator[str]:
    """The cells of the tables that stand behind the figures' download links."""
    for link in page.tree.all("a"):
        head, _, content = link.attrs["href"].partition("base64,")
        if head.startswith("data:"):
            yield from base64.b64decode(content).decode("utf-8-sig").splitlines()


def shown(page: Page) -> Iterator[str]:
    """Every text that a reader of the page may see or hear."""
    yield from texts(page.tree)
    for svg in page.tree.all("svg"):
        yield from (node.text for node in svg.all("text"))
    for node in page.tree.walk():
        yield from (v for k, v in node.attrs.items() if k in ("title", "data-label", "data-mark"))
    yield page.tree.without("style", "script", "svg")
    yield from data_of_figures(page)


def test_english_pages_are_english(english: Told, english_pages: list[Page]) -> None:
    assert len(english_pages) > 5
    for page in english_pages:
        assert page.tree.one("html").attrs["lang"] == "en"
        found = not_english(english.study, shown(page))
        assert not found, (str(page), found[:5])


def test_every_section_is_shown_in_english(english_pages: list[Page]) -> None:
    names = {name for page in english_pages for name in page.parts}
    assert {"restated", "figures_path", "figure_gap", "figure_peers", "coverage"} <= names


@pytest.mark.parametrize("what", UGLY)
def test_no_english_page_shows_the_machine_behind_it(english_pages: list[Page], what: str) -> None:
    bad = [
        (str(page), text)
        for page in english_pages
        for text in texts(page.tree)
        if re.search(UGLY[what], text.strip()) and "default-src" not in text
    ]
    assert not bad, bad[:5]


def test_english_pages_count_in_english(english_pages: list[Page]) -> None:
    bad = [text for page in english_pages for text in shown(page) if miscounted(text)]
    assert not bad, bad[:5]
    for page in english_pages:
        for text in texts(page.tree):
            for share in re.findall(r"[\d.,]*\d%", text):
                assert re.fullmatch(r"(\d|[1-9]\d+)(\.\d+)?%", share), text
            assert not re.search(r"(?<![\d.])\d{1,3}\.\d{3}(?![\d.%])", text), text
    assert any("1,025" in text or "3,295" in text for p in english_pages for text in texts(p.tree))


def test_english_pages_have_a_title_contents_and_links(english_pages: list[Page]) -> None:
    for page in english_pages:
        assert "nnual report" in page.facts["title"]
        assert "Summary" in [item["title"] for item in page.facts["contents"]]
        assert "All grassroots unions" in [link["text"] for link in page.facts["nav"]]


def test_an_english_units_page_takes_at_most_900_words(english_pages: list[Page]) -> None:
    closed = ("table", "figure", "details", "nav", "dl", "svg", "style", "title", "head", "h1")
    for page in english_pages:
        if page.kind == "unit":
            assert len(page.tree.one("main").without(*closed).split()) <= 900, str(page)


def as_english(text: str) -> list[str]:
    """The numbers of a Vietnamese text as English writes them."""
    swapped = str.maketrans(".,", ",.")
    return [number.translate(swapped) for number in re.findall(r"\d(?:[\d.,]*\d)?%?", text)]


def as_is(text: str) -> list[str]:
    return re.findall(r"\d(?:[\d.,]*\d)?%?", text)


def test_both_languages_show_the_same_results(english_pages: list[Page], vietnamese: Told) -> None:
    """Row by row: the same numbers, written in each language's way, and the same verdict."""
    for page in english_pages[:3]:
        settings = page.study.params.model_copy(update={"lang": "vi"})
        study = vietnamese.study.with_params(settings)
        is_unit = page.kind == "unit"
        other = (
            unit_page(study, page.whose[1], page.year) if is_unit else year_page(study, page.year)
        )
        ours, theirs = results(page), results(other)
        assert list(ours) == list(theirs)
        for key, row in ours.items():
            same = theirs[key]
            # The sign before the word is the verdict's in every language.
            assert row.verdict[:1] == same.verdict[:1]
            for field in ("value", "counts", "target", "note"):
                told, wanted = getattr(row, field), getattr(same, field)
                assert as_is(told) == as_english(wanted), (str(page), key, told, wanted)


def test_the_english_index_is_english(english: Told) -> None:
    study = english.study
    units = study.expected_units(2024)
    outcomes = ("published", "no_return", "failed", "not_run")
    ledger: Mapping[str, Any] = {
        "units": [
            {"unit_id": key, "outcome": outcomes[i % 4], "page": f"cdcs/{key}.html"}
            for i, key in enumerate(units.index)
        ]
    }
    html = render_index(study, ledger)
    tree = parse(html)
    assert tree.one("html").attrs["lang"] == "en"
    seen = [tree.without("style", "script"), *texts(tree)]
    seen += [node.attrs["data-text"] for node in tree.all("p") if "data-text" in node.attrs]
    (words,) = re.findall(r'"words": (\{.*\})\}</script>', html)
    found = not_english(study, {*seen, words})
    assert not found, found[:5]


def test_no_indicator_keeps_its_vietnamese_name(plan: Plan, english: Told) -> None:
    def names(item: Indicator) -> tuple[str, str]:
        return item.title, item.short

    pairs = zip(plan.catalogue(), english.study.plan.catalogue(), strict=True)
    assert not [ours.id for ours, theirs in pairs if set(names(ours)) & set(names(theirs))]


def test_every_flag_and_trajectory_has_a_word() -> None:
    for code in LANGUAGES:
        words = words_of(code)
        assert set(words["flag"]) == {*FLAGS, HIDDEN, BOUNDS_HIDDEN, BANDED}
        assert set(words["trajectory"]) == {*TRAJECTORIES} - {""}
        assert set(words["verdict"]) == set(words["verdict_long"]) == {*VERDICTS, HIDDEN}


def test_texts_for_what_the_plan_has_not_are_refused(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "params" / "lang")
    file = tmp_path / "params" / "lang" / "en" / "plans" / f"{PLAN_ID}.yaml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("id: informed_public\n", "id: informd_public\n"), "utf-8")
    with pytest.raises(analysis.InputError) as refused:
        localise(sample().plan, "en", tmp_path)
    (problem,) = refused.value.problems
    assert (problem.file, problem.column) == (file.name, "indicators.informd_public")


@pytest.mark.parametrize(
    ("old", "new", "row"),
    [("{% macro", "{% macro broken {% macro", 1), ("{{ ", "{{ nobody + 1 }}{{ ", 2)],
)
def test_a_sentence_worded_wrongly_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, row: int
) -> None:
    """An office may word the sentences itself: its mistake is told in words, not as a traceback."""
    folder = tmp_path / "params" / "lang" / "vi"
    shutil.copytree(FOLDER / "vi", folder)
    (folder / "sentences.j2").write_text(
        "{% macro hello(name) %}\n{{ name }}\n{% endmacro %}\n".replace(old, new, 1), "utf-8"
    )
    with pytest.raises(InputError) as refusal:
        load_language("vi", tmp_path).say("hello", "An")
    (problem,) = refusal.value.problems
    assert (problem.file, problem.row) == ("sentences.j2", row)
    with pytest.raises(InputError, match=r"words\.yaml, khóa verdict\.unheard"):
        load_language("vi", tmp_path).words["verdict"]["unheard"]
