"""Images: the content-addressed store, layers, the built-in `host` image, and containers' snapshots."""
