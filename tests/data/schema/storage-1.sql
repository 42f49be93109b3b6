BEGIN;
CREATE TABLE "session" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT,
    "host_name" TEXT NOT NULL,
    "lsid" TEXT NOT NULL,
    "type" TEXT,
    "start_time" TEXT,
    "end_time" TEXT,
    "duration" TEXT,
    "file_transfers" INTEGER,
    "external_key" TEXT,
    "public_site_id" INTEGER,
    "public_site_name" TEXT,
    "lseq" INTEGER,
    "file_moves" INTEGER,
    "file_deletes" INTEGER,
    "jump_group_id" INTEGER,
    "jump_group_name" TEXT,
    "jump_group_type" TEXT,
    "jumpoint_id" INTEGER,
    "jumpoint_name" TEXT,
    "content_hash" TEXT
);
CREATE TABLE "user" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT,
    "session_id" INTEGER NOT NULL REFERENCES "session" (id) ON DELETE CASCADE,
    "gs_number" INTEGER,
    "user_id" INTEGER,
    "user_name" TEXT,
    "display_name" TEXT,
    "public_display_name" TEXT,
    "display_number" INTEGER,
    "public_ip" TEXT,
    "private_ip" TEXT,
    "is_owner" INTEGER,
    "is_primary" INTEGER,
    "duration" INTEGER,
    "host_name" TEXT,
    "operating_system" TEXT,
    "invited" INTEGER
);
CREATE TABLE "team" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT,
    "session_id" INTEGER NOT NULL REFERENCES "session" (id) ON DELETE CASCADE,
    "team_id" INTEGER,
    "name" TEXT,
    "is_primary" INTEGER
);
CREATE TABLE "customer" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT,
    "session_id" INTEGER NOT NULL REFERENCES "session" (id) ON DELETE CASCADE,
    "gs_number" INTEGER,
    "issue" TEXT,
    "issue_description" TEXT,
    "display_name" TEXT,
    "company_name" TEXT,
    "company_code" TEXT,
    "public_ip" TEXT,
    "private_ip" TEXT,
    "host_name" TEXT,
    "operating_system" TEXT,
    "rpat_support" INTEGER,
    "user_name" TEXT
);
CREATE TABLE "custom_attribute" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT,
    "session_id" INTEGER NOT NULL REFERENCES "session" (id) ON DELETE CASCADE,
    "display_name" TEXT,
    "code_name" TEXT,
    "value" TEXT
);
CREATE TABLE "session_event" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT,
    "session_id" INTEGER NOT NULL REFERENCES "session" (id) ON DELETE CASCADE,
    "type" TEXT,
    "event_time" TEXT,
    "performed_by" TEXT,
    "performed_by_type" TEXT,
    "destination" TEXT,
    "destination_type" TEXT,
    "seq" INTEGER,
    "performed_by_gs_number" INTEGER,
    "destination_gs_number" INTEGER
);
CREATE TABLE "session_event_data" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT,
    "session_event_id" INTEGER NOT NULL REFERENCES "session_event" (id) ON DELETE CASCADE,
    "name" TEXT,
    "value" TEXT,
    "event_seq" INTEGER,
    "seq" INTEGER
);
CREATE TABLE "system_information" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT,
    "session_event_id" INTEGER NOT NULL REFERENCES "session_event" (id) ON DELETE CASCADE,
    "category" TEXT,
    "information" TEXT,
    "event_seq" INTEGER
);
CREATE TABLE "recording" (
    "id" INTEGER PRIMARY KEY AUTOINCREMENT,
    "session_id" INTEGER NOT NULL REFERENCES "session" (id) ON DELETE CASCADE,
    "kind" TEXT,
    "instance" INTEGER
);
CREATE UNIQUE INDEX "session_key"
    ON "session" ("host_name", "lsid");
CREATE INDEX "session_start_time"
    ON "session" ("start_time");
CREATE INDEX "user_session_id"
    ON "user" ("session_id");
CREATE INDEX "team_session_id"
    ON "team" ("session_id");
CREATE INDEX "customer_session_id"
    ON "customer" ("session_id");
CREATE INDEX "custom_attribute_session_id"
    ON "custom_attribute" ("session_id");
CREATE INDEX "session_event_session_id"
    ON "session_event" ("session_id", "seq");
CREATE INDEX "session_event_event_time"
    ON "session_event" ("event_time");
CREATE INDEX "session_event_data_session_event_id"
    ON "session_event_data" ("session_event_id");
CREATE INDEX "system_information_session_event_id"
    ON "system_information" ("session_event_id");
CREATE INDEX "recording_session_id"
    ON "recording" ("session_id");
DROP VIEW IF EXISTS endpoint;
CREATE VIEW endpoint AS SELECT
    "id", "session_id", "gs_number", "issue", "issue_description", "display_name", "company_name", "company_code", "public_ip", "private_ip", "host_name", "operating_system", "rpat_support", "user_name"
    FROM "customer";
PRAGMA application_id = 1347580788;
PRAGMA user_version = 1;
COMMIT;
