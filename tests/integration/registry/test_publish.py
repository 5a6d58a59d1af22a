"""`publish`: a project goes into a registry, and comes back by `oci://`."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.support import registry
from tests.support.cli import Cli
from tests.support.registry import RegistryServer
from tests.support.registry_proxy import Exchange, RegistryProxy, times

SHOP = """\
# the shop
services:
  web:
    image: web:${TAG:-1}   # pinned by TAG
    extends: {file: parts/base.yaml, service: any}
    env_file:
      - path: web.env
      - "optional.env"
  db:
    image: db:1
    profiles: [tools]
    env_file: ${DIRECTORY:-.}/db.env
"""


@pytest.fixture
def shop(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Return the command line in a folder with a project of several files."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cli.write(SHOP)
    cli.write("services: {web: {environment: {LEVEL: debug}}}\n", "compose.override.yaml")
    cli.write(
        "services:\n  any:\n    extends: {file: deeper.yml, service: it}\n    env_file: [base.env]\n", "parts/base.yaml"
    )
    cli.write("services: {it: {labels: {from: deeper}}}\n", "parts/deeper.yml")
    cli.write("WEB=1\n", "web.env")
    cli.write("DB=1\n", "db.env")
    cli.write("BASE=1\n", "parts/base.env")
    cli.write("", "optional.env")
    return cli


def _manifest(server: RegistryServer, name: str) -> dict[str, object]:
    manifest: dict[str, object] = json.loads(registry.get(server.host, f"/v2/{name}/manifests/1"))
    return manifest


@pytest.mark.parametrize("version", ["", "1.0", "1.1"])
def test_what_is_published_must_load_to_the_same_project(shop: Cli, server: RegistryServer, version: str):
    """With all its files, and without a trace of where they were."""
    name = f"publish/shop{version.replace('.', '')}"
    flags = ("--oci-version", version) if version else ()
    done = shop.run("publish", "--with-env", *flags, f"{server.host}/{name}:1")
    assert done.stderr == f" {server.host}/{name}:1 publishing\n {server.host}/{name}:1 published\n"
    profiles = ("--profile", "*")
    local = shop.run(*profiles, "config").stdout
    assert "BASE:" in local
    assert "from: deeper" in local
    url = f"oci://{server.host}/{name}:1"
    assert shop.run(*profiles, "-f", url, "config").stdout == local
    manifest = _manifest(server, name)
    assert manifest.get("artifactType", "") == ("" if version == "1.0" else "application/vnd.docker.compose.project")
    assert str(shop.folder) not in json.dumps(manifest)
    first = registry.get(server.host, f"/v2/{name}/blobs/{manifest['layers'][0]['digest']}").decode()
    assert first.startswith("# the shop\nservices:\n  web:\n    image: web:${TAG:-1}   # pinned by TAG\n")
    assert str(shop.folder) not in first


def test_skopeo_must_see_what_docker_compose_publishes(shop: Cli, server: RegistryServer):
    """A manifest with the types and annotations that docker compose looks for."""
    shop.run("publish", "-y", f"{server.host}/publish/seen:1")
    done = subprocess.run(
        ["skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{server.host}/publish/seen:1"],
        capture_output=True,
        timeout=60,
        check=True,
    )
    manifest = json.loads(done.stdout)
    assert manifest["artifactType"] == "application/vnd.docker.compose.project"
    assert manifest["config"]["mediaType"] == "application/vnd.oci.empty.v1+json"
    assert {layer["mediaType"] for layer in manifest["layers"]} == {"application/vnd.docker.compose.file+yaml"}
    names = [layer["annotations"]["com.docker.compose.file"] for layer in manifest["layers"]]
    assert names[:2] == ["compose.yaml", "compose.override.yaml"]
    extended = ["com.docker.compose.extends" in layer["annotations"] for layer in manifest["layers"]]
    assert extended == [False, False, True, True]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        (
            "services: {a: {image: i, volumes: ['/etc:/x']}}\n",
            '  service "a": /etc:/x\nAre you ok to publish these bind',
        ),
        ("services: {a: {image: i, env_file: web.env}}\n", '  service "a": env_file declared\n'),
        ("services: {a: {image: i, environment: {DB_PASSWORD: hunter2}}}\n", 'literal value for "DB_PASSWORD"'),
        ("services: {a: {image: i, environment: [API_KEY=$$hunter]}}\n", 'literal value for "API_KEY"'),
        ("services: {a: {image: i}}\nconfigs: {c: {content: plain text}}\n", '  config "c"\n'),
        ("x-k: AKIAIOSFODNN7EXAMPLE\nservices: {a: {image: i}}\n", "compose.yaml:1: an access key of AWS\n"),
        ("services: {a: {image: i, command: 'x https://me:hunter2@h/'}}\n", "compose.yaml:1: a password in a URL\n"),
    ],
)
def test_nothing_private_must_be_published_without_a_question(
    shop: Cli, server: RegistryServer, proxy: RegistryProxy, text: str, question: str
):
    """Where nobody answers it is no, with nothing sent; `yes` and `--yes` publish."""
    (shop.folder / "compose.override.yaml").unlink()
    shop.write(text)
    name = f"{proxy.host}/publish/private:1"
    refused = shop.run("publish", name, code=130)
    assert question in refused.stdout
    assert "canceled: nothing was published" in refused.stderr
    assert "hunter" not in refused.stdout + refused.stderr
    assert proxy.seen == []
    assert "published" in shop.run("publish", name, stdin="y\n").stderr
    assert shop.run("publish", "-y", name).stdout == ""


def test_what_is_kept_symbolic_must_not_be_asked_about(shop: Cli, server: RegistryServer):
    """A variable's name tells nothing."""
    (shop.folder / "compose.override.yaml").unlink()
    shop.write("services: {a: {image: i, environment: {DB_PASSWORD: '${PASSWORD:-}', TOKEN: }}}\n")
    assert shop.run("publish", f"{server.host}/publish/symbolic:1").stdout == ""


