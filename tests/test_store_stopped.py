"""What stops an import halfway, or would: a name that is none, a pipe, the user."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Run
from deliveries import make_folder, write_delivery
from test_store import a_return, figure

from analysis.store import take_in
from analysis.store.log import add_entry, create_store

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
        if len(calls) == 2:
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
