"""The commands around an office's data: lists and forms, files in, what became of them, states out."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click
import yaml

from analysis.cli import (
    FAILED,
    INTERRUPTED,
    PATH,
    as_of_option,
    command,
    data_option,
    dataset_options,
    day_option,
    folder_option,
    named_settings,
    on_option,
    open_named_study,
    option,
    params_option,
    tell_unread,
    year_option,
)
from analysis.problems import (
    InputError,
    Problem,
    error,
    has_errors,
    is_unprintable,
    name_place,
    printable,
)
from analysis.tables.files import write_atomically

if TYPE_CHECKING:
    from analysis.params import Params
    from analysis.plan import Plan
    from analysis.tables.delivery import Delivery, Records

#: What a folder given to ``import`` is searched for; a file given by name may end otherwise.
_ENDINGS = (".xlsx", ".xlsm", ".xls", ".ods", ".csv")
#: What to do about a file of a folder that may hold figures all the same, by its ending.
_NOT_READ = {
    ".zip .rar .7z .gz .tar": "hãy giải nén rồi nhập các tệp bên trong",
    ".pdf .doc .docx .rtf .odt .jpg .jpeg .png .heic": "không phải bảng tính; số liệu trong đó"
    " phải được gõ vào biểu mẫu Excel",
    ".xlsb .numbers .xltx .xltm .xlt .ots .fods .et": "hãy mở rồi lưu lại thành .xlsx",
    ".tsv .txt .dat": "nếu là bảng số liệu, hãy lưu lại thành .csv hoặc .xlsx",
}
#: What programs put around the name of a copy: "a (1)", "a - Copy", "Bản sao của a".
_COPY = re.compile(r"^(?:Copy of|Bản sao của) | ?\([0-9]+\)$| - (?:Copy|Bản sao|Sao chép)\b.*$")
_ERROR_LISTS = "loi-nhap"
_PROGRAM_LOG = "loi-chuong-trinh.txt"
#: Of new codes so many are shown in a message; all of them stand on the console.
_MOST_NAMED = 5


class ListReader:
    """Reads files for an import; asks once what a list of units leaves open, and shows new codes.

    ``is_agreed``: new codes need no look. ``settings`` go to `analysis.intake.read_delivery`.
    """

    def __init__(self, folder: Path, plan: Plan, *, is_agreed: bool, **settings: Any) -> None:
        from analysis.intake.officelists import read_answers

        self._folder, self._plan, self._is_agreed = folder, plan, is_agreed
        self._settings = settings
        self._answers = read_answers(folder)
        self._registers: list[Records] = []  # of this import: not in the store yet
        self._is_terminal = sys.stdin is not None and sys.stdin.isatty()

    def __call__(self, path: Path) -> tuple[Delivery | None, list[Problem]]:
        """Read one file."""
        from analysis.intake.officelists import find_questions, note_answers, read_answers
        from analysis.store.take_in import has_register

        while True:
            delivery, problems = self._read(path)
            if any(one.code == "no_register" for one in problems):
                return delivery, problems  # what is asked depends on it
            questions = find_questions(problems)
            answers = [(one, self._ask(one)) for one in questions]
            if questions:
                note_answers(self._folder, answers)
                self._answers = read_answers(self._folder)
            if any(answer for _, answer in answers):
                continue
            if delivery is not None and not has_errors(problems) and has_register(delivery):
                self._registers += [one for one in delivery.records if one.table == "roster"]
            return delivery, problems

    def _read(self, path: Path) -> tuple[Delivery | None, list[Problem]]:
        from analysis.intake import read_delivery
        from analysis.intake.officelists import give_codes, lacks_codes, lacks_unions, once_each
        from analysis.tables.load import read_dataset

        delivery, problems = read_delivery(path, answers=self._answers, **self._settings)
        problems = once_each(problems)
        parts = [] if delivery is None else delivery.records
        if delivery is None or not any(lacks_codes(one) or lacks_unions(one) for one in parts):
            return delivery, problems
        if has_errors(problems):
            return None, problems
        known = read_dataset(self._folder)[0]
        coded = give_codes(
            delivery, known, self._plan.issuer.id, self._answers, tuple(self._registers)
        )
        problems = [*problems, *coded.problems]
        if not has_errors(problems):
            problems += self._show(
                path,
                "new_codes",
                f"mã mới cho {len(coded.made)} đơn vị",
                coded.made,
                "hoặc thêm cột «Mã CĐCS» để tự đặt mã",
            )
            problems += self._show(
                path,
                "new_unions",
                f"công đoàn cùng tên với {len(coded.unions)} doanh nghiệp",
                coded.unions,
                "hoặc ghi vào anh-xa.yaml, mục cong_doan, dòng nào không đúng",
            )
        return coded.delivery, problems

    def _ask(self, question: Problem) -> str:
        """Ask in a terminal, until an answer can stand; an empty one leaves the question open."""
        from analysis.intake.officelists import choices, take_answer

        if not self._is_terminal:
            return ""
        place = name_place(question.file, question.sheet, question.cell)
        asked = question.message if question.choices else f"«{question.value}» là gì?"
        click.echo(f"\nHỎI {printable(f'{place}: {asked}')}")
        for number, choice in enumerate(choices(question), 1):
            click.echo(f"  {number}. {choice}")
        while True:
            said = click.prompt("Gõ số hoặc chữ (Enter: để sau)", default="", show_default=False)
            answer, wrong = take_answer(question, str(said).strip())
            if not wrong:
                return answer
            click.echo(wrong)

    def _show(
        self, path: Path, code: str, what: str, found: dict[str, str], advice: str
    ) -> Iterator[Problem]:
        """Show codes or unions that were found; without somebody's word nothing is stored."""
        if not found:
            return
        click.echo(f"{path.name}: {what}")
        for one, other in found.items():
            click.echo(f"  {one:<32}  {other}")
        if self._is_agreed or (self._is_terminal and _agrees()):
            return
        few = ", ".join([*found][:_MOST_NAMED]) + (", …" if len(found) > _MOST_NAMED else "")
        message = f"{what} ({few}); hãy xem lại rồi chạy lệnh với --yes, {advice}"
        yield error(message, code=code, file=path.name)


