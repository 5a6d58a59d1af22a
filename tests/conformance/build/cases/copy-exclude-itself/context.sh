echo Dockerfile >.dockerignore; echo a >a
