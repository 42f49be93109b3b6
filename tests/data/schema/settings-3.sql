CREATE TABLE site (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    host TEXT NOT NULL,
    host_name TEXT,
    client_id TEXT NOT NULL,
    secret TEXT NOT NULL,
    backup_password TEXT,
    product TEXT,
    ca_file TEXT,
    pin TEXT,
    client_cert TEXT,
    client_key TEXT,
    client_key_password TEXT,
    proxy TEXT,
    proxy_user TEXT,
    "nothing" TEXT,
    expired TEXT,
    rate TEXT,
    retry_time TEXT,
    connect_time TEXT,
    answer_time TEXT,
    stall_time TEXT,
    max_time TEXT,
    max_document TEXT
);
CREATE TABLE sqlite_sequence(name,seq);
CREATE TABLE destination (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    kind TEXT NOT NULL CHECK (kind IN ('sql', 'fs', 'exec')),
    connection TEXT,
    password TEXT,
    system_information INTEGER,
    timeout TEXT,
    directory TEXT,
    conflict TEXT,
    format TEXT,
    format_session TEXT,
    format_recording TEXT,
    format_shell TEXT,
    format_screen TEXT,
    format_backup TEXT,
    retain TEXT,
    mode TEXT,
    in_progress INTEGER,
    fold_case INTEGER,
    command TEXT, ca_file TEXT,
    CHECK (CASE kind WHEN 'sql' THEN connection WHEN 'fs' THEN directory ELSE command END
        IS NOT NULL)
);
CREATE TABLE schedule (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    period INTEGER NOT NULL CHECK (period BETWEEN 60 AND 604800 AND period % 60 = 0),
    at INTEGER CHECK (at IS NULL OR (at BETWEEN 0 AND 1439 AND period % 86400 = 0)),
    created INTEGER NOT NULL,
    last_due INTEGER,
    last_start INTEGER,
    last_run INTEGER
);
CREATE TABLE transfer (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    schedule_id INTEGER NOT NULL REFERENCES schedule (id) ON DELETE CASCADE,
    site_id INTEGER NOT NULL REFERENCES site (id),
    destination_id INTEGER NOT NULL REFERENCES destination (id), due INTEGER,
    UNIQUE (schedule_id, site_id, destination_id)
);
CREATE INDEX transfer_site ON transfer (site_id);
CREATE INDEX transfer_destination ON transfer (destination_id);
CREATE TABLE transfer_kind (
    transfer_id INTEGER NOT NULL REFERENCES transfer (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('session', 'recording', 'shell', 'screen', 'backup')),
    mark INTEGER,
    swept INTEGER,
    last_start INTEGER,
    last_success INTEGER,
    last_number INTEGER NOT NULL DEFAULT 0,
    backlog_files INTEGER NOT NULL DEFAULT 0,
    backlog_bytes INTEGER NOT NULL DEFAULT 0,
    backlog_since INTEGER,
    PRIMARY KEY (transfer_id, kind)
) WITHOUT ROWID;
CREATE TABLE failure (
    transfer_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    step TEXT NOT NULL CHECK (step IN ('fetch', 'store')),
    since INTEGER NOT NULL,
    times INTEGER NOT NULL DEFAULT 1,
    wait INTEGER,
    retry_at INTEGER,
    code INTEGER,
    signal INTEGER,
    stage TEXT,
    reason TEXT,
    reported INTEGER,
    reminded INTEGER,
    recovered INTEGER,
    PRIMARY KEY (transfer_id, kind, step),
    FOREIGN KEY (transfer_id, kind) REFERENCES transfer_kind (transfer_id, kind)
        ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE open_session (
    transfer_id INTEGER NOT NULL REFERENCES transfer (id) ON DELETE CASCADE,
    host_name TEXT NOT NULL,
    lsid TEXT NOT NULL,
    start_time INTEGER,
    PRIMARY KEY (transfer_id, host_name, lsid)
) WITHOUT ROWID;
CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    transfer_id INTEGER REFERENCES transfer (id) ON DELETE SET NULL,
    schedule TEXT NOT NULL,
    site TEXT NOT NULL,
    destination TEXT NOT NULL,
    kind TEXT NOT NULL,
    step TEXT NOT NULL CHECK (step IN ('fetch', 'store')),
    started INTEGER NOT NULL,
    seconds REAL,
    since INTEGER,
    until INTEGER,
    number INTEGER,
    sweep INTEGER NOT NULL DEFAULT 0,
    code INTEGER,
    sessions INTEGER,
    rows INTEGER,
    files INTEGER,
    bytes INTEGER,
    left_out INTEGER,
    reason TEXT
);
CREATE INDEX run_transfer ON run (transfer_id, kind, step, id);
CREATE INDEX run_started ON run (started);
CREATE TABLE run_stage (
    run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    program TEXT NOT NULL,
    code INTEGER,
    signal INTEGER,
    seconds REAL,
    PRIMARY KEY (run_id, number)
) WITHOUT ROWID;
CREATE TABLE program (
    name TEXT PRIMARY KEY,
    last_run INTEGER,
    pid INTEGER
) WITHOUT ROWID;
CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
