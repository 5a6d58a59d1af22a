"""The kernel's numbers, under the names its headers give them.

Sources: linux/mount.h, linux/fcntl.h, linux/openat2.h, linux/sched.h, linux/prctl.h, linux/seccomp.h,
linux/keyctl.h, linux/bpf.h, linux/magic.h. Architecture dependent ones are chosen by uname(2).
"""

import os

MACHINE = os.uname().machine
"""`x86_64` or `aarch64`; the launcher refuses anything else."""

# System call numbers. From 424 on they are the same everywhere (x86_64, aarch64).
_NUMBERS = {
    "x86_64": {
        "rt_sigaction": 13,
        "rt_sigprocmask": 14,
        "getcwd": 79,
        "pivot_root": 155,
        "keyctl": 250,
        "bpf": 321,
        "seccomp": 317,
        "execveat": 322,
    },
    "aarch64": {
        "rt_sigaction": 134,
        "rt_sigprocmask": 135,
        "getcwd": 17,
        "pivot_root": 41,
        "keyctl": 219,
        "bpf": 280,
        "seccomp": 277,
        "execveat": 281,
    },
}
_ARCH = _NUMBERS.get(MACHINE, _NUMBERS["x86_64"])
NR_RT_SIGACTION = _ARCH["rt_sigaction"]
NR_RT_SIGPROCMASK = _ARCH["rt_sigprocmask"]
NR_GETCWD = _ARCH["getcwd"]
NR_PIVOT_ROOT = _ARCH["pivot_root"]
NR_KEYCTL = _ARCH["keyctl"]
NR_BPF = _ARCH["bpf"]
NR_SECCOMP = _ARCH["seccomp"]
NR_EXECVEAT = _ARCH["execveat"]
NR_OPEN_TREE = 428
NR_MOVE_MOUNT = 429
NR_FSOPEN = 430
NR_FSCONFIG = 431
NR_FSMOUNT = 432
NR_CLONE3 = 435
NR_CLOSE_RANGE = 436
NR_OPENAT2 = 437
NR_MOUNT_SETATTR = 442

AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000

# From mount(2).
MS_REC = 16384
MS_PRIVATE = 1 << 18
MS_SLAVE = 1 << 19
MS_SHARED = 1 << 20
MNT_DETACH = 2

# The mount API of 5.2 and 5.12.
FSOPEN_CLOEXEC = 1
FSMOUNT_CLOEXEC = 1
FSCONFIG_SET_FLAG = 0
FSCONFIG_SET_STRING = 1
FSCONFIG_CMD_CREATE = 6
MOUNT_ATTR_RDONLY = 0x1
MOUNT_ATTR_NOSUID = 0x2
MOUNT_ATTR_NODEV = 0x4
MOUNT_ATTR_NOEXEC = 0x8
MOUNT_ATTR_NOATIME = 0x10
MOUNT_ATTR_STRICTATIME = 0x20
MOUNT_ATTR_NODIRATIME = 0x80
OPEN_TREE_CLONE = 1
OPEN_TREE_CLOEXEC = os.O_CLOEXEC
MOVE_MOUNT_F_EMPTY_PATH = 0x4
MOVE_MOUNT_T_EMPTY_PATH = 0x40

# From openat2(2).
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08
RESOLVE_IN_ROOT = 0x10

# From clone3, unshare, setns.
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
CLONE_PIDFD = 0x1000
CLONE_INTO_CGROUP = 0x200000000

# From prctl(2).
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_NAME = 15
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4

# From seccomp(2).
SECCOMP_SET_MODE_FILTER = 1
SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4

# From keyctl(2).
KEYCTL_JOIN_SESSION_KEYRING = 1

# From bpf(2).
BPF_PROG_LOAD = 5
BPF_PROG_ATTACH = 8
BPF_PROG_TYPE_CGROUP_DEVICE = 15
BPF_CGROUP_DEVICE = 6
BPF_F_ALLOW_MULTI = 2

# From statfs(2).
PROC_SUPER_MAGIC = 0x9FA0
DEVPTS_SUPER_MAGIC = 0x1CD1

# From ioctl_tty(2).
TIOCSPTLCK = 0x40045431
TIOCGPTPEER = 0x5441

# linux/pidfd.h: _IOWR(0xFF, 11, 64 bytes), Linux 6.13; the exit status since 6.15
PIDFD_GET_INFO = 0xC040FF0B
PIDFD_INFO_EXIT = 1 << 3

# linux/sched.h, in the flags of proc(5)'s stat
PF_EXITING = 0x4
