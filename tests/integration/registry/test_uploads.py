"""Uploads over a bad line and to registries of many minds (distribution-spec 1.1, "Pushing blobs")."""

import os
from pathlib import Path

import pytest

from runtime.errors import NotFound, Unavailable
from tests.integration.image.tars import Entry, folder, layer
from tests.integration.registry.conftest import Client
from tests.support.registry import RegistryServer
from tests.support.registry_proxy import Exchange, RegistryProxy, times
from tests.support.upload_sessions import SIGNATURE, UploadSessions

pytestmark = pytest.mark.usefixtures("impatient")
SIZE_BYTES = 4_000_000


@pytest.fixture
def name(client: Client, proxy: RegistryProxy, tmp_path: Path) -> str:
    """Return the name of an image that is to be pushed, of one large layer that does not shrink when it is packed."""
    path = tmp_path / "rootfs.tar"
    path.write_bytes(layer(folder("./"), Entry("random", os.urandom(SIZE_BYTES))))
    name = f"{proxy.host}/uploads/image:1"
    client.store.import_tar(path, name, ())
    return name


@pytest.fixture
def sessions(server: RegistryServer, proxy: RegistryProxy) -> UploadSessions:
    """Let the proxy keep uploads as the specification says."""
    sessions = UploadSessions(server.host)
    proxy.faults.append(sessions)
    return sessions


def _pulled(client: Client, name: str) -> int:
    """Pull what was pushed from the registry; return how large its file is."""
    client.store.remove(name)
    client.distribution.pull(name)
    return len(client.files(name)["random"])


def test_an_upload_that_is_cut_must_go_on_where_it_ended(client: Client, sessions: UploadSessions, name: str):
    """The registry is asked how far it got, and gets the rest with its range."""
    sessions.cuts += [1_500_000, 1_000_000, 700_000]
    client.distribution.push(name)
    assert sessions.ranges[0] == ""
    starts = [int(text.partition("-")[0]) for text in sessions.ranges[1:4]]
    assert starts == [1_500_000, 2_500_000, 3_200_000]
    assert sessions.received_bytes < SIZE_BYTES * 1.01
    assert _pulled(client, name) == SIZE_BYTES


def test_a_line_that_gets_somewhere_must_not_be_given_up(client: Client, sessions: UploadSessions, name: str):
    """Ten cuts, each after more than a megabyte less than the one before is wide: there is progress."""
    sessions.cuts += [0, 1_100_000, 0, 0, 0, 1_100_000, 0, 0, 0, 1_100_000]
    client.distribution.push(name)
    assert _pulled(client, name) == SIZE_BYTES


def test_a_registry_that_forgets_uploads_must_get_all_of_it(client: Client, proxy: RegistryProxy, name: str):
    """Docker's own does when the line is cut within a chunk: the layer is sent from its beginning."""

    def cut(exchange: Exchange) -> None:
        exchange.receive(1_000_000)
        exchange.cut()

    proxy.faults.append(times(1, "/uploads/", cut, "PATCH"))
    client.distribution.push(name)
    assert _pulled(client, name) == SIZE_BYTES


def test_a_registry_that_puts_pieces_together_wrongly_must_get_it_in_one(
    client: Client, sessions: UploadSessions, name: str
):
    """Its check of the digest says so; nothing is pieced together a second time."""
    sessions.damages = True
    sessions.cuts += [1_500_000]
    client.distribution.push(name)
    assert sessions.ranges[:3] == ["", f"1500000-{sessions.ranges[1].partition('-')[2]}", ""]
    assert _pulled(client, name) == SIZE_BYTES


@pytest.mark.parametrize("base", ["", "http://{host}", "//{host}"], ids=["a path", "a URL", "a host"])
def test_an_upload_must_go_where_the_registry_says(
    client: Client, proxy: RegistryProxy, sessions: UploadSessions, name: str, base: str
):
    """Relative or absolute, and with a query that may be signed: not a byte of it is changed, the digest is added."""
    sessions.base = base.format(host=proxy.host)
    client.distribution.push(name)
    closing = [each.path for each in proxy.seen if each.method == "PUT" and "/blobs/uploads/" in each.path]
    assert [path.partition("?")[2].partition("%3A")[0] for path in closing] == [f"{SIGNATURE}&digest=sha256"] * 2


