"""From an operation to its Runtime call; no decisions. For a wait see conditions, for a build building."""

from compose.errors import ExecutionError
from compose.orchestration import operation as op
from runtime.api import Runtime, TransferListener
from runtime.errors import FailedPrecondition
from schemas.dataclass import dataclass
from schemas.engine.records import ContainerRecord


@dataclass(frozen=True, slots=True)
class Result:
    """What came out of a call."""

    container: ContainerRecord | None = None
    word: str = ""
    """In place of the usual one."""
    note: str = ""
    """Success with a warning."""


def perform(runtime: Runtime, operation: op.Operation, listener: TransferListener | None = None) -> Result:
    """Make the call. Raises what it raises (runtime.errors), and ExecutionError for a hook that fails.

    `listener` is told how an image comes along.
    """
    match operation:
        case op.PullImage():
            runtime.pull_image(operation.image, platform=operation.platform, listener=listener)
            return Result()
        case op.PushImage():
            runtime.push_image(operation.image, listener=listener)
            return Result()
        case op.CreateContainer():
            return Result(runtime.create_container(operation.spec, anonymous_volumes=dict(operation.anonymous_volumes)))
        case op.StartContainer():
            return Result(runtime.start_container(operation.reference or operation.name))
        case op.StopContainer():
            reference = operation.reference or operation.name
            return Result(runtime.stop_container(reference, timeout_s=operation.timeout_s))
        case op.RunHook():
            return _run_hook(runtime, operation)
        case op.WaitCondition() | op.BuildImage():
            raise TypeError("it is more than a call")
        case op.CreateNetwork() | op.RemoveNetwork() | op.CreateVolume() | op.RemoveVolume() | op.RemoveImage():
            return _change_resource(runtime, operation)
        case _:
            _change_container(runtime, operation)
            return Result()


def _change_container(
    runtime: Runtime,
    operation: op.KillContainer | op.PauseContainer | op.UnpauseContainer | op.RemoveContainer | op.RenameContainer,
) -> None:
    reference = operation.reference or operation.name
    match operation:
        case op.KillContainer():
            runtime.kill_container(reference, operation.signal)
        case op.PauseContainer():
            runtime.pause_container(reference)
        case op.UnpauseContainer():
            runtime.unpause_container(reference)
        case op.RemoveContainer():
            runtime.remove_container(reference, force=operation.force, volumes=operation.volumes)
        case op.RenameContainer():
            runtime.rename_container(reference, operation.name)


def _change_resource(runtime: Runtime, operation: op.ResourceOperation) -> Result:
    try:
        match operation:
            case op.CreateNetwork():
                runtime.create_network(operation.spec)
            case op.RemoveNetwork():
                runtime.remove_network(operation.name)
            case op.CreateVolume():
                runtime.create_volume(operation.spec)
            case op.RemoveVolume():
                runtime.remove_volume(operation.name)
            case op.RemoveImage():
                runtime.remove_image(operation.name)
    except FailedPrecondition:
        if isinstance(operation, op.CreateNetwork | op.CreateVolume) or not operation.lenient:
            raise
        return Result(word="Resource is still in use", note="something else uses it")
    return Result()


def _run_hook(runtime: Runtime, operation: op.RunHook) -> Result:
    reference = operation.reference or operation.name
    session = runtime.exec_start(reference, operation.spec, stdin=None, stdout=None, stderr=None)
    if code := session.wait():
        raise ExecutionError(f"{operation.hook} hook of container `{operation.name}` exited with status {code}")
    return Result()
