"""What the loader is asked for."""

from collections.abc import Mapping
from dataclasses import field

from compose.errors import RemoteError
from compose.loader.source import DiskReader, RemoteFiles, SourceReader
from schemas.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """Command line and environment, as the loader needs them. Paths may be relative to `cwd`."""

    cwd: str
    """Absolute."""
    environment: Mapping[str, str]
    """The shell's; the loader looks at no other."""
    files: tuple[str, ...] = ()
    """`-f`; `-` is standard input. Empty: COMPOSE_FILE, else the default names here and above."""
    project_name: str = ""
    project_directory: str = ""
    env_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    compatibility: bool = False
    stdin: bytes = b""
    """The text for `-`."""
    interpolate: bool = True
    normalize: bool = True
    resolve_paths: bool = True
    check_consistency: bool = True
    resolve_environment: bool = True
    keep_unused: bool = False
    """Keep networks, volumes, … that no enabled service uses (`--all-resources`)."""
    reader: SourceReader = field(default_factory=DiskReader)
    remote: RemoteFiles | None = None
    """None: no file is elsewhere."""

    def local_copy(self, reference: str, *, by_fetched: bool = False) -> str:
        """The Compose file that a remote reference means, as an absolute path. Raises RemoteError."""
        if self.remote is None:
            raise RemoteError(f"{reference}: nothing is fetched here")
        return self.remote.local_copy(reference, by_fetched=by_fetched)

    def root_of(self, path: str) -> str:
        """The folder of the fetched tree that a path lies in; empty where it lies in none."""
        return self.remote.root_of(path) if self.remote else ""
