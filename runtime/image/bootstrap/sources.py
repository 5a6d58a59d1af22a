"""Where the packages come from: the mirrors that the machine's own apt uses, or the distribution's.

Source: sources.list(5), both formats.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from runtime.errors import InvalidArgument
from runtime.image.bootstrap.bases import Base, Distribution
from schemas.dataclass import dataclass

APT = Path("/etc/apt")
_LINE = re.compile(r"deb\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)")
_SIGNED_BY = re.compile(r"\bsigned-by=(\S+)", re.IGNORECASE)
_URL = re.compile(r"https?://[^\s\[\]'\"]+")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line that the machine's apt has."""

    uri: str
    suite: str
    signed_by: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A suite to take packages from."""

    uri: str
    suite: str
    signed_by: str
    optional: bool = False
    """Whether a mirror without it will do."""

    @property
    def release(self) -> str:
        """URL of its signed list of contents."""
        return f"{self.uri}/dists/{self.suite}/InRelease"

    def line(self, components: str) -> str:
        """Return it as a line of sources.list(5)."""
        return f"deb [signed-by={self.signed_by}] {self.uri} {self.suite} {components}"


def configured(apt: Path = APT) -> list[Entry]:
    """Return what the machine's apt is configured with; what cannot be read is left out."""
    parts = apt / "sources.list.d"
    entries = [entry for path in sorted(parts.glob("*.sources")) for entry in _stanzas(_text(path))]
    lists = [apt / "sources.list", *sorted(parts.glob("*.list"))]
    return entries + [entry for path in lists for entry in _lines(_text(path))]


def sources(base: Base, mirror: str, entries: Iterable[Entry]) -> tuple[Source, ...]:
    """Return the suites of a base: its own, its updates, its security updates. Raises InvalidArgument.

    `mirror` (a URL) replaces what is configured; security updates are then looked for beside it.
    """
    distribution, suite = base.distribution, base.suite
    if mirror:
        if not _URL.fullmatch(mirror):
            raise InvalidArgument(f"`{mirror}` is not a mirror's address", hint=f"for example {distribution.mirror}")
        main = Entry(mirror.rstrip("/"), suite)
        security = main if distribution.name == "ubuntu" else Entry(f"{main.uri}-security", suite)
    else:
        known = [entry for entry in entries if _serves(distribution, entry)]
        main = next((entry for entry in known if not _is_security(entry)), Entry(distribution.mirror, suite))
        security = next((entry for entry in known if _is_security(entry)), Entry(distribution.security_mirror, suite))
    found = [Source(main.uri, suite, main.signed_by or distribution.keyring)]
    if suite not in distribution.rolling:
        keyring = security.signed_by or distribution.keyring
        found.append(Source(main.uri, f"{suite}-updates", found[0].signed_by, optional=True))
        found.append(Source(security.uri, distribution.security_suite.format(suite), keyring, optional=True))
    return tuple(found)


def _serves(distribution: Distribution, entry: Entry) -> bool:
    """Whether it is a mirror of the distribution's archive, by the last part of its path as mirrors have it."""
    name = entry.uri.rpartition("/")[2]
    return bool(_URL.fullmatch(entry.uri)) and name in (distribution.name, f"{distribution.name}-security")


def _is_security(entry: Entry) -> bool:
    return entry.suite.endswith(("-security", "/updates"))


def _stanzas(text: str) -> Iterable[Entry]:
    for stanza in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in stanza.splitlines():
            if line.startswith("#"):
                continue
            if line[:1].isspace():
                fields[name] = f"{fields.get(name, '')} {line.strip()}"
            else:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() == "no":
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield _entry(uri, suite, fields.get("signed-by", ""))


def _lines(text: str) -> Iterable[Entry]:
    for line in text.splitlines():
        match = _LINE.match(line.strip())
        if match is not None:
            signed = _SIGNED_BY.search(match[1] or "")
            yield _entry(match[2], match[3], signed[1] if signed else "")


def _entry(uri: str, suite: str, signed_by: str) -> Entry:
    # A key may stand in the file itself; then the distribution's own keyring has to do.
    is_file = signed_by.startswith("/") and not set(signed_by) & set(" ,")
    return Entry(uri.rstrip("/"), suite, signed_by if is_file else "")


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
