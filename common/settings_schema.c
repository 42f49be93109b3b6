/*
 * What the settings database is made of: its tables, and the fields that
 * people fill in.  A page of its own describes them, praic-settings(5).
 */
#include <string.h>

#include "settings.h"
#include "settings_schema.h"

/*
 * AUTOINCREMENT: the number of a transfer that was removed names a folder of
 * the spool, and must not come back to mean another.
 *
 * Times are UNIX seconds.  "mark", and "since" and "until" of a run, are by
 * the appliance's clock, all others by this machine's.
 */
static const char version_1[] =
    "CREATE TABLE site (\n"
    "    id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
    "    name TEXT NOT NULL UNIQUE CHECK (name <> ''),\n"
    "    host TEXT NOT NULL,\n"
    "    host_name TEXT,\n"
    "    client_id TEXT NOT NULL,\n"
    "    secret TEXT NOT NULL,\n"
    "    backup_password TEXT,\n"
    "    product TEXT,\n"
    "    ca_file TEXT,\n"
    "    pin TEXT,\n"
    "    client_cert TEXT,\n"
    "    client_key TEXT,\n"
    "    client_key_password TEXT,\n"
    "    proxy TEXT,\n"
    "    proxy_user TEXT,\n"
    "    \"nothing\" TEXT,\n"
    "    expired TEXT,\n"
    "    rate TEXT,\n"
    "    retry_time TEXT,\n"
    "    connect_time TEXT,\n"
    "    answer_time TEXT,\n"
    "    stall_time TEXT,\n"
    "    max_time TEXT,\n"
    "    max_document TEXT\n"
    ");\n"
    "CREATE TABLE destination (\n"
    "    id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
    "    name TEXT NOT NULL UNIQUE CHECK (name <> ''),\n"
    "    kind TEXT NOT NULL CHECK (kind IN ('sql', 'fs', 'exec')),\n"
    "    connection TEXT,\n"
    "    password TEXT,\n"
    "    system_information INTEGER,\n"
    "    timeout TEXT,\n"
    "    directory TEXT,\n"
    "    conflict TEXT,\n"
    "    format TEXT,\n"
    "    format_session TEXT,\n"
    "    format_recording TEXT,\n"
    "    format_shell TEXT,\n"
    "    format_screen TEXT,\n"
    "    format_backup TEXT,\n"
    "    retain TEXT,\n"
    "    mode TEXT,\n"
    "    in_progress INTEGER,\n"
    "    fold_case INTEGER,\n"
    "    command TEXT,\n"
    "    CHECK (CASE kind WHEN 'sql' THEN connection WHEN 'fs' THEN directory ELSE command END\n"
    "        IS NOT NULL)\n"
    ");\n"
    "CREATE TABLE schedule (\n"
    "    id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
    "    name TEXT NOT NULL UNIQUE CHECK (name <> ''),\n"
    "    enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),\n"
    "    period INTEGER NOT NULL CHECK (period BETWEEN 60 AND 604800 AND period % 60 = 0),\n"
    "    at INTEGER CHECK (at IS NULL OR (at BETWEEN 0 AND 1439 AND period % 86400 = 0)),\n"
    "    created INTEGER NOT NULL,\n"
    "    last_due INTEGER,\n"
    "    last_start INTEGER,\n"
    "    last_run INTEGER\n"
    ");\n"
    "CREATE TABLE transfer (\n"
    "    id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
    "    schedule_id INTEGER NOT NULL REFERENCES schedule (id) ON DELETE CASCADE,\n"
    "    site_id INTEGER NOT NULL REFERENCES site (id),\n"
    "    destination_id INTEGER NOT NULL REFERENCES destination (id),\n"
    "    UNIQUE (schedule_id, site_id, destination_id)\n"
    ");\n"
    "CREATE INDEX transfer_site ON transfer (site_id);\n"
    "CREATE INDEX transfer_destination ON transfer (destination_id);\n"
    "CREATE TABLE transfer_kind (\n"
    "    transfer_id INTEGER NOT NULL REFERENCES transfer (id) ON DELETE CASCADE,\n"
    "    kind TEXT NOT NULL CHECK (kind IN ('session', 'recording', 'shell', 'screen', "
    "'backup')),\n"
    "    mark INTEGER,\n"
    "    swept INTEGER,\n"
    "    last_start INTEGER,\n"
    "    last_success INTEGER,\n"
    "    last_number INTEGER NOT NULL DEFAULT 0,\n"
    "    backlog_files INTEGER NOT NULL DEFAULT 0,\n"
    "    backlog_bytes INTEGER NOT NULL DEFAULT 0,\n"
    "    backlog_since INTEGER,\n"
    "    PRIMARY KEY (transfer_id, kind)\n"
    ") WITHOUT ROWID;\n"
    "CREATE TABLE failure (\n"
    "    transfer_id INTEGER NOT NULL,\n"
    "    kind TEXT NOT NULL,\n"
    "    step TEXT NOT NULL CHECK (step IN ('fetch', 'store')),\n"
    "    since INTEGER NOT NULL,\n"
    "    times INTEGER NOT NULL DEFAULT 1,\n"
    "    wait INTEGER,\n"
    "    retry_at INTEGER,\n"
    "    code INTEGER,\n"
    "    signal INTEGER,\n"
    "    stage TEXT,\n"
    "    reason TEXT,\n"
    "    reported INTEGER,\n"
    "    reminded INTEGER,\n"
    "    recovered INTEGER,\n"
    "    PRIMARY KEY (transfer_id, kind, step),\n"
    "    FOREIGN KEY (transfer_id, kind) REFERENCES transfer_kind (transfer_id, kind)\n"
    "        ON DELETE CASCADE\n"
    ") WITHOUT ROWID;\n"
    "CREATE TABLE open_session (\n"
    "    transfer_id INTEGER NOT NULL REFERENCES transfer (id) ON DELETE CASCADE,\n"
    "    host_name TEXT NOT NULL,\n"
    "    lsid TEXT NOT NULL,\n"
    "    start_time INTEGER,\n"
    "    PRIMARY KEY (transfer_id, host_name, lsid)\n"
    ") WITHOUT ROWID;\n"
    "CREATE TABLE run (\n"
    "    id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
    "    transfer_id INTEGER REFERENCES transfer (id) ON DELETE SET NULL,\n"
    "    schedule TEXT NOT NULL,\n"
    "    site TEXT NOT NULL,\n"
    "    destination TEXT NOT NULL,\n"
    "    kind TEXT NOT NULL,\n"
    "    step TEXT NOT NULL CHECK (step IN ('fetch', 'store')),\n"
    "    started INTEGER NOT NULL,\n"
    "    seconds REAL,\n"
    "    since INTEGER,\n"
    "    until INTEGER,\n"
    "    number INTEGER,\n"
    "    sweep INTEGER NOT NULL DEFAULT 0,\n"
    "    code INTEGER,\n"
    "    sessions INTEGER,\n"
    "    rows INTEGER,\n"
    "    files INTEGER,\n"
    "    bytes INTEGER,\n"
    "    left_out INTEGER,\n"
    "    reason TEXT\n"
    ");\n"
    "CREATE INDEX run_transfer ON run (transfer_id, kind, step, id);\n"
    "CREATE INDEX run_started ON run (started);\n"
    "CREATE TABLE run_stage (\n"
    "    run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,\n"
    "    number INTEGER NOT NULL,\n"
    "    program TEXT NOT NULL,\n"
    "    code INTEGER,\n"
    "    signal INTEGER,\n"
    "    seconds REAL,\n"
    "    PRIMARY KEY (run_id, number)\n"
    ") WITHOUT ROWID;\n"
    "CREATE TABLE program (\n"
    "    name TEXT PRIMARY KEY,\n"
    "    last_run INTEGER,\n"
    "    pid INTEGER\n"
    ") WITHOUT ROWID;\n"
    "CREATE TABLE setting (\n"
    "    name TEXT PRIMARY KEY,\n"
    "    value TEXT NOT NULL\n"
    ") WITHOUT ROWID;\n";