def _agrees() -> bool:
    """Ask for a yes, in the ways that people write it."""
    from analysis.intake.writings import answers, find

    while True:
        said = click.prompt("Đúng như vậy? [có/không]", default="có", show_default=False)
        answer = find(str(said), answers())
        if answer in ("true", "false"):
            return answer == "true"


@command.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="THƯ_MỤC")
@option("--year", "NĂM", "Năm đầu tiên có số liệu.", type=int, required=True)
@option("--issuer name", "TÊN", "Cơ quan ban hành kế hoạch.", default="")
@option("--place", "NƠI", "Địa bàn, ví dụ: huyện Đakrông, tỉnh Quảng Trị.", default="")
@option("--superior", "TÊN", "Công đoàn cấp trên của cơ quan ấy.", default="")
@option("--plan plan_file", "TỆP", "Tệp kế hoạch.", type=PATH)
@option("--yes", "", "Không hỏi: điều gì không nêu thì lấy theo kế hoạch.")
def init(folder: Path, year: int, plan_file: Path | None, yes: bool, **given: str) -> None:
    """Lập thư mục số liệu của một văn phòng mới. Có sổ danh sách trống và các thiết lập riêng."""
    from analysis.intake.forms import write_register
    from analysis.params import LOCAL_FILE, PARAMS_FOLDER, find_root, load_params
    from analysis.plan import load_plan

    root = find_root()
    source = (plan_file or root / load_params(year, root=root).plan).resolve()
    own = load_plan(source).issuer
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
    if given["name"] != own.name:
        click.echo(
            "Trong ke-hoach.yaml còn văn bản của cơ quan khác: hãy ghi văn bản của mình vào source,"
            " adopted_on, legal_bases, recipients (cuối trang báo cáo và báo cáo Word nêu chúng)."
        )
    click.echo(
        "Ba lệnh tiếp theo:\n"
        f'  congdoan import "{register}" --year {year}   (hoặc danh sách sẵn có của văn phòng)\n'
        f"  congdoan template --year {year} --out bieu-mau\n"
        f"  congdoan import bieu-mau --year {year}   (khi các phiếu đã gửi về)"
    )


