"""``congdoan``: the command line, in Vietnamese. Each command reads as what it does."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analysis.cli_store import STORE_COMMANDS
from analysis.commandline import (
    Group,
    as_of_option,
    data_option,
    dataset_options,
    explain,
    folder_option,
    lang_option,
    named_settings,
    on_option,
    open_named_study,
    option,
    params_option,
    plan_option,
    tell_unread,
    year_option,
)
from analysis.problems import InputError, Problem, explain_os, has_errors, printable, tell_first
from analysis.tables.files import TEXTS

if TYPE_CHECKING:
    from pandas import DataFrame

    from analysis.tables.load import Dataset

_BAD_INPUT = _FAILED = 1
_BAD_USAGE, _INTERRUPTED = 2, 130


@click.group(cls=Group, name="congdoan")
@click.version_option(
    None,
    "--version",
    package_name="congdoan",
    message="%(prog)s %(version)s",
    help="Hiện phiên bản.",
)
@option(
    "--project",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="THƯ_MỤC",
    help="Thư mục dự án, có params/ và notebooks/ (mặc định: thư mục đang đứng).",
)
def command(project: Path | None) -> None:
    """Phân tích số liệu công đoàn: kiểm tra, tính chỉ tiêu, lập báo cáo."""
    from analysis.params import PROJECT

    if project is not None:
        os.environ[PROJECT] = str(project.resolve())
        click.get_current_context().call_on_close(lambda: os.environ.pop(PROJECT, None))


@command.command()
@year_option
@option(
    "--unit",
    "units",
    multiple=True,
    metavar="MÃ",
    help="Chỉ lập trang của CĐCS này; dùng lại được nhiều lần.",
)
@folder_option(
    "--out",
    help="Nơi đặt trang báo cáo (mặc định: reports/<năm>, bản chia sẻ: reports/share/<năm>).",
)
@option(
    "--jobs",
    type=click.IntRange(min=1),
    metavar="SỐ",
    help="Số báo cáo chạy cùng lúc (mặc định: số nhân máy).",
)
@option(
    "--scheduler",
    metavar="ĐỊA_CHỈ",
    help="Chạy trên cụm máy Dask có sẵn, ví dụ tcp://192.168.1.10:8786.",
)
@option(
    "--edition",
    type=click.Choice(["internal", "share"]),
    metavar="internal|share",
    help="Bản nội bộ (số liệu đầy đủ) hay bản chia sẻ (giấu số người ít, tiền ghi theo khoảng).",
)
@option(
    "--again",
    default="",
    metavar="LÝ_DO",
    help="Lập thêm một bản chia sẻ khác của năm đã có bản chia sẻ, và ghi lại lý do.",
)
@option(
    "--briefs",
    is_flag=True,
    help="Lập thêm phiếu làm việc một trang và tin nhắn ngắn cho từng CĐCS (hoặc cho --unit).",
)
@option(
    "--docx",
    is_flag=True,
    help="Lập thêm báo cáo Word của năm (và của từng CĐCS nêu ở --unit).",
)
@option("--force", is_flag=True, help="Lập lại mọi trang, kể cả trang chưa có gì thay đổi.")
@option(
    "--why",
    multiple=True,
    metavar="MÃ",
    help="Chỉ cho biết vì sao trang của CĐCS này (year: trang năm) phải lập lại; không lập gì.",
)
@dataset_options
@as_of_option
@on_option
@lang_option
def report(  # noqa: PLR0913  # its options
    year: int,
    units: tuple[str, ...],
    out: Path | None,
    jobs: int | None,
    scheduler: str | None,
    again: str,
    briefs: bool,
    docx: bool,
    force: bool,
    why: tuple[str, ...],
    **where: Any,
) -> None:
    """Lập báo cáo năm. Gồm trang chung, trang từng CĐCS, trang tra cứu và số liệu kèm theo."""
    from analysis.params import CHECKOUT
    from analysis.site.ledger import default_site
    from analysis.site.run import Order, format_recap, run_report

    params, root = named_settings(year, **where)
    folder = out or default_site(params)
    if why:
        from analysis.loading import open_study
        from analysis.site.planning import explain_page

        study = open_study(params, root)
        click.echo("\n".join(line for name in why for line in explain_page(study, folder, name)))
        return
    if root != CHECKOUT:
        # Notebooks are programs: the user is told whose will run.
        click.echo(f"Dự án: {root}; các sổ tay trong {root / 'notebooks'} sẽ được chạy.", err=True)
    order = Order(
        units=list(units) or None,
        jobs=jobs,
        force=force,
        scheduler=scheduler,
        again=again,
        briefs=briefs,
        docx=docx,
    )
    recap = run_report(params, root, folder, order)
    given = {"scheduler": scheduler, "out": out, **where}
    named = {
        f"--{name.removesuffix('_file').replace('_', '-')}": x for name, x in given.items() if x
    }
    options = [text for name, x in named.items() for text in (name, str(x))]
    click.echo(format_recap(recap, options=options))
    if briefs:
        click.echo(f"Phiếu để in: {folder / 'briefs.html'}; tin nhắn: {folder / 'messages.csv'}")
    if docx:
        click.echo(f"Báo cáo Word (dự thảo): {folder / f'bao-cao-{year}.docx'}")
    tell_unread(root / params.data)
    if not recap.is_done:
        raise SystemExit(_FAILED)


by_option = option(
    "--by",
    default="",
    metavar="PHẠM_VI,...",
    help="Chỉ các phạm vi này: district, commune, unit_type, parent, unit.",
)
table_option = option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="TỆP",
    help="Ghi ra .csv, .parquet hoặc .xlsx; không có thì in CSV ra màn hình.",
)


machine_option = option(
    "--may",
    "for_machines",
    is_flag=True,
    help="Ghi .xlsx cho máy đọc: tên cột và mã như tệp CSV, không có tên tiếng Việt.",
)


@command.command()
@year_option
@by_option
@table_option
@machine_option
@dataset_options
@as_of_option
@lang_option
def indicators(
    year: int,
    by: str,
    out: Path | None,
    for_machines: bool,
    **where: Any,
) -> None:
    """Tính bảng chỉ tiêu của một năm."""
    from analysis.results import SCOPES

    scopes = _scopes_in(by, SCOPES, out)
    study = open_named_study(year, **where)
    if _is_for_people(out, for_machines):
        table = study.results(year=year, scope=scopes)
    else:
        table = study.compute([year], scopes)
    _write_out(table, out, "Chỉ tiêu")


@command.command()
@year_option
@by_option
@on_option
@table_option
@machine_option
@dataset_options
@as_of_option
@lang_option
def tasks(year: int, by: str, on: str, out: Path | None, for_machines: bool, **where: Any) -> None:
    """Tính bảng nhiệm vụ của một năm. Việc nào xong, việc nào quá hạn, việc nào chưa báo cáo."""
    from analysis.tasks import SCOPES, compute_tasks, require_tasks

    scopes = _scopes_in(by, SCOPES, out)
    study = open_named_study(year, **where)
    require_tasks(study.dataset)
    day = date.fromisoformat(on) if on else None
    table = compute_tasks(study.dataset, study.plan, year, scopes, day)
    if _is_for_people(out, for_machines):
        from analysis.exploring.answers import label_tasks

        table = label_tasks(study, table)
    _write_out(table, out, "Nhiệm vụ")


def _scopes_in(by: str, known: Sequence[str], out: Path | None) -> list[str]:
    """Return the scopes asked for; refuse unknown ones, and an output file in no folder."""
    scopes = [word.strip() for word in by.split(",") if word.strip()] or list(known)
    unknown = [word for word in scopes if word not in known]
    if unknown:
        raise click.UsageError(
            f"--by: không có phạm vi {', '.join(unknown)}; có: {', '.join(known)}"
        )
    if out is not None and not out.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(out.parent))
    return scopes


def _is_for_people(out: Path | None, for_machines: bool) -> bool:
    return out is not None and out.suffix.lower() == ".xlsx" and not for_machines


def _write_out(table: DataFrame, out: Path | None, sheet: str) -> None:
    from analysis.exploring.answer import Answer
    from analysis.results import write_table

    if out is not None and isinstance(table, Answer):
        table.save(out, sheet)
    else:
        write_table(table, out or sys.stdout, sheet)
    if out is not None:
        click.echo(f"Đã ghi {len(table)} dòng vào {out}", err=True)


@command.command()
@option("--year", type=int, metavar="NĂM", help="Chỉ xem các dòng của năm này.")
@option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    metavar="text|json",
    help="Cách in kết quả.",
)
@data_option
@params_option
@as_of_option
def check(
    year: int | None, form: str, data: Path | None, params_file: Path | None, as_of: str
) -> None:
    """Kiểm tra bộ số liệu. Nêu mọi lỗi và cảnh báo, không giấu lỗi nào sau lỗi đầu tiên."""
    from analysis.params import find_root, load_params
    from analysis.plan import load_plan
    from analysis.tables.check import check_dataset
    from analysis.tables.dictionary import take_own_columns
    from analysis.tables.load import read_dataset
    from analysis.tasks import check_tasks

    root = find_root()
    params = load_params(year or date.today().year, params_file, root)
    folder = data or root / params.data
    try:
        take_own_columns(folder)
        dataset, problems = read_dataset(folder, date.fromisoformat(as_of) if as_of else None)
        problems += [*check_dataset(dataset), *check_tasks(dataset, load_plan(root / params.plan))]
    except InputError as failure:
        if form == "text":
            raise
        problems = list(failure.problems)
    if year is not None:
        problems = [problem for problem in problems if problem.year in (None, year)]
    if form == "json":
        click.echo(json.dumps([p.as_record() for p in problems], ensure_ascii=False, indent=1))
    else:
        _print_problems(problems, err=False)
        _tell_unwritten(dataset, year)
    if has_errors(problems):
        raise SystemExit(_BAD_INPUT)


def _tell_unwritten(dataset: Dataset, year: int | None) -> None:
    """Name the headings that nobody has written about, of one year or of all years with a file."""
    from analysis.tables.peoples_text import name_missing

    years = [year] if year is not None else sorted({y for y, unit in dataset.texts if not unit})
    for one in years:
        missing = name_missing(dataset.texts, one)
        if missing:
            click.echo(f"Lời văn năm {one} ({TEXTS}/{one}.md) chưa có mục: {'; '.join(missing)}.")


@command.command()
@plan_option
@params_option
def plan(plan_file: Path | None, params_file: Path | None) -> None:
    """In danh mục chỉ tiêu đúng như tệp kế hoạch."""
    from analysis.plan import load_plan

    params, root = named_settings(date.today().year, plan_file=plan_file, params_file=params_file)
    loaded = load_plan(root / params.plan)
    click.echo(f"{loaded.title} ({loaded.source})")
    for section in loaded.sections:
        click.echo(f"\n{section.id}. {section.title}")
        for item in loaded.indicators:
            if item.section.split(".")[0] == section.id:
                kind = f"{item.kind} ({item.monitors})" if item.monitors else item.kind
                targets = "; ".join(str(target) for target in item.targets) or "không có mức"
                click.echo(f"  {item.id}  §{item.section}  {kind}  {targets}\n      {item.title}")


for _one in STORE_COMMANDS:
    command.add_command(_one)


@command.command(context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def lab(options: tuple[str, ...]) -> None:
    """Mở sổ tay trong JupyterLab."""
    from analysis.params import find_root

    folder = find_root() / "notebooks"
    done = subprocess.run(
        [sys.executable, "-m", "jupyter", "lab", *options], cwd=folder, check=False
    )
    raise SystemExit(done.returncode)


def _print_problems(problems: Iterable[Problem], *, err: bool) -> None:
    """Print the problems: warnings first, so that errors stand right above the count."""
    from analysis.tables.dictionary import with_heading

    listed = sorted(map(with_heading, problems), key=lambda problem: problem.severity == "error")
    # Errors are told before warnings where not all can be.
    told, more = tell_first(listed[::-1])
    for problem in told[::-1]:
        click.echo(str(problem), err=err)
    if more:
        click.echo(more, err=err)
    errors = sum(problem.severity == "error" for problem in listed)
    click.echo(f"{errors} lỗi, {len(listed) - errors} cảnh báo.", err=err)


def main(args: list[str] | None = None) -> None:
    """Run ``congdoan``; whatever goes wrong is told in Vietnamese, never as a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    # An unknown backend would keep matplotlib from being imported.
    os.environ.pop("MPLBACKEND", None)
    raise SystemExit(_run(args))


