for i in 1 2 3 4 5 6; do for j in 1 2 3; do mkdir -p src/$i/$j; for k in 1 2; do echo $i$j$k >src/$i/$j/$k; done; done; done
