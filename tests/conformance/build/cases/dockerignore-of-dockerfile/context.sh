echo 1 >one; echo 2 >two; echo one >.dockerignore; echo two >Dockerfile.dockerignore
