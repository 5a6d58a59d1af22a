mkdir sub; echo a >sub/a
