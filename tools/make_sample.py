"""Make the illustrative sample data set: the grassroots unions of one mountain district, 2022-2025.

Invented figures about a real place: communes are real, and public offices and schools are named
after them; companies are invented, and nobody is named.
Same code, same bytes: every draw has a seed of its own, so a change to one unit leaves the others
as they were.

    python tools/make_sample.py [--out DIR]
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from pathlib import Path
from random import Random
from typing import Any

import yaml

SEED = "mau-2022"
YEARS = (2022, 2023, 2024, 2025)
CUT_OFF = (11, 30)
STATE_PAID_END = date(2025, 6, 15)
DISTRICT_END = date(2025, 6, 30)
HANDED_OVER = date(2025, 7, 1)
DEFAULT_OUT = Path(__file__).resolve().parents[1] / "data" / "sample"
DATASET_YAML = """\
name: Dữ liệu minh họa - công đoàn cơ sở huyện Hướng Hóa, 2022-2025
illustrative: true
parents:
  CDX-KHESANH: Công đoàn xã Khe Sanh
  CDX-LAOBAO: Công đoàn xã Lao Bảo
"""

#: What people wrote, by its place below the folder; without numbers, which the tables have.
TEXTS = {
    "loi-van/2024.md": """\
# Đặc điểm tình hình

Lời văn minh họa. Năm 2024, sản xuất, kinh doanh của các doanh nghiệp trên địa bàn **phục hồi chậm**;
khối trường học ổn định, hai trường ở Tân Thành sáp nhập trong hè.

# Nguyên nhân

- Một số doanh nghiệp thiếu đơn hàng nên chậm đóng kinh phí công đoàn.
- Cán bộ công đoàn cơ sở ngoài khu vực nhà nước thay đổi nhiều, người mới *chưa được tập huấn*.

# Bài học kinh nghiệm

Nơi nào ban chấp hành bàn trước với người sử dụng lao động thì nơi đó đối thoại và thỏa ước có kết quả.

# Kiến nghị, đề xuất

1. Đề nghị cấp trên hỗ trợ tài liệu tập huấn ngắn cho cán bộ công đoàn doanh nghiệp nhỏ.
2. Đề nghị cơ quan bảo hiểm xã hội cung cấp sớm danh sách đơn vị chưa đóng kinh phí.
""",
    "loi-van/2024/DN-NUICAM.md": """\
# Nguyên nhân

Lời văn minh họa. Công ty thiếu đơn hàng từ đầu năm, nhiều tổ nghỉ luân phiên; ban chấp hành
**khuyết chủ tịch** nên các cuộc họp không triệu tập được.

# Kiến nghị, đề xuất

