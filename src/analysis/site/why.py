"""Why a page is to be made again, or was: by the name of what changed. Starts and writes nothing."""

from __future__ import annotations

from pathlib import Path

from analysis.pages.template import TEMPLATE
from analysis.site.editions import with_surroundings
from analysis.site.layout import YEAR_PAGE, Layout, unit_page
from analysis.site.ledger import PageRecord, read_pages, read_record
from analysis.site.planning import check_asked, plan_pages, read_sources
from analysis.study import Study

#: What the command line calls the year's own page.
YEAR = "year"

_INPUTS_VI = {
    "code": "mã chương trình congdoan",
    "data": "bộ số liệu (mọi bảng)",
    "description": "mô tả bộ số liệu (dataset.yaml, dictionary.yaml)",
    "district": "số liệu toàn huyện hiện trên trang",
    "figures": "số liệu của chính đơn vị (hay địa bàn)",
    "language": "câu chữ (params/lang)",
    "libraries": "phiên bản Python và thư viện",
    "links": "liên kết tới trang khác: đơn vị kề bên, năm khác, nơi đến và nơi đi",
    "notebook": "sổ tay",
    "peers": "số liệu của các đơn vị cùng loại hình",
    "pictures": "hình đặt cạnh sổ tay",
    "plan": "tệp kế hoạch",
    "settings": "tham số",
    "tasks": "nhiệm vụ và kết quả nhiệm vụ",
    "template": "mẫu trang",
    "words": "ghi chú và lời văn do người viết",
    "years_beside": "các năm đặt bên cạnh",
}


def explain_page(
    study: Study, out: Path, name: str, *, notebooks: Path | None = None, template: Path = TEMPLATE
) -> list[str]:
    """Tell in Vietnamese what a page was made from, what has changed, and what a run would do.

    Parameters
    ----------
    study : Study
        The data of now.
    out : Path
        The site's folder.
    name : str
        A unit's id, an area's link, or ``"year"`` for the year's own page.
    notebooks, template : Path, optional
        The folders of the notebooks and of the nbconvert template; the project's by default.

    Returns
    -------
    list of str
        Lines; each input that differs with its hash before and now.

    Raises
    ------
    InputError
        If nobody of that name has to report that year.
    """
    check_asked(study, None)
    link = YEAR_PAGE if name == YEAR else name if "/" in name else unit_page(name)
    layout = Layout(out.resolve())
    sources = read_sources(notebooks or study.root / "notebooks")
    pages = plan_pages(with_surroundings(study, layout), sources, template, [link])
    if link not in pages:
        check_asked(study, [name])
    page, before = pages[link], read_pages(read_record(layout)).get(link, PageRecord())
    title = f"{page.label} ({page.name})" if page.label != page.name else page.name
    if before.keep(page.inputs, layout).is_good:
        return [f"{title}: trang còn đúng, lập lúc {before.made_at}; không làm lại."]
    lines = [f"{title}: lần chạy tới sẽ làm trang này, vì:"]
    if before.failure is not None:
        lines.append(f"  - lần trước bị lỗi: {before.failure}")
    if before.page is None:
        return lines if before.failure else [*lines, "  - chưa có trang nào."]
    if not before.is_there(layout):
        lines.append(f"  - tệp {before.page} đã bị xóa hoặc sửa sau khi lập.")
    for key in sorted({*before.inputs, *page.inputs}):
        old, new = (inputs.get(key) or "không có" for inputs in (before.inputs, page.inputs))
        if old != new:
            lines.append(f"  - {_INPUTS_VI.get(key, key)} ({key}): trước {old}, nay {new}")
    return lines
