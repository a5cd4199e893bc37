-- The newest watch: what it stands at, and whether anybody is at it.
SELECT w.id, w.release_id, w.rules, w.holder, w.host, w.pid, w.breach, w.verdict,
       -- A ledger of an earlier version has none.
       pg_catalog.to_jsonb(w) ->> 'incidents' AS incidents,
       (extract(epoch FROM w.began_at) * 1000000)::bigint AS began_at,
       (extract(epoch FROM w.seen_at) * 1000000)::bigint AS seen_at,
       (extract(epoch FROM w.next_due_at) * 1000000)::bigint AS next_due_at,
       (extract(epoch FROM w.ended_at) * 1000000)::bigint AS ended_at,
       (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::bigint AS now,
       (extract(epoch FROM r.deployed_at) * 1000000)::bigint AS deployed_at,
       w.ended_at IS NULL AND w.expires_at > pg_catalog.clock_timestamp() AS is_held
FROM lockkeeper.watches w
LEFT JOIN lockkeeper.releases r ON r.id = w.release_id
ORDER BY w.ended_at IS NULL DESC, w.id DESC
LIMIT 1
