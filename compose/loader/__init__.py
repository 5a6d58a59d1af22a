"""From Compose files to the project: `pipeline.resolve` lists the stages, tables keyed by path hold the rules."""
