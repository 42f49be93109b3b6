/*
 * What the settings database is made of: its tables, and the fields that
 * people fill in.  A page of its own describes them, praic-settings(5).
 */
#include <string.h>

#include "settings.h"
#include "settings_schema.h"

/* SQLite keeps the comments: .schema shows them. */
const char settings_tables[] =
    "-- Numbers are never used again: a site's number names a folder of the spool.\n"
    "-- Times are UNIX seconds.  mark, swept, and since and until of a log are by\n"
    "-- the appliance's clock, all others by this machine's.  NULL: never, none.\n"
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
    "    timeout TEXT\n"
    ");\n"
    "-- existing: it has been stored into, so it must be there.  head: of the\n"
    "-- ledger of praic-tofs, as the last store left it.\n"
    "CREATE TABLE destination (\n"
    "    id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
    "    name TEXT NOT NULL UNIQUE CHECK (name <> ''),\n"
    "    kind TEXT NOT NULL CHECK (kind IN ('sql', 'fs', 'exec')),\n"
    "    connection TEXT,\n"
    "    password TEXT,\n"
    "    ca_file TEXT,\n"
    "    system_information INTEGER,\n"
    "    directory TEXT,\n"
    "    conflict TEXT,\n"
    "    format TEXT,\n"
    "    retain TEXT,\n"
    "    mode TEXT,\n"
    "    in_progress INTEGER,\n"
    "    command TEXT,\n"
    "    existing INTEGER NOT NULL DEFAULT 0 CHECK (existing IN (0, 1)),\n"
    "    head TEXT,\n"
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
    "    last_due INTEGER\n"
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
    "    PRIMARY KEY (transfer_id, kind)\n"
    ") WITHOUT ROWID;\n"
    "-- What is done over and over: fetch (site; session or file), store\n"
    "-- (transfer; session or file), backup (transfer).  oldest: the earliest mark\n"
    "-- from which sessions were fetched (0: all that the appliance had), before\n"
    "-- which a look-back asks for none but open sessions.\n"
    "CREATE TABLE job (\n"
    "    id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
    "    step TEXT NOT NULL CHECK (step IN ('fetch', 'store', 'backup')),\n"
    "    data TEXT NOT NULL CHECK (data IN ('session', 'file', 'backup')),\n"
    "    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,\n"
    "    transfer_id INTEGER REFERENCES transfer (id) ON DELETE CASCADE,\n"
    "    next INTEGER,\n"
    "    asked INTEGER,\n"
    "    wait INTEGER,\n"
    "    tries INTEGER NOT NULL DEFAULT 0,\n"
    "    code INTEGER,\n"
    "    program TEXT,\n"
    "    reason TEXT,\n"
    "    since INTEGER,\n"
    "    reported INTEGER,\n"
    "    mark INTEGER,\n"
    "    oldest INTEGER,\n"
    "    swept INTEGER,\n"
    "    sweep_next INTEGER,\n"
    "    sweep_wait INTEGER,\n"
    "    sweep_reason TEXT,\n"
    "    sweep_since INTEGER,\n"
    "    sweep_reported INTEGER,\n"
    "    last INTEGER NOT NULL DEFAULT 0,\n"
    "    good_start INTEGER,\n"
    "    position INTEGER,\n"
    "    runs INTEGER NOT NULL DEFAULT 0,\n"
    "    failures INTEGER NOT NULL DEFAULT 0,\n"
    "    sessions INTEGER NOT NULL DEFAULT 0,\n"
    "    rows INTEGER NOT NULL DEFAULT 0,\n"
    "    files INTEGER NOT NULL DEFAULT 0,\n"
    "    bytes INTEGER NOT NULL DEFAULT 0,\n"
    "    left_out INTEGER NOT NULL DEFAULT 0,\n"
    "    last_start INTEGER,\n"
    "    last_success INTEGER,\n"
    "    CHECK ((step = 'fetch') = (transfer_id IS NULL)),\n"
    "    CHECK ((step = 'store') = (position IS NOT NULL)),\n"
    "    CHECK ((step = 'backup') = (data = 'backup'))\n"
    ");\n"
    "CREATE UNIQUE INDEX job_key ON job (site_id, step, data, ifnull(transfer_id, 0));\n"
    "CREATE INDEX job_transfer ON job (transfer_id);\n"
    "CREATE TABLE log (\n"
    "    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,\n"
    "    data TEXT NOT NULL CHECK (data IN ('session', 'file')),\n"
    "    number INTEGER NOT NULL,\n"
    "    since INTEGER,\n"
    "    until INTEGER,\n"
    "    sessions INTEGER NOT NULL,\n"
    "    bytes INTEGER NOT NULL,\n"
    "    sha256 TEXT NOT NULL,\n"
    "    PRIMARY KEY (site_id, data, number)\n"
    ") WITHOUT ROWID;\n"
    "-- instance: -1 where the kind has none.  session: the R line of the session\n"
    "-- row, for names of files.  number: of file/N.rec.\n"
    "CREATE TABLE recording (\n"
    "    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,\n"
    "    host_name TEXT NOT NULL,\n"
    "    lsid TEXT NOT NULL,\n"
    "    kind TEXT NOT NULL CHECK (kind IN ('recording', 'shell', 'screen')),\n"
    "    instance INTEGER NOT NULL DEFAULT -1,\n"
    "    session TEXT NOT NULL,\n"
    "    session_start INTEGER,\n"
    "    session_end INTEGER,\n"
    "    state TEXT NOT NULL CHECK (state IN ('owed', 'came', 'gone', 'lost')),\n"
    "    number INTEGER,\n"
    "    noted INTEGER NOT NULL,\n"
    "    tries INTEGER NOT NULL DEFAULT 0,\n"
    "    next INTEGER,\n"
    "    reason TEXT,\n"
    "    named INTEGER NOT NULL,\n"
    "    reported INTEGER,\n"
    "    acked INTEGER,\n"
    "    PRIMARY KEY (site_id, host_name, lsid, kind, instance)\n"
    ") WITHOUT ROWID;\n"
    "CREATE INDEX recording_owed ON recording (site_id, session_start) WHERE state = 'owed';\n"
    "CREATE INDEX recording_lost ON recording (site_id) WHERE state = 'lost' AND acked IS NULL;\n"
    "CREATE INDEX recording_number ON recording (site_id, number) WHERE number IS NOT NULL;\n"
    "CREATE INDEX recording_named ON recording (named);\n"
    "-- transfer_id: NULL for what fetching left out.  code: the fixed word of\n"
    "-- --left-out.  A span of sessions that expired unfetched is here, too:\n"
    "-- lsid '', kind 'session', code 'lost'.\n"
    "CREATE TABLE left_out (\n"
    "    id INTEGER PRIMARY KEY,\n"
    "    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,\n"
    "    transfer_id INTEGER REFERENCES transfer (id) ON DELETE CASCADE,\n"
    "    program TEXT NOT NULL,\n"
    "    host_name TEXT NOT NULL,\n"
    "    lsid TEXT NOT NULL,\n"
    "    kind TEXT NOT NULL,\n"
    "    instance INTEGER NOT NULL DEFAULT -1,\n"
    "    code TEXT NOT NULL,\n"
    "    reason TEXT NOT NULL,\n"
    "    first INTEGER NOT NULL,\n"
    "    last INTEGER NOT NULL,\n"
    "    reported INTEGER,\n"
    "    acked INTEGER\n"
    ");\n"
    "CREATE UNIQUE INDEX left_out_key ON left_out (site_id, ifnull(transfer_id, 0), program, "
    "host_name,\n"
    "    lsid, kind, instance, code);\n"
    "CREATE TABLE open_session (\n"
    "    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,\n"
    "    host_name TEXT NOT NULL,\n"
    "    lsid TEXT NOT NULL,\n"
    "    start_time INTEGER,\n"
    "    PRIMARY KEY (site_id, host_name, lsid)\n"
    ") WITHOUT ROWID;\n"
    "-- History; nothing depends on it.  name: of the job at that time.\n"
    "CREATE TABLE run (\n"
    "    id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
    "    job_id INTEGER REFERENCES job (id) ON DELETE SET NULL,\n"
    "    name TEXT NOT NULL,\n"
    "    started INTEGER NOT NULL,\n"
    "    seconds REAL NOT NULL,\n"
    "    code INTEGER NOT NULL,\n"
    "    reason TEXT,\n"
    "    sessions INTEGER,\n"
    "    rows INTEGER,\n"
    "    files INTEGER,\n"
    "    bytes INTEGER,\n"
    "    left_out INTEGER\n"
    ");\n"
    "CREATE INDEX run_job ON run (job_id, id);\n"
    "CREATE INDEX run_started ON run (started);\n"
    "CREATE TABLE setting (\n"
    "    name TEXT PRIMARY KEY,\n"
    "    value TEXT NOT NULL\n"
    ") WITHOUT ROWID;\n"
    "-- Which log a transfer reads for which kind.\n"
    "CREATE VIEW reading AS\n"
    "    SELECT t.id AS transfer_id, t.site_id, t.schedule_id, s.enabled, k.kind,\n"
    "        CASE WHEN k.kind IN ('session', 'backup') THEN k.kind ELSE 'file' END AS data\n"
    "    FROM transfer AS t JOIN schedule AS s ON s.id = t.schedule_id\n"
    "        JOIN transfer_kind AS k ON k.transfer_id = t.id;\n"
    "-- Each job with its name, whether any enabled schedule wants it, and its\n"
    "-- backlog: files of the log that a store has not read; recordings that a\n"
    "-- fetch owes, and when the next of them is to be tried.\n"
    "CREATE VIEW job_view AS\n"
    "    SELECT j.*,\n"
    "        CASE j.step WHEN 'fetch' THEN 'fetch ' || site.name || ' ' || j.data\n"
    "            WHEN 'store' THEN 'store ' || j.transfer_id || ' ' || j.data\n"
    "            ELSE 'backup ' || j.transfer_id END AS name,\n"
    "        CASE WHEN j.step = 'fetch' THEN EXISTS (SELECT 1 FROM reading AS r\n"
    "                WHERE r.site_id = j.site_id AND r.enabled\n"
    "                AND (r.data = j.data OR (j.data = 'session' AND r.data = 'file')))\n"
    "            ELSE (SELECT enabled FROM transfer AS t JOIN schedule AS s ON s.id = "
    "t.schedule_id\n"
    "                WHERE t.id = j.transfer_id) END AS enabled,\n"
    "        CASE WHEN j.step = 'store' THEN (SELECT f.last - j.position FROM job AS f\n"
    "                WHERE f.site_id = j.site_id AND f.step = 'fetch' AND f.data = j.data)\n"
    "            WHEN j.step = 'fetch' AND j.data = 'file' THEN (SELECT count(*) FROM recording AS "
    "r\n"
    "                WHERE r.site_id = j.site_id AND r.state = 'owed')\n"
    "            ELSE 0 END AS backlog,\n"
    "        CASE WHEN j.step = 'fetch' AND j.data = 'file' THEN\n"
    "            (SELECT min(ifnull(r.next, 0)) FROM recording AS r\n"
    "                WHERE r.site_id = j.site_id AND r.state = 'owed') END AS owed_next\n"
    "    FROM job AS j JOIN site ON site.id = j.site_id;\n"
    "-- Seconds until the appliance forgets something that a fetch has not got:\n"
    "-- by the mark, or by the oldest recording that is owed; 0 for a fetch that\n"
    "-- fails and never succeeded.  NULL: there is no such thing.\n"
    "CREATE VIEW job_left AS\n"
    "    SELECT j.id AS job_id, max(0, CASE WHEN j.last_success IS NULL AND j.code IS NOT NULL "
    "THEN 0\n"
    "        ELSE CASE j.data WHEN 'session' THEN j.mark ELSE (SELECT min(r.session_start)\n"
    "                FROM recording AS r WHERE r.site_id = j.site_id AND r.state = 'owed') END\n"
    "            + 86400 * ifnull((SELECT value FROM setting WHERE name = 'retention-days'), 90)\n"
    "            - strftime('%s', 'now') END) AS left\n"
    "    FROM job AS j WHERE j.step = 'fetch';\n";

