"""What the plan asks to be done: the state of every task with its holder, and the task table.

Data flows one way: `states` (what rows of the tables must hold, who has a task, what they said of it,
and what that shows on a day) → `table` (counts and rates per scope).
It knows owners and cadences, never a task.
"""

from analysis.tasks.states import (
    GROUPS,
    SOON_DAYS,
    STATES,
    Duties,
    Duty,
    Evidence,
    check_tasks,
    require_tasks,
)
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
