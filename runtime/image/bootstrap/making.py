"""One run of mmdebstrap: what it writes goes into the store while it is being written.

Source: mmdebstrap(1); its messages begin with `I: `, `W: ` and `E: `, apt's own too.
"""

import os
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from runtime.api import BootstrapListener
from runtime.errors import Cancelled, EngineError, InvalidArgument, NotFound, Unavailable
from runtime.image.assembly import StoredLayer
from runtime.image.bootstrap import release
from runtime.image.bootstrap.programs import Program
from runtime.image.bootstrap.recipe import FILES, Recipe
from runtime.image.bootstrap.release import Release
from runtime.image.configuration import Configuration, write_configuration
from runtime.image.machine import machine_architecture
from runtime.image.store import ImageStore
from runtime.image.tar_header import FOLDER, Entry, header
from schemas.dataclass import dataclass
from schemas.engine.records import ImageRecord

_INFORMATION = "I: "
_INTERNAL = (
    "using ",
    "automatically ",
    "chroot architecture",
    "finding correct",
    "success in ",
    "skipping ",
    "running --",
    "creating tarball",
    "removing ",
    "main() received",
)
_ERROR = "E: "
_NO_PACKAGE = re.compile(r"E: (?:Unable to locate package|Package '?)\s*([a-z0-9][a-z0-9+.-]*)")
_NO_ANSWER = re.compile(r"E: (Failed to fetch .+)")
_WATCH_S = 0.1


@dataclass(frozen=True, slots=True)
class Making:
    """A base image about to be made, below a scratch folder of the store."""

    store: ImageStore
    recipe: Recipe
    scratch: Path
    listener: BootstrapListener

    def perform(self, found: Release, labels: Mapping[str, str], epoch_s: int) -> ImageRecord:
        """Make the image and store it, without a name. Raises Cancelled, NotFound, Unavailable, EngineError."""
        self._write_files()
        reading, writing = os.pipe2(os.O_CLOEXEC)
        with open(reading, "rb", buffering=0) as archive:
            try:
                # mmdebstrap leaves out the devices with their folder.
                os.write(writing, header(Entry(b"./dev/", FOLDER, 0o755, modified_s=epoch_s)))
                program = Program(
                    self.recipe.arguments(release.proxies()),
                    output=writing,
                    environment=_environment(epoch_s),
                    tmp=self.scratch,
                )
            finally:
                os.close(writing)
            with program:
                stored = self._take(program, archive)
        configuration = Configuration(
            self.recipe.config(found.codename, labels),
            machine_architecture(),
            created_ns=epoch_s * 10**9,
            diff_ids=(stored.layer.diff_id,),
        )
        document = write_configuration(configuration, f"mmdebstrap {found.codename} {self.recipe.sources[0].uri}")
        return self.store.assembler.add_image(document, [stored.descriptor], (), action="import")

    def _write_files(self) -> None:
        """Prepare the folder that is /tmp for mmdebstrap."""
        self.scratch.chmod(0o1777)
        root = self.scratch / Path(FILES).name
        for name, text in self.recipe.files().items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o755 if text.startswith("#!") else 0o644)

    def _take(self, program: Program, archive: BinaryIO) -> StoredLayer:
        ended = threading.Event()
        reader = _Reader(program, self.listener)
        watch = threading.Thread(target=self._watch, args=(program, ended), name="cancellation")
        reader.start()
        watch.start()
        try:
            stored = self.store.assembler.add_layer(archive, ())
        except InvalidArgument:
            # No whole tar: the program's end is the reason, not the consequence, and it is the one to tell.
            archive.close()
            reader.join()
            self._check(reader)
            raise
        except BaseException:
            program.kill()
            raise
        finally:
            ended.set()
            watch.join()
            reader.join()
        self._check(reader)
        return stored

    def _watch(self, program: Program, ended: threading.Event) -> None:
        while not ended.wait(_WATCH_S):
            if self.listener.is_cancelled:
                program.kill()
                return

    def _check(self, reader: "_Reader") -> None:
        """Raise what went wrong."""
        if self.listener.is_cancelled:
            raise Cancelled("canceled")
        if reader.error is not None:
            raise reader.error
        if reader.code != 0:
            raise _failure(reader, self.recipe.sources[0].uri)


class _Reader(threading.Thread):
    """Reads what the program says, and tells the part that is of interest."""

    def __init__(self, program: Program, listener: BootstrapListener) -> None:
        super().__init__(name="messages")
        self._program = program
        self._listener = listener
        self.said = ""
        self.code = 0
        self.error: Exception | None = None

    def run(self) -> None:
        """Read until the program ends, or until nobody wants to know: then it ends, too."""
        try:
            self.said, self.code = self._program.finish(self._tell)
        except Exception as error:  # noqa: BLE001 - `_check` raises it
            self.error = error
            self._program.kill()

    def _tell(self, line: str) -> None:
        text = line.removeprefix(_INFORMATION).removesuffix("...")
        if line.startswith(_INFORMATION) and text != "done" and not text.startswith(_INTERNAL):
            self._listener.on(text)


def _failure(reader: _Reader, mirror: str) -> EngineError:
    absent = _NO_PACKAGE.search(reader.said)
    if absent is not None:
        return NotFound(f"{mirror} has no package `{absent[1]}` for this suite")
    unanswered = _NO_ANSWER.search(reader.said)
    if unanswered is not None:
        return Unavailable(f"packages could not be downloaded: {unanswered[1]:.300}", hint="`--mirror` names another")
    lines = reader.said.splitlines()
    causes = [line for line in lines if line.startswith(_ERROR)] or lines[-1:] or [f"exit code {reader.code}"]
    last = "\n".join([line for line in lines if not line.startswith(_INFORMATION)][-8:])
    return EngineError(f"mmdebstrap failed: {causes[0].removeprefix(_ERROR):.300}", hint=f"its last lines:\n{last}")


def _environment(epoch_s: int) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    return {
        **kept,
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C.UTF-8",
        "DEBIAN_FRONTEND": "noninteractive",
        "SOURCE_DATE_EPOCH": str(epoch_s),
        "TMPDIR": "/tmp",  # noqa: S108 - of its own mount namespace
    }
