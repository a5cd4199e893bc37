# The release: gates, approvals, ledger, lease, and what went wrong on the way.

## The next command

next-approve = lockkeeper approve stage2 --reason "…"
next-deployed = lockkeeper deployed --version …
next-rollback = lockkeeper rollback before_schema_add
next-stage1 = lockkeeper stage1
next-stage2 = lockkeeper stage2
next-status = lockkeeper status
nothing-changed = nothing was changed
say-next = next: { $command }

## Gates

gate-approval-other-plan = the approval of { $by } names another plan: files changed since
gate-approval-void = the approval of { $by } does not hold: { $reason }
gate-approved = approved by { $by }
gate-deployed = deployed: { $version }
gate-not-approved = nobody has approved this plan
gate-not-deployed = the deploy of the new code is not confirmed
gate-stage1-complete = stage 1 is complete
gate-stage1-pending = stage 1 is not complete: { $migrations } ({ $count })
release-moved = the release moved on while this command ran
release-not-now = { $event } is not possible while the release is { $state }

## Stages

after-failure-stage1-hint = mend it, then run lockkeeper stage1 again: it goes on from here
after-failure-stage2-hint = mend the data or the rights and run lockkeeper stage2 again; a changed file needs a new approval
file-order-down-broken = { $place }: { $what }: as it stands, nothing undoes this migration
file-order-in-use = something runs on this database already, and file order would skip the gates of stage 2
file-order-in-use-hint = run lockkeeper stage1 without --file-order
migration-failed = migration { $number } { $name } failed
migration-left-nothing = what the migration had begun is cleared away: nothing of it stands
stage-done = stage { $stage } complete: { $count ->
    [one] 1 migration applied
   *[other] { $count } migrations applied
}
stage-nothing = stage { $stage }: nothing to do
stage-out-of-order = { $count ->
    [one] migration { $numbers } is
   *[other] migrations { $numbers } are
} numbered below one that is applied already
stage-out-of-order-flag-hint = or apply all the same, in an order that was not tested: lockkeeper stage1 --out-of-order
stage-out-of-order-renumber-hint = give it the next free number
stage-progress = applied in this run: { $applied } of { $total }
stage-to-unknown = there is no migration { $number }
stage-waiting = waiting: { $migrations }
stage2-closed = stage 2 is closed: { $count ->
    [one] a gate says no
   *[other] { $count } gates say no
}
stage2-no-release = no release is open, so there is nothing that stage 2 could end
stage2-other-plan = what is left of stage 2 is not what was approved for release { $release }
stage2-other-plan-hint = bring the files back to what was approved, or go back with lockkeeper rollback before_field_remove
step-found-half = the index exists and is not valid: somebody else left it so, and IF NOT EXISTS passed over it
step-found-half-hint = drop it (DROP INDEX CONCURRENTLY), then run the same command again
step-not-settled = whether an interrupted step happened could not be found out
step-outcome-unknown = the connection broke: whether this step took effect is found out by the next run
step-still-running = step { $ordinal } of migration { $number } still runs on the server, for an earlier run that is gone: { $sql }
step-still-running-hint = wait for its end, or end it: pg_stat_progress_create_index shows its pid for pg_terminate_backend; then run the same command again
step-unsettled = step { $ordinal } of migration { $number } was interrupted, and nothing can tell whether it happened: { $sql }
step-unsettled-hint = look, and say: --unsettled done, or --unsettled again to run it once more
steps-changed = step { $ordinal } of migration { $number } is done, and stands differently in the file now; what ran: { $sql }
steps-changed-hint = bring the steps that are done back to what ran; those behind them may change
steps-standing = { $done } of { $total } steps of this migration are done and stay; the next run goes on behind them
stopped = stopped at a safe point
stopped-hint = the same command goes on from here
stopped-safe = what was applied is recorded; what was running is rolled back
transaction-rolled-back = it was rolled back: nothing of it stands
transaction-left = the migration ended the transaction it ran in
transaction-left-hint = remove COMMIT, ROLLBACK or PREPARE TRANSACTION from it
undo-failed = migration { $number } { $name } could not be undone
blocked-by = pid { $pid } holds the lock ({ $application } as { $user }, { $state }, for { $seconds } s): { $query }
blocked-by-autovacuum = autovacuum, pid { $pid }, holds the lock since { $seconds } s; it gives way unless it prevents wraparound
lock-budget-spent = { $attempts } attempts, and the lock was not to be had
lock-budget-spent-hint = let whoever holds it finish, or end it (SELECT pg_terminate_backend(pid)), or try at a quieter time: the same command goes on from here

