echo a >a; echo b >b; mkdir -p dir/in; echo c >dir/in/c
