"""What the user sees: progress, tables, log lines, diagnostics. Knows neither the loader nor the runtime."""
