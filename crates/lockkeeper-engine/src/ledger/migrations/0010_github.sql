-- Reviews of a job on GitHub that approve stage 2.

-- Since when a release waits for one, in which run and for which plan, and which reviews the run had by then: those
-- approve nothing.
CREATE TABLE lockkeeper.github_waits (
    release_id  bigint NOT NULL REFERENCES lockkeeper.releases,
    plan_digest text NOT NULL CHECK (plan_digest LIKE 'sha256:%'),
    repository  text NOT NULL CHECK (repository LIKE '_%/_%'),
    run_id      bigint NOT NULL CHECK (run_id > 0),
    environment text NOT NULL CHECK (environment <> ''),
    -- The attempt of the run in which it began to wait.
    attempt     integer NOT NULL CHECK (attempt > 0),
    approved_before integer NOT NULL CHECK (approved_before >= 0),
    -- JSON: state, login and comment of each.
    reviews     text NOT NULL CHECK (reviews LIKE '[%]'),
    began_at    timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    began_by    text NOT NULL,
    PRIMARY KEY (release_id, plan_digest, repository, run_id, environment)
);

CREATE TABLE lockkeeper.github_approvals (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    release_id  bigint NOT NULL,
    plan_digest text NOT NULL,
    repository  text NOT NULL,
    run_id      bigint NOT NULL,
    environment text NOT NULL,
    attempt     integer NOT NULL CHECK (attempt > 0),
    -- Who reviewed it there, and who that is.
    login       text NOT NULL CHECK (login <> ''),
    principal   text NOT NULL CHECK (principal <> ''),
    comment     text NOT NULL CHECK (pg_catalog.char_length(comment) <= 500),
    -- When it was found: GitHub does not tell when it was given.
    recorded_at timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    FOREIGN KEY (release_id, plan_digest, repository, run_id, environment) REFERENCES lockkeeper.github_waits,
    CHECK (expires_at > recorded_at),
    CHECK (used_at >= recorded_at)
);
CREATE INDEX github_approvals_of_release ON lockkeeper.github_approvals (release_id, id DESC);
