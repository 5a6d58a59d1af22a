"""What loading costs for one more service must not depend on how many there are already."""

import gc
import importlib
import sys
import time

from benchmarks.load import STAGES
from compose.loader.pipeline import resolve
from compose.loader.project import load
from tests.support.stacks import stack
from tests.unit.loader.memory import options

GENEROUS = 2.0
"""Of the clock; what is quadratic is ten times as much."""


def test_every_stage_that_the_benchmark_times_must_exist() -> None:
    """It puts clocks into the loader by name."""
    for place in (place for places in STAGES.values() for place in places):
        module, name = place.split(":")
        assert callable(getattr(importlib.import_module(module), name)), place


def _calls(size: int) -> int:
    wanted, count = options({"compose.yaml": stack(size)}), 0

    def note(_: object, event: str, __: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        load(wanted)
    finally:
        sys.setprofile(None)
    return count


def test_one_more_service_must_cost_as_many_steps_as_the_last() -> None:
    """Counted, so that no slow machine makes it fail."""
    _calls(1)  # what is made once is made now
    few, some, many = (_calls(size) for size in (10, 60, 360))
    assert (many - some) / 300 < 1.02 * (some - few) / 50


def test_one_more_service_must_take_as_long_as_the_last() -> None:
    """Measured too, for what one step hides: a search through a list, a text made longer bit by bit."""

    def seconds_each(size: int) -> float:
        wanted = options({"compose.yaml": stack(size)})
        times = []
        for _ in range(2):
            begun = time.process_time()
            resolve(wanted)
            times.append(time.process_time() - begun)
        return min(times) / size

    gc.disable()
    try:
        seconds_each(1)
        assert seconds_each(600) < GENEROUS * seconds_each(60)
    finally:
        gc.enable()
