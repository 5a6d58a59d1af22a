"""Credentials as Docker's tools keep them: ~/.docker/config.json and credential helpers.

`credHelpers` of the registry comes first, then `credsStore`, then `auths`. A helper is the program
`docker-credential-<name>`, spoken to on its standard streams (github.com/docker/docker-credential-helpers).
"""

import base64
import binascii
import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from runtime.errors import FailedPrecondition, InvalidArgument
from runtime.registry.settings import DOCKER_HUB
from schemas.dataclass import dataclass

HUB_SERVER = "https://index.docker.io/v1/"
"""Under which Docker Hub's credentials have always been kept."""
_TOKEN_USER = "<token>"  # noqa: S105 - a mark, not a secret
_NOT_FOUND = "credentials not found"
_HELPER_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who the user is to a registry. `repr` shows no secret."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    """An OAuth 2 refresh token, in place of name and password."""

    def __repr__(self) -> str:
        return f"Credentials({self.username!r})"

    @property
    def basic(self) -> str:
        """The value of a header `Authorization` with name and password."""
        return "Basic " + base64.b64encode(f"{self.username}:{self.password}".encode()).decode()


def server_of(domain: str) -> str:
    """Return the key under which a registry's credentials are kept."""
    return HUB_SERVER if domain == DOCKER_HUB else domain


class CredentialStore:
    """The file and the helpers it names. Nothing is cached."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, domain: str) -> Credentials | None:
        """Return a registry's credentials, None where there are none.

        Raises FailedPrecondition when a helper fails, InvalidArgument for a file that is broken.
        """
        document = self._read()
        server = server_of(domain)
        helper = _program_for(document, server)
        if helper:
            return _from_program(helper, server)
        entry = _mapping(document.get("auths")).get(server)
        if entry is None:
            # Older tools wrote the URL instead of the host.
            entries = _mapping(document.get("auths")).items()
            entry = next((value for key, value in entries if _host_of(key) == server), None)
        return _from_entry(_mapping(entry), self.path)

    def put(self, domain: str, credentials: Credentials) -> str:
        """Keep a registry's credentials; return the helper that has them, empty for the file itself.

        Raises FailedPrecondition, InvalidArgument.
        """
        document = self._read()
        server = server_of(domain)
        helper = _program_for(document, server)
        entry: dict[str, str] = {}
        if helper:
            secret = credentials.identity_token or credentials.password
            user = _TOKEN_USER if credentials.identity_token else credentials.username
            _ask(helper, "store", json.dumps({"ServerURL": server, "Username": user, "Secret": secret}))
        else:
            whole = f"{credentials.username}:{credentials.password}".encode()
            entry = {"auth": base64.b64encode(whole).decode()}
            if credentials.identity_token:
                entry["identitytoken"] = credentials.identity_token
        document["auths"] = {**_mapping(document.get("auths")), server: entry}
        self._write(document)
        return helper

    def remove(self, domain: str) -> bool:
        """Forget a registry's credentials; return whether there were any.

        Raises FailedPrecondition, InvalidArgument.
        """
        document = self._read()
        server = server_of(domain)
        auths = _mapping(document.get("auths"))
        # Those that older tools wrote as URLs would be found still.
        doomed = {key for key in auths if server in (key, _host_of(key))}
        known = bool(doomed)
        helper = _program_for(document, server)
        if helper:
            known = _ask(helper, "erase", server) is not None or known
        if doomed:
            document["auths"] = {key: value for key, value in auths.items() if key not in doomed}
            self._write(document)
        return known

    def _read(self) -> dict[str, object]:
        try:
            document = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise InvalidArgument(f"cannot read `{self.path}`: {(error.strerror or '').lower()}") from error
        except (ValueError, RecursionError) as error:
            raise InvalidArgument(f"`{self.path}` is not valid JSON: {error}") from error
        if not isinstance(document, dict):
            raise InvalidArgument(f"`{self.path}` is not a JSON object")
        return document

    def _write(self, document: dict[str, object]) -> None:
        try:
            # A symbolic link stays one: dotfiles are often kept elsewhere.
            target = self.path.resolve()
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=target.parent, prefix=".config-", delete=False) as file:
                try:
                    json.dump(document, file, indent="\t", ensure_ascii=False)
                    file.flush()
                    _keep_owner(target, file.fileno())
                    os.fsync(file.fileno())
                    Path(file.name).rename(target)
                except BaseException:
                    Path(file.name).unlink(missing_ok=True)
                    raise
        except OSError as error:
            raise FailedPrecondition(f"cannot write `{self.path}`: {(error.strerror or '').lower()}") from error


def open_credentials(environment: Mapping[str, str] = os.environ) -> CredentialStore:
    """Return the user's store: `config.json` in DOCKER_CONFIG or ~/.docker."""
    folder = environment.get("DOCKER_CONFIG", "")
    return CredentialStore((Path(folder) if folder else Path.home() / ".docker") / "config.json")


