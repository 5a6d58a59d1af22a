mkdir -p x/y/z; for f in ab ac a.c x/ab x/y/ab x/y/z/q.o q.o r.O; do echo $f >$f; done
printf 'a?\nx/*/ab\n**/*.o\nDockerfile*\n.docker*\n' >.dockerignore
