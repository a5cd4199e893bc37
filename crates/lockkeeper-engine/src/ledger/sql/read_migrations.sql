-- Every migration that stands, in the order in which they were applied.
SELECT seq, number, name, kind, stage, up_path, up_checksum, down_checksum, state, applied_by, duration_ms, release_id,
       (extract(epoch FROM applied_at) * 1000000)::bigint AS applied_at
FROM lockkeeper.migrations WHERE state <> 'rolled_back' ORDER BY seq
