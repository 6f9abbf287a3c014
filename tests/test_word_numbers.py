"""Every number in the Word report's sentences is the tables': none stands in a form that nobody checks.

Names are put in brackets first (an indicator, a unit, a section, a task), so that a number that is
part of a name is none, and so that it is known whose number it is. Then each known piece of a
sentence is held against the tables and taken away; where a digit is left, the test fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cache, cached_property
from typing import Any

import pandas as pd
import pytest
from test_reports_kit import NUMBER, digits_of, read_number
from test_word import opened

import analysis
from analysis.handouts.word import write_unit, write_year
from analysis.study import Study
from analysis.tables.peoples_text import to_blocks

YEAR = 2024
SCALES = {"": 1, " triệu": 10**6, " tỷ": 10**9}
DECIDED = ("met", "not_met")
VERDICTS = {
    "Đạt": "met",
    "Chưa đạt": "not_met",
    "Chưa kết luận": "undetermined",
    "Chưa đủ số liệu để kết luận": "undetermined",
    "Chưa đến hạn": "not_due",
    "Chưa đến hạn xét": "not_due",
}
Checked = dict[str, Any]


@dataclass(frozen=True)
class Paper:
    """A document and the tables that it tells of."""

    study: Study
    unit: str

    @cached_property
    def whose(self) -> tuple[str, str]:
        return ("unit", self.unit) if self.unit else ("district", self.study.plan.issuer.id)

    def rows(self, year: int = YEAR) -> Mapping[str, Any]:
        return self.study.rows(*self.whose, year)

    def wholes(self, section: str = "", year: int = YEAR) -> dict[str, Any]:
        plan, rows = self.study.plan, self.rows(year)
        inside = [i for i in plan.indicators if section in ("", i.part_of_plan) and i.id in rows]
        return {i.id: rows[i.id] for i in inside}

    def count(self, *verdicts: str, section: str = "", year: int = YEAR) -> int:
        return sum(row.verdict in verdicts for row in self.wholes(section, year).values())

    @cached_property
    def both(self) -> list[tuple[str, str]]:
        """Last year's verdict and this year's, where both were decided."""
        before, now = self.wholes(year=YEAR - 1), self.wholes()
        pairs = [(before[key].verdict, now[key].verdict) for key in now if key in before]
        return [pair for pair in pairs if set(pair) <= set(DECIDED)]

    @cached_property
    def names(self) -> dict[str, str]:
        """What is a name, and what stands for it."""
        plan, study = self.study.plan, self.study
        found = {text: "⟦⟧" for text in (plan.title, plan.short, plan.issuer.name, "Nghị quyết 02")}
        for task in plan.tasks:
            found |= dict.fromkeys((task.text, task.text.removesuffix("."), task.short), "⟦⟧")
            found[f"(Mục {task.section}"] = found[f"({task.section})"] = "(⟦⟧"
            found[f"việc quá hạn: {task.short}"] = f"việc quá hạn: ⟦t:{task.id}⟧"
        for year in study.dataset.years:
            register = study.register.loc[year]
            found |= {str(name): f"⟦u:{key}⟧" for key, name in register["name"].items()}
        for section in plan.sections:
            found[f"{section.id}. {section.title}"] = f"⟦s:{section.id}⟧"
        for i in plan.catalogue():
            lower = i.short[:1].lower() + i.short[1:]
            found |= dict.fromkeys((i.title, i.short, lower), f"⟦i:{i.id}⟧")
        for unit_id in ("", self.unit):
            for markdown in study.words_of(YEAR, unit_id).values():
                blocks = to_blocks(markdown)
                found |= {"".join(run.text for run in block.runs): "⟦⟧" for block in blocks}
        return {name: found[name] for name in sorted(found, key=len, reverse=True) if name}


@cache
def whole_study() -> Study:
    """What the office knows, whichever edition is read."""
    return analysis.load(YEAR)


def lacks(row: Any) -> int:
    return abs(int(row.slack))


def target(paper: Paper, row: Any) -> Any:
    found = paper.study.plan.indicator(row.indicator).target_in(YEAR)
    assert found is not None
    return found


def unit_row(paper: Paper, unit: str, indicator: str) -> Any:
    return paper.study.rows("unit", unit, YEAR)[indicator]


def decided(paper: Paper, unit: str) -> list[Any]:
    rows = paper.study.rows("unit", unit, YEAR)
    wholes = [rows[i.id] for i in paper.study.plan.indicators if i.id in rows]
    return [row for row in wholes if row.verdict in DECIDED]


def since(paper: Paper, row: Any) -> int:
    years = [y for y in paper.study.dataset.years if y <= YEAR]
    held = [y for y in years if (r := paper.rows(y).get(row.indicator)) and r.numerator == 1]
    return min(held)


def members(column: str, year: int) -> int:
    """How many the units have that told it: the office's own sum, in either edition."""
    return int(whole_study().expected_units(year)[column].dropna().sum())


