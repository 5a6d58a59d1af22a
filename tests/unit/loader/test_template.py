"""Variables in values: every form, nested, malformed."""

import pytest

from compose.loader.template import InvalidTemplate, MissingRequired, Template, Variable, variables_of, with_variables

TEMPLATE = with_variables({"A": "x", "E": "", "DASH": "a-b"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A", "x"),
        ("${A}", "x"),
        ("${A}y$A", "xyx"),
        ("$AB", ""),
        ("${A}B", "xB"),
        ("${U-d}", "d"),
        ("${E-d}", ""),
        ("${E:-d}", "d"),
        ("${U:-}", ""),
        ("${A:-d}", "x"),
        ("${A+r}", "r"),
        ("${E+r}", "r"),
        ("${E:+r}", ""),
        ("${U+r}", ""),
        ("${A?e}", "x"),
        ("${E?e}", ""),
        ("${U:-${E:-${A}}}", "x"),
        ("${U:-a:b-c?d}", "a:b-c?d"),
        ("${U:-{}}", "{}"),
        ("${U:-http://x:80/$A}/${A}", "http://x:80/x/x"),
        ("${DASH}", "a-b"),
        ("$$A", "$A"),
        ("$${A}", "${A}"),
        ("$$$A", "$x"),
    ],
)
def test_forms_must_give_what_compose_gives(text, expected):
    """Each form of the specification, and the odd ones that files contain."""
    assert TEMPLATE.substitute(text) == expected


@pytest.mark.parametrize("text", ["$1", "$(date)", "a$", "$ A", "$-"])
def test_dollar_before_no_name_must_stay(text):
    """What is no variable is text."""
    assert TEMPLATE.substitute(text) == text


@pytest.mark.parametrize("text", ["${", "${}", "${A", "${ A}", "${A B}", "${A/b}", "${1}", "${A!x}"])
def test_malformed_braces_must_be_refused(text):
    """A `${` opens a variable or is an error."""
    with pytest.raises(InvalidTemplate):
        TEMPLATE.substitute(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${U?}", "required variable U is missing a value"),
        ("${U:?set U to $A}", "required variable U is missing a value: set U to x"),
        ("${E:?empty}", "required variable E is missing a value: empty"),
        ("${U:-${V?inner}}", "required variable V is missing a value: inner"),
    ],
)
def test_required_variable_must_be_named_with_its_reason(text, message):
    """The reason is interpolated too."""
    with pytest.raises(MissingRequired) as caught:
        TEMPLATE.substitute(text)
    assert str(caught.value) == message


def test_unused_default_must_not_be_evaluated():
    """A required variable in a default that is not needed is not required."""
    assert TEMPLATE.substitute("${A:-${U?}}") == "x"


def test_unset_variable_must_be_reported_once_a_use():
    """The caller learns which variables are blank for want of a value; a default silences that."""
    names: list[tuple[str, str]] = []
    Template({}.get, lambda *unset: names.append(unset)).substitute("$A ${B} ${C:-} ${D+x}")
    assert names == [("A", "$A"), ("B", "${B}")]


def test_deep_nesting_must_be_refused_not_crash():
    """Three thousand nested defaults are no configuration."""
    with pytest.raises(InvalidTemplate):
        TEMPLATE.substitute("${U:-" * 3000 + "}" * 3000)


def test_many_variables_in_a_line_must_be_fast():
    """Twenty thousand variables take no quadratic time and no stack."""
    assert TEMPLATE.substitute("${A}" * 20_000) == "x" * 20_000


def test_variables_of_a_text_must_be_listed_with_their_defaults():
    """`config --variables` shows these."""
    assert list(variables_of("$A ${B:-${C?why}} ${D+d}")) == [
        Variable("A"),
        Variable("B", default="${C?why}"),
        Variable("C", required=True),
        Variable("D", alternative="d"),
    ]
