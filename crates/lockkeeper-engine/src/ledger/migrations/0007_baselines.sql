-- What was normal before a deploy, measured on purpose: rows are only added, the newest one counts. `checks` is JSON,
-- by the name of the check.
CREATE TABLE lockkeeper.baselines (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    taken_at    timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    taken_by    text NOT NULL,
    took_s      double precision NOT NULL CHECK (took_s >= 0),
    verdict     text NOT NULL CHECK (verdict IN ('pass', 'fail', 'no_data')),
    checks      text NOT NULL
);

-- How long requests took, as an HDR histogram (version 2, uncompressed): percentiles of the time before are compared
-- with. Of samples that were merged it is gone.
ALTER TABLE lockkeeper.health_samples ADD COLUMN latencies bytea;

-- What people were told of and is not over yet, as a JSON array: the next process tells none of it again.
ALTER TABLE lockkeeper.watches ADD COLUMN incidents text;
