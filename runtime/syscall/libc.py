"""ctypes declarations of libc and of raw system calls, and the one rule from errno to exception.

Every call that can fail goes through `check`. Raw system calls have their own prototypes, since a
variadic call would cut 64-bit arguments to 32 (ctypes passes an undeclared integer as `int`).
"""

import ctypes
import errno
from collections.abc import Callable

from runtime.errors import SyscallError

LIBC = ctypes.CDLL(None, use_errno=True)
long_t = ctypes.c_long
int_t = ctypes.c_int
bytes_t = ctypes.c_char_p
pointer_t = ctypes.c_void_p
ulong_t = ctypes.c_ulong

_HINTS = {
    errno.EPERM: "pycompose needs root, or the capability this call asks for",
    errno.ENOSYS: "this kernel is too old, or a sandbox hides the call; Linux 5.12 is needed",
}

Call = Callable[..., int]


def raw(*arguments: type) -> Call:
    """Declare syscall(2) for a number followed by arguments of these ctypes types."""
    prototype = ctypes.CFUNCTYPE(long_t, long_t, *arguments, use_errno=True)
    return prototype(("syscall", LIBC))


def function(name: str, *arguments: type) -> Call:
    """Declare a libc function that returns an int, -1 with errno on failure."""
    prototype = ctypes.CFUNCTYPE(int_t, *arguments, use_errno=True)
    return prototype((name, LIBC))


def check(result: int, call: str, subject: str = "") -> int:
    """Return `result`, or raise SyscallError with the thread's errno when it is negative."""
    if result < 0:
        number = ctypes.get_errno()
        raise SyscallError(number, call, subject, hint=_HINTS.get(number, ""))
    return result
