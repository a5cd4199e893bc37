-- Releases that drive themselves: deploy, watch, and the way back.

-- One row for each release that `release start` drives. Who drives holds the row for a term, like the lease.
CREATE TABLE lockkeeper.journeys (
    release_id  bigint PRIMARY KEY REFERENCES lockkeeper.releases,
    version     text NOT NULL CHECK (version <> ''),
    -- What runs until then, as far as it is known: a way back leads there.
    previous_version text CHECK (previous_version <> ''),
    -- What it goes by, as JSON: a decision can be explained after the file has changed.
    terms       text NOT NULL,
    term        bigint NOT NULL DEFAULT 1 CHECK (term > 0),
    holder      text NOT NULL,
    host        text NOT NULL,
    pid         integer NOT NULL,
    seen_at     timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    -- Why it goes back, or is frozen, and how, as it was decided before the first step of it.
    cause       text CHECK (cause IN ('migration_failed', 'deploy_failed', 'unhealthy', 'aborted', 'rollback_failed')),
    rollback_class text CHECK (rollback_class IN ('app only', 'app + schema', 'freeze')),
    way_back    text[],
    evidence    text,
    back_since  timestamptz,
    -- Somebody gives the release up while a process drives it.
    abort_asked_at timestamptz,
    abort_asked_by text,
    abort_reason text,
    CHECK ((abort_asked_at IS NULL) = (abort_asked_by IS NULL) AND (abort_asked_at IS NULL) = (abort_reason IS NULL)),
    CHECK ((cause IS NULL) = (back_since IS NULL) AND (cause IS NULL) = (rollback_class IS NULL)
           AND (cause IS NULL) = (way_back IS NULL))
);

-- What a release does: begun before it is done, and how it went. Its key is the same however often it is begun.
CREATE TABLE lockkeeper.release_tasks (
    release_id  bigint NOT NULL REFERENCES lockkeeper.journeys,
    task        text NOT NULL CHECK (task IN ('verify', 'baseline', 'stage1', 'deploy', 'wait_deployed', 'watch',
                'gates', 'stage2', 'settle', 'stop_app', 'undo_stage2', 'rollback_app', 'wait_rolled_back',
                'undo_stage1', 'start_app')),
    key         uuid NOT NULL,
    attempts    integer NOT NULL CHECK (attempts > 0),
    first_at    timestamptz NOT NULL,
    started_at  timestamptz NOT NULL,
    started_by  text NOT NULL,
    finished_at timestamptz,
    outcome     text CHECK (outcome IN ('done', 'refused', 'failed', 'unhealthy', 'inconclusive', 'interrupted')),
    -- What shows it, as JSON.
    evidence    text,
    PRIMARY KEY (release_id, task),
    CHECK ((finished_at IS NULL) = (outcome IS NULL))
);
