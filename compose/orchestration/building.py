"""BuildImage while it is performed: what the runtime tells goes to the renderer, Ctrl-C goes to the runtime."""

import os
import time

from compose.events import BuildProgress, EventProcessor
from compose.orchestration.calls import Result
from compose.orchestration.interruption import Interruption
from compose.orchestration.operation import BuildImage
from runtime.api import Runtime
from schemas.engine.builds import BuildEvent


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


def build_image(runtime: Runtime, operation: BuildImage, events: EventProcessor, interruption: Interruption) -> Result:
    """Make the call. Raises what it raises, Cancelled among it."""
    descriptor = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def cancel() -> None:
        os.eventfd_write(descriptor, 1)

    try:
        interruption.on_set(cancel)
        if interruption.is_set:
            cancel()
        runtime.build_image(operation.spec, listener=_Listener(operation.name, events, descriptor))
    finally:
        interruption.forget(cancel)
        os.close(descriptor)
    return Result()
