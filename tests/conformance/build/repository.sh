git init -q -b main r.git
cd r.git
echo a >a
echo b >b
chmod 755 b
ln -s b l
ln -s /etc away
mkdir -p d/e
echo f >d/e/f
printf 'FROM scratch\nCOPY . /all/\n' >Dockerfile
printf 'FROM scratch\nCOPY . /sub/\n' >d/Dockerfile
printf 'a\n' >.dockerignore
git add -A
git commit -qm one
git tag -am v1 v1
echo new >new
git add -A
git commit -qm two
