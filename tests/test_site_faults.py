"""Whatever breaks, a file is old or new, the account is true, and the next run mends it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest
from test_site_kit import (
    END,
    fill_disk_at,
    is_alive,
    make_notebook,
    make_page,
    make_study,
    make_task,
    needs_fork,
    wait_until,
    write_notebooks,
    write_template,
)

from analysis.cli import main
from analysis.problems import InputError
from analysis.site import build as build_module
from analysis.site.build import build_site, refuse_place
from analysis.site.engine import PageJob, Result
from analysis.site.ledger import hold_alone
from analysis.site.run import Order
from analysis.study import Study
from analysis.tables import files

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="Linux's own limits")
UNITS = ("DN-RLAN", "TH-HUC", "XA-XY")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_template(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return make_study(tmp_path_factory.mktemp("data"), UNITS)


# --- Faults in a notebook ----------------------------------------------------------------------


@needs_fork
@linux_only
@pytest.mark.parametrize(
    "hog", ["x = b'1' * 10**9", "x = []\nwhile True: x.append('a' * 10_000)", "import numpy\nnumpy.ones(10**9)"]
)  # fmt: skip
def test_memory_hog_fails_in_words(template: Path, hog: str) -> None:
    task = make_task(make_notebook("year = 0", hog, END), template, megabytes=200)
    failure = make_page(task).failure
    assert failure is not None
    assert failure.cell == 3
    assert failure.error == "MemoryError: sổ tay dùng quá 200 MB bộ nhớ (tham số page_megabytes)"


@needs_fork
def test_what_fits_in_the_memory_is_a_page(template: Path) -> None:
    enough = make_notebook("year = 0", "x = b'1' * 10**8", END)
    assert make_page(make_task(enough, template, megabytes=200)).failure is None


@needs_fork
def test_stale_outputs_do_not_count(template: Path) -> None:
    """A notebook that was saved with a finished page in it, and now ends before its end."""
    notebook = make_notebook("year = 0", "import os; os._exit(0)", END)
    for number, cell in enumerate(notebook.cells):
        cell.execution_count = number + 1
    mark = {"application/vnd.congdoan.end+json": {"title": "cũ"}}
    notebook.cells[2].outputs = [nbformat.v4.new_output("display_data", data=mark)]
    result = make_page(make_task(notebook, template))
    assert result.html is None
    assert result.failure is not None
    assert result.failure.cell == 3


# --- Faults of the disk ------------------------------------------------------------------------


def pages_of(version: str) -> Callable[..., Iterator[Result]]:
    def run(tasks: Sequence[PageJob], *_: Any) -> Iterator[Result]:
        for task in tasks:
            html = f"<p>{version} {task.page}</p>\n" * 50
            yield Result(task.page, html, json.dumps([version, task.page]), None)

    return run


@pytest.fixture
def build(study: Study, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """build_site without kernels, at a clock that stands still: ``build(version)``."""
    write_notebooks(tmp_path / "notebooks", "year")
    monkeypatch.setattr(build_module, "rehearse", lambda *_: None)
    # The same data each time: what the pages are made from need not be found out each time.
    plans: dict[bool, Any] = {}
    plan_pages = build_module.plan_pages

    def plan_once(placed: Study, *given: Any) -> Any:
        key = bool(placed.params.previous)
        if key not in plans:
            plans[key] = plan_pages(placed, *given)
        return plans[key]

    monkeypatch.setattr(build_module, "plan_pages", plan_once)
    monkeypatch.setattr(build_module, "_now", lambda: "2024-12-01T00:00:00+00:00")
    tables = {version: f"version,{version}\n" * 30 for version in ("old", "new")}

    def run(version: str, site: Path, of: Study = study, **more: Any) -> Any:
        monkeypatch.setattr(build_module, "run_jobs", pages_of(version))
        monkeypatch.setattr(build_module, "indicators_csv", lambda _: tables[version])
        index = lambda _, ledger: version + json.dumps(ledger["units"])  # noqa: E731
        monkeypatch.setattr(build_module, "render_index", index)
        order = Order(
            force=True, progress=False, notebooks=tmp_path / "notebooks", template=template, **more
        )
        return build_site(of, site, order, "x")

    return run


def read_all(site: Path) -> dict[str, bytes]:
    folders = [site, *site.parent.glob(f"{site.name}.*")]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {
        path.relative_to(site.parent).as_posix(): path.read_bytes()
        for path in files
        if path.name not in (".lock", ".state")  # it knows what was in its folder before
    }


class Breaking:
    """Lets one call fail: the N-th of those that can."""

    def __init__(self, patch: pytest.MonkeyPatch, number: int) -> None:
        self.left = number
        patch.setattr(files.os, "fsync", self._around(os.fsync))
        patch.setattr(files.Path, "replace", self._around(Path.replace))
        patch.setattr(files.tempfile, "mkstemp", self._around(files.tempfile.mkstemp))

    def _around(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **more: Any) -> Any:
            self.left -= 1
            if self.left == 0:
                raise OSError(28, "No space left on device")
            return real(*given, **more)

        return call


def test_disk_full_at_any_write_or_rename(
    build: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file is the old one or the new one, what the ledger calls good is, a rerun mends all."""
    of = make_study(tmp_path / "data", UNITS[:1])
    build("old", tmp_path / "a" / "2024", of)
    old = read_all(tmp_path / "a" / "2024")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    build("new", tmp_path / "b" / "2024", of)
    new = read_all(tmp_path / "b" / "2024")
    assert sum(old[name] != new[name] for name in old) >= 7
    number = failed = 0
    while True:
        number += 1
        folder = tmp_path / f"n{number}"
        shutil.copytree(tmp_path / "a", folder)
        site = folder / "2024"
        with monkeypatch.context() as patch:
            breaking = Breaking(patch, number)
            try:
                failed += not build("new", site, of).is_done
            except OSError:
                failed += 1
        if breaking.left > 0:
            break
        found = read_all(site)
        ledger = json.loads(found["2024/ledger.json"])
        for name, content in found.items():
            if name.endswith(("ledger.json", "index.html")):
                json.loads(content.removeprefix(b"old").removeprefix(b"new"))  # whole
            else:
                assert content in (old.get(name), new.get(name)), f"{name} after call {number}"
        for item in (*ledger["units"], ledger["year_page"]):
            if item["outcome"] != "failed" and not item["stale"]:
                page = found[f"2024/{item['page']}"]
                assert page in (old[f"2024/{item['page']}"], new[f"2024/{item['page']}"])
        assert build("new", site, of).is_done
        again = read_all(site)
        for name, content in new.items():
            assert again[name] == content, f"{name} after call {number}"
        shutil.rmtree(folder)
    assert number > 20
    assert number - failed <= len(new) + 2  # a folder that cannot be synced is no failure


