"""From Compose files to the project: `pipeline.load` lists the stages, tables keyed by path hold the rules."""
