-- The ledger: everything that Lockkeeper knows about this database. The CHECKs repeat the invariants of the code.
-- An administrator may have made the schema for a role that may make none: IF NOT EXISTS would still ask for the right.
DO $$ BEGIN
    IF to_regnamespace('lockkeeper') IS NULL THEN
        CREATE SCHEMA lockkeeper;
        COMMENT ON SCHEMA lockkeeper IS
            'Lockkeeper''s ledger: migrations, releases, approvals and the event log. Do not edit by hand.';
    END IF;
END $$;

CREATE TABLE lockkeeper.ledger_versions (
    version     integer PRIMARY KEY CHECK (version > 0),
    program     text NOT NULL,
    installed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);

-- One row: which ledger this is. An approval names it, so that it counts on no other database.
CREATE TABLE lockkeeper.identity (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    ledger_id   uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    created_at  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
INSERT INTO lockkeeper.identity DEFAULT VALUES;

CREATE TABLE lockkeeper.releases (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state       text NOT NULL CHECK (state IN ('planned', 'expanding', 'expanded', 'deploying', 'watching',
                'awaiting_approval', 'contracting', 'settling', 'completed', 'rolling_back', 'rolled_back', 'frozen')),
    authors     text[] NOT NULL DEFAULT '{}',
    started_at  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    started_by  text NOT NULL,
    -- Cleared by the next stage 1: what it adds needs code of its own.
    deployed_version text,
    deployed_at timestamptz,
    deployed_by text,
    finished_at timestamptz,
    CHECK ((deployed_version IS NULL) = (deployed_at IS NULL) AND (deployed_at IS NULL) = (deployed_by IS NULL)),
    CHECK ((finished_at IS NOT NULL) = (state IN ('completed', 'rolled_back')))
);
CREATE UNIQUE INDEX releases_one_open ON lockkeeper.releases ((true)) WHERE finished_at IS NULL;

CREATE TABLE lockkeeper.migrations (
    seq         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number      bigint NOT NULL CHECK (number >= 0),
    name        text NOT NULL CHECK (name <> ''),
    kind        text NOT NULL CHECK (kind IN ('schema_add', 'field_remove', 'schema_modify')),
    stage       smallint NOT NULL CHECK (stage IN (1, 2)),
    stage_because text NOT NULL,
    up_path     text NOT NULL,
    up_checksum bytea NOT NULL CHECK (pg_catalog.octet_length(up_checksum) = 32),
    down_path   text NOT NULL,
    down_checksum bytea NOT NULL CHECK (pg_catalog.octet_length(down_checksum) = 32),
    -- As it was when the migration was applied, so that a rollback works from any checkout.
    down_sql    text NOT NULL,
    release_id  bigint NOT NULL REFERENCES lockkeeper.releases,
    state       text NOT NULL CHECK (state IN ('applying', 'applied', 'undoing', 'rolled_back')),
    started_at  timestamptz NOT NULL,
    applied_at  timestamptz,
    applied_by  text NOT NULL,
    duration_ms bigint CHECK (duration_ms >= 0),
    rolled_back_at timestamptz,
    rolled_back_by text,
    CHECK (state <> 'applying' OR applied_at IS NULL),
    CHECK (state <> 'applied' OR applied_at IS NOT NULL),
    CHECK ((rolled_back_at IS NOT NULL) = (state = 'rolled_back')),
    CHECK ((rolled_back_at IS NULL) = (rolled_back_by IS NULL))
);
CREATE UNIQUE INDEX migrations_one_standing ON lockkeeper.migrations (number) WHERE state <> 'rolled_back';

-- The steps of a migration that needs more than one transaction: planned, begun, then how it ended. They are kept as
-- they were planned, so that a later run goes on with the same ones.
CREATE TABLE lockkeeper.steps (
    migration_seq bigint NOT NULL REFERENCES lockkeeper.migrations,
    direction   text NOT NULL CHECK (direction IN ('up', 'down')),
    ordinal     integer NOT NULL CHECK (ordinal > 0),
    -- The statement of the file that it comes from, counted from 1, and that statement's text.
    statement   integer NOT NULL CHECK (statement > 0),
    source      text NOT NULL,
    sql         text NOT NULL,
    run         text NOT NULL CHECK (run IN ('transaction', 'joined', 'standalone', 'backfill')),
    -- Of a standalone step: the query that tells whether it happened; NULL when nothing can tell, empty when it may
    -- run again. And what clears a half-done one away.
    settled     text,
    clear       text NOT NULL DEFAULT '',
    -- Of a backfill: what it fills, and whether the user's triggers must not fire.
    fills_table text,
    fills_column text,
    fills_silently boolean NOT NULL DEFAULT false,
    -- What takes it back when a later step fails: NULL when nothing does, empty when nothing is needed.
    take_back   text,
    take_back_alone boolean NOT NULL DEFAULT false,
    -- What takes its time, and of how many bytes: with its duration it tells how long the next one takes. NULL when
    -- nothing can be learnt from it: it was interrupted, or it is over in a moment.
    work        text CHECK (work IN ('scan', 'index_build', 'rewrite', 'fill')),
    work_bytes  bigint CHECK (work_bytes >= 0),
    started_at  timestamptz,
    started_by  text,
    finished_at timestamptz,
    outcome     text CHECK (outcome IN ('done', 'failed', 'taken_back')),
    error       text,
    PRIMARY KEY (migration_seq, direction, ordinal),
    CHECK ((run = 'backfill') = (fills_table IS NOT NULL) AND (run = 'backfill') = (fills_column IS NOT NULL)),
    CHECK ((work IS NULL) = (work_bytes IS NULL)),
    CHECK ((started_at IS NULL) = (started_by IS NULL)),
    CHECK (started_at IS NOT NULL OR finished_at IS NULL),
    CHECK ((finished_at IS NULL) = (outcome IS NULL)),
    CHECK ((error IS NOT NULL) = (outcome IS NOT DISTINCT FROM 'failed'))
);

CREATE TABLE lockkeeper.rollback_points (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text NOT NULL CHECK (name <> ''),
    release_id  bigint NOT NULL REFERENCES lockkeeper.releases,
    -- What was applied up to and including this count stands after a rollback to the point.
    after_seq   bigint NOT NULL CHECK (after_seq >= 0),
    taken_at    timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    taken_by    text NOT NULL,
    -- Set when a rollback went back past the point: it leads nowhere any more.
    voided_at   timestamptz
);
CREATE INDEX rollback_points_by_name ON lockkeeper.rollback_points (name, id DESC);

CREATE TABLE lockkeeper.approvals (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    release_id  bigint NOT NULL REFERENCES lockkeeper.releases,
    stage       smallint NOT NULL CHECK (stage = 2),
    plan_digest text NOT NULL CHECK (plan_digest LIKE 'sha256:%'),
    principal   text NOT NULL,
    key_fingerprint text NOT NULL,
    -- The signed text, word for word, and its signature: whoever reads the ledger can verify both.
    document    text NOT NULL,
    signature   text NOT NULL,
    reason      text NOT NULL CHECK (reason <> ''),
    approved_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    CHECK (expires_at > approved_at)
);

-- One row. `term` grows with every holder and is the key, so that taking the lease over waits for a
-- transaction of the old holder that has locked its term (FOR KEY SHARE), and renewing it does not.
CREATE TABLE lockkeeper.lease (
    term        bigint PRIMARY KEY,
    holder      text NOT NULL,
    host        text NOT NULL,
    pid         integer NOT NULL,
    doing       text NOT NULL,
    acquired_at timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL
);
CREATE UNIQUE INDEX lease_one_row ON lockkeeper.lease ((true));
INSERT INTO lockkeeper.lease VALUES (0, '', '', 0, '', '-infinity', '-infinity');

CREATE TABLE lockkeeper.events (
    seq         bigint PRIMARY KEY CHECK (seq > 0),
    at          timestamptz NOT NULL,
    actor       text NOT NULL,
    kind        text NOT NULL,
    release_id  bigint,
    -- JSON as text, so that what was hashed is what is stored.
    payload     text NOT NULL,
    previous    bytea NOT NULL CHECK (pg_catalog.octet_length(previous) = 32),
    hash        bytea NOT NULL CHECK (pg_catalog.octet_length(hash) = 32)
);

-- One row: the end of the chain, so that cutting events off the end is noticed.
CREATE TABLE lockkeeper.event_chain (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    seq         bigint NOT NULL,
    hash        bytea NOT NULL
);
INSERT INTO lockkeeper.event_chain (seq, hash) VALUES (0, pg_catalog.decode(pg_catalog.repeat('00', 32), 'hex'));

-- Events that may be delivered late: by its identifier each is logged once.
CREATE TABLE lockkeeper.observations (
    id          uuid PRIMARY KEY,
    logged_at   timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);

-- The schema as it stood when Lockkeeper last left it. One object, one row; the definition is for comparing and
-- for reading, not for running. No key: the identity of a function can be longer than an index takes.
CREATE TABLE lockkeeper.schema_objects (
    kind        text NOT NULL CHECK (kind <> ''),
    identity    text NOT NULL CHECK (identity <> ''),
    definition  text NOT NULL
);

-- One row. From before the first change of a command until its outcome is recorded, the schema is not settled:
-- what a crash leaves then may be ours.
CREATE TABLE lockkeeper.schema_state (
    only_row    boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    is_settled  boolean NOT NULL,
    recorded_at timestamptz,
    -- The last event that the record covers.
    event_seq   bigint NOT NULL CHECK (event_seq >= 0),
    -- Definitions are spelled differently by another major version.
    server_major integer NOT NULL,
    -- Of the catalogues' rows: while it is the same, nothing can have changed.
    stamp       text NOT NULL,
    fingerprint bytea CHECK (pg_catalog.octet_length(fingerprint) = 32),
    CHECK ((recorded_at IS NULL) = (fingerprint IS NULL))
);
INSERT INTO lockkeeper.schema_state (is_settled, event_seq, server_major, stamp) VALUES (true, 0, 0, '');

-- Appends an event. Each field is hashed behind its length, so that no two different events read alike.
-- PL/pgSQL, because its plans are kept for the session: a run of many migrations plans them once.
CREATE FUNCTION lockkeeper.record_event(actor text, kind text, release_id bigint, payload text)
RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    next_seq bigint;
    previous bytea;
    event_at timestamptz;
    micros text;
    canonical text;
    event_hash bytea;
BEGIN
    SELECT c.seq + 1, c.hash INTO next_seq, previous FROM lockkeeper.event_chain c FOR UPDATE;
    event_at := clock_timestamp();
    micros := (extract(epoch FROM event_at) * 1000000)::bigint::text;
    canonical := octet_length(next_seq::text) || ':' || next_seq::text
        || ',' || octet_length(micros) || ':' || micros
        || ',' || octet_length(convert_to($1, 'UTF8')) || ':' || $1
        || ',' || octet_length(convert_to($2, 'UTF8')) || ':' || $2
        || ',' || octet_length(coalesce($3::text, '')) || ':' || coalesce($3::text, '')
        || ',' || octet_length(convert_to($4, 'UTF8')) || ':' || $4;
    event_hash := sha256(previous || convert_to(canonical, 'UTF8'));
    INSERT INTO lockkeeper.events AS e (seq, at, actor, kind, release_id, payload, previous, hash)
    VALUES (next_seq, event_at, $1, $2, $3, $4, previous, event_hash);
    UPDATE lockkeeper.event_chain AS c SET seq = next_seq, hash = event_hash;
    RETURN next_seq;
END
$$;

-- The first statement of every transaction of a holder: sets the limits and locks the holder's term. The answer
-- is the transaction's id, by which its end is recognised; NULL means that the lease was lost.
CREATE FUNCTION lockkeeper.begin_work(my_term bigint, lock_ms text, statement_ms text, idle_ms text)
RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.set_config('lock_timeout', lock_ms, true),
            pg_catalog.set_config('statement_timeout', statement_ms, true),
            pg_catalog.set_config('idle_in_transaction_session_timeout', idle_ms, true);
    PERFORM FROM lockkeeper.lease l
    WHERE l.term = my_term AND l.expires_at > pg_catalog.clock_timestamp() FOR KEY SHARE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    RETURN pg_catalog.pg_current_xact_id()::text;
END
$$;

-- Writes a migration's row and its event, only while the transaction is still the one that BEGIN opened:
-- NULL tells that the migration has ended it behind our back. Not done, it has only begun.
CREATE FUNCTION lockkeeper.record_migration(transaction text, migration_number bigint, migration_name text,
    migration_kind text, migration_stage smallint, because text, up text, up_sha256 bytea, down text, down_sha256 bytea,
    down_text text, release bigint, actor text, is_done boolean)
RETURNS bigint LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
    new_seq bigint;
    -- The transaction began when the work did, and the row is its last statement.
    took_ms bigint := CASE WHEN is_done THEN extract(epoch FROM clock_timestamp() - now()) * 1000 END;
BEGIN
    IF pg_current_xact_id()::text <> transaction THEN
        RETURN NULL;
    END IF;
    INSERT INTO lockkeeper.migrations (number, name, kind, stage, stage_because, up_path, up_checksum, down_path,
        down_checksum, down_sql, release_id, applied_by, duration_ms, state, started_at, applied_at)
    VALUES (migration_number, migration_name, migration_kind, migration_stage, because, up, up_sha256, down,
        down_sha256, down_text, release, actor, took_ms,
        CASE WHEN is_done THEN 'applied' ELSE 'applying' END, now(),
        CASE WHEN is_done THEN clock_timestamp() END)
    RETURNING seq INTO new_seq;
    PERFORM lockkeeper.record_event(actor,
        CASE WHEN is_done THEN 'migration_applied' ELSE 'migration_started' END, release,
        json_build_object('number', migration_number, 'name', migration_name, 'stage', migration_stage, 'seq', new_seq,
            'checksum', encode(up_sha256, 'hex'), 'duration_ms', took_ms)::text);
    RETURN new_seq;
END
$$;

CREATE FUNCTION lockkeeper.events_are_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'lockkeeper.events is append-only'
        USING ERRCODE = 'insufficient_privilege', HINT = 'lockkeeper log --verify tells whether the log is whole.';
END
$$;
CREATE TRIGGER events_are_append_only BEFORE UPDATE OR DELETE ON lockkeeper.events
    FOR EACH ROW EXECUTE FUNCTION lockkeeper.events_are_append_only();
CREATE TRIGGER events_are_not_truncated BEFORE TRUNCATE ON lockkeeper.events
    FOR EACH STATEMENT EXECUTE FUNCTION lockkeeper.events_are_append_only();
