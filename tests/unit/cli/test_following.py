"""Output of several containers as it comes."""

import io
import os
import time
from dataclasses import replace

from compose.cli.following import Following
from compose.render.logs import LogPrinter
from schemas.engine.events import EngineEvent
from schemas.engine.records import ContainerRecord, LogLine
from schemas.engine.specs import ContainerSpec
from schemas.engine.status import ContainerStatus
from tests.support.builders import record_of

RECORD = replace(
    record_of(ContainerSpec(name="p-quick-1", image="i", project="p", service="quick", number=1)),
    status=ContainerStatus.EXITED,
)


class Descriptor:
    """One that is readable at once."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.write(self._writer, b"\0")

    def fileno(self) -> int:
        return self._reader

    def close(self) -> None:
        os.close(self._reader)
        os.close(self._writer)


class Follower(Descriptor):
    """Has everything at the first read, and ends."""

    ended = False

    def read(self) -> list[LogLine]:
        self.ended = True
        return [LogLine(1, "stdout", b"once")]


class Events(Descriptor):
    """The start and the end of one container, some time ago."""

    def __init__(self, started_ns: int) -> None:
        super().__init__()
        self._left = [
            EngineEvent("container", "start", RECORD.id, time_ns=started_ns),
            EngineEvent("container", "die", RECORD.id, attributes={"exitCode": "0"}, time_ns=started_ns + 1),
        ]

    def read(self, _timeout_s: float | None = None) -> EngineEvent | None:
        return self._left.pop(0) if self._left else None


class Reader:
    """A state with one container, which has ended."""

    def container(self, _reference: str) -> ContainerRecord:
        return RECORD

    def follow_logs(self, _container: str, **_options: int | None) -> Follower:
        return Follower()


def test_a_container_that_ends_before_its_start_is_read_must_be_printed_once() -> None:
    """The news of its start comes when all of its output is printed already."""
    printed = io.BytesIO()
    following = Following(Reader(), LogPrinter(printed, printed, ["quick-1"]), apart=True)  # type: ignore[arg-type]
    events = Events(time.time_ns() - 1_000_000)
    following.add(RECORD)
    following.run()
    following.watch(events, lambda _: True, lambda *_: following.finish())  # type: ignore[arg-type]
    following.run(until_ended=False)
    following.drain()
    following.close()
    events.close()
    assert printed.getvalue().count(b"once") == 1
    assert b"exited with code 0" in printed.getvalue()
