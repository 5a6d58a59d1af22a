"""`oci://`: Compose files that are in a registry."""

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from compose.cli.main import run
from compose.remote import oci
from compose.remote.cache import Cache
from runtime.image.artefacts import RemoteArtefacts
from tests.support import artefacts, registry
from tests.support.artefacts import compose_file, env_file
from tests.support.registry import INDEX, Blob, RegistryServer
from tests.support.registry_proxy import Exchange, RegistryProxy, times

WEB = "services:\n  web: {image: 'web:${TAG:-1}', volumes: ['./data:/data']}\n"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Return the folder that commands run in."""
    folder = tmp_path / "here"
    folder.mkdir()
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Return where what is fetched is kept."""
    return tmp_path / "cache" / "pycompose" / "oci"


@pytest.fixture
def pycompose(here: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process; returns exit code, output, errors."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache.parents[1]))
    # A machine with much to do says nothing more than one without.
    monkeypatch.setattr(oci, "PATIENCE_S", 60.0)
    monkeypatch.chdir(here)

    def run_command(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        output = capsys.readouterr()
        return code, output.out, output.err

    return run_command


def _put(server: RegistryServer, name: str, *layers: Blob, **kind: str) -> str:
    """Put an artefact into the registry; return its digest."""
    return registry.put(server.host, name, "1", artefacts.project(*layers, **kind)).manifest.digest


def test_a_project_must_load_from_a_registry(pycompose: Run, server: RegistryServer, here: Path, cache: Path):
    """Several files are merged in their order; what they extend and their env files lie beside them."""
    web = "services: {web: {image: 'web:${TAG:-1}', extends: {file: base.yaml, service: any}, env_file: app.env}}\n"
    digest = _put(
        server,
        "compose/shop",
        compose_file(web, "docker-compose.yml"),
        compose_file("services: {web: {volumes: ['./data:/data']}, db: {image: 'db:1'}}\n", "more.yaml"),
        compose_file("services: {any: {labels: {from: base}}}\n", "base.yaml", extended=True),
        env_file("KEY=value\n", "app.env"),
    )
    (here / ".env").write_text("TAG=7\n")
    code, out, err = pycompose("-f", f"oci://{server.host}/compose/shop:1", "config", "--format", "json")
    assert (code, err) == (0, "")
    model = json.loads(out)
    assert model["name"] == "here"
    assert model["services"]["web"]["image"] == "web:7"
    assert model["services"]["web"]["labels"] == {"from": "base"}
    assert model["services"]["web"]["environment"] == {"KEY": "value"}
    assert model["services"]["web"]["volumes"][0]["source"] == f"{cache}/{digest[7:]}/data"
    assert model["services"]["db"]["image"] == "db:1"
    assert [path.name for path in cache.iterdir()] == [digest[7:]]


@pytest.mark.parametrize("kind", ["artifact type", "OCI 1.0", "index"])
def test_every_form_of_an_artefact_must_be_taken(pycompose: Run, server: RegistryServer, kind: str):
    """Today's, that of registries which know no artifact types, and the index of a whole application."""
    name = f"compose/{kind.replace(' ', '-').lower()}"
    if kind == "OCI 1.0":
        _put(server, name, compose_file(WEB), kind="", config=artefacts.OLD_EMPTY)
    else:
        _put(server, name, compose_file(WEB))
    if kind == "index":
        inner = artefacts.project(compose_file(WEB)).manifest
        entry = {**inner.descriptor, "artifactType": artefacts.PROJECT}
        plain = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]}
        registry.put_manifest(server.host, name, "1", Blob(json.dumps(plain).encode(), INDEX))
    assert pycompose("-f", f"oci://{server.host}/{name}:1", "config", "--images") == (0, "web:1\n", "")


