"""From an executed notebook to a page, by nbconvert and the project's own template."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any

from nbconvert import HTMLExporter
from nbformat import NotebookNode, from_dict

from analysis.pages.template import POLICY, page_css
from analysis.site.templates import TEMPLATE, Template

__all__ = ["TEMPLATE", "Template", "export_page", "make_exporter", "warm_up"]


class _PageExporter(HTMLExporter):
    def from_notebook_node(  # type: ignore[override]
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """Fill in the template and leave it at that.

        HTMLExporter parses the page once more to add what the lab template lacks (alternative
        texts, focus). Our template has them, and it would cost five times as much as filling in.
        """
        html, resources = super(HTMLExporter, self).from_notebook_node(nb, resources, **options)
        return str(html), resources


@cache
def make_exporter(template: Template) -> HTMLExporter:
    """Return the exporter of a template; made once a process, for its templates are compiled."""
    return _PageExporter(  # type: ignore[no-untyped-call]
        template_name=template.name,
        extra_template_basedirs=[template.folder],
        embed_images=True,
        # Ten preprocessors with nothing to do here would each copy and check the notebook.
        default_preprocessors=["nbconvert.preprocessors.ExtractAttachmentsPreprocessor"],
    )


def export_page(notebook: NotebookNode, page: dict[str, Any], template: Template) -> str:
    """Return the HTML page of an executed notebook.

    Parameters
    ----------
    notebook : NotebookNode
        An executed notebook; it is not changed.
    page : dict
        What its end mark says: title, language, description and the like. The template finds it
        as ``resources["page"]`` and escapes it; the style sheet and the security policy are
        ``resources["css"]`` and ``resources["policy"]``.
    template : Template
        The nbconvert template.
    """
    resources = {
        "page": page,
        "policy": POLICY,
        "css": page_css(),
        "metadata": {"name": str(page.get("title", ""))},
    }
    html, _ = make_exporter(template).from_notebook_node(notebook, resources=resources)
    return str(html)


def warm_up(template: Template) -> None:
    """Compile the template ahead, so that forked processes find it done."""
    output = {"output_type": "stream", "name": "stdout", "text": "-"}
    text = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "-"}
    code = {**text, "id": "b", "cell_type": "code", "execution_count": 1, "outputs": [output]}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [text, code]}
    # A template that cannot do without what a page's end mark says is compiled by then.
    with suppress(Exception):
        export_page(from_dict(notebook), {}, template)  # type: ignore[no-untyped-call]