def happened(paper: Paper, event: str) -> int:
    lineage = paper.study.dataset.tables["lineage"]
    days = pd.to_datetime(lineage["date"])
    return int(((days.dt.year == YEAR) & (lineage["event"] == event)).sum())


def days_late(paper: Paper, day: str) -> int:
    due = date(*(int(part) for part in reversed(day.split("/"))))
    return (paper.study.plan.cut_off_in(YEAR) - due).days


def overdue(paper: Paper, task: str) -> int:
    held = (duty for duties in paper.study.duties(YEAR).values() for duty in duties)
    return sum(duty.task.id == task and duty.state == "overdue" for duty in held)


def in_band(low: str, high: str, scale: str, exact: Any) -> bool:
    """Whether what the office knows lies where the edition to share says that it does."""
    factor = SCALES[f" {scale}"]
    return read_number(low) * factor <= int(exact) <= read_number(high) * factor


N = NUMBER
DAY = r"\d\d/\d\d/\d{4}"
Pieces = dict[str, Callable[[Paper, Any, re.Match[str]], Checked]]
#: A piece of a sentence about one indicator, and what its groups have to be by the indicator's row.
OF_ONE: Pieces = {
    rf"đạt (?P<v>{N}%) \((?P<n>{N})/(?P<d>{N})(?P<scale> tỷ| triệu|) ": lambda p, r, m: {
        "v": r.value,
        "n": (r.numerator, m["scale"]),
        "d": (r.denominator, m["scale"]),
    },
    rf"đạt (?P<v>{N}%) \((?P<a>{N})–(?P<b>{N}) (?P<x>triệu|tỷ) trên (?P<c>{N})–(?P<e>{N}) (?P<y>triệu|tỷ)": (
        lambda p, r, m: {
            "v": r.value,
            "": in_band(m["a"], m["b"], m["x"], office(p, r).numerator)
            and in_band(m["c"], m["e"], m["y"], office(p, r).denominator),
        }
    ),
    rf"tính trên (?P<a>{N})/(?P<b>{N}) ": lambda p, r, m: {
        "a": r.reported,
        "b": r.reported + r.missing,
    },
    rf"bình quân (?P<v>{N}) [^(]*\((?P<n>{N}) [^)]* của (?P<d>{N}) CĐCS": lambda p, r, m: {
        "v": r.value,
        "n": r.numerator,
        "d": r.denominator,
    },
    rf"(?<=: )(?P<v>{N}) (?=[^/;]*(?:[;.,]|$))": lambda p, r, m: {"v": r.value},
    rf"vượt mức (?:chung toàn huyện )?(?P<bar>{N}%) là (?P<over>{N}) điểm phần trăm": (
        lambda p, r, m: {
            "bar": target(p, r).minimum,
            "over": (Fraction(r.value) - target(p, r).minimum) * 100,
        }
    ),
    rf"(?:tăng|giảm) (?P<moved>{N}) điểm phần trăm so với năm ¯": lambda p, r, m: {
        "moved": shown_change(p, r, 100)
    },
    rf"(?:tăng|giảm) (?P<moved>{N}) so với năm ¯": lambda p, r, m: {"moved": shown_change(p, r, 1)},
    r"(?:lên|xuống) (?P<steps>\d) bậc so với năm ¯": lambda p, r, m: {
        "steps": abs(r.value - p.rows(YEAR - 1)[r.indicator].value)
    },
    r"từ năm (?P<year>\d{4})": lambda p, r, m: {"": int(m["year"]) == since(p, r)},
    r"cuối năm (?P<year>\d{4})": lambda p, r, m: {"": int(m["year"]) == target(p, r).by_end_of},
    rf"từ (?P<a>{N}%) đến (?P<b>{N}%)": lambda p, r, m: {"a": r.lower, "b": r.upper},
    rf"từ (?P<a>{N}) đến (?P<b>{N}) ": lambda p, r, m: dict(
        zip("ab", target(p, r).between, strict=True)
    ),
    rf"ít nhất (?P<a>{N}) trong (?P<b>{N}) ": lambda p, r, m: {"a": r.needed, "b": r.unknown},
    rf"(?:chỉ tiêu|mức chung toàn huyện|mức đặt ra là|chỉ tiêu là)(?: trên| từ)? (?P<bar>{N}%?)(?= |;|,|\.)": (
        lambda p, r, m: {"bar": target(p, r).minimum}
    ),
    rf"vì (?P<n>{N}) (?:CĐCS|tổ chức|doanh nghiệp)[^:;,]* còn thiếu số liệu": lambda p, r, m: {
        "n": r.missing
    },
    rf"bằng (?P<share>{N}%) của toàn địa bàn": lambda p, r, m: {
        "share": Fraction(
            int(r.numerator),
            int(p.study.rows("district", p.study.plan.issuer.id, YEAR)[r.indicator].numerator),
        )
    },
    rf"được sử dụng (?P<a>{N}) đồng, ⟦i:dues_collected.fund_collected⟧ (?P<b>{N}) đồng": (
        lambda p, r, m: {
            "a": p.study.cells(p.unit, YEAR)["fund_allocated"],
            "b": p.study.cells(p.unit, YEAR)["fund_collected"],
        }
    ),
    rf"⟦u:(?P<unit>[^⟧]*)⟧ \((?P<n>{N})\)": lambda p, r, m: {
        "n": lacks(unit_row(p, m["unit"], r.indicator))
    },
    rf"(?<=: )thiếu (?P<n>{N}) ": lambda p, r, m: {"n": lacks(r)},
    rf"còn thiếu (?P<n>{N}) ": lambda p, r, m: {"n": lacks(r)},
}
#: Of several indicators, of units, of tasks.
OF_ALL: Pieces = {
    rf"⟦i:(?P<key>[^⟧]*)⟧(?: \(|: )(?P<way>thiếu|dư) (?P<n>{N})(?P<scale> triệu|) ": (
        lambda p, r, m: {
            "n": (lacks(p.rows()[m["key"]]), m["scale"]),
            "": p.rows()[m["key"]].verdict == {"thiếu": "not_met", "dư": "met"}[m["way"]],
        }
    ),
    rf"⟦i:(?P<key>[^⟧]*)⟧ \((?P<v>{N}%), ": lambda p, r, m: {"v": p.rows()[m["key"]].value},
    rf"đạt (?P<a>{N})/(?P<b>{N}) chỉ tiêu đã kết luận được(?:, chưa đạt (?P<c>{N}))?": (
        lambda p, r, m: {"a": p.count("met"), "b": p.count(*DECIDED), "c": p.count("not_met")}
    ),
    rf"(?P<n>{N}) chỉ tiêu còn thiếu số liệu nên chưa kết luận": lambda p, r, m: {
        "n": p.count("undetermined")
    },
    rf"(?P<n>{N}) chỉ tiêu không nêu đánh giá": lambda p, r, m: {"n": p.count("hidden")},
    rf"Trong (?P<n>{N}) chỉ tiêu kết luận được ở cả hai năm, năm ° đạt (?P<a>{N}), năm ¯ đạt (?P<b>{N})": (
        lambda p, r, m: {
            "n": len(p.both),
            "a": sum(now == "met" for _, now in p.both),
            "b": sum(then == "met" for then, _ in p.both),
        }
    ),
    rf"Cũng các chỉ tiêu ấy, năm ¯ đạt (?P<a>{N})/(?P<b>{N})": lambda p, r, m: {
        "a": sum(then == "met" for then, _ in p.both),
        "b": p.count(*DECIDED),
    },
    rf"⟦s:(?P<key>[^⟧]*)⟧ \(đạt (?P<a>{N})/(?P<b>{N}) chỉ tiêu\)": lambda p, r, m: {
        "a": p.count("met", section=m["key"]),
        "b": p.count(*DECIDED, section=m["key"]),
    },
    rf"^(?P<word>{'|'.join(VERDICTS)}) (?P<n>{N}) chỉ tiêu": lambda p, r, m: {
        "n": p.count(VERDICTS[m["word"]])
    },
    # Of units.
    rf"⟦u:(?P<unit>[^⟧]*)⟧: chưa đạt (?P<a>{N})/(?P<b>{N})(?:, thiếu (?P<n>{N}) lượt người)?"
    rf"(?: và (?P<m>{N}) triệu đồng)?"
    rf"(?:(?:, chưa kể|; không nêu phần thiếu của) (?P<u>{N}) chỉ tiêu)?": lambda p, r, m: {
        "a": sum(row.verdict == "not_met" for row in decided(p, m["unit"])),
        "b": len(decided(p, m["unit"])),
        **needs(p, m["unit"]),
    },
    rf"Có (?P<a>{N})/(?P<b>{N}) CĐCS gửi báo cáo năm °(?:; (?P<c>{N}) đơn vị chưa gửi)?": (
        lambda p, r, m: {
            "a": p.study.expected_units(YEAR)["has_return"].sum(),
            "b": len(p.study.expected_units(YEAR)),
            "c": (~p.study.expected_units(YEAR)["has_return"]).sum(),
        }
    ),
    rf"có (?P<a>{N}) CĐCS phải báo cáo với (?P<b>{N}) đoàn viên(?:, trong đó (?P<c>{N}) nữ)?"
    rf"(?: \(chưa kể (?P<d>{N}) CĐCS chưa có số liệu\))?": (
        lambda p, r, m: {
            "a": len(p.study.expected_units(YEAR)),
            "b": members("members_total", YEAR),
            "c": members("members_female", YEAR),
            "d": whole_study().expected_units(YEAR)["members_total"].isna().sum(),
        }
    ),
    rf"Năm ¯: (?P<a>{N}) CĐCS, (?P<b>{N}) đoàn viên": lambda p, r, m: {
        "a": len(p.study.expected_units(YEAR - 1)),
        "b": members("members_total", YEAR - 1),
    },
    rf"thành lập (?P<n>{N}) CĐCS": lambda p, r, m: {"n": happened(p, "founded")},
    rf"sáp nhập (?P<n>{N}) CĐCS": lambda p, r, m: {"n": happened(p, "merged")},
    rf"^- (?P<what>CNVCLĐ|Đoàn viên): (?P<n>{N})\.": lambda p, r, m: {
        "n": p.study.register.loc[(YEAR, p.unit)][
            {"CNVCLĐ": "workers_total", "Đoàn viên": "members_total"}[m["what"]]
        ]
    },
    # Of tasks.
    rf"Đã hoàn thành hoặc có kết quả (?P<a>{N})/(?P<b>{N}) nhiệm vụ": lambda p, r, m: {
        "a": sum(duty.group == "done" for duty in p.study.duties(YEAR)[p.unit]),
        "b": len(p.study.duties(YEAR)[p.unit]),
    },
    rf"Hạn (?P<day>{DAY}), chậm (?P<n>{N}) ngày": lambda p, r, m: {"n": days_late(p, m["day"])},
    rf"⟦t:(?P<task>[^⟧]*)⟧ \| [^|]* \| (?P<n>{N}) nơi": lambda p, r, m: {
        "n": overdue(p, m["task"])
    },
    rf"Thu đủ số liệu .* \| (?P<n>{N}) chỉ tiêu": lambda p, r, m: {"n": p.count("undetermined")},
    rf"chưa gửi báo cáo .* \| (?P<n>{N}) CĐCS": lambda p, r, m: {
        "n": (~p.study.expected_units(YEAR)["has_return"]).sum()
    },
    rf"còn (?P<a>{N}) doanh nghiệp thuộc diện .* với (?P<b>{N}) lao động; chưa kể (?P<c>{N}) nơi": (
        lambda p, r, m: dict(zip("abc", without_union(p), strict=True))
    ),
    # The day of the figures, and the days of tasks in this year and the next.
    rf"(?P<day>{DAY})": lambda p, r, m: {"": is_known_day(p, m["day"])},
}
#: Of the plan, of people, of how figures come about: told the same whatever the tables say.
SAID = r"^(Số liệu chốt ngày|Đây là bản chia sẻ|Bộ số liệu|- Điền phiếu)|^\d\. ⟦⟧$"