def _named(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _yaml(data: dict[str, str]) -> str:
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=1000)


def _with_issuer(plan: str, given: dict[str, str]) -> str:
    """Return a plan's text with another issuer; every other line stays as it is."""
    from analysis.intake.writings import plain

    issuer = yaml.safe_load(plan)["issuer"]
    if given["name"] != issuer["name"]:
        short = re.sub("^liên đoàn lao động", "LĐLĐ", given["name"], flags=re.IGNORECASE)
        issuer = {"id": plain(short).upper()[:32].strip("-"), "name": given["name"], "short": short}
    issuer |= {"place": given["place"], "superior": given["superior"]}
    block = "issuer:\n" + "".join(f"  {line}\n" for line in _yaml(issuer).splitlines())
    # A function, since a name may hold what a replacement would take for a command.
    return re.sub(r"^issuer:\n(?:[ #].*\n)*", lambda _: block, plan, count=1, flags=re.MULTILINE)


@command.command()
@year_option
@folder_option("--out", required=True, help="Nơi đặt các tệp Excel.")
@dataset_options
def template(year: int, out: Path, **where: Any) -> None:
    """Lập biểu mẫu Excel gửi đi. Mỗi CĐCS một tệp, cơ quan ban hành kế hoạch một tệp."""
    from analysis.intake.forms import write_forms

    study = open_named_study(year, **where)
    written = write_forms(study, out, year)
    click.echo(
        f"Đã lập {len(written)} tệp trong {out}: 1 tệp của cơ quan ban hành kế hoạch, {len(written) - 1} tệp của CĐCS."
    )


@command.command("import")
@click.argument(
    "paths",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, path_type=Path),
    metavar="TỆP|THƯ_MỤC...",
)
@option("--year", "NĂM", "Năm của số liệu; tệp ghi năm khác thì bị trả lại.", type=int)
@option(
    "--supersede",
    "LÝ_DO",
    "Cho phép thay số liệu đã có, và vì sao; số cũ vẫn được giữ lại.",
    default="",
)
@option("--by", "TÊN", "Người nhập, ghi vào kho.", default="")
@option("--yes", "", "Nhận luôn mã mới đặt cho đơn vị và công đoàn cùng tên với doanh nghiệp.")
@option(
    "--don-vi money",
    "nghin|trieu",
    "Nhận cả bảng ghi rõ đơn vị tính là nghìn hay triệu đồng, nhân chính xác ra đồng.",
    type=click.Choice(["nghin", "trieu"]),
)
@folder_option(
    "--errors",
    help=f"Nơi ghi danh sách lỗi để gửi lại (mặc định: {_ERROR_LISTS}, cạnh tệp đầu tiên).",
)
@dataset_options
def import_files(
    paths: tuple[Path, ...],
    year: int | None,
    supersede: str,
    by: str,
    yes: bool,
    money: str | None,
    errors: Path | None,
    **where: Any,
) -> None:
    """Nhận các tệp gửi về vào kho số liệu. Mỗi tệp nhận hết hoặc không nhận gì."""
    from analysis.intake import write_error_lists
    from analysis.intake.writings import lists
    from analysis.store.take_in import Occasion, format_recap, format_traces, take_in

    folder, plan, _ = _settings(year or date.today().year, **where)
    beside = paths[0] if paths[0].is_dir() else paths[0].parent
    target = errors or beside / _ERROR_LISTS
    files, left_out = find_files(paths, target)
    scale = lists()["money_options"].get(money, 1)
    recap = take_in(
        folder,
        files,
        ListReader(folder, plan, is_agreed=yes, year=year, scale=scale),
        plan,
        Occasion(reason=supersede.strip(), by=by.strip(), year=year),
    )
    click.echo(format_recap(recap))
    if left_out:
        click.echo(_format_left_out(left_out))
    tell_unread(folder, {path.name for path in files if path.resolve().parent == folder.resolve()})
    if recap.refused:
        click.echo("\nDanh sách lỗi để gửi lại:")
        for path in write_error_lists(recap.refused, target):
            click.echo(f"  {path}")
    if recap.traces:
        log = target / _PROGRAM_LOG
        write_atomically(log, format_traces(recap.traces))
        click.echo(f"\nNhật ký lỗi của chương trình, hãy gửi cho người phụ trách:\n  {log}")
    if recap.not_reached:
        raise SystemExit(INTERRUPTED)
    if not recap.is_done or any(reason and _is_badly_named(p) for p, reason in left_out.items()):
        raise SystemExit(FAILED)


