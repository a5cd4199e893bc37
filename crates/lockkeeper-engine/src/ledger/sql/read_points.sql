-- Rollback points that still lead somewhere, newest first.
SELECT name, release_id, after_seq, taken_by,
       (extract(epoch FROM taken_at) * 1000000)::bigint AS taken_at
FROM lockkeeper.rollback_points WHERE voided_at IS NULL ORDER BY id DESC
