"""The `git` command: which commit a ref stands for, and its tree.

git asks nobody anything, runs no hook, speaks the listed protocols only, and is ended with all it started when it
takes too long or the user interrupts. Its configuration and credential helpers are the user's own.
Source: git(1), git-ls-remote(1), git-fetch(1), gitattributes(5); docker compose, pkg/remote/git.go.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from compose.errors import RemoteError
from compose.remote.reference import PROTOCOLS, GitReference, without_password
from schemas.dataclass import dataclass

RESOLVE_S = 60.0
FETCH_S = 900.0
PATIENCE_S = 1.0
"""What may pass in silence."""
STALLED_S = 30
"""Seconds below a kilobyte each, after which a transfer over HTTP is given up."""

_NO_MATCH = 2
"""ls-remote's exit code with --exit-code."""
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "advice.detachedHead=false",
    "maintenance.auto=false",
    "gc.auto=0",
    "submodule.recurse=false",
    "http.lowSpeedLimit=1000",
    f"http.lowSpeedTime={STALLED_S}",
)
_OF_ANOTHER_REPOSITORY = frozenset(
    (
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_DIR",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    )
)
"""Variables that a hook or an alias of git leaves to what it runs."""
_SSH = f"ssh -o ControlMaster=no -o BatchMode=yes -o ConnectTimeout={STALLED_S}"


@dataclass(frozen=True, slots=True)
class Git:
    """Runs git in an environment."""

    environment: Mapping[str, str]
    tell_waiting: Callable[[str], None]
    """Told what is waited for, when it takes longer than PATIENCE_S."""

    def resolve(self, reference: GitReference) -> str:
        """The commit that a reference means now. Raises RemoteError."""
        if reference.is_commit:
            return _require_checksum(reference, reference.ref)
        names = _full_names(reference.ref)
        patterns = [pattern for name in names for pattern in (name, f"{name}^{{}}")]
        arguments = ("ls-remote", "--exit-code", "--", reference.repository, *patterns)
        done = self._run(arguments, reference, RESOLVE_S)
        shown = without_password(reference.repository)
        if done.returncode == _NO_MATCH:
            hint = "a commit is named by all of its 40 digits" if _is_hexadecimal(reference.ref) else ""
            raise RemoteError(f"{shown} has no branch or tag `{reference.ref}`", hint=hint)
        if done.returncode:
            raise _failure(f"cannot read {shown}", done)
        lines = (line.partition("\t") for line in done.stdout.decode("utf-8", "replace").splitlines())
        commits = {name: commit for commit, _, name in lines}
        for name in names:
            commit = commits.get(f"{name}^{{}}") or commits.get(name)
            if commit:
                return _require_checksum(reference, commit)
        raise RemoteError(f"{shown} has no branch or tag `{reference.ref}`")

    def fetch(self, reference: GitReference, commit: str, folder: str) -> None:
        """Put the tree of a commit, and nothing else, into `tree` below an empty folder. Raises RemoteError."""
        repository, tree = f"--git-dir={folder}/repository", f"{folder}/tree"
        os.mkdir(tree)  # noqa: PTH102 - str in, no Path built
        steps = (
            ("init", "--quiet", "--bare", "--template=", f"{folder}/repository"),
            (repository, "fetch", "--quiet", "--depth=1", "--no-tags", "--", reference.repository, commit),
            (repository, f"--work-tree={tree}", "checkout", "--quiet", "--force", "--detach", commit, "--"),
        )
        for step in steps:
            done = self._run(step, reference, FETCH_S)
            if done.returncode:
                raise _failure(f"cannot fetch {commit} from {without_password(reference.repository)}", done)

    def _run(
        self, arguments: Sequence[str], reference: GitReference, timeout_s: float
    ) -> subprocess.CompletedProcess[bytes]:
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        shown = without_password(reference.repository)
        try:
            process = subprocess.Popen(
                ["git", *settings, *arguments],  # noqa: S607 - the user's own git
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._variables(),
                cwd="/",
                # No terminal to ask on, and one group to end.
                start_new_session=True,
            )
        except FileNotFoundError:
            reason = f"{shown} needs the program `git`, which is not installed"
            raise RemoteError(reason, hint="`apt-get install git`") from None
        try:
            output, errors = self._communicate(process, shown, timeout_s)
        except subprocess.TimeoutExpired:
            raise RemoteError(f"{shown}: no answer within {timeout_s:.0f} s") from None
        finally:
            _end(process)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def _communicate(self, process: subprocess.Popen[bytes], shown: str, timeout_s: float) -> tuple[bytes, bytes]:
        try:
            return process.communicate(timeout=min(PATIENCE_S, timeout_s))
        except subprocess.TimeoutExpired:
            if timeout_s <= PATIENCE_S:
                raise
        self.tell_waiting(f"fetching {shown} …")
        return process.communicate(timeout=timeout_s - PATIENCE_S)

    def _variables(self) -> dict[str, str]:
        kept = {name: value for name, value in self.environment.items() if name not in _OF_ANOTHER_REPOSITORY}
        asked = kept.get("GIT_ALLOW_PROTOCOL")
        allowed = [each for each in PROTOCOLS if asked is None or each in asked.split(":")]
        ssh = {} if kept.get("GIT_SSH") or kept.get("GIT_SSH_COMMAND") else {"GIT_SSH_COMMAND": _SSH}
        return {"GIT_TERMINAL_PROMPT": "0", **kept, **ssh, "GIT_ALLOW_PROTOCOL": ":".join(allowed), "LC_ALL": "C"}


def _full_names(ref: str) -> tuple[str, ...]:
    """What a short name may mean, in git's order (gitrevisions(7))."""
    return (ref,) if ref == "HEAD" or ref.startswith("refs/") else (f"refs/tags/{ref}", f"refs/heads/{ref}")


def _require_checksum(reference: GitReference, commit: str) -> str:
    if not commit.startswith(reference.checksum.lower()):
        shown = without_password(reference.repository)
        raise RemoteError(f"`{reference.ref}` of {shown} is {commit}, and should be {reference.checksum}")
    return commit


def _is_hexadecimal(text: str) -> bool:
    return len(text) > 6 and not set(text) - set("0123456789abcdef")


def _failure(what: str, done: subprocess.CompletedProcess[bytes]) -> RemoteError:
    """The last thing that git says: the cause, without the escape sequences that a server might send."""
    lines = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal: ", "error: "))] or lines[-1:]
    cause = fatal[0].partition(": ")[2] or fatal[0] if fatal else f"git ended with {done.returncode}"
    printable = "".join(each if each.isprintable() else " " for each in without_password(cause))
    return RemoteError(f"{what}: {printable.rstrip('.')}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git with what it started; it has ended already where all went well."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