const char *const settings_data_name[SETTINGS_DATA] = {
    "session", "recording", "shell", "screen", "backup"};

#define OF(name, form, text)             \
	{                                \
		name, form, .help = text \
	}
#define NEEDED(name, form, text)                      \
	{                                             \
		name, form, .needed = 1, .help = text \
	}
#define ONE_OF(name, list, text)                                     \
	{                                                            \
		name, SETTINGS_CHOICE, .choices = list, .help = text \
	}

const struct settings_field settings_site_fields[] = {
    NEEDED("host", SETTINGS_TEXT, "name or address of the appliance, with :PORT if need be"),
    OF("host-name", SETTINGS_TEXT, "what records call the site, if not the host"),
    NEEDED("client-id", SETTINGS_TEXT, "OAuth client ID of the API account"),
    NEEDED("secret", SETTINGS_SECRET, "its client secret"),
    OF("backup-password", SETTINGS_SECRET, "password that backups are made with"),
    ONE_OF("product", "pra|rs", "pra, or rs for Remote Support"),
    OF("ca-file", SETTINGS_FILE, "authorities, or its own certificate, to trust"),
    OF("pin", SETTINGS_TEXT, "its public keys: sha256//BASE64[;...]"),
    OF("client-cert", SETTINGS_FILE, "client certificate"),
    OF("client-key", SETTINGS_FILE, "key of the client certificate"),
    OF("client-key-password", SETTINGS_SECRET, "password of that key"),
    OF("proxy", SETTINGS_TEXT, "URL of a proxy, or none"),
    OF("proxy-user", SETTINGS_SECRET, "USER:PASSWORD for the proxy"),
    OF("nothing", SETTINGS_LIST, "one more text that means \"nothing found\""),
    OF("expired", SETTINGS_LIST, "one more text that means \"recording deleted\""),
    {"timeout", SETTINGS_SPAN, .low = 1, .high = 86400,
	.help = "time without an answer before a call counts as failed"},
    {0}};