def office(paper: Paper, row: Any) -> Any:
    return whole_study().rows(row.scope, row.scope_id, YEAR)[row.indicator]


def shown_change(paper: Paper, row: Any, scale: int) -> tuple[Fraction, str]:
    """By how much it moved; two figures as they are shown, so that the last digit may be another."""
    before = paper.rows(YEAR - 1)[row.indicator]
    return abs(Fraction(row.value) - Fraction(before.value)) * scale, "shown"


def needs(paper: Paper, unit: str) -> Checked:
    """What a unit lacks in all: persons, money, and how many of its rates do not tell it."""
    plan = paper.study.plan
    missed = [row for row in decided(paper, unit) if row.verdict == "not_met"]
    rates = [row for row in missed if not plan.indicator(row.indicator).holds]
    told = [row for row in rates if not pd.isna(row.slack)]
    money = [row for row in told if plan.indicator(row.indicator).is_money]
    return {
        "n": sum(lacks(row) for row in told if row not in money),
        "m": (sum(map(lacks, money)), " triệu"),
        "u": len(rates) - len(told),
    }


def without_union(paper: Paper) -> tuple[int, int, int]:
    """Firms that should have a union and have none, their workers, and those of unknown size."""
    row = paper.rows()["employers_20_unionised"]
    firms = paper.study.dataset.tables["employers"]
    firms = firms[(firms["year"] == YEAR) & firms["unit_id"].isna()]
    types = paper.study.plan.types_in(paper.study.plan.indicator(row.indicator).population)
    large = firms[(firms["workers_total"] >= 20) & firms["employer_type"].isin(types)]
    assert len(large) == row.denominator - row.numerator
    return len(large), int(large["workers_total"].sum()), int(row.missing)


