# What statements do, why that matters to running code, and what the rules say.

## What a statement does

effect-add-column = adds column { $table }.{ $name }
effect-add-constraint = adds constraint { $name } to { $table }
effect-alter = alters { $object } { $name }
effect-alter-column = alters column { $table }.{ $name }
effect-analyze = gathers statistics
effect-attach-partition = attaches partition { $name } to { $table }
effect-call = runs a procedure or a prepared statement, which cannot be read beforehand
effect-call-of = calls { $name }, whose body is not read here
effect-cluster = writes the table anew in the order of an index
effect-comment = writes a comment or label
effect-create = creates { $object } { $name }
effect-create-index = creates index { $name } on { $table }
effect-create-unique-index = creates unique index { $name } on { $table }
effect-delete = deletes rows of { $name }
effect-detach-partition = detaches partition { $name } from { $table }
effect-drop = drops { $object } { $name }
effect-drop-column = drops column { $table }.{ $name }
effect-drop-constraint = drops constraint { $name } of { $table }
effect-dynamic = runs SQL that { $by } puts together, which cannot be read beforehand
effect-foreign-language = runs code in { $name }, which is not read
effect-too-deep = runs SQL that is nested too deep to be read
effect-unknown-syntax = runs a part that the grammar does not know
effect-grant = grants rights
effect-insert = inserts rows into { $name }
effect-lock = locks { $name }
effect-query = reads
effect-refresh = refreshes materialized view { $name }
effect-reindex = builds an index anew
effect-rename = renames { $object } { $name }
effect-rename-column = renames column { $table }.{ $name }
effect-revoke = takes rights away
effect-rewrite = moves { $name } to another place or kind of storage
effect-row-security-off = switches row security of { $name } off
effect-row-security-on = switches row security of { $name } on
effect-session = changes settings of the session
effect-settle = changes settings of { $name }
effect-trigger-off = switches a trigger or rule of { $name } off
effect-trigger-on = switches a trigger or rule of { $name } on
effect-truncate = empties { $name }
effect-update = updates rows of { $name }
effect-vacuum = vacuums
effect-validate = checks every row of { $name } against a constraint

## Why the running code would notice

why-constraint-gone = code that relies on { $name }, such as ON CONFLICT, fails or writes what it must not
why-default-changed = inserts of the running code that leave { $name } out get another value, or fail
why-dropped = code that still uses { $name } fails
why-index-gone = queries of the running code that need { $name } become slow
why-inserts-fail = inserts of the running code, which does not know { $name }, fail
why-nulls-refused = writes of the running code that leave { $name } empty fail
why-renamed = code that uses the name { $name } fails
why-rights-gone = code that uses these rights fails
why-rows-gone = rows of { $name } that the running code may read are gone
why-rows-hidden = rows of { $name } that no policy shows vanish from the running code
why-rule = the rule rewrites the running code's statements on { $table }
why-trigger-off = writes of the running code to { $name } lose what the trigger did for them
why-type-changed = the running code reads and writes the old type of { $name }
why-unreadable = what it does is known only when it runs
why-values-refused = writes of the running code that { $name } no longer accepts fail
why-writes-refused = writes of the running code to { $table } that break it fail

## The stage and where it comes from

stage-by-directive = directive: { $reason }
stage-by-name = its name, { $name }; the effects fit both stages
stage-by-nothing = nothing in it is noticed by running code
stage-by-unreadable = it runs SQL that cannot be read beforehand
stage-disagreement = name and effects disagree: { $name } is { $kind }, which is stage { $by_name }, but it { $what }, which is stage { $by_effects }
stage-disagreement-directive-hint = if you know better, say why in the first lines of the file: -- lockkeeper: stage={ $stage } reason="…"
stage-disagreement-rename-hint = rename the pair: { $stage ->
    [1] add_… or create_… say stage 1
   *[2] remove_… or drop_… say stage 2
}, any other name lets the effects decide
stage-disagreement-split-hint = split it into two pairs: one that adds, for stage 1, and one that removes, for stage 2

## Locks

lock-blocks-ddl = blocks only other schema changes
lock-blocks-nothing = blocks nothing that an application does
lock-blocks-reads = blocks reads and writes
lock-blocks-writes = blocks writes
lock-none = no lock on a table in use
lock-on = { $mode } on { $table }, { $blocks }

## Why a step is safe

safe-lock-timeout = waits no longer than lock_timeout for it, then lets everybody pass and tries again
safe-no-lock = nothing that the running code uses is touched
safe-own-transaction = commits by itself together with its record
safe-standalone-again = may run twice without harm, so an interruption is mended by running it again
safe-standalone-settled = blocks neither reads nor writes; after an interruption the catalog tells whether it happened, and a half-done one is cleared away
safe-standalone-unknown = runs outside a transaction; after an interruption a person must say whether it happened



# Safe steps: what each does, why it is safe, and what cannot be made safe.
step-adds-check = adds a check that { $column } of { $table } is not null, for new rows only
step-proves-not-null = reads { $table } to prove that { $column } is nowhere null
step-drops-check = drops the check { $name } of { $table } again
step-validates = validates { $name } on { $table }
step-builds-index = builds index { $name } on { $table }
step-fills-column = fills { $column } of { $table }, batch by batch
safe-not-valid = NOT VALID: no row is read, the lock is held for a moment
safe-validates = everybody reads and writes while it reads the table
safe-concurrently = built beside the traffic; half built, it is dropped and built again
safe-drops-concurrently = waits for those who use it, and makes nobody wait
safe-using-index = takes over the index that is built already: a moment
safe-brief = what is dear is done beforehand: the lock is held for a moment
safe-catalog-only = only the catalog changes: the lock is held for a moment
safe-partitions-ready = every partition has its own already: a moment
safe-refresh = the view is read while it is refreshed
safe-batches = short transactions that pass over rows which others hold
unsafe-type = the type of { $column } changes from { $old } to { $new }: every row of { $table } is written while nobody can read it
unsafe-type-way-out = add a new column, fill it, let the code use it, and remove the old one in stage 2
unsafe-rewrite = every row of { $table } is written while nobody can read it
unsafe-rewrite-way-out = do it while nobody uses the table, or copy it step by step
unsafe-reindex = nobody can write the table of { $name } until it is done
unsafe-reindex-way-out = write CONCURRENTLY
unsafe-exclude = the index behind the constraint is built while nobody can read or write { $table }
unsafe-exclude-way-out = create a new table with the constraint, and move the rows
unsafe-filled-column = { $column } gets a value in every row of { $table } while nobody can read it
unsafe-filled-column-way-out = add a plain column, give it its default and its constraint by statements of their own
unsafe-triggers = filling { $column } would fire the triggers of { $table } for every row, and this role may not switch them off
unsafe-triggers-way-out = grant the role SET on session_replication_role (PostgreSQL 15), or fill the column by an UPDATE of your own
unsafe-refresh = nobody can read { $name } until it is refreshed
unsafe-refresh-way-out = give it a unique index on plain columns: then it is refreshed beside its readers
unsafe-one-transaction = the file uses savepoints, a temporary table or LOCK, which need one transaction, and this statement would need several
unsafe-one-transaction-way-out = move the statement into a migration of its own
