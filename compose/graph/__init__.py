"""Both graphs of a run, on networkx: services (what depends on what) and operations (what may run now)."""
