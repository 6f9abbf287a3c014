"""The plan as data: the catalogue of indicators that a YAML file of ``params/plan`` describes."""

from analysis.plan.schema import Condition, Indicator, Plan, Target, Task, load_plan

__all__ = ["Condition", "Indicator", "Plan", "Target", "Task", "load_plan"]
