"""A client of registries (OCI distribution-spec); it knows no store. The one door to urllib3."""
