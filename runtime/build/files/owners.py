"""`--chown`: numbers, or names from the image's own passwd and group files.

BuildKit's rules (solver/llbsolver/ops/user_linux.go), but that a name nobody has is an error: there it is root.
"""

from runtime.errors import InvalidArgument, StartFailed
from runtime.launch import users
from runtime.launch.tree import Tree

_MOST_BYTES = 10 << 20


def resolve_owner(text: str, image: Tree) -> tuple[int, int] | None:
    """Return (uid, gid) of `user[:group]` in an image; None for no text. Raises InvalidArgument.

    A number alone stands for the group too, a name alone for the group it has in passwd.
    """
    if not text:
        return None
    user, _, group = ("0" if part == "root" else part for part in text.partition(":"))
    passwd, groups = (image.read_file(path, _MOST_BYTES) for path in ("/etc/passwd", "/etc/group"))
    try:
        identity = users.resolve(f"{user}:{group}", (), passwd, groups)
    except StartFailed as error:
        hint = "a user has to be in the image before it is named, by a RUN for example; a number need not"
        raise InvalidArgument(f"cannot resolve `--chown={text}`: {error.message}", hint=hint) from error
    return identity.uid, identity.uid if user.isdigit() and not group else identity.gid
