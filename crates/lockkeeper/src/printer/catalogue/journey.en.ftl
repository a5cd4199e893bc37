# The release that drives itself: its tasks, its way back, its hooks.

journey-lost = another process drives this release now: this one slept, or lost the database, for too long
journey-lost-hint = lockkeeper release status tells who it is
next-resume = lockkeeper release resume
release-is-driven = the release drives itself: a stage by hand would run beside it

## The way back

way-back-app-only = the schema stays, and the old code runs on it: going back would lose what { $migrations } holds ({ $why })
way-back-app-wanted = the schema stays, as on_breach = "app" asks for
way-back-frozen = going back would not bring back what stage 2 removed: { $migrations } ({ $why })
way-back-nothing-added = stage 1 added nothing that would have to go
way-back-salvaged = the schema goes back after the old code answers; what the new code wrote into what { $migrations } added is kept, and put back when it is applied again
way-back-schema = the schema goes back after the old code answers, and nothing is lost

## A release that drives itself

alert-approval-subject = release { $release } waits for an approval of stage 2
alert-approval-summary = the watch ended healthy; an admin reads the plan and signs it, then lockkeeper release resume goes on
alert-release-back-subject = release { $release } is rolled back
alert-release-back-summary = the old code answers; the release is over
alert-release-frozen-subject = release { $release } is frozen: a person is needed
alert-release-frozen-summary = nothing more is done by itself ({ $cause }); lockkeeper release status tells what is true now
alert-release-goes-back-subject = release { $release } ({ $version }) is being rolled back
alert-release-goes-back-summary = because of { $cause }: { $class }
hook-failed = { $program } ended with { $status }: { $stderr }
hook-lost = what became of the hook could not be found out: { $reason }
hook-missing = no hook { $hook } is configured
hook-missing-hint = write [hooks.deploy] and [hooks.rollback_app] into lockkeeper.toml, each with run = "…"
hook-not-started = { $program } could not be started: { $reason }
hook-timed-out = { $program } did not end within { $seconds } s
journey-busy = release { $release } is driven by { $holder } on { $host } (process { $pid }), last heard of at { $seen }
journey-busy-hint = wait with --wait; a driver that is gone is free after { $seconds } s
next-release-abort = lockkeeper release abort --reason "…"
journey-back-by-hand = somebody began to take release { $release } back by hand, and has not finished
journey-back-by-hand-hint = the same rollback again finishes it: lockkeeper rollback POINT; lockkeeper emergency takes the application back, too
journey-by-hand = release { $release } is driven by hand
journey-cool-down = release { $release } was rolled back a moment ago: look into it first ({ $seconds } s left)
journey-cool-down-hint = or begin all the same: lockkeeper release start --despite-cool-down
journey-goes-back-already = release { $release } goes back already
journey-inconclusive = the watch had not enough to judge by
journey-no-answer = { $check } does not answer after { $seconds } s
journey-not-verified = the migrations are not sound: something failed when they were tried
journey-not-well = the system is not well before anything is deployed: { $checks }
journey-not-well-hint = mend it first, or begin all the same: lockkeeper release start --despite-baseline
journey-nothing = no release is on its way
journey-open = release { $release } is { $state }: one release at a time
journey-task-stays = { $task } did not get to its end
journey-unhealthy = the watch saw that the release is not well
next-release-start = lockkeeper release start --version …
next-release-status = lockkeeper release status
next-verify = lockkeeper verify
release-abort-asked = release { $release }: { $holder } on { $host } (process { $pid }) was asked to take it back
release-abort-reason = an abort needs a reason
release-abort-reason-hint = lockkeeper release abort --reason "…"
release-after-stage2 = after stage 2
release-before-stage2 = until stage 2
release-by-hand = it is driven by hand: stage1, deployed, stage2
release-cause-aborted = it was given up
release-cause-deploy = the deploy failed
release-cause-migration = a migration failed
release-cause-rollback = going back failed
release-cause-unhealthy = the new code is not well
release-cause-unknown = the cause is not recorded
release-completed = release { $release } is complete
release-database-gone = the database cannot be reached; waiting for it
release-driven-by = driven by { $holder } on { $host } (process { $pid }), last heard of { $seen }
release-frozen = release { $release } is frozen: { $cause }. Nothing more is done by itself
release-frozen-next = what is true now: lockkeeper release status; by hand: lockkeeper emergency
release-backs-up = only a backup is missing before stage 2: making one
release-goes-back = { $cause }: the release goes back ({ $class }: { $because })
release-heading-attempts = attempts
release-heading-began = began
release-heading-outcome = outcome
release-heading-task = task
release-heading-took = took
release-moved-on = { $from } → { $to }
release-none = no release yet
release-not-driven = nobody drives it; { $holder } was last heard of { $seen }
release-only-abort = --reason goes with abort only
release-only-start = --version, --previous, --despite-baseline and --despite-cool-down go with start only
release-preview = { $previous } → { $version }
release-preview-migration = stage { $stage }: { $number } { $name }
release-preview-way = a rollback { $when }: { $class } ({ $because })
release-rolled-back = release { $release } is rolled back: { $cause }
release-rolled-back-next = what was measured: lockkeeper release status --json; the next one may begin after the cool-down
release-task = { $task }
release-task-again = { $task } (attempt { $attempt })
release-task-baseline = looking whether the system is well
release-task-deploy = deploying
release-task-done = { $task }: done in { $ms } ms
release-task-gates = asking the gates before stage 2
release-task-not = { $task }: { $outcome } after { $ms } ms
release-task-rollback-app = bringing the old code back
release-task-settle = watching after stage 2
release-task-stage1 = stage 1
release-task-stage2 = stage 2
release-task-start-app = starting the application
release-task-stop-app = stopping the application
release-task-undo-stage1 = undoing stage 1
release-task-undo-stage2 = undoing stage 2
release-task-verify = verifying the migrations
release-task-wait-deployed = waiting for the new code to answer
release-task-wait-rolled-back = waiting for the old code to answer
release-task-watch = watching
release-version-missing = a release needs the version that it deploys
release-versions = { $previous } → { $version }
release-waits = release { $release } waits: no process needs to stay up
release-waits-then = then: lockkeeper release resume
release-went-back = { $at }: { $cause } ({ $class })
settings-hook-empty = a hook needs a command
settings-hook-timeout = a hook's time limit must not be zero
settings-hook-kit-missing = [hooks.{ $kit }] needs { $option }
settings-hook-kit-unknown = [hooks.{ $kit }] has no { $option }; it knows { $known }
settings-hook-kit-mistyped = { $option } in [{ $kit }] must be { $expected }
settings-hook-kit-several = [hooks.{ $one }] and [hooks.{ $other }] both stand for all hooks: keep one, and write single hooks out beside it
settings-on-breach = on_breach is "schema" or "app", not { $value }
verify-not-sound = { $number } { $name } is not sound: lockkeeper verify tells why

