"""From operations to what the user sees, in docker compose's words.

Several operations that recreate or restart one container are one line: the first starts it, the last ends it.
"""

import time
from collections import Counter

from compose.events import EventProcessor, Progress, ProgressEvent
from compose.orchestration import operation as op
from compose.orchestration.interruption import Interruption
from compose.orchestration.plan import Group, Plan, PlanNode
from schemas.engine.transfers import TransferEvent, TransferStage

WORDS: dict[type, tuple[str, str]] = {
    op.CreateNetwork: ("Creating", "Created"),
    op.RemoveNetwork: ("Removing", "Removed"),
    op.CreateVolume: ("Creating", "Created"),
    op.RemoveVolume: ("Removing", "Removed"),
    op.RemoveImage: ("Removing", "Removed"),
    op.BuildImage: ("Building", "Built"),
    op.CreateContainer: ("Creating", "Created"),
    op.StartContainer: ("Starting", "Started"),
    op.StopContainer: ("Stopping", "Stopped"),
    op.KillContainer: ("Killing", "Killed"),
    op.PauseContainer: ("", "Paused"),
    op.UnpauseContainer: ("", "Unpaused"),
    op.RemoveContainer: ("Removing", "Removed"),
    op.RenameContainer: ("Renaming", "Renamed"),
    op.WaitCondition: ("Waiting", "Healthy"),
    op.PullImage: ("Pulling", "Pulled"),
    op.PushImage: ("Pushing", "Pushed"),
}
"""Begin (perhaps none) and end. Hooks have neither: they belong to the container's own line."""

GROUP_WORDS: dict[str, tuple[str, str]] = {"recreate": ("Recreate", "Recreated"), "restart": ("Restarting", "Started")}


def labels_of(operation: op.Operation) -> tuple[str, ...]:
    """Return the lines that an operation belongs to: one, or one a container that is waited for."""
    match operation:
        case op.CreateNetwork(spec=network):
            return (f"Network {network.name}",)
        case op.RemoveNetwork(name=name):
            return (f"Network {name}",)
        case op.CreateVolume(spec=volume):
            return (f'Volume "{volume.name}"',)
        case op.RemoveVolume(name=name):
            return (f"Volume {name}",)
        case op.RemoveImage(name=name):
            return (f"Image {name}",)
        case op.PullImage():
            return operation.services
        case op.PushImage(name=name) | op.BuildImage(name=name):
            return (name,)
        case op.WaitCondition(containers=names):
            return tuple(f"Container {name}" for name in names)
        case _:
            return (f"Container {operation.name}",)


def tell_unchanged(events: EventProcessor, name: str, word: str) -> None:
    """Report a container that needs nothing."""
    events.on(ProgressEvent(f"Container {name}", Progress.DONE, word, time_s=time.monotonic()))


def tell_skipped(events: EventProcessor, service: str, reason: str) -> None:
    """Report a service whose image is not pulled or pushed."""
    events.on(ProgressEvent(service, Progress.DONE, reason, time_s=time.monotonic(), is_image=True))


class LayerReporter:
    """Tells of the layers of one image below the lines of the services it is for."""

    def __init__(self, events: EventProcessor, operation: op.ImageOperation, interruption: Interruption) -> None:
        self._events = events
        self._operation = operation
        self._interruption = interruption

    @property
    def is_cancelled(self) -> bool:
        """Whether the user has asked to stop."""
        return self._interruption.is_set

    def on(self, event: TransferEvent) -> None:
        """Report a layer's stage or progress, once: the services share it."""
        if self._operation.quiet:
            return
        if event.stage is TransferStage.WARNED:
            # A line of its own, which stays when the image is there.
            label = f"Registry {event.layer}"
            told = ProgressEvent(label, Progress.WARNING, event.stage.value, event.source, time.monotonic())
            self._events.on(told)
            return
        progress = Progress.DONE if event.stage.is_final else Progress.WORKING
        self._events.on(
            ProgressEvent(
                event.layer,
                progress,
                event.stage.value,
                event.source,
                time.monotonic(),
                is_image=True,
                parent=self._operation.name,
                current_bytes=event.current_bytes,
                total_bytes=event.total_bytes,
            )
        )


class ProgressReporter:
    """Turns the executor's node by node account into events."""

    def __init__(self, events: EventProcessor, plan: Plan) -> None:
        self._events = events
        self._left = Counter(node.group for node in plan if node.group)
        self._begun: set[Group] = set()

    def started(self, node: PlanNode) -> None:
        """Report that an operation begins."""
        if node.group:
            if node.group not in self._begun:
                self._begun.add(node.group)
                self._emit(node, Progress.WORKING, GROUP_WORDS[node.group.kind][0], node.operation.cause)
            return
        begin, _ = WORDS.get(type(node.operation), ("", ""))
        if begin:
            waits = isinstance(node.operation, op.WaitCondition)
            self._emit(node, Progress.WAITING if waits else Progress.WORKING, begin, node.operation.cause)

    def waiting(self, node: PlanNode, reason: str) -> None:
        """Report that a wait goes on, and how it stands."""
        self._emit(node, Progress.WAITING, WORDS[op.WaitCondition][0], reason)

    def finished(self, node: PlanNode, word: str = "", note: str = "") -> None:
        """Report success; `word` in place of the usual one, `note` where it is success with a warning."""
        if node.group:
            self._left[node.group] -= 1
            if not self._left[node.group]:
                self._emit(node, Progress.DONE, GROUP_WORDS[node.group.kind][1])
        elif words := WORDS.get(type(node.operation)):
            self._emit(node, Progress.WARNING if note else Progress.DONE, word or words[1], note)

    def listener(self, operation: op.Operation, interruption: Interruption) -> LayerReporter | None:
        """Return who is told of the layers of an image; None for an operation that moves none."""
        return (
            LayerReporter(self._events, operation, interruption) if isinstance(operation, op.ImageOperation) else None
        )

    def failed(self, node: PlanNode, message: str) -> None:
        """Report an error."""
        if isinstance(node.operation, op.PullImage) and node.operation.buildable:
            self._emit(node, Progress.WARNING, "Warning", message)
        else:
            self._emit(node, Progress.ERROR, "Error", message)

    def interrupted(self, node: PlanNode) -> None:
        """Report an operation that was stopped half-way."""
        self._emit(node, Progress.WARNING, "Interrupted")

    def skipped(self, node: PlanNode, reason: str) -> None:
        """Report an operation that will not run since one before it failed."""
        if isinstance(node.operation, op.StartContainer | op.CreateContainer):
            self._emit(node, Progress.WARNING, "Skipped", reason)

    def _emit(self, node: PlanNode, progress: Progress, text: str, reason: str = "") -> None:
        for label in labels_of(node.operation):
            # The line begins with the name already.
            cause = reason.removeprefix(f"{label}: ")
            is_image = isinstance(node.operation, op.ImageOperation)
            self._events.on(ProgressEvent(label, progress, text, cause, time.monotonic(), is_image=is_image))
