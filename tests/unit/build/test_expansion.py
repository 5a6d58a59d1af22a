"""Variables in Dockerfiles are replaced as BuildKit replaces them."""

import re

import pytest

from runtime.build.dockerfile.expansion import ExpansionError, Style, expand

VARIABLES = {"name": "web", "empty": "", "path": "/usr/lib/a.tar.gz", "stars": "a*b*c", "lines": "one\ntwo"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$name", "web"),
        ("${name}s", "webs"),
        ("$names", ""),
        ("\"$name 'x'\"", "web 'x'"),
        ("'$name'", "$name"),
        (r"\$name", "$name"),
        (r"\"a\ b", '"a b'),
        (r'"\$name \x \""', r'$name \x "'),
        ("${nope:-a b}", "a b"),
        ("${nope-${name}}", "web"),
        ("${empty:-x}${empty-x}", "x"),
        ("${empty:+x}${empty+y}${name:+z}", "yz"),
        ("${name?}", "web"),
        ("${path#*/}", "usr/lib/a.tar.gz"),
        ("${path##*/}", "a.tar.gz"),
        ("${path%.*}", "/usr/lib/a.tar"),
        ("${path%%.*}", "/usr/lib/a"),
        ("${path#x}", "/usr/lib/a.tar.gz"),
        ("${path/a/A}", "/usr/lib/A.tar.gz"),
        ("${path//a/A}", "/usr/lib/A.tAr.gz"),
        ("${path//\\//:}", ":usr:lib:a.tar.gz"),
        ("${path/?i?/X}", "/usr/X/a.tar.gz"),
        ("${stars//\\*/+}", "a+b+c"),
        ("${stars/\\**/}", "a"),
        ("${lines//*/x}", "x\nx"),
        ("${nope//a/b}", ""),
        ("$$", ""),
        ("a$ b", "a$ b"),
        ("$1x", "x"),
        ("a\\", "a"),
    ],
)
def test_a_variable_must_be_replaced_as_docker_does(text: str, expanded: str):
    """Every form of the Dockerfile reference, with quotes and escapes."""
    assert expand(text, VARIABLES).text == expanded


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${", "missing `}`"),
        ("${}", "bad substitution"),
        ("${:x}", "bad substitution"),
        ("${name", "missing `}`"),
        ("${name:-x", "missing `}`"),
        ("${name=x}", "unsupported modifier `=`"),
        ("${name:#x}", "unsupported modifier `:#`"),
        ("${name/x}", "missing `/`"),
        ("${name/x/y", "missing `}`"),
        ("${name#\\a}", "invalid escape"),
        ("${nope:?say it}", "nope: say it"),
        ("${empty:?}", "empty: is not allowed to be empty"),
        ("${nope?}", "nope: is not allowed to be unset"),
        ("'a", "single-quote"),
        ('"a$name', "double-quote"),
        ("${a:-" * 60 + "}" * 60, "levels"),
    ],
)
def test_a_malformed_variable_must_be_refused(text: str, message: str):
    """The message says what is missing."""
    with pytest.raises(ExpansionError, match=re.escape(message)):
        expand(text, VARIABLES)


def test_words_must_be_split_after_expansion():
    """Blanks of a variable separate words, blanks in quotes do not (EXPOSE relies on it)."""
    assert expand("a $ports 'c d'", {"ports": "80 81"}).words == ("a", "80", "81", "c d")


def test_a_title_must_keep_what_has_no_value():
    """`RUN echo $x` is shown as it is written where x is the shell's own variable."""
    style = Style(keep_quotes=True, keep_unset=True)
    assert expand('echo "$x" ${y:-z} $name', VARIABLES, style).text == 'echo "$x" ${y:-z} web'


@pytest.mark.parametrize("pattern", ["*a" * 100, "?*" * 200, "a*" * 50 + "c"])
def test_no_pattern_must_take_long(pattern: str):
    """A pattern of many stars is no way to keep a build busy."""
    value = "a" * 5000
    for form in ("#", "##", "%", "%%"):
        expand(f"${{v{form}{pattern}}}", {"v": value})
    expand(f"${{v//{pattern}/x}}", {"v": value})


def test_variables_must_not_grow_without_end():
    """A value that doubles with each line ends in an error, not in all memory."""
    text = "$v" * 100
    assert len(expand(text, {"v": "x" * 10_000}).text) == 1_000_000
    with pytest.raises(ExpansionError, match="longer than 1024 KiB"):
        expand(text, {"v": "x" * 20_000})
