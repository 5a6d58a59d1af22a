"""The unpack worker: takes layers apart in a process of its own, since Python unpacks on one processor only.

It serves one connection on descriptor 3. A request names the store and a scratch folder in it and brings a pipe
with the packed layer; the answer is what came of it. What the command finds wrong with the blob meanwhile, it
finds without this process: a pipe that ends too early is a damaged archive, and the folder is the command's.
"""

import json
import os
import socket
from pathlib import Path

from runtime.image.content import CHUNK_BYTES, BlobStore
from runtime.image.layers import Tree, unpack_tree
from runtime.image.streams import Hashed, Readable, detect, unpacked
from runtime.syscall.worker import CONNECTION, error_to_plain
from schemas.engine.codec import to_plain

MAXIMUM_BYTES = 1 << 16
TREE = "tree.json"
"""In the scratch folder: the answer, which may be long."""


def serve(connection: socket.socket) -> None:
    """Answer requests in order until the other side closes."""
    while True:
        data, descriptors, _, _ = socket.recv_fds(connection, MAXIMUM_BYTES, 1)
        if not data:
            return
        request = json.loads(data)
        with open(descriptors[0], "rb", buffering=0) as archive:
            try:
                with BlobStore(Path(request["store"])).lease():
                    tree = _unpack(archive, Path(request["scratch"]))
                    Path(request["scratch"], TREE).write_text(json.dumps(to_plain(tree)))
                reply: dict[str, object] = {}
            except Exception as error:  # noqa: BLE001 - any failure is the requester's to know
                reply = {"error": error_to_plain(error)}
        connection.send(json.dumps(reply).encode())


def main() -> None:
    """Serve the connection that the starting process left on descriptor 3."""
    with socket.socket(fileno=CONNECTION) as connection:
        serve(connection)
    # The command waits for this process's end: no tidying of a heap that goes with it.
    os._exit(0)


def _unpack(archive: Readable, scratch: Path) -> Tree:
    compression, whole = detect(archive)
    tree = unpack_tree(Hashed(unpacked(compression, whole)), scratch)
    while whole.read(CHUNK_BYTES):
        pass  # what a decompressor left unread is part of the blob
    return tree
