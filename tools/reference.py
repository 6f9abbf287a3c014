"""Write ``docs/thu-vien.md``: the functions that an analyst calls, from their docstrings.

Run ``python tools/reference.py`` after a docstring has changed; a test compares.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import analysis
from analysis.reports.base import Report
from analysis.study import Question, Study

PLACE = Path(__file__).parents[1] / "docs" / "thu-vien.md"
_TOP = """\
# Thư viện: mọi hàm dùng trong sổ tay

Tra cứu không cần mạng; trong JupyterLab, `help(study.trend)` cho cùng nội dung. Mọi ví dụ đều được
chạy thử. Cách dùng từng bước: chương 8 của [sổ tay](huong-dan.md) và `notebooks/explore.ipynb`. Phần
chi tiết viết bằng tiếng Anh, như trong mã. Trang này do `python tools/reference.py` lập.
"""


def write_reference() -> str:
    """Return the page."""
    parts = [_TOP]
    for title, functions in _chapters():
        parts.append(f"## {title}\n")
        for name, function in functions:
            head, _, rest = (inspect.getdoc(function) or "").partition("\n")
            parts.append(f"### `{name}`\n\n{head}\n")
            if not isinstance(function, property):
                parts.append(
                    f"```text\n{name}{_signature(name, function)}\n\n{rest.strip()}\n```\n"
                )
    return "\n".join(parts)


def _chapters() -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    opening = [name for name in analysis.__all__ if inspect.isfunction(getattr(analysis, name))]
    yield "Mở số liệu", [(f"analysis.{name}", getattr(analysis, name)) for name in opening]
    asked = [name for name, v in vars(Study).items() if isinstance(v, Question) and name[0] != "_"]
    asked += ["units", "indicators"]
    yield "Hỏi số liệu", [(f"study.{name}", getattr(Study, name)) for name in asked]
    found = vars(analysis.plot).items()
    charts = [
        n
        for n, v in found
        if inspect.isfunction(v) and v.__module__ == analysis.plot.__name__ and n[0] != "_"
    ]
    yield "Vẽ hình", [(f"analysis.plot.{name}", getattr(analysis.plot, name)) for name in charts]
    yield "Đưa vào trang báo cáo", [("report.show", Report.show)]


def _signature(name: str, function: Callable[..., Any]) -> str:
    given = inspect.signature(function)
    plain = [
        p.replace(annotation=inspect.Parameter.empty)
        for p in given.parameters.values()
        if p.name != "self" and (p.name != "study" or not name.startswith("study."))
    ]
    return str(given.replace(parameters=plain, return_annotation=inspect.Signature.empty))


if __name__ == "__main__":
    PLACE.write_text(write_reference(), "utf-8")
