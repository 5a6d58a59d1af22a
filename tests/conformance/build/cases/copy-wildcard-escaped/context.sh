echo 1 >'a[0].txt'; echo 2 >'b*'; echo 3 >bb
