"""The same site from a Dask cluster of separate processes, one of them killed in the middle."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from test_site_kit import (
    END,
    UNITS,
    is_alive,
    make_notebook,
    make_study,
    make_task,
    needs_fork,
    wait_until,
    write_notebooks,
)

from analysis.pages.template import TEMPLATE
from analysis.params import find_root, load_params
from analysis.problems import InputError
from analysis.site import pages
from analysis.site.pages import make_pages, run_on_cluster

pytestmark = [
    needs_fork,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at Linux's /proc"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of its own: small notebooks of few units."""
    folder = tmp_path_factory.mktemp("cluster")
    shutil.copytree(find_root() / "params", folder / "params")
    write_notebooks(folder / "notebooks", "print(unit_id, year)", year_cells=["print(year)"])
    # One call a page, and enough of them to be left when a worker dies.
    make_study(folder / "data", UNITS[:4])
    return folder


def report(folder: Path, out: str, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "analysis", "report", "--year", "2024", "--jobs", "1", *more]
    places = ["--data", str(folder / "data"), "--out", str(folder / out / "2024")]
    return subprocess.Popen(
        [*command, *places], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )  # fmt: skip


@pytest.fixture
def dask(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler's address and two workers, each a process of one thread."""
    started: list[subprocess.Popen[bytes]] = []
    file = folder / "scheduler.json"

    def start(*command: str) -> None:
        log = (folder / f"log{len(started)}").open("wb")
        whole = [sys.executable, "-m", "dask", *command, "--scheduler-file", str(file)]
        started.append(subprocess.Popen(whole, stdout=log, stderr=log, cwd=folder))
        log.close()

    try:
        start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        for number in (1, 2):
            local = str(folder / f"worker{number}")
            start(
                "worker",
                "--nthreads",
                "1",
                "--no-nanny",
                "--no-dashboard",
                "--local-directory",
                local,
            )
        assert wait_until(lambda: file.exists() and file.stat().st_size > 0, 90)
        yield json.loads(file.read_text())["address"], started[1:]
    finally:
        for process in reversed(started):  # workers first: they would look for their scheduler
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def children(process: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            number, _, rest = path.read_text().partition(" ")
        except OSError:
            continue
        if int(rest.rpartition(")")[2].split()[1]) == process:
            found.append(int(number))
    return found


def read_site(site: Path) -> dict[str, str]:
    """The site without what tells when it was made."""
    found = {}
    for path in sorted(item for item in site.rglob("*") if item.is_file()):
        text = path.read_text("utf-8")
        if path.suffix == ".html":
            text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "", text)
        if path.name == "ledger.json":
            record = json.loads(text)
            del record["beside"]  # hashes of files that tell the time
            text = re.sub(r'"(made_at|sha256)": "[^"]*"', "", json.dumps(record))
        found[path.relative_to(site).as_posix()] = text
    return found


def test_cluster_makes_the_same_site_though_a_worker_is_killed(folder: Path, dask: Any) -> None:
    address, workers = dask
    site = folder / "there" / "2024"
    there = report(folder, "there", "--scheduler", address)
    try:
        assert wait_until(lambda: any((site / "cdcs").glob("*.html")), 600), there.communicate()
        helpers = [child for child in children(workers[0].pid) if is_alive(child)]
        workers[0].send_signal(signal.SIGKILL)
        made = len(list((site / "cdcs").glob("*.html")))
        out, _ = there.communicate(timeout=600)
    finally:
        there.kill()
        there.wait()
    assert there.returncode == 0, out
    assert made < 4
    assert wait_until(lambda: not any(map(is_alive, helpers)))
    here = report(folder, "here")
    out, _ = here.communicate(timeout=600)
    assert here.returncode == 0, out
    ours, theirs = read_site(folder / "here" / "2024"), read_site(site)
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []


def test_worker_that_has_other_data_makes_no_page(folder: Path) -> None:
    params = load_params(2024, root=folder).model_copy(update={"data": str(folder / "data")})
    task = make_task(make_notebook("year = 0", END), TEMPLATE)
    (result,) = make_pages([task], params, folder, "what the runner saw")
    assert result.html is None
    assert result.failure is not None
    assert "khác máy điều khiển" in result.failure.error


def begin(address: str, tasks: Sequence[Any] = ()) -> None:
    next(run_on_cluster(tasks, address, load_params(2024), Path(), ""))


def test_missing_extra_is_told_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(pages, "import_module", refuse)
    with pytest.raises(InputError, match="pip install distributed"):
        begin("tcp://127.0.0.1:8786")


def test_nobody_at_the_address() -> None:
    command = [sys.executable, "-c", NOBODY]
    done = subprocess.run(command, capture_output=True, text=True, cwd=find_root())
    assert "không kết nối được với bộ điều phối Dask" in done.stdout, done.stderr


NOBODY = """
from analysis.problems import InputError
from analysis.site import pages
pages._CONNECT_SECONDS = 1
for address in ("tcp://127.0.0.1:9", "tcp//"):
    try:
        next(pages.run_on_cluster([], address, None, None, ''))
    except InputError as failure:
        print(failure)
"""