def find_files(paths: Sequence[Path], error_lists: Path) -> tuple[list[Path], dict[Path, str]]:
    """Return each file that is meant: of a folder, those that can hold figures; no error lists.

    Everything else in the folders is returned with the reason; without one for files of the system
    and of open workbooks (``~$...``).
    """
    found: dict[Path, Path] = {}
    left_out: dict[Path, str] = {}
    for path in paths:
        for file in sorted(path.iterdir(), key=_original_first) if path.is_dir() else [path]:
            if error_lists.resolve() in (file.resolve(), file.parent.resolve()):
                continue
            is_asked = path.is_dir() or not file.is_file() or _is_badly_named(file)
            reason = _why_left_out(file) if is_asked else None
            if reason is None:
                found[file.resolve()] = file
            else:
                left_out[file] = reason
    if not found:
        message = f"không có tệp số liệu nào ({', '.join(_ENDINGS)})"
        places = [error(message, code="no_files", file=path.name) for path in paths]
        told = ((path.name, reason) for path, reason in left_out.items() if reason)
        others = [Problem("warning", "left_out", name, None, "", "", why) for name, why in told]
        raise InputError([*places, *others])
    return list(found.values()), left_out


def _original_first(path: Path) -> tuple[str, int]:
    """Return a sort key: of a file and its copies, the file itself is the one that is taken."""
    return _COPY.sub("", path.stem), len(path.name)


def _is_badly_named(path: Path) -> bool:
    return any(sign in "\n\t" or is_unprintable(sign) for sign in path.name)


def _why_left_out(path: Path) -> str | None:
    """Return why a file of a folder is not read: None if it is, nothing if that goes without saying."""
    if path.name.startswith(("~$", ".")) or path.name.lower() in ("thumbs.db", "desktop.ini"):
        return ""
    if _is_badly_named(path):
        return "tên có ký tự hỏng hoặc ký tự điều khiển; hãy đổi tên rồi nhập lại"
    if path.is_dir():
        return f'thư mục con, không tự đọc; hãy nhập riêng: congdoan import "{path}"'
    if not path.is_file():
        return "không phải là tệp, hoặc lối tắt đến tệp không còn"
    ending = path.suffix.lower()
    if ending in _ENDINGS:
        return None
    kind = f"tệp đuôi {ending}" if ending else "tệp không có đuôi"
    advice = (advice for endings, advice in _NOT_READ.items() if ending in endings.split())
    return f"{kind}: {next(advice, 'không phải bảng số liệu')}"


def _format_left_out(left_out: dict[Path, str]) -> str:
    told = [f"  {printable(path.name)}: {reason}" for path, reason in left_out.items() if reason]
    quiet = [path.name for path, reason in left_out.items() if not reason]
    if quiet:
        told.append(f"  {len(quiet)} tệp của máy, không có số liệu ({printable(', '.join(quiet))})")
    return "\n".join([f"Bỏ qua, không đọc: {len(left_out)}", *told])


@command.command()
@click.argument("name", metavar="MÃ")
@click.argument("year", type=int, metavar="NĂM")
@dataset_options
def history(name: str, year: int, **where: Any) -> None:
    """Xem số liệu của một mã đã đổi thế nào. Khi nào, từ tệp nào, vì sao; ở mọi bảng."""
    from analysis.store.history import format_history, read_history

    folder, plan, _ = _settings(year, **where)
    entries = read_history(folder, name, year, plan.issuer.id)
    click.echo(format_history(entries, name, year))
    if not entries:
        raise SystemExit(FAILED)


