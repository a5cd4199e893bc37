SELECT seq, (extract(epoch FROM at) * 1000000)::bigint AS at, actor, kind, release_id, payload, previous, hash
FROM lockkeeper.events WHERE seq > $1 ORDER BY seq LIMIT $2
