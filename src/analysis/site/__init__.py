"""From a study to a year's site: notebooks run, pages exported, every unit accounted for.

`build` is the table of contents. Data flows one way: `notebooks` (what is run, with what) →
`pages` (one task in, one result out) = `engine` (papermill) → `gate` (is it good?) → `export`
(HTML); `pool` does this for many at once, `ledger` says what came of each.
"""

import sys

# nbformat's schema checker looks for rfc3987_syntax, which compiles a grammar when it is imported:
# 1.4 s of the 2.5 s of CPU that importing papermill costs. nbformat does without it when it cannot
# be imported, and no notebook here has an IRI to check. Notebooks themselves may have it
# (`analysis.site.shell`).
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
