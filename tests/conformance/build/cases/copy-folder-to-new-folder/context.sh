mkdir -p src/a/b; echo 1 >src/a/b/c; chmod 700 src src/a; chmod 2755 src/a/b
