"""An audit by streams: what the consumer took of each, held against what the exchange published of it.

Order is promised within a stream only, when several connections carry it. A lost message is declared if a `Gap`, of its
stream or of all, stands in the consumer's log between the messages of its stream before and after it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from holdfast import Gap
from holdfast.testing import Publication
from holdfast_cli.ledger import Audit, Entry, GapAccount, StreamAccount


@dataclass(slots=True)
class _Account:
    """Of one stream. Its messages have the numbers from `first` to `last`, without holes."""

    first: int
    last: int
    next: int  # behind the latest message taken
    taken: set[int] = field(default_factory=set[int])
    skips: list[tuple[range, int | None]] = field(default_factory=list[tuple[range, int | None]])  # and in which gap
    gap: int | None = None  # declared since the latest message
    duplicated: int = 0
    displaced: int = 0

    def take(self, number: int) -> None:
        if number in self.taken:
            self.duplicated += 1
        elif number < self.next:
            self.displaced += 1
            self.taken.add(number)
        else:
            self.skip_to(number)
            self.next = number + 1
            self.taken.add(number)
        self.gap = None

    def skip_to(self, number: int) -> None:
        if number > self.next:
            self.skips.append((range(self.next, number), self.gap))


def audit_streams(published: Sequence[Publication], log: Sequence[Entry]) -> Audit:
    """From the first message that the consumer took, of any stream, to the last one published."""
    accounts = _accounts(_from_first(published, log))
    gaps: list[Gap] = []
    invented = 0
    for entry in log:
        if isinstance(entry, Gap):
            gaps.append(entry)
            for account in accounts.values() if entry.stream is None else _those(accounts, entry.stream):
                account.gap = len(gaps) - 1 if account.gap is None else account.gap
        else:
            taken_from = accounts.get(entry[0])
            if taken_from is not None and taken_from.first <= entry[1] <= taken_from.last:
                taken_from.take(entry[1])
            else:
                invented += 1
    lost_by_gap: Counter[int] = Counter()
    told = tuple(_told(stream, accounts[stream], lost_by_gap) for stream in sorted(accounts))
    return Audit(told, tuple(GapAccount(gap, lost_by_gap[index]) for index, gap in enumerate(gaps)), invented)


def _from_first(published: Sequence[Publication], log: Iterable[Entry]) -> Sequence[Publication]:
    first = next((entry for entry in log if not isinstance(entry, Gap)), None)
    index = next((at for at, one in enumerate(published) if one[:2] == first), 0)
    return published[index:]


def _accounts(published: Sequence[Publication]) -> dict[str, _Account]:
    accounts: dict[str, _Account] = {}
    for stream, number, _ in published:
        if (account := accounts.get(stream)) is None:
            account = accounts[stream] = _Account(number, number, number)
        account.last = number
    return accounts


def _those(accounts: dict[str, _Account], stream: str) -> list[_Account]:
    return [accounts[stream]] if stream in accounts else []


def _told(stream: str, account: _Account, lost_by_gap: Counter[int]) -> StreamAccount:
    account.skip_to(account.last + 1)
    declared = undeclared = 0
    for numbers, gap in account.skips:
        lost = sum(number not in account.taken for number in numbers)  # what came displaced is not lost
        if gap is None:
            undeclared += lost
        else:
            declared += lost
            lost_by_gap[gap] += lost
    return StreamAccount(
        stream,
        published=account.last - account.first + 1,
        received=len(account.taken),
        declared=declared,
        undeclared=undeclared,
        duplicated=account.duplicated,
        displaced=account.displaced,
    )