/* due: a run is, since then, and has not been done; NULL: none is. */
static const char version_2[] = "ALTER TABLE transfer ADD COLUMN due INTEGER";

/* Who vouches for SQL Server's certificate. */
static const char version_3[] = "ALTER TABLE destination ADD COLUMN ca_file TEXT";

const char *const settings_migration[SETTINGS_VERSION] = {version_1, version_2, version_3};

const char *const settings_data_name[SETTINGS_DATA] = {
    "session", "recording", "shell", "screen", "backup"};

#define OF(name, form, help)                 \
	{                                    \
		name, form, 0, 0, NULL, help \
	}
#define NEEDED(name, form, help)             \
	{                                    \
		name, form, 1, 0, NULL, help \
	}

const struct settings_field settings_site_fields[] = {
    NEEDED("host", SETTINGS_TEXT, "name or address of the appliance, with :PORT if need be"),
    OF("host-name", SETTINGS_TEXT, "what records call the site, if not the host"),
    NEEDED("client-id", SETTINGS_TEXT, "OAuth client ID of the API account"),
    NEEDED("secret", SETTINGS_SECRET, "its client secret"),
    OF("backup-password", SETTINGS_SECRET, "password that backups are made with"),
    OF("product", SETTINGS_TEXT, "pra, or rs for Remote Support"),
    OF("ca-file", SETTINGS_PATH, "authorities, or its own certificate, to trust"),
    OF("pin", SETTINGS_TEXT, "its public keys: sha256//BASE64[;...]"),
    OF("client-cert", SETTINGS_PATH, "client certificate"),
    OF("client-key", SETTINGS_PATH, "key of the client certificate"),
    OF("client-key-password", SETTINGS_SECRET, "password of that key"),
    OF("proxy", SETTINGS_TEXT, "URL of a proxy, or none"),
    OF("proxy-user", SETTINGS_SECRET, "USER:PASSWORD for the proxy"),
    OF("nothing", SETTINGS_LIST, "one more text that means \"nothing found\""),
    OF("expired", SETTINGS_LIST, "one more text that means \"recording deleted\""),
    OF("rate", SETTINGS_TEXT, "requests a second at most"),
    OF("retry-time", SETTINGS_TEXT, "how long to go on after a failure"),
    OF("connect-time", SETTINGS_TEXT, "time for name, TCP and TLS"),
    OF("answer-time", SETTINGS_TEXT, "time until an answer begins"),
    OF("stall-time", SETTINGS_TEXT, "time without data worth the name"),
    OF("max-time", SETTINGS_TEXT, "time for a whole call"),
    OF("max-document", SETTINGS_TEXT, "size of one report"), {0}};

