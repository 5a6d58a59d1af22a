"""Git repositories as sources: what a reference means, and its tree, by way of the user's own `git`."""
