mkdir -p src/sub src/empty; echo new >src/one; echo four >src/sub/four; chmod 750 src; chmod 711 src/sub; chmod 1777 src/empty
