echo a >a; echo b >b; chmod 755 a b
