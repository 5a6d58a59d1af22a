"""What a mirror has of a suite now, asked with the machine's own apt: its proxies, certificates and credentials count.

Source: apt-helper and apt-config (Debian's apt), Debian's repository format (wiki.debian.org/DebianRepository/Format).
"""

import datetime
import email.utils
import hashlib
import re
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from runtime.errors import InvalidArgument, NotFound, Unavailable
from runtime.image.bootstrap.programs import Program
from runtime.image.bootstrap.sources import Source
from schemas.dataclass import dataclass

APT_HELPER = "/usr/lib/apt/apt-helper"
_MAX_BYTES = 4 << 20
_FIELD = re.compile(r"^(Codename|Date): *(.+)$", re.MULTILINE)
_PATIENCE = ("-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20")
_ABSENT = re.compile(r"^E: .* 40[34] ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Release:
    """The suites that mirrors have."""

    sources: tuple[Source, ...]
    codename: str
    epoch_s: int
    """When the youngest of them was made."""
    digest: str


def fetch(sources: Sequence[Source], folder: Path) -> Release:
    """Ask for every suite at once; optional ones that a mirror lacks are left out.

    Raises NotFound when there is no such suite, Unavailable when a mirror does not answer, InvalidArgument.
    """
    wanted = [(source, folder / f"release-{number}") for number, source in enumerate(sources)]
    found: list[tuple[Source, bytes]] = []
    with ExitStack() as stack:
        running = [
            stack.enter_context(Program([APT_HELPER, *_PATIENCE, "download-file", source.release, str(path)]))
            for source, path in wanted
        ]
        for (source, path), program in zip(wanted, running, strict=True):
            said, code = program.finish()
            if code == 0 and path.is_file():
                found.append((source, _content(path)))
            elif not _ABSENT.search(said):
                raise _unavailable(source, said)
            elif not source.optional:
                raise NotFound(f"{source.uri} has no suite `{source.suite}`")
    return _summary(found)


def proxies() -> list[str]:
    """Return the settings about proxies of the machine's apt, as lines of apt.conf(5)."""
    with Program(["apt-config", "dump"]) as program:
        said, _ = program.finish()
    return [line for line in said.splitlines() if line.startswith("Acquire::") and "proxy" in line.lower()]


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MAX_BYTES)


def _summary(found: Sequence[tuple[Source, bytes]]) -> Release:
    fields = [dict(_FIELD.findall(content.decode("utf-8", "replace"))) for _, content in found]
    codename = fields[0].get("Codename", found[0][0].suite).strip()
    if not re.fullmatch(r"[a-z][a-z0-9-]*", codename):
        raise InvalidArgument(f"{found[0][0].release} is not the list of a suite: its codename is `{codename:.50}`")
    digest = hashlib.sha256()
    for _, content in found:
        digest.update(hashlib.sha256(content).digest())
    return Release(
        tuple(source for source, _ in found),
        codename,
        max(_epoch_s(source, each.get("Date", "")) for (source, _), each in zip(found, fields, strict=True)),
        f"sha256:{digest.hexdigest()}",
    )


def _epoch_s(source: Source, text: str) -> int:
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError as error:
        raise InvalidArgument(f"{source.release} has no date that can be read") from error
    return int(moment.replace(tzinfo=moment.tzinfo or datetime.UTC).timestamp())


def _unavailable(source: Source, said: str) -> Unavailable:
    reasons = [line.removeprefix("E: ") for line in said.splitlines() if line.startswith("E: ")]
    cause = reasons[0] if reasons else "no answer"
    return Unavailable(f"cannot reach the mirror {source.uri}: {cause:.300}", hint="`--mirror` names another one")
