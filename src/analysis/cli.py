"""``congdoan``: the command line, in Vietnamese. Each command reads as what it does.

The commands around an office's data are in `analysis.cli_store`.
"""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Container, Iterable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from analysis.problems import InputError, Problem, explain_os, has_errors, printable, tell_first
from analysis.tables.files import TEXTS

if TYPE_CHECKING:
    from pandas import DataFrame

    from analysis.params import Params
    from analysis.study import Study
    from analysis.tables.load import Dataset

BAD_INPUT = FAILED = 1
INTERRUPTED = 130
_BAD_USAGE = 2

# click in Vietnamese -----------------------------------------------------------------------------

_HEADINGS = {"Options": "Tuỳ chọn", "Commands": "Lệnh", "Arguments": "Tham số"}


class Formatter(click.HelpFormatter):
    """Help texts with Vietnamese headings."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the usage line."""
        args = args.replace("[OPTIONS]", "[TUỲ CHỌN]").replace("COMMAND [ARGS]...", "LỆNH ...")
        super().write_usage(prog, args, prefix or "Cách dùng: ")

    def write_heading(self, heading: str) -> None:
        """Write a heading."""
        super().write_heading(_HEADINGS.get(heading, heading))


class Context(click.Context):
    """A context that formats help with `Formatter`."""

    formatter_class = Formatter


class Option(click.Option):
    """An option whose help says all in its own words, without click's English extras."""

    def get_help_extra(self, ctx: click.Context) -> Any:
        """Return nothing: the help text says it all."""
        return {}


class Command(click.Command):
    """A command whose help is in Vietnamese."""

    context_class = Context

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return ``--help`` with a Vietnamese explanation."""
        found = super().get_help_option(ctx)
        if found is not None:
            found.help = "Hiện hướng dẫn này."
        return found


class Group(Command, click.Group):
    """A group of such commands, listed in the order in which they are written."""

    command_class = Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is asked for."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            known = ", ".join(self.list_commands(ctx))
            raise click.UsageError(f"không có lệnh «{args[0]}»; các lệnh: {known}")
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands as written."""
        return list(self.commands)


def _explain(failure: click.ClickException) -> str:
    """Return what is wrong with a command line, in Vietnamese."""
    for kind, message in _MESSAGES.items():
        if isinstance(failure, kind):
            return message(failure)
    return failure.format_message()


def _name(failure: Any) -> str:
    parameter = failure.param
    return parameter.opts[-1] if parameter is not None else (failure.param_hint or "")


def _choices(failure: click.BadParameter) -> str:
    kind = failure.param.type if failure.param is not None else None
    if isinstance(kind, click.Choice):
        return f"; dùng một trong: {', '.join(map(str, kind.choices))}"
    if isinstance(kind, click.IntRange) and failure.message and kind.min is not None:
        return f"; phải là số nguyên từ {kind.min} trở lên"
    if isinstance(kind, click.types.IntParamType):
        return "; phải là số nguyên"
    if isinstance(kind, click.Path):
        return "; không có tệp hoặc thư mục này"
    return f"; {failure.message}" if failure.message else ""


_MESSAGES: dict[type[click.ClickException], Callable[[Any], str]] = {
    click.NoSuchOption: lambda f: f"không có tuỳ chọn {f.option_name}",
    click.MissingParameter: lambda f: f"thiếu {_name(f)}",
    click.BadOptionUsage: lambda f: f"tuỳ chọn {f.option_name} dùng chưa đúng (thiếu giá trị?)",
    click.BadParameter: lambda f: f"giá trị của {_name(f)} không dùng được{_choices(f)}",
    click.UsageError: lambda f: (
        "dòng lệnh chưa đúng: "
        + re.sub("^Got unexpected extra arguments?", "thừa tham số", f.format_message())
    ),
}

# Options that commands share ---------------------------------------------------------------------


def option(names: str, metavar: str, help: str, **more: Any) -> Callable[..., Any]:
    """Declare an option by its name (and that of its parameter), its value and what it does.

    One without a value is a flag.
    """
    more = {"metavar": metavar} | more if metavar else {"is_flag": True} | more
    declared: Callable[..., Any] = click.option(*names.split(), cls=Option, help=help, **more)
    return declared


def _day(context: click.Context, parameter: click.Parameter, given: str) -> str:
    try:
        return date.fromisoformat(given).isoformat() if given else ""
    except ValueError:
        message = "phải là một ngày, viết như 2025-03-31"
        raise click.BadParameter(message, context, parameter) from None


