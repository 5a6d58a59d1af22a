"""`commit` and `export`: what a service's container has become, as an image and as a tar."""

import contextlib
import json
import os
import signal
import tarfile
import time
from pathlib import Path

import pytest

from tests.support.cli import Cli, wait_until

pytestmark = pytest.mark.usefixtures("busybox")

SHOP = """
name: shop
services:
  web:
    image: busybox
    command: ["sh", "-c", "mkdir -p /made && echo hello > /made/file && rm /etc/passwd; ln /made/file /made/link;
      dd if=/dev/urandom of=/made/big bs=1M count=24 2>/dev/null; touch /made/.done; exec sleep 1000"]
    working_dir: /made
    environment: {GREETING: hi}
    labels: {shop: "yes"}
    volumes: ["/made/anonymous", "kept:/kept"]
    stop_grace_period: 0s
    healthcheck: {test: ["CMD", "true"], interval: 7s}
volumes: {kept: {}}
"""


@pytest.fixture
def shop(cli: Cli) -> Cli:
    """Return the project, up, its files written."""
    cli.write(SHOP)
    cli.run("up", "-d")
    wait_until(lambda: cli.run("exec", "-T", "web", "test", "-e", "/made/.done", code=None).code == 0)
    cli.run("exec", "-T", "web", "sh", "-c", "echo out > /kept/row; mknod /made/fifo p")
    return cli


def _state(shop: Cli) -> str:
    (line,) = shop.run("ps", "-a", "--format", "json").stdout.splitlines()
    return str(json.loads(line)["State"])


def test_a_commit_must_be_an_image_of_what_the_container_wrote(shop: Cli, tmp_path: Path) -> None:
    """Files, whiteouts, links; configuration of the service; author, message and changes; not what volumes hold."""
    done = shop.run(
        "commit", "-a", "Ada", "-m", "as it was", "-c", "ENV MORE=1", "-c", "EXPOSE 80", "web", "shop-web:1"
    )
    assert " Container shop-web-1  Committed as sha256:" in done.stderr
    assert _state(shop) == "running"
    shop.run("image", "save", "-o", str(tmp_path / "out.tar"), "shop-web:1")
    with tarfile.open(tmp_path / "out.tar") as tar:
        (entry,) = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        document = json.load(tar.extractfile(entry["Config"]))  # type: ignore[arg-type]
        with tarfile.open(fileobj=tar.extractfile(entry["Layers"][-1])) as layer:
            names = layer.getnames()
    assert {"etc/.wh.passwd", "made/file", "made/link", "made/fifo", "made/big"} <= set(names)
    assert not [name for name in names if "row" in name or name.startswith((".dockerenv", "dev", "etc/hosts"))]
    config = document["config"]
    assert config["Env"] == ["GREETING=hi", "MORE=1"]
    assert (config["WorkingDir"], config["ExposedPorts"]) == ("/made", {"80/tcp": {}})
    assert "Volumes" not in config
    assert config["Labels"]["shop"] == "yes"
    assert config["Labels"]["com.docker.compose.service"] == "web"
    assert config["Healthcheck"] == {"Test": ["CMD", "true"], "Interval": 7_000_000_000}
    assert document["author"] == "Ada"
    line = document["history"][-1]
    assert (line["author"], line["comment"]) == ("Ada", "as it was")
    assert line["created_by"].startswith("sh -c mkdir -p /made")
    shop.write("name: again\nservices: {web: {image: 'shop-web:1', command: cat /made/link}}", "again.yaml")
    assert "web-1  | hello" in shop.run("-f", "again.yaml", "up").stdout
    shop.run("-f", "again.yaml", "down")
    shop.run("down", "-v")


def test_a_stopped_container_must_be_committed_and_exported_too(shop: Cli, tmp_path: Path) -> None:
    """And one that changed nothing gives no layer of its own."""
    shop.run("stop")
    shop.run("commit", "web")
    shop.run("export", "-o", str(tmp_path / "root.tar"), "web")
    with tarfile.open(tmp_path / "root.tar") as tar:
        assert tar.extractfile("made/file").read() == b"hello\n"  # type: ignore[union-attr]
    shop.write("name: plain\nservices: {web: {image: busybox, command: 'true'}}", "plain.yaml")
    shop.run("-f", "plain.yaml", "create")
    shop.run("-f", "plain.yaml", "commit", "web", "same:1")
    shop.run("image", "save", "-o", str(tmp_path / "same.tar"), "same:1")
    with tarfile.open(tmp_path / "same.tar") as tar:
        (entry,) = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        document = json.load(tar.extractfile(entry["Config"]))  # type: ignore[arg-type]
    assert len(entry["Layers"]) == 1
    assert document["history"][-1]["empty_layer"] is True
    shop.run("-f", "plain.yaml", "down")
    shop.run("down", "-v")


