-- A sample that is there already has been delivered before: it stays as it is.
INSERT INTO lockkeeper.health_samples (check_name, span_s, at, requests, errors, value, pass, fail, no_data,
    probe_error, latencies)
SELECT s.name, $1, 'epoch'::timestamptz + s.at * interval '1 microsecond', s.requests, s.errors, s.value,
       s.pass, s.fail, s.no_data, s.probe_error, s.latencies
FROM ROWS FROM (pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::bigint[]), pg_catalog.unnest($4::bigint[]),
    pg_catalog.unnest($5::bigint[]), pg_catalog.unnest($6::float8[]), pg_catalog.unnest($7::int[]),
    pg_catalog.unnest($8::int[]), pg_catalog.unnest($9::int[]), pg_catalog.unnest($10::int[]),
    pg_catalog.unnest($11::bytea[]))
    AS s(name, at, requests, errors, value, pass, fail, no_data, probe_error, latencies)
ON CONFLICT DO NOTHING
