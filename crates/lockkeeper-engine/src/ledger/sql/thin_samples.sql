-- Samples of a shorter span that are older than they are kept, merged into longer ones. The cut lies on a border of
-- the longer span, so that none is merged in parts.
WITH cut AS (
    SELECT pg_catalog.date_bin(pg_catalog.make_interval(secs => $1),
        pg_catalog.clock_timestamp() - pg_catalog.make_interval(secs => $2), 'epoch'::timestamptz) AS at
), gone AS (
    DELETE FROM lockkeeper.health_samples s USING cut
    WHERE s.span_s < $1 AND s.at < cut.at
    RETURNING s.*
)
INSERT INTO lockkeeper.health_samples AS kept
    (check_name, span_s, at, requests, errors, value, pass, fail, no_data, probe_error)
SELECT g.check_name, $1, pg_catalog.date_bin(pg_catalog.make_interval(secs => $1), g.at, 'epoch'::timestamptz),
       pg_catalog.sum(g.requests)::bigint, pg_catalog.sum(g.errors)::bigint, pg_catalog.max(g.value),
       pg_catalog.sum(g.pass)::int, pg_catalog.sum(g.fail)::int, pg_catalog.sum(g.no_data)::int,
       pg_catalog.sum(g.probe_error)::int
FROM gone g
GROUP BY 1, 3
ON CONFLICT (check_name, span_s, at) DO UPDATE
SET requests = kept.requests + excluded.requests, errors = kept.errors + excluded.errors,
    value = greatest(kept.value, excluded.value), pass = kept.pass + excluded.pass, fail = kept.fail + excluded.fail,
    no_data = kept.no_data + excluded.no_data, probe_error = kept.probe_error + excluded.probe_error
