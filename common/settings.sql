-- An id is never used again: the id of a site is the name of its folder in the
-- spool.  Times are UNIX seconds.  mark, swept, and since and until of a log are
-- times of the appliance's clock, all others of this machine's.  NULL means never
-- or none.
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
    timeout TEXT
);
-- existing: 1 after the first store; then it must exist.  head: the head of the
-- ledger of praic-tofs after the last store.
CREATE TABLE destination (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    kind TEXT NOT NULL CHECK (kind IN ('sql', 'fs', 'exec')),
    connection TEXT,
    password TEXT,
    ca_file TEXT,
    system_information INTEGER,
    directory TEXT,
    conflict TEXT,
    format TEXT,
    retain TEXT,
    mode TEXT,
    in_progress INTEGER,
    command TEXT,
    existing INTEGER NOT NULL DEFAULT 0 CHECK (existing IN (0, 1)),
    head TEXT,
    CHECK (CASE kind WHEN 'sql' THEN connection WHEN 'fs' THEN directory ELSE command END
        IS NOT NULL)
);
CREATE TABLE schedule (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE CHECK (name <> ''),
    enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
    every INTEGER NOT NULL CHECK (every BETWEEN 60 AND 604800 AND every % 60 = 0),
    at INTEGER CHECK (at IS NULL OR (at BETWEEN 0 AND 1439 AND every % 86400 = 0)),
    created INTEGER NOT NULL DEFAULT (strftime('%s', 'now')),
    last_due INTEGER
);
CREATE TABLE transfer (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    schedule_id INTEGER NOT NULL REFERENCES schedule (id) ON DELETE CASCADE,
    site_id INTEGER NOT NULL REFERENCES site (id),
    destination_id INTEGER NOT NULL REFERENCES destination (id),
    UNIQUE (schedule_id, site_id, destination_id)
);
CREATE INDEX transfer_site ON transfer (site_id);
CREATE INDEX transfer_destination ON transfer (destination_id);
CREATE TABLE transfer_kind (
    transfer_id INTEGER NOT NULL REFERENCES transfer (id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('session', 'recording', 'shell', 'screen', 'backup')),
    PRIMARY KEY (transfer_id, kind)
) WITHOUT ROWID;
-- Jobs are done over and over: fetch (site; session or file), store (transfer;
-- session or file), backup (transfer).  oldest: the earliest mark from which
-- sessions were fetched (0: everything that the appliance had).  A look-back goes
-- further back only for open sessions.
CREATE TABLE job (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    step TEXT NOT NULL CHECK (step IN ('fetch', 'store', 'backup')),
    data TEXT NOT NULL CHECK (data IN ('session', 'file', 'backup')),
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    transfer_id INTEGER REFERENCES transfer (id) ON DELETE CASCADE,
    next INTEGER,
    asked INTEGER,
    wait INTEGER,
    tries INTEGER NOT NULL DEFAULT 0,
    code INTEGER,
    program TEXT,
    reason TEXT,
    since INTEGER,
    reported INTEGER,
    mark INTEGER,
    oldest INTEGER,
    swept INTEGER,
    sweep_next INTEGER,
    sweep_wait INTEGER,
    sweep_reason TEXT,
    sweep_since INTEGER,
    sweep_reported INTEGER,
    last INTEGER NOT NULL DEFAULT 0,
    good_start INTEGER,
    position INTEGER,
    runs INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    sessions INTEGER NOT NULL DEFAULT 0,
    rows INTEGER NOT NULL DEFAULT 0,
    files INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0,
    left_out INTEGER NOT NULL DEFAULT 0,
    last_start INTEGER,
    last_success INTEGER,
    CHECK ((step = 'fetch') = (transfer_id IS NULL)),
    CHECK ((step = 'store') = (position IS NOT NULL)),
    CHECK ((step = 'backup') = (data = 'backup'))
);
CREATE UNIQUE INDEX job_key ON job (site_id, step, data, ifnull(transfer_id, 0));
CREATE INDEX job_transfer ON job (transfer_id);
CREATE TABLE log (
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    data TEXT NOT NULL CHECK (data IN ('session', 'file')),
    number INTEGER NOT NULL,
    since INTEGER,
    until INTEGER,
    sessions INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (site_id, data, number)
) WITHOUT ROWID;
-- instance: -1 if the kind has none.  session: the R line of the session row, for
-- names of files.  number: N of file/N.rec.
CREATE TABLE recording (
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    host_name TEXT NOT NULL,
    lsid TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('recording', 'shell', 'screen')),
    instance INTEGER NOT NULL DEFAULT -1,
    session TEXT NOT NULL,
    session_start INTEGER,
    session_end INTEGER,
    state TEXT NOT NULL CHECK (state IN ('owed', 'came', 'gone', 'lost')),
    number INTEGER,
    noted INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    next INTEGER,
    reason TEXT,
    named INTEGER NOT NULL,
    reported INTEGER,
    acked INTEGER,
    PRIMARY KEY (site_id, host_name, lsid, kind, instance)
) WITHOUT ROWID;
CREATE INDEX recording_owed ON recording (site_id, session_start) WHERE state = 'owed';
CREATE INDEX recording_lost ON recording (site_id) WHERE state = 'lost' AND acked IS NULL;
CREATE INDEX recording_number ON recording (site_id, number) WHERE number IS NOT NULL;
CREATE INDEX recording_named ON recording (named);
-- transfer_id: NULL if a fetch left it out.  code: the fixed word of --left-out.  A
-- lost span of sessions is also a row: lsid '', kind 'session', code 'lost'.
CREATE TABLE left_out (
    id INTEGER PRIMARY KEY,
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    transfer_id INTEGER REFERENCES transfer (id) ON DELETE CASCADE,
    program TEXT NOT NULL,
    host_name TEXT NOT NULL,
    lsid TEXT NOT NULL,
    kind TEXT NOT NULL,
    instance INTEGER NOT NULL DEFAULT -1,
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    reported INTEGER,
    acked INTEGER
);
CREATE UNIQUE INDEX left_out_key ON left_out (site_id, ifnull(transfer_id, 0), program, host_name,
    lsid, kind, instance, code);
