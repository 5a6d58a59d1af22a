"""Two hundred Dockerfiles, each with what Docker 26.1 (BuildKit) made of it: refused, or an image's configuration."""

import json
from pathlib import Path

import pytest

from runtime.build.planning.options import PlanOptions
from runtime.errors import EngineError
from runtime.image.configuration import config_to_plain
from tests.support.dockerfiles import plan

ANSWERS = json.loads((Path(__file__).parent / "docker_answers.json").read_text())
WHILE_BUILDING = {
    "user": "the image has no such user",
    "run-mount-secret-required": "there is no such secret",
    "run-fails": "the command fails",
    "copy-missing": "the context has no such file",
}
"""Refused by Docker, but not for what the Dockerfile says."""
DIFFERENT = {
    "cmd-json-trailing": "text after a JSON array makes it the shell form, as in newer versions",
    "copy-chmod-bad": "a mode that is none is refused, as in newer versions",
    "nul": "a NUL character is in no argument and no variable of a process",
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_dockerfile_must_mean_what_it_means_to_docker(name: str):
    """What Docker accepts gives the same configuration, and what it refuses is refused with the line named."""
    answer = ANSWERS[name]
    options = PlanOptions(target=answer.get("target", ""), build_args=answer.get("args", {}))
    if name in DIFFERENT:
        return
    if "error" in answer and name not in WHILE_BUILDING:
        with pytest.raises(EngineError) as caught:
            plan(answer["dockerfile"], options)
        about_file = name.startswith(("stage-target", "from-comment", "from-empty"))
        assert about_file or str(caught.value).startswith("Dockerfile:")
        return
    result = plan(answer["dockerfile"], options).result
    if name not in WHILE_BUILDING:
        assert config_to_plain(result.config) == answer["config"]
        assert result.author == answer.get("author", "")


def test_a_difference_from_docker_must_have_a_reason_and_be_one():
    """The list of deviations names cases that exist and still differ."""
    for name in DIFFERENT:
        answer = ANSWERS[name]
        try:
            config = config_to_plain(plan(answer["dockerfile"]).result.config)
        except EngineError:
            config = None
        assert config != answer.get("config")
