"""A process that writes the store on demand and is cut off while it does; for test_store_crash.py.

It imports everything once, then forks a stopped child for each line that it is sent: ``read`` or
``write``, and a folder. The child is let go once strace is attached, and ends with `DONE`, or `TOLD`
if it was told of a fault.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import pandas as pd

from analysis.problems import InputError
from analysis.store import log
from analysis.tables.delivery import Records
from analysis.tables.dictionary import dictionary
from analysis.tables.storefile import has_store, last_entry, read_rows, reading
from analysis.tables.texts import read_files

DONE, TOLD = 0, 3
_FAULTS = {"disk_full", "store_io", "store_read_only", "store_closed"}
_PR_SET_PTRACER = 0x59616D61


def write(folder: Path) -> None:
    """Make the store if there is none, else add a return: all that an import ever writes."""
    if not has_store(folder):
        log.create_store(folder, "congdoan import")
        return
    cells = {"year": ["2024"], "unit_id": ["U2"], "informed": ["7"], "note": ["ghi chú " * 2000]}
    records = Records("returns", pd.DataFrame(cells, index=[2]), "Báo cáo", {"informed": "D12"})
    handed = log.Handed("congdoan import", "u2.xlsx", "0" * 64)
    connection = log.open_for_writing(folder)
    with closing(connection), log.writing(connection):
        log.add_entry(connection, handed, [records])


def read(folder: Path) -> None:
    """Read a table."""
    with reading(folder) as connection:
        read_rows(connection, dictionary().tables["returns"], last_entry(connection))


def run_stopped(act: Callable[[Path], None], folder: Path) -> int:
    """Run something in a child that waits for SIGCONT first; return its id."""
    child = os.fork()
    if child:
        os.waitpid(child, os.WUNTRACED)
        return child
    with suppress(OSError, AttributeError):
        # Where only parents may trace: let anybody.
        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, -1, 0, 0, 0)
    os.kill(os.getpid(), signal.SIGSTOP)
    status = 1
    try:
        act(folder)
        status = DONE
    except InputError as failure:
        status = TOLD if {problem.code for problem in failure.problems} <= _FAULTS else 1
    finally:
        os._exit(status)


def main() -> None:
    """Serve until the input ends."""
    # What is read and checked before is not of interest here, and takes long.
    files = read_files(Path(sys.argv[1]), [])
    log.read_dataset = lambda folder: (None, [])  # type: ignore[assignment,return-value]
    log.check_dataset = lambda dataset: []
    log.read_files = lambda folder, problems: files
    for line in sys.stdin:
        name, _, folder = line.rstrip("\n").partition(" ")
        child = run_stopped({"read": read, "write": write}[name], Path(folder))
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
