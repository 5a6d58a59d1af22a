"""The tables. A change raises VERSION, adds to MIGRATIONS what leads there, and stands in SCHEMA too."""

VERSION = 4

_BUILDS = (
    """CREATE TABLE build_steps (
        key TEXT NOT NULL,
        source TEXT NOT NULL DEFAULT '',
        diff_id TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        made_ns INTEGER NOT NULL,
        boot_id TEXT NOT NULL,
        used_ns INTEGER NOT NULL,
        PRIMARY KEY (key, source)
    ) STRICT""",
    """CREATE TABLE build_blobs (
        diff_id TEXT PRIMARY KEY,
        digest TEXT NOT NULL,
        media_type TEXT NOT NULL,
        size_bytes INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE build_notes (
        key TEXT PRIMARY KEY,
        digest TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE build_files (
        device INTEGER NOT NULL,
        inode INTEGER NOT NULL,
        size_bytes INTEGER NOT NULL,
        modified_ns INTEGER NOT NULL,
        changed_ns INTEGER NOT NULL,
        digest TEXT NOT NULL,
        PRIMARY KEY (device, inode)
    ) STRICT""",
)

_PLANS = (
    """CREATE TABLE plans (
        key TEXT PRIMARY KEY,
        text TEXT NOT NULL
    ) STRICT""",
)
_FORGET_BUILDS = tuple(
    f"DROP TABLE IF EXISTS {table}" for table in ("build_steps", "build_blobs", "build_notes", "build_files")
)

MIGRATIONS: dict[int, tuple[str, ...]] = {2: (), 3: _PLANS, 4: (*_FORGET_BUILDS, *_BUILDS)}
"""By the version they lead to, from the one before. What builds remember is forgotten: they can do without."""

SCHEMA = (
    """CREATE TABLE containers (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        project TEXT NOT NULL,
        service TEXT NOT NULL,
        spec TEXT NOT NULL,
        image_id TEXT NOT NULL,
        command TEXT NOT NULL,
        created_ns INTEGER NOT NULL,
        status TEXT NOT NULL,
        health TEXT NOT NULL DEFAULT '',
        probes TEXT NOT NULL DEFAULT '[]',
        pid INTEGER NOT NULL DEFAULT 0,
        pid_start_time INTEGER NOT NULL DEFAULT 0,
        boot_id TEXT NOT NULL DEFAULT '',
        started_ns INTEGER NOT NULL DEFAULT 0,
        finished_ns INTEGER NOT NULL DEFAULT 0,
        exit_code INTEGER NOT NULL DEFAULT 0,
        oom_killed INTEGER NOT NULL DEFAULT 0,
        restart_count INTEGER NOT NULL DEFAULT 0,
        manually_stopped INTEGER NOT NULL DEFAULT 0,
        error TEXT NOT NULL DEFAULT ''
    ) STRICT""",
    "CREATE INDEX containers_project ON containers (project)",
    """CREATE TABLE networks (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        project TEXT NOT NULL,
        spec TEXT NOT NULL,
        created_ns INTEGER NOT NULL,
        bridge TEXT NOT NULL DEFAULT '',
        subnet TEXT NOT NULL DEFAULT '',
        gateway TEXT NOT NULL DEFAULT '',
        ipv6_subnet TEXT NOT NULL DEFAULT '',
        ipv6_gateway TEXT NOT NULL DEFAULT ''
    ) STRICT""",
    """CREATE TABLE endpoints (
        container_id TEXT NOT NULL REFERENCES containers (id),
        network_id TEXT NOT NULL REFERENCES networks (id),
        position INTEGER NOT NULL,
        ipv4_address TEXT NOT NULL,
        ipv6_address TEXT NOT NULL DEFAULT '',
        record TEXT NOT NULL,
        PRIMARY KEY (container_id, network_id)
    ) STRICT""",
    "CREATE UNIQUE INDEX endpoints_ipv4 ON endpoints (network_id, ipv4_address) WHERE ipv4_address != ''",
    "CREATE UNIQUE INDEX endpoints_ipv6 ON endpoints (network_id, ipv6_address) WHERE ipv6_address != ''",
    """CREATE TABLE ports (
        container_id TEXT NOT NULL REFERENCES containers (id),
        protocol TEXT NOT NULL,
        host_ip TEXT NOT NULL,
        host_port INTEGER NOT NULL,
        container_port INTEGER NOT NULL,
        PRIMARY KEY (protocol, host_ip, host_port)
    ) STRICT""",
    "CREATE INDEX ports_container ON ports (container_id)",
    """CREATE TABLE volumes (
        name TEXT PRIMARY KEY,
        project TEXT NOT NULL,
        spec TEXT NOT NULL,
        created_ns INTEGER NOT NULL,
        anonymous INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
    """CREATE TABLE volume_uses (
        container_id TEXT NOT NULL REFERENCES containers (id),
        volume TEXT NOT NULL REFERENCES volumes (name),
        target TEXT NOT NULL,
        owned INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (container_id, target)
    ) STRICT""",
    "CREATE INDEX volume_uses_volume ON volume_uses (volume)",
    """CREATE TABLE images (
        id TEXT PRIMARY KEY,
        record TEXT NOT NULL,
        manifest_digest TEXT NOT NULL DEFAULT '',
        created_ns INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE image_references (
        reference TEXT PRIMARY KEY,
        image_id TEXT NOT NULL REFERENCES images (id)
    ) STRICT""",
    """CREATE TABLE events (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        time_ns INTEGER NOT NULL,
        type TEXT NOT NULL,
        action TEXT NOT NULL,
        id TEXT NOT NULL,
        project TEXT NOT NULL,
        service TEXT NOT NULL,
        name TEXT NOT NULL,
        attributes TEXT NOT NULL DEFAULT '{}'
    ) STRICT""",
    "CREATE INDEX events_project ON events (project, sequence)",
    """CREATE TABLE intents (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        project TEXT NOT NULL,
        action TEXT NOT NULL,
        subject TEXT NOT NULL,
        detail TEXT NOT NULL DEFAULT '{}',
        created_ns INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE memos (
        project TEXT PRIMARY KEY,
        state TEXT NOT NULL,
        text TEXT NOT NULL
    ) STRICT""",
    *_BUILDS,
    *_PLANS,
)
