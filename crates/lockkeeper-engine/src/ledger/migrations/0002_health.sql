-- The health gate: watches, what they measured, and the alerts that are not delivered yet.

-- One watch of one release, or of none. Who watches holds the row for a term, like the lease: a watcher that slept
-- past its term finds it gone and writes nothing.
CREATE TABLE lockkeeper.watches (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    release_id  bigint REFERENCES lockkeeper.releases,
    began_at    timestamptz NOT NULL,
    -- The rules and checks that it went by, as JSON: a judgement can be explained after the file has changed.
    rules       text NOT NULL,
    term        bigint NOT NULL CHECK (term > 0),
    holder      text NOT NULL,
    host        text NOT NULL,
    pid         integer NOT NULL,
    seen_at     timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    -- When the next judgement is due, and the breach that binds, as JSON.
    next_due_at timestamptz,
    breach      text,
    ended_at    timestamptz,
    verdict     text CHECK (verdict IN ('healthy', 'unhealthy', 'inconclusive')),
    CHECK ((ended_at IS NULL) = (verdict IS NULL)),
    CHECK (verdict IS DISTINCT FROM 'healthy' OR breach IS NULL),
    CHECK (verdict IS DISTINCT FROM 'unhealthy' OR breach IS NOT NULL)
);
CREATE UNIQUE INDEX watches_one_open ON lockkeeper.watches ((coalesce(release_id, 0))) WHERE ended_at IS NULL;

-- A check of a watch: what it has to remember to go on in another process, what was normal before the deploy, and
-- what each rule last said, all as JSON.
CREATE TABLE lockkeeper.watch_checks (
    watch_id    bigint NOT NULL REFERENCES lockkeeper.watches,
    check_name  text NOT NULL CHECK (check_name <> ''),
    memory      text NOT NULL,
    baseline    text,
    judgements  text NOT NULL,
    PRIMARY KEY (watch_id, check_name)
);

-- What was measured. Every slice for a day, then minutes, then hours: `span_s` is how long the sample is.
CREATE TABLE lockkeeper.health_samples (
    check_name  text NOT NULL CHECK (check_name <> ''),
    span_s      integer NOT NULL CHECK (span_s > 0),
    at          timestamptz NOT NULL,
    requests    bigint NOT NULL CHECK (requests >= 0),
    errors      bigint NOT NULL CHECK (errors BETWEEN 0 AND requests),
    -- Of a check that has a value: the worst one of the time.
    value       double precision,
    pass        integer NOT NULL CHECK (pass >= 0),
    fail        integer NOT NULL CHECK (fail >= 0),
    no_data     integer NOT NULL CHECK (no_data >= 0),
    probe_error integer NOT NULL CHECK (probe_error >= 0),
    PRIMARY KEY (check_name, span_s, at)
);

-- Alerts that wait to be delivered, in the transaction of what they tell of. The identifier is the receiver's
-- idempotency key, so that an alert that was sent and not recorded as sent is not doubled there.
CREATE TABLE lockkeeper.outbox (
    id          uuid PRIMARY KEY,
    created_at  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    -- What belongs together: a reminder and a resolution carry the key of what they are about.
    about       text NOT NULL CHECK (about <> ''),
    kind        text NOT NULL CHECK (kind <> ''),
    payload     text NOT NULL
);
CREATE INDEX outbox_about ON lockkeeper.outbox (about, created_at DESC);

CREATE TABLE lockkeeper.deliveries (
    alert_id    uuid NOT NULL REFERENCES lockkeeper.outbox,
    sink        text NOT NULL CHECK (sink <> ''),
    attempts    integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    due_at      timestamptz NOT NULL,
    delivered_at timestamptz,
    gave_up_at  timestamptz,
    last_error  text,
    PRIMARY KEY (alert_id, sink),
    CHECK (delivered_at IS NULL OR gave_up_at IS NULL)
);
CREATE INDEX deliveries_due ON lockkeeper.deliveries (due_at) WHERE delivered_at IS NULL AND gave_up_at IS NULL;