def test_an_export_must_be_what_the_container_sees_without_its_mounts(shop: Cli, tmp_path: Path) -> None:
    """Of a running one, to a file or to standard output, and `image import` makes an image of it."""
    shop.run("export", "--output", str(tmp_path / "root.tar"), "web")
    with tarfile.open(tmp_path / "root.tar") as tar:
        names = tar.getnames()
        assert tar.getmember("made/link").linkname == "made/file"
        assert tar.getmember("made/fifo").isfifo()
        assert tar.getmember("bin/busybox").size > 1000
    assert {".dockerenv", "etc/hosts", "proc", "kept", "made/anonymous"} <= set(names)
    assert not {"etc/passwd", "kept/row"} & set(names)
    assert not [name for name in names if ".wh." in name]
    shop.run("image", "import", str(tmp_path / "root.tar"), "exported:1")
    shop.write("name: again\nservices: {web: {image: 'exported:1', command: cat /made/file}}", "again.yaml")
    assert "web-1  | hello" in shop.run("-f", "again.yaml", "up").stdout
    shop.run("-f", "again.yaml", "down")
    shop.run("down", "-v")


def test_what_cannot_be_must_be_one_error(shop: Cli, tmp_path: Path) -> None:
    """A service without a container, a number that is not there, a bad name, a folder that is missing, a terminal."""
    assert 'service "nosuch" is not running' in shop.run("commit", "nosuch", code=1).stderr
    assert 'service "web" is not running container #7' in shop.run("export", "--index", "7", "web", code=1).stderr
    assert "must be lowercase" in shop.run("commit", "web", "BAD", code=1).stderr
    assert "not a valid change command" in shop.run("commit", "-c", "FROM x", "web", code=1).stderr
    missing = tmp_path / "missing" / "out.tar"
    assert "does not exist" in shop.run("export", "-o", str(missing), "web", code=1).stderr
    with shop.on_terminal("export", "web") as terminal:
        terminal.wait_for("output option is required when exporting to terminal")
        assert terminal.wait() == 1
    assert "DRY-RUN MODE" in shop.run("--dry-run", "commit", "web", "shop-web:2").stderr
    assert shop.run("image", "ls", "-q").stdout.count("\n") == 2
    assert _state(shop) == "running"
    shop.run("down", "-v")


def test_a_commit_that_is_killed_must_leave_no_image_and_nothing_frozen(shop: Cli) -> None:
    """The container runs on without any further command: its supervisor sees that whoever froze it is gone."""
    begun = time.monotonic()
    shop.run("commit", "web", "shop-web:0")
    duration = time.monotonic() - begun
    for moment in range(1, 7):
        started = shop.start("commit", "web", f"shop-web:{moment}")
        time.sleep(duration * moment / 7)
        with contextlib.suppress(ProcessLookupError):
            os.kill(started.pid, signal.SIGKILL)
        started.communicate(timeout=20)
        wait_until(lambda: _state(shop) == "running")
    shop.run("image", "load", "-i", _saved(shop))
    shop.run("down", "-v")


def test_a_commit_that_is_killed_while_the_container_is_frozen_must_let_it_run_on(shop: Cli) -> None:
    """By itself; and where another command pauses it since, that counts."""
    shop.run("exec", "-T", "web", "dd", "if=/dev/urandom", "of=/big", "bs=1M", "count=60")

    def killed_in_the_middle() -> None:
        started = shop.start("commit", "web", "shop-web:cut")
        wait_until(lambda: _state(shop) == "paused")
        os.kill(started.pid, signal.SIGKILL)
        started.communicate(timeout=20)

    killed_in_the_middle()
    wait_until(lambda: _state(shop) == "running")
    assert shop.run("exec", "-T", "web", "echo", "alive").stdout == "alive\n"
    killed_in_the_middle()
    shop.run("pause", "web")
    assert _state(shop) == "paused"
    shop.run("unpause", "web")
    assert shop.run("image", "ls", "-q", "shop-web:cut").stdout == ""
    shop.run("down", "-v")


def _saved(shop: Cli) -> str:
    """Save every image that is there, which reads all of them."""
    path = str(shop.folder / "all.tar")
    shop.run("image", "save", "-o", path, "shop-web")
    return path