def test_an_upload_to_another_host_must_go_without_credentials(
    client: Client, server: RegistryServer, proxy: RegistryProxy, sessions: UploadSessions, name: str
):
    """A registry may leave content to a store of its own; `Authorization` is for the registry alone."""
    with RegistryProxy(server.host) as elsewhere:
        elsewhere.faults.append(sessions)
        sessions.base = f"http://{elsewhere.host}"
        client.distribution.push(name)
        assert proxy.count("PATCH", "/uploads/") == 0
        assert elsewhere.count("PATCH", "/uploads/") == elsewhere.count("PUT", "/uploads/") == 2
        assert all("Authorization" not in each.headers for each in elsewhere.seen)


def test_a_redirect_of_an_upload_must_be_followed_with_the_content(
    client: Client, server: RegistryServer, proxy: RegistryProxy, sessions: UploadSessions, name: str
):
    """307 and 308 ask for the same request elsewhere."""
    with RegistryProxy(server.host) as elsewhere:
        elsewhere.faults.append(sessions)
        for status, method in ((307, "PATCH"), (308, "PUT")):
            proxy.faults.insert(0, times(9, "/uploads/", _sends_to(elsewhere, status), method))
        client.distribution.push(name)
        assert elsewhere.count("PATCH", "/uploads/") == 2
    assert _pulled(client, name) == SIZE_BYTES


def _sends_to(elsewhere: RegistryProxy, status: int):
    def answer(exchange: Exchange) -> None:
        exchange.answer(status, b"", {"Location": f"http://{elsewhere.host}{exchange.path}"})

    return answer


def test_a_mount_that_becomes_an_upload_must_be_canceled(client: Client, proxy: RegistryProxy, name: str):
    """The other repository has not got the layer after all: 202, and the layer is sent."""
    client.store.tag(name, f"{proxy.host}/uploads/related:1")
    client.distribution.push(name)
    assert proxy.count("POST", "?mount=") == 1
    assert proxy.count("DELETE", "/uploads/") == 1
    assert _pulled(client, name) == SIZE_BYTES


def test_a_lost_answer_must_not_cost_a_second_upload(
    client: Client, proxy: RegistryProxy, sessions: UploadSessions, name: str
):
    """The blob is there, its `201 Created` got lost: whoever looks finds it."""

    def lost(exchange: Exchange) -> None:
        sessions(_Silent(exchange))
        exchange.cut()

    proxy.faults.insert(0, times(1, "/uploads/", lost, "PUT"))
    client.distribution.push(name)
    assert proxy.count("PATCH", "/uploads/") == 2
    assert _pulled(client, name) == SIZE_BYTES


class _Silent(Exchange):
    """A request whose answer does not arrive."""

    def __init__(self, exchange: Exchange) -> None:
        self.__dict__.update(exchange.__dict__)

    def answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        """Say nothing."""


def test_a_busy_registry_must_be_waited_for_without_sending_again(
    client: Client, proxy: RegistryProxy, sessions: UploadSessions, name: str
):
    """`503` to the last request of an upload: what was sent is there."""
    proxy.faults.insert(0, times(2, "/uploads/", lambda each: each.answer(503, b"", {"Retry-After": "0"}), "PUT"))
    client.distribution.push(name)
    assert sessions.received_bytes < SIZE_BYTES * 1.01
    assert _pulled(client, name) == SIZE_BYTES


@pytest.mark.parametrize(
    ("status", "code"), [(413, "SIZE_INVALID"), (400, "BLOB_UPLOAD_INVALID"), (415, "UNSUPPORTED")]
)
def test_a_refusal_must_be_taken_as_one(
    client: Client, proxy: RegistryProxy, sessions: UploadSessions, name: str, status: int, code: str
):
    """A large layer is not sent six times to be refused; what was begun is canceled."""
    body = b'{"errors": [{"code": "%s", "message": "no more than 1 MB"}]}' % code.encode()

    def refuse(exchange: Exchange) -> None:
        exchange.answer(status, body)

    proxy.faults.insert(0, times(9, "/uploads/", refuse, "PATCH"))
    words = code.lower().replace("_", " ")
    with pytest.raises(Unavailable, match=f"does not serve `.*`: {words}: no more than 1 MB"):
        client.distribution.push(name)
    assert proxy.count("PATCH", "/uploads/") == 1
    assert proxy.count("DELETE", "/uploads/") == 1


def test_a_repository_that_cannot_be_must_be_said_once(client: Client, proxy: RegistryProxy, name: str):
    """404 to the first request of an upload, in the registry's words."""
    body = b'{"errors": [{"code": "NAME_UNKNOWN", "message": "no project `uploads`"}]}'
    proxy.faults.append(times(9, "/uploads/", lambda each: each.answer(404, body), "POST"))
    with pytest.raises(NotFound, match="name unknown: no project `uploads`"):
        client.distribution.push(name)
    assert proxy.count("POST", "/uploads/") == 1