def test_disk_full_at_the_index(
    build: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build("old", tmp_path / "2024")
    before = (tmp_path / "2024" / "index.html").read_bytes()
    with monkeypatch.context() as patch:
        fill_disk_at(patch, "index.html")
        with pytest.raises(OSError, match="No space"):
            build("new", tmp_path / "2024")
    assert (tmp_path / "2024" / "index.html").read_bytes() == before
    build("new", tmp_path / "2024")
    assert (tmp_path / "2024" / "index.html").read_bytes().startswith(b"new")


@linux_only
def test_file_size_limit(build: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real limit of the system's, met by one page only."""
    import resource

    build("old", tmp_path / "2024")
    small = pages_of("new")

    def run(tasks: Sequence[PageJob], *_: Any) -> Iterator[Result]:
        for result in small(tasks):
            html = "x" * 400_000 if "TH-HUC" in result.page else result.html
            yield Result(result.page, html, result.executed, None)

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    monkeypatch.setattr(sys.modules[__name__], "pages_of", lambda version: run)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
        recap = build("new", tmp_path / "2024")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [(unit, failure.error) for unit, _, failure in recap.failures] == [
        ("TH-HUC", "không ghi được tệp: tệp lớn quá mức cho phép")
    ]
    assert (tmp_path / "2024" / "cdcs" / "TH-HUC.html").read_text().startswith("<p>old")
    assert (tmp_path / "2024" / "cdcs" / "XA-XY.html").read_text().startswith("<p>new")


def test_folder_that_cannot_be_written(
    study: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file stands where the site's folder should go: one Vietnamese line, nothing written."""
    (tmp_path / "reports").write_text("tệp của tôi")
    out = str(tmp_path / "reports" / "2024")
    with pytest.raises(SystemExit) as stop:
        main(["report", "--year", "2024", "--data", study.params.data, "--out", out])
    assert stop.value.code == 1
    told = capsys.readouterr().err
    assert "Lỗi đọc ghi tệp" in told
    assert "chỗ lẽ ra là thư mục lại là một tệp" in told
    assert "Traceback" not in told
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]


def strace(*inject: str) -> list[str]:
    """Only the calls to fail are stopped at: all others run at their own speed."""
    traced = ",".join(item.removeprefix("inject=").partition(":")[0] for item in inject)
    rules = (word for item in (f"trace={traced}", *inject) for word in ("-e", item))
    return ["strace", "-f", "-qq", "--seccomp-bpf", "-o", os.devnull, *rules]


@linux_only
def test_the_system_itself_refuses_the_third_rename(tmp_path: Path) -> None:
    """As above, with the real system call: two files are new, the others old, nothing is left over."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom analysis.tables.files import write_atomically\n"
        "for number in range(5): write_atomically(Path(sys.argv[1], f'{number}.html'), 'new' * 9999)"
    )
    for number in range(5):
        (tmp_path / f"{number}.html").write_text("old")
    rename = "inject=rename,renameat,renameat2:error=ENOSPC:when=3+"
    command = [*strace(rename), sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "No space left" in done.stderr
    found = {path.name: path.read_text()[:3] for path in tmp_path.iterdir()}
    assert found == {f"{number}.html": "new" if number < 2 else "old" for number in range(5)}


@linux_only
def test_disk_that_can_only_be_read(study: Study, tmp_path: Path) -> None:
    out = tmp_path / "2024"
    command = [*strace("inject=mkdir:error=EROFS"), "-P", str(tmp_path / "2024.notebooks")]
    report = [
        "-m",
        "analysis",
        "report",
        "--year",
        "2024",
        "--data",
        study.params.data,
        "--out",
        str(out),
    ]
    done = subprocess.run([*command, sys.executable, *report], capture_output=True, text=True)
    assert done.returncode == 1
    assert "ổ đĩa chỉ cho đọc" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


# --- Alone, and in time ------------------------------------------------------------------------


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


@needs_fork
@linux_only
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
def test_a_run_keeps_others_out_until_it_is_stopped_and_leaves_nobody_behind(
    build: Any, tmp_path: Path, number: int
) -> None:
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
        with pytest.raises(InputError, match="một lượt lập báo cáo khác đang ghi"):
            build("new", tmp_path / "2024")
        build("new", tmp_path / "other")  # another folder is another matter
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
        ledger = json.loads((tmp_path / "2024" / "ledger.json").read_text("utf-8"))
        outcomes = [(item["unit_id"], item["outcome"]) for item in ledger["units"]]
        assert outcomes == [("DN-DABAN", "published"), ("TH-HUC", "not_run")]
    assert not list(tmp_path.rglob("*.tmp"))
    assert (tmp_path / "2024.notebooks" / ".lock").exists()  # whose owner is dead
    assert build("new", tmp_path / "2024").is_done


def test_a_run_keeps_out_another_of_its_own_process(build: Any, tmp_path: Path) -> None:
    with (
        hold_alone(tmp_path / "2024.notebooks" / ".lock"),
        pytest.raises(InputError, match="một lượt lập báo cáo khác"),
    ):
        build("new", tmp_path / "2024")
    assert not (tmp_path / "2024").exists()
    assert build("new", tmp_path / "2024").is_done


def test_clock_set_back(build: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is current is decided by contents; the edition before is the one published before."""
    site = tmp_path / "2024"
    build("old", site)
    build("new", site)
    monkeypatch.setattr(build_module, "_now", lambda: "1999-01-01T00:00:00+00:00")
    assert build("old", site).is_done
    editions = sorted((tmp_path / "2024.editions").iterdir())
    assert [path.read_text("utf-8").splitlines()[1] for path in editions] == [
        "version,old",
        "version,new",
    ]
    assert build("new", site).is_done
    latest = max((tmp_path / "2024.editions").iterdir())
    assert latest.read_text("utf-8").splitlines()[1] == "version,old"


INTERRUPTED = """
import multiprocessing, os, signal, sys
from pathlib import Path
from analysis.site.engine import PageJob
from analysis.site.pages import run_jobs

signal.signal(signal.SIGINT, signal.default_int_handler)
os.register_at_fork(after_in_parent=lambda: os.kill(os.getpid(), signal.SIGINT))
job = PageJob("0.html", sys.stdin.read(), {}, sys.argv[1], 30.0, 1000, Path(), "fork")
try:
    list(run_jobs([job], 1))
except KeyboardInterrupt:
    print("heard", multiprocessing.active_children())
"""


@needs_fork
def test_interrupt_while_a_page_is_forked_is_heard(tmp_path: Path) -> None:
    """Python drops what is raised in a hook of a fork, and a busy machine spends long in there."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(tmp_path)],
        input=nbformat.writes(make_notebook("while True: pass")),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout == "heard []\n", done.stderr


# --- Much of it --------------------------------------------------------------------------------


MANY = """
import json, os, sys
from pathlib import Path
from analysis.site.engine import PageJob
from analysis.site.pages import run_jobs

def read_own():
    with open("/proc/self/statm") as file:
        size = file.read().split()
    return int(size[1]) - int(size[2]), len(os.listdir("/proc/self/fd"))

text, folder = sys.stdin.read(), sys.argv[1]
tasks = [
    PageJob(f"{number}.html", text, {"year": number}, folder, 30.0, 1000, Path(folder, "mini"), "fork")
    for number in range(50)
]
found, made = [], 0
for number, result in enumerate(run_jobs(tasks, 2)):
    made += result.failure is None and f"<pre>{result.page[:-5]}\\n" in result.html
    if number % 10 == 9:
        found.append(read_own())
print(json.dumps([made, found]))
"""


@needs_fork
@linux_only
def test_many_pages_leave_memory_and_open_files_flat(template: Path) -> None:
    """In the process that forks them: what a page takes goes with its own process."""
    done = subprocess.run(
        [sys.executable, "-c", MANY, str(template.parent)],
        input=nbformat.writes(make_notebook("year = 0", "print(year)", END)),
        capture_output=True,
        text=True,
        check=True,
    )
    made, found = json.loads(done.stdout)
    assert made == 50
    memory, files = zip(*found, strict=True)
    assert max(files) < min(files) + 15, files  # a page beside takes three; 10 pages lie between
    assert memory[-1] - memory[1] < 2 * 2**20 / os.sysconf("SC_PAGE_SIZE"), memory


@pytest.mark.parametrize("place", ["root", "home", "project"])
def test_pages_are_not_put_among_all_else(tmp_path: Path, place: str) -> None:
    study = make_study(tmp_path)
    site = {"root": Path(Path.cwd().anchor), "home": Path.home(), "project": study.root.resolve()}
    with pytest.raises(InputError, match="thư mục gốc"):
        refuse_place(study, site[place])
