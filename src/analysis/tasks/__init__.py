"""What the plan asks to be done: the state of every task with its holder, and the task table.

Data flows one way: `check` (what rows of the tables must hold) · `states` (who has a task, what they
said of it, and what that shows on a day) → `table` (counts and rates per scope).
It knows owners and cadences, never a task.
"""

from analysis.tasks.check import check_tasks, require_tasks
from analysis.tasks.duties import GROUPS, SOON_DAYS, Duties, Duty, Evidence
from analysis.tasks.states import STATES
from analysis.tasks.table import SCOPES, compute_tasks

__all__ = [
    "GROUPS",
    "SCOPES",
    "SOON_DAYS",
    "STATES",
    "Duties",
    "Duty",
    "Evidence",
    "check_tasks",
    "compute_tasks",
    "require_tasks",
]
