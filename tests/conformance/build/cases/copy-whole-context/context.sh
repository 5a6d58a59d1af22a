mkdir -p x/y; echo 1 >x/y/1; : >empty; chmod 700 .
