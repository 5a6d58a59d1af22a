mkdir -p a/b node_modules/x keep/tmp; for f in a/b/c.log a/d.txt node_modules/x/y keep/tmp/z keep/w.log top.log top.txt .hidden; do echo $f >$f; done
printf '# comment\n*.log\n**/tmp\nnode_modules\n!keep/w.log\n/top.txt\nDockerfile\n.dockerignore\n' >.dockerignore
