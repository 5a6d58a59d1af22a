"""The `git` command: which commit a ref stands for, and its tree.

git asks nobody anything, runs no hook, speaks the listed protocols only, and is ended with all it started when it
takes too long or the user interrupts. Its configuration and credential helpers are the user's own.
Source: git(1), git-ls-remote(1), git-fetch(1), gitattributes(5); docker compose, pkg/remote/git.go; BuildKit,
source/git/source.go.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from runtime.errors import EngineError, InvalidArgument, NotFound, ResourceExhausted, Unavailable, Unsupported
from runtime.git.reference import PROTOCOLS, GitReference, without_password
from schemas.dataclass import dataclass

RESOLVE_S = 60.0
FETCH_S = 900.0
PATIENCE_S = 1.0
"""What may pass in silence."""
STALLED_S = 30
"""Seconds below a kilobyte each, after which a transfer over HTTP is given up."""
MOST_FILES = 1_000_000
"""Of a commit, folders among them: a few objects can say that there are billions of files."""

_PIECE_BYTES = 1 << 16
_NO_MATCH = 2
"""ls-remote's exit code with --exit-code."""
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.logAllRefUpdates=false",
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
SSH = f"ssh -o ControlMaster=no -o BatchMode=yes -o ConnectTimeout={STALLED_S}"
"""What git speaks ssh with, where the user has not said."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """What a tree is to have beside the files of its commit."""

    keep_git_dir: bool = False
    """`.git`, with the commit and no password."""
    submodules: bool = False
    """The files of its submodules, and of theirs."""
    commit_times: bool = False
    """The commit's time for everything, instead of now."""


FILES = Checkout()


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a reference means now."""

    commit: str
    name: str = ""
    """The whole name of the branch or tag; empty for a commit and for HEAD."""


@dataclass(frozen=True, slots=True)
class Git:
    """Runs git in an environment."""

    environment: Mapping[str, str]
    tell_waiting: Callable[[str], None]
    """Told what is waited for, when it takes longer than PATIENCE_S."""

    def resolve(self, reference: GitReference) -> Resolved:
        """Return the commit that a reference means now.

        Raises NotFound, Unavailable, Unsupported without git, InvalidArgument where it is not the one it should be.
        """
        if reference.is_commit:
            return Resolved(_require_checksum(reference, reference.ref))
        names = _full_names(reference.ref)
        patterns = [pattern for name in names for pattern in (name, f"{name}^{{}}")]
        arguments = ("ls-remote", "--exit-code", "--", reference.repository, *patterns)
        done = self._run(arguments, reference, RESOLVE_S)
        shown = without_password(reference.repository)
        if done.returncode == _NO_MATCH:
            hint = "a commit is named by all of its 40 digits" if _is_hexadecimal(reference.ref) else ""
            raise NotFound(f"{shown} has no branch or tag `{reference.ref}`", hint=hint)
        if done.returncode:
            raise _failure(f"cannot read {shown}", done)
        lines = (line.partition("\t") for line in done.stdout.decode("utf-8", "replace").splitlines())
        commits = {name: commit for commit, _, name in lines}
        for name in names:
            commit = commits.get(f"{name}^{{}}") or commits.get(name)
            if commit:
                return Resolved(_require_checksum(reference, commit), "" if name == "HEAD" else name)
        raise NotFound(f"{shown} has no branch or tag `{reference.ref}`")

    def fetch(self, reference: GitReference, resolved: Resolved, folder: str, checkout: Checkout = FILES) -> None:
        """Put the tree of a commit, and nothing else but what is asked for, into `tree` below an empty folder.

        Raises Unavailable, Unsupported, ResourceExhausted for a commit of too many files.
        """
        tree = f"{folder}/tree"
        os.mkdir(tree)  # noqa: PTH102 - str in, no Path built
        place = f"{tree}/.git" if checkout.keep_git_dir else f"{folder}/repository"
        repository, commit = f"--git-dir={place}", resolved.commit
        steps: list[Sequence[str]] = [
            ("init", "--quiet", "--bare", "--template=", place),
            (repository, "fetch", "--quiet", "--depth=1", "--no-tags", "--", reference.repository, commit),
        ]
        for step in steps:
            self._step(step, reference, commit)
        self._require_few(repository, commit, reference)
        self._step(
            (repository, f"--work-tree={tree}", "checkout", "--quiet", "--force", "--detach", commit, "--"),
            reference,
            commit,
        )
        if checkout.submodules and os.path.lexists(f"{tree}/.gitmodules"):
            self._submodules(repository, tree, reference, commit)
            if not checkout.keep_git_dir:
                _forget_modules(tree)
        if checkout.keep_git_dir:
            self._tidy(place, reference, resolved)
        if checkout.commit_times:
            self._date(repository, tree, reference, commit)

    def _step(
        self, step: Sequence[str], reference: GitReference, commit: str, folder: str = "/", *, local: bool = True
    ) -> bytes:
        done = self._run(step, reference, FETCH_S, folder, local=local)
        if done.returncode:
            raise _failure(f"cannot fetch {commit} from {without_password(reference.repository)}", done)
        return done.stdout

    def _submodules(self, repository: str, tree: str, reference: GitReference, commit: str) -> None:
        # Their addresses may be relative to it.
        self._step((repository, "config", "remote.origin.url", reference.repository), reference, commit)
        update = ("submodule", "--quiet", "update", "--init", "--recursive", "--depth=1")
        # What a repository names must not lead back to those of this machine (CVE-2022-39253).
        local = reference.protocol == "file"
        self._step((repository, f"--work-tree={tree}", *update), reference, commit, tree, local=local)

    def _tidy(self, place: str, reference: GitReference, resolved: Resolved) -> None:
        """Leave a repository behind that one can work in, and that tells nobody's password."""
        repository = f"--git-dir={place}"
        steps = [
            (repository, "config", "core.bare", "false"),
            (repository, "config", "remote.origin.url", _without_user(reference.repository)),
        ]
        if resolved.name:
            steps.append((repository, "update-ref", resolved.name, resolved.commit))
        for step in steps:
            self._step(step, reference, resolved.commit)
        with suppress(FileNotFoundError):
            os.unlink(f"{place}/FETCH_HEAD")  # noqa: PTH108 - as above

    def _date(self, repository: str, tree: str, reference: GitReference, commit: str) -> None:
        asked = (repository, "show", "--no-patch", "--format=%ct", commit, "--")
        time_ns = int(self._step(asked, reference, commit)) * 10**9
        for folder, folders, names in os.walk(tree):
            for name in (*folders, *names):
                os.utime(f"{folder}/{name}", ns=(time_ns, time_ns), follow_symlinks=False)
        os.utime(tree, ns=(time_ns, time_ns))

    def _require_few(self, repository: str, commit: str, reference: GitReference) -> None:
        """Count before anything is written."""
        listing = ("ls-tree", "-r", "-t", "-z", "--name-only", "--full-tree", commit)
        process = self._start((repository, *listing), reference, "/", local=True)
        count = 0
        assert process.stdout is not None  # noqa: S101 - for mypy: it was asked for
        try:
            while piece := process.stdout.read(_PIECE_BYTES):
                count += piece.count(b"\0")
                if count > MOST_FILES:
                    shown = without_password(reference.repository)
                    raise ResourceExhausted(f"{shown}: commit {commit} has more than {MOST_FILES} files and folders")
        finally:
            _end(process)

    def _run(
        self,
        arguments: Sequence[str],
        reference: GitReference,
        timeout_s: float,
        folder: str = "/",
        *,
        local: bool = True,
    ) -> subprocess.CompletedProcess[bytes]:
        shown = without_password(reference.repository)
        process = self._start(arguments, reference, folder, local=local)
        try:
            output, errors = self._communicate(process, shown, timeout_s)
        except subprocess.TimeoutExpired:
            raise Unavailable(f"{shown}: no answer within {timeout_s:.0f} s") from None
        finally:
            _end(process)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def _start(
        self, arguments: Sequence[str], reference: GitReference, folder: str, *, local: bool
    ) -> subprocess.Popen[bytes]:
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        try:
            return subprocess.Popen(
                ["git", *settings, *arguments],  # noqa: S607 - the user's own git
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self._variables(local=local),
                cwd=folder,
                # No terminal to ask on, and one group to end.
                start_new_session=True,
            )
        except FileNotFoundError:
            shown = without_password(reference.repository)
            reason = f"{shown} needs the program `git`, which is not installed"
            raise Unsupported(reason, hint="`apt-get install git`") from None

    def _communicate(self, process: subprocess.Popen[bytes], shown: str, timeout_s: float) -> tuple[bytes, bytes]:
        try:
            return process.communicate(timeout=min(PATIENCE_S, timeout_s))
        except subprocess.TimeoutExpired:
            if timeout_s <= PATIENCE_S:
                raise
        self.tell_waiting(f"fetching {shown} …")
        return process.communicate(timeout=timeout_s - PATIENCE_S)

    def _variables(self, *, local: bool) -> dict[str, str]:
        kept = {name: value for name, value in self.environment.items() if name not in _OF_ANOTHER_REPOSITORY}
        asked = kept.get("GIT_ALLOW_PROTOCOL")
        known = PROTOCOLS if local else [each for each in PROTOCOLS if each != "file"]
        allowed = [each for each in known if asked is None or each in asked.split(":")]
        ssh = {} if kept.get("GIT_SSH") or kept.get("GIT_SSH_COMMAND") else {"GIT_SSH_COMMAND": SSH}
        return {"GIT_TERMINAL_PROMPT": "0", **kept, **ssh, "GIT_ALLOW_PROTOCOL": ":".join(allowed), "LC_ALL": "C"}


