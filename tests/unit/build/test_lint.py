"""`build --check` has BuildKit's rules, by name and in its words."""

import pytest

from runtime.build.dockerfile.ignore import read_ignore_file
from runtime.build.dockerfile.lint import RULES
from runtime.build.planning.options import PlanOptions
from tests.support.dockerfiles import warnings

B = "FROM busybox\n"
IGNORING = PlanOptions(ignore=read_ignore_file(b"secret\n"))
FOUND = [
    ("StageNameCasing", "FROM a AS Build\n", "Stage name 'Build' should be lowercase"),
    ("FromAsCasing", "FROM a as build\n", "'as' and 'FROM' keywords' casing do not match"),
    ("NoEmptyContinuation", B + "RUN a \\\n\n b\n", "Empty continuation line"),
    (
        "ConsistentInstructionCasing",
        B + 'run a\nCMD ["b"]\n',
        "Command 'run' should match the case of the command majority (uppercase)",
    ),
    ("DuplicateStageName", "FROM a AS x\nFROM b AS x\n", 'Duplicate stage name "x", stage names should be unique'),
    (
        "ReservedStageName",
        "FROM a AS scratch\n",
        'Stage name should not use the same name as reserved stage "scratch"',
    ),
    (
        "JSONArgsRecommended",
        B + "CMD a\n",
        "JSON arguments recommended for CMD to prevent unintended behavior related to OS signals",
    ),
    ("MaintainerDeprecated", B + "MAINTAINER a\n", "Maintainer instruction is deprecated in favor of using label"),
    (
        "UndefinedArgInFrom",
        "ARG TAG=1\nFROM a:${TAGG:-1}\n",
        "FROM argument 'TAGG' is not declared (did you mean TAG?)",
    ),
    (
        "WorkdirRelativePath",
        B + "WORKDIR app\n",
        'Relative workdir "app" can have unexpected results if the base image changes',
    ),
    (
        "UndefinedVar",
        B + "ARG name\nENV mane=1\nLABEL a=$nmae\n",
        "Usage of undefined variable '$nmae' (did you mean $mane?)",
    ),
    (
        "MultipleInstructionsDisallowed",
        B + 'CMD ["a"]\nCMD ["b"]\n',
        "Multiple CMD instructions should not be used in the same stage because only the last one will be used",
    ),
    (
        "LegacyKeyValueFormat",
        B + "ENV a b\n",
        '"ENV key=value" should be used instead of legacy "ENV key value" format',
    ),
    (
        "InvalidBaseImagePlatform",
        "ARG p=linux/arm64\nFROM --platform=$p a\n",
        'Base image a was pulled with platform "linux/amd64", expected "linux/arm64" for current build',
    ),
    (
        "RedundantTargetPlatform",
        "FROM --platform=$TARGETPLATFORM a\n",
        "Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior",
    ),
    (
        "SecretsUsedInArgOrEnv",
        B + "ARG API_TOKEN\n",
        'Do not use ARG or ENV instructions for sensitive data (ARG "API_TOKEN")',
    ),
    (
        "InvalidDefaultArgInFrom",
        "ARG tag\nFROM busybox:$tag\n",
        "Default value for ARG busybox:$tag results in empty or invalid base image name",
    ),
    (
        "FromPlatformFlagConstDisallowed",
        "FROM --platform=linux/amd64 a\n",
        'FROM --platform flag should not use constant value "linux/amd64"',
    ),
    (
        "CopyIgnoredFile",
        B + "COPY secret /\n",
        'Attempting to Copy file "secret" that is excluded by .dockerignore',
    ),
    (
        "InvalidDefinitionDescription",
        "# check=experimental=all\n# about\nARG x=1\nFROM busybox\n",
        "Comment for ARG should follow the format: `# x <description>`",
    ),
    ("ExposeProtoCasing", B + "EXPOSE 80/TCP\n", "Defined protocol '80/TCP' in EXPOSE instruction should be lowercase"),
    (
        "ExposeInvalidFormat",
        B + "EXPOSE 8080:80\n",
        "EXPOSE instruction should not define an IP address or host-port mapping, found '8080:80'",
    ),
]


def test_all_rules_of_buildkit_must_be_there():
    """Each has a case."""
    assert len(RULES) == 22
    assert {name for name, _, _ in FOUND} == set(RULES)


@pytest.mark.parametrize(("rule", "text", "message"), FOUND)
def test_a_rule_must_find_its_case(rule: str, text: str, message: str):
    """Its text begins as BuildKit's."""
    options = PlanOptions(build_args={"tag": "1"}) if rule == "InvalidDefaultArgInFrom" else IGNORING
    found = [warning for warning in warnings(text, options) if warning.rule.name == rule]
    assert [warning.message for warning in found] == [message]


@pytest.mark.parametrize(
    "text",
    [
        'FROM golang:1 AS build\nWORKDIR /src\nCOPY . .\nRUN make\nFROM scratch\nCOPY --from=build /a /a\nCMD ["/a"]\n',
        "from busybox as x\nrun echo $HOME\n",
        B + "ARG PUBLIC_KEY\nARG TOKEN_FILE\nENV MONKEY=1\n",
        "ARG v=1\nFROM busybox:$v\nARG v\nLABEL x=$v\n",
        "FROM --platform=$BUILDPLATFORM busybox AS build\n",
    ],
)
def test_what_is_well_written_must_find_nothing(text: str):
    """A rule that is wrong is worse than none."""
    assert warnings(text) == []


def test_a_rule_must_be_silenced_by_a_directive_and_above_an_instruction():
    """For the whole file, or for the one instruction below the comment."""
    both = "ENV a b\nMAINTAINER c\n"
    assert {it.rule.name for it in warnings(B + both)} == {"LegacyKeyValueFormat", "MaintainerDeprecated"}
    assert [it.rule.name for it in warnings(f"# check=skip=LegacyKeyValueFormat\n{B}{both}")] == [
        "MaintainerDeprecated"
    ]
    assert warnings(f"# check=skip=all\n{B}{both}") == []
    assert [it.location.first_line for it in warnings(f"{B}# check=skip=LegacyKeyValueFormat\nENV a b\nENV c d\n")] == [
        4
    ]


def test_a_rule_must_lead_to_its_explanation():
    """The address is Docker's own."""
    assert RULES["JSONArgsRecommended"].url == "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/"
    assert RULES["FromAsCasing"].url == "https://docs.docker.com/go/dockerfile/rule/from-as-casing/"
