"""From a study to a year's site: notebooks run, pages exported, every unit accounted for.

`run` is the front door (an `Order` in, its `RunOutcome` out: is there anything to do?) and `build` the
table of contents. Data flows one way: `planning` (which pages, made from what, and why one is stale) →
`pages` (each in a process of its own, here or on a cluster: one job in, one result out) = `engine`
(papermill and the shell in it) → `notebooks` (is it good? HTML); `ledger` says what came of each
page, and where each file lies. `build` also writes what lies beside the pages.
"""

import sys

# nbformat's schema checker looks for rfc3987_syntax, which compiles a grammar when it is imported:
# 1.4 s of the 2.5 s of CPU that importing papermill costs. nbformat does without it when it cannot
# be imported, and no notebook here has an IRI to check. Notebooks themselves may have it
# (`engine.stand_alone`).
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
