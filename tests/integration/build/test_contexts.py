"""What a build can be made from: folders, archives, repositories, web servers, standard input, layouts."""

import http.server
import os
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from runtime.build.builder import Builder
from runtime.engine import Engine, open_engine
from runtime.errors import EngineError, InvalidArgument, NotFound, SourceError, Unsupported
from runtime.image.content import BlobStore
from runtime.image.layers import LayerStore
from runtime.images import Makers
from runtime.paths import Paths
from schemas.engine.builds import BuildSpec
from schemas.engine.identifiers import DiffID
from tests.integration.image.tars import Entry, layer, symlink
from tests.support.git import IDENTITY, Repository, http_server

ALL = b"FROM scratch\nCOPY . /all/\n"
Built = Callable[..., list[str]]


@pytest.fixture
def engine(paths: Paths) -> Iterator[Engine]:
    """An engine that builds."""
    opened = open_engine(paths, Makers(builder=Builder))
    yield opened
    opened.close()
    assert [path.name for path in (paths.images / "ingest").iterdir()] == []


@pytest.fixture
def built(engine: Engine, paths: Paths) -> Built:
    """Build a context; return the names in the image."""

    def build(context: str | Path, **more: object) -> list[str]:
        image = engine.build_image(BuildSpec(str(context), **more)).image  # type: ignore[arg-type]
        found = []
        for diff_id in image.layers:
            folder = LayerStore(BlobStore(paths.images)).built(DiffID(diff_id)) / "fs"
            found += sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
        return found

    return build


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address under which it is served."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def archive(*entries: Entry, mode: str = "w") -> bytes:
    """An archive of a context that copies everything."""
    content = layer(Entry("Dockerfile", ALL), Entry(".dockerignore", b"a\n"), Entry("a", b"a"), *entries)
    if mode == "w":
        return content
    program = {"gz": "gzip", "xz": "xz", "bz2": "bzip2", "zst": "zstd"}[mode]
    return subprocess.run([program, "-c"], input=content, capture_output=True, check=True, timeout=30).stdout


EVERYTHING = ["all", "all/.dockerignore", "all/Dockerfile", "all/a"]


@pytest.mark.parametrize("mode", ["w", "gz", "xz", "bz2"])
def test_an_archive_must_be_a_context_wherever_it_is(built: Built, served: tuple[Path, str], tmp_path: Path, mode: str):
    """On a web server or beside the Compose file; packed or not. Its ignore file does not count, as with BuildKit."""
    folder, address = served
    (folder / "context.tar").write_bytes(archive(mode=mode))
    assert built(f"{address}/context.tar") == EVERYTHING
    assert built(folder / "context.tar") == EVERYTHING


def test_owners_and_modes_of_an_archive_must_be_kept(built: Built, paths: Paths, tmp_path: Path):
    """A folder's are root's; an archive says whose they are."""
    path = tmp_path / "c.tar"
    path.write_bytes(archive(Entry("o", b"o", uid=7, gid=8, mode=0o640)))
    assert "all/o" in built(path)
    (file,) = (paths.images / "layers/diff").glob("*/fs/all/o")
    status = file.stat()
    assert (status.st_uid, status.st_gid, status.st_mode & 0o7777) == (7, 8, 0o640)


def test_a_text_must_be_the_dockerfile_itself(built: Built, served: tuple[Path, str], tmp_path: Path):
    """From a web server the context is that file, called `context`; from here it is empty. Errors name it."""
    folder, address = served
    (folder / "plain").write_bytes(ALL)
    assert built(f"{address}/plain") == ["all", "all/context"]
    assert built(folder / "plain") == ["all"]
    (folder / "bad").write_bytes(b"FROM scratch\nCOPPY a b\n")
    with pytest.raises(SourceError) as caught:
        built(f"{address}/bad")
    assert str(caught.value).startswith(f"{address}/bad:2: unknown instruction: `COPPY`")


@pytest.mark.parametrize(("content", "names"), [(archive(mode="gz"), EVERYTHING), (ALL, ["all"])])
def test_a_dash_must_mean_standard_input(built: Built, tmp_path: Path, content: bytes, names: list[str]):
    """An archive or a Dockerfile, as for `docker build -`."""
    (tmp_path / "input").write_bytes(content)
    with standard_input(tmp_path / "input"):
        assert built("-") == names
    with standard_input(Path("/dev/null")), pytest.raises(InvalidArgument, match="on standard input is empty"):
        built("-")


