"""Whatever a Dockerfile holds, it is planned or refused with its line: no traceback, and not for ever."""

import re
import time
from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.build.dockerfile.durations import format_duration, parse_duration_ns
from runtime.build.dockerfile.expansion import ExpansionError, expand
from runtime.build.dockerfile.ignore import read_ignore_file
from runtime.build.planning.options import PlanOptions
from runtime.errors import EngineError
from tests.support.dockerfiles import plan

SECONDS = 2.0
REFUSALS = (EngineError, ExpansionError)
TEXT = """\
FROM busybox|FROM busybox AS a|FROM a|FROM scratch|ARG x=1|ARG x|ENV x=$x$y|ENV a b|RUN echo $x|RUN <<E|E|F
RUN <<-'E' cat <<F|COPY <<E /|COPY . /|COPY --from=a / /|COPY --from=0 --chmod=u+x a b/
ADD https://x/y.git#z /|CMD ["a", "b"]|CMD ["a", 1]|CMD [|USER|WORKDIR ../x|EXPOSE $x 80/tcp 1-3|VOLUME ['']
HEALTHCHECK --interval=${x} CMD y|ONBUILD RUN <<E|ONBUILD ONBUILD x|SHELL ["s"]|STOPSIGNAL $x
LABEL a=b 'c d'="e $x"|MAINTAINER|# escape=`|#|RUN --mount=type=cache,target=$x,from=a b
RUN --mount=type=secret,env= x|RUN --network=$x y|`|${x:-${y:+z}}|${x//a/b}|${x%%*}|$|'|"|<<
"""
WORDS = st.sampled_from([*re.split(r"[|\n]", TEXT), "\\", " \\", "\t", "\x00", "\udcff", "\ufeff"])
LINES = st.lists(st.one_of(WORDS, st.text(max_size=20), st.lists(WORDS, max_size=3).map(" ".join)), max_size=12)


@given(lines=LINES, end=st.sampled_from(["\n", "\r\n", " \\\n", "\\\n"]), target=st.sampled_from(["", "a", "0"]))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_must_be_planned_or_refused(lines: list[str], end: str, target: str):
    """Also where it is no text at all."""
    begin = time.process_time()
    with suppress(*REFUSALS):
        plan(end.join(lines).encode("utf-8", "surrogatepass"), PlanOptions(target=target, build_args={"x": "1"}))
    assert time.process_time() - begin < SECONDS


@given(content=st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes_must_be_planned_or_refused(content: bytes):
    """A file that is no Dockerfile is an error of the user's, not of the program."""
    with suppress(*REFUSALS):
        plan(content)


@given(text=st.text(alphabet="ab$ {}:-+?#%/*\\'\"<x1_", max_size=40))
@settings(max_examples=500, deadline=None)
def test_any_word_must_be_expanded_or_refused(text: str):
    """And one without anything special stays as it is."""
    with suppress(*REFUSALS):
        expand(text, {"a": "b/a*b", "x": ""})


@given(text=st.text(alphabet="a/*?[]^-!\\.# \n", max_size=30), path=st.text(alphabet="a/b.", min_size=1, max_size=12))
@settings(max_examples=400, deadline=None)
def test_any_ignore_file_must_be_read_or_refused(text: str, path: str):
    """Whatever is between its brackets."""
    with suppress(*REFUSALS):
        read_ignore_file(text.encode()).ignores(path)


@given(duration_ns=st.integers(min_value=0, max_value=2**62))
def test_a_duration_that_is_written_must_be_read_again(duration_ns: int):
    """As Go's own does."""
    assert parse_duration_ns(format_duration(duration_ns)) == duration_ns
