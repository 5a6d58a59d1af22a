"""What a build takes from elsewhere, files over HTTP and git repositories, brought by a process of its own."""
