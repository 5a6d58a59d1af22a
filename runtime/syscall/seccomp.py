"""Loading a compiled seccomp filter (seccomp(2))."""

import ctypes

from runtime.syscall import constants as c
from runtime.syscall.libc import check, pointer_t, raw

_seccomp = raw(ctypes.c_uint, ctypes.c_uint, pointer_t)
_INSTRUCTION_BYTES = 8


class _SockFprog(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def load_filter(program: bytes) -> None:
    """Put this process under a BPF program, for good. Needs CAP_SYS_ADMIN or no_new_privs.

    SPEC_ALLOW keeps the kernel from slowing the process down against speculative store bypass, as
    Docker's runtime does. Raises SyscallError.
    """
    buffer = ctypes.create_string_buffer(program, len(program))
    request = _SockFprog(len(program) // _INSTRUCTION_BYTES, ctypes.addressof(buffer))
    flags = c.SECCOMP_FILTER_FLAG_SPEC_ALLOW
    check(_seccomp(c.NR_SECCOMP, c.SECCOMP_SET_MODE_FILTER, flags, ctypes.addressof(request)), "seccomp")
