"""Images come from a registry when a project needs them."""

import hashlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.image.tars import Entry, folder, layer
from tests.support import registry
from tests.support.cli import Cli, wait_until
from tests.support.registry import RegistryServer
from tests.support.registry_proxy import Exchange, RegistryProxy
from tests.support.sources import ROOT

pytestmark = pytest.mark.usefixtures("no_credentials")


@pytest.fixture
def image(server: RegistryServer, busybox_tar: Path) -> str:
    """Put busybox into the registry; return its repository and tag."""
    more = layer(folder("etc"), Entry("etc/motd", b"pulled\n"))
    registry.put(server.host, "scenario/busybox", "1", registry.image(busybox_tar.read_bytes(), more))
    return "scenario/busybox:1"


def test_up_must_pull_what_is_missing_and_run_it(cli: Cli, proxy: RegistryProxy, image: str):
    """With docker compose's lines; the second `up` asks no registry, `--pull always` does."""
    cli.write(f"services: {{a: {{image: '{proxy.host}/{image}', command: [cat, /etc/motd]}}}}\n")
    done = cli.run("up")
    assert " a Pulling \n" in done.stderr
    assert " a Pulled \n" in done.stderr
    assert "pulled" in done.stdout
    asked = len(proxy.seen)
    cli.run("up", "-d")
    assert len(proxy.seen) == asked
    cli.run("up", "-d", "--pull", "always", "--quiet-pull")
    assert len(proxy.seen) > asked
    assert proxy.count("GET", "/blobs/") == 3
    cli.run("down", "-t", "0")


