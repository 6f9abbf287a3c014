"""``congdoan``: the commands that send forms out and take figures in."""

from __future__ import annotations

from pathlib import Path

import click

from analysis.commandline import (
    Command,
    data_option,
    open_named_study,
    option,
    params_option,
    plan_option,
    year_option,
)


@click.command(cls=Command)
@year_option
@option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="THƯ_MỤC",
    help="Nơi đặt các tệp Excel.",
)
@data_option
@plan_option
@params_option
def template(
    year: int, out: Path, data: Path | None, plan_file: Path | None, params_file: Path | None
) -> None:
    """Lập biểu mẫu Excel gửi đi. Mỗi CĐCS một tệp, cơ quan ban hành kế hoạch một tệp."""
    from analysis.intake.forms import write_forms

    study = open_named_study(year, data, plan_file, params_file)
    written = write_forms(study, out, year)
    click.echo(
        f"Đã lập {len(written)} tệp trong {out}: 1 tệp của cơ quan ban hành kế hoạch, {len(written) - 1} tệp của CĐCS."
    )


INTAKE_COMMANDS = (template,)
