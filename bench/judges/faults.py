"""The fault judge's scenarios on both transports: its verdicts, and what our clients found out besides."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.judges.audit import FIGURES
from bench.judges.scenarios import GIVES_UP, LEFT_OUT, NOT_IN_A_GAP, SENT_TWICE
from bench.judges.workshop import NAMES, TRANSPORTS, Broken, Workshop, client

# Seconds. When a lost message was made is known to a tick or two of the server, that is 50 ms each.
_ALLOWED_OUTSIDE = 0.1


@dataclass(frozen=True, slots=True)
class Outcome:
    """One scenario on one transport. Times in seconds; `dials` are those after the fault.

    `lost` is the judge's count of messages that were never handed over; `declared` those of them that lie in a Gap.
    `fails` is empty if everything held; `alone`: it held only when nothing else ran beside it.
    """

    scenario: str
    fails: tuple[str, ...]
    detect: float | None
    recover: float | None
    lost: int
    declared: int
    dials: int
    stop: float | None
    alone: bool = False


def run(workshop: Workshop, names: list[str], jobs: int) -> bool:
    """Whether every scenario held, on each transport, if need be when run alone."""
    results = workshop.results / "faults"
    if not names:
        shutil.rmtree(results, ignore_errors=True)
    held = True
    for transport in TRANSPORTS:
        folder = results / NAMES[transport]
        _judge(workshop, transport, names, "--jobs", str(jobs))
        if failed := [one.scenario for one in outcomes(folder, names) if one.fails]:
            # The scenarios are sensitive to time. The judge takes what a server is still writing when the run ends for
            # lost ("dribble"): with half a second more the run ends between two messages.
            print(f"{NAMES[transport]}: once more, each alone: {' '.join(failed)}", flush=True)
            _judge(workshop, transport, failed, "--jobs", "1", "--extra", "0.5")
            _note_alone(folder, failed)
        held = _report(transport, list(outcomes(folder, names))) and held
    return held


def outcomes(folder: Path, names: list[str]) -> Iterator[Outcome]:
    """What the judge left in the folder of a client, of these scenarios or of all."""
    for path in sorted(folder.glob("*.json")):
        if names and path.stem not in names:
            continue
        log = path.with_suffix(".client.jsonl").read_text(encoding="utf-8")
        yield outcome(json.loads(path.read_text(encoding="utf-8")), _audited(log.splitlines()))


def outcome(judged: dict[str, Any], audited: dict[str, Any] | None) -> Outcome:
    """From the judge's figures, and those of the client's own audit (None if it did not live to give any)."""
    scenario = judged["scenario"]
    fails = list(judged["fails"])
    declared = 0
    if audited is None:
        fails.append("no audit by the client")
    else:
        declared = audited["declared"]
        fails += _found(scenario, judged["lost"] - declared, audited)
    if judged["why"] and scenario not in GIVES_UP and not any("crash" in fail for fail in fails):
        fails.append(f"crash: {judged['why']}")
    return Outcome(
        scenario,
        tuple(fails),
        judged["detect_s"],
        judged["recover_s"],
        judged["lost"],
        declared,
        judged["attempts_after_fault"],
        judged["stop_s"],
        judged.get("alone", False),
    )


def _found(scenario: str, not_declared: int, audited: dict[str, Any]) -> Iterator[str]:
    if audited["undeclared"] != LEFT_OUT.get(scenario, 0):
        yield f"{audited['undeclared']} messages skipped without a Gap"
    elif not_declared and scenario not in NOT_IN_A_GAP:
        yield f"{not_declared} messages lost without a Gap"
    if audited["repeated"] != SENT_TWICE.get(scenario, 0):
        yield f"{audited['repeated']} messages repeated or out of order"
    if audited["outside"] > _ALLOWED_OUTSIDE:
        yield f"a message lost {audited['outside']} s outside of its Gap"
    if audited["left"]:
        yield f"left behind: {'; '.join(audited['left'])}"


def _audited(log: Iterable[str]) -> dict[str, Any] | None:
    for line in log:
        try:
            entry: dict[str, Any] = json.loads(line)
        except ValueError:
            continue  # cut off when the process was killed
        if entry["k"] == FIGURES:
            return entry
    return None


def _judge(workshop: Workshop, transport: str, names: list[str], *options: str) -> None:
    script = workshop.root / "faults" / "judge.py"
    results = workshop.results / "faults"
    workshop.run(
        sys.executable, script, client(transport), *names, *options, "--python", sys.executable, "--out", results
    )  # fmt: skip
    if not any((results / NAMES[transport]).glob("*.json")):
        raise Broken("the fault judge did not run: what it says stands above")


def _note_alone(folder: Path, names: list[str]) -> None:
    for name in names:
        path = folder / f"{name}.json"
        judged = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({**judged, "alone": True}, indent=1), encoding="utf-8")


def _report(transport: str, found: list[Outcome]) -> bool:
    failed = [one for one in found if one.fails]
    for one in failed:
        print(f"{NAMES[transport]} {one.scenario}: {'; '.join(one.fails)}")
    held = [one for one in found if not one.fails]
    lost = sum(one.lost for one in held if one.scenario not in NOT_IN_A_GAP)
    print(
        f"{NAMES[transport]}: {len(held)} of {len(found)} scenarios held; in these all {lost} lost messages lie in "
        "declared gaps, and no task, socket or file was left",
        flush=True,
    )
    return not failed