## What PostgreSQL says most often

sqlstate-duplicate-hint = it exists already: was it made by hand, or by a tool that ran before? Lockkeeper's ledger does not know it
sqlstate-enum-hint = a new enum value can be used only after it is committed: put its use into the next migration
sqlstate-privilege-hint = the role of DB_USER lacks a right; its owner or an administrator grants it
sqlstate-undefined-hint = it does not exist here: is a migration missing, or does the search_path of this role differ?

## Approvals

approval-by-author = { $by } is the author of this release and may not approve it
approval-by-author-hint = let another admin approve from a full clone, or allow it with author_may_approve in lockkeeper.toml
authors-git-failed = who wrote the migrations is not known: git says: { $reason }
authors-shallow = who wrote the migrations is not known: this is a shallow clone (git fetch --unshallow; in CI, fetch-depth: 0)
approval-elsewhere = it was made for release { $release } of database { $database }
approval-expired = it expired at { $at }
approval-no-signers = there is no allowed_signers file
approval-unreadable = its text is not an approval
approve-declined = not approved
approve-deployed = deployed: { $version }
approve-document = This text will be signed:
approve-done = approved by { $by } until { $until }
approve-effect = it { $what }
approve-effect-destroys = it { $what }: THE DATA IS GONE AFTERWARDS
approve-effect-why = it { $what }: { $why }
approve-expiry-too-far = the expiry is too far away
approve-heading = You approve the removal of what old code needed:
approve-migration = { $number } { $name }
approve-needs-yes = there is no terminal to ask on; --yes signs without asking
approve-no-key = there is no key to sign with
approve-no-key-hint = name one with --key, or set git's user.signingkey
approve-no-principal = it is not known who approves
approve-no-principal-hint = say it with --as, or set git's user.email
approve-no-signers = there is no file of those who may approve: { $path }
approve-no-signers-hint = write a line into it: admin@example.org namespaces="lockkeeper-admin" ssh-ed25519 AAAA…
approve-not-deployed = the deploy of the new code is NOT confirmed yet
approve-nothing = there is nothing to approve: no stage-2 migration waits in an open release
approve-question = Sign? [y/N]
approve-reason-empty = an approval needs a reason
approve-reason-empty-hint = say why it is safe now: --reason "all pods on 3.0"
approve-refused = the approval was not recorded: { $reason }
signature-does-not-match = the signature of { $key } is not of this text
signature-key-expired = the key of { $principal } is not valid at this time, by { $path }
signature-key-unknown = key { $key } does not stand in { $path }
signature-principal-other = key { $key } does not belong to { $principal }, by { $path }
signature-role-missing = the key of { $principal } has no role { $role } in { $path }
signature-unreadable = the signature cannot be read: { $reason }
sign-failed = ssh-keygen did not sign: { $reason }
sign-failed-hint = is the key's file right, is the agent running (ssh-add -l), was the passphrase given?
sign-no-ssh-keygen = ssh-keygen could not be started: { $reason }
sign-no-ssh-keygen-hint = install OpenSSH's client: apt-get install openssh-client
signers-cert-authority = certificate authorities are not supported: list the keys themselves
signers-key-missing = the line has no key
signers-key-unreadable = the key cannot be read: { $reason }
signers-line-hint = a line is: principal namespaces="lockkeeper-admin" ssh-ed25519 AAAA…
signers-option-unknown = { $option } is no option of this file
signers-time-unreadable = { $text } is no time: YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS
signers-unreadable = { $path } cannot be read: { $reason }