def _full_names(ref: str) -> tuple[str, ...]:
    """What a short name may mean, in git's order (gitrevisions(7))."""
    return (ref,) if ref == "HEAD" or ref.startswith("refs/") else (f"refs/tags/{ref}", f"refs/heads/{ref}")


def _require_checksum(reference: GitReference, commit: str) -> str:
    if not commit.startswith(reference.checksum.lower()):
        shown = without_password(reference.repository)
        raise InvalidArgument(f"`{reference.ref}` of {shown} is {commit}, and should be {reference.checksum}")
    return commit


def _without_user(repository: str) -> str:
    """An address without anybody's name or password."""
    scheme, separator, rest = repository.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}" if separator else repository


def _forget_modules(tree: str) -> None:
    """Remove what leads from submodules to a repository that is gone. No commit can have a file of that name."""
    for folder, _, names in os.walk(tree):
        if ".git" in names:
            os.unlink(f"{folder}/.git")  # noqa: PTH108 - as above


def _is_hexadecimal(text: str) -> bool:
    return len(text) > 6 and not set(text) - set("0123456789abcdef")


def _failure(what: str, done: subprocess.CompletedProcess[bytes]) -> EngineError:
    """The last thing that git says: the cause, without the escape sequences that a server might send."""
    lines = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal: ", "error: "))] or lines[-1:]
    cause = fatal[0].partition(": ")[2] or fatal[0] if fatal else f"git ended with {done.returncode}"
    printable = "".join(each if each.isprintable() else " " for each in without_password(cause))
    return Unavailable(f"{what}: {printable.rstrip('.')}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git with what it started; it has ended already where all went well."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
