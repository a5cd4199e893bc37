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

demo-bars-failures = failed a second    { $bars } at most { $most }
demo-bars-requests = requests a second  { $bars } at most { $most }
demo-command = $ lockkeeper { $command }
demo-end = That was the story, in { $seconds } s. The private server and its data are gone.
demo-ended-completed = went through
demo-ended-waits = waits
demo-failed = the demo could not go on: { $reason }
demo-figures = What the customers noticed
demo-figures-after = failed after the old code was back
demo-figures-back = … until the schema was back, too
demo-figures-completed = went through
demo-figures-detected = from the first failure to the decision
demo-figures-end = the release
demo-figures-failures = of these failed
demo-figures-old-code = … until the old code served
demo-figures-release = { $from } → { $to }
demo-figures-requests = requests
demo-figures-rolled-back = went back by itself
demo-figures-seconds = { $seconds } s
demo-figures-took = it took
demo-file = { $path }
demo-foot-failures = { $bars } { $failures } failed
demo-foot-no-release = no release is on its way
demo-foot-release = release of version { $version }: { $state }
demo-foot-requests = { $bars } { $requests } requests; version { $version } serves
demo-keep-not-empty = { $path } holds something already; the demo wants a new or an empty folder
demo-kept = The migrations and lockkeeper.toml are in { $path }
demo-not-in-the-story = the release { $from } → { $to } ended otherwise than the story has it: { $end }
demo-open = Version 1 serves at { $url }; { $rate } requests a second begin, one in five of them writes
demo-release-one = 1. Version 2 has one name instead of two: add, fill, deploy, watch, approve, remove
demo-release-two = 2. Version 3 divides by the number of orders, which one customer in ten does not have
demo-server = A private PostgreSQL starts, for this demo only
demo-shop = 0. A shop with 10,000 customers
demo-so-far = { $seconds } s: { $requests } requests, { $failures } failed; version { $version } serves
demo-stopped = the demo was stopped; the private server and its data are gone
demo-terms = The gate judges windows of 1 s, three in a row, and watches for seconds, so that the story fits into a minute; the usual windows are of 30 s, and a watch lasts ten minutes
demo-went-wrong = lockkeeper { $command } ended with exit code { $code }, which is not in the story

## docs

docs-cannot-write = { $path } cannot be written: { $reason }
docs-check = check
docs-column = column
docs-comment = comment
docs-default = default
docs-diagram-keys = The schema is too large for a diagram of all its columns: of each table, those of its keys are drawn.
docs-diagram-names = The schema is too large for a diagram of its columns: tables and foreign keys are drawn.
docs-diagram-too-large = The schema is too large for a diagram: { $count } tables.
docs-domain = Domain
docs-empty = There are no tables, views or types.
docs-enum = Enum
docs-exclusion = exclusion
docs-foreign-key = foreign key
docs-foreign-table = Foreign table
docs-generated = generated:
docs-identity-always = identity, always
docs-identity-by-default = identity, by default
docs-index = index
docs-inherits = inherits from
docs-made = Written by lockkeeper docs schema: changes by hand are lost.
docs-many-to-one = many to one
docs-many-to-one-or-none = many to one or none
docs-materialized-view = Materialized view
docs-no = no
docs-no-schema = there is no schema { $name } that somebody made
docs-not-valid = not valid
docs-null = NULL
docs-one-to-one = one to one
docs-one-to-one-or-none = one to one or none
docs-partitioned-by = partitioned by
docs-partitioned-table = Partitioned table
docs-partitions = partitions: { $count }
docs-primary-key = primary key
docs-reads = reads
docs-referenced-by = referenced by
docs-schema = Schema
docs-table = Table
docs-title = Database schema
docs-type = type
docs-unique = unique
docs-unreadable = the schema cannot be read
docs-view = View
docs-written = { $path }: tables { $tables }, views { $views }
docs-yes = yes
