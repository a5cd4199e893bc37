# What the commands answer.

## Labels

label-error = error
label-hint = hint
label-note = note
label-warning = warning

## All commands

connection-standby = this server is a replica and takes no writes
connection-standby-hint = point DB_HOST at the primary
runtime-failed = the program could not start: { $reason }

## Progress

progress-applied = applied { $number } { $name } in { $ms } ms
progress-blocked = { $number } waits: { $who }
progress-cleared = cleared away what step { $ordinal } of { $number } had left half done
progress-notice = PostgreSQL: { $severity }: { $text }
progress-point = rollback point { $point } taken
progress-queued = waiting: { $behind }
progress-retrying = { $number }: { $reason }; attempt { $attempt } of { $attempts }, again in { $ms } ms
progress-started = [{ $place }/{ $total }] { $number } { $name }
progress-step = { $number } step { $ordinal } of { $total }: { $sql }
progress-undone = undone { $number } { $name } in { $ms } ms

## init

init-kept = kept { $path }
init-next = next: put the database into .env (see .env.example), then lockkeeper new add_…
init-written = written { $path }

## plan

plan-digest = digest of stage 2, which an approval signs: { $digest }
estimate-from-default = default rate
estimate-from-history = from { $steps } steps of its kind on this database
estimate-hours = takes { $low }–{ $high } h ({ $source })
estimate-minutes = takes { $low }–{ $high } min ({ $source })
estimate-moment = takes a moment: only the catalog changes
estimate-second = takes less than 1 s ({ $source })
estimate-seconds = takes { $low }–{ $high } s ({ $source })
estimate-unknown = how long it takes is not known
plan-finding = ! { $place }: { $what } ({ $rule }) → { $help }
plan-also-locks = also { $lock }
plan-also-locks-table = also { $lock } ({ $size }, { $writes } writes a minute)
plan-migration = { $number } { $name } ({ $kind }) — { $because }
plan-more-locks = … and { $count } more locks (--json shows all)
plan-more-steps = … and { $count } more statements (--json shows all)
plan-nothing = nothing is pending
plan-rollback-class = going back: { $class }
plan-table = { $table }: { $size }, about { $rows } rows, { $indexes } indexes of { $index_size }; { $writes } writes and { $reads } reads a minute
plan-markdown-head = | line | statement | lock | time | why it is safe |
plan-reads = reads the whole table; everybody works meanwhile
plan-rewrites = writes the whole table anew
plan-scans = reads the whole table while it holds the lock
plan-stage1 = Stage 1, before the deploy ({ $count })
plan-stage2 = Stage 2, after the deploy and an approval ({ $count })
plan-step = { $ordinal }. { $path }:{ $line }: { $sql }
plan-step-lock = { $lock }; { $safe }

## deployed

deployed-nothing-waits = no release waits for a deploy: nothing was recorded
deployed-recorded = deployed { $version }: release { $release } is { $state }
deployed-version-empty = the version is empty

## status

state-applied = applied { $at } by { $by }
state-applying = stopped between its steps
state-changed = APPLIED, FILE CHANGED SINCE
state-missing = applied, FILE MISSING
state-pending = pending
state-renamed = applied, FILE RENAMED
state-renumbered = applied, FILE RENUMBERED
state-undoing = stopped between the steps of its down script
state-unreadable = FILE NOT READABLE
state-waiting = waits for stage 2
status-database = database { $database } on { $server }, PostgreSQL { $version }
status-deployed = deployed: { $version } at { $at }
status-empty = there are no migrations
status-gate = { $mark } { $evidence }
status-gates = Gates before stage 2
status-kind = KIND
status-lease = busy: { $holder } on { $host }, pid { $pid }, since { $since }, doing { $doing }
status-name = MIGRATION
status-no-ledger = no ledger yet: nothing was applied by Lockkeeper
status-number = NO
status-point = { $point }, taken { $at } by { $by }
status-points = Rollback points
status-release = release { $release }: { $state }, started { $at } by { $by }
status-stage = STAGE
status-state = STATE
status-way-out = → { $command }

## demo

demo-approve = 6. An admin signs exactly this plan with an SSH key
demo-command = $ lockkeeper { $command }
demo-deployed = 4. The new code goes out; both names live side by side
demo-end = That was the story, in { $seconds } s. The private server and its data are gone.
demo-failed = the demo could not be prepared: { $reason }
demo-first-deploy = 1. Version 1.0 of the shop runs on it
demo-plan = 2. A release: one name instead of two. What would run, and what would it lock?
demo-rollback = 9. Checkout fails: back to where the release began
demo-server = A private PostgreSQL starts, for this demo only
demo-shop = 0. A shop with 10,000 customers
demo-stage1 = 3. Stage 1 adds the new column; the old code does not notice
demo-status = 5. Where does everything stand?
demo-stage2 = 7. All three gates say yes: stage 2 removes what only the old code needed
demo-stopped = the demo was stopped; the private server and its data are gone
demo-third = 8. The next release adds a column
demo-too-early = Too early: stage 2 says what it waits for, and nothing is touched
demo-verify = 10. Every step is in the log, and the log proves itself
demo-went-wrong = lockkeeper { $command } ended with exit code { $code }, which is not in the story
