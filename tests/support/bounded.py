"""Calls that must end soon and small: made in a child process that is measured, and killed when it does not end."""

import json
import os
import resource
import select
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from compose.errors import ComposeError
from compose.render import diagnostic

SECONDS = 1.0
"""Of the processor, so that a busy machine fails nobody."""

MEGABYTES = 200
_KILLED_AFTER_S = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended: the error as it is printed, or nothing."""

    error: str
    placed: bool
    """Each of its errors has file, line and column."""
    seconds: float
    megabytes: float


def call(action: Callable[[], object]) -> Outcome:
    """Make a call in a child and measure it. Fails the test when the child dies, hangs, or raises anything else."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _run(action, writing)
    os.close(writing)
    try:
        if not select.select([reading], [], [], _KILLED_AFTER_S)[0]:
            os.kill(child, signal.SIGKILL)
        answer = b"".join(iter(lambda: os.read(reading, 1 << 16), b""))
    finally:
        os.close(reading)
        _, status = os.waitpid(child, 0)
    if not answer:
        pytest.fail(f"the child ended with status {status}: it crashed, ran out of memory, or did not end")
    found = json.loads(answer)
    if "defect" in found:
        pytest.fail(f"raised {found['defect']}")
    return Outcome(**found)


def require_refused(action: Callable[[], object], message: str) -> str:
    """Make a call that is refused with this in its message, soon, small, and with a place. Returns what is printed."""
    outcome = call(action)
    assert message in outcome.error, outcome.error[:2000] or "not refused"
    assert outcome.placed, outcome.error[:2000]
    _require_bounded(outcome)
    return outcome.error


def require_accepted(action: Callable[[], object]) -> None:
    """Make a call that succeeds, soon and small."""
    outcome = call(action)
    assert not outcome.error, outcome.error[:2000]
    _require_bounded(outcome)


def _require_bounded(outcome: Outcome) -> None:
    assert outcome.seconds < SECONDS
    assert outcome.megabytes < MEGABYTES


def _run(action: Callable[[], object], answer: int) -> None:
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, resource.RLIM_INFINITY))
        os.write(answer, json.dumps(_measured(action)).encode())
        code = 0
    finally:
        os._exit(code)


def _measured(action: Callable[[], object]) -> dict[str, object]:
    Path("/proc/self/clear_refs").write_text("5")
    before, begin = _peak_kb(), resource.getrusage(resource.RUSAGE_SELF)
    error, placed = "", True
    try:
        action()
    except ComposeError as refusal:
        error = diagnostic.render(refusal, color=False)
        placed = all(each.span is not None for each in getattr(refusal, "errors", (refusal,)))
    except BaseException as defect:  # noqa: BLE001 - what else comes is what the test is about
        return {"defect": repr(defect)[:1000]}
    end = resource.getrusage(resource.RUSAGE_SELF)
    seconds = end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime
    return {"error": error, "placed": placed, "seconds": seconds, "megabytes": (_peak_kb() - before) / 1024}


def _peak_kb() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
