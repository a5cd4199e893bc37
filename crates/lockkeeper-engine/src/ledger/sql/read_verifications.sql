-- $1, $2, $3: the files that are asked about. Each with the last run that tried exactly them.
SELECT asked.number, tried.verdict, tried.not_verified, run.id, run.verified_by, run.server_major, run.orders_agree,
       (extract(epoch FROM run.verified_at) * 1000000)::bigint AS verified_at
FROM unnest($1::bigint[], $2::bytea[], $3::bytea[]) AS asked (number, up_checksum, down_checksum)
CROSS JOIN LATERAL (
    SELECT m.verification_id, m.verdict, m.not_verified FROM lockkeeper.verified_migrations m
    WHERE m.number = asked.number AND m.up_checksum = asked.up_checksum AND m.down_checksum = asked.down_checksum
    ORDER BY m.verification_id DESC LIMIT 1
) tried
JOIN lockkeeper.verifications run ON run.id = tried.verification_id
ORDER BY asked.number
