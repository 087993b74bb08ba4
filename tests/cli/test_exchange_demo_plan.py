"""When connections are cut and users change their mind."""

from __future__ import annotations

from holdfast_cli.exchange_demo.plan import SECONDS, STREAMS, Plan

NAMES = tuple(f"s{number}" for number in range(STREAMS))


def test_five_cuts_are_spread_evenly_and_shrink_with_the_length() -> None:
    assert [cut.at for cut in Plan.of_length(SECONDS, NAMES).cuts] == [4.0, 8.0, 12.0, 16.0, 20.0]
    assert [cut.at for cut in Plan.of_length(15.0, NAMES).cuts] == [2.5, 5.0, 7.5, 10.0, 12.5]


def test_what_is_given_up_is_wanted_again_two_changes_later() -> None:
    changes = list(Plan.of_length(SECONDS, NAMES).changes())
    assert changes[0].off == NAMES[:7]
    assert [change.on for change in changes] == [(), (), *(change.off for change in changes[:-2])]
    assert changes[-1].at <= SECONDS - 3.0
    assert len({name for change in changes for name in change.off}) == 7 * len(changes)
