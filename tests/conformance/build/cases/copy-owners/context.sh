mkdir -p src; echo 1 >src/f; chown 1234:5678 src/f src; chmod 4755 src/f