@command.command()
@click.argument("name", metavar="MÃ")
@click.argument("year", type=int, metavar="NĂM")
@option("--reason", "LÝ_DO", "Vì sao rút lại, ghi vào kho.", required=True)
@option("--by", "TÊN", "Người rút lại, ghi vào kho.", default="")
@option(
    "--table",
    "BẢNG",
    "Rút lại ở bảng nào (mặc định: returns, báo cáo năm của CĐCS).",
    type=click.Choice(
        ["returns", "roster", "employers", "district", "lineage", "communes", "tasks", "evidence"]
    ),
    default="returns",
)
@dataset_options
def withdraw(name: str, year: int, reason: str, by: str, table: str, **where: Any) -> None:
    """Rút lại số liệu đã nhận nhầm của một mã. Số cũ vẫn được giữ trong kho."""
    from analysis.store.log import withdraw_rows

    folder, plan, _ = _settings(year, **where)
    issuer = plan.issuer.id
    count = withdraw_rows(folder, name, year, reason=reason, by=by, table=table, issuer=issuer)
    fate = ": từ nay đơn vị được coi là chưa nộp" if table == "returns" else ""
    click.echo(
        f"Đã rút lại số liệu năm {year} của {name} ở bảng {table} ({count} số liệu){fate}. Số cũ vẫn"
        f" được giữ: congdoan history {name} {year}"
    )


@command.command()
@year_option
@dataset_options
@on_option
def status(year: int, on: str, **where: Any) -> None:
    """Xem ai đã nộp, ai chưa, việc gì quá hạn. Theo xã, loại hình, và danh sách để nhắc."""
    from analysis.store.office_year import find_status, find_unasked, format_duties, format_status
    from analysis.tables.load import load_dataset

    folder, plan, _ = _settings(year, **where)
    dataset = load_dataset(folder)
    units, unasked = (find(dataset, plan, year, folder) for find in (find_status, find_unasked))
    click.echo(format_status(units, unasked, plan, year))
    day = date.fromisoformat(on) if on else datetime.now().astimezone().date()
    if duties := format_duties(dataset, plan, year, day):
        click.echo("\n" + duties)


@command.command()
@year_option
@day_option(
    "--since",
    help="So với số liệu có đến hết ngày này (mặc định: với lần công bố trước ở --out).",
)
@folder_option("--out", help="Nơi đặt trang báo cáo đã công bố (mặc định: reports/<năm>).")
@dataset_options
def changes(year: int, since: str, out: Path | None, **where: Any) -> None:
    """So với lần công bố trước. Đánh giá nào đã khác, do những số liệu nào được sửa."""
    from analysis.language import load_language
    from analysis.params import find_root
    from analysis.results import compute_indicators
    from analysis.site.ledger import default_site
    from analysis.store.history import (
        as_published,
        find_changes,
        find_corrections,
        format_changes,
        read_published,
    )
    from analysis.tables.load import load_dataset
    from analysis.tables.storefile import first_moment, refuse_missing

    folder, plan, params = _settings(year, **where)
    refuse_missing(folder)
    # The figures are the exact ones, so what they are held against is the internal edition.
    site = out or default_site(params.model_copy(update={"edition": "internal"}))
    # What was published before there was a store rests on the tables that it began with.
    if since:
        moment = date.fromisoformat(since)
    else:
        made_at, table, record = _find_published(site)
        moment = max(made_at, first_moment(folder))
    past, present = load_dataset(folder, moment), load_dataset(folder)
    now = as_published(compute_indicators(present, plan, [year]))
    then = as_published(compute_indicators(past, plan, [year])) if since else read_published(table)
    found = find_changes(then, now, find_corrections(folder, moment), (past, present), plan)
    verdicts = load_language(params.lang, find_root()).words["verdict"]
    click.echo(format_changes(found, verdicts, plan))
    if not since and _is_stale(record, present.digest):
        click.echo(
            f"\nSố liệu đã khác lúc lập báo cáo; hãy chạy congdoan report --year {year}:"
            " chỉ những trang có gì khác được lập lại."
        )


