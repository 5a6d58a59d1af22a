"""What may run now, and what never will."""

import pytest

from compose.graph.schedule import Schedule


def test_an_operation_must_become_ready_with_its_last_predecessor() -> None:
    """Not level by level: 3 needs 1 only, and does not wait for 2."""
    schedule = Schedule({1: [], 2: [], 3: [1], 4: [2, 3]})
    assert schedule.ready() == [1, 2]
    assert schedule.finish(1) == [3]
    assert schedule.finish(3) == []
    assert schedule.finish(2) == [4]
    assert len(schedule) == 1


def test_a_failure_must_take_along_all_that_needs_it_and_nothing_else() -> None:
    """Direct or not, what needs the failed one is lost; its soft successors run."""
    schedule = Schedule({1: [], 2: [1], 3: [2], 4: [], 5: []}, {4: [1], 5: [3]})
    ready, lost = schedule.fail(1)
    assert sorted(ready) == [4, 5]
    assert lost == [2, 3]
    assert len(schedule) == 2


def test_what_is_lost_by_two_ways_must_be_lost_once() -> None:
    """3 needs the failed one directly and by 2: whichever way is gone first, the account holds."""
    schedule = Schedule({1: [], 2: [4], 3: [1, 2], 4: [1], 5: []}, {5: [2, 3]})
    ready, lost = schedule.fail(1)
    assert (ready, sorted(lost)) == ([5], [2, 3, 4])
    assert len(schedule) == 1


def test_a_soft_edge_beside_a_hard_one_must_stay_hard() -> None:
    """A node that is named both ways fails with its predecessor."""
    _, lost = Schedule({1: [], 2: [1]}, {2: [1]}).fail(1)
    assert lost == [2]


def test_a_circle_must_be_refused() -> None:
    """A plan that waits for itself would never end."""
    with pytest.raises(ValueError, match="circle"):
        Schedule({1: [2], 2: [1]})
