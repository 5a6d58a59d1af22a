"""DNS messages: what is read from a query and written into an answer."""

import random
import socket

import pytest

from runtime.resolver import codec
from tests.unit.resolver.messages import question, read


def test_a_query_must_be_read_whatever_its_case() -> None:
    """Names compare without regard to case (RFC 4343), and the last dot does not count."""
    query = codec.parse(question("Web.Shop_Default.", "AAAA"))
    assert query is not None
    assert (query.name, query.type, query.kind, query.udp_bytes) == (b"web.shop_default", codec.AAAA, codec.IN, 512)


@pytest.mark.parametrize(("size", "limit"), [(0, 512), (100, 512), (1232, 1232), (4096, 4096)])
def test_an_answers_limit_must_be_what_the_client_says(size: int, limit: int) -> None:
    """EDNS raises the limit of UDP, and never lowers it below 512 (RFC 6891)."""
    query = codec.parse(question("web", size=size))
    assert query is not None
    assert query.udp_bytes == limit


def test_an_answer_must_hold_every_address() -> None:
    """The records carry the asked type, a TTL of 600 s, and the query's identifier."""
    data = question("web", identifier=77, size=1232)
    query = codec.parse(data)
    assert query is not None
    reply = read(codec.answer(data, query, [socket.inet_aton("10.0.0.1"), socket.inet_aton("10.0.0.2")], 1232))
    assert (reply.identifier, reply.code, reply.recursion_available, reply.additional) == (77, 0, True, 1)
    assert reply.addresses == ["10.0.0.1", "10.0.0.2"]
    assert {ttl for _, ttl, _ in reply.records} == {600}


def test_an_answer_must_be_cut_at_the_limit_and_say_so() -> None:
    """A client that sees the mark asks again by TCP."""
    data = question("web")
    query = codec.parse(data)
    assert query is not None
    addresses = [bytes([10, 0, number // 256, number % 256]) for number in range(100)]
    cut = codec.answer(data, query, addresses, query.udp_bytes)
    assert len(cut) <= 512
    assert read(cut).truncated
    assert 20 < len(read(cut).records) < 100
    whole = read(codec.answer(data, query, addresses, codec.MAXIMUM_BYTES))
    assert (len(whole.records), whole.truncated) == (100, False)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(question("web")[:15], id="cut off"),
        pytest.param(b"\x12\x34\x81\x80" + question("web")[4:], id="a response"),
        pytest.param(b"\x12\x34\x28\x00" + question("web")[4:], id="an update"),
        pytest.param(question("web")[:4] + b"\0\2" + question("web")[6:], id="two questions"),
        pytest.param(question("web")[:12] + b"\xc0\x0c\0\1\0\1", id="a pointer to itself"),
    ],
)
def test_what_is_no_query_must_be_ignored(data: bytes) -> None:
    """A container cannot make the server fail with a broken message."""
    assert codec.parse(data) is None


def test_random_bytes_must_never_break_the_parser() -> None:
    """The parser returns a query or None, whatever it is given."""
    generator = random.Random(4)
    valid = question("web.default", size=1232)
    for _ in range(3000):
        data = bytearray(valid)
        for _ in range(generator.randrange(4)):
            data[generator.randrange(len(data))] = generator.randrange(256)
        query = codec.parse(bytes(data[: generator.randrange(len(data) + 1)]))
        if query is not None:
            codec.answer(bytes(data), query, [b"\x0a\0\0\1"], query.udp_bytes)
