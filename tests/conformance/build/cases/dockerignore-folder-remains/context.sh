mkdir -p src/a src/b; echo 1 >src/a/1; echo 2 >src/b/2; echo 'src/a/*' >.dockerignore