## Rollback

point-not-taken = rollback point { $point } was not taken: nothing was applied that it could lead back from
point-name-automatic = { $name } is taken by Lockkeeper itself; choose another name
point-name-unfit = { $name } cannot be a rollback point's name: letters, digits, _ - and ., at most { $max }
rollback-declined = not rolled back
rollback-done = back at { $point }: { $count ->
    [one] 1 migration undone
   *[other] { $count } migrations undone
}
rollback-empty-down = (the down script holds no statement: the schema stays as it is)
rollback-failed-hint = mend it and run lockkeeper rollback { $point } again: it goes on from here; --down-from-files runs the down files of this checkout
rollback-file-missing = the down file of migration { $number } is not in this checkout
rollback-heading = To be undone, in this order ({ $count }):
rollback-migration = { $number } { $name }
rollback-needs-yes = there is no terminal to ask on; --yes rolls back without asking
rollback-no-ledger = this database has no ledger: nothing was ever applied by Lockkeeper
rollback-no-points-hint = no rollback point leads anywhere: nothing is applied since the last rollback
rollback-nothing = already at { $point }: nothing to undo
rollback-past-stage2 = on the way to { $point } stands stage 2: { $migrations }
rollback-past-stage2-backup-hint = or restore a backup from before stage 2, when the removed data itself is needed
rollback-past-stage2-flag-hint = or accept that the data stays lost: lockkeeper rollback { $point } --past-stage2 --reason "…"
rollback-past-stage2-forward-hint = go forward instead: a new migration that adds what is missing
rollback-past-stage2-why = what stage 2 removed does not come back by its down script: the columns return, empty
rollback-point-unknown = there is no rollback point { $point }
rollback-points-hint = points: { $points }
rollback-progress = undone in this run: { $undone } of { $total }
rollback-question = Roll back? [y/N]

## Lease

lease-busy = another process changes this database: { $holder } on { $host }, pid { $pid }, since { $since }, doing { $doing }
lease-busy-hint = wait until it is done, or run the command with --wait; should it have died, its lease expires within { $seconds } seconds
lease-busy-unknown = another process changes this database
lease-lost = the lease was lost: this process was silent for too long, and another may be at work
lease-lost-hint = run lockkeeper status to see what is recorded, then the same command again
lease-not-taken = the lease could not be taken

## Behind a pooler

pooler-ambiguous = behind a pooler nothing decides which { $name } is meant: there is one in each of { $schemas }
pooler-hint = write the schema's name, leave the setting out, or connect to PostgreSQL itself instead of the pooler: DB_HOST and DB_PORT
pooler-session-hint = behind a pooler a statement outside a transaction runs with what another client may have set in its session: connect to PostgreSQL itself (DB_HOST, DB_PORT)
pooler-setting = the file sets something for a statement outside a transaction, and behind a pooler that statement may run in another session
pooler-strong-lock = outside a transaction nothing limits how long this makes others wait: lock_timeout cannot be set behind a pooler

## Ledger and log

