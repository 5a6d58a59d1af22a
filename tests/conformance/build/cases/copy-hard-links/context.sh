mkdir src; echo x >src/a; ln src/a src/b; mkdir src/d; ln src/a src/d/c
