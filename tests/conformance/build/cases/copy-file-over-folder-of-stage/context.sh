mkdir -p src; echo sub >src/link
