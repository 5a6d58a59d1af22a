"""Files of a build: found in a context or a stage, compared by content, brought into another stage."""