- Đề nghị công đoàn cấp trên cử cán bộ giúp bầu bổ sung.
""",
}

Cell = str | int | bool | date | None
Row = dict[str, Cell]

HEADERS = {
    "roster": (
        "year unit_id name unit_type commune parent founded_on dissolved_on "
        "workers_total workers_female members_total members_female"
    ),
    "returns": (
        "year unit_id informed resolution_informed plan_made plan_disseminated conference_held "
        "dialogue_held hardship_members hardship_supported culture_members welfare_members "
        "agreement_in_force culture_held party_introduced party_admitted new_members grade "
        "cadres_total cadres_trained womens_committee emulation_launched emulation_agreement "
        "coordination_rules reward_scheme fund_due fund_collected fund_allocated dues_due "
        "dues_collected finance_disclosed note"
    ),
    "employers": (
        "year employer_id name employer_type commune workers_total unit_id workers_gathered"
    ),
    "district": (
        "year dissolved_on plan_made plan_disseminated inspections law_classes district_grade "
        "cadres_total cadres_trained emulation_launched finance_disclosed fund_due fund_collected "
        "dues_due dues_collected rewards_collectives rewards_individuals rewards_proposed "
        "coordination_government coordination_tax coordination_social_insurance "
        "coordination_labour note"
    ),
    "lineage": "date event predecessor_id successor_id share note",
    "tasks": "year task_id holder_id state done_on count note",
    "evidence": "year task_id holder_id number doc_no doc_date title issued_by file",
}

# --- Places ----------------------------------------------------------------------------------
# id part: name, and the commune union (by its id part) that took the place over in 2025. With about
# a thousand members the district had enough for two of its own, by the federation's rule of thumb.
COMMUNES = {
    "KHESANH": ("Khe Sanh", "KHESANH"),
    "LAOBAO": ("Lao Bảo", "LAOBAO"),
    "TANHOP": ("Tân Hợp", "KHESANH"),
    "TANLIEN": ("Tân Liên", "KHESANH"),
    "TANLAP": ("Tân Lập", "KHESANH"),
    "TANLONG": ("Tân Long", "LAOBAO"),
    "TANTHANH": ("Tân Thành", "LAOBAO"),
    "THUAN": ("Thuận", "LAOBAO"),
    "XY": ("Xy", "LAOBAO"),
    "THANH": ("Thanh", "LAOBAO"),
    "LIA": ("Lìa", "LAOBAO"),
    "HUONGLOC": ("Hướng Lộc", "KHESANH"),
    "BATANG": ("Ba Tầng", "LAOBAO"),
    "ADOI": ("A Dơi", "LAOBAO"),
    "HUONGTAN": ("Hướng Tân", "KHESANH"),
    "HUC": ("Húc", "KHESANH"),
    "HUONGLINH": ("Hướng Linh", "KHESANH"),
    "HUONGSON": ("Hướng Sơn", "KHESANH"),
    "HUONGPHUNG": ("Hướng Phùng", "KHESANH"),
    "HUONGLAP": ("Hướng Lập", "KHESANH"),
    "HUONGVIET": ("Hướng Việt", "KHESANH"),
}
TOWNS = ("KHESANH", "LAOBAO")

# --- Units -----------------------------------------------------------------------------------
# id, name, commune, headcount, % women
DISTRICT_OFFICES = (
    ("HU-HUYEN", "Huyện ủy", "KHESANH", 34, 38),
    ("UB-HUYEN", "UBND huyện", "KHESANH", 62, 37),
    ("PGD-HUYEN", "Phòng Giáo dục và Đào tạo", "KHESANH", 12, 42),
    ("MT-HUYEN", "Mặt trận và các đoàn thể huyện", "KHESANH", 22, 50),
    ("TA-HUYEN", "Tòa án nhân dân huyện", "KHESANH", 12, 42),
    ("VKS-HUYEN", "Viện kiểm sát nhân dân huyện", "KHESANH", 11, 36),
    ("BHXH-HUYEN", "Bảo hiểm xã hội huyện", "KHESANH", 14, 57),
)
# id prefix: name, smallest and largest headcount, % women, communes
SCHOOLS = {
    "MN": ("Trường Mầm non", 18, 36, 98, " ".join(COMMUNES)),
    "TH": (
        "Trường Tiểu học",
        22,
        40,
        72,
        "TANHOP TANLIEN TANLAP TANLONG TANTHANH THUAN THANH HUC HUONGPHUNG",
    ),
    "THCS": (
        "Trường THCS",
        24,
        38,
        56,
        "KHESANH LAOBAO TANLONG TANTHANH THUAN HUONGPHUNG",
    ),
    "THTHCS": (
        "Trường TH & THCS",
        36,
        52,
        60,
        "XY LIA HUONGLOC BATANG ADOI HUONGTAN HUONGLINH HUONGSON HUONGLAP HUONGVIET",
    ),
}
# id, name, commune, headcount, % women
OTHER_PUBLIC_SERVICES = (
    ("TH-KHESANH1", "Trường Tiểu học số 1 Khe Sanh", "KHESANH", 42, 76),
    ("TH-KHESANH2", "Trường Tiểu học số 2 Khe Sanh", "KHESANH", 33, 76),
    ("TH-LAOBAO1", "Trường Tiểu học số 1 Lao Bảo", "LAOBAO", 38, 74),
    ("TH-LAOBAO2", "Trường Tiểu học số 2 Lao Bảo", "LAOBAO", 29, 72),
    ("DTNT-HUONGHOA", "Trường PTDTNT Hướng Hóa", "KHESANH", 36, 58),
    ("YT-HUYEN", "Trung tâm Y tế huyện", "KHESANH", 116, 62),
    ("YT-HUONGPHUNG", "Phòng khám Đa khoa khu vực Hướng Phùng", "HUONGPHUNG", 14, 57),
    ("YT-LIA", "Phòng khám Đa khoa khu vực Lìa", "LIA", 12, 58),
    ("GDTX-HUYEN", "Trung tâm GDNN - GDTX huyện", "KHESANH", 22, 45),
    ("BQLDA-HUYEN", "Ban Quản lý dự án đầu tư xây dựng huyện", "KHESANH", 18, 28),
    ("MTDT-HUYEN", "Trung tâm Môi trường và Công trình đô thị", "KHESANH", 38, 42),
    ("BQLRUNG", "Ban Quản lý rừng phòng hộ", "TANLIEN", 30, 13),
)
# Public services that live on their own income: their unions outlive the reorganisation of 2025.
SELF_FINANCED = ("YT-HUYEN", "GDTX-HUYEN", "BQLDA-HUYEN", "MTDT-HUYEN", "BQLRUNG")

MERGED_ON = date(2024, 8, 15)
MERGED_FROM = ("TH-TANTHANH", "THCS-TANTHANH")
MERGED_INTO = "THTHCS-TANTHANH"

# id, name, type, commune, workers, members (in 2022), % women, agreement in force since (0: none)
EMPLOYER_UNITS = (
    ("DN-DABAN", "Công ty TNHH MTV Nông sản Đá Bàn", "private", "TANLONG", 36, 30, 45, 2022),
    ("DN-DOIGIO", "Công ty CP Cà phê Đồi Gió", "private", "HUONGPHUNG", 64, 58, 40, 2022),
    ("DN-RLAN", "Công ty TNHH Cà phê & Nông sản R'Lan", "private", "HUONGPHUNG", 21, 17, 40, 2022),
    ("DN-MAYLEN", "Công ty TNHH Vận tải Mây Lèn", "private", "LAOBAO", 29, 25, 15, 2022),
    ("DN-SUOINGAN", "Công ty TNHH Xây dựng Suối Ngàn", "private", "KHESANH", 48, 40, 18, 2022),
    ("DN-CUAGIO", "Công ty TNHH Thương mại Cửa Gió", "private", "LAOBAO", 26, 20, 55, 2023),
    ("DN-DEOSUONG", "DNTN Gỗ Đèo Sương", "private", "TANLIEN", 9, 7, 20, 0),
    ("DN-THACLUA", "Công ty TNHH Du lịch Thác Lụa", "private", "KHESANH", 8, 6, 60, 0),
    ("DN-NUAXANH", "DNTN Mây tre Nứa Xanh", "private", "TANHOP", 6, 5, 60, 0),
    ("DN-DONGSIM", "Công ty TNHH Chuối Đồng Sim", "private", "TANLONG", 42, 34, 50, 2022),
    ("DN-LENTRANG", "Công ty CP Vật liệu Lèn Trắng", "private", "HUONGLINH", 55, 47, 16, 2022),
    ("DN-KHEMO", "Công ty TNHH Tinh bột Khe Mơ", "private", "THUAN", 17, 14, 35, 2024),
    ("DN-NUICAM", "Công ty TNHH Gạch Núi Cấm", "private", "TANLAP", 33, 27, 42, 0),
    ("DN-BAMAY", "Công ty TNHH Xăng dầu Ngã Ba Mây", "private", "TANTHANH", 18, 15, 40, 2022),
    ("DN-COLAU", "Công ty TNHH May mặc Cỏ Lau", "private", "TANLIEN", 52, 46, 85, 2022),
    ("DN-GIOLONG", "Công ty CP Năng lượng Gió Lộng", "private", "HUONGTAN", 25, 21, 16, 2022),
    ("DN-HOSEN", "Công ty TNHH Chăn nuôi Hồ Sen", "private", "BATANG", 11, 9, 36, 0),
    ("DN-MAYCHIEU", "Công ty TNHH Khách sạn Mây Chiều", "private", "LAOBAO", 12, 10, 66, 2024),
    ("DN-COINGAN", "Công ty TNHH Viên nén Cội Ngàn", "private", "TANTHANH", 24, 20, 30, 2025),
    ("DN-NANGDEO", "Công ty TNHH Hồ tiêu Nắng Đèo", "private", "HUC", 15, 13, 45, 0),
    ("FDI-MAYNGAN", "Công ty TNHH Điện gió Mây Ngàn", "fdi", "HUONGLINH", 58, 46, 14, 2022),
    ("FDI-BIENXANH", "Công ty TNHH Bao bì Biên Xanh", "fdi", "LAOBAO", 98, 84, 64, 2022),
    ("NN-RAONGAN", "Công ty TNHH MTV Lâm nghiệp Rào Ngàn", "state", "KHESANH", 54, 52, 22, 2022),
    ("NN-DEOMAY", "Xí nghiệp Cấp nước Đèo Mây", "state", "KHESANH", 38, 38, 34, 2022),
    ("HTX-SUONGDOI", "HTX Cà phê Sương Đồi", "cooperative", "HUONGPHUNG", 22, 18, 50, 2023),
    ("MNTT-NANGKHE", "Trường Mầm non tư thục Nắng Khe", "non_public", "KHESANH", 15, 14, 93, 2024),
)
EMPLOYER_TYPES = {
    "private": "private_enterprise",
    "fdi": "fdi_enterprise",
    "state": "state_enterprise",
    "cooperative": "cooperative",
    "non_public": "non_public_service",
}
FOUNDED = {
    "DN-MAYCHIEU": date(2022, 12, 12),
    "DN-COINGAN": date(2024, 3, 15),
    MERGED_INTO: MERGED_ON,
    "DN-NANGDEO": date(2025, 8, 20),
}
CLOSED = {"DN-HOSEN": date(2023, 9, 30)} | dict.fromkeys(MERGED_FROM, MERGED_ON)

# --- Stories: what is told on purpose, over what is drawn ---------------------------------------
# (unit, year): workers, members
HEADCOUNTS = {
    ("TH-HUC", 2023): (30, 30),
    ("DN-DABAN", 2024): (37, 31),
    ("DN-RLAN", 2023): (20, 17),
    ("DN-MAYLEN", 2024): (30, 26),
    ("DN-DOIGIO", 2023): (65, 59),
    ("DN-DOIGIO", 2024): (66, 60),
    ("DN-NUICAM", 2024): (32, 26),
    ("DN-CUAGIO", 2022): (26, 20),
    ("DN-CUAGIO", 2023): (23, 16),
    ("DN-CUAGIO", 2024): (31, 27),
    ("DN-CUAGIO", 2025): (31, 27),
    ("DN-NANGDEO", 2022): (15, 0),
    ("DN-NANGDEO", 2023): (17, 0),
    ("DN-NANGDEO", 2024): (21, 0),
    ("DN-NANGDEO", 2025): (23, 19),
    ("ND-BOCXEP", 2022): (26, 31),
    ("ND-BOCXEP", 2023): (25, 31),
    ("ND-BOCXEP", 2024): (27, 33),
    ("ND-BOCXEP", 2025): (27, 32),
}
# (unit, year): roster cells that nobody filled in
UNKNOWN = {
    ("DN-KHEMO", 2022): ("workers_total", "workers_female"),
    ("DN-LENTRANG", 2024): ("workers_total", "workers_female"),
    ("DN-DONGSIM", 2022): ("members_female",),
    ("XA-BATANG", 2023): ("workers_female", "members_female"),
    ("THTHCS-HUONGLINH", 2024): ("members_total", "members_female"),
    ("DN-NUAXANH", 2025): ("workers_female",),
}
NO_RETURN = {
    2022: ("DN-DEOSUONG", "XA-HUONGLAP", "MN-BATANG", "MN-XY", "THCS-THUAN"),
    2023: ("DN-NUAXANH", "XA-XY", "MN-HUONGVIET", "THTHCS-HUONGSON"),
    2024: ("DN-GIOLONG", "XA-ADOI", "MN-HUC", "TH-THANH", "YT-LIA", "THTHCS-BATANG"),
    2025: ("DN-BAMAY", "DN-THACLUA", "BQLRUNG", "ND-BOCXEP"),
}
LATE_RETURN = {
    2022: ("XA-BATANG", "MN-HUONGLAP", "DN-SUOINGAN"),
    2023: ("XA-HUONGLINH", "THCS-LAOBAO", "DN-THACLUA", "FDI-MAYNGAN"),
    2024: ("XA-THANH", "MN-ADOI", "DN-DEOSUONG"),
    2025: ("DN-DONGSIM", "HTX-SUONGDOI"),
}
# What a return answers with yes or no.
YES_NO = (
    "plan_made",
    "plan_disseminated",
    "conference_held",
    "dialogue_held",
    "culture_held",
    "womens_committee",
    "emulation_launched",
    "emulation_agreement",
    "coordination_rules",
    "reward_scheme",
    "finance_disclosed",
)
# (unit, year): cells of the return
TOLD: dict[tuple[str, int], Row] = {
    ("DN-DOIGIO", 2024): {
        **dict.fromkeys(YES_NO, True),
        "informed": 66,
        "resolution_informed": 66,
        "hardship_members": 3,
        "hardship_supported": 3,
        "culture_members": 54,
        "welfare_members": 21,
        "grade": "excellent",
        "new_members": 5,
        "party_introduced": 2,
        "party_admitted": 1,
        "cadres_total": 5,
        "cadres_trained": 5,
        "fund_due": 86_000_000,
        "fund_collected": 86_000_000,
        "fund_allocated": 64_500_000,
        "dues_due": 38_900_000,
        "dues_collected": 38_900_000,
        "note": None,
    },
    ("DN-NUICAM", 2024): {
        **dict.fromkeys(YES_NO, False),
        "informed": 17,
        "resolution_informed": 11,
        "hardship_members": 4,
        "hardship_supported": 1,
        "culture_members": 9,
        "welfare_members": 2,
        "grade": "failed",
        "new_members": 0,
        "party_introduced": 0,
        "party_admitted": 0,
        "cadres_total": 3,
        "cadres_trained": 1,
        "fund_due": 41_000_000,
        "fund_collected": 18_000_000,
        "fund_allocated": 10_800_000,
        "dues_due": 16_600_000,
        "dues_collected": 7_400_000,
        "note": "Sản xuất cầm chừng từ quý I, chủ tịch công đoàn nghỉ việc chưa bầu bổ sung.",
    },
    ("DN-NUICAM", 2023): {
        "fund_collected": 0,
        "fund_allocated": 0,
        "note": "Công ty chưa đóng kinh phí công đoàn năm 2023, đã đôn đốc hai lần.",
    },
    ("DN-DABAN", 2024): {"informed": 29},
    ("DN-RLAN", 2023): {"informed": 16},
    ("DN-MAYLEN", 2024): {"informed": 27},
    ("TH-HUC", 2023): {
        "informed": 29,
        "note": "Một viên chức đi học dài hạn, chưa được thông tin.",
    },
    ("THCS-TANLONG", 2024): {
        "conference_held": False,
        "note": "Hội nghị viên chức lùi sang tháng 12 do mưa lũ.",
    },
    ("DN-BAMAY", 2023): {
        "fund_due": 22_400_000,
        "fund_collected": 32_500_000,
        "fund_allocated": 24_375_000,
        "dues_due": 9_300_000,
        "dues_collected": 9_300_000,
        "note": "Số thu kinh phí gồm cả truy thu năm 2022.",
    },
    ("DN-DONGSIM", 2024): {
        "fund_due": 55_000_000,
        "fund_collected": 49_500_000,
        "fund_allocated": 37_125_000,
        "dues_due": 22_000_000,
        "dues_collected": 19_800_000,
    },
    ("DN-SUOINGAN", 2024): {
        "fund_due": 62_400_000,
        "fund_collected": 58_347_000,
        "fund_allocated": 43_760_000,
    },
    ("DN-COLAU", 2024): {
        "fund_due": 70_000_000,
        "fund_collected": 64_000_000,
        "fund_allocated": 48_000_000,
    },
    ("DN-LENTRANG", 2024): {"note": "Đang đối chiếu lao động thời vụ, sẽ bổ sung tổng số."},
    ("DN-CUAGIO", 2024): {
        "note": "Mở thêm kho hàng, vận động được nhiều lao động mới vào đoàn.",
    },
}
# Private firms with ten women and more that have no women's committee.
NO_WOMENS_COMMITTEE = ("DN-COLAU",)

# --- How things usually go -----------------------------------------------------------------------
# What the plan asks of some types only, and so their forms.
ENTERPRISES = ("state_enterprise", "private_enterprise", "fdi_enterprise")
ASKED_OF = {
    "conference_held": (*ENTERPRISES, "state_agency", "public_service"),
    "dialogue_held": ENTERPRISES,
    "womens_committee": ENTERPRISES,
}
# column: % of public units, % of the others that say yes in 2022
USUAL_YES = {
    "plan_made": (99, 86),
    "plan_disseminated": (98, 84),
    "conference_held": (100, 90),
    "dialogue_held": (91, 88),
    "culture_held": (97, 78),
    "emulation_launched": (99, 88),
    "emulation_agreement": (97, 82),
    "coordination_rules": (97, 80),
    "reward_scheme": (96, 78),
    "finance_disclosed": (97, 84),
}
GRADES = ("excellent", "good", "completed")
GRADE_ODDS = {True: (13, 78, 9), False: (6, 64, 30)}  # public, others
PARTY_ODDS = {True: (28, 36, 26, 10), False: (60, 28, 12, 0)}  # 0, 1, 2, 3 people
JOINING = {2022: 1.2, 2023: 0.66, 2024: 1.05, 2025: 1.35}  # admissions, against a usual year
COLLECTED = {2022: (84, 98), 2023: (88, 101), 2024: (90, 101), 2025: (88, 101)}  # % of dues
PAY = {  # đồng a month: public, others
    2022: (6_100_000, 4_700_000),
    2023: (6_700_000, 4_900_000),
    2024: (7_800_000, 5_200_000),
    2025: (8_700_000, 5_500_000),
}
EMPTY_CELL = 0.025
SHORT_SHARE = 0.08  # units that are allocated 70% of their fund
NOTES = (
    "Đã rà soát lại số đoàn viên theo danh sách đóng đoàn phí.",
    "Số liệu phúc lợi tính theo thẻ đoàn viên, có thể còn sót.",
    "Hội nghị tổ chức ghép với tổng kết năm.",
    'Có phát động đợt thi đua "Xanh, sạch, đẹp".',
    "Chưa mở được lớp tập huấn riêng, gửi cán bộ học chung ở huyện.",
    "Một số đoàn viên công tác ở điểm lẻ, thông tin qua nhóm Zalo.",
)

# --- Employers without a union: name, kind, commune, workers in 2022 -----------------------------
UNORGANISED = (
    ("Công ty TNHH Kho bãi Cổng Mây", "private", "LAOBAO", 23),
    ("HTX Nông nghiệp Lúa Rẫy", "cooperative", "TANLAP", 21),
    ("Công ty TNHH Vận tải Dốc Sỏi", "private", "LAOBAO", 16),
    ("Công ty TNHH Xây lắp Bãi Ngà", "private", "KHESANH", 17),
    ("Công ty CP Dược liệu Lá Ngàn", "private", "HUONGSON", 12),
    ("Công ty TNHH Thương mại Chợ Mây", "private", "LAOBAO", 9),
    ("Công ty TNHH Cà phê Hạt Sương", "private", "HUONGPHUNG", 14),
    ("DNTN Vàng bạc Suối Bạc", "private", "KHESANH", 3),
    ("Công ty TNHH Xây dựng Đá Dựng", "private", "TANHOP", 15),
    ("Công ty TNHH Gỗ Cội Tràm", "private", "TANLIEN", 11),
    ("DNTN Khách sạn Đèo Nắng", "private", "LAOBAO", 8),
    ("Công ty TNHH Nông sản Rẫy Xanh", "private", "THUAN", 13),
    ("Công ty TNHH Thiết bị Đồng Vọng", "private", "KHESANH", 5),
    ("Công ty TNHH In Bút Tre", "private", "KHESANH", 4),
    ("DNTN Cơ khí Lò Đỏ", "private", "TANLIEN", 6),
    ("Công ty TNHH Nước đá Suối Lạnh", "private", "LAOBAO", 7),
    ("Công ty TNHH Chuối Bờ Sậy", "private", "TANLONG", 18),
    ("Công ty TNHH Thủy điện Rào Con", "private", "HUONGLAP", 10),
    ("Công ty TNHH Giống cây Vườn Mơ", "private", "TANLAP", 6),
    ("DNTN Tạp hóa Ba Khe", "private", "THANH", 3),
    ("Công ty TNHH Phân bón Đất Nâu", "private", "TANTHANH", 9),
    ("Công ty TNHH Du lịch Lau Trắng", "private", "HUONGPHUNG", 5),
    ("Công ty TNHH Điện máy Tia Sáng Mây", "private", "KHESANH", 7),
    ("DNTN Vật liệu Cát Suối", "private", "HUONGTAN", 8),
    ("Công ty TNHH Tư vấn Thước Xanh", "private", "KHESANH", 6),
    ("Công ty TNHH Hàng hóa Bến Sương", "private", "LAOBAO", 12),
    ("Công ty TNHH Ô tô Dốc Miếu Nhỏ", "private", "LAOBAO", 10),
    ("Công ty TNHH Mây tre Sợi Nắng", "private", "HUC", 7),
    ("DNTN Nhà thuốc Lá Sen Rừng", "private", "KHESANH", 3),
    ("Công ty TNHH Bảo vệ Cửa Sơn", "private", "LAOBAO", 17),
    ("Công ty TNHH Thực phẩm Bếp Đồi", "private", "KHESANH", 9),
    ("Công ty TNHH Cao su Rú Xanh", "private", "LIA", 16),
    ("Công ty TNHH Sắn Nà Đồi", "private", "XY", 8),
    ("Công ty TNHH Tiêu Giàn Xanh", "private", "HUONGLOC", 6),
    ("Công ty TNHH Môi giới Ngõ Nắng", "private", "KHESANH", None),
    ("Công ty TNHH Vận chuyển Ngựa Mây", "private", "TANTHANH", 11),
    ("Công ty TNHH Khai thác Sỏi Trắng", "private", "HUONGVIET", 9),
    ("DNTN Sửa chữa Bánh Răng", "private", "TANLONG", 4),
    ("Công ty TNHH Mật ong Hoa Sim Tím", "private", "HUONGSON", 5),
    ("Công ty TNHH Chanh leo Giàn Mây", "private", "HUONGPHUNG", 13),
    ("HTX Dệt thổ cẩm Sợi Ngàn", "cooperative", "ADOI", 14),
    ("HTX Chuối Bản Sậy", "cooperative", "TANLONG", 12),
    ("HTX Dược liệu Bản Mây", "cooperative", "HUONGLINH", 10),
    ("HTX Vận tải Ba Dốc", "cooperative", "LAOBAO", 9),
    ("Nhóm trẻ tư thục Ong Vàng Nhỏ", "non_public", "LAOBAO", 6),
    ("Trung tâm Ngoại ngữ Cầu Mây", "non_public", "KHESANH", 7),
)
REGISTERED_FROM = {"Công ty TNHH Chanh leo Giàn Mây": 2023, "HTX Dược liệu Bản Mây": 2024}
REGISTERED_TO = {"DNTN Tạp hóa Ba Khe": 2023, "Công ty TNHH Ô tô Dốc Miếu Nhỏ": 2024}
# Firms whose headcount was not known in a year.
HEADCOUNT_UNKNOWN = {
    "Công ty TNHH Bảo vệ Cửa Sơn": (2025,),
    "Công ty TNHH Gỗ Cội Tràm": (2023,),
    "Công ty TNHH Cao su Rú Xanh": (2024, 2025),
}

# --- The district federation's own years, 2022 to 2025 --------------------------------------------
DISTRICT: dict[str, tuple[Cell, ...]] = {
    "year": YEARS,
    "dissolved_on": (None, None, None, DISTRICT_END),
    "plan_made": (True, True, True, True),
    "plan_disseminated": (True, True, True, True),
    "inspections": (3, 4, 6, 1),
    "law_classes": (2, 1, 3, 1),
    "district_grade": ("good", "excellent", "completed", None),
    "cadres_total": (4, 4, 4, 3),
    "cadres_trained": (4, 4, 3, 3),
    "emulation_launched": (True, True, True, True),
    "finance_disclosed": (True, True, True, True),
    "fund_due": (96_000_000, 102_000_000, 110_000_000, 48_000_000),
    "fund_collected": (71_500_000, 86_200_000, 93_800_000, 31_000_000),
    "dues_due": (0, 0, 0, 0),
    "dues_collected": (0, 0, 0, 0),
    "rewards_collectives": (21, 24, 22, None),
    "rewards_individuals": (68, 73, 70, None),
    "rewards_proposed": (14, 17, 15, None),
    "coordination_government": (True, True, True, True),
    "coordination_tax": (False, True, True, True),
    "coordination_social_insurance": (True, True, True, True),
    "coordination_labour": (True, True, False, None),
    "note": (
        None,
        "Lớp tuyên truyền thứ hai phải hoãn vì mưa lũ.",
        None,
        "Kết thúc hoạt động cấp huyện ngày 30/6/2025; khen thưởng chưa tổng hợp.",
    ),
}


@dataclass(frozen=True)
class Unit:
    """One grassroots union, as it stood in its first year."""

    unit_id: str
    name: str
    unit_type: str
    commune: str  # id part
    workers: int
    members: int
    women: int  # % of the staff
    agreement_since: int = 0

    @property
    def is_public(self) -> bool:
        return self.unit_type in ("state_agency", "public_service")

    @property
    def founded_on(self) -> date | None:
        """The day it was founded; for public units, before all records."""
        if self.unit_id in FOUNDED or self.is_public:
            return FOUNDED.get(self.unit_id)
        day = draw("founded", self.unit_id)
        return date(day.randint(2006, 2020), day.randint(1, 12), day.randint(1, 28))

    @property
    def dissolved_on(self) -> date | None:
        if self.unit_id in CLOSED:
            return CLOSED[self.unit_id]
        is_state_paid = self.is_public and self.unit_id not in SELF_FINANCED
        return STATE_PAID_END if is_state_paid else None

    @property
    def new_parent(self) -> str:
        """The commune union that takes the unit over in 2025."""
        return "CDX-" + COMMUNES[self.commune][1]

    def is_listed(self, year: int) -> bool:
        """Whether the unit stands in that year's roster."""
        first = self.founded_on.year if self.founded_on else YEARS[0]
        last = self.dissolved_on.year if self.dissolved_on else YEARS[-1]
        return first <= year <= last

    def is_expected(self, year: int) -> bool:
        """Whether the unit is alive on the cut-off day."""
        day = date(year, *CUT_OFF)
        is_born = self.founded_on is None or self.founded_on <= day
        return is_born and (self.dissolved_on is None or self.dissolved_on > day)

    def is_young(self, year: int) -> bool:
        """Whether it is under 12 months old on the cut-off day, and so not graded."""
        return self.founded_on is not None and self.founded_on > date(year - 1, *CUT_OFF)


