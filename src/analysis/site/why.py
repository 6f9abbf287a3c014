"""Why a page is to be made again, or was: by the name of what changed. Starts and writes nothing."""

from __future__ import annotations

from pathlib import Path

from analysis.site.editions import with_surroundings
from analysis.site.layout import Layout
from analysis.site.ledger import PageRecord, is_good, is_there, keep, read_earlier
from analysis.site.planning import Page, check_asked, plan_pages, read_sources
from analysis.site.templates import TEMPLATE, Template
from analysis.study import Study

#: What the command line calls the year's own page.
YEAR = "year"

_INPUTS_VI = {
    "code": "mã chương trình congdoan",
    "data": "bộ số liệu (mọi bảng)",
    "description": "mô tả bộ số liệu (dataset.yaml, dictionary.yaml)",
    "figures": "số liệu của chính đơn vị",
    "language": "câu chữ (params/lang)",
    "libraries": "phiên bản Python và thư viện",
    "notebook": "sổ tay",
    "pictures": "hình đặt cạnh sổ tay",
    "plan": "tệp kế hoạch",
    "settings": "tham số",
    "surroundings": "số liệu hiện trên trang của đơn vị khác, toàn địa bàn",
    "template": "mẫu trang",
    "years_beside": "các năm đặt bên cạnh",
}


def explain_page(
    study: Study,
    out: Path,
    name: str,
    *,
    notebooks: Path | None = None,
    template: Template = TEMPLATE,
) -> list[str]:
    """Tell in Vietnamese what a page was made from, what has changed, and what a run would do.

    Parameters
    ----------
    study : Study
        The data of now.
    out : Path
        The site's folder.
    name : str
        A unit's id, or ``"year"`` for the year's own page.
    notebooks : Path, optional
        The notebooks' folder; the project's by default.
    template : Template
        The nbconvert template.

    Returns
    -------
    list of str
        Lines; each input that differs with its hash before and now.

    Raises
    ------
    InputError
        If nobody of that name has to report that year.
    """
    key = None if name == YEAR else name
    only = [] if key is None else [key]
    check_asked(study, [name for name in only if not name.startswith("area/")])
    layout = Layout(out.resolve())
    sources = read_sources(notebooks or study.root / "notebooks")
    page = plan_pages(with_surroundings(study, layout), sources, template, only)[key]
    earlier = read_earlier(layout)
    return _explain(page, earlier.pages.get(key, PageRecord("not_run")), layout)


def _explain(page: Page, entry: PageRecord, layout: Layout) -> list[str]:
    now = keep(entry, page.inputs, layout)
    if is_good(now):
        return [
            f"{page.label} ({page.name}): trang còn đúng, lập lúc {entry.made_at}; không làm lại."
        ]
    lines = [f"{page.label} ({page.name}): lần chạy tới sẽ làm trang này, vì:"]
    if entry.failure is not None:
        lines.append(f"  - lần trước bị lỗi: {entry.failure}")
    if entry.page is None:
        return [*lines, "  - chưa có trang nào."] if entry.failure is None else lines
    if not is_there(entry, layout):
        lines.append(f"  - tệp {entry.page} đã bị xóa hoặc sửa sau khi lập.")
    lines += [
        f"  - {_INPUTS_VI.get(key, key)} ({key}): "
        f"trước {entry.inputs.get(key) or 'không có'}, nay {page.inputs.get(key) or 'không có'}"
        for key in sorted({*entry.inputs, *page.inputs})
        if entry.inputs.get(key) != page.inputs.get(key)
    ]
    return lines
