"""The site's first page: the year at a glance, the coverage ledger, and a way to any unit."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from analysis.findings import find, tally
from analysis.language import load_language
from analysis.pages.fragments import render
from analysis.pages.template import POLICY, page_css
from analysis.study import Study
from analysis.tables.dictionary import dictionary

_COUNTED = ("met", "not_met", "undetermined")


def render_index(study: Study, ledger: Mapping[str, Any]) -> str:
    """Return the index page of a site.

    Parameters
    ----------
    study : Study
        What the site is about; its params name the year.
    ledger : mapping
        As in ``ledger.json``: ``units`` with ``unit_id``, ``outcome`` and ``page``.

    Returns
    -------
    str
        A whole HTML page; works without script as a plain list.
    """
    year, plan = study.params.year, study.plan
    language = load_language(study.params.lang, study.root)
    texts, numbers = language.words["ui"], language.numbers
    register, counts = study.expected_units(year), _verdict_counts(study, year)
    units = []
    for entry in ledger["units"]:
        key, facts = entry["unit_id"], register.loc[entry["unit_id"]]
        units.append(
            {
                "id": key,
                "name": facts["name"],
                "page": entry["page"],
                "type": facts["unit_type"],
                "type_label": language.dictionary_word("unit_type", facts["unit_type"]),
                "commune": facts["commune"],
                "outcome": entry["outcome"],
                "outcome_label": language.word("outcome", entry["outcome"]),
                **{word: counts.get((key, word), 0) for word in _COUNTED},
            }
        )
    district = find(study, "district", plan.issuer.id, year)
    received = int(register["has_return"].sum())
    script = (files(__package__) / "fragments" / "index.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    described = study.dataset.description
    fragment = render(
        "index",
        lang=language.code,
        t=texts,
        title=f"{texts['index_title']} – {texts['year'].lower()} {year}",
        issuer=plan.issuer.name,
        notice=texts["illustrative"] if described.illustrative else "",
        facts=[
            (texts["expected"], numbers.count(len(register))),
            (texts["received"], numbers.count(received)),
            (texts["not_received"], numbers.count(len(register) - received)),
        ],
        lead=language.say("tally", tally(year, district.values()), plan.issuer.short),
        filters=_filters(units, language, texts),
        units=sorted(units, key=lambda unit: (_type_order(unit["type"]), unit["id"])),
        css=Markup(page_css()),
        script=Markup(script),
        policy=f"{POLICY}; script-src 'sha256-{digest}'",
    )
    return fragment.html


def _verdict_counts(study: Study, year: int) -> dict[tuple[str, str], int]:
    """Count verdicts per unit among whole indicators."""
    table = study.table
    wholes = [item.id for item in study.plan.indicators]
    rows = table[(table["scope"] == "unit") & (table["year"] == year)]
    rows = rows[rows["indicator"].isin(wholes)]
    sizes = rows.groupby(["scope_id", "verdict"], observed=True).size()
    return {(str(key), str(word)): int(size) for (key, word), size in sizes.items()}


def _filters(units: list[dict[str, Any]], language: Any, texts: dict[str, str]) -> list[Any]:
    types = sorted({unit["type"] for unit in units}, key=_type_order)
    outcomes = sorted({unit["outcome"] for unit in units})
    communes = sorted({unit["commune"] for unit in units})
    return [
        {
            "id": "type",
            "label": texts["unit_type"],
            "options": [
                {"key": t, "label": language.dictionary_word("unit_type", t)} for t in types
            ],
        },
        {
            "id": "commune",
            "label": texts["commune"],
            "options": [{"key": c, "label": c} for c in communes],
        },
        {
            "id": "outcome",
            "label": texts["outcome"],
            "options": [{"key": o, "label": language.word("outcome", o)} for o in outcomes],
        },
    ]


def _type_order(unit_type: str) -> int:
    return list(dictionary().words["unit_type"]).index(unit_type)
