mkdir -p a/b/c d/e; for f in a/1 a/b/2 a/b/c/3 d/4 d/e/5; do echo $f >$f; done
printf '*\n!a/b/\na/b/c\n!d\n  d/e/*  \n' >.dockerignore
