-- All backups, newest first, each with its last verification; with $1 that one alone.
SELECT b.id, b.kind, b.duration_ms, b.taken_by, b.program, b.host, b.release_id, b.location, b.hook_id, b.size_bytes,
       b.wal_position::text AS wal_position, b.server_version, b.manifest,
       (extract(epoch FROM b.began_at) * 1000000)::bigint AS began_at,
       greatest(0, extract(epoch FROM pg_catalog.clock_timestamp() - b.began_at))::bigint AS age_s,
       b.database_oid = (SELECT d.oid::bigint FROM pg_catalog.pg_database d
                         WHERE d.datname = pg_catalog.current_database()) AS is_of_here,
       v.verdict, v.how, v.verified_by, (extract(epoch FROM v.verified_at) * 1000000)::bigint AS verified_at
FROM lockkeeper.backups b
LEFT JOIN LATERAL (
    SELECT last.verdict, last.how, last.verified_by, last.verified_at FROM lockkeeper.backup_verifications last
    WHERE last.backup_id = b.id ORDER BY last.id DESC LIMIT 1
) v ON true
WHERE $1::bigint IS NULL OR b.id = $1
ORDER BY b.began_at DESC, b.id DESC
