"""What an office begins with: its folder, its lists and what is asked about them, its forms."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click
import yaml

from analysis.atomic import write_atomically
from analysis.commandline import (
    Command,
    dataset_options,
    open_named_study,
    option,
    year_option,
)
from analysis.problems import InputError, Problem, error

if TYPE_CHECKING:
    from analysis.plan import Plan
    from analysis.tables.delivery import Delivery, Records


#: Of new codes so many are shown in a message; all of them stand on the console.
_MOST_NAMED = 5


class ListReader:
    """Reads files for an import; asks once what a list of units leaves open, and shows new codes.

    Parameters
    ----------
    folder : Path
        The dataset folder, with the office's answers.
    plan : Plan
        Its issuer's code is nobody else's.
    is_agreed : bool
        Whether new codes need no look.
    settings : Any
        For `analysis.intake.read_delivery`.
    """

    def __init__(self, folder: Path, plan: Plan, *, is_agreed: bool, **settings: Any) -> None:
        from analysis.intake.mapping import read_answers

        self._folder, self._plan, self._is_agreed = folder, plan, is_agreed
        self._settings = settings
        self._answers = read_answers(folder)
        self._registers: list[Records] = []  # of this import: not in the store yet
        self._is_terminal = sys.stdin is not None and sys.stdin.isatty()

    def __call__(self, path: Path) -> tuple[Delivery | None, list[Problem]]:
        """Read one file."""
        from analysis.intake.mapping import find_questions, note_answers, read_answers

        while True:
            delivery, problems = self._read(path)
            if any(one.code == "no_register" for one in problems):
                return delivery, problems  # what is asked depends on it
            questions = find_questions(problems)
            answers = [(one, self._ask(one)) for one in questions]
            if questions:
                note_answers(self._folder, answers)
                self._answers = read_answers(self._folder)
            if not any(answer for _, answer in answers):
                return delivery, problems

    def _read(self, path: Path) -> tuple[Delivery | None, list[Problem]]:
        from analysis.store.arrivals import has_register

        delivery, problems = self._read_coded(path)
        is_sound = all(one.severity != "error" for one in problems)
        if delivery is not None and is_sound and has_register(delivery):
            self._registers += [one for one in delivery.records if one.table == "roster"]
        return delivery, problems

    def _read_coded(self, path: Path) -> tuple[Delivery | None, list[Problem]]:
        from analysis.intake.codes import give_codes, lacks_unions
        from analysis.intake.reader import read_delivery
        from analysis.intake.reading import lacks_codes
        from analysis.tables.load import read_dataset

        delivery, problems = read_delivery(path, answers=self._answers, **self._settings)
        parts = [] if delivery is None else delivery.records
        if delivery is None or not any(lacks_codes(one) or lacks_unions(one) for one in parts):
            return delivery, problems
        if any(one.severity == "error" for one in problems):
            return None, problems
        known = read_dataset(self._folder)[0]
        coded = give_codes(
            delivery, known, self._plan.issuer.id, self._answers, tuple(self._registers)
        )
        problems = [*problems, *coded.problems]
        if not any(one.severity == "error" for one in problems):
            made, unions = coded.made, coded.unions
            problems += self._show(
                path,
                *("new_codes", "mã mới cho", "đơn vị", made),
                "hoặc thêm cột «Mã CĐCS» để tự đặt mã",
            )
            problems += self._show(
                path,
                *("new_unions", "công đoàn cùng tên với", "doanh nghiệp", unions),
                "hoặc ghi vào anh-xa.yaml, mục cong_doan, dòng nào không đúng",
            )
        return coded.delivery, problems

    def _ask(self, question: Problem) -> str:
        """Ask in a terminal; an empty answer leaves it open."""
        if not self._is_terminal:
            return ""
        click.echo(str(question))
        return str(click.prompt("Trả lời (Enter: để sau)", default="", show_default=False)).strip()

    def _show(
        self, path: Path, code: str, what: str, whose: str, found: dict[str, str], advice: str
    ) -> Iterator[Problem]:
        """Show codes or unions that were found; without somebody's word nothing is stored."""
        if not found:
            return
        click.echo(f"{path.name}: {what} {len(found)} {whose}")
        for one, other in found.items():
            click.echo(f"  {one:<32}  {other}")
        is_agreed = self._is_agreed or (
            self._is_terminal and click.confirm("Đúng như vậy?", default=True)
        )
        if not is_agreed:
            few = ", ".join([*found][:_MOST_NAMED]) + (", …" if len(found) > _MOST_NAMED else "")
            message = f"{what} {len(found)} {whose} ({few}); hãy xem lại rồi chạy lệnh với --yes, {advice}"
            yield error(message, code=code, file=path.name)


