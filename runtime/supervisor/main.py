"""Where a pair's life begins: the program that the client starts.

Arguments: project, state directory, run directory. Descriptor 3 holds the pair's lock, 4 is the
listening control socket, both made by the client: whoever connects waits in the socket's queue, so
nobody polls for it.
"""

import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from runtime.paths import Paths
from runtime.supervisor.estate import LISTENER_DESCRIPTOR, LOCK_DESCRIPTOR, Estate
from runtime.supervisor.keeper import Keeper
from runtime.supervisor.supervisor import Supervisor, warm_up
from runtime.syscall.process import forbid_dumping
from runtime.syscall.sealed import is_sealed, reexec_sealed

OOM_SCORE_ADJUSTMENT = "-900"


def main() -> NoReturn:
    """Detach from the client, then keep and supervise until no container runs."""
    project, state, run = sys.argv[1:4]
    if not is_sealed():
        # The client starts us sealed; whoever starts us otherwise gets it too.
        for descriptor in (LOCK_DESCRIPTOR, LISTENER_DESCRIPTOR):
            os.set_inheritable(descriptor, True)
        reexec_sealed(sys.orig_argv[1:], os.environ)
    if os.fork():
        # The client collects this one at once; the pair is nobody's child but its own.
        os._exit(0)
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    os.umask(0o077)
    os.chdir("/")
    with suppress(OSError):
        # Rather a container than the one who could restart it; each container gets its own value.
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE_ADJUSTMENT)
    _raise_descriptor_limit()
    forbid_dumping()
    for descriptor in (LOCK_DESCRIPTOR, LISTENER_DESCRIPTOR):
        os.set_inheritable(descriptor, False)
    warm_up()
    live(Estate(Paths(Path(state), Path(run)), project, LOCK_DESCRIPTOR, LISTENER_DESCRIPTOR))


def live(estate: Estate) -> NoReturn:
    """Play one role after the other: a keeper's child supervises, an orphaned supervisor keeps."""
    lives = [Keeper(estate)]
    while True:
        # None is ever let go: a former life's sockets have numbers that are other descriptors' by now, and
        # collecting them would close those.
        lives.append(Supervisor(*lives[-1].run()).run())


def _raise_descriptor_limit() -> None:
    """Allow as many descriptors as we may have: eight a container. Containers inherit it, as they do Docker's."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
