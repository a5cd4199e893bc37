-- How long migrations took, by stage, as a cumulative histogram whose buckets end where $1 says.
SELECT m.stage, count(*) AS count, (coalesce(sum(m.duration_ms), 0) / 1000)::float8 AS seconds,
       ARRAY(SELECT count(*) FILTER (WHERE d.duration_ms <= e.ends * 1000)
             FROM pg_catalog.unnest($1::float8[]) WITH ORDINALITY e(ends, place)
             CROSS JOIN pg_catalog.unnest(pg_catalog.array_agg(m.duration_ms)) d(duration_ms)
             GROUP BY e.place ORDER BY e.place) AS within
FROM lockkeeper.migrations m WHERE m.duration_ms IS NOT NULL
GROUP BY m.stage ORDER BY m.stage
