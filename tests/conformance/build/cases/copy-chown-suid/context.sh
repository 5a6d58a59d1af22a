echo a >a; chmod 6755 a
