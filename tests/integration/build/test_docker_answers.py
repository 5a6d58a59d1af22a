"""The Dockerfiles of tests/unit/build/docker_answers.json that run or copy something, built; most check themselves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.build.builder import Builder
from runtime.engine import Engine, open_engine
from runtime.errors import EngineError
from runtime.image.configuration import config_to_plain
from runtime.images import Makers
from runtime.paths import Paths
from schemas.engine.builds import BuildSpec
from tests.unit.build.test_docker_answers import ANSWERS, DIFFERENT, WHILE_BUILDING

NOT_HERE = {
    "copy-chown-missing": "Docker takes root for a user that does not exist, here it is an error",
    "user": "this test's busybox has the user",
}
BUILT = [
    name
    for name, answer in ANSWERS.items()
    if name not in DIFFERENT
    and name not in NOT_HERE
    and (name in WHILE_BUILDING or "config" in answer)
    and any(word in answer["dockerfile"].upper() for word in ("RUN ", "COPY ", "ADD ", "WORKDIR "))
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, busybox_tar: Path) -> Paths:
    """Directories with a busybox, for all of them: each has the cache of the ones before."""
    root = tmp_path_factory.mktemp("answers")
    paths = Paths(root / "state", root / "run")
    engine = open_engine(paths)
    engine.import_image(busybox_tar, "busybox", changes=['CMD ["sh"]'])
    engine.close()
    return paths


@pytest.fixture
def store(shared: Paths) -> Iterator[Engine]:
    """An engine of the test's own."""
    engine = open_engine(shared, Makers(builder=Builder))
    yield engine
    engine.close()


@pytest.mark.parametrize("name", BUILT)
def test_a_build_must_do_what_dockers_does(name: str, store: Engine, tmp_path: Path):
    """The same configuration, layers where Docker has layers, and a failure where Docker fails."""
    answer = ANSWERS[name]
    for file in ("a.txt", "b.txt", "sp ace.txt"):
        (tmp_path / file).write_text(f"{file}\n")
    (tmp_path / "Dockerfile").write_bytes(answer["dockerfile"].encode())
    (tmp_path / ".dockerignore").write_text("Dockerfile\n.dockerignore\n")
    spec = BuildSpec(str(tmp_path), target=answer.get("target", ""), arguments=answer.get("args", {}))
    if name in WHILE_BUILDING:
        with pytest.raises(EngineError):
            store.build_image(spec)
        return
    config = config_to_plain(store.build_image(spec).image.config)
    assert config == answer["config"]
