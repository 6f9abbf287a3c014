"""Which template the pages have, and the hash of everything that is in it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from analysis.pages.template import TEMPLATE_FOLDER, TEMPLATE_NAME


class Template(NamedTuple):
    """An nbconvert template: a folder of templates and a name in it."""

    folder: str
    name: str


#: The project's own template.
TEMPLATE = Template(str(TEMPLATE_FOLDER), TEMPLATE_NAME)


def hash_template(template: Template) -> str:
    """Return a hash of everything in the template's folder."""
    return hash_files(Path(template.folder) / template.name)


def hash_files(folder: Path, without: Path | None = None) -> str:
    """Return a hash of a folder's files, by their names and bytes; caches do not count."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        skipped = "__pycache__" in path.parts or (without is not None and without in path.parents)
        if path.is_file() and not skipped:
            content = path.read_bytes()
            name = path.relative_to(folder).as_posix()
            digest.update(f"{name}:{len(content)}:".encode() + content)
    return digest.hexdigest()