def _program_for(document: Mapping[str, object], server: str) -> str:
    named = _mapping(document.get("credHelpers")).get(server) or document.get("credsStore") or ""
    if not isinstance(named, str) or "/" in named:
        raise InvalidArgument("the credential helper in Docker's `config.json` is not a name")
    return named


def _from_program(helper: str, server: str) -> Credentials | None:
    answer = _ask(helper, "get", server)
    if answer is None:
        return None
    try:
        document = _mapping(json.loads(answer))
    except (ValueError, RecursionError):
        document = {}
    user, secret = document.get("Username"), document.get("Secret")
    if not isinstance(user, str) or not isinstance(secret, str):
        raise FailedPrecondition(f"`docker-credential-{helper}` gave no name and secret for `{server}`")
    return Credentials(identity_token=secret) if user == _TOKEN_USER else Credentials(user, secret)


def _ask(helper: str, action: str, request: str) -> str | None:
    """Run a helper; return its answer, None when it knows no such credentials. Raises FailedPrecondition."""
    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run(
            [program, action],
            input=request,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_HELPER_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise FailedPrecondition(
            f"the credential helper `{program}` is not installed",
            hint="install it, or take `credsStore` and `credHelpers` out of Docker's `config.json`",
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FailedPrecondition(f"the credential helper `{program}` does not answer: {error}") from error
    if done.returncode == 0:
        return done.stdout
    message = (done.stdout + done.stderr).strip()
    if _NOT_FOUND in message.lower():
        return None
    reason = message[:300] or f"exit code {done.returncode}"
    raise FailedPrecondition(f"the credential helper `{program}` failed: {reason}")


def _from_entry(entry: Mapping[str, object], path: Path) -> Credentials | None:
    token = entry.get("identitytoken")
    if isinstance(token, str) and token:
        return Credentials(identity_token=token)
    encoded = entry.get("auth")
    if isinstance(encoded, str) and encoded:
        try:
            user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise InvalidArgument(f"`auth` in `{path}` is not base64 of `name:password`") from error
        if not colon:
            raise InvalidArgument(f"`auth` in `{path}` is not base64 of `name:password`")
        return Credentials(user, password.rstrip("\0"))
    name, secret = entry.get("username"), entry.get("password")
    if isinstance(name, str) and isinstance(secret, str) and name:
        return Credentials(name, secret)
    return None


def _keep_owner(path: Path, descriptor: int) -> None:
    """Give a file the owner and the mode of the one that it replaces: with `sudo` that may be somebody else's."""
    try:
        known = path.stat()
    except FileNotFoundError:
        return
    with suppress(PermissionError):
        os.fchown(descriptor, known.st_uid, known.st_gid)
    os.fchmod(descriptor, known.st_mode & 0o777)


def _host_of(key: str) -> str:
    return key.removeprefix("https://").removeprefix("http://").partition("/")[0]


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
