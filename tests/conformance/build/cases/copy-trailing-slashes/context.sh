mkdir -p src/a; echo b >src/a/b
