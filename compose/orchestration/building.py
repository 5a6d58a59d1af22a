"""BuildImage while it is performed: what the runtime tells goes to the renderer, Ctrl-C goes to the runtime."""

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from compose.events import BuildProgress, EventProcessor
from compose.orchestration.calls import Result
from compose.orchestration.operation import BuildImage
from compose.orchestration.specs.contexts import STANDARD_INPUT
from runtime.api import Runtime
from schemas.engine.builds import BuildEvent, BuildSpec

if TYPE_CHECKING:
    from compose.orchestration.executor import Execution


class _Listener:
    """runtime.api.BuildListener."""

    def __init__(self, service: str, events: EventProcessor, cancel_fd: int) -> None:
        self._service = service
        self._events = events
        self._cancel_fd = cancel_fd

    @property
    def cancel_fd(self) -> int:
        """Readable once the user has asked to stop."""
        return self._cancel_fd

    def on(self, event: BuildEvent) -> None:
        """Pass it on."""
        self._events.on(BuildProgress(self._service, event, time.monotonic()))


def build_image(runtime: Runtime, operation: BuildImage, execution: "Execution") -> Result:
    """Make the call. Raises what it raises, Cancelled among it."""
    spec = with_input(operation.spec)
    descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
    interruption = execution.interruption

    def cancel() -> None:
        os.eventfd_write(descriptor, 1)

    try:
        interruption.on_set(cancel)
        if interruption.is_set:
            cancel()
        runtime.build_image(spec, listener=_Listener(operation.name, execution.events, descriptor))
    finally:
        interruption.forget(cancel)
        os.close(descriptor)
    return Result()


def with_input(spec: BuildSpec) -> BuildSpec:
    """Let the context `-` be standard input, as for `docker build`, where there is no folder of that name."""
    is_input = os.path.basename(spec.context) == STANDARD_INPUT and not os.path.lexists(spec.context)  # noqa: PTH119 - texts
    return replace(spec, context=STANDARD_INPUT) if is_input else spec
