"""What stops an import halfway, or would: a name that is none, a pipe, the user."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Run
from deliveries import make_folder, write_delivery
from test_store import a_return, figure
from test_tables import UNIT

from analysis.problems import MOST_TOLD
from analysis.site.build import SHARED, _read_shared
from analysis.site.ledger import LEDGER, UNIT_NOTEBOOK, Layout, hold_alone, read_record
from analysis.site.notebooks import read_source
from analysis.store import take_in
from analysis.store.log import add_entry, create_store
from analysis.tables.dictionary import dictionary

Congdoan = Callable[..., Run]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = make_folder(tmp_path / "data")
    create_store(folder, "congdoan import")
    return folder


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    for unit in ("U2", "U3"):
        write_delivery(tmp_path / "mail", f"returns-{unit}", [a_return(unit)])
    return tmp_path / "mail"


@pytest.mark.parametrize("name", [b"returns-\xff\xfe.csv", b"returns-\x1b[2J\x07.csv"])
def test_a_name_that_is_no_text_costs_its_own_file_alone(
    congdoan: Congdoan, folder: Path, mail: Path, name: bytes
) -> None:
    bad = mail / os.fsdecode(name)
    try:
        (mail / "returns-U3.csv").rename(bad)
    except OSError:
        pytest.skip("this system takes no such names")
    run = congdoan("import", str(mail), "--data", str(folder))
    assert run.status == 1
    assert "Đã nhận: 1 tệp" in run.out
    assert figure(folder, "U2", "informed") == "50"
    assert "hãy đổi tên rồi nhập lại" in run.out
    alone = congdoan("import", str(bad), "--data", str(folder))
    assert alone.status == 1
    assert "hãy đổi tên rồi nhập lại" in alone.err
    for text in (run.out, run.err, alone.out, alone.err):
        assert not {"\x1b", "\x07", "\udcff"} & set(text)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_not_waited_for(congdoan: Congdoan, folder: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "returns.csv"
    os.mkfifo(pipe)
    run = congdoan("import", str(pipe), "--data", str(folder))
    assert run.status == 1
    assert "không phải là tệp" in run.err


def test_an_import_stopped_by_its_user_says_what_is_in(
    congdoan: Congdoan, folder: Path, mail: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []

    def stopped(*arguments: Any, **more: Any) -> int:
        calls.append(arguments)
        if len(calls) == 4:  # both are looked at together first
            raise KeyboardInterrupt
        return add_entry(*arguments, **more)

    monkeypatch.setattr(take_in, "add_entry", stopped)
    command = ("import", str(mail), "--data", str(folder))
    run = congdoan(*command)
    assert run.status == 130
    assert "Đã nhận: 1 tệp\n  returns-U2.csv" in run.out
    assert "chưa đến lượt" in run.out
    assert run.out.rstrip().endswith("returns-U3.csv")
    monkeypatch.undo()
    again = congdoan(*command)
    assert "Đã nhận: 1 tệp\n  returns-U3.csv" in again.out
    assert "Đã có, không đổi: 1 tệp\n  returns-U2.csv" in again.out


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
@pytest.mark.parametrize("name", ["employers.csv", "dataset.yaml"])
def test_a_pipe_among_the_tables_is_not_waited_for(
    congdoan: Congdoan, tmp_path: Path, name: str
) -> None:
    folder = make_folder(tmp_path / "data")
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    run = congdoan("check", "--data", folder)
    assert run.status == 1
    assert f"LỖI {name}" in run.out + run.err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_around_a_site_is_not_waited_for(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "2024")
    names = (
        layout.file(LEDGER),
        layout.notebooks / ".lock",
        tmp_path / UNIT_NOTEBOOK,
        tmp_path / SHARED,
    )
    for path in names:
        path.parent.mkdir(exist_ok=True)
        os.mkfifo(path)
    assert read_record(layout) == {}
    assert _read_shared(tmp_path / SHARED) is None
    with pytest.raises(OSError, match="tệp thường"):
        read_source(tmp_path / UNIT_NOTEBOOK, ())
    with pytest.raises(OSError, match="tệp thường"), hold_alone(layout.notebooks / ".lock"):
        pass


def test_a_list_of_errors_ends_where_nobody_reads_on(
    congdoan: Congdoan, folder: Path, tmp_path: Path
) -> None:
    count = MOST_TOLD + 7
    rows = [{**UNIT, "year": 2024, "unit_id": f"X{n}", "workers_total": "?"} for n in range(count)]
    path = write_delivery(tmp_path / "many", "danh-sach", [*map(roster_row, rows)])
    run = congdoan("import", path, "--data", folder, "--year", 2024)
    assert run.status == 1
    assert f"danh-sach.csv: {count} lỗi" in run.out
    assert run.out.count("LỖI") == MOST_TOLD
    page = (path.parent / "loi-nhap" / "danh-sach-loi.html").read_text("utf-8")
    assert page.count("Lỗi:") == MOST_TOLD
    for told in (run.out, page):
        assert "và 7 lỗi, cảnh báo khác" in told


def roster_row(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row.get(name, "") for name in dictionary().tables["roster"].columns}


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (ImportError("x.so: failed to map segment from shared object"), "không còn đủ bộ nhớ"),
        (MemoryError(), "không còn đủ bộ nhớ"),
        (ImportError("No module named 'x'"), "hãy cài đặt lại"),
    ],
)
def test_a_machine_without_memory_is_told_in_words(
    congdoan: Congdoan, folder: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception, told: str
) -> None:
    def fail(*arguments: Any) -> None:
        raise failure

    monkeypatch.setattr("analysis.tables.load.read_dataset", fail)
    run = congdoan("check", "--data", folder)
    assert (run.status, run.out) == (1, "")
    assert told in run.err
    assert type(failure).__name__ not in run.err


def test_the_last_word_is_said_though_ctrl_c_is_pressed_again_and_again() -> None:
    """Ctrl-C while it is said, and from then on."""
    code = (
        "import os, signal, click, analysis.cli as cli\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a suite may ignore it
        "def stop(*args, **more):\n    os.kill(os.getpid(), signal.SIGINT)\n"
        "say = click.echo\n"
        "def echo(*args, **more):\n    stop(); say(*args, **more); stop()\n"
        "cli.command.main, click.echo = stop, echo\n"
        "cli.main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert (done.returncode, done.stderr) == (130, "Đã dừng theo yêu cầu.\n")
