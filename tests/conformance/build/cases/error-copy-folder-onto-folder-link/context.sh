mkdir -p src/shortcut; echo x >src/shortcut/x