@click.command(cls=Command)
@click.argument("folder", type=click.Path(path_type=Path), metavar="THƯ_MỤC")
@option("--year", type=int, required=True, metavar="NĂM", help="Năm đầu tiên có số liệu.")
@option("--issuer", default="", metavar="TÊN", help="Cơ quan ban hành kế hoạch.")
@option("--place", default="", metavar="NƠI", help="Địa bàn, ví dụ: huyện Đakrông, tỉnh Quảng Trị.")
@option("--superior", default="", metavar="TÊN", help="Công đoàn cấp trên của cơ quan ấy.")
@option("--plan", "plan_file", type=click.Path(path_type=Path), metavar="TỆP", help="Tệp kế hoạch.")
@option("--yes", is_flag=True, help="Không hỏi: điều gì không nêu thì lấy theo kế hoạch.")
def init(
    folder: Path,
    year: int,
    issuer: str,
    place: str,
    superior: str,
    plan_file: Path | None,
    yes: bool,
) -> None:
    """Lập thư mục số liệu của một văn phòng mới. Có sổ danh sách trống và các thiết lập riêng."""
    from analysis.intake.forms import write_register
    from analysis.params import LOCAL_FILE, PARAMS_FOLDER, find_root, load_params
    from analysis.plan import load_plan

    root = find_root()
    source = (plan_file or root / load_params(year, root=root).plan).resolve()
    own = load_plan(source).issuer
    given = {"name": issuer, "place": place, "superior": superior}
    labels = {
        "name": "Cơ quan ban hành kế hoạch",
        "place": "Địa bàn",
        "superior": "Công đoàn cấp trên",
    }
    for key, label in labels.items():
        if not given[key]:
            usual = str(getattr(own, key))
            given[key] = usual if yes else click.prompt(label, default=usual)
    folder = folder.resolve()
    settings = root / PARAMS_FOLDER / LOCAL_FILE
    register = folder / f"danh-sach-cdcs-{year}.xlsx"
    plan_copy, description = folder / "ke-hoach.yaml", folder / "dataset.yaml"
    there = [one for one in (settings, description, register, plan_copy) if one.exists()]
    if there:
        message = "đã có, không ghi đè; hãy dùng thư mục khác, hoặc chuyển tệp này đi rồi chạy lại"
        raise InputError([error(message, code="exists", file=str(one)) for one in there])
    plan_text = _with_issuer(source.read_text("utf-8-sig"), given)
    with TemporaryDirectory() as trial:
        # What is wrong with an answer is told before anything is written.
        write_atomically(Path(trial) / plan_copy.name, plan_text)
        load_plan(Path(trial) / plan_copy.name)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(plan_copy, plan_text)
    title = f"Số liệu công đoàn cơ sở, {given['place']}"
    write_atomically(description, _yaml({"name": title}))
    write_atomically(register, write_register(year))
    paths = {"data": _named(folder, root), "plan": _named(plan_copy, root)}
    head = "# Thiết lập riêng của văn phòng, đứng trên params/default.yaml; git không theo dõi tệp này.\n"
    write_atomically(settings, head + _yaml(paths))
    click.echo(f"Đã lập {folder}: dataset.yaml, ke-hoach.yaml, {register.name}; và {settings}.")
    click.echo("Ba lệnh tiếp theo:")
    click.echo(
        f'  congdoan import "{register}" --year {year}   (hoặc danh sách sẵn có của văn phòng)'
    )
    click.echo(f"  congdoan template --year {year} --out bieu-mau")
    click.echo(f"  congdoan import bieu-mau --year {year}   (khi các phiếu đã gửi về)")


def _named(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _yaml(data: dict[str, str]) -> str:
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=1000)


def _with_issuer(plan: str, given: dict[str, str]) -> str:
    """Return a plan's text with another issuer; every other line stays as it is."""
    from analysis.intake.formtexts import plain

    issuer = yaml.safe_load(plan)["issuer"]
    if given["name"] != issuer["name"]:
        short = re.sub("^liên đoàn lao động", "LĐLĐ", given["name"], flags=re.IGNORECASE)
        issuer = {"id": plain(short).upper()[:32].strip("-"), "name": given["name"], "short": short}
    issuer |= {"place": given["place"], "superior": given["superior"]}
    block = "issuer:\n" + "".join(f"  {line}\n" for line in _yaml(issuer).splitlines())
    # A function, since a name may hold what a replacement would take for a command.
    return re.sub(r"^issuer:\n(?:[ #].*\n)*", lambda _: block, plan, count=1, flags=re.MULTILINE)


@click.command(cls=Command)
@year_option
@option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="THƯ_MỤC",
    help="Nơi đặt các tệp Excel.",
)
@dataset_options
def template(year: int, out: Path, **where: Any) -> None:
    """Lập biểu mẫu Excel gửi đi. Mỗi CĐCS một tệp, cơ quan ban hành kế hoạch một tệp."""
    from analysis.intake.forms import write_forms

    study = open_named_study(year, **where)
    written = write_forms(study, out, year)
    click.echo(
        f"Đã lập {len(written)} tệp trong {out}: 1 tệp của cơ quan ban hành kế hoạch, {len(written) - 1} tệp của CĐCS."
    )


LIST_COMMANDS = (init, template)
