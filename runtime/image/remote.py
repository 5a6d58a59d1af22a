"""What names lead to in their registries, for whoever needs no store: no rights, nothing is kept."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from runtime.errors import EngineError
from runtime.image.reference import Reference, parse
from runtime.registry.client import Repository
from runtime.registry.credentials import open_credentials
from runtime.registry.session import Session
from runtime.registry.settings import read_settings

T = TypeVar("T")


def origin(session: Session, reference: Reference) -> Repository:
    """Return the repository itself."""
    return Repository(session, reference.domain, reference.path, reference.familiar_name)


def sources(session: Session, reference: Reference) -> tuple[Repository, ...]:
    """Return where a repository can be read, in the order to ask: its mirrors, and in the end itself."""
    mirrors = session.settings.of(reference.domain).mirrors
    return (
        *(
            Repository(session, reference.domain, reference.path, reference.familiar_name, mirror=mirror)
            for mirror in mirrors
        ),
        origin(session, reference),
    )


def ask(repositories: Sequence[Repository], question: Callable[[Repository], T]) -> T:
    """Return the first answer; the last repository's error is what is raised."""
    for repository in repositories[:-1]:
        try:
            return question(repository)
        except EngineError:
            continue
    return question(repositories[-1])


class RemoteNames:
    """Asks registries. Close it."""

    def __init__(self) -> None:
        """Raises InvalidArgument for settings that are wrong."""
        self._session = Session(read_settings(), open_credentials())

    def digest(self, text: str) -> str:
        """Return the digest that a name leads to now, of an index where there is one.

        Raises NotFound, PermissionDenied, Unavailable, InvalidArgument.
        """
        reference = parse(text).with_default_tag()
        return reference.digest or origin(self._session, reference).digest(reference.tag)

    def pinned(self, text: str) -> str:
        """Return the whole name with the digest it leads to now; one with a digest loses its tag, as Docker has it.

        Raises as `digest` does.
        """
        reference = parse(text).with_default_tag()
        return f"{reference.name}@{reference.digest}" if reference.digest else f"{reference}@{self.digest(text)}"

    def close(self) -> None:
        """Close connections."""
        self._session.close()
