mkdir -p src/one; echo x >src/one/x
