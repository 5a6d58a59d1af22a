n=$(printf 'n%.0s' $(seq 200)); mkdir -p src/$n/$n; echo x >src/$n/$n/$n; ln -s $n/$n/$n src/l