def _find_published(site: Path) -> tuple[datetime, Path, dict[str, Any]]:
    """Return when the year's page was made, the table that it shows, and the site's account.

    A later run may have made some units' pages alone: the table of that run is newer than the page.
    """
    from analysis.site.ledger import INDICATORS, Layout, read_record

    layout = Layout(site)
    try:
        record = read_record(layout)
        at = record.get("year_page", {}).get("made_at") or record["made_at"]
        found = datetime.fromisoformat(at)
    except (ValueError, KeyError, TypeError, AttributeError):
        message = "chưa có lần công bố nào ở đây; hãy dùng --since NGÀY"
        raise InputError([error(message, code="no_edition", file=str(site))]) from None
    if not layout.file(INDICATORS).is_file():
        message = "thiếu bảng chỉ tiêu của lần công bố; hãy dùng --since NGÀY"
        raise InputError([error(message, code="no_edition", file=INDICATORS)])
    name = found.isoformat().replace(":", "").replace("-", "")
    later = (path for path in sorted(layout.editions.glob("*.csv")) if path.stem >= name)
    return found.astimezone(), next(later, layout.file(INDICATORS)), record


def _is_stale(record: dict[str, Any], digest: str) -> bool:
    from analysis.site.ledger import read_details

    page = record.get("year_page") or {}
    given = (page.get("inputs") or {}).get("data")
    # A ledger from before there were details holds the digest itself.
    made_from = read_details(record).get(str(given), {}).get("bytes", given)
    if made_from and not digest.startswith(made_from):
        return True
    return any(unit.get("stale") for unit in record.get("units", []))


@command.command()
@folder_option("--out", help="Nơi ghi các bảng CSV.", required=True)
@data_option
@params_option
@as_of_option
def export(out: Path, as_of: str, **where: Any) -> None:
    """Ghi số liệu ra các bảng CSV chuẩn. Như hiện nay hoặc như một ngày đã qua."""
    from analysis.store.history import export_dataset
    from analysis.tables.load import load_dataset

    folder = _folder(**where)
    dataset = load_dataset(folder, date.fromisoformat(as_of) if as_of else None)
    for path in export_dataset(dataset, out, folder):
        click.echo(f"Đã ghi {path}")


@command.command()
@folder_option("--out", help="Nơi ghi những gì còn dùng được, thành các bảng CSV.")
@data_option
@params_option
def doctor(out: Path | None, **where: Any) -> None:
    """Khám kho số liệu. Phần nào còn lành, lần nhập nào hỏng; ghi lại phần cứu được."""
    from analysis.store.log import examine

    findings, is_sound = examine(_folder(**where), out)
    click.echo("\n".join(findings))
    if not is_sound:
        raise SystemExit(FAILED)


@command.command("next-year")
@click.argument("year", type=int, metavar="NĂM")
@option("--by", "TÊN", "Người nhập, ghi vào kho.", default="")
@dataset_options
def next_year(year: int, by: str, **where: Any) -> None:
    """Mở năm mới từ danh sách năm cũ. Bỏ đơn vị đã kết thúc, nêu mọi thay đổi; không ghi đè gì."""
    from functools import partial

    from analysis.intake import read_delivery
    from analysis.store.office_year import begin_year, format_next_year
    from analysis.store.take_in import Occasion, format_recap, take_in
    from analysis.tables.load import load_dataset

    folder, plan, _ = _settings(year, **where)
    dataset = load_dataset(folder)
    begun = begin_year(dataset, year)
    file = folder / f"danh-sach-{year}.csv"
    if file.exists():
        raise InputError([error("đã có tệp này; hãy đổi tên", code="file_exists", file=file.name)])
    click.echo(format_next_year(begun, dataset, year))
    write_atomically(file, begun.rows.to_csv(index=False, lineterminator="\n"))
    read = partial(read_delivery, year=year)
    occasion = Occasion(f"congdoan next-year {year}", by=by.strip())
    recap = take_in(folder, [file], read, plan, occasion)
    click.echo(format_recap(recap))
    if not recap.is_done:
        file.unlink()
        raise SystemExit(FAILED)
    click.echo(f"\nTiếp theo: congdoan template --year {year} --out bieu-mau-{year}")


def _folder(**where: Any) -> Path:
    params, root = named_settings(date.today().year, **where)
    return root / params.data


def _settings(year: int, **where: Any) -> tuple[Path, Plan, Params]:
    from analysis.plan import load_plan

    params, root = named_settings(year, **where)
    return root / params.data, load_plan(root / params.plan), params
