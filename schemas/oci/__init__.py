"""The documents of the OCI image specification, as far as images are stored and read with them."""
