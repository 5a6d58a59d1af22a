"""The cases: folders with a Dockerfile, where needed with `context.sh` and `build.json`, and with Docker's answer.

`context.sh` makes the context, run in an empty folder as root with umask 022; so names, modes, owners and links that
no repository holds are the same wherever it runs. `build.json` has a Compose file's `build` attributes. `served.sh`
makes, likewise, a folder that tests/support/file_server.py serves; `SERVER` stands for its address everywhere. Of many
cases it is a link to repository.sh.

`expected.json` is Docker's answer, as record.py found it; `different.json` says what is different here, and why;
`here.txt` is the error here.
"""

import json
import os
import subprocess
import tarfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from tests.support.images import busybox_tar

SERVER = "SERVER"
SETTINGS = """\
export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.org GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.org
export GIT_AUTHOR_DATE=2020-01-01T00:00:00Z GIT_COMMITTER_DATE=2020-01-01T00:00:00Z GIT_CONFIG_GLOBAL=/dev/null
"""
"""So that a commit has the same name wherever it is made."""
FOLDER = Path(__file__).parent / "cases"
BASE = "case-base"
BASE_CHANGES = ("ENV FROM_BASE=yes", 'CMD ["sh"]', "LABEL base=yes")


@dataclass(frozen=True, slots=True)
class Case:
    """One Dockerfile and its surroundings."""

    folder: Path
    address: str = SERVER

    @property
    def name(self) -> str:
        """What it is called."""
        return self.folder.name

    @property
    def dockerfile(self) -> str:
        """Its text."""
        return (self.folder / "Dockerfile").read_bytes().decode().replace(SERVER, self.address)

    @property
    def script(self) -> str:
        """What makes its context."""
        path = self.folder / "context.sh"
        return path.read_text() if path.exists() else ""

    @property
    def served(self) -> str:
        """What makes the folder that is served; empty where none is."""
        path = self.folder / "served.sh"
        return SETTINGS + path.read_text() if path.exists() else ""

    @property
    def build(self) -> dict[str, Any]:
        """More attributes of `build`."""
        path = self.folder / "build.json"
        return json.loads(path.read_text().replace(SERVER, self.address)) if path.exists() else {}

    @property
    def docker(self) -> dict[str, Any]:
        """Docker's answer."""
        return json.loads((self.folder / "expected.json").read_text())

    @property
    def different(self) -> dict[str, Any]:
        """What is different here, on purpose: `why`, and new values, None for what is not there."""
        path = self.folder / "different.json"
        return json.loads(path.read_text()) if path.exists() else {}

    @property
    def error(self) -> str:
        """The error here; empty where there is none."""
        path = self.folder / "here.txt"
        return path.read_text().rstrip("\n") if path.exists() else ""

    @property
    def expected(self) -> dict[str, Any]:
        """The answer here: Docker's, with what is different on purpose."""
        answer = self.docker
        for part, value in self.different.items():
            if isinstance(value, dict):
                merged = answer[part] | value
                answer[part] = {key: it for key, it in merged.items() if it is not None}
            elif part != "why":
                answer[part] = value
        return answer

    def at(self, address: str) -> "Case":
        """Return it with the address of the server."""
        return Case(self.folder, address)

    def make_context(self, target: Path) -> None:
        """Make the context in an empty folder."""
        run_script(self.script, target)
        (target / "Dockerfile").write_bytes(self.dockerfile.encode())

    def placeless(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Return an answer without the address of the server."""
        return json.loads(json.dumps(answer).replace(self.address, SERVER))


def run_script(script: str, target: Path) -> None:
    """Run what makes a folder, in it."""
    subprocess.run(["sh", "-euc", script], cwd=target, check=True, timeout=30, umask=0o22, env=os.environ)


def cases() -> list[Case]:
    """Return all of them, by name."""
    return [Case(folder) for folder in sorted(FOLDER.iterdir())]


def base_tar(folder: Path) -> Path:
    """Write the root file system that the Dockerfiles stand on: busybox, and files to remove, replace and copy."""
    path = busybox_tar(folder)
    with tarfile.open(path, "a") as archive:
        for name, kind, mode, owner, content in (
            ("data", tarfile.DIRTYPE, 0o755, 0, ""),
            ("data/one", tarfile.REGTYPE, 0o644, 0, "one\n"),
            ("data/two", tarfile.REGTYPE, 0o4755, 1000, "two\n"),
            ("data/sub", tarfile.DIRTYPE, 0o700, 1000, ""),
            ("data/sub/three", tarfile.REGTYPE, 0o600, 1000, "three\n"),
            ("data/link", tarfile.SYMTYPE, 0o777, 0, "one"),
            ("data/same", tarfile.LNKTYPE, 0o644, 0, "data/one"),
            ("shortcut", tarfile.SYMTYPE, 0o777, 0, "/data/sub"),
            ("away", tarfile.SYMTYPE, 0o777, 0, "../../../outside"),
        ):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.uid, entry.gid = kind, mode, owner, owner
            if kind == tarfile.REGTYPE:
                entry.size = len(content)
            else:
                entry.linkname = content
            archive.addfile(entry, BytesIO(content.encode()))
    return path
