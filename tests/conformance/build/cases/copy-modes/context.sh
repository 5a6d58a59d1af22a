mkdir -p src; for m in 0000 0400 0644 0755 4755 2755 6777 1644; do echo $m >src/$m; chmod $m src/$m; mkdir src/d$m; chmod $m src/d$m; done
