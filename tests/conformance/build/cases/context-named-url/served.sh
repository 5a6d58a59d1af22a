echo f >f.txt
