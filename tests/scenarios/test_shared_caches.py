"""Machines that share what their builds did: `cache_to` on one, `cache_from` on the other."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import registry
from tests.support.cli import Cli, Finished
from tests.support.registry import RegistryServer
from tests.support.registry_proxy import RegistryProxy

pytestmark = pytest.mark.usefixtures("no_credentials")

# What a step writes twice is never the same: whoever has the first one's did not run it.
DOCKERFILE = """\
FROM busybox AS tools
RUN cat /proc/sys/kernel/random/uuid > /tool
RUN head -c 200000 /dev/urandom > /big
FROM busybox
WORKDIR /app
COPY --from=tools /tool .
COPY page .
RUN cat /proc/sys/kernel/random/uuid > id
"""
CACHE_CONFIG = "application/vnd.buildkit.cacheconfig.v0"


class Machine:
    """A state of its own, and a copy of the project in a folder of its own."""

    def __init__(self, folder: Path, base: Path) -> None:
        self.folder = folder / "project"
        self.cli = Cli(self.folder)
        self.root = folder / "root"
        self._environment = {"PYCOMPOSE_ROOT": str(self.root), "PYCOMPOSE_RUN": str(folder / "run")}
        self.cli.write(DOCKERFILE, "web/Dockerfile")
        self.cli.write("hello\n", "web/page")
        self.run("image", "load", "-i", str(base))

    def run(self, *arguments: str, code: int = 0) -> Finished:
        return self.cli.run(*arguments, code=code, environment=self._environment)

    def build(self, code: int = 0, **build: object) -> Finished:
        service = {"image": "me/web", "build": {"context": "web", **build}}
        self.cli.write(json.dumps({"name": "shop", "services": {"web": service}}))
        return self.run("build", code=code)

    @property
    def image(self) -> str:
        (row,) = [line.split() for line in self.run("image", "ls", "--no-trunc", "me/web").stdout.splitlines()[1:]]
        return row[2]

    def layers(self) -> int:
        return len(list((self.root / "images/layers/diff").iterdir()))


@pytest.fixture
def machine(cli: Cli, busybox: str, tmp_path: Path) -> Iterator[Callable[[str], Machine]]:
    """Return what makes machines, by name; all have the same base image."""
    base = tmp_path / "base.tar"
    cli.run("image", "save", "-o", str(base), busybox)
    made: list[Machine] = []

    def make(name: str) -> Machine:
        made.append(Machine(tmp_path / name, base))
        return made[-1]

    yield make
    for each in made:
        # Their states are their own, and no check looks them over.
        each.cli.write("services: {web: {image: me/web}}\nname: shop\n")
        each.run("down")


def steps(done: Finished) -> dict[str, str]:
    """Return how each instruction ended, in the last attempt at it."""
    titles: dict[str, str] = {}
    ended: dict[str, str] = {}
    for line in done.stdout.splitlines():
        number, _, text = line.partition(" ")
        if text.startswith("[web ") and "internal]" not in text and "/" in text.partition("]")[0]:
            titles[number] = text.partition("] ")[2]
        elif number in titles and text.split(" ")[0] in ("CACHED", "DONE", "ERROR:", "CANCELED"):
            ended[titles[number]] = text.split(" ")[0]
    return ended


def ran(done: Finished) -> list[str]:
    """Return the instructions that were carried out."""
    return [title for title, end in steps(done).items() if end == "DONE"]


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("kind", ["registry", "local"])
def test_another_machine_must_find_every_step_and_run_nothing(
    machine: Callable[[str], Machine], server: RegistryServer, tmp_path: Path, kind: str, mode: str
):
    """The image is the same to the byte, with what only a run could have written into it."""
    place = f"ref={server.host}/cache:{mode}" if kind == "registry" else f"%s={tmp_path}/shared"
    first = machine("a")
    done = first.build(cache_to=[f"type={kind},{place.replace('%s', 'dest')},mode={mode}"])
    assert len(ran(done)) == 6, done.stdout
    second = machine("b")
    found = second.build(cache_from=[f"type={kind},{place.replace('%s', 'src')}"])
    assert ran(found) == [], found.stdout
    assert second.image == first.image
    assert second.layers() == 1 + 4, "of the other stage nothing was brought: nobody reads it"
    assert (
        second.run("run", "--rm", "web", "cat", "/app/id").stdout
        == first.run("run", "--rm", "web", "cat", "/app/id").stdout
    )


def test_an_image_must_be_a_cache_itself(machine: Callable[[str], Machine], server: RegistryServer):
    """`type=inline`: pushed with its records, found by name alone, from the registry or after a pull."""
    first = machine("a")
    first.build(cache_to=["type=inline"], tags=[f"{server.host}/me/web:1"])
    first.run("image", "push", f"{server.host}/me/web:1")
    second = machine("b")
    found = second.build(cache_from=[f"{server.host}/me/web:1"], cache_to=["type=inline"])
    assert ran(found) == [], found.stdout
    assert second.image == first.image
    third = machine("c")
    third.run("image", "pull", f"{server.host}/me/web:1")
    assert ran(third.build(cache_from=[f"{server.host}/me/web:1"])) == []
    assert third.image != first.image, "without `cache_to` the image has no records"


def test_a_cache_must_be_what_docker_reads_too(machine: Callable[[str], Machine], server: RegistryServer):
    """An image manifest with BuildKit's configuration; every layer that it lists is there."""
    machine("a").build(cache_to=[f"type=registry,ref={server.host}/cache:1,mode=max"])
    manifest = json.loads(registry.get(server.host, "/v2/cache/manifests/1"))
    assert manifest["config"]["mediaType"] == CACHE_CONFIG
    config = json.loads(registry.get(server.host, f"/v2/cache/blobs/{manifest['config']['digest']}"))
    assert {layer["blob"] for layer in config["layers"]} == {layer["digest"] for layer in manifest["layers"]}
    assert len(manifest["layers"]) == 6
    places = [result["layer"] for record in config["records"] for result in record.get("layers", ())]
    assert sorted(places) == list(range(6))


