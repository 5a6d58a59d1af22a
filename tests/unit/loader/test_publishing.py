"""Files as they are published: the text as it is written, but for the names of files beside it."""

import hashlib
from pathlib import Path

import pytest

from compose.loader.publishing import Publication, Publisher
from compose.loader.source import DiskReader


def _collected(folder: Path, text: str) -> Publication:
    (folder / "compose.yaml").write_text(text)
    return Publisher(DiskReader(), {"WHICH": "app"}).collect([f"{folder}/compose.yaml"], str(folder))


def _name(path: Path, ending: str) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest() + ending


@pytest.mark.parametrize(
    "text",
    [
        "services:\n  a:\n    env_file: {}  # mine\n",
        "services:\n  a:\n    env_file:\n    - {}\n    - {}\n",
        "services:\n  a:\n    env_file:\n      - path: {}\n        required: false\n",
        "services: {{a: {{env_file: [{}, {{path: {}}}]}}}}\n",
        "# é\u2028\r\nservices:\r\n  a:\r\n    env_file: {}\r\n",
        "x: &x {{env_file: {}}}\nservices:\n  a:\n    <<: *x\n  b: *x\n",
        "services: {{}}\n---\nservices:\n  a:\n    env_file: {}\n",
    ],
)
@pytest.mark.parametrize("written", ["app.env", "'app.env'", '"./app.env"', "${WHICH}.env", "${WHICH:-x}.env"])
def test_the_name_of_an_env_file_must_be_replaced_wherever_it_stands(tmp_path: Path, text: str, written: str):
    """And nothing else: quotes, comments, line ends and other documents stay."""
    if "{env_file" in text.format("", "") and "$" in written:
        written = f"'{written}'"
    (tmp_path / "app.env").write_text("A=1\n")
    found = _collected(tmp_path, text.format(written, written))
    name = _name(tmp_path / "app.env", ".env")
    (file,) = found.compose_files
    assert file.content.decode() == text.format(name, name)
    assert found.env_files == {f"{tmp_path}/app.env": name}


def test_a_file_without_others_must_be_published_byte_by_byte(tmp_path: Path):
    """Even its byte order mark."""
    text = "\ufeffservices: {a: {image: i}}  # ä\n"
    (file,) = _collected(tmp_path, text).compose_files
    assert (file.name, file.content) == ("compose.yaml", text.encode())


def test_files_that_extend_one_another_must_all_be_found_once(tmp_path: Path):
    """Each relative to its own folder; one that is elsewhere stays there."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "one.yaml").write_text("services: {x: {extends: {file: two.yaml, service: x}}}\n")
    (tmp_path / "sub" / "two.yaml").write_text("services: {x: {extends: {file: one.yaml, service: y}, image: i}}\n")
    text = (
        "services:\n  a: {extends: {file: sub/one.yaml, service: x}}\n"
        "  b: {extends: {file: sub/two.yaml, service: x}}\n"
        "  c: {extends: {file: 'oci://h/x:1', service: x}}\n  d: {extends: a}\n  e: {extends: {service: a}}\n"
    )
    found = _collected(tmp_path, text)
    one, two = (_name(tmp_path / "sub" / f"{name}.yaml", ".yaml") for name in ("one", "two"))
    assert [file.name for file in found.compose_files] == ["compose.yaml", one, two]
    own = found.compose_files[0].content.decode()
    assert own == text.replace("sub/one.yaml", one).replace("sub/two.yaml", two)
    assert one in found.compose_files[2].content.decode()


def test_an_env_file_that_is_not_there_must_not_give_its_path_away(tmp_path: Path):
    """It is renamed as if it were, and not published."""
    found = _collected(tmp_path, "services: {a: {env_file: {path: /home/me/x.env, required: false}}}\n")
    assert found.env_files == {}
