"""Who the user is: Basic and tokens, credential helpers, TLS, and what is never given away."""

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.errors import FailedPrecondition, InvalidArgument, PermissionDenied, Unavailable
from runtime.image.distribution import Distribution
from runtime.registry import login
from runtime.registry.credentials import Credentials, CredentialStore
from tests.integration.image.tars import Entry, folder, layer
from tests.integration.registry.conftest import Client
from tests.support import registry
from tests.support.certificates import Certificate, authority, issued
from tests.support.registry import RegistryServer
from tests.support.registry_proxy import Exchange, RegistryProxy, times
from tests.support.token_server import PASSWORD, REFRESH_TOKEN, USER, TokenServer

TAR = layer(folder("./"), Entry("hello", b"world"))


HELPER = """#!/bin/sh
file=$(dirname "$0")/secret
case $1 in
store) cat >"$file" ;;
get) read -r server; [ -e "$file" ] && cat "$file" || { echo 'credentials not found in native keychain'; exit 1; } ;;
erase) rm -f "$file" ;;
esac
"""


@pytest.fixture(scope="session")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Return an authority of the tests' own."""
    return authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def basic(server: RegistryServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """Return a registry with a password file."""
    place = tmp_path_factory.mktemp("basic")
    made = subprocess.run(["htpasswd", "-Bbn", USER, PASSWORD], capture_output=True, text=True, timeout=20, check=True)
    (place / "htpasswd").write_text(made.stdout)
    with RegistryServer(place, f"auth:\n  htpasswd: {{realm: tests, path: {place / 'htpasswd'}}}\n") as started:
        yield started


@pytest.fixture
def tokens(server: RegistryServer, ca: Certificate) -> Iterator[TokenServer]:
    """Return a token server."""
    with TokenServer(ca) as started:
        yield started


@pytest.fixture
def guarded(tokens: TokenServer, ca: Certificate, tmp_path: Path) -> Iterator[RegistryServer]:
    """Return a registry that wants tokens of that server."""
    with RegistryServer(tmp_path / "guarded", tokens.configuration(ca)) as started:
        yield started


@pytest.fixture
def docker_config(tmp_path: Path) -> Path:
    """Return where Docker's tools keep credentials in this test."""
    return tmp_path / "docker" / "config.json"


def _stored(client: Client, name: str) -> None:
    """Make an image of the test's tar, under a name."""
    path = client.root.parent.parent / "hello.tar"
    path.write_bytes(TAR)
    client.store.import_tar(path, name)


def test_a_registry_with_passwords_must_take_them_from_login(
    client: Client, basic: RegistryServer, docker_config: Path
):
    """Without credentials nothing is had; after `login` push and pull work; after `logout` not."""
    name = f"{basic.host}/basic/hello:1"
    _stored(client, name)
    with pytest.raises(PermissionDenied, match=r"is denied.*authentication required"):
        client.distribution.push(name)
    with pytest.raises(PermissionDenied, match="incorrect username or password"):
        login.log_in(basic.host, USER, "wrong")
    assert not docker_config.exists()
    kept = login.log_in(f"https://{basic.host}/v2/", USER, PASSWORD)
    assert kept == login.Kept(basic.host, str(docker_config))
    assert docker_config.stat().st_mode & 0o777 == 0o600
    pushed = client.distribution.push(name)
    assert client.distribution.pull(name).digest == pushed.digest
    assert login.log_out(basic.host) == basic.host
    fresh = Distribution(client.database, client.store)
    with pytest.raises(PermissionDenied):
        fresh.pull(name)
    fresh.close()


def test_tokens_must_be_asked_for_what_is_done(client: Client, guarded: RegistryServer, tokens: TokenServer):
    """Nobody in particular may pull what is public; the user may push; each token is used again."""
    login.log_in(guarded.host, USER, PASSWORD)
    name = f"{guarded.host}/public/hello:1"
    _stored(client, name)
    before = len(tokens.asked)
    client.distribution.push(name)
    scopes = [tuple(fields.get("scope", ())) for fields in tokens.asked[before:]]
    assert scopes == [("repository:public/hello:pull,push",)]
    assert tokens.asked[-1]["service"] == ["tests"]
    login.log_out(guarded.host)
    anonymous = Distribution(client.database, client.store)
    before = len(tokens.asked)
    anonymous.pull(name)
    assert [fields["scope"] for fields in tokens.asked[before:]] == [["repository:public/hello:pull"]]
    assert tokens.authorizations[before:] == [""]
    with pytest.raises(PermissionDenied, match="is denied"):
        anonymous.pull(f"{guarded.host}/private/hello:1")
    anonymous.close()


def test_a_layer_of_another_repository_must_be_taken_over_instead_of_sent(
    client: Client, guarded: RegistryServer, tokens: TokenServer
):
    """For which the token has to cover both repositories."""
    login.log_in(guarded.host, USER, PASSWORD)
    _stored(client, f"{guarded.host}/one/hello:1")
    client.distribution.push(f"{guarded.host}/one/hello:1")
    client.store.tag(f"{guarded.host}/one/hello:1", f"{guarded.host}/two/hello:1")
    client.distribution.push(f"{guarded.host}/two/hello:1")
    wanted = {"repository:two/hello:pull,push", "repository:one/hello:pull"}
    assert any(set(fields.get("scope", ())) == wanted for fields in tokens.asked)


def test_wrong_credentials_must_be_told_apart_from_none(client: Client, guarded: RegistryServer):
    """`login` refuses them; kept ones that are refused later say how to get new ones."""
    with pytest.raises(PermissionDenied, match="refuses the credentials: incorrect username or password"):
        login.log_in(guarded.host, USER, "wrong")


def test_an_identity_token_must_be_exchanged(
    client: Client, guarded: RegistryServer, tokens: TokenServer, docker_config: Path
):
    """An OAuth refresh token in place of a password, as some registries hand out."""
    docker_config.parent.mkdir()
    docker_config.write_text(json.dumps({"auths": {guarded.host: {"auth": "", "identitytoken": REFRESH_TOKEN}}}))
    _stored(client, f"{guarded.host}/any/hello:1")
    client.distribution.push(f"{guarded.host}/any/hello:1")
    assert tokens.asked[-1]["grant_type"] == ["refresh_token"]


def test_a_token_that_expires_meanwhile_must_be_renewed(client: Client, server: RegistryServer, proxy: RegistryProxy):
    """A 401 in the middle is met once with a new token; a registry that goes on refusing is believed."""
    registry.put(server.host, "auth/renew", "1", registry.image(TAR))
    given: list[str] = []

    def demanding(exchange: Exchange) -> bool:
        if exchange.path.startswith("/token"):
            given.append(f"t{len(given)}")
            exchange.answer(200, json.dumps({"token": given[-1]}).encode())
            return True
        if exchange.headers.get("Authorization") == "Bearer t1":
            return False
        challenge = f'Bearer realm="http://{proxy.host}/token",service="s",scope="x"'
        exchange.answer(401, b"", {"WWW-Authenticate": challenge})
        return True

    proxy.faults.append(demanding)
    assert client.distribution.pull(f"{proxy.host}/auth/renew:1").is_new
    assert given == ["t0", "t1"]

    def refusing(exchange: Exchange) -> bool:
        if exchange.path.startswith("/v2/auth"):
            exchange.answer(401, b"", {"WWW-Authenticate": f'Bearer realm="http://{proxy.host}/token"'})
            return True
        return False

    proxy.faults.insert(0, refusing)
    proxy.seen.clear()
    with pytest.raises(PermissionDenied):
        client.distribution.pull(f"{proxy.host}/auth/renew:1")
    assert len(proxy.seen) <= 6


def test_credential_helpers_must_be_used_as_docker_does(
    basic: RegistryServer, client: Client, docker_config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """`credHelpers` before `credsStore`; the file holds no secret then."""
    programs = tmp_path / "programs"
    programs.mkdir()
    helper = programs / "docker-credential-tests"
    helper.write_text(HELPER)
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    docker_config.parent.mkdir()
    docker_config.write_text(json.dumps({"credHelpers": {basic.host: "tests"}, "HttpHeaders": {"X": "y"}}))
    assert login.known_credentials(basic.host) is None
    assert login.log_in(basic.host, USER, PASSWORD).path == ""
    secret = {"ServerURL": basic.host, "Username": USER, "Secret": PASSWORD}
    assert json.loads((programs / "secret").read_text()) == secret
    document = json.loads(docker_config.read_text())
    assert document["auths"] == {basic.host: {}}
    assert document["HttpHeaders"] == {"X": "y"}
    _stored(client, f"{basic.host}/helped/hello:1")
    client.distribution.push(f"{basic.host}/helped/hello:1")
    login.log_out(basic.host)
    assert not (programs / "secret").exists()
    document["credHelpers"] = {basic.host: "missing"}
    docker_config.write_text(json.dumps(document))
    with pytest.raises(FailedPrecondition, match="docker-credential-missing` is not installed"):
        login.log_in(basic.host, USER, PASSWORD)


def test_logging_out_must_forget_what_older_tools_wrote(docker_config: Path):
    """A URL in place of the host; what belongs to others stays, and so do the file's owner and mode."""
    docker_config.parent.mkdir()
    auths = {"https://127.0.0.1:1/v1/": {"auth": "YTpi"}, "127.0.0.1:1": {"auth": "YTpi"}, "other": {"auth": "YTpi"}}
    docker_config.write_text(json.dumps({"auths": auths, "psFormat": "x"}))
    docker_config.chmod(0o640)
    os.chown(docker_config, 1234, 1234)
    login.log_out("127.0.0.1:1")
    assert json.loads(docker_config.read_text()) == {"auths": {"other": {"auth": "YTpi"}}, "psFormat": "x"}
    assert login.known_credentials("127.0.0.1:1") is None
    known = docker_config.stat()
    assert (known.st_uid, known.st_gid, known.st_mode & 0o777) == (1234, 1234, 0o640)


def test_a_helper_that_fails_must_be_quoted(docker_config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A keychain that is locked is no reason to go on without credentials, nor to write the password into the file."""
    helper = tmp_path / "docker-credential-locked"
    helper.write_text("#!/bin/sh\necho 'the keychain is locked'; exit 1\n")
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    docker_config.parent.mkdir()
    docker_config.write_text('{"credsStore": "locked"}')
    for deed in (
        lambda: login.known_credentials("127.0.0.1:1"),
        lambda: login.log_out("127.0.0.1:1"),
        lambda: CredentialStore(docker_config).put("127.0.0.1:1", Credentials("me", "secret")),
    ):
        with pytest.raises(FailedPrecondition, match="`docker-credential-locked` failed: the keychain is locked"):
            deed()
    assert docker_config.read_text() == '{"credsStore": "locked"}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not valid JSON"),
        ("[]", "is not a JSON object"),
        ('{"auths": {"HOST": {"auth": "?"}}}', "is not base64"),
        ('{"credsStore": "../../x"}', "is not a name"),
    ],
)
def test_a_broken_file_of_credentials_must_be_named(docker_config: Path, text: str, message: str):
    """One error, with the file."""
    docker_config.parent.mkdir()
    docker_config.write_text(text.replace("HOST", "127.0.0.1:1"))
    with pytest.raises(InvalidArgument, match=message):
        login.known_credentials("127.0.0.1:1")


def test_credentials_must_not_follow_a_redirect_to_another_host(
    client: Client, basic: RegistryServer, server: RegistryServer
):
    """Blobs often lie elsewhere; what is sent there has no `Authorization`."""
    registry.put(server.host, "auth/elsewhere", "1", registry.image(TAR))
    login_header = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    with RegistryProxy(server.host) as store, RegistryProxy(server.host) as front:

        def redirecting(exchange: Exchange) -> bool:
            if exchange.headers.get("Authorization") != login_header:
                exchange.answer(401, b"", {"WWW-Authenticate": 'Basic realm="x"'})
                return True
            if "/blobs/" in exchange.path:
                exchange.answer(307, b"", {"Location": f"http://{store.host}{exchange.path}"})
                return True
            return False

        front.faults.append(redirecting)
        docker = Path(login.open_credentials().path)
        docker.parent.mkdir()
        docker.write_text(json.dumps({"auths": {front.host: {"auth": login_header.removeprefix("Basic ")}}}))
        assert client.distribution.pull(f"{front.host}/auth/elsewhere:1").is_new
        assert len(store.seen) == 2
        assert all("Authorization" not in each.headers for each in store.seen)


@pytest.fixture(scope="session")
def encrypted(
    server: RegistryServer, ca: Certificate, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RegistryServer]:
    """Return a registry with a certificate that only the tests' authority vouches for."""
    place = tmp_path_factory.mktemp("tls")
    own = issued(place, "server", ca)
    with RegistryServer(place / "registry", tls=(own.certificate, own.key)) as started:
        yield started


def _settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    path = tmp_path / "registries.toml"
    path.write_text(text)
    monkeypatch.setenv("PYCOMPOSE_REGISTRIES", str(path))


def test_a_certificate_must_be_vouched_for(
    client: Client, encrypted: RegistryServer, ca: Certificate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """An unknown issuer is refused with what to do; a named one is fine, and so is `insecure`."""
    host = encrypted.host
    name = f"{host}/tls/hello:1"
    _stored(client, name)
    for text, is_fine in (
        ("insecure = false", False),
        (f'ca = "{ca.certificate}"', True),
        ("insecure = true", True),
    ):
        _settings(tmp_path, monkeypatch, f'[registry."{host}"]\n{text}\n')
        distribution = Distribution(client.database, client.store)
        try:
            if is_fine:
                distribution.push(name)
            else:
                with pytest.raises(Unavailable, match="failed to verify certificate") as caught:
                    distribution.push(name)
                assert f'[registry."{host}"]' in caught.value.hint
        finally:
            distribution.close()
    # Loopback needs no settings: nobody is in between.
    monkeypatch.delenv("PYCOMPOSE_REGISTRIES")
    distribution = Distribution(client.database, client.store)
    assert not distribution.pull(name).is_new
    distribution.close()


def test_plain_http_must_be_allowed_where_it_is_not_this_machine(
    client: Client, server: RegistryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The error says which line allows it."""
    _settings(tmp_path, monkeypatch, f'[registry."{server.host}"]\ninsecure = false\n')
    distribution = Distribution(client.database, client.store)
    with pytest.raises(Unavailable, match="server gave HTTP response to HTTPS client") as caught:
        distribution.pull(f"{server.host}/x/y:1")
    assert "insecure = true" in caught.value.hint
    distribution.close()


def test_an_encrypted_registry_must_not_lead_to_plain_http(
    client: Client,
    encrypted: RegistryServer,
    server: RegistryServer,
    ca: Certificate,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """Neither its realm for tokens nor a redirect: both would show the password, or the image, to others."""
    place = tmp_path / "front"
    place.mkdir()
    own = issued(place, "front", ca)
    with RegistryProxy(server.host, tls=(own.certificate, own.key)) as front:
        _settings(tmp_path, monkeypatch, f'[registry."{front.host}"]\nca = "{ca.certificate}"\n')
        distribution = Distribution(client.database, client.store)
        challenge = {"WWW-Authenticate": 'Bearer realm="http://127.0.0.1:1/token"'}
        front.faults.append(times(9, "/v2/", lambda each: each.answer(401, b"", challenge)))
        with pytest.raises(PermissionDenied, match="would be sent in clear"):
            distribution.pull(f"{front.host}/x/y:1")
        distribution.close()

        def redirect(exchange: Exchange) -> None:
            exchange.answer(307, b"", {"Location": f"http://{server.host}{exchange.path}"})

        front.faults[:] = [times(9, "/manifests/", redirect)]
        distribution = Distribution(client.database, client.store)
        with pytest.raises(Unavailable, match="from https to `http`, which is refused"):
            distribution.pull(f"{front.host}/x/y:1")
        distribution.close()
