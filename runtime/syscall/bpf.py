"""Loading a cgroup device program and attaching it to a cgroup v2 folder (bpf(2))."""

import ctypes
import os
import struct

from runtime.errors import SyscallError
from runtime.syscall import constants as c
from runtime.syscall.libc import check, int_t, pointer_t, raw

_bpf = raw(int_t, pointer_t, ctypes.c_uint)
_ATTRIBUTE_BYTES = 128
_LOG_BYTES = 65536
_INSTRUCTION_BYTES = 8


def load_device_program(program: bytes) -> int:
    """Have the verifier accept a device program and return its descriptor.

    Raises SyscallError, whose hint holds the end of the verifier's log.
    """
    code = ctypes.create_string_buffer(program, len(program))
    licence = ctypes.create_string_buffer(b"GPL")
    log = ctypes.create_string_buffer(_LOG_BYTES)
    count = len(program) // _INSTRUCTION_BYTES
    attributes = struct.pack(
        "=IIQQIIQ",
        c.BPF_PROG_TYPE_CGROUP_DEVICE,
        count,
        ctypes.addressof(code),
        ctypes.addressof(licence),
        1,
        _LOG_BYTES,
        ctypes.addressof(log),
    )
    try:
        return _call(c.BPF_PROG_LOAD, attributes, "BPF_PROG_LOAD")
    except SyscallError as error:
        error.hint = log.value.decode(errors="replace")[-400:].strip() or error.hint
        raise


def attach_device_program(cgroup_fd: int, program_fd: int) -> None:
    """Let a loaded program decide about device access of the processes in a cgroup v2 folder."""
    attributes = struct.pack("=IIII", cgroup_fd, program_fd, c.BPF_CGROUP_DEVICE, c.BPF_F_ALLOW_MULTI)
    _call(c.BPF_PROG_ATTACH, attributes, "BPF_PROG_ATTACH")


def _call(command: int, attributes: bytes, name: str) -> int:
    buffer = ctypes.create_string_buffer(attributes, _ATTRIBUTE_BYTES)
    descriptor = check(_bpf(c.NR_BPF, command, ctypes.addressof(buffer), _ATTRIBUTE_BYTES), "bpf", name)
    if command == c.BPF_PROG_LOAD:
        os.set_inheritable(descriptor, False)
    return descriptor