#define KIND(name, form, kinds, help)            \
	{                                        \
		name, form, 0, kinds, NULL, help \
	}
#define KIND_NEEDED(name, form, kinds, help)         \
	{                                            \
		name, form, kinds, kinds, NULL, help \
	}

const struct settings_field settings_destination_fields[] = {
    KIND_NEEDED("connection", SETTINGS_TEXT, SETTINGS_SQL,
	"[sqlite:]PATH, a connection string without a password, or @FILE with one"),
    KIND("password", SETTINGS_SECRET, SETTINGS_SQL, "password of the connection string"),
    KIND("ca-file", SETTINGS_PATH, SETTINGS_SQL, "authorities to trust (SQL Server)"),
    KIND("system-information", SETTINGS_FLAG, SETTINGS_SQL, "store system information?"),
    KIND("timeout", SETTINGS_TEXT, SETTINGS_SQL, "seconds to wait for locks and answers"),
    KIND_NEEDED("directory", SETTINGS_PATH, SETTINGS_FS, "where files go"),
    KIND("conflict", SETTINGS_TEXT, SETTINGS_FS, "append, overwrite, skip or immutable"),
    KIND("format", SETTINGS_TEXT, SETTINGS_FS, "file name format, of all kinds"),
    KIND("format-session", SETTINGS_TEXT, SETTINGS_FS, "of session XML"),
    KIND("format-recording", SETTINGS_TEXT, SETTINGS_FS, "of session recordings"),
    KIND("format-shell", SETTINGS_TEXT, SETTINGS_FS, "of command shell recordings"),
    KIND("format-screen", SETTINGS_TEXT, SETTINGS_FS, "of Show My Screen recordings"),
    KIND("format-backup", SETTINGS_TEXT, SETTINGS_FS, "of site backups"),
    KIND("retain", SETTINGS_TEXT, SETTINGS_FS, "how many prior backups to keep"),
    KIND("mode", SETTINGS_TEXT, SETTINGS_FS, "of the files, in octal"),
    KIND("in-progress", SETTINGS_FLAG, SETTINGS_FS, "save sessions that have not ended?"),
    KIND("fold-case", SETTINGS_FLAG, SETTINGS_FS, "upper and lower case are the same there?"),
    KIND_NEEDED("command", SETTINGS_TEXT, SETTINGS_EXEC, "shell command that reads records"), {0}};

