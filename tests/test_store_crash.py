"""A cut-off import leaves the store as it was or as it should be: at every write, sync and removal."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pytest
from crash_child import DONE, TOLD, write
from deliveries import make_folder

from analysis.tables import storefile
from analysis.tables.dictionary import dictionary
from analysis.tables.files import STORE

#: Every call by which SQLite changes what is on the disk.
CALLS = ("pwrite64", "fdatasync", "unlink")
KILLED = -signal.SIGKILL


class Children(NamedTuple):
    """The process that forks children."""

    process: subprocess.Popen[str]

    def run(self, folder: Path, injection: str = "", *, act: str = "write", path: str = "") -> int:
        """Let a child use a folder's store, under strace if so; return its exit status.

        With a path, only calls with that file of the folder are made to fail.
        """
        assert self.process.stdin
        assert self.process.stdout
        print(act, folder, file=self.process.stdin, flush=True)
        child = int(self.process.stdout.readline())
        if not injection:
            os.kill(child, signal.SIGCONT)
            return int(self.process.stdout.readline())
        calls = ",".join((*CALLS, "openat"))
        command = ["strace", "-p", str(child), "-e", f"trace={calls}", "-e", f"inject={injection}"]
        command += ["-P", str(folder / path)] if path else []
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
            assert tracer.stderr
            assert "attached" in tracer.stderr.readline()
            os.kill(child, signal.SIGCONT)
            status = int(self.process.stdout.readline())
            tracer.stderr.read()
        return status


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset folder without a store."""
    return make_folder(tmp_path_factory.mktemp("tables") / "data")


@pytest.fixture(scope="module")
def begun(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with its store."""
    folder = shutil.copytree(tables, tmp_path_factory.mktemp("begun") / "data")
    write(folder)
    return folder


@pytest.fixture(scope="module")
def children(tables: Path) -> Iterator[Children]:
    command = [sys.executable, str(Path(__file__).with_name("crash_child.py")), str(tables)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        yield Children(process)
        assert process.stdin
        process.stdin.close()


def state_of(folder: Path) -> dict[str, list[tuple[object, ...]]] | None:
    """Every row of the store but the moment of its entries; None where there is no store."""
    if not storefile.has_store(folder):
        return None
    with closing(storefile.connect(folder)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = {
            "entry": connection.execute("SELECT id, file, digest, reason FROM entry").fetchall()
        }
        for name in ("source", "refused", *dictionary().tables):
            rows[name] = connection.execute(f"SELECT * FROM {name}").fetchall()
        return rows


def cases(call: str, fault: str, base: Path, work: Path) -> Iterator[tuple[Path, str]]:
    """A fresh folder, and the fault at the first, second, third ... such call, without end."""
    for number in range(1, 200):
        folder = shutil.copytree(base, work / f"{call}-{number}")
        yield folder, f"{call}:{fault}:when={number}"


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("beginning", ["tables", "begun"])
def test_a_kill_leaves_the_old_state_or_the_new_one(
    call: str, beginning: str, children: Children, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    base = request.getfixturevalue(beginning)
    old = state_of(base)
    target = shutil.copytree(base, tmp_path / "target")
    write(target)
    new = state_of(target)
    assert old != new
    killed = 0
    for folder, injection in cases(call, "signal=KILL", base, tmp_path):
        status = children.run(folder, injection)
        if status == DONE:
            break
        assert status == KILLED
        killed += 1
        state = state_of(folder)
        assert state in (old, new)
        if state == old:
            assert children.run(folder) == DONE
        assert state_of(folder) == new
        assert [path.name for path in folder.glob("store*")] == [STORE]
    assert state_of(folder) == new
    assert killed >= {"pwrite64": 15, "fdatasync": 4, "unlink": 1}[call]


@pytest.mark.parametrize("beginning", ["tables", "begun"])
def test_a_full_disk_is_told_and_leaves_the_old_state(
    beginning: str, children: Children, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """In the journal or in the store itself, at whichever write the disk is full."""
    base = request.getfixturevalue(beginning)
    old = state_of(base)
    told = 0
    for folder, injection in cases("pwrite64", "error=ENOSPC", base, tmp_path):
        status = children.run(folder, injection)
        if status == DONE:
            break
        assert status == TOLD
        told += 1
        assert state_of(folder) == old
        assert children.run(folder) == DONE
        assert state_of(folder) != old
    assert told >= 15


def test_a_disk_that_fails_to_sync_is_told_and_leaves_the_old_state_or_the_new_one(
    children: Children, begun: Path, tmp_path: Path
) -> None:
    old = state_of(begun)
    target = shutil.copytree(begun, tmp_path / "target")
    write(target)
    statuses = []
    for folder, injection in islice(cases("fdatasync", "error=EIO", begun, tmp_path), 5):
        statuses.append(children.run(folder, injection))
        assert state_of(folder) in (old, state_of(target))
    # The second syncs the folder for the journal: SQLite does without where that cannot be done.
    assert statuses == [TOLD, DONE, TOLD, TOLD, TOLD]


@pytest.mark.parametrize("path", [STORE, f"{STORE}-journal"])
def test_a_folder_that_may_not_be_written_can_be_read_and_a_write_is_refused_in_words(
    path: str, children: Children, begun: Path, tmp_path: Path
) -> None:
    """The store is opened to read alone where the system does not let it be opened to write."""
    folder = shutil.copytree(begun, tmp_path / "data")
    injection = "openat:error=EROFS:when=1"
    assert children.run(folder, injection, act="read", path=path) == DONE
    assert children.run(folder, injection, path=path) == TOLD
    assert state_of(folder) == state_of(begun)


def test_a_store_that_may_not_be_opened_at_all_is_told(
    children: Children, begun: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(begun, tmp_path / "data")
    for act in ("read", "write"):
        assert children.run(folder, "openat:error=EACCES", act=act, path=STORE) == TOLD


def test_an_empty_journal_left_behind_does_no_harm(begun: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(begun, tmp_path / "data")
    (folder / f"{STORE}-journal").write_bytes(b"\x00" * 600)
    assert state_of(folder) == state_of(begun)
    with closing(sqlite3.connect(folder / STORE)) as connection:
        assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