## The check list

checklist-after = After
checklist-aged = { $evidence } ({ $age } ago)
checklist-alerts-waiting = { $count ->
    [one] 1 alert has not arrived
   *[other] { $count } alerts have not arrived
}
checklist-as-before = answers take as long as before the deploy
checklist-before = Before
checklist-breached = the watch saw a breach
checklist-during = During
checklist-environment = everything that the settings take from the environment is there
checklist-environment-missing = missing ({ $count }): { $first }
checklist-error-rate = { $errors } errors in { $requests } requests of the last 15 minutes: { $share } (threshold { $max })
checklist-healthy = the watch of this release ended healthy
checklist-inconclusive = the watch had not enough to judge by
checklist-log-broken = the event log does not hold: { $what }
checklist-log-spooled = { $count ->
    [one] 1 event waits on this machine
   *[other] { $count } events wait on this machine
} to be logged
checklist-log-whole = the event log is whole ({ $events } events), and every alert has arrived
checklist-never-watched = this release has not been watched
checklist-no-baseline = there is no baseline to compare the times of answers with
checklist-no-log = there is no event log yet
checklist-no-target = no database is named: DB_HOST, DB_NAME or DATABASE_URL
checklist-no-way-back = no way back was verified for { $migrations }
checklist-not-watching = nobody is watching
checklist-nothing-measured = nothing was measured in the last 15 minutes
checklist-slower = slower or failing more than before the deploy: { $checks }
checklist-stage2-complete = stage 2 is complete
checklist-stage2-pending = stage 2 is not complete: { $migrations }
checklist-still-watching = the watch of this release goes on
checklist-tested = every pending migration passed as it is now
checklist-tls-encrypted = the connection is encrypted, and the server's certificate is not verified
checklist-tls-local = the connection is a socket of this machine
checklist-tls-plain = the connection is not encrypted
checklist-tls-verified = the connection is encrypted, and the server's certificate is verified
checklist-untested = not verified as they are now: { $migrations }
checklist-watching = the watch is running
checklist-way-back = every pending migration has a way back that was verified
next-baseline = lockkeeper health check --for 2m --save-baseline
next-environment = set it in the environment or in .env
next-health-for = lockkeeper health start --for 10m
next-health-start = lockkeeper health start
next-health-status = lockkeeper health status
next-log-verify = lockkeeper log --verify
next-notify-deliver = lockkeeper notify deliver
next-sslmode = DB_SSLMODE=verify-full