#define SETTING(name, form, fallback, help)      \
	{                                        \
		name, form, 0, 0, fallback, help \
	}

const struct settings_field settings_fields[] = {
    SETTING("log-directory", SETTINGS_PATH, NULL, "where the two logs are kept"),
    SETTING("log-days", SETTINGS_COUNT, "30", "log files are removed after; 0: never"),
    SETTING("history-days", SETTINGS_COUNT, "400", "runs are forgotten after; 0: never"),
    SETTING("spool", SETTINGS_PATH, NULL, "what is fetched and not yet stored"),
    SETTING("spool-floor", SETTINGS_SIZE, "1073741824", "fetch nothing with less free space"),
    SETTING("spool-cap", SETTINGS_SIZE, "53687091200", "fetch nothing while more waits; 0: no cap"),
    SETTING("overlap", SETTINGS_SPAN, "900", "each span begins so long before the mark"),
    SETTING("sweep-days", SETTINGS_COUNT, "7", "asked for again once a day"),
    SETTING("retention-days", SETTINGS_COUNT, "90", "appliances keep their data for"),
    SETTING("stage-time", SETTINGS_SPAN, "43200", "a stage that takes longer is ended"),
    SETTING("jobs", SETTINGS_COUNT, "4", "downloads side by side, for each transfer"),
    SETTING("parallel", SETTINGS_COUNT, "16", "transfers side by side; 0: all that are due"),
    SETTING("metrics", SETTINGS_PATH, NULL, "metrics are written there after each run"),
    SETTING("notify-server", SETTINGS_TEXT, NULL, "mail server; none: no mail"),
    SETTING("notify-port", SETTINGS_COUNT, NULL, "25, 587 or 465 unless told, by notify-tls"),
    SETTING("notify-tls", SETTINGS_TLS, "starttls", "none, starttls or tls"),
    SETTING("notify-ca-file", SETTINGS_PATH, NULL, "authorities to trust for it"),
    SETTING("notify-user", SETTINGS_TEXT, NULL, "login at the mail server"),
    SETTING("notify-password", SETTINGS_SECRET, NULL, "its password"),
    SETTING("notify-from", SETTINGS_MAILS, NULL, "sender's address"),
    SETTING("notify-to", SETTINGS_MAILS, NULL, "recipients' addresses"),
    SETTING("notify-remind", SETTINGS_SPAN, "86400", "again while a failure lasts; 0: never"), {0}};

const struct settings_field *
settings_field(const struct settings_field *f, const char *name)
{
	for (; f->name != NULL; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

static const struct {
	const char *name;
	int kind;
} kinds[] = {{"sql", SETTINGS_SQL}, {"fs", SETTINGS_FS}, {"exec", SETTINGS_EXEC}};

int
settings_kind(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, name) == 0)
			return kinds[i].kind;
	return 0;
}

const char *
settings_kind_name(int kind)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].kind == kind)
			return kinds[i].name;
	return NULL;
}

enum settings_data
settings_data(const char *p, size_t n)
{
	int i;

	for (i = 0; i < SETTINGS_DATA; i++)
		if (strlen(settings_data_name[i]) == n && memcmp(settings_data_name[i], p, n) == 0)
			break;
	return (enum settings_data)i;
}
