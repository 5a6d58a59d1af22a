"""A session keyring of its own for each container, so that none sees another's keys (keyctl(2))."""

import errno
import os

from runtime.syscall import constants as c
from runtime.syscall.libc import bytes_t, check, int_t, raw

_keyctl = raw(int_t, bytes_t)


def join_session_keyring(name: str) -> None:
    """Replace the inherited session keyring by a new one; a kernel without keyrings needs none."""
    try:
        check(_keyctl(c.NR_KEYCTL, c.KEYCTL_JOIN_SESSION_KEYRING, os.fsencode(name)), "keyctl", name)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
