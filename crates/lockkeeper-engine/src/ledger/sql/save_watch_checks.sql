INSERT INTO lockkeeper.watch_checks (watch_id, check_name, memory, baseline, judgements)
SELECT $1, c.*
FROM ROWS FROM (pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::text[]),
    pg_catalog.unnest($5::text[])) AS c
ON CONFLICT (watch_id, check_name) DO UPDATE
SET memory = excluded.memory, baseline = coalesce(excluded.baseline, watch_checks.baseline), judgements = excluded.judgements
