WITH run AS (
    INSERT INTO lockkeeper.verifications (verified_by, program, server_major, orders_agree)
    VALUES ($1, $2, $3, $4) RETURNING id
), tried AS (
    INSERT INTO lockkeeper.verified_migrations (verification_id, number, up_checksum, down_checksum, verdict, not_verified)
    SELECT run.id, t.number, t.up_checksum, t.down_checksum, t.verdict, coalesce(string_to_array(nullif(t.not_verified, ''), ','), '{}')
    FROM run, unnest($5::bigint[], $6::bytea[], $7::bytea[], $8::text[], $9::text[])
        AS t (number, up_checksum, down_checksum, verdict, not_verified)
    RETURNING verdict
)
SELECT lockkeeper.record_event($1, 'verified', NULL, json_build_object('verification', (SELECT run.id FROM run),
    'server_major', $3, 'orders_agree', $4, 'pass', count(*) FILTER (WHERE verdict = 'pass'),
    'fail', count(*) FILTER (WHERE verdict = 'fail'), 'no_data', count(*) FILTER (WHERE verdict = 'no_data'))::text)
FROM tried
