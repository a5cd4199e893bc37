-- Which ledger, what time it is, how far the count has come, and who holds the lease.
SELECT i.ledger_id::text AS ledger_id,
       (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::bigint AS now,
       (SELECT coalesce(pg_catalog.max(m.seq), 0) FROM lockkeeper.migrations m) AS last_seq,
       l.term, l.holder, l.host, l.pid, l.doing,
       l.expires_at > pg_catalog.clock_timestamp() AS is_held,
       CASE WHEN l.expires_at > pg_catalog.clock_timestamp()
            THEN (extract(epoch FROM l.acquired_at) * 1000000)::bigint ELSE 0 END AS acquired_at
FROM lockkeeper.identity i, lockkeeper.lease l
