"""A token server as registries send to (distribution, docs/spec/auth/token.md): it knows one user."""

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, urlsplit

from tests.support.certificates import Certificate, signature

SERVICE = "tests"
USER, PASSWORD, REFRESH_TOKEN = "me", "secret-word", "refresh-me"


class TokenServer:
    """Gives tokens for what is asked, to those who may: everybody may pull below `public/`, the user may all."""

    def __init__(self, signer: Certificate) -> None:
        self.asked: list[dict[str, list[str]]] = []
        self.authorizations: list[str] = []
        self.lifetime_s = 60
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._give(parse_qs(urlsplit(self.path).query))

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                self._give(parse_qs(self.rfile.read(length).decode()))

            def _give(self, fields: dict[str, list[str]]) -> None:
                server.asked.append(fields)
                server.authorizations.append(self.headers.get("Authorization", ""))
                known = server._is_known(self.headers.get("Authorization", ""), fields)
                if known is False:
                    self._answer(
                        401, {"errors": [{"code": "UNAUTHORIZED", "message": "incorrect username or password"}]}
                    )
                    return
                scopes = [scope for each in fields.get("scope", []) for scope in each.split(" ")]
                token = _token(signer, [scope for scope in scopes if known or _is_public(scope)])
                name = "access_token" if self.command == "POST" else "token"
                self._answer(200, {name: token, "expires_in": server.lifetime_s})

            def _answer(self, status: int, document: object) -> None:
                content = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.realm = f"http://127.0.0.1:{self._server.server_address[1]}/token"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def configuration(self, signer: Certificate) -> str:
        """Return what makes a registry send here."""
        return (
            f"auth:\n  token: {{realm: {self.realm}, service: {SERVICE}, issuer: {SERVICE},"
            f" rootcertbundle: {signer.certificate}}}\n"
        )

    @staticmethod
    def _is_known(authorization: str, fields: dict[str, list[str]]) -> bool | None:
        """True for the user, False for wrong credentials, None for nobody in particular."""
        if fields.get("grant_type") == ["refresh_token"]:
            return fields.get("refresh_token") == [REFRESH_TOKEN]
        if not authorization:
            return None
        return base64.b64decode(authorization.removeprefix("Basic ")).decode() == f"{USER}:{PASSWORD}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def _is_public(scope: str) -> bool:
    return scope.startswith("repository:public/") and scope.endswith(":pull")


def _token(signer: Certificate, scopes: list[str]) -> str:
    now = int(time.time())
    access = []
    for scope in scopes:
        kind, name, actions = scope.split(":")
        access.append({"type": kind, "name": name, "actions": actions.split(",")})
    # The certificate itself, without the lines around it.
    chain = "".join(signer.certificate.read_text().split("-----")[2].split())
    header = {"typ": "JWT", "alg": "RS256", "x5c": [chain]}
    claims = {"iss": SERVICE, "aud": SERVICE, "sub": "", "exp": now + 60, "nbf": now - 60, "iat": now, "jti": str(now)}
    content = f"{_encoded(header)}.{_encoded({**claims, 'access': access})}"
    sealed = base64.urlsafe_b64encode(signature(signer.key, content.encode())).rstrip(b"=").decode()
    return f"{content}.{sealed}"


def _encoded(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()
