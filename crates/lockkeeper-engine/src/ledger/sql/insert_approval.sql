WITH approved AS (
    INSERT INTO lockkeeper.approvals (release_id, stage, plan_digest, principal, key_fingerprint, document, signature,
        reason, expires_at)
    VALUES ($1, 2, $2, $3, $4, $5, $6, $7, pg_catalog.to_timestamp($8::double precision / 1000000))
    RETURNING release_id, plan_digest, principal, key_fingerprint, reason, expires_at
)
SELECT lockkeeper.record_event($9, 'approved', a.release_id, pg_catalog.json_build_object('stage', 2,
    'plan', a.plan_digest, 'by', a.principal, 'key', a.key_fingerprint, 'reason', a.reason,
    'expires_at', a.expires_at, 'waives', pg_catalog.to_json($10::text[]))::text)
FROM approved a
