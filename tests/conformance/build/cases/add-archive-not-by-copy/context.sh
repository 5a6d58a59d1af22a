echo f >f; tar -cf t.tar --mtime=@0 --owner=0 --group=0 f
