"""The ssh agent of a step: a socket of its own, with the owner and mode asked for, passed on to an agent of the host's.

The host's own socket would do for root alone: an agent answers nobody but its user and root. What a step may ask of it
is which keys there are, and a signature: nothing is added, removed or locked (BuildKit, sshprovider's readOnlyAgent).
For a key in a file there is an agent that lives as long as the step, `ssh-agent` with that key alone.
Source: ssh-agent(1), ssh-add(1); draft-ietf-sshm-ssh-agent.
"""

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector

from runtime.build.worker.messages import BindSocket
from runtime.errors import InvalidArgument, Unavailable, Unsupported
from runtime.syscall import process

_PIECE_BYTES = 1 << 16
_BACKLOG = 16
_LENGTH_BYTES = 4
_ALLOWED = frozenset((11, 13))
"""SSH_AGENTC_REQUEST_IDENTITIES and SSH_AGENTC_SIGN_REQUEST."""
_MOST_BYTES = 1 << 18
"""Of a request, as OpenSSH has it."""
_REFUSAL = b"\0\0\0\1\5"
"""SSH_AGENT_FAILURE."""
_SPOKEN_BYTES = 4096


def start_relay(wanted: BindSocket, path: Path) -> int:
    """Listen at `path` and pass connections on; return the relay's pid.

    Raises OSError, and InvalidArgument for a key that cannot be used.
    """
    listener = socket.socket(socket.AF_UNIX)
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    # The path itself may be longer than an address has room for.
    listener.bind(f"/proc/self/fd/{folder}/{path.name}")
    os.chown(path, wanted.uid, wanted.gid)
    path.chmod(wanted.mode)
    listener.listen(_BACKLOG)
    source = _agent_of(wanted.source, folder)
    pid, pidfd = process.clone(lambda: _relay(listener, source))
    os.close(pidfd)
    os.close(folder)
    listener.close()
    return pid


def _agent_of(source: str, folder: int) -> str:
    """Return the socket of the agent: what was named, or that of one with the key that was named."""
    if not stat.S_ISREG(os.stat(source).st_mode):
        return source
    # By a path that is short and that other processes see too.
    agent = f"/proc/{os.readlink('/proc/self')}/fd/{folder}/keys"
    environment = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    environment |= {"SSH_AUTH_SOCK": agent, "SSH_ASKPASS_REQUIRE": "never", "LC_ALL": "C"}
    # It says where it listens once it does.
    _spawn(["ssh-agent", "-D", "-a", agent], environment, os.devnull, 1, is_waited_for=False)
    status, said = _spawn(["ssh-add", "-q", "-"], environment, source, 2, is_waited_for=True)
    if status:
        last = said.decode("utf-8", "replace").strip().rpartition("\n")[2]
        hint = "one with a passphrase goes into an agent, whose socket is named instead"
        raise InvalidArgument(f"the ssh key `{source}` cannot be used: {last or 'ssh-add failed'}", hint=hint)
    # Here, whatever the pid of whoever asks.
    return f"/proc/self/fd/{folder}/keys"


def _spawn(
    arguments: list[str], environment: dict[str, str], given: str, stream: int, *, is_waited_for: bool
) -> tuple[int, bytes]:
    """Start a program that reads a file; return its exit code, where it is waited for, and what it writes first."""
    reader, writer = os.pipe2(os.O_CLOEXEC)
    try:
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, given, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 3 - stream, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_DUP2, writer, stream),
        ]
        try:
            pid = os.posix_spawnp(arguments[0], arguments, environment, file_actions=actions)
        except FileNotFoundError:
            raise Unsupported(
                f"an ssh key in a file needs the program `{arguments[0]}`, which is not installed",
                hint="`apt-get install openssh-client`, or name the socket of an agent",
            ) from None
        finally:
            os.close(writer)
        said = os.read(reader, _SPOKEN_BYTES)
    finally:
        os.close(reader)
    if is_waited_for:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said
    if not said:
        raise Unavailable(f"`{arguments[0]}` ended at once")
    return 0, said


def _relay(listener: socket.socket, source: str) -> None:
    selector = DefaultSelector()
    selector.register(listener, EVENT_READ)
    pairs: dict[socket.socket, _Pair] = {}
    while True:
        for key, _ in selector.select():
            ready = key.fileobj
            if ready is listener:
                _accept(listener, source, selector, pairs)
            elif isinstance(ready, socket.socket) and ready in pairs and not pairs[ready].pass_on(ready):
                pairs[ready].close(selector, pairs)


class _Pair:
    """A connection of the step's, and the one to the agent for it."""

    def __init__(self, client: socket.socket, agent: socket.socket) -> None:
        self.client = client
        self.agent = agent
        self._asked = b""

    def pass_on(self, ready: socket.socket) -> bool:
        """Pass on what one side says. False: it is over."""
        try:
            piece = ready.recv(_PIECE_BYTES)
            if not piece:
                return False
            if ready is self.agent:
                self.client.sendall(piece)
                return True
            self._asked += piece
            return self._ask()
        except OSError:
            return False

    def _ask(self) -> bool:
        """Pass whole requests on, such as are allowed."""
        while len(self._asked) > _LENGTH_BYTES:
            length = int.from_bytes(self._asked[:_LENGTH_BYTES], "big")
            if not 0 < length <= _MOST_BYTES:
                return False
            request, rest = self._asked[: _LENGTH_BYTES + length], self._asked[_LENGTH_BYTES + length :]
            if len(request) < _LENGTH_BYTES + length:
                break
            self._asked = rest
            if request[_LENGTH_BYTES] in _ALLOWED:
                self.agent.sendall(request)
            else:
                self.client.sendall(_REFUSAL)
        return True

    def close(self, selector: DefaultSelector, pairs: "dict[socket.socket, _Pair]") -> None:
        """Close both sides."""
        for each in (self.client, self.agent):
            pairs.pop(each, None)
            with suppress(KeyError):
                selector.unregister(each)
            each.close()


def _accept(listener: socket.socket, source: str, selector: DefaultSelector, pairs: dict[socket.socket, _Pair]) -> None:
    connection, _ = listener.accept()
    agent = socket.socket(socket.AF_UNIX)
    try:
        agent.connect(source)
    except OSError:
        agent.close()
        connection.close()
        return
    pairs[connection] = pairs[agent] = _Pair(connection, agent)
    for each in (connection, agent):
        selector.register(each, EVENT_READ)
