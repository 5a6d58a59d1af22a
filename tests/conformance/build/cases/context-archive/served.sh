mkdir c c/d
printf 'FROM scratch\nCOPY . /all/\n' >c/Dockerfile
printf 'a\n' >c/.dockerignore
echo a >c/a
echo y >c/d/y
chmod 640 c/d/y
ln -s /etc/passwd c/l
chown -h 7:8 c/a c/d
tar -C c -cf context.tar .
