echo h >secret; echo secret >.dockerignore