def draw(*key: object) -> Random:
    """A random source of its own for each key."""
    return Random("|".join(map(str, (SEED, *key))))


def is_true(source: Random, percent: float) -> bool:
    return source.random() * 100 < percent


def thousands(amount: float) -> int:
    """An amount in đồng, rounded to 1,000."""
    return round(amount / 1000) * 1000


# --- Units -----------------------------------------------------------------------------------


def agencies() -> Iterator[Unit]:
    for place, (name, _) in COMMUNES.items():
        prefix, kind = ("TT", "thị trấn") if place in TOWNS else ("XA", "xã")
        size = draw("size", "agency", place).randint(18, 23) + 4 * (place in TOWNS)
        label = f"CĐCS cơ quan {kind} {name}"
        yield Unit(f"{prefix}-{place}", label, "state_agency", place, size, size, 30)
    for unit_id, name, place, size, women in DISTRICT_OFFICES:
        yield Unit(unit_id, f"CĐCS {name}", "state_agency", place, size, size, women)


def public_services() -> Iterator[Unit]:
    for prefix, (kind, smallest, largest, women, places) in SCHOOLS.items():
        for place in places.split():
            source = draw("size", prefix, place)
            size = source.randint(smallest, largest)
            members = size - is_true(source, 30)
            label = f"CĐCS {kind} {COMMUNES[place][0]}"
            unit_id = f"{prefix}-{place}"
            yield Unit(unit_id, label, "public_service", place, size, members, women)
    for unit_id, name, place, size, women in OTHER_PUBLIC_SERVICES:
        yield Unit(unit_id, f"CĐCS {name}", "public_service", place, size, size, women)


