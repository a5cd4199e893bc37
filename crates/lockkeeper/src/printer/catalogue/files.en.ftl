# Migration files: names, pairs, syntax, directives, and how they stand to the ledger.

## The folder and its files

folder-hint = run lockkeeper init, or say where the migrations are with --migrations or in lockkeeper.toml
folder-missing = the folder of the migrations is not there: { $path }
folder-unreadable = the folder of the migrations cannot be read: { $path }: { $reason }
file-empty = { $path } is empty
file-empty-hint = write what it shall do; a down script that has nothing to undo says so in a comment
file-name-unknown = { $path } is not named like a migration
file-name-unknown-hint = name it NN_name_up.sql and NN_name_down.sql (or NN_name.up.sql, NN_name.down.sql), or move it to another folder
file-not-utf8 = { $path } is not UTF-8 from byte { $offset } on
file-not-utf8-hint = save the file as UTF-8
file-not-written = { $path } could not be written: { $reason }
file-number-twice = number { $number } is used twice: { $paths }
file-number-twice-hint = give one of the pairs the next free number
file-pair-incomplete = { $path } has no counterpart { $expected }
file-pair-incomplete-down-hint = write the down script; where nothing can be undone, a comment in it says why
file-pair-incomplete-up-hint = a down script alone does nothing: write the up script, or remove the file
file-pair-names-differ = { $down } is taken as the down script of { $up }, though its name differs
file-unreadable = { $path } cannot be read: { $reason }
file-without-statement = { $path } holds no statement
file-zero-byte = { $path } holds a zero byte, which no SQL file can
new-name-hint = letters, digits and underscores: add_users_full_name
new-name-unfit = { $name } cannot be a migration's name
number-unreadable = { $text } is not a migration's number

## Syntax

syntax-error = syntax error: { $expected }
syntax-psql-command = this is a command of psql, not SQL
syntax-psql-command-hint = remove it: Lockkeeper sends SQL to the server itself
syntax-template = this is a template, not SQL
syntax-template-hint = write the file out: what runs must be what was reviewed
syntax-too-deep = this is nested too deep to be read
syntax-too-deep-hint = split it: a migration that no person can read is none that can be reviewed
statement-begin-in-no-transaction = BEGIN and COMMIT cannot stand in a file that says no-transaction
statement-begin-in-no-transaction-hint = remove the directive, and the file is one transaction; or remove BEGIN and COMMIT
statement-begin-without-commit = this transaction is never committed
statement-begin-without-commit-hint = write COMMIT, or remove BEGIN: each file is one transaction anyway
statement-copy-from-stdin = COPY … FROM STDIN takes its data from psql, and there is none here
statement-copy-from-stdin-hint = write the rows as INSERT
statement-not-in-transaction = this statement cannot run in a transaction, and the others of the file can
statement-not-in-transaction-directive-hint = or begin the file with -- lockkeeper: no-transaction, and each statement commits by itself
statement-not-in-transaction-split-hint = move it into a migration of its own
statement-rollback = ROLLBACK would throw the migration away and leave its record
statement-rollback-hint = remove it; a migration that fails is rolled back as a whole
statement-transaction-modes = a migration cannot choose the mode of its transaction
statement-transaction-modes-hint = remove it: the file runs in one READ COMMITTED transaction together with its record

## Directives

directive-empty = a directive without a word
directive-key-unknown = { $key } is no part of this directive
directive-known = directives: { $words }
directive-quote-open = a quote is opened here and never closed
directive-reason-hint = say it in a sentence: -- lockkeeper: stage=2 reason="old workers still write this"
directive-reason-missing = directive { $word } needs a reason
directive-stage-in-down = a down script has no stage of its own
directive-stage-value = the stage is 1 or 2
directive-takes-no-value = directive { $word } takes no value
directive-too-late = directive { $word } speaks of the whole file and must stand before the first statement
directive-too-late-hint = move it to the top of the file
directive-twice = directive { $word } stands here a second time
directive-unknown = { $word } is no directive
directive-without-colon = a directive begins with -- lockkeeper: and a colon

## Files that changed after they were applied

drift-changed = migration { $number } { $name } was changed after it was applied
drift-changed-hint = bring the file back to what was applied (git log shows when it changed) and put the change into a new migration
drift-checksums = applied: sha256 { $recorded }, now: sha256 { $found }
drift-down-changed = { $path } differs from the down script of when it was applied; a rollback runs the old one unless told --down-from-files
drift-missing = migration { $number } { $name } is applied and its files are not here
drift-missing-hint = is this checkout older than the database, or on another branch? Bring the files back; a rollback works without them
drift-renamed = migration { $number } { $name } is called { $found } now
drift-renamed-hint = give it its old name back
drift-renumbered = migration { $number } { $name } stands under number { $found } now, and would run a second time
drift-renumbered-hint = give it number { $number } back
directive-allow-value = allow names a rule: allow=drop-column
directive-before-nothing = directive { $word } speaks of the statement behind it, and none begins there
directive-before-nothing-hint = put it on the line before the statement
statement-not-safe = this statement would make the running system wait, and cannot be made safe
statement-not-safe-hint = to run it all the same, put before it: -- lockkeeper: as-written reason="…"

## A schema that changed behind our back

schema-accept-names-hint = these are different: { $names }
schema-accept-nothing-hint = nothing is different from what Lockkeeper left: leave --accept-drift out
schema-accept-reason-empty = say why the change is kept: --reason "…"
schema-accept-unknown = { $name } is not among the objects that were changed behind Lockkeeper's back
schema-appeared = appeared: { $kind } { $name }
schema-changed = changed: { $kind } { $name }
schema-drift = the schema was changed behind Lockkeeper's back: { $count ->
    [one] one object is
   *[other] { $count } objects are
} not as it left them
schema-drift-accept-hint = to keep a change, name it: lockkeeper stage1 --accept-drift "{ $name }" --reason "…"
schema-drift-ignore-hint = for what something else creates and drops all the time: ignore = ["…"] under [drift] in lockkeeper.toml
schema-drift-more = and { $count } more: lockkeeper status --json names all of them
schema-drift-revert-hint = to undo a change, undo it by hand; to keep it for every environment, make it a migration as well
schema-drift-stays = these were changed behind Lockkeeper's back, and a rollback leaves that to the next stage
schema-line = {"   "}{ $sign } { $line }
schema-unreadable = the schema could not be compared with what Lockkeeper left
schema-vanished = vanished: { $kind } { $name }
