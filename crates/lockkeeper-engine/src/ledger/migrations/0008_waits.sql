-- A release may go back because nobody approved its stage 2 in time.
ALTER TABLE lockkeeper.journeys DROP CONSTRAINT journeys_cause_check;
ALTER TABLE lockkeeper.journeys ADD CONSTRAINT journeys_cause_check CHECK (cause IN ('migration_failed',
    'deploy_failed', 'unhealthy', 'aborted', 'not_approved', 'rollback_failed'));
