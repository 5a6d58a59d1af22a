"""Reading, and meeting what runs: exec, attach, events, waiting. All that these need is the supervisor.

A second door beside the engine, for the commands that make and change nothing: it leaves images, networks and
volumes unimported, which is half of what `exec` would cost.
"""

from runtime.api import AttachSession, EventStream, ExecSession
from runtime.errors import FailedPrecondition
from runtime.paths import Paths, default_paths
from runtime.query import StateReader
from runtime.state import memos
from runtime.state.database import Database
from runtime.supervisor.client import Supervisors
from schemas.engine.specs import ExecSpec


def open_sessions(paths: Paths | None = None) -> "Sessions":
    """Return the sessions of the user's containers."""
    paths = paths or default_paths()
    return Sessions(paths, Database(paths.database), Supervisors(paths))


class Sessions(StateReader):
    """Those methods of runtime.api.Runtime that only the supervisor answers."""

    def __init__(self, paths: Paths, database: Database, supervisors: Supervisors) -> None:
        super().__init__(paths, database)
        self.supervisors = supervisors

    def adopt(self, project: str) -> None:
        """Start the project's supervisor if it has none, and wait until it has looked at every container.

        Raises Unavailable, PermissionDenied.
        """
        self.supervisors.of(project).connect()

    def recall(self, project: str) -> str | None:
        """Return what `remember` was given, if nothing of the project has changed and all of it runs; else None."""
        # Without a supervisor nobody has told the state what became of the containers.
        if not self.supervisors.of(project).connect(start=False):
            return None
        return memos.recall(self.database.read(), project)

    def exec_start(
        self, reference: str, spec: ExecSpec, *, stdin: int | None, stdout: int | None, stderr: int | None
    ) -> ExecSession:
        """Start a process in it, on the caller's descriptors."""
        record = self.container(reference)
        if not record.status.is_live:
            raise FailedPrecondition(f"container `{record.name}` is not running")
        return self.supervisors.of(record.spec.project).exec(record.id, spec, stdin=stdin, stdout=stdout, stderr=stderr)

    def attach(self, reference: str) -> AttachSession:
        """Attach to the terminal or the input of its own process."""
        record = self.container(reference)
        return self.supervisors.of(record.spec.project).attach(record.id)

    def subscribe(self, project: str) -> EventStream:
        """Listen to the events of a project."""
        return self.supervisors.of(project).subscribe()

    def wait_container(self, reference: str) -> int:
        """Wait until it does not run any more; return its exit code."""
        record = self.container(reference)
        if record.status.is_live:
            self.supervisors.of(record.spec.project).wait(record.id)
            record = self.container(record.id)
        return record.exit_code

    def close(self) -> None:
        """Release connections and the database."""
        self.supervisors.close()
        super().close()