def test_a_registry_without_artifact_types_must_get_the_old_form(
    shop: Cli, server: RegistryServer, proxy: RegistryProxy
):
    """Unless a version was asked for."""

    def refuse(exchange: Exchange) -> None:
        exchange.fetch()
        exchange.answer(400)

    name = f"{proxy.host}/publish/old:1"
    proxy.faults.append(times(1, "/manifests/", refuse, "PUT"))
    shop.run("publish", "-y", name)
    assert "artifactType" not in _manifest(server, "publish/old")
    proxy.faults.append(times(1, "/manifests/", refuse, "PUT"))
    assert "HTTP status 400" in shop.run("publish", "-y", "--oci-version=1.1", name, code=1).stderr


def test_images_must_be_pinned_where_that_is_asked_for(cli: Cli, server: RegistryServer):
    """By an override that is published along."""
    image = registry.put(server.host, "publish/image", "1", registry.image(b""))
    cli.write(f"services: {{a: {{image: '{server.host}/publish/image:1'}}}}\n")
    cli.run("publish", "--resolve-image-digests", f"{server.host}/publish/pinned:1")
    images = cli.run("-f", f"oci://{server.host}/publish/pinned:1", "config", "--images").stdout
    assert images == f"{server.host}/publish/image:1@{image.manifest.digest}\n"


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        (
            "services: {a: {build: .}}\n",
            (),
            "cannot be published as it only contains a build section for service(s):",
        ),
        ("include: [other.yaml]\n", (), "cannot publish compose file with local includes"),
        ("services: {a: {image: i}}\n", ("--app",), "`--app` is not supported"),
        ("services: {a: {image: i}}\n", ("--oci-version=2",), "unsupported OCI version: 2"),
    ],
)
def test_what_cannot_be_published_must_be_said(
    cli: Cli, proxy: RegistryProxy, text: str, arguments: tuple[str, ...], message: str
):
    """Before anything is sent."""
    cli.write("services: {b: {image: i}}\n", "other.yaml")
    cli.write(text)
    failed = cli.run("publish", *arguments, f"{proxy.host}/publish/not:1", code=1)
    assert message in failed.stderr
    assert proxy.seen == []


def test_a_dry_run_must_send_nothing(shop: Cli, proxy: RegistryProxy):
    """It says what would be published, and under which names."""
    done = shop.run("--dry-run", "publish", "-y", f"{proxy.host}/publish/dry:1")
    assert f"publish {shop.folder}/compose.yaml as compose.yaml in {proxy.host}/publish/dry:1\n" in done.stdout
    assert proxy.seen == []