#define KIND(name, form, kinds, text)              \
	{                                          \
		name, form, 0, kinds, .help = text \
	}
#define KIND_NEEDED(name, form, kinds, text)           \
	{                                              \
		name, form, kinds, kinds, .help = text \
	}

const struct settings_field settings_destination_fields[] = {
    KIND_NEEDED("connection", SETTINGS_TEXT, SETTINGS_SQL,
	"[sqlite:]PATH, a connection string without a password, or @FILE with one"),
    KIND("password", SETTINGS_SECRET, SETTINGS_SQL, "password of the connection string"),
    KIND("ca-file", SETTINGS_FILE, SETTINGS_SQL, "authorities to trust (SQL Server)"),
    KIND("system-information", SETTINGS_FLAG, SETTINGS_SQL, "store system information?"),
    KIND_NEEDED("directory", SETTINGS_PATH, SETTINGS_FS, "where files go"),
    {"conflict", SETTINGS_CHOICE, 0, SETTINGS_FS,
	.choices = "append|overwrite|skip|AppendNumber|Overwrite|Skip",
	.help = "when a name is taken: append, overwrite or skip"},
    KIND("format", SETTINGS_TEXT, SETTINGS_FS,
	"file name formats: KIND=FORMAT,..., or one for all kinds"),
    KIND("retain", SETTINGS_TEXT, SETTINGS_FS, "how many prior backups to keep"),
    KIND("mode", SETTINGS_TEXT, SETTINGS_FS, "of the files, in octal"),
    KIND("in-progress", SETTINGS_FLAG, SETTINGS_FS, "save sessions that have not ended?"),
    KIND_NEEDED("command", SETTINGS_TEXT, SETTINGS_EXEC, "shell command that reads records"), {0}};