def test_a_digest_that_was_fetched_must_need_no_registry(pycompose: Run, server: RegistryServer, proxy: RegistryProxy):
    """A tag is asked for in every run, and its files are fetched once."""
    digest = _put(server, "compose/pinned", compose_file(WEB))
    assert pycompose("-f", f"oci://{proxy.host}/compose/pinned:1", "config", "--images")[1] == "web:1\n"
    assert pycompose("-f", f"oci://{proxy.host}/compose/pinned:1", "config", "--images")[1] == "web:1\n"
    assert (proxy.count("GET", "/manifests/"), proxy.count("GET", "/blobs/")) == (2, 1)
    code, out, _ = pycompose("-f", f"oci://127.0.0.1:1/compose/pinned@{digest}", "config", "--images")
    assert (code, out) == (0, "web:1\n")
    _put(server, "compose/pinned", compose_file(WEB.replace(":-1", ":-2")))
    assert pycompose("-f", f"oci://{proxy.host}/compose/pinned:1", "config", "--images")[1] == "web:2\n"


def test_include_and_extends_must_take_registries(
    pycompose: Run, server: RegistryServer, here: Path, monkeypatch: pytest.MonkeyPatch
):
    """And so does COMPOSE_FILE; an error shows where the reference is written."""
    _put(server, "compose/part", compose_file(WEB))
    url = f"oci://{server.host}/compose/part:1"
    (here / "compose.yaml").write_text(f"include: ['{url}']\n")
    assert pycompose("config", "--images")[1] == "web:1\n"
    (here / "compose.yaml").write_text(f"services: {{a: {{extends: {{file: '{url}', service: web}}}}}}\n")
    assert pycompose("config", "--images")[1] == "web:1\n"
    (here / "compose.yaml").write_text(f"include:\n  - {url}2\n")
    code, _, err = pycompose("config")
    assert code == 1
    assert "compose.yaml:2:5" in err
    assert f"{url}2: manifest for `{server.host}/compose/part:12` not found" in err
    monkeypatch.setenv("COMPOSE_FILE", url)
    assert pycompose("config", "--images")[1] == "web:1\n"


@pytest.mark.parametrize(
    "name",
    ["../evil", "/etc/evil", "sub/evil", "..", ".", "", "a\\b", "a\0b", "a\nb", "\x1b[31m", "compose.yaml", "x" * 300],
)
@pytest.mark.parametrize("make", [env_file, lambda text, name: compose_file(text, name, extended=True)])
def test_a_name_that_is_no_file_of_the_artefact_must_be_refused(
    pycompose: Run, server: RegistryServer, cache: Path, tmp_path: Path, make: Callable[..., Blob], name: str
):
    """Before anything is written, in the artefact's folder or elsewhere (CVE-2025-62725)."""
    _put(server, "compose/hostile", compose_file(WEB), make("evil: {}\n", name))
    code, _, err = pycompose("-f", f"oci://{server.host}/compose/hostile:1", "config")
    assert code == 1
    assert "not a Compose project: annotation `com.docker.compose." in err
    assert "\x1b" not in err
    assert list(cache.iterdir()) == []
    assert not [path for path in (*tmp_path.rglob("*"), *Path("/etc").iterdir()) if path.name.endswith("evil")]


def test_what_is_no_project_must_be_refused(pycompose: Run, server: RegistryServer, cache: Path):
    """An image, a foreign artefact, one without a Compose file, one with two files of a name, an index of images."""
    registry.put(server.host, "compose/image", "1", registry.image(b""))
    _put(server, "compose/chart", compose_file(WEB), kind="application/vnd.cncf.helm.config.v1+json")
    _put(server, "compose/none", env_file("A=1\n", "a.env"))
    _put(server, "compose/twice", compose_file(WEB), env_file("A=1\n", "a.env"), env_file("A=2\n", "a.env"))
    registry.put(server.host, "compose/index", "1", registry.image(b""))
    registry.put_manifest(server.host, "compose/index", "1", registry.index((registry.image(b"").manifest, None)))
    for name, reason in {
        "image": "what is there is of type `application/vnd.oci.image.config.v1+json`",
        "chart": "what is there is of type `application/vnd.cncf.helm.config.v1+json`",
        "none": "it has no Compose file",
        "twice": "it has two files `a.env`",
        "index": "the index lists none",
    }.items():
        code, _, err = pycompose("-f", f"oci://{server.host}/compose/{name}:1", "config")
        assert code == 1
        assert f"oci://{server.host}/compose/{name}:1: not a Compose project: {reason}" in err
    assert list(cache.iterdir()) == []


