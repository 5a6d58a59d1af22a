mkdir -p s/d; echo f >s/d/f; chmod 4750 s/d/f; ln -s f s/d/l; ln s/d/f s/d/h; mkdir -m 700 s/priv; chown 9:10 s/d/f
tar -C s -cf t.tar .; gzip -k t.tar
python3 -c 'import bz2, lzma; t = open("t.tar", "rb").read(); open("t.tar.bz2", "wb").write(bz2.compress(t)); open("t.tar.xz", "wb").write(lzma.compress(t))'
