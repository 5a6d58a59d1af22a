"""Who the container's process is: `user[:group]` against the container's own passwd and group files.

Pure functions on the files' bytes. The rules are those of moby/sys/user GetExecUser: a number is
always an id, even if a login has that name; an unknown name is an error, an unknown number is not;
supplementary groups only without an explicit group. Ids outside 0..2^31-1 are refused
(CVE-2024-40635: 4294967296 became root).
"""

from collections.abc import Iterator, Sequence

from runtime.errors import StartFailed
from schemas.dataclass import dataclass

_GREATEST_ID = (1 << 31) - 1
_CANNOT_START = 126


@dataclass(frozen=True, slots=True)
class Identity:
    """Numeric ids of a process; `groups` always contains `gid` (CVE-2022-36109)."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


@dataclass(frozen=True, slots=True)
class _Login:
    name: str
    uid: int
    gid: int
    home: str


@dataclass(frozen=True, slots=True)
class _Group:
    name: str
    gid: int
    members: tuple[str, ...]


def resolve(user: str, group_add: Sequence[str], passwd: bytes, group: bytes) -> Identity:
    """Return the ids for a `user` setting and further groups. Raises StartFailed."""
    user_part, _, group_part = user.partition(":")
    login = _find_login(user_part, passwd)
    uid, gid = login.uid, login.gid
    groups = list(_groups(group))
    supplementary: list[int] = []
    if group_part:
        gid = _group_id(group_part, groups)
    elif login.name:
        supplementary = [entry.gid for entry in groups if login.name in entry.members]
    supplementary += [_group_id(name, groups) for name in group_add]
    return Identity(uid, gid, tuple(dict.fromkeys([gid, *supplementary])), login.home)


def _find_login(user: str, passwd: bytes) -> _Login:
    wanted = _number(user or "0", "user")
    for login in _logins(passwd):
        if login.uid == wanted if wanted is not None else login.name == user:
            return login
    if wanted is None:
        raise StartFailed(f"unable to find user {user}: no matching entries in passwd file", exit_code=_CANNOT_START)
    return _Login("", wanted, 0, "/")


def _group_id(name: str, groups: Sequence[_Group]) -> int:
    wanted = _number(name, "group")
    if wanted is not None:
        return wanted
    for entry in groups:
        if entry.name == name:
            return entry.gid
    raise StartFailed(f"unable to find group {name}: no matching entries in group file", exit_code=_CANNOT_START)


def _number(text: str, what: str) -> int | None:
    """Return the id that `text` is, None when it is a name."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):  # what Go's Atoi reads as 64 bits
        return None
    number = int(text)
    if not 0 <= number <= _GREATEST_ID:
        raise StartFailed(f"{what} `{text}`: uids and gids must be in range 0-{_GREATEST_ID}", exit_code=_CANNOT_START)
    return number


def _logins(passwd: bytes) -> Iterator[_Login]:
    for name, fields in _lines(passwd, 6):
        uid, gid = _stored_id(fields[1]), _stored_id(fields[2])
        if uid is not None and gid is not None:
            yield _Login(name, uid, gid, fields[4] or "/")


def _groups(group: bytes) -> Iterator[_Group]:
    for name, fields in _lines(group, 3):
        gid = _stored_id(fields[1])
        if gid is not None:
            members = fields[2].split(",") if len(fields) > 2 else []
            yield _Group(name, gid, tuple(member.strip() for member in members))


def _lines(text: bytes, least_fields: int) -> Iterator[tuple[str, list[str]]]:
    for line in text.decode(errors="surrogateescape").split("\n"):
        name, *fields = line.strip().split(":")
        if name and not name.startswith("#") and len(fields) + 1 >= least_fields:
            yield name, fields


def _stored_id(text: str) -> int | None:
    # A line with a broken number names nobody: Go reads it as 0, which would be root.
    if not text.isascii() or not text.isdigit() or len(text) > 10 or int(text) > _GREATEST_ID:
        return None
    return int(text)
