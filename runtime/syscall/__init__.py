"""The kernel's door: declarations, one error rule, no policy. Standard library only; imported by the supervisor."""