def is_known_day(paper: Paper, day: str) -> bool:
    plan = paper.study.plan
    days = {plan.cut_off_in(YEAR)}
    for task in plan.tasks:
        days |= {found for year in (YEAR, YEAR + 1) if (found := task.due_in(year, plan.cut_off))}
    return day in {f"{one:%d/%m/%Y}" for one in days}


def agrees(text: str, exact: Any) -> bool:
    """Whether a shown number is the exact one, rounded to its digits and its scale."""
    exact, word = exact if isinstance(exact, tuple) else (exact, "")
    step = Fraction(SCALES.get(word, 1), 10 ** digits_of(text)) / (100 if text[-1] == "%" else 1)
    share = 1 if word == "shown" else Fraction(1, 2)
    off = abs(read_number(text) * SCALES.get(word, 1) - Fraction(exact))
    return bool(off <= step * share + Fraction(1, 10**9))


def spoken(paper: Paper, file: bytes) -> Iterator[str]:
    """Every paragraph of the four parts, and each decision as one line."""
    document = opened(file)
    for paragraph in document.paragraphs:
        if paragraph.style.name in ("BC Nội dung", "Heading 3"):
            yield paragraph.text
    for table in document.tables:
        rows = [[cell.text for cell in row.cells] for row in table.rows]
        if "Con số" in rows[0]:
            yield from (" | ".join(row[1:]) for row in rows[1:])


