-- What `verify` found, with the checksums of the files that it tried. Rows are only added: a file that has changed is
-- another file, which nobody has tried.
CREATE TABLE lockkeeper.verifications (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    verified_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    verified_by text NOT NULL,
    program     text NOT NULL,
    -- The major version of the shadow.
    server_major integer NOT NULL CHECK (server_major > 0),
    -- Whether file order and stage order end in the same schema; NULL where that could not be tried.
    orders_agree boolean
);

CREATE TABLE lockkeeper.verified_migrations (
    verification_id bigint NOT NULL REFERENCES lockkeeper.verifications,
    number      bigint NOT NULL CHECK (number >= 0),
    up_checksum bytea NOT NULL CHECK (pg_catalog.octet_length(up_checksum) = 32),
    down_checksum bytea NOT NULL CHECK (pg_catalog.octet_length(down_checksum) = 32),
    verdict     text NOT NULL CHECK (verdict IN ('pass', 'fail', 'no_data')),
    -- What could not be tried, in words that programs know: `rows`, `extension postgis`.
    not_verified text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (verification_id, number)
);
CREATE INDEX verified_migrations_files ON lockkeeper.verified_migrations (number, up_checksum, down_checksum);
