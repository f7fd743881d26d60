-- What operators know about the errors of providers.
CREATE TABLE error_rules (
    id                        INTEGER PRIMARY KEY AUTOINCREMENT,
    name                      TEXT NOT NULL,
    description               TEXT NOT NULL,
    is_enabled                INTEGER NOT NULL,
    priority                  INTEGER NOT NULL,
    provider_types            TEXT NOT NULL, -- JSON
    provider_id               INTEGER,
    status                    TEXT, -- 429 or 5xx
    error_type                TEXT,
    pattern                   TEXT,
    pattern_match             TEXT NOT NULL,
    class                     TEXT NOT NULL,
    replacement_status        INTEGER,
    replacement_message       TEXT,
    created_at                INTEGER NOT NULL,
    updated_at                INTEGER NOT NULL,
    deleted_at                INTEGER
);
-- Names are unique among the living.
CREATE UNIQUE INDEX error_rules_name ON error_rules (name) WHERE deleted_at IS NULL;
