mkdir -p src/data/sub src/tmp; echo x >src/data/sub/x; chmod 711 src/data; chmod 777 src/data/sub; chmod 700 src/tmp
