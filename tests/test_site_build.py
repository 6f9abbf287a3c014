"""A site from a study: complete, honest about failures, and rerun only where something changed."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_site_kit import (
    fill_disk_at,
    make_study,
    needs_fork,
    write_notebooks,
    write_template,
)

from analysis.pages.fragments import area_page
from analysis.problems import InputError
from analysis.site import build as build_module
from analysis.site.build import build_site
from analysis.site.planning import find_areas
from analysis.site.run import Order, RunOutcome, format_recap
from analysis.study import Study

pytestmark = needs_fork
UNITS = ("DN-RLAN", "TH-HUC", "XA-XY")
#: The year's page, a page a unit, and one for each of their communes, no two of which share one.
ALL = 1 + 2 * len(UNITS)
SHOW = "print(unit_id, year, 'cdcs')"
BAD = "if unit_id == 'DN-RLAN': raise ValueError('hỏng & <b>')"
KILL = "import os, signal\nif unit_id == 'TH-HUC': os.kill(os.getpid(), signal.SIGKILL)"
Build = Callable[..., RunOutcome]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_study(tmp_path_factory.mktemp("data"), UNITS)


@pytest.fixture
def build(study: Study, tmp_path: Path) -> Build:
    """build_site with small notebooks and template, into ``tmp_path/2024``."""
    write_notebooks(tmp_path / "notebooks", SHOW)
    template = write_template(tmp_path / "templates")

    def run(of: Study = study, **changes: Any) -> RunOutcome:
        settings: dict[str, Any] = {
            "jobs": 2,
            "progress": False,
            "start": "fork",
            "notebooks": tmp_path / "notebooks",
            "template": template,
        }
        return build_site(of, tmp_path / "2024", Order(**{**settings, **changes}))

    return run


def read_ledger(folder: Path) -> dict[str, Any]:
    ledger: dict[str, Any] = json.loads((folder / "ledger.json").read_text("utf-8"))
    return ledger


def outcomes(folder: Path) -> dict[str, str]:
    return {item["unit_id"]: item["outcome"] for item in read_ledger(folder)["units"]}


def entry(folder: Path, unit_id: str) -> dict[str, Any]:
    found = [item for item in read_ledger(folder)["units"] if item["unit_id"] == unit_id]
    assert len(found) == 1
    item: dict[str, Any] = found[0]
    return item


def pages(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*.html"))}


def test_site_is_complete(study: Study, build: Build, tmp_path: Path) -> None:
    recap = build()
    site = tmp_path / "2024"
    missing = {
        unit_id for unit_id, row in study.expected_units(2024).iterrows() if not row["has_return"]
    }
    expected = {unit: "no_return" if unit in missing else "published" for unit in sorted(UNITS)}
    assert outcomes(site) == expected
    assert recap.is_done
    assert (recap.made, recap.unchanged) == (ALL, 0)
    found = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    assert found == {
        *("index.html", "year.html", "ledger.json", "data/indicators.csv", "data/units.csv"),
        *(f"cdcs/{unit_id}.html" for unit_id in UNITS),
        *(area_page(*area) for area in find_areas(study)),
    }
    assert [item["page"] for item in read_ledger(site)["areas"]] == sorted(
        area_page("commune", name) for name in study.expected_units(2024)["commune"].unique()
    )
    executed = tmp_path / "2024.notebooks"
    names = {path.stem for path in executed.rglob("*.ipynb")}
    assert names == {Path(link).stem for link in found if link.endswith(".html")} - {"index"}
    assert b"DN-RLAN 2024 cdcs" in (site / "cdcs" / "DN-RLAN.html").read_bytes()
    with (site / "data" / "units.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["unit_id"] for row in rows] == sorted(UNITS)
    assert {row["has_return"] for row in rows} <= {"true", "false"}
    header = (site / "data" / "indicators.csv").read_text("utf-8").partition("\n")[0]
    assert header.startswith("\ufeffindicator,year,scope,scope_id,expected")
    # Nothing that is shared says where it was made.
    for path in site.rglob("*"):
        assert not path.is_file() or str(tmp_path).encode() not in path.read_bytes()


def test_neither_number_nor_start_of_processes_shows(build: Build, tmp_path: Path) -> None:
    found = []
    for ways in ({"jobs": 1}, {"jobs": 3}, {"start": "spawn"}):
        assert build(units=["DN-RLAN"], **ways).is_done
        found.append(pages(tmp_path / "2024"))
        del found[-1]["index.html"]  # it tells when the pages were made
        shutil.rmtree(tmp_path / "2024")
    assert found[0] == found[1] == found[2]


def test_one_failure_stops_no_other(build: Build, tmp_path: Path) -> None:
    write_notebooks(tmp_path / "notebooks", f"{BAD}\n{KILL}", SHOW)
    recap = build()
    site = tmp_path / "2024"
    assert not recap.is_done
    assert recap.made == ALL - 2
    (_, _, dead), (whose, _, failure) = sorted(recap.failures, reverse=True)
    assert dead.error == "DeadKernelError: tiến trình chạy sổ tay đã bị ngắt (SIGKILL)"
    assert (whose, failure.cell) == ("DN-RLAN", 3)
    failed = entry(site, "DN-RLAN")
    assert failed["outcome"] == "failed"
    assert (failed["failure"]["cell"], failed["failure"]["error"]) == (3, "ValueError: hỏng & <b>")
    assert failed["page"] is None
    assert not (site / "cdcs" / "DN-RLAN.html").exists()
    assert (tmp_path / "2024.notebooks" / "cdcs" / "DN-RLAN.failed.ipynb").exists()
    assert sorted(outcomes(site).values()).count("failed") == 2
    told = format_recap(recap, ["--jobs", "2"])
    assert "  congdoan report --year 2024 --jobs 2 --unit DN-RLAN --unit TH-HUC\n" in told
    assert "ô 3 «if unit_id == 'DN-RLAN'" in told
    assert str(tmp_path / "2024" / "index.html") in told
    # No option names an area's page: a run of everything makes it, and leaves what is good.
    area = ("area/commune-thanh-73e2.html", "Thanh", recap.failures[0][2])
    told = format_recap(replace(recap, failures=(*recap.failures, area)), ["--jobs", "2"])
    assert "  congdoan report --year 2024 --jobs 2\n" in told


def test_last_good_page_is_kept_and_marked_stale(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build()
    site = tmp_path / "2024"
    before, made = entry(site, "DN-RLAN"), pages(site)
    assert set(before["inputs"]) == {
        *("code", "data", "description", "language", "libraries", "notebook"),
        *("pictures", "plan", "settings", "template", "years_beside"),
    }
    # Where nothing changed nothing starts.
    with monkeypatch.context() as patch:
        patch.setattr(build_module, "run_jobs", None)
        recap = build()
    assert (recap.made, recap.unchanged) == (0, ALL)
    assert pages(site) == made
    # What was touched or deleted is made again.
    (site / "cdcs" / "DN-RLAN.html").unlink()
    (site / "cdcs" / "XA-XY.html").write_text("của ai đó")
    os.utime(site / "cdcs" / "TH-HUC.html", (0, 0))
    assert build().made == 2
    assert b"XA-XY 2024 cdcs" in (site / "cdcs" / "XA-XY.html").read_bytes()
    # A page that fails leaves its last good one; nor does the year's page know the notebook.
    before = entry(site, "DN-RLAN")
    write_notebooks(tmp_path / "notebooks", BAD, SHOW)
    recap = build()
    assert recap.made == len(UNITS) - 1
    after, other = entry(site, "DN-RLAN"), entry(site, "XA-XY")["inputs"]
    assert {key for key in other if other[key] != before["inputs"][key]} == {"notebook"}
    assert (after["outcome"], after["stale"]) == ("failed", True)
    for name in ("page", "sha256", "inputs", "made_at"):
        assert after[name] == before[name]
    assert b"DN-RLAN 2024 cdcs" in (site / "cdcs" / "DN-RLAN.html").read_bytes()
    # A failure is tried again; once it is mended, nothing is left of it.
    write_notebooks(tmp_path / "notebooks", SHOW)
    assert build().is_done
    mended = entry(site, "DN-RLAN")
    assert (mended["outcome"], mended["stale"]) == ("published", False)
    assert mended["failure"] is None
    assert not list((tmp_path / "2024.notebooks").rglob("*.failed.ipynb"))
    # A page that cannot be written is a failure.
    with monkeypatch.context() as patch:
        fill_disk_at(patch, "TH-HUC.html")
        recap = build(force=True)
    assert [unit_id for unit_id, _, _ in recap.failures] == ["TH-HUC"]
    assert recap.made == ALL - 1
    assert (site / "cdcs" / "TH-HUC.html").exists()
    assert entry(site, "TH-HUC")["stale"]
    # Pages of units that are no longer expected go.
    build(make_study(tmp_path / "fewer", ["DN-RLAN"]))
    assert list(outcomes(site)) == ["DN-RLAN"]
    assert not list(tmp_path.glob("2024*/cdcs/TH-HUC.*"))


def test_only_the_units_asked_for(build: Build, tmp_path: Path) -> None:
    recap = build(units=["TH-HUC"])
    site = tmp_path / "2024"
    assert recap.made == 2  # with the year's, which is not there yet
    assert outcomes(site) == {unit: "not_run" for unit in sorted(UNITS)} | {"TH-HUC": "published"}
    assert build(units=["DN-RLAN", "TH-HUC", "DN-RLAN"]).made == 1
    assert outcomes(site)["TH-HUC"] == "published"
    # Of those not asked for, what is there stays, and is called stale if it is.
    write_notebooks(tmp_path / "notebooks", SHOW, "'thêm'")
    assert build(units=["DN-RLAN"]).made == 1
    assert not entry(site, "DN-RLAN")["stale"]
    assert (entry(site, "TH-HUC")["outcome"], entry(site, "TH-HUC")["stale"]) == ("published", True)
    (site / "cdcs" / "TH-HUC.html").unlink()
    build(units=["DN-RLAN"])
    assert outcomes(site)["TH-HUC"] == "not_run"


def test_unknown_unit_is_refused_before_anything_starts(build: Build, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        build(units=["TH-HUC", "KHONG-CO", "0042"])
    assert [problem.value for problem in caught.value.problems] == ["KHONG-CO", "0042"]
    assert not (tmp_path / "2024").exists()


def test_misspelt_parameter_is_refused_before_anything_starts(build: Build, tmp_path: Path) -> None:
    path = tmp_path / "notebooks" / "cdcs.ipynb"
    path.write_text(path.read_text("utf-8").replace("year = 0", "yaer = 0"), "utf-8")
    with pytest.raises(InputError, match="yaer"):
        build()
    assert not (tmp_path / "2024").exists()


def test_year_without_units_is_refused(study: Study, build: Build) -> None:
    params = study.params.model_copy(update={"year": 1999})
    with pytest.raises(InputError, match="1999"):
        build(Study(params, study.plan, study.dataset, study.root))


def test_notebook_finds_the_study_loaded(build: Build, tmp_path: Path) -> None:
    """With the settings of the run, a load in a notebook reads no table again."""
    cells = (
        "data = ''\npage_seconds = 0",
        "from analysis.loading import load\nimport analysis.loading as module\n"
        "module.load_dataset = None",
        "print(len(load(year, data=data, page_seconds=page_seconds).expected_units(year)))",
    )
    folder = write_notebooks(tmp_path / "notebooks", *cells[1:])
    path = folder / "cdcs.ipynb"
    names = "year = 0\\n" + cells[0].replace("\n", "\\n")
    path.write_text(path.read_text("utf-8").replace("year = 0", names, 1), "utf-8")
    recap = build(units=["TH-HUC"])
    assert recap.is_done, recap.failures
    assert (
        f"<pre>{len(UNITS)}".encode() in (tmp_path / "2024" / "cdcs" / "TH-HUC.html").read_bytes()
    )
