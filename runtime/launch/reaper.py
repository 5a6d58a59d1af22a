"""`init: true`: a process 1 that forwards signals and reaps, as docker-init (tini) does.

No binary has to be there: the process that would become the program makes a child that does, and
stays. It keeps the container's restrictions and no descriptor; its executable is the sealed
interpreter (runtime.syscall.sealed).
"""

import contextlib
import os
import signal
from typing import NoReturn

from runtime.launch.channel import ChildEnd
from runtime.syscall import process

# Not forwarded: what cannot be caught, what is meant for ourselves (tini, configure_signals).
_OWN = {
    signal.SIGKILL,
    signal.SIGSTOP,
    signal.SIGCHLD,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGSEGV,
    signal.SIGBUS,
    signal.SIGABRT,
    signal.SIGTRAP,
    signal.SIGSYS,
    signal.SIGTTIN,
    signal.SIGTTOU,
}
_NAME = "docker-init"
_ARGUMENTS = process.argument_span()
"""Found while this program still sees its own /proc; the container must not read the host's paths in argv."""


def become_reaper(channel: ChildEnd, *, controls_terminal: bool) -> None:
    """Return in a child process, which goes on to the program; the calling process stays as reaper.

    To be called when all restrictions are in force, so that they hold for the reaper too.
    """
    process.become_subreaper()
    waited = signal.valid_signals() - _OWN | {signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, waited)  # before the child is there: none may get lost
    pid = process.fork()
    if pid != 0:
        _stay(pid, channel, waited)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    # A group of its own, in front of the terminal, so that Ctrl-C reaches the program once.
    os.setpgid(0, 0)
    if controls_terminal:
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        os.tcsetpgrp(0, os.getpgrp())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)


def _stay(child: int, channel: ChildEnd, waited: set[signal.Signals]) -> NoReturn:
    """Reap everything, forward signals, and end as the child ends (128 + signal)."""
    try:
        os.close(channel.descriptor)
        for number in range(3):
            os.close(number)
        process.set_name(_NAME)
        process.set_title(_NAME, _ARGUMENTS)
        while True:
            status = _reap(child)
            if status is not None:
                os._exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
            number = signal.sigwait(waited)
            if number != signal.SIGCHLD:
                _forward(child, number)
    finally:
        os._exit(128)


def _forward(child: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(child, number)


def _reap(child: int) -> int | None:
    """Reap what has ended; return the child's wait status when it was among it."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == child:
            found = status
