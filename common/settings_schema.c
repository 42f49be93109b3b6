/*
 * The fields of the settings database that people fill in; praic-conf(1) lists
 * them.  The tables are in settings.sql.
 */
#include <string.h>

#include "settings.h"

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
    OF("host-name", SETTINGS_TEXT, "name of the site in records, if not the host"),
    NEEDED("client-id", SETTINGS_TEXT, "OAuth client ID of the API account"),
    NEEDED("secret", SETTINGS_SECRET, "its client secret"),
    OF("backup-password", SETTINGS_SECRET, "password to encrypt backups with"),
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
	.help = "time to wait for an answer, and to go on retrying after a failure"},
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
    KIND_NEEDED("directory", SETTINGS_PATH, SETTINGS_FS, "directory for the files"),
    {"conflict", SETTINGS_CHOICE, 0, SETTINGS_FS,
	.choices = "append|overwrite|skip|AppendNumber|Overwrite|Skip",
	.help = "when a name is taken: append, overwrite or skip"},
    KIND("format", SETTINGS_TEXT, SETTINGS_FS,
	"file name formats: KIND=FORMAT,..., or one for all kinds"),
    KIND("retain", SETTINGS_TEXT, SETTINGS_FS, "how many prior backups to keep"),
    KIND("mode", SETTINGS_TEXT, SETTINGS_FS, "mode of the files, in octal"),
    KIND("in-progress", SETTINGS_FLAG, SETTINGS_FS, "save sessions that have not ended?"),
    KIND_NEEDED("command", SETTINGS_TEXT, SETTINGS_EXEC, "shell command that reads records"), {0}};

const struct settings_field settings_schedule_fields[] = {
    {"every", SETTINGS_SPAN, .needed = 1, .low = 60, .high = 604800,
	.help = "from 1m to 7d, in whole minutes"},
    OF("at", SETTINGS_CLOCK, "time of day, local; where every is whole days"),
    {"enabled", SETTINGS_FLAG, .fallback = "1", .help = "no: its transfers do not run"}, {0}};

const struct settings_field settings_transfer_fields[] = {NEEDED("schedule", SETTINGS_TEXT, "when"),
    NEEDED("site", SETTINGS_TEXT, "from where"), NEEDED("destination", SETTINGS_TEXT, "to where"),
    {"kinds", SETTINGS_KINDS, .needed = 1, .choices = "session|recording|shell|screen|backup",
	.help = "session, recording, shell, screen, backup"},
    OF("since", SETTINGS_TEXT, "fetch everything since then again: a date, 90d, or now"), {0}};

#define SETTING(name, form, fallback_, text)                    \
	{                                                       \
		name, form, .fallback = fallback_, .help = text \
	}
#define NUMBER(name, form, fallback, low, high, text)             \
	{                                                         \
		name, form, 0, 0, fallback, text, low, high, NULL \
	}

const struct settings_field settings_fields[] = {
    SETTING("log-directory", SETTINGS_PATH, NULL, "directory of the two logs"),
    SETTING("log-days", SETTINGS_COUNT, "30", "days until log files are removed; 0: never"),
    SETTING("spool", SETTINGS_PATH, NULL, "directory of data that is fetched and not yet stored"),
    SETTING("spool-floor", SETTINGS_SIZE, "1073741824",
	"bytes of free disk space below which nothing is fetched"),
    SETTING("spool-cap", SETTINGS_SIZE, "53687091200",
	"bytes in the spool above which no recordings and backups are fetched; 0: no cap"),
    NUMBER("sweep-days", SETTINGS_COUNT, "7", 1, 36500,
	"days of sessions that are fetched again once a day"),
    NUMBER(
	"retention-days", SETTINGS_COUNT, "90", 1, 36500, "days that appliances keep their data"),
    SETTING("parallel", SETTINGS_COUNT, "16", "most jobs side by side; 0: no limit"),
    SETTING("metrics", SETTINGS_PATH, NULL, "file for metrics, written after each job"),
    SETTING("notify-server", SETTINGS_TEXT, NULL, "mail server; without one, no mail is sent"),
    NUMBER("notify-port", SETTINGS_COUNT, NULL, 1, 65535,
	"its port; by default 587, 465 or 25, by notify-tls"),
    {"notify-tls", SETTINGS_CHOICE, .fallback = "starttls", .choices = "none|starttls|tls",
	.help = "none, starttls or tls"},
    SETTING("notify-ca-file", SETTINGS_FILE, NULL, "authorities to trust for the mail server"),
    SETTING("notify-user", SETTINGS_TEXT, NULL, "login at the mail server"),
    SETTING("notify-password", SETTINGS_SECRET, NULL, "its password"),
    SETTING("notify-from", SETTINGS_MAILS, NULL, "sender's address"),
    SETTING("notify-to", SETTINGS_MAILS, NULL, "recipients' addresses, separated by commas"),
    SETTING("notify-hello", SETTINGS_TEXT, NULL, "name of this machine for the mail server"), {0}};

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
