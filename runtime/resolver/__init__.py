"""The embedded DNS server of a project's containers. Standard library only: it runs in the supervisor."""
