"""The engine against the independent recomputation in ``oracle.py``, on random data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from datasets import random_tables
from oracle import expected_table
from test_engine_kit import at_least, dataset_of, differences, more_than, records, spec_of

from analysis.plan import Plan, load_plan
from analysis.results import compute_indicators

#: Kinds, sources and settings that neither plan file combines.
UNUSUAL = spec_of(
    {
        "kind": "ratio",
        "with_district": True,
        "numerator": ["fund_collected", "dues_collected"],
        "denominator": ["fund_due", "dues_due"],
        "max_rate": "120%",
        **at_least("110%", by_end_of=2030),
    },
    {
        "kind": "ratio",
        "over": "employers",
        "numerator": ["workers_gathered"],
        "denominator": ["workers_total"],
        **at_least("10%", by_end_of=2026),
    },
    {
        "kind": "ratio",
        "population": "handful",
        "numerator": ["members_total"],
        "denominator": ["workers_total"],
        "targets": [
            {"at_least": "100%", "by_end_of": 2024},
            {"at_least": "50%", "by_end_of": 2026},
        ],
    },
    {
        "kind": "share_of_units",
        "holds": [
            {"column": "fund_allocated", "over": "fund_collected", "at_least": "75%"},
            {"column": "dues_collected", "more_than": 100},
        ],
        **more_than("50%"),
    },
    {
        "kind": "share_of_units",
        "with_district": True,
        "holds": [{"column": "finance_disclosed"}, {"column": "emulation_launched"}],
        **at_least("80%", by_end_of=2025),
    },
    {
        "kind": "mean_per_unit",
        "numerator": ["party_introduced", "party_admitted"],
        "targets": [{"more_than": "0.5", "years": [2022, 2024]}],
    },
    {"kind": "total", "numerator": ["new_members"], "targets": [{"between": [20, 60]}]},
    {
        "kind": "district_value",
        "holds": [{"column": "cadres_trained", "over": "cadres_total", "at_least": "80%"}],
        "targets": [{"holds": True}],
    },
    {
        "kind": "share_of_employers",
        "holds": [{"column": "unit_id", "present": True}],
        **at_least("80%"),
    },
    {
        "kind": "share_of_employers",
        "population": "enterprises",
        "holds": [{"column": "unit_id", "present": True}],
        **at_least("90%", years=[2023, 2025]),
    },
    {
        "kind": "ratio",
        "over": "employers",
        "members_if": [{"column": "unit_id", "present": False}],
        "numerator": ["workers_gathered"],
        "denominator": ["workers_total"],
        **at_least("20%"),
    },
    {
        "kind": "ratio",
        "numerator": ["members_female", "hardship_members"],
        "denominator": ["members_total", "hardship_supported"],
        "max_rate": "170%",
        **at_least("30%"),
    },
    {
        "kind": "share_of_units",
        "once": True,
        "holds": [{"column": "dialogue_held"}, {"column": "culture_held"}],
        "applies_if": [
            {"column": "hardship_members", "more_than": 0},
            {"column": "fund_collected", "at_least": 100},
        ],
        **at_least("50%"),
    },
    {
        "kind": "share_of_units",
        "population": "handful",
        "holds": [{"column": "dialogue_held"}, {"column": "culture_held"}],
        **at_least("50%"),
    },
    groups={"enterprises": ["private_enterprise", "fdi_enterprise"], "handful": ["enterprises"]},
    baseline_year=2023,
    complete_if_missing_at_most="25%",
    cut_off="12-01",
)

CASES = [
    pytest.param(1006, {}, id="1006"),
    pytest.param(1016, {"units": 1, "years": (2024, 2025)}, id="1016-1-unit"),
    pytest.param(1017, {"units": 3, "years": (2022, 2023, 2024)}, id="1017-3-units"),
    pytest.param(1021, {"units": 25, "years": (2025, 2026)}, id="1021-25-units"),
    pytest.param(
        1023, {"units": 2, "years": (2021, 2023, 2024, 2030, 2045)}, id="1023-years-left-out"
    ),
]


@pytest.fixture(scope="module")
def plans(plan_file: Path, other_plan_file: Path) -> list[tuple[dict[str, Any], Plan]]:
    files = [
        (yaml.safe_load(path.read_text("utf-8")), load_plan(path))
        for path in (plan_file, other_plan_file)
    ]
    return [*files, (UNUSUAL, Plan.model_validate(UNUSUAL))]


@pytest.mark.parametrize(("seed", "size"), CASES)
def test_the_engine_agrees_with_the_oracle_in_every_row_and_column(
    seed: int, size: dict[str, Any], plans: list[tuple[dict[str, Any], Plan]]
) -> None:
    tables = random_tables(seed, **size)
    dataset = dataset_of(tables)
    for spec, plan in plans if seed % 3 == 0 else plans[:2]:
        wanted = [row for year in dataset.years for row in expected_table(tables, spec, year)]
        got = records(compute_indicators(dataset, plan))
        assert list(differences(got, wanted)) == []
