"""The plan as data: the catalogue of indicators that a YAML file of ``params/plan`` describes."""

from analysis.plan.schema import Condition, Indicator, Plan, Target, load_plan
from analysis.plan.tasks import Task

__all__ = ["Condition", "Indicator", "Plan", "Target", "Task", "load_plan"]
