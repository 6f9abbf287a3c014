"""What people write in a cell: what is understood, and what is asked for instead of guessed."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime, time

import pytest

from analysis.intake.spelling import Unclear, spell
from analysis.intake.writings import Raw, decode, from_tcvn3, from_vni, is_syllable, recognise
from analysis.tables.dictionary import Column, dictionary

TABLES = dictionary().tables
COLUMNS = {
    "count": TABLES["returns"].columns["informed"],
    "money": TABLES["returns"].columns["fund_due"],
    "boolean": TABLES["returns"].columns["plan_made"],
    "grade": TABLES["returns"].columns["grade"],
    "event": TABLES["lineage"].columns["event"],
    "date": TABLES["roster"].columns["founded_on"],
    "share": TABLES["lineage"].columns["share"],
    "id": TABLES["roster"].columns["unit_id"],
    "text": TABLES["roster"].columns["name"],
    "year": TABLES["returns"].columns["year"],
    "note": TABLES["returns"].columns["note"],
    "classes": TABLES["district"].columns["law_classes"],
}


@pytest.mark.parametrize(
    ("kind", "raw", "canonical"),
    [
        ("count", "12", "12"),
        ("count", " 12 ", "12"),
        ("count", 12.0, "12"),
        ("count", 12, "12"),
        ("count", "1.234", "1234"),
        ("count", "1.234.567", "1234567"),
        ("count", "1 234", "1234"),
        ("count", "1\u00a0234", "1234"),
        ("count", "1.234,0", "1234"),
        ("count", "0", "0"),
        ("count", "", ""),
        ("count", "   ", ""),
        # Not understood is handed on as it stands; the rule of the type refuses it.
        ("count", "-5", "-5"),
        ("count", "0012", "12"),
        ("count", "000", "0"),
        ("count", "12 người", "12"),
        ("count", "12người.", "12"),
        ("count", "1.234 nguoi", "1234"),
        ("count", "12 đ/c", "12"),
        ("count", "12 đồng chí", "12"),
        ("classes", "3 lớp", "3"),
        ("money", "1.500.000 đồng", "1500000"),
        ("money", "1500000đ", "1500000"),
        ("money", "1500000 VNĐ", "1500000"),
        ("money", "1500000₫", "1500000"),
        ("count", "１２", "12"),
        ("count", "12.", "12"),
        ("count", "12;", "12"),
        ("count", "12,", "12"),
        ("count", "'12", "12"),
        ("count", "1\u200b2", "12"),
        ("count", "12,5", "12.5"),
        ("count", 12.5, "12.5"),
        ("count", 4.611686018427388e18, "4611686018427387904"),
        ("count", "inf", "inf"),
        ("money", "1.500.000,00", "1500000"),
        ("money", 39798000.0, "39798000"),
        ("year", 2024.0, "2024"),
        ("year", "2024", "2024"),
        ("boolean", "Có", "true"),
        ("boolean", "CÓ", "true"),
        ("boolean", "Có.", "true"),
        ("boolean", "'Có", "true"),
        ("boolean", "rồi.", "true"),
        ("boolean", "Đã xây dựng", "true"),
        ("boolean", "da xay dung", "true"),
        ("boolean", "Có (tháng 3)", "true"),
        ("boolean", "Có, Đảng bộ chỉ đạo", "true"),
        ("boolean", "chưa ký", "false"),
        ("boolean", "ko", "false"),
        ("boolean", "k", "false"),
        ("boolean", "Không (năm nay)", "false"),
        ("boolean", "co", "true"),
        ("boolean", "x", "true"),
        ("boolean", "X", "true"),
        ("boolean", "✓", "true"),
        ("boolean", "đã", "true"),
        ("boolean", "Yes", "true"),
        ("boolean", True, "true"),
        ("boolean", 1.0, "true"),
        ("boolean", "Không", "false"),
        ("boolean", unicodedata.normalize("NFD", "không"), "false"),
        ("boolean", "Chưa", "false"),
        ("boolean", "no", "false"),
        ("boolean", False, "false"),
        ("boolean", 0, "false"),
        ("grade", "Hoàn thành tốt nhiệm vụ", "good"),
        ("grade", "hoàn thành  TỐT nhiệm vụ", "good"),
        ("grade", "excellent", "excellent"),
        ("grade", "hoan thanh tot nhiem vu.", "good"),
        ("grade", "Hoàn thành tốt nhiệm vu", "good"),
        ("grade", "Hòan thành tốt nhiệm vụ", "good"),
        ("event", "Chia, tách", "split"),
        ("date", date(2024, 12, 31), "2024-12-31"),
        ("date", datetime(2024, 12, 31), "2024-12-31"),
        ("date", "31/12/2024", "2024-12-31"),
        ("date", "31-12-2024", "2024-12-31"),
        ("date", "31.12.2024", "2024-12-31"),
        ("date", "2024-02-01", "2024-02-01"),
        ("date", "2024/2/1", "2024-02-01"),
        ("date", "31/12/2024.", "2024-12-31"),
        ("date", "2024-02-01 00:00:00", "2024-02-01"),
        ("date", "1 tháng 2 năm 2024", "2024-02-01"),
        ("date", "5/5/2024", "2024-05-05"),
        ("date", 45657.0, "2024-12-31"),
        ("share", "85%", "0.85"),
        ("share", "85,5%", "0.855"),
        ("share", "0,5", "0.5"),
        ("share", 0.25, "0.25"),
        ("share", "100%", "1"),
        ("id", "0012", "0012"),
        ("id", " TH-HUC ", "TH-HUC"),
        ("id", "dk-002", "DK-002"),
        ("id", "'0012", "0012"),
        ("text", "Khe\u00a0 Sanh\u200b", "Khe Sanh"),
        ("text", "\u00d0akrông", "Đakrông"),
        ("note", "Hỗ trợ 3×4 suất quà", "Hỗ trợ 3×4 suất quà"),
        ("note", "Nhà 30m², quà ½ suất¹", "Nhà 30m², quà ½ suất¹"),
        ("note", "Xem http://a.vn/x?y=1 nhé?", "Xem http://a.vn/x?y=1 nhé?"),
        ("note", "dòng 1\r\ndòng 2", "dòng 1\ndòng 2"),
        ("year", "Năm 2024", "2024"),
        ("text", unicodedata.normalize("NFD", "Hướng Phùng"), "Hướng Phùng"),
        ("text", "=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
        ("text", "<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("text", 12.0, "12"),
        ("text", date(2024, 12, 31), "31/12/2024"),
        ("text", "Krông Klang, Pa Cô, Café München", "Krông Klang, Pa Cô, Café München"),
    ],
)
def test_spellings_understood(kind: str, raw: Raw, canonical: str) -> None:
    assert spell(raw, COLUMNS[kind]) == canonical


@pytest.mark.parametrize(
    ("kind", "raw", "code", "said"),
    [
        ("count", "NA", "unclear", "để trống nếu chưa có số liệu"),
        ("count", "n/a", "unclear", "để trống"),
        ("count", "-", "unclear", "để trống"),
        ("count", "–", "unclear", "để trống"),
        ("count", "không rõ", "unclear", "để trống"),
        ("boolean", "?", "unclear", "để trống"),
        ("grade", "-", "unclear", "để trống"),
        ("date", "N/A", "unclear", "để trống"),
        ("count", float("nan"), "unclear", "để trống"),
        ("count", float("inf"), "unclear", "để trống"),
        ("count", "1.23", "ambiguous_number", "chia nhóm ba chữ số"),
        ("count", "1.2345", "ambiguous_number", "chia nhóm ba chữ số"),
        ("count", "1,234", "ambiguous_number", "gõ 1234"),
        ("count", "1,234,567", "ambiguous_number", "gõ 1234567"),
        ("count", "1E3", "scientific", "khoa học"),
        ("money", "1,5e+06", "scientific", "khoa học"),
        ("count", "85%", "percent", "phần trăm"),
        ("count", "25 triệu", "not_number", "chỉ ghi con số tính bằng «người»"),
        ("count", "25 lượt người", "not_number", "chỉ ghi con số"),
        ("count", "25 đồng", "not_number", "tính bằng «người»"),
        ("count", "0.123", "ambiguous_number", "chia nhóm ba chữ số"),
        (
            "count",
            "không có",
            "unclear",
            "ghi 0 nếu thật sự không có, để trống nếu chưa có số liệu",
        ),
        ("count", "chưa có.", "unclear", "có thể là 0"),
        ("money", "ko", "unclear", "có thể là 0"),
        ("boolean", "-1", "not_boolean", "Có hoặc Không"),
        ("boolean", "1,5", "not_boolean", "Có hoặc Không"),
        ("boolean", "Có?", "not_boolean", "Có hoặc Không"),
        ("boolean", "cổ", "not_boolean", "Có hoặc Không"),
        ("boolean", "Có (chưa ký)", "not_boolean", "Có hoặc Không"),
        ("boolean", "Co (chua ky)", "not_boolean", "Có hoặc Không"),
        ("boolean", "Có, dự kiến tháng 12", "not_boolean", "Có hoặc Không"),
        ("boolean", "Không (đã có từ 2023)", "not_boolean", "Có hoặc Không"),
        ("boolean", "Không (không thuộc diện)", "not_boolean", "Có hoặc Không"),
        ("boolean", "Đã không thực hiện", "not_boolean", "Có hoặc Không"),
        ("money", "5 triệu", "not_number", "không ghi kèm chữ"),
        ("count", True, "not_number", "cần một con số"),
        ("count", date(2024, 4, 3), "not_number", "ô là ngày"),
        ("count", time(3, 4), "not_number", "ô là ngày hoặc giờ"),
        ("boolean", "2", "not_boolean", "Có hoặc Không"),
        ("boolean", "có thể", "not_boolean", "Có hoặc Không"),
        ("grade", "Hoàn thành tốt nhiệm", "unknown_word", "có phải là «Hoàn thành tốt nhiệm vụ»"),
        (
            "grade",
            "Hoàn thành tốt nhiệm vú",
            "unknown_word",
            "có phải là «Hoàn thành tốt nhiệm vụ»",
        ),
        ("text", "XÃ£ HÆ°á»›ng PhÃ¹ng", "lost_letters", "«Xã Hướng Phùng»"),
        ("text", "C\u00c4\ufffdCS", "lost_letters", "\ufffd"),
        ("text", "H??ng Phùng", "lost_letters", "dấu ?"),
        ("text", "?á Bàn", "lost_letters", "dấu ?"),
        ("text", "Xã Hu?", "lost_letters", "dấu ?"),
        ("text", "X\u0083 Húc", "lost_letters", "hỏng"),
        ("note", "C?CS", "lost_letters", "dấu ?"),
        ("grade", "Giỏi", "unknown_word", "dùng một trong: Không hoàn thành nhiệm vụ;"),
        ("date", "01/02/2024", "ambiguous_date", "1 tháng 2 hay ngày 2 tháng 1"),
        ("date", "12/31/2024", "not_date", "30/11/2024"),
        ("date", "31/12/24", "not_date", "30/11/2024"),
        ("date", "2024", "not_date", "ghi đủ ngày, tháng, năm"),
        ("date", 2024.0, "not_date", "đủ ngày, tháng, năm"),
        ("date", datetime(2024, 12, 31, 8, 30), "not_date", "có cả giờ"),
        ("id", 12.0, "id_number", "mất số 0 ở đầu"),
        ("text", "C«ng ®oµn c¬ së", "legacy_encoding", "TCVN3 (ABC), có lẽ là «Công đoàn cơ sở»"),
        ("text", "Coâng ñoaøn cô sôû", "legacy_encoding", "VNI, có lẽ là «Công đoàn cơ sở»"),
        ("grade", "Hoµn thµnh tèt nhiÖm vô", "legacy_encoding", "«Hoàn thành tốt nhiệm vụ»"),
    ],
)
def test_spellings_asked_about(kind: str, raw: Raw, code: str | None, said: str) -> None:
    if code is None:  # month first: no such day, so the rule for days refuses it
        assert spell(raw, COLUMNS[kind]) == "2024-31-12"
        return
    with pytest.raises(Unclear) as question:
        spell(raw, COLUMNS[kind])
    assert (question.value.code, said in question.value.message) == (code, True)


@pytest.mark.parametrize("column", [c for t in TABLES.values() for c in t.columns.values()])
def test_every_column_keeps_its_own_canonical_spelling(column: Column) -> None:
    """What the dataset's own files hold is understood as just that."""
    examples = {"boolean": "true", "date": "2024-02-01", "share": "0.5", "year": "2024"}
    text = column.words[0] if column.words else examples.get(column.type.name, "120")
    assert spell(text, column) == text


