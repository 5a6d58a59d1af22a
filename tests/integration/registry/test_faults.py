"""A bad line, a bad server and a bad registry: an image comes whole or not at all, and nothing hangs."""

import gzip
import hashlib
import json
import os
import time

import pytest

from runtime.errors import InvalidArgument, NotFound, PermissionDenied, Unavailable
from runtime.image.distribution import Distribution
from schemas.engine.transfers import TransferStage
from tests.integration.image.tars import Entry, folder, layer
from tests.integration.registry.conftest import Client, Listener
from tests.support import registry
from tests.support.registry import Blob, RegistryServer, RemoteImage
from tests.support.registry_proxy import Exchange, RegistryProxy, times

CONTENT = layer(folder("./"), Entry("random", os.urandom(3_000_000)))
NONE = ("host:latest",)


@pytest.fixture
def image(server: RegistryServer) -> RemoteImage:
    """Put an image of one larger layer into the registry."""
    return registry.put(server.host, "faults/image", "1", registry.image(CONTENT))


def _name(proxy: RegistryProxy) -> str:
    return f"{proxy.host}/faults/image:1"


def _ends_after(exchange: Exchange, count: int) -> None:
    """Send the answer's head and a part of its body, then cut the line."""
    status, headers, body = exchange.fetch()
    exchange.begin(status, {**headers, "Content-Length": str(len(body))})
    exchange.send(body[:count])
    exchange.hang_up()


def _nothing_stays(client: Client) -> bool:
    return [record.references for record in client.store.list()] == [NONE] and not [
        name for name in client.leftovers() if not name.endswith(".partial")
    ]


def _served(proxy: RegistryProxy, document: object, media_type: str = registry.INDEX) -> None:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    proxy.faults[:] = [times(99, "/manifests/", lambda each: each.answer(200, content, {"Content-Type": media_type}))]


def test_a_download_that_is_cut_must_go_on_where_it_ended(client: Client, proxy: RegistryProxy, image: RemoteImage):
    """By `Range`: no byte comes twice."""
    (blob,) = image.layers
    proxy.faults.append(times(3, blob.digest, lambda exchange: _ends_after(exchange, 800_000)))
    client.distribution.pull(_name(proxy))
    asked = [each.headers.get("Range") for each in proxy.seen if blob.digest in each.path]
    assert asked[0] is None
    starts = [int(text.removeprefix("bytes=").removesuffix("-")) for text in asked[1:] if text]
    assert len(starts) == 3
    assert starts == sorted(starts)
    assert starts[-1] > 1_600_000
    assert len(client.files(_name(proxy))["random"]) == 3_000_000


def test_a_server_without_ranges_must_do_too(client: Client, proxy: RegistryProxy, image: RemoteImage):
    """It begins anew each time; what is known already is passed over."""
    (blob,) = image.layers

    def whole(exchange: Exchange) -> bool:
        exchange.headers.pop("Range", None)
        return False

    proxy.faults.append(times(2, blob.digest, lambda exchange: _ends_after(exchange, 900_000)))
    proxy.faults.append(whole)
    client.distribution.pull(_name(proxy))
    assert len(client.files(_name(proxy))["random"]) == 3_000_000


@pytest.mark.usefixtures("impatient")
def test_a_line_that_is_always_cut_must_be_given_up(client: Client, proxy: RegistryProxy, image: RemoteImage):
    """After some attempts without progress; what came is kept for the next command."""
    (blob,) = image.layers
    proxy.faults.append(times(99, blob.digest, lambda exchange: _ends_after(exchange, 0)))
    with pytest.raises(Unavailable, match="was cut"):
        client.distribution.pull(_name(proxy))
    assert proxy.count("GET", blob.digest) == 6
    assert _nothing_stays(client)


def test_the_next_command_must_go_on_with_a_download(client: Client, proxy: RegistryProxy, image: RemoteImage):
    """Another client, after the first gave up in the middle."""
    (blob,) = image.layers
    broken = times(1, blob.digest, lambda exchange: _ends_after(exchange, 2_000_000))
    proxy.faults += [broken, times(9, blob.digest, lambda exchange: exchange.answer(404))]
    with pytest.raises(NotFound):
        client.distribution.pull(_name(proxy))
    proxy.faults.clear()
    proxy.seen.clear()
    other = Distribution(client.database, client.store)
    other.pull(_name(proxy))
    other.close()
    (asked,) = [each.headers.get("Range", "") for each in proxy.seen if blob.digest in each.path]
    assert int(asked.removeprefix("bytes=").removesuffix("-")) > 1_500_000


