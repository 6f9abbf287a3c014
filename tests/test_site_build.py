"""A site from a study: complete, honest about failures, and rerun only where something changed."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_site_kit import (
    fill_disk_at,
    is_alive,
    make_study,
    needs_fork,
    wait_until,
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
UNITS = ("DN-RLAN", "MN-LIA", "TH-HUC", "XA-XY")
#: The year's page, a page a unit, and one for each of their communes, no two of which share one.
ALL = 1 + 2 * len(UNITS)
SHOW = "print(unit_id, year, 'cdcs')"
BAD = "if unit_id == 'DN-RLAN': raise ValueError('hỏng & <b>')"
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
    missing = {"XA-XY", "MN-LIA"} & {
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


def test_number_of_jobs_does_not_show(build: Build, tmp_path: Path) -> None:
    build(jobs=1)
    first = pages(tmp_path / "2024")
    shutil.rmtree(tmp_path / "2024")
    build(jobs=3)
    second = pages(tmp_path / "2024")
    for found in (first, second):
        del found["index.html"]  # it tells when the pages were made
    assert first == second


def test_one_failure_stops_no_other(build: Build, tmp_path: Path) -> None:
    write_notebooks(tmp_path / "notebooks", BAD, SHOW)
    recap = build()
    site = tmp_path / "2024"
    assert not recap.is_done
    assert [(unit_id, failure.cell) for unit_id, _, failure in recap.failures] == [("DN-RLAN", 3)]
    failed = entry(site, "DN-RLAN")
    assert failed["outcome"] == "failed"
    assert (failed["failure"]["cell"], failed["failure"]["error"]) == (3, "ValueError: hỏng & <b>")
    assert failed["page"] is None
    assert not (site / "cdcs" / "DN-RLAN.html").exists()
    assert (tmp_path / "2024.notebooks" / "cdcs" / "DN-RLAN.failed.ipynb").exists()
    assert sorted(outcomes(site).values()).count("failed") == 1
    told = format_recap(recap, ["--jobs", "2"])
    assert "  congdoan report --year 2024 --jobs 2 --unit DN-RLAN\n" in told
    assert "ô 3 «if unit_id == 'DN-RLAN'" in told
    assert str(tmp_path / "2024" / "index.html") in told
    # No option names an area's page: a run of everything makes it, and leaves what is good.
    area = ("area/commune-thanh-73e2.html", "Thanh", recap.failures[0][2])
    told = format_recap(replace(recap, failures=(*recap.failures, area)), ["--jobs", "2"])
    assert "  congdoan report --year 2024 --jobs 2\n" in told


def test_last_good_page_is_kept_and_marked_stale(build: Build, tmp_path: Path) -> None:
    build()
    site = tmp_path / "2024"
    before = entry(site, "DN-RLAN")
    write_notebooks(tmp_path / "notebooks", BAD, SHOW)
    build()
    after = entry(site, "DN-RLAN")
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


def test_nothing_changed_starts_nothing(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build()
    before = pages(tmp_path / "2024")
    with monkeypatch.context() as patch:
        patch.setattr(build_module, "run_jobs", None)
        recap = build()
    assert (recap.made, recap.unchanged) == (0, ALL)
    assert pages(tmp_path / "2024") == before
    assert build(force=True).made == ALL


def test_touched_and_deleted_pages_are_made_again(build: Build, tmp_path: Path) -> None:
    build()
    site = tmp_path / "2024"
    (site / "cdcs" / "DN-RLAN.html").unlink()
    (site / "cdcs" / "XA-XY.html").write_text("của ai đó")
    os.utime(site / "cdcs" / "TH-HUC.html", (0, 0))
    assert build().made == 2
    assert b"XA-XY 2024 cdcs" in (site / "cdcs" / "XA-XY.html").read_bytes()


def test_changed_inputs_are_told_apart(build: Build, tmp_path: Path) -> None:
    build()
    before = entry(tmp_path / "2024", "DN-RLAN")["inputs"]
    write_notebooks(tmp_path / "notebooks", SHOW, "'thêm'")
    assert build().made == len(UNITS)  # not the year's
    after = entry(tmp_path / "2024", "DN-RLAN")["inputs"]
    assert {name for name in before if before[name] != after[name]} == {"notebook"}
    assert set(before) == {
        *("code", "data", "description", "language", "libraries", "notebook"),
        *("pictures", "plan", "settings", "template", "years_beside"),
    }


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


def test_pages_of_units_no_longer_expected_go(build: Build, tmp_path: Path) -> None:
    build()
    fewer = make_study(tmp_path / "fewer", [unit for unit in UNITS if unit != "TH-HUC"])
    build(fewer)
    assert "TH-HUC" not in outcomes(tmp_path / "2024")
    assert not list(tmp_path.glob("2024*/cdcs/TH-HUC.*"))


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


def test_page_that_cannot_be_written_is_a_failure(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build()
    with monkeypatch.context() as patch:
        fill_disk_at(patch, "TH-HUC.html")
        recap = build(force=True)
    assert [unit_id for unit_id, _, _ in recap.failures] == ["TH-HUC"]
    assert (tmp_path / "2024" / "cdcs" / "TH-HUC.html").exists()
    assert entry(tmp_path / "2024", "TH-HUC")["stale"]


def test_dead_process_costs_its_own_page_only(build: Build, tmp_path: Path) -> None:
    kill = "import os, signal\nif unit_id == 'DN-RLAN': os.kill(os.getpid(), signal.SIGKILL)"
    write_notebooks(tmp_path / "notebooks", kill, SHOW)
    recap = build()
    assert [(unit, failure.error) for unit, _, failure in recap.failures] == [
        ("DN-RLAN", "DeadKernelError: tiến trình chạy sổ tay đã bị ngắt (SIGKILL)")
    ]
    assert recap.made == ALL - 1


RUNNER = """
import signal
import sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite in the background ignores it
sys.path.insert(0, {tests!r})
from test_site_kit import make_study, write_template
from analysis.site.build import build_site
from analysis.site.run import Order
root = Path({root!r})
study = make_study(root / "data", ["DN-DABAN", "TH-HUC"])
build_site(study, root / "2024", Order(jobs=2, notebooks=root / "notebooks",
                                       template=write_template(root / "templates")), "")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux kills orphans for us")
