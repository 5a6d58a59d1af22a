echo f >f.txt
mkdir d
tar -cf d/ctx.tar f.txt --mtime=@0
