"""Base images of Debian and Ubuntu, made from the packages of a mirror, for machines that reach no registry."""
