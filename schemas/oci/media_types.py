"""Media types of image documents and layers: OCI's, and Docker's of which they were born.

OCI image-spec, media-types.md, with its compatibility matrix.
"""

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"

DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_MANIFEST_V1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"

DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"

INDEXES = frozenset({OCI_INDEX, DOCKER_INDEX})
MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
CONFIGS = frozenset({OCI_CONFIG, DOCKER_CONFIG})
_LAYERS = (
    OCI_LAYER,
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    DOCKER_LAYER,
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
)
_PACKINGS = frozenset({"", "+gzip", "+zstd", ".gzip", ".zstd"})

REF_NAME = "org.opencontainers.image.ref.name"
"""Annotation of an index entry: the image's name, or its tag alone."""
CONTAINERD_NAME = "io.containerd.image.name"
"""Annotation of an index entry: the whole name, as containerd and Docker write it."""
ATTESTATION = "vnd.docker.reference.type"
"""Annotation of an index entry that is no image but a statement about one."""


def is_layer(media_type: str) -> bool:
    """Whether a media type is that of a layer of files, however it is packed."""
    return any(media_type.startswith(kind) and media_type.removeprefix(kind) in _PACKINGS for kind in _LAYERS)
