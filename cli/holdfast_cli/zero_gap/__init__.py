"""`holdfast demo --rotate` and `--legs N`: connections are replaced and cut, and every message is accounted for."""

from holdfast_cli.zero_gap.plan import MAX_LEGS, MAX_SECONDS, MIN_SECONDS, SECONDS, Plan
from holdfast_cli.zero_gap.report import report_of
from holdfast_cli.zero_gap.run import run_zero_gap

__all__ = ["MAX_LEGS", "MAX_SECONDS", "MIN_SECONDS", "SECONDS", "Plan", "report_of", "run_zero_gap"]
