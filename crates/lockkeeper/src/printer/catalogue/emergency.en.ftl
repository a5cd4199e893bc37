# The manual way back, and the incident report.

next-emergency = lockkeeper emergency

## What is true now, and what each step would do

emergency-app-answers = then it is asked for up to { $seconds } s until it answers
emergency-app-back = the application goes back to { $version }
emergency-app-runs = the application was not stopped: requests of the new code fail from now until the old code is out
emergency-app-untouched = no deploy was begun: the old code runs
emergency-back-already = release { $release } is rolled back already
emergency-back-already-hint = lockkeeper emergency --from health looks how the application is; --report-only writes the report
emergency-backup-to = a dump into { $path }
emergency-busy = somebody goes through an emergency of this database already
emergency-by-hand-app = bring { $version } out by hand, start it, and wait until it answers
emergency-by-hand-backup = make a backup by hand, with whatever makes yours, or with
emergency-by-hand-files = which migrations are applied nobody can tell; the down scripts of this folder, the last first, are these. Look at the tables before you run any
emergency-by-hand-health = look at the application by hand: does it answer, does it log errors
emergency-by-hand-nothing = neither the ledger nor the folder of migrations can be read: take the down scripts from the repository, the last applied first
emergency-by-hand-stop = stop the application by hand, with whatever runs it: no process of it may write any more
emergency-by-hand-undo = what release { $release } applied is undone by these, in this order; stop at the first that fails
emergency-chain-broken = the event log was altered: at event { $seq }, { $what }
emergency-checks = measured once: { $checks }
emergency-completed = release { $release } is completed: a script does not take it back without being told how far
emergency-completed-hint = lockkeeper emergency --yes --to before_schema_add
emergency-dark = the database cannot be reached
emergency-driven = release { $release } is being driven: two that move it would undo one another
emergency-driven-hint = lockkeeper release abort --reason "…" takes it back; a driver that is gone is free after 15 s
emergency-fit-by-hand = by hand: { $why }
emergency-fit-due = to be done
emergency-fit-settled = done before
emergency-fit-skipped = left out
emergency-fit-unneeded = nothing to do: { $why }
emergency-goes-on = emergency { $emergency }, begun { $at }, goes on; --anew begins another
emergency-lease = { $holder } on { $host } holds the lease: { $doing }
emergency-ledger-absent = this database has no ledger
emergency-ledger-damaged = the ledger is damaged: what is applied can be told in part, and nothing can be recorded in it
emergency-ledger-gone = a part of the ledger is missing
emergency-no-answer = no answer within { $seconds } s
emergency-no-backup-place = neither [backup] directory nor command is set
emergency-no-checks = [health] has no check
emergency-no-hook = no hook { $hook } is configured, or it could not be read
emergency-no-log = the event log could not be read
emergency-no-point = no rollback point of release { $release } leads back
emergency-no-previous = the version to go back to is not known: --previous VERSION
emergency-nothing-applied = nothing of this release is applied
emergency-now = What is true now:
emergency-read-only = the database takes no writes: a standby, or read-only
emergency-server = PostgreSQL { $version } answers
emergency-settings = { $count ->
        [one] one thing in the configuration could not be read and counts as not set
       *[other] { $count } things in the configuration could not be read and count as not set
    }
emergency-step = [{ $place }/{ $total }] { $step } — { $fit }
emergency-steps = The steps:
emergency-undo = back to { $point }, { $count ->
        [one] one migration
       *[other] { $count } migrations
    }, the last first
emergency-undo-keeps = what the new code wrote there is kept, and put back when the migration is applied again
emergency-undo-loses = values are lost for good: { $why }; a backup made before holds them
emergency-undo-one = { $number }: { $path }
emergency-undo-stage2 = stage 2 is undone too: its columns and tables return, not what was in them
emergency-unreachable = the database cannot be reached
emergency-waiting = { $count ->
        [one] one session waits
       *[other] { $count } sessions wait
    } for a lock
emergency-watch = the watch: { $verdict }, last heard of at { $at }

## The steps

