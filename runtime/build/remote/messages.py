"""What the fetching process is asked, and answers: one request in its life."""

from schemas.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Download:
    """A file over HTTP, into a folder."""

    url: str
    folder: str
    name: str
    """Of the file."""
    checksum: str = ""
    """`sha256:<hex>` that it has to have."""
    etag: str = ""
    """Of the one that is here already: the same is not sent again."""
    modified: str = ""
    """Likewise, its Last-Modified."""


@dataclass(frozen=True, slots=True)
class Resolve:
    """Which commit a reference into a repository means now."""

    reference: str
    agent: str = ""
    """Socket of an ssh agent, or file of a private key; empty for what the user has."""


@dataclass(frozen=True, slots=True)
class CheckOut:
    """The tree of a commit, into an empty folder."""

    reference: str
    commit: str
    ref: str
    """Whole name of the branch or tag, where it is one."""
    folder: str
    keep_git_dir: bool = False
    agent: str = ""


Request = Download | Resolve | CheckOut
REQUESTS: dict[str, type[Download] | type[Resolve] | type[CheckOut]] = {
    each.__name__: each for each in (Download, Resolve, CheckOut)
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it."""

    is_unchanged: bool = False
    """The file that is here already is what there is."""
    digest: str = ""
    """Of the file."""
    etag: str = ""
    modified: str = ""
    commit: str = ""
    ref: str = ""
    tree: str = ""
    """Absolute path of the folder that was asked for."""
