-- What stands, and who was told when: an alert about what is known already is not put down again before it is time for
-- a reminder, and what is resolved leaves no row. `told` counts the first alert and the reminders.
CREATE TABLE lockkeeper.open_alerts (
    about       text PRIMARY KEY CHECK (about <> ''),
    kind        text NOT NULL CHECK (kind <> ''),
    -- The one that said so first, and the one that said so last.
    first_id    uuid NOT NULL REFERENCES lockkeeper.outbox,
    alert_id    uuid NOT NULL REFERENCES lockkeeper.outbox,
    opened_at   timestamptz NOT NULL,
    told_at     timestamptz NOT NULL,
    told        integer NOT NULL CHECK (told > 0),
    CHECK (told_at >= opened_at)
);
CREATE INDEX open_alerts_told_at ON lockkeeper.open_alerts (told_at);

-- Of an alert that reminds: the how manieth it is about the same.
ALTER TABLE lockkeeper.outbox ADD COLUMN told integer NOT NULL DEFAULT 1 CHECK (told > 0);
