-- A page of samples behind the place where the last one ended.
SELECT s.check_name, s.span_s, (extract(epoch FROM s.at) * 1000000)::bigint AS at, s.requests, s.errors, s.value,
       s.pass, s.fail, s.no_data, s.probe_error
FROM lockkeeper.health_samples s
WHERE (s.at, s.check_name, s.span_s) > ('epoch'::timestamptz + $1 * interval '1 microsecond', $2, $3)
    AND ($4::text IS NULL OR s.check_name = $4)
ORDER BY s.at, s.check_name, s.span_s
LIMIT $5
