mkdir s; echo f >s/f; chown 9:10 s/f; tar -C s -cf t.tar f
