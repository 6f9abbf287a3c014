"""click in Vietnamese: ``--help``, messages of usage errors, and the options that commands share."""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from analysis.params import Params
    from analysis.study import Study

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
        return _vietnamese_help(super().get_help_option(ctx))


class Group(click.Group):
    """A group of such commands, listed in the order in which they are written."""

    context_class = Context
    command_class = Command

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return ``--help`` with a Vietnamese explanation."""
        return _vietnamese_help(super().get_help_option(ctx))

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


option = partial(click.option, cls=Option)
folder_option = partial(option, type=click.Path(path_type=Path), metavar="THƯ_MỤC")

data_option = folder_option("--data", help="Thư mục dữ liệu (mặc định: theo tệp tham số).")
params_option = option(
    "--params",
    "params_file",
    type=click.Path(path_type=Path),
    metavar="TỆP",
    help="Tệp tham số (mặc định: params/<năm>.yaml).",
)
plan_option = option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path),
    metavar="TỆP",
    help="Tệp kế hoạch (mặc định: theo tệp tham số).",
)
year_option = option("--year", type=int, required=True, metavar="NĂM", help="Năm báo cáo.")


def dataset_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--data``, ``--plan`` and ``--params``: a command hands them on as ``**where``."""
    return data_option(plan_option(params_option(command)))


def _day(context: click.Context, parameter: click.Parameter, given: str) -> str:
    try:
        return date.fromisoformat(given).isoformat() if given else ""
    except ValueError:
        message = "phải là một ngày, viết như 2025-03-31"
        raise click.BadParameter(message, context, parameter) from None


lang_option = option(
    "--lang",
    metavar="vi|en",
    help="Ngôn ngữ của lời và tiêu đề (mặc định: theo tệp tham số); lập trang thì nên kèm --out.",
)
on_option = option(
    "--on",
    default="",
    callback=_day,
    metavar="NGÀY",
    help="Xem trạng thái vào ngày này, nếu trước ngày chốt số liệu, ví dụ 2024-06-30.",
)
as_of_option = option(
    "--as-of",
    default="",
    callback=_day,
    metavar="NGÀY",
    help="Dùng số liệu như kho có đến hết ngày này, ví dụ 2025-03-31.",
)


def open_named_study(year: int, **where: Any) -> Study:
    """Open the study that the options name, which are those of `named_settings`."""
    from analysis.loading import open_study

    return open_study(*named_settings(year, **where))


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


def tell_unread(folder: Path, taken: Container[str] = ()) -> None:
    """Name the files of a dataset's folder that look like its tables and are not read.

    What has just been given to the import by name needs no word.
    """
    from analysis.tables.files import unread_files

    for problem in unread_files(folder):
        if problem.file not in taken:
            click.echo(str(problem), err=True)


def _vietnamese_help(option: click.Option | None) -> click.Option | None:
    if option is not None:
        option.help = "Hiện hướng dẫn này."
    return option


def explain(failure: click.ClickException) -> str:
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
