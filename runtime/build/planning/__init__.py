"""From a Dockerfile to a plan: pure functions, which ask for the configuration of base images and read nothing."""