const struct settings_field settings_schedule_fields[] = {
    {"every", SETTINGS_SPAN, .needed = 1, .low = 60, .high = 604800,
	.help = "from 1m to 7d, in whole minutes"},
    OF("at", SETTINGS_CLOCK, "time of day, local; where every is whole days"),
    {"enabled", SETTINGS_FLAG, .fallback = "1", .help = "no: its transfers are left alone"}, {0}};

const struct settings_field settings_transfer_fields[] = {NEEDED("schedule", SETTINGS_TEXT, "when"),
    NEEDED("site", SETTINGS_TEXT, "from where"), NEEDED("destination", SETTINGS_TEXT, "where to"),
    NEEDED("kinds", SETTINGS_KINDS, "session, recording, shell, screen, backup"),
    OF("since", SETTINGS_TEXT, "fetch what there is since then once more: a date, 90d, or now"),
    {0}};

#define SETTING(name, form, fallback_, text)                    \
	{                                                       \
		name, form, .fallback = fallback_, .help = text \
	}
#define NUMBER(name, form, fallback, low, high, text)             \
	{                                                         \
		name, form, 0, 0, fallback, text, low, high, NULL \
	}

const struct settings_field settings_fields[] = {
    SETTING("log-directory", SETTINGS_PATH, NULL, "where the two logs are kept"),
    SETTING("log-days", SETTINGS_COUNT, "30", "log files are removed after; 0: never"),
    SETTING("spool", SETTINGS_PATH, NULL, "what is fetched and not yet stored"),
    SETTING("spool-floor", SETTINGS_SIZE, "1073741824", "fetch nothing with less free space"),
    SETTING("spool-cap", SETTINGS_SIZE, "53687091200",
	"fetch no recordings and backups while more waits; 0: no cap"),
    NUMBER("sweep-days", SETTINGS_COUNT, "7", 1, 36500, "asked for again once a day"),
    NUMBER("retention-days", SETTINGS_COUNT, "90", 1, 36500, "appliances keep their data for"),
    SETTING("parallel", SETTINGS_COUNT, "16", "jobs side by side; 0: all that are due"),
    SETTING("metrics", SETTINGS_PATH, NULL, "metrics are written there after each job"),
    SETTING("notify-server", SETTINGS_TEXT, NULL, "mail server; none: no mail"),
    NUMBER(
	"notify-port", SETTINGS_COUNT, NULL, 1, 65535, "25, 587 or 465 unless told, by notify-tls"),
    {"notify-tls", SETTINGS_CHOICE, .fallback = "starttls", .choices = "none|starttls|tls",
	.help = "none, starttls or tls"},
    SETTING("notify-ca-file", SETTINGS_FILE, NULL, "authorities to trust for it"),
    SETTING("notify-user", SETTINGS_TEXT, NULL, "login at the mail server"),
    SETTING("notify-password", SETTINGS_SECRET, NULL, "its password"),
    SETTING("notify-from", SETTINGS_MAILS, NULL, "sender's address"),
    SETTING("notify-to", SETTINGS_MAILS, NULL, "recipients' addresses, parted by commas"),
    SETTING("notify-hello", SETTINGS_TEXT, NULL, "name that this machine gives to the mail server"),
    {0}};

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
