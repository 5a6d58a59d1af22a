echo a >a; mkdir -p dir/sub; echo b >dir/sub/b; chmod 755 dir/sub/b; ln -s b dir/sub/l
