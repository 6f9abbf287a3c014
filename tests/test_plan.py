"""The plan file: what it holds, row by row, and how a wrong one is refused."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import pytest

from analysis.params import find_root
from analysis.plan import Condition, Indicator, Plan, load_plan, schema
from analysis.problems import InputError, Problem

ROOT = Path(__file__).parents[1]
PLAN_FILE = ROOT / "params" / "plan" / "nq02-huong-hoa.yaml"
OTHER_FILE = ROOT / "tests" / "plans" / "tinh.yaml"
YEARS = range(2022, 2047)

# The catalogue as the plan of 31 March 2022 has it, written out a second time on purpose:
# id, section, kind (a monitor with its measure), population (+ the district), what is counted or
# must hold, over what or when it applies, target of every year ("stage" and "years": see TARGETS).
CATALOGUE = """
informed_public                | 1.1   | ratio | public | informed | workers_total | >=1
informed_enterprise            | 1.1   | ratio | enterprise | informed | workers_total | >0.8
resolution_plan_district       | 1.1   | district_value | - | plan_made and plan_disseminated | - | yes
resolution_plan_units          | 1.1   | share_of_units | all | plan_made and plan_disseminated | - | >=1
resolution_reach               | 1.2   | monitor ratio | all | resolution_informed | workers_total |
conference_public              | 2.1.1 | share_of_units | public | conference_held | - | >=1
conference_dialogue_enterprise | 2.1.1 | share_of_units | enterprise | conference_held and dialogue_held | workers_total >= 10 | >=0.9
hardship_supported             | 2.1.1 | ratio | all | hardship_supported | hardship_members | >=1
culture_members                | 2.1.1 | ratio | all | culture_members | members_total | >=0.75
welfare_members                | 2.1.1 | ratio | all | welfare_members | members_total | >=0.2
inspections                    | 2.1.1 | district_value | - | inspections | - | 2..5
collective_agreement           | 2.1.2 | share_of_units | employer | agreement_in_force | - | stage
informed_all                   | 3.1.1 | ratio | all | informed | workers_total | >0.9
culture_units                  | 3.1.1 | share_of_units | all | culture_held | - | >=0.9
law_classes                    | 3.1.1 | district_value | - | law_classes | - | 2..3
party_introduced               | 3.1.1 | mean_per_unit | all | party_introduced | - | >=1
district_grade                 | 3.1.1 | district_value | - | district_grade | - | >=good
grade_units                    | 3.1.1 | share_of_units | all | grade >= good | grade is not not_graded | >=0.85
grade_non_state                | 3.1.1 | share_of_units | non_state_fdi | grade >= good | grade is not not_graded | >=0.6
new_members                    | 3.2.1 | total | all | new_members | - | years
employers_20_unionised         | 3.2.1 | share_of_employers | enterprise | has unit_id | workers_total >= 20 | stage
unorganised_gathered           | 3.2.1 | monitor ratio | all without unit_id | workers_gathered | workers_total |
union_density                  | 3.2.1 | monitor ratio | all_but_guilds | members_total | workers_total |
cadres_trained                 | 3.3.1 | ratio | all + district | cadres_trained | cadres_total | >=1
womens_committee               | 3.3.1 | share_of_units | private_enterprise | womens_committee | members_female >= 10 | >=1
womens_committee_any           | 3.3.2 | monitor share_of_units | enterprise | womens_committee | members_total >= 10 |
emulation_launched_district    | 4.1   | district_value | - | emulation_launched | - | yes
emulation_launched             | 4.1   | share_of_units | all | emulation_launched | - | >=1
emulation_agreement            | 4.1   | share_of_units | all | emulation_agreement and coordination_rules and reward_scheme | - | >=1
rewards_given                  | 4.1   | monitor district_value | - | rewards_collectives + rewards_individuals | - |
rewards_proposed               | 4.1   | monitor district_value | - | rewards_proposed | - |
dues_collected                 | 5.1   | ratio | all + district | fund_collected + dues_collected | fund_due + dues_due | >=0.9
fund_share_units               | 5.1   | share_of_units | all | fund_allocated / fund_collected >= 75% | fund_collected > 0 | >=1
finance_disclosed              | 5.1   | share_of_units | all + district | finance_disclosed | - | >=1
coordination_partners          | 6     | monitor district_value | - | coordination_government and coordination_tax and coordination_social_insurance and coordination_labour | - |
coordination_units             | 6     | monitor share_of_units | all | coordination_rules | - |
"""  # noqa: E501 - a table

#: Targets that are not the same every year: (first year, last year, text); none outside.
TARGETS = {
    "collective_agreement": [
        (2022, 2025, ">=0.8@2025"),
        (2026, 2030, ">=0.85@2030"),
        (2031, 2045, ">=1@2045"),
    ],
    "employers_20_unionised": [(2022, 2025, ">=1@2025")],
    "new_members": [(2022, 2025, ">=100"), (2026, 2030, ">=150")],
}

PARTS = {
    "resolution_plan_district": ["plan_made", "plan_disseminated"],
    "resolution_plan_units": ["plan_made", "plan_disseminated"],
    "conference_dialogue_enterprise": ["conference_held", "dialogue_held"],
    "emulation_agreement": ["emulation_agreement", "coordination_rules", "reward_scheme"],
    "rewards_given": ["rewards_collectives", "rewards_individuals"],
    "dues_collected": ["fund_collected", "dues_collected"],
    "coordination_partners": [
        "coordination_government",
        "coordination_tax",
        "coordination_social_insurance",
        "coordination_labour",
    ],
}

GROUPS = {
    "public": "state_agency public_service",
    "enterprise": "state_enterprise private_enterprise fdi_enterprise",
    "employer": "state_enterprise private_enterprise fdi_enterprise cooperative non_public_service",
    "non_state": "private_enterprise cooperative non_public_service trade_guild",
    "non_state_fdi": "private_enterprise cooperative non_public_service trade_guild fdi_enterprise",
    "all_but_guilds": "state_agency public_service state_enterprise private_enterprise "
    "fdi_enterprise cooperative non_public_service",
}

#: A word that the definition card must show where the catalogue decided an ambiguity.
DECISIONS = {
    "informed_public": ["không gộp", "3.1.1", "một lần", "không xét thêm"],
    "informed_enterprise": ["không gộp", "nhiều hơn 80%", "một lần", "không xét thêm"],
    "informed_all": ["không gộp", "nhiều hơn 90%", "một lần", "chỉ xét theo mức riêng"],
    "conference_dialogue_enterprise": ["cả hai", "chưa xác định"],
    "collective_agreement": ["hợp tác xã", "nghiệp đoàn", "mức sàn", "99%", "ngày chốt số liệu"],
    "employers_20_unionised": ["2025", "25 lao động"],
    "new_members": ["2026–2030", "2031", "chuyển sinh hoạt"],
    "unorganised_gathered": ["2026–2030", "theo dõi"],
    "union_density": ["hầu hết", "giả định", "Nghiệp đoàn"],
    "district_grade": ["xuất sắc", "kết thúc hoạt động"],
    "grade_units": ["xuất sắc", "12 tháng", "mẫu số", "không xét thêm theo mức 85%"],
    "grade_non_state": ["xuất sắc", "nghiệp đoàn"],
    "womens_committee": ["3.3.1", "3.3.2"],
    "womens_committee_any": ["3.3.1", "3.3.2", "nhiệm vụ, giải pháp"],
    "party_introduced": ["Bình quân", "không kết luận"],
    "fund_share_units": ["phân phối", "không xét"],
    "resolution_plan_district": ["hằng năm", "kết thúc hoạt động"],
    "resolution_plan_units": ["hằng năm", "không hỏi lại"],
    "inspections": ["vượt", "kết thúc hoạt động"],
    "law_classes": ["vượt", "kết thúc hoạt động"],
    "rewards_given": ["theo dõi", "kết thúc hoạt động"],
    "rewards_proposed": ["theo dõi", "kết thúc hoạt động"],
    "coordination_partners": ["theo dõi", "kết thúc hoạt động"],
    "cadres_trained": ["một lần", "kết thúc hoạt động"],
    "emulation_launched_district": ["hai nơi", "kết thúc hoạt động"],
    "emulation_launched": ["hai nơi"],
    "finance_disclosed": ["thêm một", "kết thúc hoạt động"],
    "dues_collected": ["miễn, giảm", "120%", "kết thúc hoạt động"],
    "resolution_reach": ["một lần", "nhiệm vụ, giải pháp", "không kết luận"],
    "hardship_supported": ["một lần"],
    "culture_members": ["một lần"],
    "welfare_members": ["một lần"],
}


@pytest.fixture(scope="module")
def plan() -> Plan:
    return load_plan(PLAN_FILE)


@pytest.fixture(scope="module")
def other() -> Plan:
    return load_plan(OTHER_FILE)


# --- the catalogue ---------------------------------------------------------------------------


def table() -> list[list[str]]:
    return [[cell.strip() for cell in row.split("|")] for row in CATALOGUE.strip().splitlines()]


def _in_words(condition: Condition) -> str:
    text = condition.column
    if condition.over:
        text += f" / {condition.over}"
    if condition.present is not None:
        return ("has " if condition.present else "without ") + text
    if condition.is_not:
        return f"{text} is not {condition.is_not}"
    sign, bar = (">", condition.more_than) if condition.more_than is not None else (">=", None)
    bar = condition.at_least if bar is None else bar
    if bar is None:
        return text
    return f"{text} {sign} {f'{bar * 100}%' if condition.over else bar}"


def _row(plan: Plan, indicator: Indicator, target: str) -> list[str]:
    kind = " ".join(filter(None, (indicator.kind, indicator.monitors)))
    population = "-" if indicator.over == "district" else indicator.population
    population += " + district" if indicator.with_district else ""
    population = " ".join([population, *map(_in_words, indicator.members_if)])
    counted = " + ".join(indicator.numerator) or " and ".join(map(_in_words, indicator.holds))
    applies = " + ".join(indicator.denominator) or " and ".join(
        map(_in_words, indicator.applies_if)
    )
    return [
        indicator.id,
        indicator.section,
        kind,
        population,
        counted,
        applies or "-",
        target,
    ]


def test_the_catalogue_is_complete_and_in_order(plan: Plan) -> None:
    assert [indicator.id for indicator in plan.indicators] == [row[0] for row in table()]


@pytest.mark.parametrize("expected", table(), ids=lambda row: row[0])
def test_each_row_says_what_the_plan_says(plan: Plan, expected: list[str]) -> None:
    indicator = plan.indicator(expected[0])
    assert _row(plan, indicator, expected[-1]) == expected


@pytest.mark.parametrize("expected", table(), ids=lambda row: row[0])
def test_the_target_of_every_year(plan: Plan, expected: list[str]) -> None:
    indicator, text = plan.indicator(expected[0]), expected[-1]
    spans = TARGETS.get(indicator.id, [(YEARS[0], YEARS[-1], text)])
    for year in YEARS:
        wanted = next((text for first, last, text in spans if first <= year <= last), "")
        target = indicator.target_in(year)
        assert ("" if target is None else str(target)) == wanted, year
    assert indicator.is_stage == (text == "stage")


def test_only_sums_of_money_may_pass_their_due(plan: Plan) -> None:
    rates = {indicator.id: indicator.max_rate for indicator in plan.indicators}
    assert {key: rate for key, rate in rates.items() if rate} == {"dues_collected": Fraction(6, 5)}


def test_parts_follow_their_whole_and_are_never_judged(plan: Plan) -> None:
    expected = []
    for row in table():
        expected += [row[0], *(f"{row[0]}.{column}" for column in PARTS.get(row[0], ()))]
    assert [indicator.id for indicator in plan.catalogue()] == expected
    for part in (item for item in plan.catalogue() if "." in item.id):
        assert part.kind == "monitor"
        assert part.measure == plan.indicator(part.whole).measure
        assert not part.targets
        assert part.title
    assert plan.indicator("dues_collected.dues_collected").denominator == ("dues_due",)
    assert plan.indicator("dues_collected.fund_collected").denominator == ("fund_due",)


def test_groups(plan: Plan) -> None:
    assert {name: plan.types_in(name) for name in plan.groups} == {
        name: frozenset(types.split()) for name, types in GROUPS.items()
    }
    assert plan.types_in("all") == plan.types_in("all_but_guilds") | {"trade_guild"}


def test_what_was_done_once_is_done_and_numbers_among_the_tasks_are_references(plan: Plan) -> None:
    once = [item.id for item in plan.catalogue() if item.once]
    assert once == [
        f"resolution_plan_{whose}{part}"
        for whose in ("district", "units")
        for part in ("", ".plan_made", ".plan_disseminated")
    ]
    references = {item.id: item.reference for item in plan.catalogue() if item.reference}
    assert references == {"resolution_reach": 1, "womens_committee_any": 1}


def test_the_narrower_row_judges_whom_it_holds(plan: Plan) -> None:
    judged = {item.id: plan.judged_elsewhere(item, 2024) for item in plan.catalogue()}
    assert {key: types for key, types in judged.items() if types} == {
        "informed_all": plan.types_in("public") | plan.types_in("enterprise"),
        "grade_units": plan.types_in("non_state_fdi"),
    }


def test_the_frame_of_the_plan(plan: Plan) -> None:
    assert (plan.id, plan.version, plan.adopted_on) == (
        "nq02-huong-hoa",
        "1.0",
        date(2022, 3, 31),
    )
    assert plan.issuer.id == "LDLD-HUONG-HOA"
    assert plan.issuer.name == "Liên đoàn Lao động huyện Hướng Hóa"
    assert plan.issuer.short == "LĐLĐ huyện Hướng Hóa"
    assert plan.issuer.place == "huyện Hướng Hóa, tỉnh Quảng Trị"
    assert plan.issuer.also_written == ("Hương Hóa",)
    assert plan.cut_off_in(2024) == date(2024, 11, 30)
    assert plan.baseline_year == 2022
    assert plan.complete_if_missing_at_most == Fraction(1, 10)
    assert [section.id for section in plan.sections] == [*"123456", "IV"]


# --- the words -------------------------------------------------------------------------------


@pytest.mark.parametrize("file", [PLAN_FILE, OTHER_FILE], ids=lambda file: file.stem)
def test_every_indicator_is_explained(file: Path) -> None:
    for indicator in load_plan(file).indicators:
        assert 0 < len(indicator.title) <= 110, indicator.id
        assert 0 < len(indicator.short) <= 34, indicator.id
        assert indicator.what.endswith("."), indicator.id
        assert indicator.why.endswith("."), indicator.id


def test_titles_tell_indicators_apart(plan: Plan) -> None:
    for names in ([i.title for i in plan.indicators], [i.short for i in plan.indicators]):
        assert len(set(names)) == len(names)


def test_a_shortfall_has_a_word_to_be_counted_in(plan: Plan) -> None:
    for indicator in plan.indicators:
        counted = indicator.is_fraction or any(t.is_numeric for t in indicator.targets)
        assert indicator.unit or not counted, indicator.id


@pytest.mark.parametrize("indicator_id", DECISIONS)
def test_a_decision_stands_on_its_card(plan: Plan, indicator_id: str) -> None:
    decision = plan.indicator(indicator_id).decision
    for words in DECISIONS[indicator_id]:
        assert words in decision


def test_a_reader_is_told_that_a_decision_may_be_contested(plan: Plan) -> None:
    for indicator in plan.indicators:
        assert not indicator.decision or "Bạn có thể hiểu khác" in indicator.decision, indicator.id


@pytest.mark.parametrize("file", [PLAN_FILE, OTHER_FILE], ids=lambda file: file.stem)
def test_text_is_in_one_unicode_form(file: Path) -> None:
    assert unicodedata.is_normalized("NFC", file.read_text("utf-8"))


def test_the_official_spelling_is_used(plan: Plan) -> None:
    texts = plan.model_dump_json()
    assert texts.count("Hương Hóa") == len(plan.issuer.also_written)
    assert "Hướng Hóa" in texts


#: The plan's own list: how many bullets stand under "Nhiệm vụ, giải pháp" of each section.
BULLETS = {
    **{"1.2-": 3, "2.2-": 5, "3.1.2-": 4, "3.2.2-": 5, "3.3.2-": 5, "4.2-": 3, "5.2-": 3},
    **{"6-": 2, "6+": 6, "IV.1-": 3, "IV.2-": 2},
}


def test_each_of_the_plans_41_bullets_has_a_task(plan: Plan) -> None:
    bullets = [f"{head}{n}" for head, most in BULLETS.items() for n in range(1, most + 1)]
    assert len(bullets) == 41
    assert sorted(plan.bullets) == sorted(bullets)
    assert {task.bullet for task in plan.tasks} == set(bullets)


#: The bullets that give work to the district alone, and to the unions alone; the others to both.
DISTRICT_ALONE = (
    *("2.2-1", "2.2-2", "3.2.2-1", "3.2.2-3", "3.2.2-4", "3.3.2-1", "6-1", "IV.1-1", "IV.1-2"),
    *("IV.1-3", *(f"6+{n}" for n in range(1, 7))),
)
UNITS_ALONE = ("6-2", "IV.2-1", "IV.2-2")


def test_a_task_is_for_who_the_bullet_names(plan: Plan) -> None:
    owners: dict[str, set[str]] = {}
    for task in plan.tasks:
        owners.setdefault(task.bullet, set()).add(task.owner)
    for bullet, given in owners.items():
        alone = {"district"} if bullet in DISTRICT_ALONE else {"unit"}
        both = bullet not in (*DISTRICT_ALONE, *UNITS_ALONE)
        assert given == ({"district", "unit"} if both else alone), bullet


def test_linked_tasks_name_the_row_that_says_the_same(plan: Plan) -> None:
    linked = {task.indicator for task in plan.tasks if task.indicator}
    partners = ("government", "tax", "social_insurance", "labour")
    assert linked >= {
        *("inspections", "party_introduced", "womens_committee_any", "coordination_units"),
        "conference_dialogue_enterprise.dialogue_held",
        *(f"coordination_partners.coordination_{partner}" for partner in partners),
    }
    # Nobody is asked for the papers of what nobody is asked for.
    assert not [t.id for t in plan.tasks if t.indicator and t.evidence == "required"]


def test_a_task_is_an_order_in_plain_words(plan: Plan) -> None:
    for task in plan.tasks:
        assert task.id.startswith(f"t-{task.section}-")
        assert re.match(rf"{re.escape(task.section)}[-+]", task.bullet), task.id
        assert task.text.endswith(".")
        assert 0 < len(task.short) <= 40
        assert bool(task.evidence_hint) == (task.evidence != "none"), task.id
    shorts = [(task.owner, task.short) for task in plan.tasks]
    assert len(set(shorts)) == len(shorts)


@pytest.mark.parametrize("file", [PLAN_FILE, OTHER_FILE], ids=lambda file: file.stem)
def test_sections_and_tasks_exist(file: Path) -> None:
    plan = load_plan(file)
    sections = {section.id for section in plan.sections}
    tasks = {task.id for task in plan.tasks}
    for item in (*plan.indicators, *plan.tasks):
        assert item.section.partition(".")[0] in sections
    for indicator in plan.indicators:
        assert set(indicator.tasks) <= tasks


def test_every_indicator_leads_to_a_task(plan: Plan) -> None:
    for indicator in plan.indicators:
        assert 1 <= len(indicator.tasks) <= 5, indicator.id


# --- a plan of one's own ---------------------------------------------------------------------


def test_another_union_writes_its_own_plan(other: Plan) -> None:
    assert other.issuer.id == "LDLD-TINH"
    assert other.cut_off_in(2024) == date(2024, 12, 15)
    assert other.baseline_year == 2023
    assert other.types_in("ky_hop_dong") == other.types_in("san_xuat") | {"non_public_service"}


@pytest.mark.parametrize(
    ("indicator_id", "year", "elsewhere"),
    [
        ("density", 2023, {"fdi_enterprise"}),
        ("density", 2024, "san_xuat"),
        ("density", 2026, "san_xuat"),
        ("density_production", 2023, set()),
        ("density_production", 2024, {"fdi_enterprise"}),
        ("density_production", 2026, set()),
        ("density_foreign", 2024, set()),
        ("agreements", 2024, "san_xuat"),
        ("agreements", 2031, set()),
        ("all_disclosed", 2023, set()),
        ("all_disclosed", 2024, "all"),
        ("women_share", 2024, set()),
    ],
)
def test_who_is_judged_by_a_narrower_row_follows_from_the_plan(
    other: Plan, indicator_id: str, year: int, elsewhere: set[str] | str
) -> None:
    """Only in the years in which the narrower row has a target; a row without one judges nobody."""
    wanted = other.types_in(elsewhere) if isinstance(elsewhere, str) else elsewhere
    assert other.judged_elsewhere(other.indicator(indicator_id), year) == wanted


@pytest.mark.parametrize(
    ("indicator_id", "year", "text"),
    [
        ("agreements", 2023, ">=0.7@2025"),
        ("agreements", 2026, ">=0.825@2035"),
        ("agreements", 2045, ">=0.99@2045"),
        ("agreements", 2046, None),
        ("new_members", 2022, None),
        ("new_members", 2027, ">=400"),
        ("new_members", 2028, None),
        ("new_members", 2029, ">600"),
        ("party_admitted", 2030, ">=30"),
        ("founded_25", 2028, ">=0.95@2028"),
        ("visits", 2030, "10..20"),
        ("fund_collected", 2030, ">0.95"),
        ("own_grade", 2026, ">=excellent"),
        ("partners", 2024, "yes"),
        ("trained_mean", 2024, ">=2.5"),
        ("women_share", 2024, None),
    ],
)
def test_its_targets_are_its_own(
    other: Plan, indicator_id: str, year: int, text: str | None
) -> None:
    target = other.indicator(indicator_id).target_in(year)
    assert (target and str(target)) == text


# --- a wrong plan ----------------------------------------------------------------------------


def edit(text: str, indicator_id: str, old: str, new: str) -> str:
    """Replace once, inside one indicator (``""``: anywhere before the indicators)."""
    start = text.index(f"  - id: {indicator_id}\n") if indicator_id else 0
    end = text.find("\n  - id: ", start + 1) if indicator_id else text.index("\nindicators:")
    block = text[start:] if end < 0 else text[start:end]
    assert old in block, f"{old!r} is not in {indicator_id!r}"
    return text[:start] + block.replace(old, new, 1) + text[start + len(block) :]


def problems_of(text: str, folder: Path) -> list[Problem]:
    file = folder / "plan.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        load_plan(file)
    return list(refused.value.problems)


#: indicator, what to replace, by what, the line that is named (the first with these words from the
#: indicator on), the key that is named, and words of the message.
WRONG = {
    "a legal basis that says nothing": (
        *("", "legal_bases:\n", 'legal_bases:\n  - " ; "\n'),
        *('- " ; "', "legal_bases.0", "phải là một dòng chữ"),
    ),
    "unknown key": (
        *("informed_public", "    what:", "    waht:"),
        *("waht:", "indicators.informed_public.waht", "khóa lạ"),
    ),
    "unknown key of a target": (
        *("informed_public", "at_least:", "at_leest:"),
        *("at_leest", "indicators.informed_public.targets.0.at_leest", "khóa lạ"),
    ),
    "unknown key at the top": (
        *("", "cut_off:", "cutoff: 11-30\ncut_off:"),
        *("cutoff: ", "cutoff", "khóa lạ"),
    ),
    "unknown column": (
        *("informed_public", "[informed]", "[informd]"),
        *("- id:", "indicators.informed_public", "cột «informd» không có trong bảng"),
    ),
    "column of another table": (
        *("inspections", "[inspections]", "[new_members]"),
        *("- id:", "indicators.inspections", "không có trong bảng district"),
    ),
    "column that is not a number": (
        *("informed_public", "[informed]", "[plan_made]"),
        *("- id:", "indicators.informed_public", "không phải là số"),
    ),
    "column that the district lacks": (
        *("informed_all", "kind: ratio", "kind: ratio\n    with_district: true"),
        *("- id:", "indicators.informed_all", "with_district"),
    ),
    "once of something else than facts": (
        *("informed_public", "kind: ratio", "kind: ratio\n    once: true"),
        *("- id:", "indicators.informed_public", "once chỉ dùng cho holds"),
    ),
    "once of a grade": (
        *("grade_units", "kind: share_of_units", "kind: share_of_units\n    once: true"),
        *("- id:", "indicators.grade_units", "once chỉ dùng cho holds"),
    ),
    "reference beside a target": (
        *("informed_public", "unit: người", "reference: 100%\n    unit: người"),
        *("- id:", "indicators.informed_public", "reference chỉ dùng cho kind: monitor"),
    ),
    "reference without a percent sign": (
        *("resolution_reach", "reference: 100%", "reference: 100"),
        *("- id:", "indicators.resolution_reach", "quá 100%"),
    ),
    "unknown grade": (
        *("grade_units", "at_least: good", "at_least: splendid"),
        *("at_least: splendid", "indicators.grade_units.holds.0.at_least", "phải là số"),
    ),
    "unknown kind": (
        *("informed_public", "kind: ratio", "kind: rate"),
        *("kind:", "indicators.informed_public.kind", "phải là một trong"),
    ),
    "overlapping years": (
        *("new_members", "[2026, 2030]", "[2025, 2030]"),
        *("- id:", "indicators.new_members", "chồng năm"),
    ),
    "years the wrong way round": (
        *("new_members", "[2026, 2030]", "[2030, 2025]"),
        *("[2030, 2025]", "indicators.new_members.targets.1", "2030 sau 2025"),
    ),
    "a year that cannot be": (
        *("new_members", "[2026, 2030]", "[2026, 20300]"),
        *("20300", "indicators.new_members.targets.1.years.1", "không được quá 2100"),
    ),
    "a horizon that cannot be": (
        *("collective_agreement", "2045", "1945"),
        *("1945", "indicators.collective_agreement.targets.2.by_end_of", "từ 1990 trở lên"),
    ),
    "years beside a horizon": (
        *("collective_agreement", "by_end_of: 2025", "by_end_of: 2025, years: [2022, 2025]"),
        *("by_end_of: 2025", "indicators.collective_agreement.targets.0", "không đi cùng nhau"),
    ),
    "stages mixed with yearly targets": (
        *("collective_agreement", ", by_end_of: 2025", ""),
        *("- id:", "indicators.collective_agreement", "không trộn"),
    ),
    "between the wrong way round": (
        *("inspections", "[2, 5]", "[5, 2]"),
        *("[5, 2]", "indicators.inspections.targets.0", "số đầu phải nhỏ hơn hoặc bằng số sau"),
    ),
    "between three numbers": (
        *("inspections", "[2, 5]", "[2, 5, 9]"),
        *("[2, 5, 9]", "indicators.inspections.targets.0.between", "nhiều nhất 2 mục"),
    ),
    "between for a share": (
        *("informed_public", "at_least: 100%", "between: [80%, 90%]"),
        *("- id:", "indicators.informed_public", "between chỉ dùng cho số đếm"),
    ),
    "percent in words": (
        *("informed_enterprise", "80%", "tám mươi phần trăm"),
        *("tám mươi", "indicators.informed_enterprise.targets.0.more_than", "ví dụ 80%"),
    ),
    "decimal comma": (
        *("informed_enterprise", "80%", '"82,5%"'),
        *("82,5", "indicators.informed_enterprise.targets.0.more_than", "ví dụ 80%"),
    ),
    "percent sign forgotten": (
        *("informed_enterprise", "80%", "80"),
        *("- id:", "indicators.informed_enterprise", "viết dạng 80%"),
    ),
    "a target without end": (
        *("informed_enterprise", "80%", ".inf"),
        *(".inf", "indicators.informed_enterprise.targets.0.more_than", "phải là số"),
    ),
    "a negative target": (
        *("inspections", "[2, 5]", "[-2, 5]"),
        *("[-2, 5]", "indicators.inspections.targets.0.between.0", "không được âm"),
    ),
    "two bars in one target": (
        *("informed_public", "at_least: 100%", "at_least: 100%, more_than: 80%"),
        *("more_than", "indicators.informed_public.targets.0", "cần đúng một trong"),
    ),
    "a target for a monitor": (
        *("union_density", "    unit:", "    targets:\n      - {at_least: 90%}\n    unit:"),
        *("- id:", "indicators.union_density", "kind: monitor không có chỉ tiêu"),
    ),
    "a missing target": (
        *("informed_public", "    targets:\n      - {at_least: 100%}\n", ""),
        *("- id:", "indicators.informed_public", "thiếu targets"),
    ),
    "a monitor of nothing": (
        *("union_density", "    monitors: ratio\n", ""),
        *("- id:", "indicators.union_density", "monitors"),
    ),
    "a target holds, but the row is a rate": (
        *("informed_public", "at_least: 100%", "holds: true"),
        *("- id:", "indicators.informed_public", "holds chỉ dùng cho district_value"),
    ),
    "a rate with facts": (
        *("informed_public", "    unit:", "    holds:\n      - {column: plan_made}\n    unit:"),
        *("- id:", "indicators.informed_public", "ratio cần đúng: numerator và denominator"),
    ),
    "a number that needs a comparison": (
        *("womens_committee", "column: womens_committee", "column: members_total"),
        *("- id:", "indicators.womens_committee", "cần một phép so"),
    ),
    "rates above what may be": (
        *("dues_collected", "max_rate: 120%", "max_rate: 80%"),
        *("- id:", "indicators.dues_collected", "max_rate phải từ 100%"),
    ),
    "duplicate id": (
        *("culture_units", "- id: culture_units", "- id: culture_members"),
        *("- id:", "indicators.culture_members.id", "«culture_members» lặp lại"),
    ),
    "duplicate YAML key": (
        *("culture_units", "    unit: CĐCS\n", "    unit: CĐCS\n    unit: người\n"),
        *("unit: người", "unit", "khóa lặp lại"),
    ),
    "unknown group": (
        *("informed_public", "population: public", "population: publik"),
        *("publik", "indicators.informed_public.population", "không phải nhóm"),
    ),
    "unknown unit type in a group": (
        *("", "[state_agency, public_service]", "[state_agency, school]"),
        *("school", "groups.public.1", "không phải loại hình"),
    ),
    "groups that hold each other": (
        *("", "[state_agency, public_service]", "[state_agency, all_but_guilds]"),
        *("  public:", "groups.public.1", "nhóm đã nêu ở trên"),
    ),
    "unknown section": (
        *("informed_public", 'section: "1.1"', 'section: "9.1"'),
        *("9.1", "indicators.informed_public.section", "không thuộc phần nào"),
    ),
    "section without quotes": (
        *("informed_public", 'section: "1.1"', "section: 1.1"),
        *("section:", "indicators.informed_public.section", "trong ngoặc kép"),
    ),
    "unknown task": (
        *("conference_public", "[t-2.2-dan-chu,", "[t-2.2-dan-ch,"),
        *("t-2.2-dan-ch,", "indicators.conference_public.tasks.0", "không có việc nào"),
    ),
    "task of an unknown section": (
        *("", '    section: "1.2"', '    section: "7.2"'),
        *("7.2", "tasks.t-1.2-ke-hoach.section", "không thuộc phần nào"),
    ),
    "a task of nobody": (
        *("t-1.2-hinh-thuc", "owner: unit", "owner: uni"),
        *("owner: uni\n", "tasks.t-1.2-hinh-thuc.owner", "phải là một trong"),
    ),
    "a task of an unknown population": (
        *("t-2.2-doi-song", "population: employer", "population: employers"),
        *("employers", "tasks.t-2.2-doi-song.population", "không phải nhóm"),
    ),
    "a population of the district": (
        *("t-2.2-giam-sat", "cadence:", "population: public\n    cadence:"),
        *("- id:", "tasks.t-2.2-giam-sat", "population chỉ dùng cho việc của CĐCS"),
    ),
    "a task with an unknown key": (
        *("t-2.2-tet-sum-vay", "    due:", "    duo:"),
        *("duo:", "tasks.t-2.2-tet-sum-vay.duo", "khóa lạ"),
    ),
    "a due day that is not": (
        *("t-2.2-tet-sum-vay", "due: 02-28", "due: 02-30"),
        *("due: 02-30", "tasks.t-2.2-tet-sum-vay.due", "phải là ngày có trong mọi năm"),
    ),
    "a due day that is not in every year": (
        *("t-2.2-tet-sum-vay", "due: 02-28", "due: 02-29"),
        *("due: 02-29", "tasks.t-2.2-tet-sum-vay.due", "phải là ngày có trong mọi năm"),
    ),
    "a due day of what never falls due": (
        *("t-1.2-hinh-thuc", "cadence: standing", "cadence: standing\n    due: 05-31"),
        *("- id:", "tasks.t-1.2-hinh-thuc", "không có thời hạn"),
    ),
    "a link to no indicator": (
        *("t-2.2-giam-sat", "indicator: inspections", "indicator: inspection"),
        *("indicator: inspection\n", "tasks.t-2.2-giam-sat.indicator", "không có chỉ tiêu nào"),
    ),
    "a link to what is not the owner's": (
        *("t-2.2-giam-sat", "indicator: inspections", "indicator: culture_units"),
        *("indicator:", "tasks.t-2.2-giam-sat.indicator", "không phải của chính cơ quan"),
    ),
    "a name that is too long": (
        *("t-2.2-giam-sat", "short: ", "short: " + "Một cái tên dài quá, "),
        *("short:", "tasks.t-2.2-giam-sat.short", "40"),
    ),
    "a bullet that no task covers": (
        *("", '"IV.2-1", "IV.2-2",', '"IV.2-1", "IV.2-2", "IV.2-3",'),
        *('"IV.2-3"', "bullets.41", "không có nhiệm vụ nào"),
    ),
    "a bullet that is not in the plan": (
        *("t-2.2-gop-y", 'bullet: "2.2-1"', 'bullet: "2.2-9"'),
        *('"2.2-9"', "tasks.t-2.2-gop-y.bullet", "không có trong bullets"),
    ),
    "missing key": (
        *("informed_public", "    short: Được tuyên truyền, khối công\n", ""),
        *("- id:", "indicators.informed_public.short", "thiếu khóa"),
    ),
    "a day that is not in every year": (
        *("", "cut_off: 11-30", "cut_off: 02-29"),
        *("cut_off", "cut_off", "mọi năm"),
    ),
    "a day that is not": (
        *("", "2022-03-31", "2022-02-31"),
        *("adopted_on", "adopted_on", "phải là ngày"),
    ),
    "a percentage of a number": (
        *("new_members", "at_least: 100,", "at_least: 10%,"),
        *("- id:", "indicators.new_members", "viết bằng phần trăm, mà total là số đếm"),
    ),
    "a hundred per cent of a number": (
        *("inspections", "between: [2, 5]", "at_least: 100%"),
        *("- id:", "indicators.inspections", "viết bằng phần trăm"),
    ),
    "a percentage for a mean": (
        *("party_introduced", "at_least: 1", "at_least: 50%"),
        *("- id:", "indicators.party_introduced", "viết bằng phần trăm, mà mean_per_unit"),
    ),
    "between percentages": (
        *("inspections", "[2, 5]", "[2%, 5%]"),
        *("- id:", "indicators.inspections", "viết bằng phần trăm"),
    ),
    "half a class": (
        *("law_classes", "[2, 3]", "[2, 2.5]"),
        *("- id:", "indicators.law_classes", "phải là số nguyên"),
    ),
    "a count for a grade": (
        *("district_grade", "at_least: good", "at_least: 2"),
        *("- id:", "indicators.district_grade", "mức phải là một từ xếp loại"),
    ),
    "a grade for a count": (
        *("inspections", "between: [2, 5]", "at_least: good"),
        *("- id:", "indicators.inspections", "không phải là xếp loại"),
    ),
    "a count for a yes": (
        *("resolution_plan_district", "holds: true", "at_least: 1"),
        *("- id:", "indicators.resolution_plan_district", "mức phải là holds: true"),
    ),
    "a bar that all reach": (
        *("culture_members", "at_least: 75%", "at_least: 0%"),
        *("- id:", "indicators.culture_members", "ai cũng đạt"),
    ),
    "a grade that all reach": (
        *("district_grade", "at_least: good", "at_least: failed"),
        *("- id:", "indicators.district_grade", "ai cũng đạt"),
    ),
    "a bar that none can reach": (
        *("informed_all", "more_than: 90%", "more_than: 100%"),
        *("- id:", "indicators.informed_all", "không ai đạt được"),
    ),
    "a figure added twice": (
        *("informed_public", "[informed]", "[informed, informed]"),
        *("- id:", "indicators.informed_public", "numerator"),
    ),
    "a figure of itself": (
        *("culture_members", "[culture_members]", "[members_total]"),
        *("- id:", "indicators.culture_members", "vừa ở numerator vừa ở denominator"),
    ),
    "money over persons": (
        *("culture_members", "[culture_members]", "[dues_collected]"),
        *("- id:", "indicators.culture_members", "lẫn tiền, số đếm"),
    ),
    "a fact named twice": (
        *(
            "coordination_units",
            "      - {column: coordination_rules}\n",
            2 * "      - {column: coordination_rules}\n",
        ),
        *("- id:", "indicators.coordination_units", "hai lần"),
    ),
    "a population of the district itself": (
        *("inspections", "kind: district_value", "kind: district_value\n    population: public"),
        *("- id:", "indicators.inspections", "population"),
    ),
    "an empty cell for a no": (
        *("culture_units", "{column: culture_held}", "{column: culture_held, present: false}"),
        *("- id:", "indicators.culture_units", "chưa có số liệu"),
    ),
    "a condition in percent on a count": (
        *("womens_committee", "members_female, at_least: 10", "members_female, at_least: 10%"),
        *("- id:", "indicators.womens_committee", "phải so với số nguyên"),
    ),
    "a condition that always holds": (
        *("womens_committee", "members_female, at_least: 10", "members_female, at_least: 0"),
        *("- id:", "indicators.womens_committee", "lúc nào cũng đúng"),
    ),
    "a rate of a figure to itself": (
        *("fund_share_units", "over: fund_collected", "over: fund_allocated"),
        *("- id:", "indicators.fund_share_units", "over"),
    ),
    "a rate of money to persons": (
        *("fund_share_units", "over: fund_collected", "over: informed"),
        *("- id:", "indicators.fund_share_units", "over"),
    ),
    "a condition's percent sign forgotten": (
        *("fund_share_units", "at_least: 75%", "at_least: 75"),
        *("- id:", "indicators.fund_share_units", "viết dạng 80%"),
    ),
    "a title of no part": (
        *("informed_public", "    unit:", "    part_titles: {informd: a}\n    unit:"),
        *("- id:", "indicators.informed_public", "part_titles"),
    ),
    "a target over before the plan": (
        *("new_members", "[2022, 2025]", "[2020, 2021]"),
        *("[2020, 2021]", "indicators.new_members.targets.0", "hết hạn trước khi"),
    ),
    "more than all may be missing": (
        *("", "complete_if_missing_at_most: 10%", "complete_if_missing_at_most: 10"),
        *("complete_if", "complete_if_missing_at_most", "không viết 10"),
    ),
    "a group of nobody": (
        *("", "[state_agency, public_service]", "[]"),
        *("  public:", "groups.public", "không có loại hình nào"),
    ),
    "broken YAML": (
        *("informed_public", "{at_least: 100%}", "{at_least: 100%"),
        *("{at_least", "", "ngoặc mở mà không đóng"),
    ),
    "a YAML tag": (
        *("informed_public", "unit: người", "unit: !người người"),
        *("unit:", "", "sai cú pháp YAML"),
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_plan_is_refused_with_place_and_reason(name: str, tmp_path: Path) -> None:
    indicator_id, old, new, line, key, words = WRONG[name]
    text = PLAN_FILE.read_text("utf-8")
    head = f"  - id: {indicator_id}\n" if indicator_id else ""
    start = text.index(head)
    text = edit(text, indicator_id, old, new)
    [problem] = problems_of(text, tmp_path)
    assert problem.severity == "error"
    assert problem.file == "plan.yaml"
    assert problem.row == text.count("\n", 0, text.index(line, start)) + 1
    assert problem.column == key
    assert words in problem.message
    assert str(tmp_path) not in str(problem)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    text = PLAN_FILE.read_text("utf-8")
    text = edit(text, "informed_public", "population: public", "population: publik")
    text = edit(text, "informed_enterprise", "[informed]", "[informd]")
    text = edit(text, "inspections", "[2, 5]", "[5, 2]")
    text = edit(text, "new_members", "[2026, 2030]", "[2025, 2030]")
    text = edit(text, "grade_units", "    what:", "    waht:")
    text = edit(text, "coordination_units", "[t-6-quy-che]", "[t-6-quy]")
    text = edit(text, "", "cut_off: 11-30", "cut_off: 31-11")
    found = problems_of(text, tmp_path)
    assert [problem.column for problem in found] == [
        "cut_off",
        "indicators.informed_public.population",
        "indicators.informed_enterprise",
        "indicators.inspections.targets.0",
        "indicators.grade_units.waht",
        "indicators.new_members",
        "indicators.coordination_units.tasks.0",
    ]
    rows = [problem.row or 0 for problem in found]
    assert rows == sorted(rows)
    assert rows[0] > 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- chỉ là một danh sách\n", "nhóm khóa: giá trị"),
        ("id: &a [*a]\n", "tự nhắc lại"),
        ("id: \0\n", "sai cú pháp YAML"),
        ("{{ plan }}: 1\n", "tên khóa phải là chữ"),
    ],
)
def test_what_is_no_plan_at_all_is_refused(text: str, words: str, tmp_path: Path) -> None:
    [problem] = problems_of(text, tmp_path)
    assert words in problem.message


def test_an_empty_file_lacks_every_key(tmp_path: Path) -> None:
    found = problems_of("", tmp_path)
    assert {problem.column for problem in found} > {"id", "issuer", "groups", "indicators"}
    assert {problem.message for problem in found} == {"thiếu khóa này"}


def test_a_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="không tìm thấy tệp"):
        load_plan(tmp_path / "khong-co.yaml")
    file = tmp_path / "plan.yaml"
    file.write_bytes("id: Hướng Hóa".encode("utf-16"))
    with pytest.raises(InputError, match="UTF-8"):
        load_plan(file)


# --- The key reference ---------------------------------------------------------------------------

_REFERENCE = {
    "Đầu tệp": Plan,
    "issuer": schema.Issuer,
    "sections": schema.Section,
    "indicators": schema.Indicator,
    "targets": schema.Target,
    "Điều kiện": schema.Condition,
    "tasks": schema.Task,
}


@pytest.mark.parametrize("chapter", _REFERENCE)
def test_the_reference_names_every_key_and_no_other(chapter: str) -> None:
    text = (find_root() / "docs" / "tep-ke-hoach.md").read_text("utf-8")
    (part,) = [
        p for p in text.split("\n## ")[1:] if p.split("\n")[0].lstrip("`").startswith(chapter)
    ]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \|", part, re.MULTILINE)
    model = _REFERENCE[chapter]
    assert [key for key, _ in rows] == list(model.model_fields)
    asked = {key for key, kind in rows if "bắt buộc" in kind}
    assert asked == {key for key, field in model.model_fields.items() if field.is_required()}


def words_of(kind: Any) -> set[str]:
    """The words of a Literal, however deep it stands."""
    return {
        word
        for arg in get_args(kind)
        for word in ({arg} if isinstance(arg, str) else words_of(arg))
    }


def test_every_word_that_the_plan_takes_is_in_the_reference() -> None:
    text = (find_root() / "docs" / "tep-ke-hoach.md").read_text("utf-8")
    for model in _REFERENCE.values():
        for key, field in model.model_fields.items():
            assert {
                word for word in words_of(field.annotation) if f"`{word}`" not in text
            } == set(), key


def test_the_references_example_is_a_plan_and_its_columns_are_all(tmp_path: Path) -> None:
    text = (find_root() / "docs" / "tep-ke-hoach.md").read_text("utf-8")
    (tmp_path / "plan.yaml").write_text(text.partition("```yaml\n")[2].partition("```")[0], "utf-8")
    assert len(load_plan(tmp_path / "plan.yaml").indicators) == 3
    for source, tables in schema.SOURCE_TABLES.items():
        for name, column in schema.columns_over(source).items():
            if column.type.name in ("count", "money", "boolean"):
                rows = re.findall(rf"\| `{name}` \| `(\w+)` \| [^|]+ \| ([^|]+) \|", text)
                assert any(t in tables and vi == column.vi for t, vi in rows), name