def employer_units() -> Iterator[Unit]:
    for unit_id, name, kind, place, workers, members, women, since in EMPLOYER_UNITS:
        label, unit_type = f"CĐCS {name}", EMPLOYER_TYPES[kind]
        yield Unit(unit_id, label, unit_type, place, workers, members, women, since)


def all_units() -> tuple[Unit, ...]:
    """Every unit that ever was, in the order in which the register lists them."""
    schools = {unit.unit_id: unit for unit in public_services()}
    merged = [schools[unit_id] for unit_id in MERGED_FROM]
    successor = Unit(
        MERGED_INTO,
        "CĐCS Trường TH & THCS Tân Thành",
        "public_service",
        "TANTHANH",
        sum(unit.workers for unit in merged) - 2,
        sum(unit.members for unit in merged) - 2,
        65,
    )
    guild = Unit("ND-BOCXEP", "Nghiệp đoàn Bốc xếp Lao Bảo", "trade_guild", "LAOBAO", 26, 31, 32)
    return (*agencies(), *schools.values(), successor, *employer_units(), guild)


def headcounts(unit: Unit, year: int) -> tuple[int, int]:
    """Workers and members of the year: a short walk from where the unit started."""
    source = draw("walk", unit.unit_id)
    down, up = (-1, 1) if unit.is_public or unit.workers < 10 else (-2, 3)
    change = sum(source.randint(down, up) for _ in range(YEARS[0], year))
    walked = unit.workers + change, unit.members + change
    return HEADCOUNTS.get((unit.unit_id, year), walked)


