"""What names lead to in their registries, for whoever needs no store: no rights, nothing is kept."""

from runtime.image.reference import parse
from runtime.registry.client import Repository
from runtime.registry.credentials import open_credentials
from runtime.registry.session import Session
from runtime.registry.settings import read_settings


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
        repository = Repository(self._session, reference.domain, reference.path, reference.familiar_name)
        return reference.digest or repository.digest(reference.tag)

    def pinned(self, text: str) -> str:
        """Return the whole name with the digest it leads to now; one with a digest loses its tag, as Docker has it.

        Raises as `digest` does.
        """
        reference = parse(text).with_default_tag()
        return f"{reference.name}@{reference.digest}" if reference.digest else f"{reference}@{self.digest(text)}"

    def close(self) -> None:
        """Close connections."""
        self._session.close()
