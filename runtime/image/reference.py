"""Image references: `[domain/]path[:tag][@digest]`, as github.com/distribution/reference reads them.

`busybox` stands for `docker.io/library/busybox:latest`. The short form is the familiar one: it is
what people write, what is shown, and what the state stores (each has exactly one normal form).
"""

import re
from dataclasses import replace

from runtime.errors import InvalidArgument
from runtime.image.identity import is_digest, is_identifier
from schemas.dataclass import dataclass

DEFAULT_DOMAIN = "docker.io"
DEFAULT_NAMESPACE = "library"
DEFAULT_TAG = "latest"
MAX_NAME_LENGTH = 255

_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A parsed reference; `tag` and `digest` are empty when it has none."""

    domain: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """The repository: `docker.io/library/busybox`."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar_name(self) -> str:
        """The repository as people write it: `busybox`."""
        if self.domain != DEFAULT_DOMAIN:
            return self.name
        namespace, _, rest = self.path.partition("/")
        short = rest if namespace == DEFAULT_NAMESPACE and rest and "/" not in rest else self.path
        # `docker.io/docker.io/x` is not `docker.io/x`, whose short form is `x`.
        return short if _split_domain(short) == (self.domain, self.path) else self.name

    @property
    def familiar(self) -> str:
        """The whole reference as people write it, with its tag: `busybox:latest`."""
        return self.familiar_name + self._suffix()

    def with_default_tag(self) -> "Reference":
        """Return it with `latest` when it has neither tag nor digest."""
        return self if self.tag or self.digest else replace(self, tag=DEFAULT_TAG)

    def __str__(self) -> str:
        return self.name + self._suffix()

    def _suffix(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def parse(text: str) -> Reference:
    """Return a reference from what a user wrote. Raises InvalidArgument."""
    if is_identifier(text):
        raise _invalid(text, "a name of 64 hexadecimal digits would be an image id")
    rest, at, digest = text.partition("@")
    if at and not is_digest(digest):
        raise _invalid(text, "the digest is not `sha256:` and 64 hexadecimal digits")
    # A colon after the last slash begins a tag; one before it, a port.
    slash = rest.rfind("/")
    colon = rest.find(":", slash + 1)
    name, tag = (rest, "") if colon < 0 else (rest[:colon], rest[colon + 1 :])
    if colon >= 0 and not _TAG.fullmatch(tag):
        raise _invalid(text, f"`{tag}` is not a tag")
    domain, path = _split_domain(name)
    if path != path.lower():
        raise _invalid(text, f"repository name `{path}` must be lowercase")
    if not _DOMAIN.fullmatch(domain) or not _PATH.fullmatch(path):
        raise _invalid(text)
    if len(domain) + 1 + len(path) > MAX_NAME_LENGTH:
        raise _invalid(text, f"the name is longer than {MAX_NAME_LENGTH} characters")
    return Reference(domain, path, tag, digest)


def familiar(text: str) -> str:
    """Return the form the state stores: familiar, with a tag or digest. Raises InvalidArgument."""
    return parse(text).with_default_tag().familiar


def _split_domain(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    looks_like_host = "." in first or ":" in first or first == "localhost" or first != first.lower()
    domain, path = (first, rest) if slash and looks_like_host else (DEFAULT_DOMAIN, name)
    if domain == "index.docker.io":
        domain = DEFAULT_DOMAIN
    if domain == DEFAULT_DOMAIN and "/" not in path:
        path = f"{DEFAULT_NAMESPACE}/{path}"
    return domain, path


def _invalid(text: str, cause: str = "") -> InvalidArgument:
    return InvalidArgument(f"invalid image reference `{text}`" + (f": {cause}" if cause else ""))
