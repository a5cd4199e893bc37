-- The backups of this database for the gate, newest first, each with the last verification that could judge it.
SELECT b.id, greatest(0, extract(epoch FROM pg_catalog.clock_timestamp() - b.began_at))::bigint AS age_s, v.verdict
FROM lockkeeper.backups b
LEFT JOIN LATERAL (
    SELECT judged.verdict FROM lockkeeper.backup_verifications judged
    WHERE judged.backup_id = b.id AND judged.verdict IN ('pass', 'fail') ORDER BY judged.id DESC LIMIT 1
) v ON true
WHERE b.database_oid = (SELECT d.oid::bigint FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
ORDER BY b.began_at DESC, b.id DESC LIMIT 100