def named(paper: Paper, text: str) -> str:
    text = re.sub(r"“[^”]*”\.?$", "⟦⟧", text) if "Đơn vị nêu" in text else text
    for name, mark in paper.names.items():
        text = text.replace(name, mark)
    return re.sub(r"(?<=ăm )2024\b", "°", re.sub(r"(?<=ăm )2023\b", "¯", text))


@pytest.fixture(scope="module", params=["internal", "share"])
def study(request: pytest.FixtureRequest) -> Study:
    return analysis.load(YEAR, edition=request.param)


@pytest.mark.parametrize("unit", ["", "DN-NUICAM", "DN-GIOLONG", "MN-TANLONG"])
def test_every_number_of_every_sentence_is_the_tables(study: Study, unit: str) -> None:
    paper = Paper(study, unit)
    checked = 0
    for text in spoken(paper, write_unit(study, unit) if unit else write_year(study)):
        left = named(paper, text)
        if re.search(SAID, left):
            continue
        about = re.match(r"- ⟦i:([^⟧]*)⟧: ", left)
        row = paper.rows().get(about[1]) if about else None
        for piece, expected in ((OF_ONE if row else {}) | OF_ALL).items():
            for match in re.finditer(piece, left):
                right = expected(paper, row, match)
                assert right.pop("", True), (text, match[0])
                for name, exact in right.items():
                    if match[name] is not None:
                        assert agrees(match[name], exact), (text, match[0], name, exact)
                        checked += 1
            left = re.sub(piece, "", left)
        assert not re.search(r"\d", re.sub(r"⟦[^⟧]*⟧", "", left)), (text, left)
    assert checked > (8 if unit else 200)
