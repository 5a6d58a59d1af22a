head -c 70000 /dev/urandom >r; tar -czf t.tar.gz r; head -c 30000 t.tar.gz >x; mv x t.tar.gz