emergency-ask = do it? [y = yes, s = leave it out, anything else = stop here]
emergency-ask-done = done? [y = yes, s = leave it out, anything else = stop here]
emergency-ask-past-stage2 = what stage 2 removed stays lost. Undo it all the same? [y = yes, anything else = stop here]
emergency-begun = emergency { $emergency }
emergency-checks-fail = it is back, and not well: { $checks }
emergency-declined = stopped before { $step }
emergency-done = { $step }: done
emergency-journal = { $path } takes no journal: { $reason }
emergency-journal-hint = make room, or set XDG_STATE_HOME to a folder that can be written
emergency-kept = what is done is kept: the same command goes on here
emergency-left-to-you = { $step } is left to a person, and nobody is there to ask
emergency-left-to-you-hint = do it, then lockkeeper emergency --yes --skip { $step }
emergency-name-app = roll the application back
emergency-name-backup = back up
emergency-name-health = check the health
emergency-name-migrations = roll the migrations back
emergency-name-stop-app = stop the application
emergency-needs-yes = there is no terminal to ask on: --yes goes through without asking
emergency-nothing-to-resume = no emergency is waiting to go on
emergency-open = still to be done: { $steps }
emergency-over = the way back is complete
emergency-over-next = next: the list at the end of the report
emergency-past-stage2 = stage 2 is in the way
emergency-past-stage2-hint = lockkeeper emergency --past-stage2 undoes it, without what it removed; --skip migrations leaves the schema
emergency-would-lose = going back would lose values that nothing keeps
emergency-would-lose-hint = lockkeeper emergency --accept-loss loses them; --skip migrations leaves the schema, on which the old code runs
emergency-ask-accept-loss = Lose them all the same? [y = yes, anything else = stop here]
emergency-release-open = the release is { $state }
emergency-release-over = release { $release } is { $state }
emergency-release-unknown = the ledger could not be told that the release is back
emergency-report = incident report: { $path }
emergency-report-exists = { $path } is there already
emergency-report-hint = --report FILE names another place
emergency-report-unwritten = the incident report could not be written: { $reason }
emergency-taken-over = a person takes it back
emergency-unwell = it did not get to its end

alert-emergency-over-summary = it was taken back by hand; the incident report is with whoever did it
alert-emergency-subject = release { $release } is being taken back by { $actor }
alert-emergency-summary = somebody goes through the emergency procedure: the application may be stopped

## The incident report

report-aborted = gave the release up
report-accepted = accepted changes of others
report-activity = Sessions and locks
report-application = application
report-applied = migrations applied: { $count }; of this release: { $remains }
report-approved = approved stage 2
report-at = time (UTC)
report-at-failure = At the failure
report-baseline = normal
report-begun = When the procedure began
report-blocked-by = blocked by
report-bound = bound
report-breach = The breach, as it was recorded:
report-by = written by
report-by-hand = What could not be done by the program; by hand:
report-by-person = did by hand: { $step }
report-cause = why it went back
report-check = check
report-confirmed = confirmed: { $step }
report-database = database
report-decisions = Who decided what
report-deployed = deployed
report-detail = detail
report-emergency = began the emergency procedure
report-environment = environment
report-errors = errors
report-failed = What stopped the procedure
report-failing = fails
report-held = held
report-last-value = last value
report-left-out = { $count } earlier lines are left out; lockkeeper log has them
report-lock = lock
report-measured = What was measured
report-message = message
report-nobody = Nobody else was at work.
report-now = What is true now
report-outcome = outcome
report-pid = pid
report-place = place
report-postgres = PostgreSQL
report-previous = version before
report-procedure = The procedure
report-program = Lockkeeper
report-query = statement
report-rate = error rate
report-recover-before = make ready
report-recover-cause = analyse the cause
report-recover-deploy = deploy again
report-recover-now = look at what is true
report-recover-test = verify it in a test environment
report-recover-write = write the corrected migration
report-recovery = Recovery
report-relation = relation
report-requests = requests
report-role = role
report-rolled-back = rolled the schema back
report-script = Down script { $path }, without its values:
report-skipped = left out: { $step }
report-span = span
report-sql = SQL that failed, and SQL of the way back
report-sqlstate = SQLSTATE
report-started = began the release
report-state = state
report-step = step
report-timeline = Timeline
report-title = Incident report: release { $release }
report-transaction = transaction
report-unknown = What could not be read
report-value = value
report-values-hidden = Values in statements are shown as ?, and what of a server's message quotes a row is left out.
report-version = version
report-waited = waited for
report-waits = waits for
report-what = what
report-who = who
report-why = why
report-written = written at
