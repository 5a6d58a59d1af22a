"""The fetching process: it does one thing, and ends with whatever it started when its builder closes the connection.

The work is done by the first process of a pid namespace: git, and what git starts, end with it by the kernel.
"""

import json
import os
import select
import shlex
import signal
import socket

from runtime.build.remote.client import MESSAGE_BYTES
from runtime.build.remote.http_files import download
from runtime.build.remote.messages import REQUESTS, Answer, CheckOut, Download, Request, Resolve
from runtime.errors import NotFound
from runtime.git.client import SSH, Checkout, Git, Resolved
from runtime.git.reference import GitReference, parse, without_password
from runtime.syscall import constants as c
from runtime.syscall import process
from runtime.syscall.mount import openat2
from runtime.syscall.worker import CONNECTION, error_to_plain
from schemas.engine.codec import from_plain, to_plain

_MASK = 0o022
"""Of the files of a checkout, whatever the user's own is."""
_STRAIGHT = c.RESOLVE_BENEATH | c.RESOLVE_NO_SYMLINKS


def main() -> None:
    """Serve the connection that the builder left on CONNECTION."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Ctrl-C is the builder's, who closes the connection.
        signal.signal(number, signal.SIG_IGN)
    pid, pidfd = process.clone(_serve, c.CLONE_NEWPID)
    with select.epoll() as waiting:
        waiting.register(CONNECTION, select.EPOLLRDHUP)
        waiting.register(pidfd, select.EPOLLIN)
        waiting.poll()
    process.send_signal(pidfd, signal.SIGKILL)
    os.waitpid(pid, 0)
    os._exit(0)


def _serve() -> None:
    process.prctl(c.PR_SET_PDEATHSIG, signal.SIGKILL, "PR_SET_PDEATHSIG")
    os.umask(_MASK)
    with socket.socket(fileno=CONNECTION) as connection:
        document = json.loads(connection.recv(MESSAGE_BYTES))
        try:
            answer = _do(from_plain(REQUESTS[document["call"]], document["request"]))
            reply: dict[str, object] = {"answer": to_plain(answer)}
        except Exception as error:  # noqa: BLE001 - any failure is the builder's to know
            reply = {"error": error_to_plain(error)}
        connection.send(json.dumps(reply).encode())
    os._exit(0)


def _do(request: Request) -> Answer:
    if isinstance(request, Download):
        return download(request)
    if isinstance(request, Resolve):
        found = _git(request).resolve(parse(request.reference))
        return Answer(commit=found.commit, ref=found.name)
    return _check_out(request)


def _git(request: Resolve | CheckOut) -> Git:
    return Git({**os.environ, **_identity(request.agent)}, tell_waiting=lambda _: None)


def _identity(agent: str) -> dict[str, str]:
    """What says who we are: an agent, or a key."""
    if not agent:
        return {}
    is_key = os.path.isfile(agent)  # noqa: PTH113 - a text
    return {"GIT_SSH_COMMAND": f"{SSH} -i {shlex.quote(agent)}"} if is_key else {"SSH_AUTH_SOCK": agent}


def _check_out(request: CheckOut) -> Answer:
    reference = parse(request.reference)
    checkout = Checkout(request.keep_git_dir, reference.submodules, reference.commit_times)
    _git(request).fetch(reference, Resolved(request.commit, request.ref), request.folder, checkout)
    tree = f"{request.folder}/tree"
    if reference.subdirectory:
        _require_folder(tree, reference)
        tree = f"{tree}/{reference.subdirectory}"
    return Answer(tree=tree)


def _require_folder(tree: str, reference: GitReference) -> None:
    """A link is none: who knows where it leads."""
    root = os.open(tree, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.close(openat2(root, reference.subdirectory, os.O_PATH | os.O_DIRECTORY, resolve=_STRAIGHT))
    except OSError as error:
        shown = without_password(reference.repository)
        raise NotFound(f"{shown} has no folder `{reference.subdirectory}` at {reference.ref}") from error
    finally:
        os.close(root)
