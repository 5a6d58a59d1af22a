"""The command line: flags in, verbs called, exit codes out."""
