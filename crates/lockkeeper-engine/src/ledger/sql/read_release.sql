-- The open release; else the last one.
SELECT r.id, r.state, r.authors, r.started_by, r.deployed_version, r.deployed_by,
       (extract(epoch FROM r.started_at) * 1000000)::bigint AS started_at,
       (extract(epoch FROM r.deployed_at) * 1000000)::bigint AS deployed_at,
       (extract(epoch FROM r.finished_at) * 1000000)::bigint AS finished_at,
       EXISTS (SELECT FROM lockkeeper.journeys j WHERE j.release_id = r.id) AS is_driven
FROM lockkeeper.releases r ORDER BY (r.finished_at IS NULL) DESC, r.id DESC LIMIT 1