PATH = click.Path(path_type=Path)
folder_option = partial(option, metavar="THƯ_MỤC", type=PATH)
day_option = partial(option, metavar="NGÀY", default="", callback=_day)

data_option = folder_option("--data", help="Thư mục dữ liệu (mặc định: theo tệp tham số).")
params_option = option(
    "--params params_file", "TỆP", "Tệp tham số (mặc định: params/<năm>.yaml).", type=PATH
)
plan_option = option(
    "--plan plan_file", "TỆP", "Tệp kế hoạch (mặc định: theo tệp tham số).", type=PATH
)
year_option = option("--year", "NĂM", "Năm báo cáo.", type=int, required=True)
lang_option = option(
    "--lang",
    "vi|en",
    "Ngôn ngữ của lời và tiêu đề (mặc định: theo tệp tham số); lập trang thì nên kèm --out.",
)
on_option = day_option(
    "--on",
    help="Xem trạng thái vào ngày này, nếu trước ngày chốt số liệu, ví dụ 2024-06-30.",
)
as_of_option = day_option(
    "--as-of", help="Dùng số liệu như kho có đến hết ngày này, ví dụ 2025-03-31."
)


def dataset_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--data``, ``--plan`` and ``--params``: a command hands them on as ``**where``."""
    for one in (params_option, plan_option, data_option):
        command = one(command)
    return command


def named_settings(
    year: int,
    data: Path | None = None,
    plan_file: Path | None = None,
    params_file: Path | None = None,
    **settings: str | None,
) -> tuple[Params, Path]:
    """Return the settings of a command, and the project's folder."""
    from analysis.params import find_root, load_params, make_params
    from analysis.tables.dictionary import take_own_columns

    root = find_root()
    base: Params = load_params(year, params_file, root)
    # A path on the command line is relative to the user's folder, not to the project.
    given = {"data": data, "plan": plan_file}
    named = {key: str(path.resolve()) for key, path in given.items() if path is not None}
    chosen = {key: value for key, value in settings.items() if value}
    params = make_params(base.model_dump(), {**named, **chosen})
    take_own_columns(root / params.data)  # the plan may count them
    return params, root


def open_named_study(year: int, **where: Any) -> Study:
    """Open the study that the options name, which are those of `named_settings`."""
    from analysis.loading import open_study

    return open_study(*named_settings(year, **where))


def tell_unread(folder: Path, taken: Container[str] = ()) -> None:
    """Name the files of a dataset's folder that look like its tables and are not read.

    What has just been given to the import by name needs no word.
    """
    from analysis.tables.files import unread_files

    for problem in unread_files(folder):
        if problem.file not in taken:
            click.echo(str(problem), err=True)


# The commands ------------------------------------------------------------------------------------


@click.group(cls=Group, name="congdoan")
@click.version_option(
    package_name="congdoan", message="%(prog)s %(version)s", help="Hiện phiên bản."
)
@option(
    "--project",
    "THƯ_MỤC",
    "Thư mục dự án, có params/ và notebooks/ (mặc định: thư mục đang đứng).",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
)
def command(project: Path | None) -> None:
    """Phân tích số liệu công đoàn: kiểm tra, tính chỉ tiêu, lập báo cáo."""
    from analysis.params import PROJECT

    if project is not None:
        os.environ[PROJECT] = str(project.resolve())
        click.get_current_context().call_on_close(lambda: os.environ.pop(PROJECT, None))


