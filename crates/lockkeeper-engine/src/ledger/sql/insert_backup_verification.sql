WITH tried AS (
    INSERT INTO lockkeeper.backup_verifications (backup_id, verified_by, program, duration_ms, verdict, how, findings)
    VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id
)
SELECT lockkeeper.record_event($2, 'backup_verified', NULL, json_build_object('backup', $1::bigint, 'verification', tried.id,
    'verdict', $5::text, 'how', $6::text, 'findings', $7::json)::text)
FROM tried