@pytest.mark.parametrize(
    "number",
    [
        pytest.param(
            signal.SIGINT,
            marks=pytest.mark.skipif(
                signal.getsignal(signal.SIGINT) is signal.SIG_IGN,
                reason="Ctrl-C is ignored where this suite runs",
            ),
        ),
        signal.SIGKILL,
    ],
)
def test_stopped_runner_leaves_nobody_behind(tmp_path: Path, number: int) -> None:
    """Ctrl-C in mid-run: soon over, what is done is in the ledger, no process is left."""
    loop = (
        f"import os\nfrom pathlib import Path\nfolder = Path({str(tmp_path / 'pids')!r})\n"
        "folder.mkdir(exist_ok=True)\n"
        "(folder / str(os.getpid())).touch()\n"
        "while unit_id == 'TH-HUC': pass"
    )
    write_notebooks(tmp_path / "notebooks", loop)
    code = RUNNER.format(tests=str(Path(__file__).parent), root=str(tmp_path))
    runner = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
    try:
        done = tmp_path / "2024" / "cdcs" / "DN-DABAN.html"
        assert wait_until(done.exists, 90), runner.stderr.read() if runner.poll() else ""
        assert wait_until(lambda: len(list((tmp_path / "pids").iterdir())) >= 2)
        runner.send_signal(number)
        began = time.monotonic()
        runner.communicate(timeout=20)
        # Well before the page's own 30 s are over, however busy the machine.
        assert time.monotonic() - began < 20
    finally:
        runner.kill()
        runner.communicate()
    pids = [int(path.name) for path in (tmp_path / "pids").iterdir()]
    assert wait_until(lambda: not any(is_alive(pid) for pid in pids))
    if number == signal.SIGINT:
        assert outcomes(tmp_path / "2024") == {"DN-DABAN": "published", "TH-HUC": "not_run"}
    assert not list(tmp_path.rglob("*.tmp"))


def test_spawned_workers_make_the_same_pages(build: Build, tmp_path: Path) -> None:
    build(units=["DN-RLAN"])
    first = pages(tmp_path / "2024")
    shutil.rmtree(tmp_path / "2024")
    assert build(units=["DN-RLAN"], start="spawn").is_done
    second = pages(tmp_path / "2024")
    for found in (first, second):
        del found["index.html"]
    assert first == second
