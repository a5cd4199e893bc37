SELECT s.check_name, s.span_s, (extract(epoch FROM s.at) * 1000000)::bigint AS at, s.requests, s.errors, s.value,
       s.pass, s.fail, s.no_data, s.probe_error
FROM lockkeeper.health_samples s
WHERE s.at >= 'epoch'::timestamptz + $1 * interval '1 microsecond' AND ($2::text IS NULL OR s.check_name = $2)
ORDER BY s.at, s.check_name, s.span_s
