"""The site's first page: the year at a glance, the coverage ledger, and a way to any unit."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping
from fractions import Fraction
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from analysis.findings.finding import find, tally
from analysis.language import Language, load_language
from analysis.pages.fragments import render
from analysis.pages.template import POLICY, page_css
from analysis.plan import Indicator
from analysis.redaction import BANDED, HIDDEN
from analysis.study import Study, flags_of, shown_value
from analysis.tables.writing import alphabetically

#: Counted on each unit's line, in this order; "open" is short for undetermined.
_COUNTED = {"met": "met", "not_met": "not_met", "undetermined": "open"}
#: What a site always has beside its pages.
_FILES = ("data/indicators.csv", "data/units.csv", "ledger.json")


def render_index(study: Study, ledger: Mapping[str, Any]) -> str:
    """Return the index page of a site.

    Parameters
    ----------
    study : Study
        What the site is about; its params name the year.
    ledger : mapping
        As in ``ledger.json``: ``units`` with ``unit_id``, ``outcome`` and ``page``, ``areas`` with
        ``name``, ``link`` and ``page``; and ``files``, what else lies beside the pages.

    Returns
    -------
    str
        A whole HTML page. Without script it is a plain list; with it, units can be searched,
        filtered and sorted by any indicator, without a server.
    """
    year, plan = study.params.year, study.plan
    language = load_language(study.params.lang, study.root)
    texts, numbers = language.words["ui"], language.numbers
    register = study.expected_units(year)
    types = {w: language.dictionary_word("unit_type", w) for w in register["unit_type"].unique()}
    entries = sorted(
        ledger["units"],
        key=lambda entry: (
            alphabetically(types[register.at[entry["unit_id"], "unit_type"]]),
            alphabetically(register.at[entry["unit_id"], "name"]),
            entry["unit_id"],
        ),
    )
    units = [
        {
            "id": entry["unit_id"],
            "name": register.at[entry["unit_id"], "name"],
            "page": entry["page"],
            "outcome": entry["outcome"],
            "type": register.at[entry["unit_id"], "unit_type"],
            "commune": register.at[entry["unit_id"], "commune"],
        }
        for entry in entries
    ]
    received = int(register["has_return"].sum())
    script = (files(__package__) / "fragments" / "index.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    district = find(study, "district", plan.issuer.id, year)
    return render(
        "index",
        lang=language.code,
        t=texts,
        title=f"{texts['index_title']} – {texts['year'].lower()} {year}",
        issuer=plan.issuer.name,
        edition=texts[study.params.edition],
        notice=texts["illustrative"] if study.dataset.description.illustrative else "",
        facts=[
            (texts["expected"], numbers.count(len(register))),
            (texts["received"], numbers.count(received)),
            (texts["not_received"], numbers.count(len(register) - received)),
        ],
        years=study.params.years_beside,
        lead=language.say("year_lead", tally(year, district.values()), None, plan.issuer.short),
        filters=_filters(units, _sortable(study), language),
        groups=_groups(units, language),
        columns=_columns(texts),
        areas=sorted(
            (area for area in ledger.get("areas", ()) if area["page"]),
            key=lambda area: alphabetically(area["name"]),
        ),
        files=[*_FILES, *ledger.get("files", ())],
        data=Markup(_data(study, units, language)),
        css=Markup(page_css()),
        script=Markup(script),
        policy=f"{POLICY}; script-src 'sha256-{digest}'",
    ).html


def _columns(texts: Mapping[str, str]) -> list[dict[str, Any]]:
    words = ("unit", "unit_type", "commune")
    counts = ("met_count", "not_met_count", "undetermined_count")
    sorts = {
        "unit": "",
        "commune": "commune",
        **{word: word.removesuffix("_count") for word in counts},
    }
    return [
        {"label": texts[word], "number": word in counts, "sort": sorts.get(word, "")}
        for word in (*words, *counts, "outcome")
    ]


def _groups(units: list[dict[str, Any]], language: Language) -> list[dict[str, Any]]:
    types = dict.fromkeys(unit["type"] for unit in units)
    return [
        {
            "label": language.dictionary_word("unit_type", word),
            "units": [unit for unit in units if unit["type"] == word],
        }
        for word in types
    ]


def _filters(
    units: list[dict[str, Any]], indicators: list[Indicator], language: Language
) -> list[dict[str, Any]]:
    texts = language.words["ui"]
    choices = {
        "type": [(w, language.dictionary_word("unit_type", w)) for w in _seen(units, "type")],
        "commune": [(name, name) for name in sorted(_seen(units, "commune"), key=alphabetically)],
        "verdict": [(word, language.word("verdict", word)) for word in _COUNTED],
        "sort": [
            *((word, texts[f"{word}_count"]) for word in _COUNTED),
            ("commune", texts["commune"]),
            *((str(place), item.title) for place, item in enumerate(indicators)),
        ],
        "order": [("desc", texts["descending"]), ("asc", texts["ascending"])],
    }
    shorts = {str(place): item.short for place, item in enumerate(indicators)}
    everything = {"sort": texts["no_sort"], "order": ""}
    return [
        {
            "id": key,
            "label": texts[f"filter_{key}"],
            "all": everything.get(key, texts["all"]),
            "options": [
                {
                    "key": value,
                    "label": label,
                    "short": shorts.get(value, "") if key == "sort" else "",
                }
                for value, label in options
            ],
        }
        for key, options in choices.items()
    ]


def _seen(units: list[dict[str, Any]], key: str) -> list[str]:
    return list(dict.fromkeys(unit[key] for unit in units))


def _sortable(study: Study) -> list[Indicator]:
    return [item for item in study.plan.indicators if item.over == "units"]


def _data(study: Study, units: list[dict[str, Any]], language: Language) -> str:
    """Return what the script needs, packed by columns: two thousand units fit into a small page."""
    rows = [study.rows("unit", unit["id"], study.params.year) for unit in units]
    columns: dict[str, list[Any]] = {
        **{key: [unit[key] for unit in units] for key in ("type", "commune", "outcome")},
        "id": ["" if unit["page"] else unit["id"] for unit in units],  # a page is named by its id
        "indicators": [
            _values([own.get(item.id) for own in rows], item, language) for item in _sortable(study)
        ],
    }
    words = {
        "type": {w: language.dictionary_word("unit_type", w) for w in _seen(units, "type")},
        "outcome": language.words["outcome"],
    }
    text = json.dumps(columns, separators=(",", ":"))
    packed = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
    # "</" cannot end the script element inside JSON.
    return json.dumps({"packed": packed, "words": words}, ensure_ascii=False).replace("</", "<\\/")


def _values(rows: list[Any], indicator: Indicator, language: Language) -> dict[str, Any]:
    """Return what there is to show, as text and verdict, highest first, and each unit's place."""
    values = [None if row is None else shown_value(row) for row in rows]
    year = next((int(row.year) for row in rows if row is not None), 0)
    is_banded = any(row is not None and BANDED in flags_of(row) for row in rows)
    texts: list[str] = []
    rank: dict[Fraction | None, int] = {}
    for value in sorted({value for value in values if value is not None}, reverse=True):
        text = _text(value, year, indicator, language, is_banded=is_banded)
        if text not in texts[-1:]:  # neighbours that read alike are one
            texts.append(text)
        rank[value] = len(texts) - 1
    rank[None], withheld = len(texts), len(texts) + 1
    texts += ["–", language.ui("hidden")]
    pairs = [
        (withheld if row is not None and HIDDEN in flags_of(row) else rank[value],
         "" if row is None else str(row.verdict))
        for value, row in zip(values, rows, strict=True)
    ]  # fmt: skip
    place = {pair: number for number, pair in enumerate(sorted(set(pairs)))}
    return {
        "shown": [[texts[number], verdict] for number, verdict in place],
        "places": [place[pair] for pair in pairs],
        "known": sum(number < rank[None] for number, _ in place),
    }


def _text(
    value: Fraction, year: int, indicator: Indicator, language: Language, *, is_banded: bool
) -> str:
    if indicator.is_share:
        return language.word("answer", "yes" if value else "no")
    if indicator.is_fraction and is_banded:
        return language.numbers.level(value)
    if indicator.is_fraction:
        return language.numbers.percent(value, indicator.target_in(year))
    return language.numbers.quantity(value)
