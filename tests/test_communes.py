"""Communes that became others: the old beside the new, and no name compared with another area."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from conftest import Run
from datasets import filled, write_tables
from test_tables import UNIT, problems_of, sound_tables

from analysis import compare, load
from analysis.findings.finding import find_before
from analysis.study import Study

Congdoan = Callable[..., Run]

#: Of two years: the unit, its commune then and now, its members then and now.
UNITS = [
    ("U1", "Tân Hợp", "Khe Sanh", 10, 11),
    ("U2", "xã Tân Liên", "Khe Sanh", 20, 22),
    ("U3", "Húc", "Húc", 30, 33),
    ("U4", "Hướng Tân", "Hướng Phùng", 40, 44),
    ("U5", "Hướng Phùng", "Hướng Phùng", 50, 55),
    ("U6", "Ba Nang", "Húc", 60, 66),
    ("U7", "Ba Nang", "Khe Sanh", 70, 77),
]
#: The last one was divided; the last but one kept its name and grew.
REFORM = [
    ("xã Tân Hợp", "Khe Sanh"),
    ("Tân Liên", "xã Khe Sanh"),
    ("Hướng Tân", "Hướng Phùng"),
    ("Hướng Phùng", "Hướng Phùng"),
    ("Ba Nang", "Húc"),
    ("Ba Nang", "Khe Sanh"),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    tables = sound_tables() | {"employers": [], "lineage": []}
    for name in ("roster", "returns"):
        tables[name] = [
            filled(
                name,
                UNIT
                | {"unit_id": unit, "year": year, "commune": place, "culture_members": members}
                | {"workers_total": 100, "members_total": 100},
            )
            for unit, old, new, before, now in UNITS
            for year, place, members in ((2024, old, before), (2025, new, now))
        ]
    tables["district"] = [filled("district", {"year": year}) for year in (2024, 2025)]
    folder = write_tables(tables, tmp_path / "data")
    with (folder / "communes.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["old_name", "new_name", "date"])
        rows.writerows([*one, "2025-07-01"] for one in REFORM)
    return folder


@pytest.fixture
def study(data: Path) -> Study:
    return load(2025, data=str(data))


def test_the_old_communes_are_added_up_beside_the_one_that_took_their_place(study: Study) -> None:
    rows = compare(study, 2024, 2025, by="commune").set_index("scope_id")
    rows = rows[rows["indicator"] == "culture_members"]
    sums: dict[str, list[int]] = {}
    for _, _, new, before, now in UNITS:
        both = sums.setdefault(new, [0, 0])
        both[:] = both[0] + before, both[1] + now
    assert set(rows.index) == set(sums)
    for commune, (before, now) in sums.items():
        units = 100 * sum(new == commune for _, _, new, *_ in UNITS)
        assert rows.at[commune, "before"] == pytest.approx(before / units)
        assert rows.at[commune, "now"] == pytest.approx(now / units)
    assert rows["communes_before"].to_dict() == {
        "Húc": "Ba Nang, Húc",
        "Hướng Phùng": "Hướng Phùng, Hướng Tân",
        "Khe Sanh": "Ba Nang, Tân Hợp, xã Tân Liên",
    }
    # The table of indicators keeps every name as its year had it.
    assert study.rows("commune", "Tân Hợp", 2024)
    assert not study.rows("commune", "Tân Hợp", 2025)


def test_a_commune_that_kept_its_name_and_grew_is_not_compared_by_its_name(study: Study) -> None:
    assert find_before(study, "commune", "Hướng Phùng", 2025) == ({}, "")
    whole = compare(study, 2024, 2025, by="commune", basis="same_perimeter")
    assert (
        whole.set_index(["indicator", "scope_id"]).loc[
            ("culture_members", "Hướng Phùng"), "before_reported"
        ]
        == 2
    )


def test_without_a_reform_communes_stand_beside_themselves() -> None:
    study = load(2024)
    table = compare(study, 2023, 2024, by="commune")
    assert set(table["scope_id"]) == {*study.dataset.roster["commune"]}
    for row in table.itertuples():
        own = study.rows("commune", row.scope_id, 2023).get(row.indicator)
        assert row.before_reported == (own.reported if own else 0)
        assert row.communes_before == row.scope_id
        assert own is None or pd.isna(own.value) or row.before == own.value


def test_a_name_of_the_past_in_a_later_register_is_told(data: Path, tmp_path: Path) -> None:
    tables = sound_tables()
    for year, place in ((2024, "Tân Hợp"), (2025, "Tân Hợp"), (2026, "Hướng Phùng")):
        cells = UNIT | {"year": year, "commune": place, "unit_id": f"U{year}"}
        tables["roster"].append(filled("roster", cells))
    folder = tmp_path / "later"
    folder.mkdir()
    (folder / "communes.csv").write_bytes((data / "communes.csv").read_bytes())
    found = [one for one in problems_of(tables, folder) if one.code == "old_commune"]
    assert [(one.severity, one.year, one.value) for one in found] == [("warning", 2025, "Tân Hợp")]
    assert "thuộc: Khe Sanh" in found[0].message


def test_the_next_years_register_stands_under_the_new_communes(
    congdoan: Congdoan, tmp_path: Path
) -> None:
    tables = sound_tables() | {"employers": [], "lineage": []}
    places = ("Tân Hợp", "Húc", "Ba Nang")
    tables["roster"] = [
        filled("roster", UNIT | {"unit_id": f"U{n}", "commune": place})
        for n, place in enumerate(places, 1)
    ]
    folder = write_tables(tables, tmp_path / "data")
    lines = [f"{old},{new},2025-07-01" for old, new in REFORM]
    (folder / "communes.csv").write_text("\n".join(["old_name,new_name,date", *lines]), "utf-8")
    run = congdoan("next-year", 2025, "--data", folder)
    assert run.status == 0, run.err
    assert "Xã Ba Nang được chia về Húc, Khe Sanh" in run.out
    roster = load(2025, data=str(folder)).dataset.roster
    assert roster[roster["year"] == 2025]["commune"].tolist() == ["Khe Sanh", "Húc", "Ba Nang"]


def test_the_table_comes_in_as_a_file_like_any_other(congdoan: Congdoan, tmp_path: Path) -> None:
    folder = write_tables(sound_tables(), tmp_path / "data")
    file = tmp_path / "sap-xep.csv"
    file.write_text(
        '"Xã, thị trấn cũ","Xã, thị trấn mới",Ngày\nTân Hợp,Khe Sanh,2025-07-01\n', "utf-8"
    )
    run = congdoan("import", file, "--data", folder)
    assert run.status == 0, run.out + run.err
    table = load(2024, data=str(folder)).dataset.tables["communes"]
    assert table[["old_name", "new_name"]].to_numpy().tolist() == [["Tân Hợp", "Khe Sanh"]]
    assert table["date"].tolist() == [pd.Timestamp(2025, 7, 1)]
    back = ("--table", "communes", "--reason", "nhầm ngày", "--data", folder)
    assert congdoan("withdraw", "Khe Sanh", 2025, *back).status == 0
    assert load(2024, data=str(folder)).dataset.tables["communes"].empty
