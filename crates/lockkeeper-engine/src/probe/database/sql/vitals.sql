-- One row, everything as a number or NULL. `hidden` counts sessions of others that this role may not look into:
-- PostgreSQL then shows NULL for what matters, which would otherwise look like an idle server.
WITH sessions AS (
    SELECT a.*, a.query = '<insufficient privilege>' AS is_hidden, clock_timestamp() AS now
    FROM pg_catalog.pg_stat_activity a WHERE a.pid <> pg_catalog.pg_backend_pid() AND a.datid IS NOT NULL
), clients AS (
    SELECT * FROM sessions WHERE backend_type = 'client backend' OR is_hidden
), standbys AS (
    SELECT * FROM pg_catalog.pg_stat_replication WHERE state IS NULL OR state IN ('streaming', 'catchup')
)
SELECT
    pg_catalog.pg_is_in_recovery()::int AS in_recovery,
    (SELECT count(*) + 1 FROM clients) AS connections_used,
    (SELECT count(*) FROM clients WHERE state = 'idle') AS connections_idle,
    current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
        - coalesce(nullif(current_setting('reserved_connections', true), '')::int, 0) AS connections_usable,
    (SELECT count(*) FROM clients WHERE is_hidden) AS hidden,
    (SELECT coalesce(extract(epoch FROM max(now - xact_start)), 0) FROM clients) AS longest_transaction_s,
    (SELECT count(*) FROM clients WHERE state LIKE 'idle in transaction%') AS idle_in_transaction,
    (SELECT coalesce(extract(epoch FROM max(now - state_change)), 0) FROM clients
     WHERE state LIKE 'idle in transaction%') AS idle_in_transaction_s,
    (SELECT count(*) FROM sessions WHERE wait_event_type = 'Lock') AS lock_waiters,
    CASE WHEN pg_catalog.pg_is_in_recovery() THEN 1 ELSE (SELECT count(*) FROM standbys) END AS replicas,
    (SELECT count(*) FROM standbys WHERE state IS NULL) AS replicas_hidden,
    CASE WHEN pg_catalog.pg_is_in_recovery()
         THEN pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn())
         ELSE (SELECT max(pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), replay_lsn)) FROM standbys)
    END AS replication_lag_bytes,
    CASE WHEN NOT pg_catalog.pg_is_in_recovery()
         THEN (SELECT extract(epoch FROM max(coalesce(replay_lag, '0'))) FROM standbys)
         WHEN pg_catalog.pg_last_wal_receive_lsn() = pg_catalog.pg_last_wal_replay_lsn() THEN 0
         ELSE extract(epoch FROM clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp())
    END AS replication_lag_s,
    (SELECT deadlocks FROM pg_catalog.pg_stat_database WHERE datname = pg_catalog.current_database()) AS deadlocks
