mkdir src; mkfifo src/p; echo x >src/a; mknod src/null c 1 3
