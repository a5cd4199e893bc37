-- Backups that were made and are whole: a row is written when all of it stands. Rows are only added; what has become
-- of a backup since is looked at, not recorded.
CREATE TABLE lockkeeper.backups (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('pg_dump', 'hook')),
    -- The moment that it shows: of its snapshot, or before the user's command was started.
    began_at    timestamptz NOT NULL,
    duration_ms bigint NOT NULL CHECK (duration_ms >= 0),
    taken_by    text NOT NULL,
    program     text NOT NULL,
    -- The machine that made it, on which its folder is.
    host        text NOT NULL,
    -- Which database it is of: a copy of this one brings these rows along, and they are no backups of the copy.
    database_oid bigint NOT NULL,
    release_id  bigint REFERENCES lockkeeper.releases,
    -- Its folder, or where the user's command says that it is.
    location    text NOT NULL CHECK (location <> ''),
    -- How the user's command calls it.
    hook_id     text,
    size_bytes  bigint CHECK (size_bytes >= 0),
    wal_position pg_catalog.pg_lsn NOT NULL,
    server_version integer NOT NULL CHECK (server_version > 0),
    -- SHA-256 of the manifest, which has that of every file.
    manifest    bytea CHECK (pg_catalog.octet_length(manifest) = 32),
    CHECK ((kind = 'pg_dump') = (manifest IS NOT NULL)),
    CHECK ((kind = 'hook') = (hook_id IS NOT NULL)),
    CHECK (kind <> 'pg_dump' OR size_bytes IS NOT NULL)
);
CREATE INDEX backups_newest ON lockkeeper.backups (began_at DESC);

-- What verifying them came to.
CREATE TABLE lockkeeper.backup_verifications (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    backup_id   bigint NOT NULL REFERENCES lockkeeper.backups,
    verified_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    verified_by text NOT NULL,
    program     text NOT NULL,
    duration_ms bigint NOT NULL CHECK (duration_ms >= 0),
    verdict     text NOT NULL CHECK (verdict IN ('pass', 'fail', 'no_data')),
    -- How far it went: its files only, restored and rows counted, restored and rows compared, or the user's command.
    how         text NOT NULL CHECK (how IN ('files', 'counts', 'rows', 'hook')),
    -- What was found, as JSON.
    findings    text NOT NULL
);
CREATE INDEX backup_verifications_of ON lockkeeper.backup_verifications (backup_id, id DESC);
