"""`holdfast demo --exchange`: many streams of one service, asked for and given up again while connections are cut."""

from holdfast_cli.exchange_demo.ledger import audit
from holdfast_cli.exchange_demo.plan import MAX_SECONDS, MIN_SECONDS, SECONDS, STREAMS, Plan
from holdfast_cli.exchange_demo.report import report_of
from holdfast_cli.exchange_demo.run import run_exchange_demo
from holdfast_cli.exchange_demo.simulated import EXCHANGES, Simulated
from holdfast_cli.exchange_demo.verdict import problems

__all__ = [
    "EXCHANGES",
    "MAX_SECONDS",
    "MIN_SECONDS",
    "SECONDS",
    "STREAMS",
    "Plan",
    "Simulated",
    "audit",
    "problems",
    "report_of",
    "run_exchange_demo",
]
