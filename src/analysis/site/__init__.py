"""From a study to a year's site: notebooks run, pages exported, every unit accounted for.

`run` is the front door (an `order` in, its outcome out: is there anything to do?) and `build` the
table of contents. Data flows one way: `planning` (which pages, made from what: `digests`) → `pages`
(each in a process of its own, or on a `cluster`: one job in, one result out) = `engine` (papermill)
→ `gate` (is it good?) → `export` (HTML); `ledger` says what came of each page, `why` what made one
stale.
"""

import sys

# nbformat's schema checker looks for rfc3987_syntax, which compiles a grammar when it is imported:
# 1.4 s of the 2.5 s of CPU that importing papermill costs. nbformat does without it when it cannot
# be imported, and no notebook here has an IRI to check. Notebooks themselves may have it
# (`analysis.site.shell`).
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
