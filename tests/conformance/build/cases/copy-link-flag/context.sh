echo a >a; mkdir -m 700 dir; echo b >dir/b
