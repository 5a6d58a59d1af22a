"""The keeper: holds what must outlive the supervisor, and starts the supervisor again when it dies.

It does nothing that can fail: it keeps descriptors it never reads, collects the exit codes of
processes that were orphaned to it, and forks. All modules are imported already, so a new supervisor
costs a fork (1 ms), shares the memory, and inherits every descriptor.
"""

import gc
import os
import select
import signal
import socket
import time
from types import FrameType

from runtime.supervisor import channel
from runtime.supervisor.estate import Estate, LinkMessage, decode, encode, socket_pair
from runtime.syscall.process import become_subreaper, set_name

SHORT_LIFE_S = 0.2
MAXIMUM_PAUSE_S = 1.0
"""A supervisor that dies at once, again and again, must not take a whole processor."""
PATIENCE = 100
"""So many short lives in a row are put down to bad luck."""


class Keeper:
    """This process, in the keeper's role."""

    def __init__(self, estate: Estate, child: int = 0, link: socket.socket | None = None, past: object = None) -> None:
        self._estate = estate
        self._child = child
        self._link = link
        # What this process was before. Its objects must never be collected: they would close
        # descriptors whose numbers are in use again.
        self._past = past
        self._farewell = False
        self._born = time.monotonic()
        self._short_lives = 0

    def run(self) -> tuple[Estate, socket.socket]:
        """Keep. Returns only in a new child process, which is to be the supervisor."""
        set_name("pycompose-keep")
        become_subreaper()
        wake_reader, wake_writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, _noticed)
        signal.set_wakeup_fd(wake_writer, warn_on_full_buffer=False)
        while True:
            if self._child == 0:
                link = self._fork()
                if link is not None:
                    os.close(wake_reader)
                    os.close(wake_writer)
                    return self._estate, link
            self._serve(wake_reader)
            if self._farewell:
                os._exit(0)
            self._pause_if_crashing()

    def _fork(self) -> socket.socket | None:
        """Return the supervisor's end of the link in the child, None in the parent."""
        ours, theirs = socket_pair()
        channel.widen(ours)
        gc.freeze()
        self._child = os.fork()
        if self._child == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            ours.close()
            return theirs
        theirs.close()
        ours.setblocking(False)
        self._link = ours
        self._born = time.monotonic()
        return None

    def _serve(self, wake_reader: int) -> None:
        """Return once the supervisor is dead and all it said has been heard."""
        link = self._link
        if link is None:
            raise AssertionError("a child without a link")
        poll = select.poll()
        poll.register(wake_reader, select.POLLIN)
        poll.register(link.fileno(), select.POLLIN)
        is_heard = True
        self._reap(link)
        while self._child:
            poll.poll()
            _drain(wake_reader)
            if is_heard and not self._listen(link):
                # Closed by death; the exit itself is about to be told by SIGCHLD.
                is_heard = False
                poll.unregister(link.fileno())
            self._reap(link)
        if is_heard:
            self._listen(link)
        link.close()
        self._link = None

    def _reap(self, link: socket.socket) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                # A supervisor that is no child of ours any more is a dead one.
                self._child = 0
                return
            if pid == 0:
                return
            if pid == self._child:
                self._child = 0
                continue
            self._estate.exits[pid] = status
            try:
                channel.send(link, encode(LinkMessage(exited=(pid, status))))
            except OSError:
                # It is dying or does not read: the next one finds the exit in the estate.
                continue

    def _listen(self, link: socket.socket) -> bool:
        """Do what the supervisor asked for; false when it is gone."""
        while True:
            try:
                packet, descriptors = channel.receive(link)
            except BlockingIOError:
                return True
            except (EOFError, OSError):
                return False
            self._obey(decode(packet), descriptors)

    def _obey(self, message: LinkMessage, descriptors: list[int]) -> None:
        holdings = self._estate.holdings
        for name, descriptor in zip(message.hold, descriptors, strict=False):
            if name in holdings:
                os.close(holdings[name])
            holdings[name] = descriptor
        for name in message.drop:
            if name in holdings:
                os.close(holdings.pop(name))
        if message.confirm:
            self._estate.exits.pop(message.confirm, None)
        self._farewell = self._farewell or message.farewell

    def _pause_if_crashing(self) -> None:
        self._short_lives = self._short_lives + 1 if time.monotonic() - self._born < SHORT_LIFE_S else 0
        if self._short_lives > PATIENCE:
            time.sleep(min(MAXIMUM_PAUSE_S, 0.01 * (self._short_lives - PATIENCE)))


def _noticed(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: the wake-up descriptor has been written to."""


def _drain(descriptor: int) -> None:
    try:
        while os.read(descriptor, 512):
            pass
    except BlockingIOError:
        return
