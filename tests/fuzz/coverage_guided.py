"""One target under atheris: `python -m tests.fuzz.coverage_guided TARGET FINDINGS [libFuzzer's arguments]`.

A finding does not end the run: its input is kept in FINDINGS, once for each place that it comes from. What ends
it is what Python cannot catch: a crash, a hang, no more memory.
"""

import hashlib
import re
import sys
import traceback
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["compose", "runtime", "schemas"]):
    from tests.fuzz.targets import TARGETS


_DIGITS = re.compile("[0-9]+")


class Collector:
    """Feeds a target and keeps what it should not have done."""

    def __init__(self, name: str, folder: Path) -> None:
        self._name = name
        self._check = TARGETS[name].check
        self._folder = folder
        self._known: set[str] = {path.name for path in folder.iterdir()}

    def __call__(self, data: bytes) -> None:
        """One execution."""
        try:
            self._check(data)
        except Exception as error:  # noqa: BLE001 - whatever comes out is the finding
            self._keep(data, error)

    def _keep(self, data: bytes, error: Exception) -> None:
        frames = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-3:]]
        kind = f"{type(error).__name__} {_DIGITS.sub('', str(error))[:30]} {frames}"
        name = f"{self._name}-{hashlib.sha256(kind.encode()).hexdigest()[:12]}"
        if name in self._known:
            return
        self._known.add(name)
        (self._folder / name).write_bytes(data)
        report = "".join(traceback.format_exception(error))
        (self._folder / f"{name}.txt").write_text(f"{data!r}\n{report}", errors="backslashreplace")
        sys.stderr.write(f"FINDING {name} {type(error).__name__}: {str(error)[:200]!r}\n")


def main(arguments: list[str]) -> None:
    """Run until libFuzzer's limits are reached."""
    name, folder, *rest = arguments
    Path(folder).mkdir(parents=True, exist_ok=True)
    atheris.Setup([sys.argv[0], *rest], Collector(name, Path(folder)))
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
