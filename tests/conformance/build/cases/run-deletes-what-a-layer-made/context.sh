mkdir -p src/d; echo a >src/a; echo b >src/d/b; echo c >src/d/c
