mkdir -p s/data/sub; echo new >s/data/one; echo x >s/data/sub/x; chmod 711 s/data; tar -C s -cf t.tar data