def test_files_without_measure_must_not_be_fetched(pycompose: Run, server: RegistryServer, proxy: RegistryProxy):
    """Their size is known before."""
    _put(server, "compose/huge", compose_file(WEB), env_file("A=1\n" * (9 << 19), "a.env"))
    code, _, err = pycompose("-f", f"oci://{proxy.host}/compose/huge:1", "config")
    assert code == 1
    assert "its files have 18874437 bytes, 16777216 are possible" in err
    assert proxy.count("GET", "/blobs/") == 0


def test_other_content_than_the_digest_says_must_be_refused(
    pycompose: Run, server: RegistryServer, proxy: RegistryProxy, cache: Path
):
    """Of a file and of the manifest; nothing is kept, and the next run is well."""
    digest = _put(server, "compose/changed", compose_file(WEB))

    def other(exchange: Exchange) -> None:
        status, headers, body = exchange.fetch()
        exchange.begin(status, headers)
        exchange.send(body.replace(b"web", b"bad").replace(b"docker", b"podman"))

    for part, reference in (("/blobs/", ":1"), ("/manifests/", f"@{digest}")):
        proxy.faults.append(times(1, part, other))
        code, _, err = pycompose("-f", f"oci://{proxy.host}/compose/changed{reference}", "config")
        assert code == 1, part
        assert "digest" in err
        assert list(cache.iterdir()) == []
    assert pycompose("-f", f"oci://{proxy.host}/compose/changed@{digest}", "config", "-q")[0] == 0


def test_registries_must_be_switched_off_by_docker_composes_variable(
    pycompose: Run, monkeypatch: pytest.MonkeyPatch, cache: Path
):
    """COMPOSE_EXPERIMENTAL_OCI_REMOTE; git has one of its own."""
    monkeypatch.setenv("COMPOSE_EXPERIMENTAL_OCI_REMOTE", "0")
    code, _, err = pycompose("-f", "oci://127.0.0.1:1/x:1", "config")
    assert code == 1
    assert "oci sources are switched off by COMPOSE_EXPERIMENTAL_OCI_REMOTE" in err
    assert not cache.exists()


def test_a_mirror_must_be_asked_first(
    pycompose: Run, server: RegistryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As for images; here the registry itself is nowhere."""
    settings = tmp_path / "registries.toml"
    settings.write_text(f'[registry."registry.invalid"]\nmirrors = ["http://{server.host}"]\n')
    monkeypatch.setenv("PYCOMPOSE_REGISTRIES", str(settings))
    _put(server, "compose/mirrored", compose_file(WEB))
    code, out, _ = pycompose("-f", "oci://registry.invalid/compose/mirrored:1", "config", "--images")
    assert (code, out) == (0, "web:1\n")


def test_a_registry_that_takes_its_time_must_be_told(
    server: RegistryServer, proxy: RegistryProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """So that nobody wonders what is waited for."""
    monkeypatch.setattr(oci, "PATIENCE_S", 0.01)
    _put(server, "compose/slow", compose_file(WEB))
    told = threading.Event()
    texts = []

    def tell(text: str) -> None:
        texts.append(text)
        told.set()

    proxy.faults.append(lambda _: not told.wait(20))
    url = f"oci://{proxy.host}/compose/slow:1"
    root, name = oci.OciLoader(Cache(f"{tmp_path}/oci"), RemoteArtefacts, tell).fetch(url, by_fetched=False)
    assert (Path(root) / name).read_text() == WEB
    assert texts == [f"fetching {url} …"]


def test_a_password_in_a_reference_must_not_be_shown(pycompose: Run):
    """It is no place for one."""
    code, _, err = pycompose("-f", "oci://me:secret@127.0.0.1:1/x:1", "config")
    assert code == 1
    assert "nothing but a digest after `@`" in err
    assert "secret" not in err


def test_a_fetched_file_must_read_nothing_of_the_machine(pycompose: Run, server: RegistryServer, tmp_path: Path):
    """As one from git: its env files lie in its own folder."""
    (tmp_path / "secret.env").write_text("A=1\n")
    _put(server, "compose/curious", compose_file(f"services: {{a: {{image: i, env_file: {tmp_path}/secret.env}}}}\n"))
    code, out, err = pycompose("-f", f"oci://{server.host}/compose/curious:1", "config")
    assert (code, out) == (1, "")
    assert f"a fetched Compose file names `{tmp_path}/secret.env`" in err
