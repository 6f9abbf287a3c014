"""A plan's texts in another language: ids and words, nothing that is computed."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from analysis.plan import Plan


class _Texts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    def given(self) -> dict[str, Any]:
        """Return the texts that the file has."""
        return self.model_dump(exclude_none=True, exclude={"id"})


class _IssuerTexts(_Texts):
    name: str | None = None
    short: str | None = None
    place: str | None = None
    superior: str | None = None


class _ItemTexts(_Texts):
    id: str


class _SectionTexts(_ItemTexts):
    title: str


class _TaskTexts(_ItemTexts):
    text: str | None = None
    short: str | None = None
    evidence_hint: str | None = None
    count: str | None = None


class _IndicatorTexts(_ItemTexts):
    title: str | None = None
    short: str | None = None
    unit: str | None = None
    what: str | None = None
    why: str | None = None
    decision: str | None = None
    part_titles: dict[str, str] | None = None


class PlanTexts(_Texts):
    """What a file of ``params/lang/<lang>/plans`` may say."""

    title: str | None = None
    short: str | None = None
    source: str | None = None
    issuer: _IssuerTexts = _IssuerTexts()
    legal_bases: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    sections: tuple[_SectionTexts, ...] = ()
    tasks: tuple[_TaskTexts, ...] = ()
    indicators: tuple[_IndicatorTexts, ...] = ()

    def unknown_ids(self, plan: Plan) -> list[str]:
        """Return the ids that the plan does not have, as ``indicators.<id>``."""
        return [
            f"{name}.{item.id}"
            for name in ("sections", "tasks", "indicators")
            for item in getattr(self, name)
            if item.id not in {known.id for known in getattr(plan, name)}
        ]

    def apply(self, plan: Plan) -> Plan:
        """Return the plan with these texts in place of its own."""
        update: dict[str, Any] = {
            key: getattr(self, key)
            for key in ("title", "short", "source", "legal_bases", "recipients")
            if getattr(self, key)
        }
        update["issuer"] = plan.issuer.model_copy(update=self.issuer.given())
        for name in ("sections", "tasks", "indicators"):
            texts = {item.id: item.given() for item in getattr(self, name)}
            update[name] = tuple(
                item.model_copy(update=texts.get(item.id, {})) for item in getattr(plan, name)
            )
        return plan.model_copy(update=update)