CREATE TABLE open_session (
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    host_name TEXT NOT NULL,
    lsid TEXT NOT NULL,
    start_time INTEGER,
    PRIMARY KEY (site_id, host_name, lsid)
) WITHOUT ROWID;
-- History; nothing depends on it.  name: the name of the job at that time.
CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id INTEGER REFERENCES job (id) ON DELETE SET NULL,
    name TEXT NOT NULL,
    started INTEGER NOT NULL,
    seconds REAL NOT NULL,
    code INTEGER NOT NULL,
    reason TEXT,
    sessions INTEGER,
    rows INTEGER,
    files INTEGER,
    bytes INTEGER,
    left_out INTEGER
);
CREATE INDEX run_job ON run (job_id, id);
CREATE INDEX run_started ON run (started);
CREATE TABLE setting (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
-- The log that a transfer reads for each kind.
CREATE VIEW reading AS
    SELECT t.id AS transfer_id, t.site_id, t.schedule_id, s.enabled, k.kind,
        CASE WHEN k.kind IN ('session', 'backup') THEN k.kind ELSE 'file' END AS data
    FROM transfer AS t JOIN schedule AS s ON s.id = t.schedule_id
        JOIN transfer_kind AS k ON k.transfer_id = t.id;
-- Each job with its names, whether an enabled schedule wants it, and its backlog:
-- files of the log that a store has not read, or recordings that are owed.
CREATE VIEW job_view AS
    SELECT j.*, site.name AS site, d.id AS destination_id, d.name AS destination,
        d.kind AS kind, s.name AS schedule, site.name || ' to ' || d.name AS moves,
        CASE j.step WHEN 'fetch' THEN 'fetch ' || site.name || ' ' || j.data
            WHEN 'store' THEN 'store ' || j.transfer_id || ' ' || j.data
            ELSE 'backup ' || j.transfer_id END AS name,
        CASE WHEN j.step = 'fetch' THEN EXISTS (SELECT 1 FROM reading AS r
                WHERE r.site_id = j.site_id AND r.enabled
                AND (r.data = j.data OR (j.data = 'session' AND r.data = 'file')))
            ELSE s.enabled END AS enabled,
        CASE WHEN j.step = 'store' THEN (SELECT f.last - j.position FROM job AS f
                WHERE f.site_id = j.site_id AND f.step = 'fetch' AND f.data = j.data)
            WHEN j.step = 'fetch' AND j.data = 'file' THEN (SELECT count(*) FROM recording AS r
                WHERE r.site_id = j.site_id AND r.state = 'owed')
            ELSE 0 END AS backlog
    FROM job AS j JOIN site ON site.id = j.site_id
        LEFT JOIN transfer AS t ON t.id = j.transfer_id
        LEFT JOIN destination AS d ON d.id = t.destination_id
        LEFT JOIN schedule AS s ON s.id = t.schedule_id;
-- Seconds until the appliance deletes something that is not fetched: by the mark, or
-- by the oldest recording that is owed.  0 for a fetch that fails and has never
-- succeeded.  NULL: nothing is waiting.
CREATE VIEW job_left AS
    SELECT j.id AS job_id, max(0, CASE WHEN j.last_success IS NULL AND j.code IS NOT NULL THEN 0
        ELSE CASE j.data WHEN 'session' THEN j.mark ELSE (SELECT min(r.session_start)
                FROM recording AS r WHERE r.site_id = j.site_id AND r.state = 'owed') END
            + 86400 * ifnull((SELECT value FROM setting WHERE name = 'retention-days'), 90)
            - strftime('%s', 'now') END) AS left
    FROM job AS j WHERE j.step = 'fetch';