chain-altered = the event was altered
chain-end-removed = { $count } events at the end are gone, up to { $last }
chain-head-altered = the end of the log does not fit its last event
chain-removed = events { $from } to { $to } are gone
chain-reordered = the event does not follow the one before it
connection-lost = the connection broke: { $doing }: { $reason }
connection-lost-hint = run lockkeeper status to see what is recorded, then the same command again
ledger-broken = the ledger holds a row that cannot be: { $what }
ledger-broken-hint = somebody edited the schema lockkeeper by hand; lockkeeper log --verify tells more
ledger-newer = the ledger has version { $found }, and lockkeeper { $program } knows versions up to { $known }
ledger-newer-hint = a newer lockkeeper worked here: use that version
ledger-not-created = the ledger could not be created in database { $database }
ledger-not-created-grant-hint = GRANT CREATE ON DATABASE { $database } TO { $user }, or CREATE SCHEMA lockkeeper AUTHORIZATION { $user }; nothing was changed
ledger-not-written = the ledger could not be written
ledger-older = the ledger has version { $found }, older than this program
ledger-older-hint = the next command that writes, such as lockkeeper stage1, brings it up to date
ledger-read-only-hint = the server takes no writes: is DB_HOST a replica, or default_transaction_read_only on?
ledger-unreadable = the ledger could not be read
ledger-unreadable-hint = GRANT USAGE ON SCHEMA lockkeeper TO { $user }; GRANT SELECT ON ALL TABLES IN SCHEMA lockkeeper TO { $user }
log-actor = WHO
log-at = WHEN
log-broken = the log is broken at event { $seq }: { $what }
log-broken-hint = somebody changed the ledger behind Lockkeeper's back; compare with a backup
log-detail = DETAIL
log-event = WHAT
log-no-ledger = no ledger: nothing was ever recorded here
log-other-head = the log is whole, and it is another one: its head is { $found }, not { $expected }
log-seq = NO
log-whole = the log is whole: { $count } events, head { $head }
backfill-rows-held = somebody holds rows of { $table } that are still to be filled
facts-unreadable = the tables that { $path } names could not be looked at
facts-file-broken = this is no file of facts: { $reason }
facts-file-hint = lockkeeper facts export > facts.json writes it anew, on the side of the database
facts-file-unreadable = { $path } could not be read: { $reason }
facts-file-version = { $path } is of version { $found } of the format, which this program does not know
facts-unreadable-database = the tables of the database could not be looked at
facts-unreadable-all = the tables that the pending migrations name could not be looked at
step-ran = the step that failed ({ $what }): { $sql }
step-stands = step { $ordinal } stands: { $sql }
step-outcome-open = step { $ordinal } has no outcome yet; the next run finds out: { $sql }
steps-standing-hint = mend the file behind the steps that stand and run the same command again: it goes on from there; or roll back
undo-half-applied = migration { $number } stopped half-way, and not all of its steps can be taken back
undo-half-applied-finish-hint = run its stage again to finish it, then roll back
undo-half-applied-files-hint = or write a down script for what stands: lockkeeper rollback { $point } --down-from-files
progress-step-at = { $number } step { $ordinal }: { $phase }, { $percent } %
progress-taking-back = { $number } takes step { $ordinal } back: { $sql }

## Events that wait

