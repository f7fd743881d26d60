-- Where alerts are sent.
CREATE TABLE webhook_targets (
    id                        INTEGER PRIMARY KEY AUTOINCREMENT,
    name                      TEXT NOT NULL,
    kind                      TEXT NOT NULL,
    url                       BLOB NOT NULL, -- sealed with MASTER_KEY: whoever knows it can post there
    events                    TEXT NOT NULL,
    is_enabled                INTEGER NOT NULL,
    created_at                INTEGER NOT NULL,
    updated_at                INTEGER NOT NULL,
    deleted_at                INTEGER
);
-- Names are unique among the living.
CREATE UNIQUE INDEX webhook_targets_name ON webhook_targets (name) WHERE deleted_at IS NULL;
