"""A file is either the old one or the new one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from analysis.tables.files import write_atomically

STEPS = ("mkstemp", "fdopen", "fsync", "chmod", "replace")


def test_writes_text_and_bytes_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.html"
    write_atomically(path, "Hướng Hóa\r\nđường\n")
    assert path.read_bytes() == "Hướng Hóa\r\nđường\n".encode()
    write_atomically(path, b"\x00")
    assert path.read_bytes() == b"\x00"
    assert [item.name for item in path.parent.iterdir()] == ["b.html"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_others_may_read_it(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a", "a")
    (tmp_path / "b").write_text("b")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


@pytest.mark.parametrize("step", STEPS)
def test_old_file_survives_a_failure_at_any_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "a.html"
    write_atomically(path, "cũ")

    def fail(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        place = {
            "mkstemp": "tempfile.mkstemp",
            "chmod": "pathlib.Path.chmod",
            "replace": "pathlib.Path.replace",
        }
        if step == "fdopen":
            # To close what mkstemp opened is the file object's task, which there is none of.
            patch.setattr("os.fdopen", lambda handle, _: (os.close(handle), fail()))
        else:
            patch.setattr(place.get(step, f"os.{step}"), fail)
        with pytest.raises(OSError, match="No space"):
            write_atomically(path, "mới")
    assert path.read_text("utf-8") == "cũ"
    assert [item.name for item in tmp_path.iterdir()] == ["a.html"]
    write_atomically(path, "mới")
    assert path.read_text("utf-8") == "mới"
