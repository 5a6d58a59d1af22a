"""OCI layouts that are folders: `oci-layout://path:tag@digest`, one image of which a build takes.

Read as an archive is, member by member, and believed as little: no name and no link leads out of the folder.
Source: OCI image-spec, image-layout.md; docker buildx, build/opt.go.
"""

import errno
import json
import os
import posixpath
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from runtime.errors import InvalidArgument, NotFound
from runtime.image.content import MAX_DOCUMENT_BYTES
from runtime.image.streams import Readable
from runtime.syscall import constants as c
from runtime.syscall.mount import openat2
from schemas.dataclass import dataclass
from schemas.oci.media_types import CONTAINERD_NAME, REF_NAME

_INDEX = "index.json"
_NAME = re.compile(
    r"(?P<path>.+?)(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_WITHIN = c.RESOLVE_IN_ROOT | c.RESOLVE_NO_MAGICLINKS
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})
_MOST_TOLD = 5


@dataclass(frozen=True, slots=True)
class LayoutName:
    """One image of a layout."""

    path: str
    tag: str
    digest: str = ""
    """Of its manifest or index; counts instead of the tag."""

    @classmethod
    def parse(cls, text: str) -> "LayoutName":
        """Read `path[:tag][@sha256:…]`; the tag is `latest` where there is none. Raises InvalidArgument."""
        match = _NAME.fullmatch(text)
        if match is None or "@" in match["path"]:
            raise InvalidArgument(f"`oci-layout://{text}` names no OCI layout", hint="`oci-layout://path:tag@sha256:…`")
        return cls(match["path"], match["tag"] or "latest", match["digest"] or "")


class LayoutFolder:
    """A folder as `loading.load` reads an archive: with nothing but the one image in its index, and no names."""

    def __init__(self, root: int, name: LayoutName, opened: ExitStack) -> None:
        self._root = root
        self._name = name
        self._opened = opened

    def has(self, name: str) -> bool:
        """Whether there is such a file. A Docker archive's list of names counts for nothing here."""
        if name == "manifest.json":
            return False
        try:
            os.close(self._open(name, os.O_PATH))
        except NotFound:
            return False
        return True

    def document(self, name: str) -> bytes:
        """Return a small file whole. Raises NotFound, InvalidArgument."""
        content = self.stream(name).read(MAX_DOCUMENT_BYTES + 1)
        if len(content) > MAX_DOCUMENT_BYTES:
            raise InvalidArgument(f"`{name}` in the layout is larger than {MAX_DOCUMENT_BYTES} bytes")
        return self._chosen(content) if name == _INDEX else content

    def stream(self, name: str) -> Readable:
        """Return a file to be read. Raises NotFound, InvalidArgument."""
        descriptor = self._open(name, os.O_RDONLY | os.O_NONBLOCK)
        file = self._opened.enter_context(open(descriptor, "rb"))  # noqa: SIM115 - closed with the layout
        if not Path(f"/proc/self/fd/{descriptor}").is_file():
            raise InvalidArgument(f"`{name}` in the layout is not a file")
        return file

    def _open(self, name: str, flags: int) -> int:
        try:
            return openat2(self._root, posixpath.normpath(name), flags, resolve=_WITHIN)
        except OSError as error:
            if error.errno in _ABSENT:
                raise NotFound(f"the layout has no `{name:.200}`") from error
            raise

    def _chosen(self, index: bytes) -> bytes:
        """Return the index with the wanted entry alone."""
        try:
            plain = json.loads(index)
            entries = [each for each in plain["manifests"] if isinstance(each, dict)]
        except (ValueError, RecursionError, KeyError, TypeError) as error:
            raise InvalidArgument(f"`{_INDEX}` of the layout `{self._name.path}` is not valid: {error}") from error
        wanted = next((each for each in entries if self._is_meant(each)), None)
        if wanted is None:
            what = self._name.digest or f"tag `{self._name.tag}`"
            known = sorted({tag for each in entries for tag in _tags(each)})
            hint = f"it has {', '.join(f'`{tag}`' for tag in known[:_MOST_TOLD])}" if known else "none there has a tag"
            raise NotFound(f"the layout `{self._name.path}` has no image with {what}", hint=hint)
        alone = {key: value for key, value in wanted.items() if key != "annotations"}
        return json.dumps({"schemaVersion": 2, "manifests": [alone]}).encode()

    def _is_meant(self, entry: dict[str, object]) -> bool:
        return entry.get("digest") == self._name.digest if self._name.digest else self._name.tag in _tags(entry)


@contextmanager
def opened_layout(name: LayoutName) -> Iterator[LayoutFolder]:
    """Open a layout. Raises NotFound for no folder, InvalidArgument for one that is none."""
    with ExitStack() as opened:
        try:
            root = os.open(name.path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            reason = os.strerror(error.errno or 0).lower()
            raise NotFound(f"cannot open the OCI layout `{name.path}`: {reason}") from error
        opened.callback(os.close, root)
        folder = LayoutFolder(root, name, opened)
        if not (folder.has(_INDEX) and folder.has("oci-layout")):
            raise InvalidArgument(f"`{name.path}` is no OCI layout: it has no `{_INDEX}` and `oci-layout`")
        yield folder


def _tags(entry: dict[str, object]) -> list[str]:
    """What an entry may be called by: a tag, or a whole name that ends in one."""
    annotations = entry.get("annotations")
    if not isinstance(annotations, dict):
        return []
    names = [str(annotations[key]) for key in (REF_NAME, CONTAINERD_NAME) if key in annotations]
    return [name.rpartition(":")[2] for name in names]
