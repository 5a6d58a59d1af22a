"""What exists, in one SQLite file. Standard library only: the supervisor and `ps` use it."""