spool-delivered = { $count ->
    [one] one event
   *[other] { $count } events
} that had waited on this machine: logged now
spool-waiting = { $count ->
    [one] one event waits
   *[other] { $count } events wait
} on this machine for the next command that writes ({ $path })
steps-left-out = not every step of migration { $number } is recorded as done: it does not count as applied
server-binaries-other-major = the programs of PostgreSQL { $major }, which the database runs, are not on this machine
server-hint-shadow-url = install them, or name a server for throw-away databases: --shadow-url postgres://…
dump-client-command = a command to psql that no dump has here
dump-columns-differ = a row with { $found } columns, where COPY names { $expected }
dump-copy-open = the rows of this COPY do not end: the dump is cut off
dump-no-file = the dump { $path } cannot be read: { $reason }
dump-no-restore = { $path } is an archive, and no pg_restore is here to read it
dump-no-restore-hint = install the PostgreSQL client, or write a plain dump: pg_dump --data-only --format=plain
dump-not-restored = pg_restore cannot read { $path }: { $programs }
dump-setting = a dump with { $setting } = { $value } cannot be read; write it with --encoding=UTF8 and a current pg_dump
dump-statement-open = this statement does not end: the dump is cut off, or a quote is open
dump-unreadable = neither COPY FROM stdin with its columns nor INSERT with VALUES, as pg_dump writes them
verify-fails-on-given = it does not run on the rows of the dump, so nothing is known of what becomes of them
verify-given = the dump: rows of { $loaded } of its { $count } tables were put in
verify-given-left-out = statements of the dump that are not about rows, and were left out: { $count }
verify-given-no-table = rows of { $table } not verified: no migration that was tried on rows found such a table
verify-given-other-columns = rows of { $table } not verified: it never has exactly the columns of the dump
verify-given-refused = rows of { $table } not verified: the server refused them (SQLSTATE { $sqlstate })
verify-not-given = no row of the dump is in { $table }, so nothing is known of what becomes of its rows
verify-words-withheld = the server's words are left out, because they may tell values of the dump
verify-again-differs = { $number } { $name }: up again leaves another schema than up
verify-cannot-record = this was not recorded in the database: { $reason }
verify-down = going back in the shadow
verify-down-destroys-rows = down of { $number } destroys { $count } rows of { $table }
verify-down-destroys-values = down of { $number } destroys { $count } values of { $column }
verify-down-differs = { $number } { $name }: the down script does not undo the up script
verify-down-fails = { $number } { $name }: the down script fails
verify-down-loses-rows = down of { $number } destroys { $count } rows of { $table } that were there before up
verify-down-loses-values = down of { $number } destroys { $count } values of { $column } that were there before up
verify-down-rows = going back in the shadow on tables with rows
verify-inconclusive = nothing wrong was found, but migrations could not be verified: { $count }
verify-lacks-extensions = { $number } { $name }: not verified, because the shadow lacks what it needs: { $extensions }
verify-lock-differs = { $place }: the lock on { $table } was told as { $told } and is { $taken }
verify-major-unknown = the database cannot be asked for its version, so the shadow is of the version that was found
verify-migration-sound = { $number } { $name }: up, down and up again lead where they should
verify-named = shadow: throw-away databases on { $server }
verify-no-rows = the rows in the shadow could not be written or read
verify-no-scratch = no throw-away database could be made or removed
verify-no-scratch-hint = the role of the shadow's server needs CREATEDB
verify-no-schema = the shadow's schema could not be read
verify-no-way-back = { $number } { $name }: up runs; there is no way back to try
verify-not-filled = no row could be made for { $table }, so nothing is known of what becomes of its rows
verify-not-recorded = this was not recorded anywhere
verify-not-tried = not tried, because they stand behind one that fails: { $count }
verify-orders-agree = file order and stage order end in the same schema
verify-orders-differ = file order and stage order do not end in the same schema
verify-private = shadow: a private server with the programs in { $path }
verify-recorded = recorded in the ledger, with the checksums of the files
verify-role-left = the role { $role }, which a migration made, could not be removed from the shadow's server
verify-rows-not-tried = it does not run on the rows that were made up for it, so nothing is known of what becomes of rows
verify-safe-differs = its safe steps do not end in the schema of the plain statements
verify-safe-fails = its safe steps fail
verify-safe-steps = running the safe steps in the shadow
verify-sound = all { $count } migrations are sound
verify-stage-order = running in stage order in the shadow
verify-stage-order-fails = in stage order, a migration fails that runs in file order
verify-unsound = migrations with something wrong: { $count }
verify-up = running in the shadow
verify-up-again = running again in the shadow
verify-up-again-fails = { $number } { $name }: up does not run again after down
verify-up-again-rows = running again in the shadow on tables with rows
verify-up-destroys-rows = up of { $number } destroys { $count } rows of { $table }
verify-up-destroys-values = up of { $number } destroys { $count } values of { $column }
verify-up-fails = { $number } { $name }: the up script fails
verify-up-rows = running in the shadow on tables with rows
settings-shadow-password = a password on the command line can be seen by everybody on the machine
settings-hint-shadow-password = leave it out of --shadow-url and put it into ~/.pgpass