def test_a_cache_that_is_read_and_written_must_stay_complete(machine: Callable[[str], Machine], server: RegistryServer):
    """As a pipeline does on a new machine each time: what nobody needed to read is there for the next one too."""
    both = {"cache_from": [f"{server.host}/cache:1"], "cache_to": [f"type=registry,ref={server.host}/cache:1,mode=max"]}
    machine("a").build(**both)
    before = registry.get(server.host, "/v2/cache/manifests/1")
    assert ran(machine("b").build(**both)) == []
    assert registry.get(server.host, "/v2/cache/manifests/1") == before


def test_only_what_changed_must_be_done_and_only_what_is_read_be_brought(
    machine: Callable[[str], Machine], server: RegistryServer, proxy: RegistryProxy
):
    """A changed file: the layers below it are needed, those of the other stage are not."""
    machine("a").build(cache_to=[f"type=registry,ref={server.host}/cache:1,mode=max"])
    second = machine("b")
    second.cli.write("changed\n", "web/page")
    found = second.build(cache_from=[f"{proxy.host}/cache:1"])
    assert ran(found) == ["COPY page .", "RUN cat /proc/sys/kernel/random/uuid > id"]
    assert proxy.count("GET", "/blobs/") == 1 + 2, "the configuration, WORKDIR, COPY --from"
    assert second.run("run", "--rm", "web", "cat", "page").stdout == "changed\n"


def test_a_step_on_layers_that_the_cache_has_not_must_have_them_made(machine: Callable[[str], Machine], tmp_path: Path):
    """`mode=min` tells of the other stage without having it: what is built on it is done after all."""
    machine("a").build(cache_to=[f"type=local,dest={tmp_path}/shared"])
    second = machine("b")
    second.cli.write(DOCKERFILE.replace("/big\n", "/big\nRUN test -s /big && test -s /tool\n"), "web/Dockerfile")
    found = second.build(cache_from=[f"type=local,src={tmp_path}/shared"])
    assert "the layers of some steps are not in" in found.stdout
    assert "RUN test -s /big && test -s /tool" in ran(found)
    assert "RUN cat /proc/sys/kernel/random/uuid > /tool" in ran(found)


