"""Whether a notebook of a unit shows anything but the unit's narrative.

The narrative knows what it reads (`UnitReport.digests`). Code of an analyst's own may read
anything: then every figure of the dataset counts as read, rather than a page being wrong in silence.
"""

from __future__ import annotations

import ast
import inspect
from functools import cache, lru_cache

from analysis.params import Params
from analysis.reports import UnitReport
from analysis.site.notebooks import parse_notebook

_TAG = "parameters"


@lru_cache(maxsize=2)
def is_plain(text: str) -> bool:
    """Tell whether a notebook does no more than load, open one unit's narrative and show sections.

    Parameters
    ----------
    text : str
        The notebook's text.
    """
    code = [cell for cell in parse_notebook(text).cells if cell.cell_type == "code"]
    names: dict[str, str] = {}
    return all(_is_plain_cell(cell.source, cell.metadata.get("tags", []), names) for cell in code)


def _is_plain_cell(source: str, tags: list[str], names: dict[str, str]) -> bool:
    try:
        body = ast.parse(source).body
    except SyntaxError:  # IPython's magics
        return False
    return all(_is_plain_statement(node, _TAG in tags, names) for node in body)


def _is_plain_statement(node: ast.stmt, is_parameter: bool, names: dict[str, str]) -> bool:
    """Judge one statement; ``names`` remembers what the study and the narrative are called."""
    if is_parameter:
        value = getattr(node, "value", None)
        return isinstance(node, ast.Assign | ast.AnnAssign) and _is_literal(value)
    if isinstance(node, ast.Import):
        return all(name.name == "analysis" and name.asname is None for name in node.names)
    if isinstance(node, ast.Assign):
        return _is_plain_opening(node, names)
    return isinstance(node, ast.Expr) and _is_section(node.value, names)


def _is_plain_opening(node: ast.Assign, names: dict[str, str]) -> bool:
    """Judge ``study = analysis.load(…)`` and ``report = analysis.unit(study, unit_id, year)``."""
    call, target = node.value, node.targets[0]
    if not isinstance(call, ast.Call) or not isinstance(target, ast.Name):
        return False
    given = [ast.unparse(item) for item in call.args]
    named = {item.arg: ast.unparse(item.value) for item in call.keywords}
    match ast.unparse(call.func):
        case "analysis.load":
            names["study"] = target.id
            own = named.items() <= {name: name for name in Params.model_fields}.items()
            return len(node.targets) == 1 and given == ["year"] and own
        case "analysis.unit":
            names["report"] = target.id
            opened = [names.get("study", ""), "unit_id", "year"]
            return len(node.targets) == 1 and given == opened and not named
    return False


def _is_section(node: ast.expr, names: dict[str, str]) -> bool:
    if isinstance(node, ast.Constant):
        return True
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    is_bare = not node.args and not node.keywords
    is_own = ast.unparse(node.func.value) == names.get("report")
    return is_bare and is_own and node.func.attr in _sections()


def _is_literal(value: ast.expr | None) -> bool:
    try:
        ast.literal_eval(value or "")
    except ValueError:
        return False
    return value is not None


@cache
def _sections() -> frozenset[str]:
    methods = inspect.getmembers(UnitReport, inspect.isfunction)
    return frozenset(
        name
        for name, method in methods
        if not name.startswith("_") and list(inspect.signature(method).parameters) == ["self"]
    )