def _run(args: list[str] | None) -> int:
    try:
        result: Any = command.main(args, prog_name="congdoan", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    except InputError as failure:
        _print_problems(failure.problems, err=True)
        return _BAD_INPUT
    except click.exceptions.NoArgsIsHelpError as failure:
        click.echo(failure.format_message())
        return _BAD_USAGE
    except click.ClickException as failure:
        context = getattr(failure, "ctx", None)
        asked = "congdoan" if context is None else context.command_path
        click.echo(f"Lỗi: {explain(failure)}.\nXem hướng dẫn: {asked} --help", err=True)
        return _BAD_USAGE
    except (KeyboardInterrupt, click.Abort):
        if args is None:  # this process ends: a second Ctrl-C could only cut off its last words
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        click.echo("Đã dừng theo yêu cầu.", err=True)
        return _INTERRUPTED
    except OSError as failure:
        name = f" ({Path(str(failure.filename)).name})" if failure.filename else ""
        click.echo(printable(f"Lỗi đọc ghi tệp{name}: {explain_os(failure)}."), err=True)
        return _BAD_INPUT
    except Exception as failure:  # the last line of defence before an analyst
        if os.environ.get("CONGDOAN_DEBUG"):
            raise
        click.echo(_tell_unexpected(failure), err=True)
        return _BAD_INPUT


def _tell_unexpected(failure: Exception) -> str:
    """Tell lack of memory and a broken installation apart from a fault of the program."""
    signs = ("map segment", "allocate memory", "paging file")
    if isinstance(failure, MemoryError) or any(sign in str(failure) for sign in signs):
        why = (
            "Lỗi: máy không còn đủ bộ nhớ cho lệnh này; hãy đóng bớt chương trình khác, bỏ giới hạn"
            " bộ nhớ (ulimit -v) nếu có, rồi chạy lại."
        )
    elif isinstance(failure, ImportError):
        why = "Lỗi: một phần đã cài đặt bị thiếu hoặc hỏng; hãy cài đặt lại (tools/run.py setup)."
    else:
        why = f"Lỗi ngoài dự kiến: {type(failure).__name__}: {failure}"
    return f"{why}\nĐặt biến môi trường CONGDOAN_DEBUG=1 rồi chạy lại để xem chi tiết."