def test_what_came_from_a_cache_must_count_for_builds_that_name_it_and_for_no_others(
    machine: Callable[[str], Machine], tmp_path: Path
):
    """Whoever may write to a cache decides what a step made: nobody gets that without having asked for it."""
    machine("a").build(cache_to=[f"type=local,dest={tmp_path}/shared,mode=max"])
    second = machine("b")
    named = [f"type=local,src={tmp_path}/shared"]
    second.build(cache_from=named)
    image = second.image
    for blob in (tmp_path / "shared/blobs/sha256").iterdir():
        if not blob.read_bytes().startswith(b"{"):
            blob.unlink()
    assert ran(second.build(cache_from=named)) == [], "what was brought is here"
    assert second.image == image
    assert len(ran(second.build())) == 6
    assert second.image != image


def test_a_cache_that_cannot_be_had_must_be_a_remark(machine: Callable[[str], Machine], tmp_path: Path):
    """No registry, no folder, no such tag: the build is done, with exit code 0."""
    done = machine("a").build(
        cache_from=["127.0.0.1:1/cache:1", f"type=local,src={tmp_path}/nowhere", "type=registry,ref=127.0.0.1:1/x"]
    )
    assert "importing cache manifest from 127.0.0.1:1/cache:1" in done.stdout
    assert "ERROR: cannot reach `127.0.0.1:1`: connection refused" in done.stdout
    assert f"ERROR: cannot read `{tmp_path}/nowhere/index.json`: no such file or directory" in done.stdout
    assert len(ran(done)) == 6


def test_a_cache_that_cannot_be_written_must_fail_the_build_unless_told_otherwise(
    machine: Callable[[str], Machine], tmp_path: Path
):
    """`ignore-error=true`. The image is there in both cases."""
    first = machine("a")
    failed = first.build(cache_to=["type=registry,ref=127.0.0.1:1/cache:1"], code=1)
    assert "cannot reach `127.0.0.1:1`" in failed.stderr
    assert first.image
    (tmp_path / "file").write_text("")
    refused = first.build(cache_to=[f"type=local,dest={tmp_path}/file"], code=1)
    assert f"cannot write the cache to `{tmp_path}/file" in refused.stderr
    first.build(cache_to=["type=registry,ref=127.0.0.1:1/cache:1,ignore-error=true"])


def test_a_layer_that_is_missing_or_damaged_must_be_made_again(machine: Callable[[str], Machine], tmp_path: Path):
    """What the cache says of it is given up, and nothing of it gets into the image."""
    machine("a").build(cache_to=[f"type=local,dest={tmp_path}/shared,mode=max"])
    blobs = sorted((tmp_path / "shared/blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    content = bytearray(blobs[-1].read_bytes())
    content[len(content) // 2] ^= 1
    blobs[-1].write_bytes(content)
    second = machine("b")
    second.cli.write(DOCKERFILE.replace("/tool .", "/tool /big ./"), "web/Dockerfile")
    done = second.build(cache_from=[f"type=local,src={tmp_path}/shared"])
    assert "going on without" in done.stdout
    assert "RUN head -c 200000 /dev/urandom > /big" in ran(done)
    for blob in blobs[:-1]:
        if blob.stat().st_size < 2000 and blob.read_bytes()[:1] != b"{":
            blob.unlink()
    third = machine("c")
    assert "going on without" in third.build(cache_from=[f"type=local,src={tmp_path}/shared"]).stdout
    assert third.run("run", "--rm", "web", "cat", "page").stdout == "hello\n"


def test_what_has_no_effect_or_no_sense_must_be_said(machine: Callable[[str], Machine]):
    """Caches of cloud services are warned of; a mistake is shown in the file."""
    first = machine("a")
    done = first.build(cache_from=["type=gha"], cache_to=["type=s3,region=x,bucket=y"])
    assert "services.web.build.cache_from: a cache of type `gha` has no effect here" in done.stderr
    assert "services.web.build.cache_to: a cache of type `s3` has no effect here" in done.stderr
    wrong = first.build(cache_from=["type=locale,src=x"], code=1)
    assert "there is no cache of type `locale` here" in wrong.stderr
    assert "compose.yaml:1:" in wrong.stderr
