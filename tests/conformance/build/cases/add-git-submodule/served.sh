git init -q -b main sub.git
( cd sub.git; echo inner >inner; git add -A; git commit -qm sub )
git init -q -b main r.git
cd r.git
echo top >top
git update-index --add --cacheinfo 160000,$(git -C ../sub.git rev-parse HEAD),lib
printf '[submodule "lib"]\n\tpath = lib\n\turl = ../sub.git\n' >.gitmodules
git add .gitmodules top
git commit -qm one