@pytest.mark.parametrize(
    "status", [408, 429, 500, 502, 503, 504], ids=["timeout", "busy", "error", "gateway", "closed", "slow"]
)
def test_a_passing_trouble_must_be_waited_out(client: Client, proxy: RegistryProxy, image: RemoteImage, status: int):
    """Twice in a row, for whatever is asked."""
    for part in ("/v2/", "/manifests/", "/blobs/"):
        proxy.faults.append(times(1, part, lambda exchange: exchange.answer(status)))
    client.distribution.pull(_name(proxy))
    assert client.store.resolve(_name(proxy)).id == image.id


def test_a_registry_that_asks_to_wait_must_be_waited_for(client: Client, proxy: RegistryProxy, image: RemoteImage):
    """`Retry-After`, in seconds; so that nobody thinks that it hangs, the wait is told."""
    proxy.faults.append(times(1, "/manifests/", lambda each: each.answer(429, b"", {"Retry-After": "2"})))
    begun = time.monotonic()
    listener = Listener()
    client.distribution.pull(_name(proxy), listener=listener)
    assert time.monotonic() - begun >= 2.0
    told = [event.source for event in listener.events if event.stage is TransferStage.WARNED]
    assert told == ["too many requests; another attempt in 2 s"]


@pytest.mark.usefixtures("impatient")
def test_a_registry_that_stays_busy_must_be_given_up(client: Client, proxy: RegistryProxy, image: RemoteImage):
    """With its reason, in its own words if it has any, after six attempts."""
    proxy.faults.append(times(6, "/manifests/", lambda each: each.answer(429)))
    with pytest.raises(Unavailable, match="does not serve us: too many requests"):
        client.distribution.pull(_name(proxy))
    assert proxy.count("GET", "/manifests/") == 6
    limit = b'{"errors": [{"code": "TOOMANYREQUESTS", "message": "You have reached your pull rate limit."}]}'
    proxy.faults.append(times(6, "/manifests/", lambda each: each.answer(429, limit)))
    with pytest.raises(Unavailable, match="does not serve us: toomanyrequests: You have reached your pull rate limit"):
        client.distribution.pull(_name(proxy))


@pytest.mark.usefixtures("impatient")
def test_a_registry_that_vanishes_in_the_middle_must_be_given_up(
    client: Client, proxy: RegistryProxy, image: RemoteImage
):
    """Six attempts in all, which are told; what came is kept, and the error says so."""
    (blob,) = image.layers
    proxy.faults.append(times(1, blob.digest, lambda exchange: _ends_after(exchange, 500_000)))
    proxy.faults.append(times(99, blob.digest, lambda exchange: exchange.cut()))
    listener = Listener()
    with pytest.raises(Unavailable, match="was cut") as caught:
        client.distribution.pull(_name(proxy), listener=listener)
    assert "the next pull goes on from there" in caught.value.hint
    assert proxy.count("GET", blob.digest) == 6
    assert [event.stage for event in listener.events].count(TransferStage.RETRYING) == 6


@pytest.mark.usefixtures("impatient")
def test_a_busy_server_of_layers_must_be_waited_for(client: Client, proxy: RegistryProxy, image: RemoteImage):
    """503 five times in a row, with `Retry-After`; then it serves."""
    (blob,) = image.layers
    proxy.faults.append(times(5, blob.digest, lambda each: each.answer(503, b"", {"Retry-After": "0"})))
    client.distribution.pull(_name(proxy))
    assert len(client.files(_name(proxy))["random"]) == 3_000_000


def test_a_layer_whose_packing_ends_early_must_be_refused(client: Client, server: RegistryServer):
    """The digest is right, what it holds is not whole: nothing of the image stays."""
    packed = Blob(gzip.compress(CONTENT, 1)[:1_000_000], registry.GZIP_LAYER)
    registry.put(server.host, "faults/short", "1", registry.assembled([packed], ["sha256:" + "1" * 64]))
    with pytest.raises(
        InvalidArgument, match=f"layer `{packed.digest}` cannot be unpacked: the archive is damaged: it ends"
    ):
        client.distribution.pull(f"{server.host}/faults/short:1")
    assert _nothing_stays(client)


