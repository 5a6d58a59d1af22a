"""Small Dockerfiles, each with what Docker made of it: configuration, history, layers and files; or its error.

The answers are recorded by record.py, so no Docker is needed. Paths, kinds, modes, owners, contents, links, extended
attributes and devices are compared, times are not.
"""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from runtime.build.builder import Builder
from runtime.engine import Engine, open_engine
from runtime.errors import EngineError
from runtime.images import Makers
from runtime.paths import Paths
from schemas.engine.builds import BuildSpec
from tests.conformance.build.cases import BASE, BASE_CHANGES, SERVER, Case, base_tar, cases, run_script
from tests.conformance.build.contents import answer
from tests.support import images
from tests.support.file_server import serving

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(not images.busybox(), reason="no busybox: install busybox-static"),
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    """Directories with the base image."""
    root = tmp_path_factory.mktemp("differ")
    paths = Paths(root / "state", root / "run")
    engine = open_engine(paths)
    engine.import_image(base_tar(root), BASE, changes=list(BASE_CHANGES))
    engine.save_images([BASE], root / "base.tar")
    engine.close()
    return paths


@pytest.fixture
def engine(shared: Paths) -> Iterator[Engine]:
    """An engine of the test's own."""
    opened = open_engine(shared, Makers(builder=Builder))
    yield opened
    opened.close()


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_a_build_must_give_what_docker_gives(
    case: Case, engine: Engine, shared: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The same image, but for what is different on purpose; an error where Docker has one, with its line and a hint."""
    context, served = tmp_path / "context", tmp_path / "served"
    context.mkdir()
    served.mkdir()
    run_script(case.served, served)
    monkeypatch.chdir(context)
    with serving(str(served)) if case.served else nullcontext(SERVER) as address:
        _compare(case.at(address), engine, shared, context)


def _compare(case: Case, engine: Engine, shared: Paths, context: Path) -> None:
    case.make_context(context)
    if case.error:
        with pytest.raises(EngineError) as caught:
            engine.build_image(_spec(case, context))
        hint = f"\nhint: {caught.value.hint}" if caught.value.hint else ""
        assert f"{caught.value}{hint}".replace(str(context), ".").replace(case.address, SERVER) == case.error
        return
    engine.build_image(_spec(case, context))
    archive = context.parent / "image.tar"
    engine.save_images([case.name], archive)
    assert case.placeless(answer(archive, shared.state.parent / "base.tar")) == case.expected


def test_a_difference_from_docker_must_have_a_reason():
    """Where something is different it says why; where Docker has an error so have we; and the other way round."""
    for case in cases():
        if case.different:
            assert case.different["why"], case.name
            assert case.error or case.expected != case.docker, case.name
        elif case.error:
            assert "error" in case.docker, case.name
        else:
            assert "error" not in case.docker, case.name


def _spec(case: Case, context: Path) -> BuildSpec:
    build = case.build
    return BuildSpec(
        build.get("context", str(context)),
        references=(case.name,),
        dockerfile=build.get("dockerfile", "Dockerfile"),
        target=build.get("target", ""),
        arguments=build.get("args", {}),
        labels=build.get("labels", {}),
        contexts={
            name: str(context.parent / value) if value.startswith(".") else value
            for name, value in build.get("additional_contexts", {}).items()
        },
        extra_hosts=tuple(line.partition(":")[::2] for line in build.get("extra_hosts", [])),
    )
