"""The audit of streams that come and go."""

from __future__ import annotations

import pytest

from holdfast import Cause, Failure, Gap
from holdfast.testing import Publication
from holdfast_cli.exchange_demo.ledger import Declared, Entry, Held, Taken, Unwanted, Wanted, audit

A, B = "a@trade", "b@trade"
# Number n of each stream at n seconds.
PUBLISHED = [(Publication(stream, number, float(number)), number) for number in range(1, 11) for stream in (A, B)]


def took(*numbers: int, stream: str = A) -> list[Entry]:
    return [Taken(stream, number) for number in numbers]


def gap(at: float, stream: str | None = None) -> Declared:
    return Declared(Gap(at, at - 1.0, at, Failure(Cause.RESET), stream=stream), at)


ASKED: list[Entry] = [Wanted((A,)), Held((A,), 0.5)]


@pytest.mark.parametrize(
    ("log", "received", "declared", "undeclared"),
    [
        pytest.param([*ASKED, *took(*range(1, 11))], 10, 0, 0, id="all"),
        pytest.param([Wanted((A,)), Held((A,), 3.5), *took(*range(4, 11))], 7, 0, 0, id="before it was held"),
        pytest.param([Wanted((A,)), Held((A,), 3.5), *took(*range(5, 11))], 6, 0, 1, id="the first since it was held"),
        pytest.param([*ASKED, *took(1, 2, 4, 5, 6, 7, 8, 9, 10)], 9, 0, 1, id="a hole"),
        pytest.param([*ASKED, *took(*range(1, 10))], 9, 0, 1, id="the last"),
        pytest.param([*ASKED, *took(1, 2), gap(4.5), *took(*range(5, 11))], 8, 2, 0, id="in a gap"),
        pytest.param([*ASKED, *took(1, 2), gap(4.5, A), *took(*range(5, 11))], 8, 2, 0, id="in one of its own"),
        pytest.param([*ASKED, *took(1, 2), gap(4.5, B), *took(*range(5, 11))], 8, 0, 2, id="in one of another stream"),
        pytest.param([*ASKED, *took(1, 2), gap(3.5), *took(*range(5, 11))], 8, 1, 1, id="and behind a gap"),
        pytest.param([*ASKED, gap(0.9), *took(1, 2, *range(5, 11))], 8, 0, 2, id="a gap elsewhere, before"),
        pytest.param([*ASKED, *took(1, 2, *range(5, 11)), gap(20.0)], 8, 0, 2, id="a gap elsewhere, after"),
        pytest.param(
            [*ASKED, *took(1, 2, 3), Unwanted((A,), 3.5), Wanted((A,)), Held((A,), 6.5), *took(7, 8, 9, 10)],
            7,
            0,
            0,
            id="given up, and asked for again",
        ),
        pytest.param(
            [*ASKED, *took(1, 2, 3, 4), Unwanted((A,), 3.5), Held((A,), 3.6)], 4, 0, 0, id="given up in the end"
        ),
        pytest.param(
            [*ASKED, *took(1, 2), Unwanted((A,), 3.5), Wanted((A,)), Held((A,), 6.5), *took(7, 8, 9, 10)],
            6,
            0,
            1,
            id="the last before it was given up",
        ),
        pytest.param(
            [*ASKED, *took(1, 2, 3), Unwanted((A,), 3.5), gap(9.0), Wanted((A,)), Held((A,), 6.5), *took(8, 9, 10)],
            6,
            0,
            1,
            id="a gap from before it was held again",
        ),
    ],
)
def test_what_is_missing_is_declared_or_not(log: list[Entry], received: int, declared: int, undeclared: int) -> None:
    (account, other) = audit(PUBLISHED, log).streams
    assert (account.stream, other.stream) == (A, B)
    assert (account.received, account.declared, account.undeclared) == (received, declared, undeclared)
    assert account.published == received + declared + undeclared
    assert other.published == 0


def test_losses_are_put_to_the_first_gap_that_declares_them() -> None:
    log = [*ASKED, *took(1), gap(2.5), gap(3.5, A), gap(3.5, B), *took(*range(4, 11))]
    assert [account.lost for account in audit(PUBLISHED, log).gaps] == [1, 1, 0]


def test_what_came_twice_out_of_order_or_was_never_published_is_counted() -> None:
    audited = audit(PUBLISHED, [*ASKED, *took(1, 2, 2, 4, 3, *range(5, 11), 99), *took(1, stream="c@trade")])
    assert (audited.total.duplicated, audited.total.displaced, audited.invented) == (1, 1, 2)


def test_what_a_service_tells_at_once_is_no_publication() -> None:
    log = [*ASKED, Taken(A, (0, 1), told_first=True), *took(*range(1, 11))]
    assert audit(PUBLISHED, log).invented == 0