def women_among(unit: Unit, people: int) -> int:
    return round(people * unit.women / 100)


# --- roster ----------------------------------------------------------------------------------


def roster_row(unit: Unit, year: int) -> Row:
    workers, members = headcounts(unit, year)
    is_handed_over = year >= HANDED_OVER.year and unit.dissolved_on is None
    gone = unit.dissolved_on if unit.dissolved_on and unit.dissolved_on.year == year else None
    row: Row = {
        "year": year,
        "unit_id": unit.unit_id,
        "name": unit.name,
        "unit_type": unit.unit_type,
        "commune": COMMUNES[unit.commune][0],
        "parent": unit.new_parent if is_handed_over else None,
        "founded_on": unit.founded_on,
        "dissolved_on": gone,
        "workers_total": workers,
        "workers_female": women_among(unit, workers),
        "members_total": members,
        "members_female": women_among(unit, members),
    }
    return row | dict.fromkeys(UNKNOWN.get((unit.unit_id, year), ()))


# --- returns ---------------------------------------------------------------------------------


def propaganda(unit: Unit, year: int, source: Random) -> Row:
    """Who was informed, of the staff: everybody in public units, most people elsewhere."""
    workers, _ = headcounts(unit, year)
    if unit.is_public:
        informed = workers - source.choices((0, 1, 2, 4), (90, 6, 2, 2))[0]
        resolution = workers - source.choices((0, 1, 3), (80, 12, 8))[0]
    else:
        rate = source.uniform(0.66, 0.92) + 0.02 * (year - YEARS[0])
        informed = min(workers, round(workers * rate))
        resolution = round(informed * source.uniform(0.75, 1))
    return {"informed": informed, "resolution_informed": resolution}