def test_a_terminal_must_show_each_layer_until_the_image_is_there(cli: Cli, proxy: RegistryProxy, image: str):
    """What happens to it, its bytes and its time; then the service's line alone, and what the registry warns of."""
    gate = threading.Event()

    def held(exchange: Exchange) -> bool:
        if exchange.method != "GET" or "/blobs/" not in exchange.path:
            return False
        status, headers, body = exchange.fetch()
        exchange.begin(status, {**headers, "Content-Length": str(len(body)), "Warning": '299 - "retired in May"'})
        exchange.send(body[: len(body) // 2])
        if len(body) > 100_000:  # a layer: the configuration comes before
            gate.wait(20)
        exchange.send(body[len(body) // 2 :])
        return True

    proxy.faults.append(held)
    cli.write(f"services: {{a: {{image: '{proxy.host}/{image}'}}}}\n")
    with cli.on_terminal("pull") as terminal:
        try:
            terminal.wait_for("Downloading")
            terminal.wait_for("Pulling  [")
        finally:
            gate.set()
        assert terminal.wait() == 0
        last = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.shown).rpartition("[+] ")[2]
    assert last.startswith("Pulling 4/4\n")
    assert " ✔ a " in last
    assert "Pulled" in last
    assert "Pull complete" not in last
    assert f" ! Registry {proxy.host}  Warning  retired in May" in last
    cli.run("image", "rm", f"{proxy.host}/{image}")
    assert f" Registry {proxy.host}  Warning: retired in May\n" in cli.run("pull").stderr
    warned = f"WARNING: registry `{proxy.host}`: retired in May\n"
    cli.run("image", "rm", f"{proxy.host}/{image}")
    assert warned in cli.run("image", "pull", f"{proxy.host}/{image}").stderr


def test_a_pull_that_fails_must_name_the_ways_out(cli: Cli):
    """No registry: nothing is made, and the error says what else there is."""
    cli.write("services: {a: {image: '127.0.0.1:1/x:1', command: 'true'}}\n")
    failed = cli.run("up", "-d", code=1)
    assert (
        "error: cannot pull image `127.0.0.1:1/x:1` of service `a`: cannot reach `127.0.0.1:1`: connection refused"
        in failed.stderr
    )
    assert "image load" in failed.stderr
    assert "image import" in failed.stderr
    assert cli.run("ps", "-aq").stdout == ""


def test_run_and_create_must_pull_too(cli: Cli, server: RegistryServer, image: str):
    """What `run` prints is the program's alone."""
    cli.write(f"services: {{a: {{image: '{server.host}/{image}', command: [cat, /etc/motd]}}}}\n")
    done = cli.run("run", "--rm", "-T", "a")
    assert done.stdout == "pulled\n"
    assert " a Pulled \n" in done.stderr
    cli.run("image", "rm", f"{server.host}/{image}")
    assert " a Pulled \n" in cli.run("create").stderr
    cli.run("down", "-t", "0")


def test_a_moved_tag_must_recreate_the_container_after_a_pull(cli: Cli, server: RegistryServer, busybox_tar: Path):
    """`pull`, then `up -d`: the container is made anew from the new image, as with docker compose."""
    name = f"{server.host}/scenario/moved:1"
    cli.write(f"services: {{a: {{image: '{name}', command: [sleep, '60'], stop_grace_period: 0s}}}}\n")
    for text in (b"one", b"two"):
        content = layer(folder("etc"), Entry("etc/version", text))
        registry.put(server.host, "scenario/moved", "1", registry.image(busybox_tar.read_bytes(), content))
        cli.run("pull")
        cli.run("up", "-d")
        assert cli.run("exec", "-T", "a", "cat", "/etc/version").stdout == text.decode()
    cli.run("down", "-t", "0")


def test_two_commands_must_download_a_layer_once(cli: Cli, proxy: RegistryProxy, image: str, tmp_path: Path):
    """Two processes at the same time: one waits for the other's download."""
    gate = threading.Event()

    def held(exchange) -> bool:
        if exchange.method == "GET" and "/blobs/" in exchange.path:
            gate.wait(20)
        return False

    proxy.faults.append(held)
    commands = [cli.start("image", "pull", f"{proxy.host}/{image}") for _ in range(2)]
    try:
        wait_until(lambda: proxy.count("GET", "/manifests/") == 2 and proxy.count("GET", "/blobs/") >= 2)
    finally:
        gate.set()
        outputs = [command.communicate(timeout=60)[0] for command in commands]
    assert [command.returncode for command in commands] == [0, 0], outputs
    # The configuration is a document, fetched by both; each of the two layers once.
    config = [each.path for each in proxy.seen if "/blobs/" in each.path]
    assert max(config.count(path) for path in set(config) - {max(config, key=config.count)}) == 1


def test_ctrl_c_must_end_a_pull_at_once(cli: Cli, proxy: RegistryProxy, image: str):
    """With 130, although the registry sends nothing any more."""
    gate = threading.Event()

    def stalled(exchange) -> bool:
        if exchange.method == "GET" and "/blobs/" in exchange.path:
            status, headers, body = exchange.fetch()
            exchange.begin(status, {**headers, "Content-Length": str(len(body))})
            exchange.send(body[: len(body) // 2])
            gate.wait(20)
            return True
        return False

    proxy.faults.append(stalled)
    command = cli.start("image", "pull", f"{proxy.host}/{image}")
    try:
        wait_until(lambda: proxy.count("GET", "/blobs/") >= 1)
        os.killpg(command.pid, signal.SIGINT)
        output, _ = command.communicate(timeout=10)
    finally:
        gate.set()
    assert command.returncode == 130, output
    assert "canceled" in output


def test_a_pull_killed_at_any_moment_must_leave_no_broken_image(
    cli: Cli, proxy: RegistryProxy, server: RegistryServer, busybox_tar: Path
):
    """The image is whole or not there, workers end by themselves, and the next pull needs no byte twice."""
    layers = [layer(folder("./"), Entry(f"file{number}", os.urandom(400_000))) for number in range(4)]
    registry.put(server.host, "scenario/killed", "1", registry.image(busybox_tar.read_bytes(), *layers))
    name = f"{proxy.host}/scenario/killed:1"

    def gently(exchange) -> bool:
        if exchange.method != "GET" or "/blobs/" not in exchange.path:
            return False
        status, headers, body = exchange.fetch()
        exchange.begin(status, {**headers, "Content-Length": str(len(body))})
        for start in range(0, len(body), 50_000):
            exchange.send(body[start : start + 50_000])
            tick.wait(0.01)
        return True

    tick = threading.Event()
    proxy.faults.append(gently)
    for requests, pause in ((1, 0), (2, 0), (3, 0), (3, 0.04), (4, 0), (4, 0.04), (5, 0), (5, 0.04), (6, 0), (7, 0.1)):
        already = len(proxy.seen)
        command = cli.start("image", "pull", name)
        wait_until(lambda: command.poll() is not None or len(proxy.seen) >= already + requests)  # noqa: B023 - asked at once
        tick.wait(pause)
        command.kill()
        command.communicate(timeout=10)
        if "killed" in cli.run("image", "ls").stdout:
            # It came to its end: it is whole, and the next moments are of another pull.
            cli.run("image", "save", "-o", str(cli.folder / "whole.tar"), name)
            cli.run("image", "rm", name)
    tick.set()
    cli.run("image", "pull", name)
    assert any("Range" in each.headers for each in proxy.seen), "a download that was begun is gone on with"
    cli.write(f"services: {{a: {{image: '{name}', command: [sh, -c, 'cat /file* | wc -c']}}}}\n")
    assert cli.run("run", "--rm", "-T", "a").stdout.strip() == "1600000"
    state = Path(os.environ["PYCOMPOSE_ROOT"])
    with sqlite3.connect(state / "state.db") as connection:
        assert connection.execute("SELECT count(*) FROM images").fetchone() == (1,)
    connection.close()
    cli.run("down", "-t", "0")


MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
LARGE_BYTES = 300 << 20
PATTERN = bytes(range(256)) * 4096


def _large_layer() -> Iterator[bytes]:
    """Yield a tar with one file of 300 MiB, without ever having it."""
    member = tarfile.TarInfo("large")
    member.size = LARGE_BYTES
    yield member.tobuf()
    for _ in range(LARGE_BYTES // len(PATTERN)):
        yield PATTERN
    yield bytes(10240 - 512)


def test_a_large_layer_must_not_be_held_in_memory(cli: Cli, server: RegistryServer, proxy: RegistryProxy):
    """300 MiB pass through the command, and through its unpack worker, piece by piece."""
    digest, size = hashlib.sha256(), 0
    for piece in _large_layer():
        digest.update(piece)
        size += len(piece)
    diff_id = f"sha256:{digest.hexdigest()}"
    descriptor = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": diff_id, "size": size}
    config = registry.assembled([], [diff_id]).config
    plain = {"schemaVersion": 2, "mediaType": registry.MANIFEST, "config": config.descriptor, "layers": [descriptor]}
    manifest = registry.Blob(json.dumps(plain).encode(), registry.MANIFEST)
    registry.put_blob(server.host, "scenario/large", config)

    def serving(exchange: Exchange) -> bool:
        if "/manifests/" in exchange.path:
            exchange.answer(200, manifest.content, {"Content-Type": manifest.media_type})
        elif diff_id in exchange.path:
            exchange.begin(200, {"Content-Length": str(size)})
            for piece in _large_layer():
                exchange.send(piece)
        else:
            return False
        return True

    proxy.faults.append(serving)
    # By way of a small process: a child's largest size is at first that of whoever started it.
    command = [sys.executable, "-P", "-m", "compose", "image", "pull", "-q", f"{proxy.host}/scenario/large:1"]
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, *command],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert measured.returncode == 0, measured.stderr
    largest_kib = int(measured.stdout.splitlines()[-1])
    assert largest_kib < 80 << 10, largest_kib


def test_config_must_pin_images_to_what_their_names_lead_to(cli: Cli, server: RegistryServer, busybox_tar: Path):
    """`--resolve-image-digests` in the whole model, `--lock-image-digests` as an override of its own."""
    pushed = registry.put(server.host, "scenario/pinned", "1", registry.image(busybox_tar.read_bytes()))
    name = f"{server.host}/scenario/pinned:1"
    digest = pushed.manifest.digest
    cli.write(f"services: {{a: {{image: '{name}', command: 'true'}}, b: {{build: .}}}}\n")
    model = json.loads(cli.run("config", "--resolve-image-digests", "--format", "json").stdout)
    assert model["services"]["a"]["image"] == f"{name}@{digest}"
    assert "image" not in model["services"]["b"]
    assert f"image: {name}@{digest}\n" in cli.run("config", "--resolve-image-digests").stdout
    lock = cli.run("config", "--lock-image-digests").stdout
    assert lock == f"services:\n  a:\n    image: {name}@{digest}\n"
    cli.write(lock, "lock.yaml")
    again = cli.run("-f", "compose.yaml", "-f", "lock.yaml", "config", "--images").stdout
    assert f"{name}@{digest}" in again
    cli.write(f"services: {{a: {{image: '{server.host}/scenario/nowhere:1'}}}}\n")
    failed = cli.run("config", "-q", "--resolve-image-digests", code=1)
    assert "service `a`: manifest for" in failed.stderr
    assert "not found: manifest unknown" in failed.stderr


def test_what_was_built_must_be_pushed_and_run_from_the_registry(cli: Cli, server: RegistryServer, image: str):
    """`build`, `push`, then from an empty store `up`: the layers of the build travel packed."""
    name = f"{server.host}/scenario/built:1"
    cli.write(f"FROM {server.host}/{image}\nRUN echo built >/etc/built\n", "Dockerfile")
    cli.write(f"services: {{a: {{image: '{name}', build: ., command: [cat, /etc/built, /etc/motd]}}}}\n")
    cli.run("build")
    pushed = cli.run("push").stderr
    assert " a Pushed \n" in pushed
    assert json.loads(registry.get(server.host, "/v2/scenario/built/manifests/1"))["layers"][-1]["mediaType"].endswith(
        "gzip"
    )
    cli.run("image", "rm", "-f", name)
    cli.write(f"services: {{a: {{image: '{name}', command: [cat, /etc/built, /etc/motd]}}}}\n")
    done = cli.run("up")
    assert " a Pulled \n" in done.stderr
    assert "built" in done.stdout
    assert "pulled" in done.stdout
    cli.run("down", "-t", "0")
