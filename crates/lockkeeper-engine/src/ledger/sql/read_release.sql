-- The open release; else the last one.
SELECT id, state, authors, started_by, deployed_version, deployed_by,
       (extract(epoch FROM started_at) * 1000000)::bigint AS started_at,
       (extract(epoch FROM deployed_at) * 1000000)::bigint AS deployed_at
FROM lockkeeper.releases ORDER BY (finished_at IS NULL) DESC, id DESC LIMIT 1