SENTENCE = (
    "Nghiệp đoàn bốc xếp Lao Bảo, Trường Tiểu học Húc, Khe Sanh, Hướng Phùng, ủy ban kiểm tra, "
    "ưỡn ẹo, thuở ấy, quyển vở, giữa khuya, nghiêng ngả, rượu, khuỷu tay, xoong, loạng choạng"
)


def test_every_word_of_vietnamese_reads_as_one() -> None:
    assert [word for word in SENTENCE.replace(",", "").split() if not is_syllable(word)] == []
    assert recognise(SENTENCE) is None


def test_names_of_the_sample_are_not_taken_for_old_encodings() -> None:
    import analysis

    roster = analysis.load(2024).dataset.roster
    texts = {*roster["name"], *roster["commune"], *dictionary().words["grade"].values()}
    assert {text: recognise(text) for text in texts if recognise(text)} == {}


@pytest.mark.parametrize(
    ("read", "old"),
    [(from_tcvn3, "Tr­êng TiÓu häc Hóc"), (from_vni, "Tröôøng Tieåu hoïc Huùc")],
)
def test_old_encodings_read(read: object, old: str) -> None:
    assert read(old) == "Trường Tiểu học Húc"  # type: ignore[operator]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", b"\xef\xbb\xbf"),
        ("utf-16-le", b"\xff\xfe"),
        ("utf-16-be", b"\xfe\xff"),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
    ],
)
def test_unicode_files_are_read_in_any_form(encoding: str, mark: bytes) -> None:
    assert decode(mark + SENTENCE.encode(encoding)) == (SENTENCE, None)


def test_windows_1258_is_read() -> None:
    """The code page writes the tones apart."""
    marks = "\u0300\u0301\u0303\u0309\u0323"
    apart = "".join(
        unicodedata.normalize("NFC", "".join(c for c in whole if c not in marks))
        + "".join(c for c in whole if c in marks)
        for whole in (unicodedata.normalize("NFD", letter) for letter in SENTENCE)
    )
    assert decode(apart.encode("cp1258")) == (SENTENCE, None)


def test_unknown_bytes_are_not_guessed() -> None:
    with pytest.raises(UnicodeDecodeError):
        decode(bytes(range(128, 256)) * 3)
