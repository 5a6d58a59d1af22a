"""Words for true and false, where Docker's programs read them.

Source: Go, strconv.ParseBool.
"""

BOOLEANS = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}