def welfare(unit: Unit, year: int, source: Random) -> Row:
    _, members = headcounts(unit, year)
    hardship = min(8, members // 4, source.choices((0, 1, 2, 3, 5, 8), (34, 24, 20, 12, 7, 3))[0])
    left_out = hardship > 0 and is_true(source, 6)
    return {
        "hardship_members": hardship,
        "hardship_supported": hardship - left_out,
        "culture_members": round(members * source.uniform(0.70, 0.90)),
        "welfare_members": round(members * source.uniform(0.15, 0.40)),
        "agreement_in_force": None if not is_employer(unit) else has_agreement(unit, year),
    }


def is_employer(unit: Unit) -> bool:
    return unit.unit_type in EMPLOYER_TYPES.values()


def has_agreement(unit: Unit, year: int) -> bool:
    return 0 < unit.agreement_since <= year


def organisation(unit: Unit, year: int, source: Random) -> Row:
    _, members = headcounts(unit, year)
    introduced = source.choices((0, 1, 2, 3), PARTY_ODDS[unit.is_public])[0]
    cadres = min(9, 3 + members // 16)
    return {
        "party_introduced": introduced,
        "party_admitted": source.randint(0, introduced),
        "new_members": admissions(unit, year, source),
        "grade": grade(unit, year, source),
        "cadres_total": cadres,
        "cadres_trained": cadres - source.choices((0, 1, 2), (90, 8, 2))[0],
        "womens_committee": has_womens_committee(unit, year, source),
    }


def admissions(unit: Unit, year: int, source: Random) -> int:
    """New members: a teacher or two a year, more in firms, everybody in a new union."""
    _, members = headcounts(unit, year)
    if is_employer(unit) and unit.is_young(year):
        return members
    usual = source.uniform(0, 1.3) if unit.is_public else members * source.uniform(0.02, 0.18)
    return round(usual * JOINING[year])


def grade(unit: Unit, year: int, source: Random) -> str | None:
    drawn = source.choices(GRADES, GRADE_ODDS[unit.is_public])[0]
    if not unit.is_expected(year):
        return None
    return "not_graded" if unit.is_young(year) else drawn


def has_womens_committee(unit: Unit, year: int, source: Random) -> bool:
    _, members = headcounts(unit, year)
    is_usual = is_true(source, 92 if unit.is_public else 15)
    if unit.is_public:
        return is_usual
    needs_one = women_among(unit, members) >= 10
    return unit.unit_id not in NO_WOMENS_COMMITTEE and (needs_one or is_usual)


def finance(unit: Unit, year: int, source: Random) -> Row:
    """Fund (2% of the wages) and dues (1% of the members' wages), in đồng."""
    workers, members = headcounts(unit, year)
    months = 12 if unit.is_expected(year) else 6
    pay = PAY[year][not unit.is_public] * source.uniform(0.88, 1.15) * months
    fund_due, dues_due = thousands(workers * pay * 0.02), thousands(members * pay * 0.01)
    lowest, highest = COLLECTED[year]
    is_paid_in_full = unit.is_public and is_true(source, 60)
    fund_rate = 1 if is_paid_in_full else source.uniform(lowest - 4, highest) / 100
    fund = thousands(fund_due * fund_rate)
    allocated = fund * 0.70 if source.random() < SHORT_SHARE else fund * 0.75
    return {
        "fund_due": fund_due,
        "fund_collected": fund,
        "fund_allocated": ceil(allocated / 1000) * 1000,
        "dues_due": dues_due,
        "dues_collected": thousands(dues_due * source.uniform(lowest, highest) / 100),
    }


def yes_and_no(unit: Unit, year: int, source: Random) -> Row:
    better = 0 if unit.is_public else 2 * (year - YEARS[0])
    return {
        column: is_true(source, odds[not unit.is_public] + better)
        for column, odds in USUAL_YES.items()
    }


def note(unit: Unit, year: int, source: Random) -> str | None:
    drawn = source.choice(NOTES) if is_true(source, 5) else None
    if not unit.is_expected(year):
        return "Số liệu đến ngày 15/6/2025, trước khi kết thúc hoạt động."
    if unit.unit_id in LATE_RETURN[year]:
        return f"Báo cáo nộp muộn, ngày {source.randint(8, 22)}/12/{year}."
    return drawn


def with_gaps(row: Row, source: Random) -> Row:
    """The row with a few cells left empty, as forms come in; agreements are always answered."""
    kept = ("year", "unit_id", "note", "agreement_in_force")
    return {
        column: None if column not in kept and source.random() < EMPTY_CELL else value
        for column, value in row.items()
    }


def sends_return(unit: Unit, year: int) -> bool:
    """Expected units send one, save a few; of those dissolved in 2025, about half did before."""
    if unit.is_expected(year):
        return unit.unit_id not in NO_RETURN[year]
    is_last_account = unit.dissolved_on == STATE_PAID_END
    return is_last_account and is_true(draw("last account", unit.unit_id), 50)


def return_row(unit: Unit, year: int) -> Row:
    parts = (propaganda, yes_and_no, welfare, organisation, finance)
    row: Row = {"year": year, "unit_id": unit.unit_id}
    for part in parts:
        row |= part(unit, year, draw(part.__name__, unit.unit_id, year))
    row["note"] = note(unit, year, draw("note", unit.unit_id, year))
    told = TOLD.get((unit.unit_id, year))
    if told is None and not unit.is_young(year):
        row = with_gaps(row, draw("gaps", unit.unit_id, year))
    row |= told or {}
    return {column: None if is_not_asked(unit, column) else row[column] for column in row}


def is_not_asked(unit: Unit, column: str) -> bool:
    return unit.unit_type not in ASKED_OF.get(column, (unit.unit_type,))


# --- employers -------------------------------------------------------------------------------


def organised_employers(year: int, units: Sequence[Unit]) -> Iterator[Row]:
    """The employers that have, or come to have, a union; before its founding they have none."""
    for unit in filter(is_employer, units):
        if unit.dissolved_on and unit.dissolved_on.year <= year:
            continue
        workers = roster_row(unit, year)["workers_total"]
        has_union = unit.is_expected(year)
        yield {
            "name": unit.name.removeprefix("CĐCS "),
            "employer_type": unit.unit_type,
            "commune": COMMUNES[unit.commune][0],
            "workers_total": workers,
            "unit_id": unit.unit_id if has_union else None,
            "workers_gathered": None if has_union else gathered(unit.unit_id, year, workers),
        }


def unorganised_employers(year: int) -> Iterator[Row]:
    for name, kind, place, workers in UNORGANISED:
        source = draw("employer", name)
        steps = [source.randint(-1, 1) for _ in YEARS]
        count = None
        if workers is not None and year not in HEADCOUNT_UNKNOWN.get(name, ()):
            count = max(2, workers + sum(steps[: year - YEARS[0]]))
        if not REGISTERED_FROM.get(name, 0) <= year <= REGISTERED_TO.get(name, YEARS[-1]):
            continue
        yield {
            "name": name,
            "employer_type": EMPLOYER_TYPES[kind],
            "commune": COMMUNES[place][0],
            "workers_total": count,
            "unit_id": None,
            "workers_gathered": gathered(name, year, count),
        }


def gathered(employer: str, year: int, workers: Cell) -> int | None:
    """Workers without a union who took part in something all the same; often not known."""
    source = draw("gathered", employer, year)
    if not isinstance(workers, int) or is_true(source, 20):
        return None
    return round(workers * source.choice((0, 0, 0.1, 0.2, 0.3, 0.4)))


def employer_ids(units: Sequence[Unit]) -> dict[str, str]:
    """Employer name to its number in the register, the same every year."""
    names = [unit.name.removeprefix("CĐCS ") for unit in units if is_employer(unit)]
    names += [name for name, *_ in UNORGANISED]
    return {name: f"NSDLD-{number:03}" for number, name in enumerate(names, start=1)}


# --- lineage ---------------------------------------------------------------------------------


def lineage_rows(units: Sequence[Unit]) -> Iterator[Row]:
    for unit in units:
        is_new = unit.unit_id in FOUNDED and unit.unit_id != MERGED_INTO
        if is_new:
            yield event(unit.founded_on, "founded", None, unit.unit_id, "Thành lập mới.")
        if unit.unit_id in MERGED_FROM:
            text = "Sáp nhập hai trường thành một."
            yield event(MERGED_ON, "merged", unit.unit_id, MERGED_INTO, text)
        elif unit.dissolved_on:
            text = "Công ty ngừng hoạt động."
            if unit.dissolved_on == STATE_PAID_END:
                text = "Kết thúc hoạt động theo đợt sắp xếp tổ chức năm 2025."
            yield event(unit.dissolved_on, "dissolved", unit.unit_id, None, text)
        elif unit.founded_on is None or unit.founded_on < HANDED_OVER:
            text = (
                f"Bàn giao từ cấp huyện về Công đoàn xã {COMMUNES[COMMUNES[unit.commune][1]][0]}."
            )
            yield event(HANDED_OVER, "transferred_out", unit.unit_id, unit.unit_id, text)


def event(day: date | None, kind: str, before: str | None, after: str | None, text: str) -> Row:
    return {
        "date": day,
        "event": kind,
        "predecessor_id": before,
        "successor_id": after,
        "share": 1 if before and after else None,
        "note": text,
    }


# --- The data set ----------------------------------------------------------------------------


def roster(units: Sequence[Unit]) -> list[Row]:
    return [roster_row(unit, year) for year in YEARS for unit in units if unit.is_listed(year)]


def returns(units: Sequence[Unit]) -> list[Row]:
    return [
        return_row(unit, year)
        for year in YEARS
        for unit in units
        if unit.is_listed(year) and sends_return(unit, year)
    ]


def employers(units: Sequence[Unit]) -> list[Row]:
    ids = employer_ids(units)
    return [
        {"year": year, "employer_id": ids[str(row["name"])], **row}
        for year in YEARS
        for row in (*organised_employers(year, units), *unorganised_employers(year))
    ]


def district() -> list[Row]:
    return [
        dict(zip(DISTRICT, values, strict=True)) for values in zip(*DISTRICT.values(), strict=True)
    ]


def lineage(units: Sequence[Unit]) -> list[Row]:
    return sorted(lineage_rows(units), key=lambda row: str(row["date"]))


# --- tasks -----------------------------------------------------------------------------------


PLAN = Path(__file__).resolve().parents[1] / "params" / "plan" / "nq02-huong-hoa.yaml"
ISSUER = "LDLD-HUONG-HOA"
#: Percent of the units that send the sheet of tasks: more every year.
SENDS_TASKS = {2022: 20, 2023: 30, 2024: 55, 2025: 70}
#: Those of whom a story is told always do.
ALWAYS_SEND = ("DN-DABAN", "DN-DOIGIO", "DN-NUICAM", "TH-HUC", "DN-RLAN")
# Percent of tasks in each state, for a holder that works well and for one that does not.
STATES = {
    "yearly": {"done": (88, 52), "in_progress": (7, 18), "not_started": (1, 16), "": (4, 14)},
    "standing": {"done": (74, 35), "in_progress": (22, 35), "not_started": (0, 14), "": (4, 16)},
    "once": {"done": (85, 45), "in_progress": (10, 25), "not_started": (2, 20), "": (3, 10)},
    "on_event": {"done": (24, 10), "in_progress": (2, 4), "not_started": (0, 3), "": (74, 83)},
}
#: What a document is called, by the first words of the plan's hint, and the sign behind its number.
DOCUMENTS = {
    "Kế hoạch": "KH", "Quyết định": "QĐ", "Biên bản": "BB", "Báo cáo": "BC", "Thông báo": "TB",
    "Công văn": "CV", "Quy chế": "QC", "Văn bản": "CV", "Danh sách": "DS", "Quy trình": "QT",
}  # fmt: skip
#: What the yearly return says of the same thing: a holder does not contradict itself.
FACTS = {
    "t-1.2-ke-hoach": "plan_made",
    "t-1.2-quan-triet": "plan_disseminated",
    "t-2.2-dan-chu": "conference_held",
    "t-2.2-van-hoa": "culture_held",
    "t-4.2-phat-dong": "emulation_launched",
    "t-4.2-giao-uoc": "emulation_agreement",
    "t-5.2-kiem-tra": "finance_disclosed",
}
TASK_NOTES = (
    "Dời sang quý sau vì đơn vị thay chủ tịch.",
    "Mưa lũ nên lùi lại.",
    "Chờ ý kiến của người sử dụng lao động.",
    "Kinh phí về muộn.",
    "Làm chung với công đoàn bên cạnh.",
)


def plan_tasks() -> list[dict[str, Any]]:
    """The plan's tasks that holders are asked about: what an indicator tells is asked of nobody."""
    plan = yaml.safe_load(PLAN.read_text(encoding="utf-8"))
    return [
        task | {"types": plan["groups"].get(task.get("population"))}
        for task in plan["tasks"]
        if not task.get("indicator")
    ]


def due_of(task: dict[str, Any], year: int) -> date:
    month, day = map(int, str(task.get("due") or "11-30").split("-")[-2:])
    return date(year, month, day)


def task_row(
    task: dict[str, Any], holder: str, year: int, works_well: bool, fact: Cell
) -> Row | None:
    """What a holder says of a task; None where it leaves the line empty.

    ``fact`` is what its return says of the same thing; None if nothing.
    """
    source = draw("task", task["id"], holder, year)
    shares = STATES[task.get("cadence", "yearly")]
    weights = [percent[0 if works_well else 1] for percent in shares.values()]
    (state,) = source.choices(list(shares), weights)
    if state and fact is not None:
        state = "done" if fact else source.choice(("in_progress", "not_started"))
    if task.get("population") and state != "done" and is_true(source, 20):
        state = "not_applicable"
    if not state:
        return None
    row: Row = {"year": year, "task_id": task["id"], "holder_id": holder, "state": state}
    if state == "done":
        if task.get("cadence") != "standing" and not is_true(source, 6):
            late = task.get("due") and is_true(source, 5 if works_well else 25)
            days = source.randint(3, 40) if late else -source.randint(2, 50)
            row["done_on"] = due_of(task, year) + timedelta(days=days)
        if task.get("count"):
            row["count"] = source.randint(1, 9)
    elif is_true(source, 12):
        row["note"] = source.choice(TASK_NOTES)
    return row


def evidence_rows(task: dict[str, Any], row: Row) -> Iterator[Row]:
    """What is cited for a task that is done; some forget it."""
    key = (row["year"], row["task_id"], row["holder_id"])
    source = draw("evidence", *key)
    kind = task.get("evidence", "none")
    if row["state"] != "done" or kind == "none":
        return
    percent = 88 if kind == "required" else 40
    for number in range(1, 1 + is_true(source, percent) * (1 + is_true(source, 8))):
        name, sign = next(
            (item for item in DOCUMENTS.items() if str(task["evidence_hint"]).startswith(item[0])),
            ("Báo cáo", "BC"),
        )
        is_district = row["holder_id"] == ISSUER
        day = row.get("done_on") or date(int(str(row["year"])), source.randint(2, 11), 15)
        yield {
            **dict(zip(("year", "task_id", "holder_id"), key, strict=True)),
            "number": number,
            "doc_no": f"{source.randint(2, 140)}/{sign}-{'LĐLĐ' if is_district else 'CĐCS'}",
            "doc_date": day,
            "title": f"{name}: {task['short']}",
            "issued_by": "LĐLĐ huyện" if is_district else "Ban chấp hành CĐCS",
            "file": f"minh-chung/{row['year']}/{task['id']}.pdf" if is_district else None,
        }


def follow_tasks(units: Sequence[Unit]) -> tuple[list[Row], list[Row]]:
    """What is said of the tasks, and what is cited; what is done once is not asked again."""
    said, cited, tasks = [], [], plan_tasks()
    done: set[tuple[str, str]] = set()
    for year in YEARS:
        holders = [("district", ISSUER, "", True)] if year < DISTRICT_END.year else []
        for unit in units:
            sends = unit.unit_id in ALWAYS_SEND or is_true(
                draw("tasks", unit.unit_id, year), SENDS_TASKS[year]
            )
            if unit.is_expected(year) and sends:
                good = unit.unit_id != "DN-NUICAM" and is_true(draw("works", unit.unit_id), 70)
                holders.append(("unit", unit.unit_id, unit.unit_type, good))
        reported = {
            unit.unit_id: return_row(unit, year) for unit in units if sends_return(unit, year)
        }
        for owner, holder, kind, good in holders:
            for task in tasks:
                if task.get("owner", "unit") != owner or (task["id"], holder) in done:
                    continue
                if task["types"] and kind not in task["types"]:
                    continue
                fact = reported.get(holder, {}).get(FACTS.get(task["id"], ""))
                row = task_row(task, holder, year, good, fact)
                if row is None:
                    continue
                said.append(row)
                cited += evidence_rows(task, row)
                if task.get("cadence") == "once" and row["state"] == "done":
                    done.add((task["id"], holder))
    return said, cited


def make_tables() -> dict[str, list[Row]]:
    """Every table of the data set, by name."""
    units = all_units()
    said, cited = follow_tasks(units)
    return {
        "roster": roster(units),
        "returns": returns(units),
        "employers": employers(units),
        "district": district(),
        "lineage": lineage(units),
        "tasks": said,
        "evidence": cited,
    }


def as_text(value: Cell) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([as_text(row.get(column)) for column in columns] for row in rows)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Make the illustrative sample data set.")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="folder to write into")
    out = parser.parse_args(arguments).out
    out.mkdir(parents=True, exist_ok=True)
    for name, rows in make_tables().items():
        write_table(out / f"{name}.csv", HEADERS[name].split(), rows)
    for name, text in {"dataset.yaml": DATASET_YAML, **TEXTS}.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