@command.command()
@year_option
@option("--unit units", "MÃ", "Chỉ lập trang của CĐCS này; dùng lại được nhiều lần.", multiple=True)
@folder_option(
    "--out",
    help="Nơi đặt trang báo cáo (mặc định: reports/<năm>, bản chia sẻ: reports/share/<năm>).",
)
@option(
    "--jobs",
    "SỐ",
    "Số báo cáo chạy cùng lúc (mặc định: số nhân máy).",
    type=click.IntRange(min=1),
)
@option("--scheduler", "ĐỊA_CHỈ", "Chạy trên cụm máy Dask có sẵn, ví dụ tcp://192.168.1.10:8786.")
@option(
    "--edition",
    "internal|share",
    "Bản nội bộ (số liệu đầy đủ) hay bản chia sẻ (giấu số người ít, tiền ghi theo khoảng).",
    type=click.Choice(["internal", "share"]),
)
@option(
    "--again",
    "LÝ_DO",
    "Lập thêm một bản chia sẻ khác của năm đã có bản chia sẻ, và ghi lại lý do.",
    default="",
)
@option(
    "--briefs",
    "",
    "Lập thêm phiếu làm việc một trang và tin nhắn ngắn cho từng CĐCS (hoặc cho --unit).",
)
@option("--docx", "", "Lập thêm báo cáo Word của năm (và của từng CĐCS nêu ở --unit).")
@option("--force", "", "Lập lại mọi trang, kể cả trang chưa có gì thay đổi.")
@option(
    "--why",
    "MÃ",
    "Chỉ cho biết vì sao trang của CĐCS này (year: trang năm) phải lập lại; không lập gì.",
    multiple=True,
)
@dataset_options
@as_of_option
@on_option
@lang_option
def report(
    year: int, units: tuple[str, ...], out: Path | None, why: tuple[str, ...], **given: Any
) -> None:
    """Lập báo cáo năm. Gồm trang chung, trang từng CĐCS, trang tra cứu và số liệu kèm theo."""
    from analysis.params import CHECKOUT
    from analysis.site.ledger import default_site
    from analysis.site.run import Order, format_recap, run_report

    of_order = ("jobs", "force", "scheduler", "again", "briefs", "docx")
    order = Order(units=list(units) or None, **{name: given.pop(name) for name in of_order})
    params, root = named_settings(year, **given)
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
    recap = run_report(params, root, folder, order)
    named = {"scheduler": order.scheduler, "out": out, **given}
    options = [
        text
        for name, value in named.items()
        for text in (f"--{name.removesuffix('_file').replace('_', '-')}", str(value))
        if value
    ]
    click.echo(format_recap(recap, options=options))
    if order.briefs:
        click.echo(f"Phiếu để in: {folder / 'briefs.html'}; tin nhắn: {folder / 'messages.csv'}")
    if order.docx:
        click.echo(f"Báo cáo Word (dự thảo): {folder / f'bao-cao-{year}.docx'}")
    tell_unread(root / params.data)
    if not recap.is_done:
        raise SystemExit(FAILED)


def table_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a command that writes a table."""
    for one in (
        option(
            "--may for_machines",
            "",
            "Ghi .xlsx cho máy đọc: tên cột và mã như tệp CSV, không có tên tiếng Việt.",
        ),
        option(
            "--out",
            "TỆP",
            "Ghi ra .csv, .parquet hoặc .xlsx; không có thì in CSV ra màn hình.",
            type=PATH,
        ),
        option(
            "--by",
            "PHẠM_VI,...",
            "Chỉ các phạm vi này: district, commune, unit_type, parent, unit.",
            default="",
        ),
        year_option,
    ):
        command = one(command)
    return command


@command.command()
@table_options
@dataset_options
@as_of_option
@lang_option
def indicators(year: int, by: str, out: Path | None, for_machines: bool, **where: Any) -> None:
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
@table_options
@on_option
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
@option("--year", "NĂM", "Chỉ xem các dòng của năm này.", type=int)
@option(
    "--format form",
    "text|json",
    "Cách in kết quả.",
    type=click.Choice(["text", "json"]),
    default="text",
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
        raise SystemExit(BAD_INPUT)


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
    import analysis.cli_store  # noqa: F401 - its commands join the others

    try:
        result: Any = command.main(args, prog_name="congdoan", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    except InputError as failure:
        _print_problems(failure.problems, err=True)
        return BAD_INPUT
    except click.exceptions.NoArgsIsHelpError as failure:
        click.echo(failure.format_message())
        return _BAD_USAGE
    except click.ClickException as failure:
        context = getattr(failure, "ctx", None)
        asked = "congdoan" if context is None else context.command_path
        click.echo(f"Lỗi: {_explain(failure)}.\nXem hướng dẫn: {asked} --help", err=True)
        return _BAD_USAGE
    except (KeyboardInterrupt, click.Abort):
        if args is None:  # this process ends: a second Ctrl-C could only cut off its last words
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        click.echo("Đã dừng theo yêu cầu.", err=True)
        return INTERRUPTED
    except OSError as failure:
        name = f" ({Path(str(failure.filename)).name})" if failure.filename else ""
        click.echo(printable(f"Lỗi đọc ghi tệp{name}: {explain_os(failure)}."), err=True)
        return BAD_INPUT
    except Exception as failure:  # the last line of defence before an analyst
        if os.environ.get("CONGDOAN_DEBUG"):
            raise
        click.echo(_tell_unexpected(failure), err=True)
        return BAD_INPUT


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
