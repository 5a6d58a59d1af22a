"""Ask Docker for its answer to the cases, and keep it beside them.

    python -m tests.conformance.build.record --peer SCRIPT [NAME …]

Needs root and a script that runs commands where a Docker engine answers (`SCRIPT run docker …`), with xz-utils, git,
curl, python3 and a folder /srv. Builds go through docker compose, which uses the engine's BuildKit even where the
client has no buildx; archives of a web server as contexts, which it gets wrong, straight to the engine. The answers
here are those of docker compose 2.26.1 on Docker 26.1.5. Without names the cases without an answer are asked.
"""

import argparse
import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from tests.conformance.build.cases import BASE, BASE_CHANGES, SERVER, Case, base_tar, cases
from tests.conformance.build.contents import answer
from tests.support import file_server

PLACE = "/srv/differ"
SERVICE = "it"
NOISE = re.compile(r"failed to solve: |^(?:target \S+: |rpc error: code = \w+ desc = )+")


class Peer:
    """Where Docker answers."""

    def __init__(self, script: str, folder: Path) -> None:
        self._run = ["bash", script, "run"]
        self.folder = folder

    def shell(self, command: str, *arguments: str, content: bytes = b"", check: bool = True) -> tuple[int, str]:
        """Run a shell command; return its exit code and what it said."""
        done = subprocess.run(
            [*self._run, "sh", "-c", command, "sh", *arguments],
            input=content,
            capture_output=True,
            timeout=300,
            check=False,
        )
        said = (done.stdout + done.stderr).decode(errors="replace")
        if check and done.returncode:
            raise SystemExit(f"{command}: {said}")
        return done.returncode, said

    def saved(self, image: str, name: str) -> Path:
        """Return an image's archive."""
        path = self.folder / name
        with path.open("wb") as file:
            subprocess.run([*self._run, "docker", "save", image], stdout=file, check=True, timeout=120)
        return path

    @contextmanager
    def serving(self, folder: str) -> Iterator[str]:
        """Serve a folder of the peer's where its engine can reach it; yields the address."""
        self.shell(f'cat >"{PLACE}/file_server.py"', content=Path(file_server.__file__).read_bytes())
        command = [*self._run, "python3", f"{PLACE}/file_server.py", folder]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
            process.communicate()

    def ask(self, case: Case, base: Path) -> dict[str, Any]:
        """Return the answer to a case."""
        place = f"{PLACE}/{case.name}"
        for name, script in (("context", case.script), ("served", case.served)):
            empty = f'rm -rf "{place}/{name}"; mkdir -p "{place}/{name}"; umask 022; cd "{place}/{name}"; set -eu'
            self.shell(f"{empty}\n{script}")
        with self.serving(f"{place}/served") if case.served else nullcontext(SERVER) as address:
            served = case.at(address)
            return served.placeless(self._ask(served, base, place))

    def _ask(self, case: Case, base: Path, place: str) -> dict[str, Any]:
        image = f"differ-{case.name}"
        self.shell(f'cat >"{place}/context/Dockerfile"', content=case.dockerfile.encode())
        build = {"context": "./context"} | case.build
        file = {"name": "differ", "services": {SERVICE: {"image": image, "build": build}}}
        self.shell(f'cat >"{place}/compose.yaml"', content=json.dumps(file).encode())
        if str(build["context"]).startswith("http") and ".git" not in str(build["context"]):
            code, said = self._remote(image, str(build["context"]))
        else:
            command = f'cd "{place}" && docker compose --progress plain build --no-cache'
            code, said = self.shell(command, check=False)
        if code:
            lines = [line for line in said.splitlines() if line.strip()]
            last = next((line for line in reversed(lines) if NOISE.match(line)), lines[-1])
            return {"exit_code": code, "error": NOISE.sub("", last)}
        found = answer(self.saved(image, "image.tar"), base)
        self.shell('docker image rm "$1"', image)
        return found

    def _remote(self, image: str, context: str) -> tuple[int, str]:
        """Have the engine fetch the context: docker compose 2.26 asks for a Dockerfile of the context's own name."""
        url = f"http://engine/v1.45/build?version=2&nocache=1&t={image}&remote={context}"
        _, said = self.shell(f"curl -sS --unix-socket /var/run/docker.sock -X POST '{url}'")
        errors = [document["error"] for document in map(json.loads, said.splitlines()) if "error" in document]
        return len(errors), "\n".join(errors)


def main() -> None:
    """Ask, and write down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", required=True)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pycompose-record-") as folder:
        peer = Peer(options.peer, Path(folder))
        changes = " ".join(f"-c '{change}'" for change in BASE_CHANGES)
        peer.shell(f"docker import {changes} - {BASE}", content=base_tar(Path(folder)).read_bytes())
        base = peer.saved(BASE, "base.tar")
        for case in cases():
            if case.name in options.names or not (options.names or (case.folder / "expected.json").exists()):
                found = peer.ask(case, base)
                (case.folder / "expected.json").write_text(text(found))
                print(case.name, found.get("error", "built"))
        peer.shell(f"rm -rf {PLACE}; docker image rm {BASE}")


def text(found: dict[str, Any]) -> str:
    """Return an answer as JSON with a line for each entry."""
    parts = []
    for key, value in found.items():
        if isinstance(value, dict) and value:
            lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in value.items())
            parts.append(f" {json.dumps(key)}: {{\n{lines}\n }}")
        elif isinstance(value, list) and value:
            lines = ",\n".join(f"  {json.dumps(entry)}" for entry in value)
            parts.append(f" {json.dumps(key)}: [\n{lines}\n ]")
        else:
            parts.append(f" {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    main()