def test_a_repository_must_be_a_context(built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A branch and a folder of it; a Dockerfile of another name; `.git` when the build argument says so."""
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    repository = Repository(tmp_path / "served" / "shop.git")
    files = {"Dockerfile": ALL.decode(), ".dockerignore": "a\n", "a": "a\n", "sub/other": ALL.decode(), "sub/b": "b\n"}
    repository.commit(files)
    with http_server(tmp_path / "served") as address:
        url = f"{address}/shop.git"
        everything = [*EVERYTHING, "all/sub", "all/sub/b", "all/sub/other"]
        assert built(url) == everything
        assert built(f"{url}#main:sub", dockerfile="other") == ["all", "all/b", "all/other"]
        assert built(url, dockerfile="sub/other") == everything
        assert "all/.git/HEAD" in built(url, arguments={"BUILDKIT_CONTEXT_KEEP_GIT_DIR": "1"})
        with pytest.raises(NotFound, match=f"no such Dockerfile: `nope` in {url}"):
            built(url, dockerfile="nope")


def test_a_dockerfile_of_a_stranger_must_not_be_a_file_of_this_machine(
    built: Built, tmp_path: Path, served: tuple[Path, str]
):
    """A link in the place of the Dockerfile leads where it would in the context, by no way out of it."""
    secret = tmp_path / "secret"
    secret.write_text("FROM scratch\nLABEL secret=yes\n")
    folder, address = served
    for number, target in enumerate((str(secret), f"../../../../..{secret}", f"/proc/self/root{secret}")):
        content = layer(Entry("Dockerfile", link=target, type=tarfile.SYMTYPE))
        (folder / f"{number}.tar").write_bytes(content)
        with pytest.raises(NotFound, match="no such Dockerfile"):
            built(f"{address}/{number}.tar")
        with pytest.raises(NotFound, match="no such Dockerfile"):
            built(f"{address}/{number}.tar", dockerfile=f"../../../../../..{secret}")


@pytest.mark.parametrize("target", ["/", "../../../../../../..", "/proc/self/root"])
def test_a_link_of_a_stranger_must_not_lead_to_files_of_this_machine(built: Built, tmp_path: Path, target: str):
    """Not in an archive, not in a repository: COPY sees what would be there if the context were all there is."""
    (tmp_path / "secret").write_text("secret")
    for instruction in (f"COPY out{tmp_path}/secret /stolen", f"ADD out{tmp_path}/secret /stolen"):
        dockerfile = f"FROM scratch\n{instruction}\n"
        path = tmp_path / "c.tar"
        path.write_bytes(layer(Entry("Dockerfile", dockerfile.encode()), symlink("out", target)))
        with pytest.raises(EngineError, match="not found"):
            built(path)
        repository = Repository(tmp_path / f"repository-{os.urandom(4).hex()}")
        repository.commit({"Dockerfile": dockerfile}, links={"out": target})
        with pytest.raises(EngineError, match="not found"):
            built(repository.url)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([Entry("../out", b"x")], "leads out of the image"),
        ([Entry("sub", link="/", type=tarfile.SYMTYPE), Entry("sub/../../../out", b"x")], "leads out of the image"),
        ([Entry("h", link="../../etc/passwd", type=tarfile.LNKTYPE)], "leads out of the image"),
        ([Entry("h", link="/etc/passwd", type=tarfile.LNKTYPE)], "which the layer has not"),
    ],
)
def test_a_hostile_archive_must_be_refused_as_a_context(built: Built, tmp_path: Path, entries: list[Entry], words: str):
    """With an error, and nothing written outside."""
    path = tmp_path / "c.tar"
    path.write_bytes(archive(*entries))
    with pytest.raises(EngineError, match=words):
        built(path)
    assert not any(path.name == "out" for path in tmp_path.rglob("*"))


def test_a_link_in_an_archive_must_lead_nowhere_else(built: Built, tmp_path: Path, paths: Paths):
    """What is unpacked through it stays in the context."""
    outside = tmp_path / "outside"
    outside.mkdir()
    path = tmp_path / "c.tar"
    path.write_bytes(archive(Entry("l", link=str(outside), type=tarfile.SYMTYPE), Entry("l/new", b"x")))
    with suppress(EngineError):
        built(path)
    assert list(outside.iterdir()) == []


def test_a_bomb_must_be_refused_as_a_context(built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A small archive of large files, a header without end."""
    monkeypatch.setenv("PYCOMPOSE_MAX_LAYER_SIZE", "1m")
    path = tmp_path / "c.tar.gz"
    path.write_bytes(archive(Entry("large", b"\0" * (3 << 20)), mode="gz"))
    with pytest.raises(InvalidArgument, match="unpacks to more than 1048576 bytes"):
        built(path)
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 1 << 30
    whole = archive().rstrip(b"\0")
    beginning = whole + bytes(-len(whole) % tarfile.BLOCKSIZE)
    path.write_bytes(beginning + header.tobuf(tarfile.GNU_FORMAT) + b"a" * (6 << 20))
    with pytest.raises(InvalidArgument, match="the archive has a header of unreasonable size"):
        built(path)


def test_a_stage_must_stand_on_any_named_context(
    built: Built, tmp_path: Path, served: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
):
    """A folder, less what its ignore file leaves out; a repository, without `.git`; a file of a web server."""
    for name, value in IDENTITY.items():
        monkeypatch.setenv(name, value)
    main, other = tmp_path / "main", tmp_path / "other"
    main.mkdir()
    other.mkdir()
    (main / "Dockerfile").write_text("FROM src\nCOPY --from=src . /copied/\n")
    for name in ("a", "b"):
        (other / name).write_text(name)
    (other / ".dockerignore").write_text("b\n")
    assert built(main, contexts={"src": str(other)}) == [
        *(".dockerignore", "a", "copied", "copied/.dockerignore", "copied/a"),
    ]
    repository = Repository(tmp_path / "repository")
    repository.commit({"r": "r\n"})
    assert built(main, contexts={"src": f"{repository.url}#main"}) == ["r", "copied", "copied/r"]
    folder, address = served
    (folder / "f.tar").write_bytes(archive())
    assert built(main, contexts={"src": f"{address}/f.tar"}) == ["context", "copied", "copied/context"]


def test_a_layout_must_be_a_base(built: Built, engine: Engine, tmp_path: Path):
    """By its tag, by the digest of its manifest; what it has not is told with what it has."""
    (tmp_path / "root.tar").write_bytes(layer(Entry("base", b"x")))
    engine.import_image(tmp_path / "root.tar", "it:v1", changes=["ENV FROM_LAYOUT=1"])
    engine.save_images(["it:v1"], tmp_path / "it.tar")
    layout = tmp_path / "layout"
    with tarfile.open(tmp_path / "it.tar") as tar:
        tar.extractall(layout, filter="data")
    engine.remove_image("it:v1")
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM base\nCOPY Dockerfile /\n")
    assert built(context, contexts={"base": f"oci-layout://{layout}:v1"})[-1] == "Dockerfile"
    digest = engine.image_details(engine.build_image(spec(context, layout, ":v1")).image.id)
    assert digest.record.config.environment[0] == "FROM_LAYOUT=1"
    with pytest.raises(NotFound) as caught:
        built(context, contexts={"base": f"oci-layout://{layout}"})
    assert caught.value.message == f"the layout `{layout}` has no image with tag `latest`"
    assert caught.value.hint == "it has `v1`"
    with pytest.raises(NotFound, match="cannot open the OCI layout"):
        built(context, contexts={"base": f"oci-layout://{tmp_path}/nope"})
    with pytest.raises(InvalidArgument, match="is no OCI layout"):
        built(context, contexts={"base": f"oci-layout://{context}"})


def test_an_image_must_not_be_the_build_context(built: Built):
    """It can be an additional one."""
    with pytest.raises(Unsupported, match="is an image"):
        built("docker-image://alpine")


def spec(context: Path, layout: Path, name: str) -> BuildSpec:
    """A build on a layout."""
    return BuildSpec(str(context), contexts={"base": f"oci-layout://{layout}{name}"})


class standard_input:  # noqa: N801 - used like a function
    """Standard input from a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._before = os.dup(0)
        descriptor = os.open(self._path, os.O_RDONLY)
        os.dup2(descriptor, 0)
        os.close(descriptor)

    def __exit__(self, *_: object) -> None:
        os.dup2(self._before, 0)
        os.close(self._before)