@pytest.mark.parametrize(("more", "message"), [(1000, "after .* of its .* bytes"), (-1000, "is larger than the")])
@pytest.mark.usefixtures("impatient")
def test_a_size_that_the_manifest_has_wrong_must_be_refused(
    client: Client, server: RegistryServer, more: int, message: str
):
    """Too small or too large: it is told, with the bytes."""
    packed = gzip.compress(CONTENT, 1)
    wrong = Blob(packed, registry.GZIP_LAYER, {"size": len(packed) + more})
    image = registry.assembled([wrong], [f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"])
    for blob in (image.config, wrong):
        registry.put_blob(server.host, "faults/size", blob)
    with RegistryProxy(server.host) as proxy:
        _served(proxy, image.manifest.content, registry.MANIFEST)
        with pytest.raises((Unavailable, InvalidArgument), match=message):
            client.distribution.pull(f"{proxy.host}/faults/size:1")
    assert _nothing_stays(client)


@pytest.mark.parametrize("page", [b"<html>Log in</html>", b"", b"\xff\xfe"], ids=["HTML", "nothing", "no text"])
def test_a_page_in_the_place_of_a_manifest_must_be_said(client: Client, proxy: RegistryProxy, page: bytes):
    """As captive portals and proxies send them, with 200."""
    _served(proxy, page, "text/html")
    with pytest.raises(InvalidArgument, match="is not JSON") as caught:
        client.distribution.pull(_name(proxy))
    assert "a page for logging in" in caught.value.hint


def test_other_content_must_be_fetched_once_more_and_then_refused(
    client: Client, proxy: RegistryProxy, image: RemoteImage
):
    """One flipped bit; nothing of it gets a name."""
    (blob,) = image.layers

    def flipped(exchange: Exchange) -> None:
        status, headers, body = exchange.fetch()
        exchange.begin(status, {**headers, "Content-Length": str(len(body))})
        exchange.send(body[:-1] + bytes([body[-1] ^ 1]))

    proxy.faults.append(times(2, blob.digest, flipped))
    with pytest.raises(InvalidArgument, match="verification failed for digest"):
        client.distribution.pull(_name(proxy))
    assert proxy.count("GET", blob.digest) == 2
    assert _nothing_stays(client)
    assert not (client.root / "blobs" / "sha256" / blob.digest[7:]).exists()
    proxy.faults.append(times(1, blob.digest, flipped))
    client.distribution.pull(_name(proxy))
    assert len(client.files(_name(proxy))["random"]) == 3_000_000


def test_a_manifest_that_is_another_must_be_refused(client: Client, proxy: RegistryProxy, image: RemoteImage):
    """By digest: what comes has to have it."""
    _served(proxy, image.manifest.content + b" ", registry.MANIFEST)
    with pytest.raises(InvalidArgument, match="has digest"):
        client.distribution.pull(f"{proxy.host}/faults/image@{image.manifest.digest}")
    assert _nothing_stays(client)


def test_a_length_that_is_wrong_must_not_matter(client: Client, proxy: RegistryProxy, image: RemoteImage):
    """Shorter than the blob: the rest is asked for. The descriptor's size is what counts."""
    (blob,) = image.layers

    def short(exchange: Exchange) -> None:
        status, headers, body = exchange.fetch()
        exchange.begin(status, {**headers, "Content-Length": "1000000"})
        exchange.send(body[:1_000_000])

    proxy.faults.append(times(1, blob.digest, short))
    client.distribution.pull(_name(proxy))
    assert len(client.files(_name(proxy))["random"]) == 3_000_000


def test_an_endless_stream_must_be_cut_off(client: Client, proxy: RegistryProxy, image: RemoteImage):
    """At the size that the manifest says: nothing more is written."""
    (blob,) = image.layers
    sent = []

    def endless(exchange: Exchange) -> None:
        exchange.begin(200, {"Connection": "close"})
        while len(sent) < 2000:
            exchange.send(b"\0" * 65536)
            sent.append(1)
        exchange.cut()

    proxy.faults.append(times(9, blob.digest, endless))
    with pytest.raises(InvalidArgument, match="is larger than the"):
        client.distribution.pull(_name(proxy))
    assert sum(path.stat().st_size for path in (client.root / "ingest").iterdir()) <= len(blob.content)
    assert _nothing_stays(client)


def test_an_endless_manifest_must_be_cut_off(client: Client, proxy: RegistryProxy, image: RemoteImage):
    """Documents are read into memory, so they have a limit of their own."""

    def endless(exchange: Exchange) -> None:
        exchange.begin(200, {"Connection": "close", "Content-Type": registry.MANIFEST})
        for _ in range(2000):
            exchange.send(b" " * 65536)

    proxy.faults.append(times(9, "/manifests/", endless))
    with pytest.raises(InvalidArgument, match="is larger than 4194304 bytes"):
        client.distribution.pull(_name(proxy))


def test_a_redirect_must_be_followed_but_not_for_ever(
    client: Client, server: RegistryServer, proxy: RegistryProxy, image: RemoteImage
):
    """Blobs lie elsewhere; a server that sends in circles is left."""
    (blob,) = image.layers
    target = f"http://{server.host}/v2/faults/image/blobs/{blob.digest}"
    proxy.faults.append(times(1, blob.digest, lambda each: each.answer(307, b"", {"Location": target})))
    client.distribution.pull(_name(proxy))
    proxy.faults.append(times(99, "/manifests/", lambda each: each.answer(302, b"", {"Location": each.path})))
    with pytest.raises(Unavailable, match="sends on more than 5 times"):
        client.distribution.pull(_name(proxy))


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1:1/x"])
def test_a_redirect_to_no_web_server_must_be_refused(
    client: Client, proxy: RegistryProxy, image: RemoteImage, location: str
):
    """Nothing is read from this machine."""
    proxy.faults.append(times(9, "/manifests/", lambda each: each.answer(307, b"", {"Location": location})))
    with pytest.raises(Unavailable, match="which is refused"):
        client.distribution.pull(_name(proxy))


HOSTILE = {
    "no JSON": b"{",
    "deeply nested": b"[" * 100_000,
    "a list": [],
    "no layers": {"schemaVersion": 2, "mediaType": registry.MANIFEST, "config": {}},
    "a path as digest": {
        "schemaVersion": 2,
        "config": {"mediaType": registry.CONFIG, "digest": "sha256:../../../../etc/passwd", "size": 1},
        "layers": [],
    },
    "a negative size": {
        "schemaVersion": 2,
        "config": {"mediaType": registry.CONFIG, "digest": "sha256:" + "0" * 64, "size": -1},
        "layers": [],
    },
    "a huge configuration": {
        "schemaVersion": 2,
        "config": {"mediaType": registry.CONFIG, "digest": "sha256:" + "0" * 64, "size": 1 << 40},
        "layers": [],
    },
    "a thousand layers": {
        "schemaVersion": 2,
        "config": {"mediaType": registry.CONFIG, "digest": "sha256:" + "0" * 64, "size": 1},
        "layers": [{"mediaType": registry.GZIP_LAYER, "digest": "sha256:" + "0" * 64, "size": 1}] * 1000,
    },
}


@pytest.mark.parametrize("document", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_document_that_is_none_must_be_refused(client: Client, proxy: RegistryProxy, document: object):
    """One clear error, nothing written."""
    _served(proxy, document, registry.MANIFEST)
    with pytest.raises(InvalidArgument):
        client.distribution.pull(_name(proxy))
    assert _nothing_stays(client)


def test_an_index_that_holds_itself_or_others_without_end_must_be_refused(
    client: Client, server: RegistryServer, proxy: RegistryProxy, image: RemoteImage
):
    """Indexes in indexes, deeper than anybody needs."""
    inner: Blob = image.manifest
    platform = {"os": "linux", "architecture": registry.ARCHITECTURE}
    for _ in range(6):
        inner = registry.index((inner, platform))
        registry.put_manifest(server.host, "faults/image", inner.digest, inner)
    registry.put_manifest(server.host, "faults/image", "nested", inner)
    with pytest.raises(InvalidArgument, match="nested deeper than 4"):
        client.distribution.pull(f"{server.host}/faults/image:nested")


def test_foreign_urls_must_not_be_followed(client: Client, server: RegistryServer, proxy: RegistryProxy):
    """A layer's `urls` could lead anywhere: it comes from the registry or not at all."""
    with RegistryProxy(server.host) as elsewhere:
        packed = Blob(
            gzip.compress(CONTENT, 1),
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            {"urls": [f"http://{elsewhere.host}/foreign"]},
        )
        foreign = registry.assembled([packed], [f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"])
        registry.put_blob(server.host, "faults/foreign", foreign.config)
        _served(proxy, foreign.manifest.content, registry.MANIFEST)
        with pytest.raises(NotFound):
            client.distribution.pull(f"{proxy.host}/faults/foreign:1")
        assert elsewhere.seen == []


def test_a_registrys_words_must_not_reach_the_terminal_as_they_are(client: Client, proxy: RegistryProxy):
    """Escape sequences and line ends of a stranger."""
    body = json.dumps({"errors": [{"code": "DENIED", "message": "\x1b]0;x\x07a\nb\u202e" + "y" * 5000}]}).encode()
    proxy.faults.append(times(9, "/manifests/", lambda each: each.answer(403, body)))
    with pytest.raises(PermissionDenied) as caught:
        client.distribution.pull(_name(proxy))
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 500
