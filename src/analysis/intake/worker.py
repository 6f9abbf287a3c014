"""The child process that parses other people's files: ``python -m analysis.intake.worker``.

It reads requests from its standard input and writes answers to its standard output, both pickled,
until the input ends. What it opens may make it run out of memory, hang or abort: the parent lives on.
"""

from __future__ import annotations

import os
import pickle
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

from analysis.tables.dictionary import set_own_columns

_TASKS = {
    "read": ("analysis.intake.reading", "read_content"),
    "mark": ("analysis.intake.marking", "mark_cells"),
}
#: On top of what the process holds once everything is imported.
_MEMORY = 2_500_000_000


def main() -> None:
    """Serve requests until the parent closes the pipe."""
    # Reading is what every child is for; the other task's libraries wait until they are needed.
    import_module("analysis.intake.reading")
    requests = sys.stdin.buffer
    # Whatever a library prints must not get between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _limit_memory()
    while True:
        try:
            task, own, arguments = pickle.load(requests)
            set_own_columns(own)
        except EOFError:
            return
        answer: tuple[str, Any]
        try:
            module, function = _TASKS[task]
            answer = ("done", getattr(import_module(module), function)(*arguments))
        except MemoryError:
            answer = ("out_of_memory", None)
        except Exception:
            if os.environ.get("CONGDOAN_DEBUG"):
                raise
            answer = ("failed", traceback.format_exc())
        del arguments
        pickle.dump(answer, answers, protocol=pickle.HIGHEST_PROTOCOL)
        answers.flush()


def _limit_memory() -> None:
    """Bound the address space, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        used = pages * resource.getpagesize()
    except OSError:
        used = 2_000_000_000
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    wanted = used + _MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard < 0 else min(wanted, hard), hard))


if __name__ == "__main__":
    main()
