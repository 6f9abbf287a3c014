"""The child process that parses other people's files: ``python -m analysis.intake.worker``.

It reads requests from its standard input and writes outcomes to its standard output, both pickled,
until the input ends. What it opens may make it run out of memory, hang or abort: the parent lives on.
"""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

#: On top of what the process holds once everything is imported.
_MEMORY = 2_500_000_000


def main() -> None:
    """Serve requests until the parent closes the pipe."""
    from analysis.intake.reading import read_content
    from analysis.problems import error

    requests = sys.stdin.buffer
    # Whatever a library prints must not get between the outcomes.
    outcomes = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _limit_memory()
    while True:
        try:
            name, content, year = pickle.load(requests)
        except EOFError:
            return
        try:
            outcome = read_content(name, content, year)
        except MemoryError:
            message = (
                "tệp cần quá nhiều bộ nhớ; hãy chia nhỏ hoặc xóa các dòng, cột thừa rồi lưu lại"
            )
            outcome = None, [error(message, code="out_of_memory", file=name)]
        except Exception as failure:
            if os.environ.get("CONGDOAN_DEBUG"):
                raise
            message = (
                f"lỗi ngoài dự kiến khi đọc tệp ({type(failure).__name__}); hãy báo người phụ trách"
            )
            outcome = None, [error(message, code="internal", file=name)]
        pickle.dump(outcome, outcomes, protocol=pickle.HIGHEST_PROTOCOL)
        outcomes.flush()
        del content, outcome


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
