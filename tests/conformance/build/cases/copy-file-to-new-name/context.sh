echo a >a; chmod 640 a
