"""The last results, as the tables of docs/judged.md."""

from __future__ import annotations

import json
import os
import platform
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.judges.autobahn import WHY_NOT_STRICT, why_not_strict
from bench.judges.faults import Outcome, outcomes
from bench.judges.scenarios import GROUPS, NOT_IN_A_GAP
from bench.judges.workshop import NAMES, TRANSPORTS

_CASES = {
    1: "frames",
    2: "pings and pongs",
    3: "reserved bits",
    4: "opcodes",
    5: "fragments",
    6: "UTF-8",
    7: "closing",
    9: "large messages, many messages",
    10: "cut anywhere",
    12: "compression, by size of message",
    13: "compression, by its parameters",
}
Outcomes = dict[str, dict[str, Outcome]]  # by transport and scenario
Verdicts = dict[str, dict[str, dict[str, Any]]]  # by transport and case


def write(results: Path, document: Path) -> int:
    """Replace what stands between the marks of each part of which there are results. Returns an exit code."""
    parts: dict[str, list[str]] = {}
    if (results / "faults").exists():
        parts["faults"] = faults(
            {
                transport: {one.scenario: one for one in outcomes(results / "faults" / name, [])}
                for transport, name in NAMES.items()
            },
            _when(results / "faults"),
        )
    if (results / "autobahn").exists():
        indexes = {transport: results / "autobahn" / name / "index.json" for transport, name in NAMES.items()}
        parts["autobahn"] = autobahn(
            {transport: json.loads(path.read_text(encoding="utf-8")) for transport, path in indexes.items()},
            _when(results / "autobahn"),
        )
    text = document.read_text(encoding="utf-8")
    for name, lines in parts.items():
        text = replaced(text, name, lines)
    document.write_text(text, encoding="utf-8")
    print(f"{document}: {' and '.join(parts) or 'nothing'} written anew")
    return 0 if parts else 1


def replaced(text: str, name: str, lines: Iterable[str]) -> str:
    """The text with other lines between the marks of the part."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(end)
    assert tail or rest.endswith(end), f"no marks of {name}"
    return "".join([head, begin, "\n", *(f"{line}\n" for line in lines), "\n", end, tail])


# The fault judge


def faults(found: Outcomes, when: str) -> list[str]:
    lines = [when, ""]
    for transport in TRANSPORTS:
        of_one = found[transport].values()
        held = [one for one in of_one if not one.fails]
        lost = sum(one.declared for one in of_one)
        stop = max(one.stop for one in of_one if one.stop is not None)
        lines.append(
            f"- **{transport}: {len(held)} of {len(of_one)} scenarios held.** {lost} messages lie in declared gaps; "
            f"from SIGTERM to exit it took {stop:.2f} s at most."
        )
    for title, scenarios in GROUPS.items():
        ran = {name: told for name, told in scenarios.items() if all(name in of_one for of_one in found.values())}
        lines += [
            "",
            f"### {title}",
            "",
            "| scenario | what happens | held | detect | recover | lost | dials |",
            "|---|---|---|---|---|---|---|",
        ]
        lines += [_row(name, told, [found[transport][name] for transport in TRANSPORTS]) for name, told in ran.items()]
        notes = list(_notes(ran, found))
        lines += ["", *notes] if notes else []
    return lines


def _row(name: str, told: str, pair: list[Outcome]) -> str:
    def both(figure: Callable[[Outcome], object]) -> str:
        return " / ".join("-" if (value := figure(one)) is None else str(value) for one in pair)

    verdicts = ["no" if one.fails else "alone" if one.alone else "yes" for one in pair]
    held = verdicts[0] if len(set(verdicts)) == 1 else " / ".join(verdicts)
    cells = [
        f"`{name}`",
        told,
        held,
        both(lambda one: one.detect),
        both(lambda one: one.recover),
        both(lambda one: one.lost),
        both(lambda one: one.dials),
    ]
    return f"| {' | '.join(cells)} |"


def _notes(scenarios: Iterable[str], found: Outcomes) -> Iterator[str]:
    for name in scenarios:
        for transport in TRANSPORTS:
            if (one := found[transport][name]).fails:
                yield f"- `{name}` on {transport}: {'; '.join(one.fails)}"
        if name in NOT_IN_A_GAP:
            yield f"- `{name}`, what is not in a gap: {NOT_IN_A_GAP[name]}."


# Autobahn


def autobahn(found: Verdicts, when: str) -> list[str]:
    lines = [when, "", "| cases | about | number | asyncio | trio |", "|---|---|---|---|---|"]
    chapters = sorted({_chapter(case) for verdicts in found.values() for case in verdicts})
    for chapter in chapters:
        counts = [
            Counter(one["behavior"] for case, one in found[transport].items() if _chapter(case) == chapter)
            for transport in TRANSPORTS
        ]
        cells = [f"{chapter}.*", _CASES.get(chapter, ""), str(counts[0].total()), *map(_counted, counts)]
        lines.append(f"| {' | '.join(cells)} |")
    totals = [Counter(one["behavior"] for one in found[transport].values()) for transport in TRANSPORTS]
    lines.append(f"| all | | {totals[0].total()} | {' | '.join(map(_counted, totals))} |")
    lines += ["", *_not_strict(found)]
    return lines


def _chapter(case: str) -> int:
    return int(case.split(".", maxsplit=1)[0])


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {verdict}" for verdict, number in sorted(counts.items(), key=lambda one: -one[1]))


def _not_strict(found: Verdicts) -> Iterator[str]:
    for why in dict.fromkeys(WHY_NOT_STRICT.values()):
        cases = {transport: _cases(found[transport], "NON-STRICT", why) for transport in TRANSPORTS}
        if any(cases.values()):
            told = "; on ".join(f"{transport} {', '.join(which) or 'none'}" for transport, which in cases.items())
            yield f"- NON-STRICT on {told}. {why}"
    for transport in TRANSPORTS:
        if failed := sorted((case for case, one in found[transport].items() if not _is_good(one)), key=_order):
            yield f"- FAILED on {transport}: {', '.join(failed)}."
    informational = sorted(
        {case for verdicts in found.values() for case in _cases(verdicts, "INFORMATIONAL")}, key=_order
    )
    if informational:
        yield f"- INFORMATIONAL: {', '.join(informational)}. Autobahn records what is done there, and judges nothing."


def _is_good(verdict: dict[str, Any]) -> bool:
    return {verdict["behavior"], verdict["behaviorClose"]} <= {"OK", "NON-STRICT", "INFORMATIONAL"}


def _cases(verdicts: dict[str, dict[str, Any]], behavior: str, why: str | None = None) -> list[str]:
    cases = [case for case, one in verdicts.items() if one["behavior"] == behavior]
    return sorted((case for case in cases if why is None or why_not_strict(case) == why), key=_order)


def _order(case: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", case)]


def _when(folder: Path) -> str:
    """The day of the newest result, and what it was found with."""
    day = datetime.fromtimestamp(max(path.stat().st_mtime for path in folder.rglob("*.json")), UTC).date()
    parts = ", ".join(f"{name} {version(name)}" for name in ("holdfast", "wsproto", "h11", "trio"))
    return f"{day}; CPython {platform.python_version()}, {parts}; {platform.system()}, {os.cpu_count()} cores."
