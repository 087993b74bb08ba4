"""`holdfast demo --fleet`: 3,000 streams over 20 connections, all of them cut at once, 200 exchanged for others."""

from holdfast_cli.fleet_demo.plan import MAX_SECONDS, MIN_SECONDS, SECONDS, Plan
from holdfast_cli.fleet_demo.report import report_of
from holdfast_cli.fleet_demo.run import run_fleet_demo

__all__ = ["MAX_SECONDS", "MIN_SECONDS", "SECONDS", "Plan", "report_of", "run_fleet_demo"]
