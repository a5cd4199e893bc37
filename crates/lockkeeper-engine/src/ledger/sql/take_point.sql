WITH taken AS (
    INSERT INTO lockkeeper.rollback_points (name, release_id, after_seq, taken_by) VALUES ($1, $2, $3, $4)
    RETURNING name, release_id, after_seq
)
SELECT lockkeeper.record_event($4, 'point_taken', t.release_id,
    pg_catalog.json_build_object('point', t.name, 'after_seq', t.after_seq)::text)
FROM taken t
