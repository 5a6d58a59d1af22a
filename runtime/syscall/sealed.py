"""Running from a read-only copy of the interpreter's mount, against CVE-2019-5736.

`/proc/<pid>/exe` of a process that enters a container names the host's interpreter. A container that
has us execute it (`/bin/sh -> /proc/self/exe`) could then open it for writing. When our own
executable lies on a detached mount that is read-only, that open answers EROFS; every process forked
later inherits the sealed executable. Costs 0.04 ms once.
"""

import ctypes
import os
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from runtime.errors import SyscallError
from runtime.syscall import constants as c
from runtime.syscall.libc import bytes_t, int_t, pointer_t, raw
from runtime.syscall.mount import mount_setattr, open_tree

_execveat = raw(int_t, bytes_t, pointer_t, pointer_t, int_t)


def is_sealed() -> bool:
    """Tell whether our own executable lies on a read-only mount."""
    return bool(os.statvfs("/proc/self/exe").f_flag & os.ST_RDONLY)


def sealed_executable() -> int:
    """Open a read-only, detached copy of the interpreter's mount. Raises SyscallError."""
    tree = open_tree(c.AT_FDCWD, os.path.realpath(sys.executable))
    try:
        mount_setattr(tree, attributes=c.MOUNT_ATTR_RDONLY, propagation=c.MS_PRIVATE)
    except BaseException:
        os.close(tree)
        raise
    return tree


def reexec_sealed(arguments: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Become `sys.executable` with these arguments (without argv[0]), from a sealed mount.

    argv[0] stays `sys.executable`, so that a virtual environment is recognised. Raises SyscallError.
    """
    tree = sealed_executable()
    argv = _string_array([sys.executable, *arguments])
    envp = _string_array([f"{name}={value}" for name, value in environment.items()])
    _execveat(c.NR_EXECVEAT, tree, b"", argv, envp, c.AT_EMPTY_PATH)
    number = ctypes.get_errno()
    os.close(tree)
    raise SyscallError(number, "execveat", sys.executable)


def _string_array(strings: Sequence[str]) -> ctypes.Array[ctypes.c_char_p]:
    encoded = [os.fsencode(string) for string in strings]
    return (ctypes.c_char_p * (len(encoded) + 1))(*encoded, None)
