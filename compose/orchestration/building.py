"""BuildImage while it is performed: what the runtime tells goes to the renderer, Ctrl-C goes to the runtime."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from compose.events import BuildProgress, EventProcessor
from compose.orchestration.calls import Result
from compose.orchestration.operation import BuildImage
from compose.orchestration.specs.contexts import is_repository
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
    """Make the call. Raises what it raises, Cancelled among it, and ComposeError for a context that cannot be had."""
    spec = _with_folders(operation.spec, execution.fetch_context)
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


def _with_folders(spec: BuildSpec, fetch: Callable[[str], str] | None) -> BuildSpec:
    """Bring contexts that are repositories."""
    if fetch is None:
        return spec
    context = fetch(spec.context) if is_repository(spec.context) else spec.context
    contexts = {name: fetch(value) if is_repository(value) else value for name, value in spec.contexts.items()}
    return replace(spec, context=context, contexts=contexts)
