-- The journey of a release, and whether somebody drives it.
SELECT j.release_id, j.version, j.previous_version, j.terms, j.holder, j.host, j.pid, j.cause, j.rollback_class,
       j.way_back, j.evidence,
       CASE WHEN j.abort_asked_at IS NOT NULL
            THEN pg_catalog.json_build_object('by', j.abort_asked_by, 'reason', j.abort_reason)::text END AS abort,
       j.expires_at > pg_catalog.clock_timestamp() AS is_held,
       (extract(epoch FROM j.seen_at) * 1000000)::bigint AS seen_at,
       (extract(epoch FROM j.back_since) * 1000000)::bigint AS back_since
FROM lockkeeper.journeys j WHERE j.release_id = $1
