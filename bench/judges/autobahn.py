"""The cases of the Autobahn test suite on both transports."""

from __future__ import annotations

import json
import sys
from fnmatch import fnmatchcase
from typing import Any

from bench.judges.workshop import NAMES, TRANSPORTS, Broken, Workshop, client

_PATIENCE = "300"  # seconds for one case: some take 20 on an idle machine
_ONE_READ = (
    "A whole message and a violation arrive in the same read. The connection ends at once, as RFC 6455 section 7.1.7 "
    "has it; the message is handed over, and its echo would come too late. Whether it is the same read is up to TCP: "
    "the cases differ from run to run."
)
# By case. What is not strict and not here makes the run fail, until somebody says why it may be so.
WHY_NOT_STRICT = dict.fromkeys(("3.[234]", "4.[12].[345]", "5.15"), _ONE_READ)


def run(workshop: Workshop, cases: list[str], exclude: list[str]) -> bool:
    """Whether no case failed, and of each that is not strict it is known why."""
    python = workshop.fetch_autobahn()
    held = True
    for transport in TRANSPORTS:
        out = workshop.results / "autobahn" / NAMES[transport]
        workshop.run(
            sys.executable, workshop.root / "autobahn" / "run_autobahn.py", client(transport), "--out", out,
            "--cases", *cases, "--exclude", *exclude, "--case-timeout", _PATIENCE,
            JUDGES_PY27=str(python),
        )  # fmt: skip
        if not (out / "summary.json").exists():
            raise Broken("the Autobahn test suite did not run: what it says stands above")
        held = _report(transport, json.loads((out / "summary.json").read_text(encoding="utf-8"))) and held
    return held


def why_not_strict(case: str) -> str | None:
    return next((why for pattern, why in WHY_NOT_STRICT.items() if fnmatchcase(case, pattern)), None)


def _report(transport: str, summary: dict[str, Any]) -> bool:
    bad = dict.fromkeys(summary["missing"], "no verdict")
    for verdicts in (summary["not_ok"], summary["close_not_ok"]):
        for verdict, cases in verdicts.items():
            if verdict == "NON-STRICT":
                bad.update({case: "not strict, for no known reason" for case in cases if why_not_strict(case) is None})
            elif verdict != "INFORMATIONAL":
                bad.update(dict.fromkeys(cases, verdict))
    for case, what in bad.items():
        print(f"{NAMES[transport]} {case}: {what}")
    counts = ", ".join(f"{number} {verdict}" for verdict, number in sorted(summary["behavior"].items()))
    print(f"{NAMES[transport]}: {summary['reported']} of {summary['cases_run']} cases: {counts}", flush=True)
    return not bad
