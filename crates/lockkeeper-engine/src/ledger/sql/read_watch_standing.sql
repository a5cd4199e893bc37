-- Of the watches of the open release that saw something of what came after its deploy: the last one that ended, else the
-- one that goes on; and whether that one or a later one has seen a breach.
SELECT w.verdict, w.holder, w.host,
       w.ended_at IS NULL AND w.expires_at > pg_catalog.clock_timestamp() AS is_running,
       w.began_at < r.deployed_at AS began_before_deploy,
       greatest(0, extract(epoch FROM coalesce(w.ended_at, w.seen_at) - greatest(w.began_at, r.deployed_at)))::bigint
           AS seen_s,
       greatest(0, extract(epoch FROM pg_catalog.clock_timestamp() - coalesce(w.ended_at, w.seen_at)))::bigint AS age_s,
       EXISTS (
           SELECT FROM lockkeeper.watches later
           WHERE later.release_id = r.id AND later.id >= w.id AND later.breach IS NOT NULL
       ) AS has_breached
FROM lockkeeper.watches w JOIN lockkeeper.releases r ON r.id = w.release_id
WHERE r.finished_at IS NULL AND coalesce(w.ended_at, w.seen_at) >= r.deployed_at
ORDER BY w.ended_at IS NULL, w.id DESC LIMIT 1
