for i in a b c; do echo $i >$i.txt; echo $i >$i.log; echo $i >$i.md; done; echo x >xx.log; mkdir d1 d2; echo 1 >d1/f; echo 2 >d2/g; echo .h >.h.txt
