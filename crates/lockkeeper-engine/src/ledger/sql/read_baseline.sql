-- The newest baseline, with how old it is.
SELECT b.id, b.taken_by, b.verdict, b.checks, (extract(epoch FROM b.taken_at) * 1000000)::bigint AS taken_at,
       greatest(extract(epoch FROM pg_catalog.clock_timestamp() - b.taken_at), 0)::float8 AS age_s
FROM lockkeeper.baselines b
ORDER BY b.id DESC
LIMIT 1
