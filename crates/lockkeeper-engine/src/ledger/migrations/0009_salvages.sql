-- What a down script destroyed and is kept: a row is written in the transaction that undid the migration, beside the
-- table that holds the rows, `kept_in`. That table stays until somebody drops it.
CREATE TABLE lockkeeper.salvages (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The migration that was undone, and the how manieth table of it.
    migration_seq bigint NOT NULL REFERENCES lockkeeper.migrations,
    place       integer NOT NULL CHECK (place > 0),
    schema_name text NOT NULL,
    table_name  text NOT NULL,
    -- All of the table, or the columns that went and the primary key.
    is_whole    boolean NOT NULL,
    -- JSON: name and type of each column, whether it is kept as text, whether it is of the key.
    columns     text NOT NULL,
    -- JSON: where the sequences of the columns stood.
    sequences   text NOT NULL,
    kept_in     text NOT NULL CHECK (kept_in <> ''),
    row_count   bigint NOT NULL CHECK (row_count >= 0),
    bytes       bigint NOT NULL CHECK (bytes >= 0),
    taken_at    timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    taken_by    text NOT NULL,
    -- The migration with which it was last tried to put them back, and why not all of it has a place there, as JSON.
    tried_into  bigint REFERENCES lockkeeper.migrations,
    kept_because text,
    -- Set when every row has been tried: back in its place, without a row to belong to, or kept for another reason.
    returned_at timestamptz,
    returned_by text,
    rows_returned bigint CHECK (rows_returned >= 0),
    rows_gone   bigint CHECK (rows_gone >= 0),
    rows_kept   bigint CHECK (rows_kept >= 0),
    UNIQUE (migration_seq, place),
    CHECK (returned_at IS NULL OR tried_into IS NOT NULL),
    CHECK ((returned_at IS NULL) = (returned_by IS NULL)),
    CHECK ((returned_at IS NULL) = (rows_returned IS NULL AND rows_gone IS NULL AND rows_kept IS NULL)),
    CHECK (rows_returned + rows_gone + rows_kept = row_count)
);
CREATE INDEX salvages_waiting ON lockkeeper.salvages (migration_seq) WHERE returned_at IS NULL;
