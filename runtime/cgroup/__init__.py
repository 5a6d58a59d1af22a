"""Control groups, version 1, hybrid and 2: making, limits, devices, killing, pausing, counting."""
