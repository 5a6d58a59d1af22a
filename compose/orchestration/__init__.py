"""From project and observed state to a plan, and from a plan to runtime calls."""
