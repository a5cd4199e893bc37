# 릴리스: 게이트, 승인, 원장, 리스, 그리고 도중에 잘못된 것.

## 다음 명령

next-approve = lockkeeper approve stage2 --reason "…"
next-deployed = lockkeeper deployed --version …
next-rollback = lockkeeper rollback before_schema_add
next-stage1 = lockkeeper stage1
next-stage2 = lockkeeper stage2
next-status = lockkeeper status
nothing-changed = 아무것도 변경하지 않았습니다
say-next = 다음: { $command }

## 게이트

gate-approval-other-plan = { $by }의 승인은 다른 계획에 대한 것입니다: 승인한 뒤에 파일이 변경되었습니다
gate-approval-void = { $by }의 승인은 유효하지 않습니다: { $reason }
gate-approved = { $by }의 승인을 받았습니다
gate-deployed = 배포되었습니다: { $version }
gate-not-approved = 아직 아무도 이 계획을 승인하지 않았습니다
gate-not-deployed = 새 코드의 배포가 확인되지 않았습니다
gate-stage1-complete = 단계 1이 완료되었습니다
gate-stage1-pending = 단계 1이 완료되지 않았습니다: { $migrations }({ $count }개)
release-moved = 이 명령이 실행되는 동안 릴리스의 상태가 바뀌었습니다
release-not-now = 릴리스가 { $state } 상태일 때 { $event }은(는) 할 수 없습니다

## 단계

after-failure-stage1-hint = 고친 뒤 lockkeeper stage1을 다시 실행하세요: 여기서부터 이어집니다
after-failure-stage2-hint = 데이터나 권한을 고친 뒤 lockkeeper stage2를 다시 실행하세요. 파일을 변경하면 새로 승인을 받아야 합니다
file-order-down-broken = { $place }: { $what }: 지금 상태로는 이 마이그레이션을 되돌릴 수 없습니다
file-order-in-use = 이 데이터베이스는 이미 쓰이고 있으며, 파일 순서대로 적용하면 단계 2의 게이트를 건너뛰게 됩니다
file-order-in-use-hint = --file-order 없이 lockkeeper stage1을 실행하세요
migration-failed = 마이그레이션 { $number } { $name }이(가) 실패했습니다
migration-left-nothing = 마이그레이션이 시작한 것을 정리했습니다: 남은 것이 없습니다
stage-done = 단계 { $stage } 완료: 마이그레이션 { $count }개를 적용했습니다
stage-nothing = 단계 { $stage }: 할 일이 없습니다
stage-out-of-order = 마이그레이션 { $numbers }({ $count }개)의 번호가 이미 적용된 마이그레이션보다 앞섭니다
stage-out-of-order-flag-hint = 또는 시험해 보지 않은 순서임을 알고 그대로 적용하세요: lockkeeper stage1 --out-of-order
stage-out-of-order-renumber-hint = 비어 있는 다음 번호를 붙이세요
stage-progress = 이번 실행에서 적용: { $applied }/{ $total }
stage-to-unknown = 마이그레이션 { $number }이(가) 없습니다
stage-waiting = 대기 중: { $migrations }
stage2-closed = 단계 2가 닫혀 있습니다: 게이트 { $count }개가 열리지 않았습니다
stage2-no-release = 열린 릴리스가 없으므로 단계 2에서 마무리할 것이 없습니다
stage2-other-plan = 단계 2에 남은 것이 릴리스 { $release }에 대해 승인된 것과 다릅니다
stage2-other-plan-hint = 파일을 승인된 내용으로 되돌리거나, lockkeeper rollback before_field_remove로 돌아가세요
step-found-half = 인덱스가 이미 있지만 유효하지 않습니다. 다른 누군가가 남긴 것이며, IF NOT EXISTS는 이를 그냥 지나쳤습니다
step-found-half-hint = 그 인덱스를 삭제한 뒤(DROP INDEX CONCURRENTLY) 같은 명령을 다시 실행하세요
step-not-settled = 중단된 스텝이 실행되었는지 알아내지 못했습니다
step-outcome-unknown = 연결이 끊겼습니다: 이 스텝이 반영되었는지는 다음 실행이 확인합니다
step-still-running = 마이그레이션 { $number }의 스텝 { $ordinal }이(가) 이미 끝난 이전 실행을 위해 서버에서 아직 돌고 있습니다: { $sql }
step-still-running-hint = 끝날 때까지 기다리거나 직접 끝내세요. pg_stat_progress_create_index에서 pid를 찾아 pg_terminate_backend를 호출한 뒤 같은 명령을 다시 실행하세요
step-unsettled = 마이그레이션 { $number }의 스텝 { $ordinal }이(가) 중단되었고, 실행되었는지 알 방법이 없습니다: { $sql }
step-unsettled-hint = 직접 확인한 뒤 알려 주세요: 실행되었으면 --unsettled done, 한 번 더 실행하려면 --unsettled again
steps-changed = 마이그레이션 { $number }의 스텝 { $ordinal }은(는) 이미 실행되었는데 파일에는 지금 다르게 적혀 있습니다. 실행된 문장: { $sql }
steps-changed-hint = 이미 실행된 스텝은 실행된 그대로 되돌려 놓으세요. 그 뒤의 스텝은 바꿔도 됩니다
steps-standing = 이 마이그레이션의 스텝 { $total }개 중 { $done }개는 끝났고 그대로 남습니다. 다음 실행은 그 뒤부터 이어집니다
stopped = 안전한 지점에서 멈추었습니다
stopped-hint = 같은 명령을 실행하면 여기서부터 이어집니다
stopped-safe = 적용된 것은 기록되었고, 실행 중이던 것은 롤백되었습니다
transaction-rolled-back = 롤백되었습니다: 아무것도 남지 않았습니다
transaction-left = 마이그레이션이 자신이 실행되던 트랜잭션을 끝냈습니다
transaction-left-hint = 마이그레이션에서 COMMIT, ROLLBACK, PREPARE TRANSACTION을 지우세요
undo-failed = 마이그레이션 { $number } { $name }을(를) 되돌리지 못했습니다
blocked-by = pid { $pid }이(가) 잠금을 갖고 있습니다({ $user } 역할의 { $application }, { $state }, { $seconds }초째): { $query }
blocked-by-autovacuum = autovacuum(pid { $pid })이 { $seconds }초째 잠금을 갖고 있습니다. 랩어라운드 방지가 아니면 스스로 비켜 줍니다
lock-budget-spent = { $attempts }번 시도했지만 잠금을 얻지 못했습니다
lock-budget-spent-hint = 잠금을 가진 쪽이 끝나기를 기다리거나 종료하세요(SELECT pg_terminate_backend(pid)). 또는 한가한 시간에 다시 시도하세요: 같은 명령이 여기서부터 이어집니다

## PostgreSQL이 가장 자주 하는 말

sqlstate-duplicate-hint = 이미 있습니다: 직접 만들었거나 이전에 쓰던 도구가 만들었나요? Lockkeeper의 원장에는 없습니다
sqlstate-enum-hint = 새 enum 값은 커밋된 뒤에야 쓸 수 있습니다: 그 값을 쓰는 부분은 다음 마이그레이션에 두세요
sqlstate-privilege-hint = DB_USER의 역할에 권한이 없습니다. 소유자나 관리자가 부여할 수 있습니다
sqlstate-undefined-hint = 여기에는 없습니다: 빠진 마이그레이션이 있거나 이 역할의 search_path가 다른가요?

## 승인

approval-by-author = { $by }은(는) 이 릴리스의 작성자이므로 승인할 수 없습니다
approval-by-author-hint = 다른 관리자가 전체 클론에서 승인하게 하거나 lockkeeper.toml의 author_may_approve로 허용하세요
authors-git-failed = 누가 마이그레이션을 작성했는지 알 수 없습니다. git의 답: { $reason }
authors-shallow = 누가 마이그레이션을 작성했는지 알 수 없습니다: 얕은 클론입니다(git fetch --unshallow, CI에서는 fetch-depth: 0)
approval-elsewhere = 데이터베이스 { $database }의 릴리스 { $release }에 대한 승인입니다
approval-expired = { $at }에 만료되었습니다
approval-no-signers = allowed_signers 파일이 없습니다
approval-unreadable = 그 내용이 승인이 아닙니다
approve-declined = 승인하지 않았습니다
approve-deployed = 배포됨: { $version }
approve-document = 서명할 내용은 다음과 같습니다:
approve-done = { $by }의 승인을 기록했습니다({ $until }까지 유효)
approve-effect = 효과: { $what }
approve-effect-destroys = 효과: { $what } — 실행하고 나면 데이터가 사라집니다!
approve-effect-why = 효과: { $what } — { $why }
approve-expiry-too-far = 만료 시각이 너무 멉니다
approve-heading = 이전 코드에 필요했던 것을 제거하도록 승인합니다:
approve-migration = { $number } { $name }
approve-needs-yes = 물어볼 터미널이 없습니다. --yes를 주면 묻지 않고 서명합니다
approve-no-key = 서명할 키가 없습니다
approve-no-key-hint = --key로 지정하거나 git의 user.signingkey를 설정하세요
approve-no-principal = 승인하는 사람이 누구인지 알 수 없습니다
approve-no-principal-hint = --as로 지정하거나 git의 user.email을 설정하세요
approve-no-signers = 승인할 수 있는 사람을 적은 파일이 없습니다: { $path }
approve-no-signers-hint = 파일에 한 줄을 추가하세요: admin@example.org namespaces="lockkeeper-admin" ssh-ed25519 AAAA…
approve-not-deployed = 새 코드의 배포가 아직 확인되지 않았습니다!
approve-nothing = 승인할 것이 없습니다: 열린 릴리스에서 기다리는 단계 2 마이그레이션이 없습니다
approve-question = 서명할까요? [y/N]
approve-reason-empty = 승인에는 이유가 필요합니다
approve-reason-empty-hint = 지금 안전한 이유를 적으세요: --reason "all pods on 3.0"
approve-refused = 승인을 기록하지 않았습니다: { $reason }
signature-does-not-match = { $key }의 서명이 이 내용에 대한 것이 아닙니다
signature-key-expired = { $path }에 따르면 { $principal }의 키는 지금 유효하지 않습니다
signature-key-unknown = 키 { $key }이(가) { $path }에 없습니다
signature-principal-other = { $path }에 따르면 키 { $key }은(는) { $principal }의 것이 아닙니다
signature-role-missing = { $path }에서 { $principal }의 키에 역할 { $role }이(가) 없습니다
signature-unreadable = 서명을 읽을 수 없습니다: { $reason }
sign-failed = ssh-keygen이 서명하지 못했습니다: { $reason }
sign-failed-hint = 키 파일이 맞나요? 에이전트가 실행 중인가요(ssh-add -l)? 암호를 입력했나요?
sign-no-ssh-keygen = ssh-keygen을 실행할 수 없습니다: { $reason }
sign-no-ssh-keygen-hint = OpenSSH 클라이언트를 설치하세요: apt-get install openssh-client
signers-cert-authority = 인증 기관은 지원하지 않습니다: 키 자체를 적으세요
signers-key-missing = 이 줄에 키가 없습니다
signers-key-unreadable = 키를 읽을 수 없습니다: { $reason }
signers-line-hint = 한 줄의 형식: principal namespaces="lockkeeper-admin" ssh-ed25519 AAAA…
signers-option-unknown = { $option }은(는) 이 파일에 쓸 수 없는 옵션입니다
signers-time-unreadable = { $text }은(는) 시각이 아닙니다: YYYYMMDD, YYYYMMDDHHMM, YYYYMMDDHHMMSS 중 하나로 쓰세요
signers-unreadable = { $path }을(를) 읽을 수 없습니다: { $reason }

## 롤백

point-not-taken = 롤백 지점 { $point }을(를) 만들지 않았습니다: 되돌릴 것이 적용되지 않았습니다
point-name-automatic = { $name }은(는) Lockkeeper가 쓰는 이름입니다. 다른 이름을 고르세요
point-name-unfit = { $name }은(는) 롤백 지점 이름으로 쓸 수 없습니다: 영문자, 숫자, _ - . 로 { $max }자까지 쓸 수 있습니다
rollback-declined = 롤백하지 않았습니다
rollback-done = { $point }(으)로 돌아왔습니다: 마이그레이션 { $count }개를 되돌렸습니다
rollback-empty-down = (다운 스크립트에 SQL 문이 없습니다: 스키마는 그대로 남습니다)
rollback-failed-hint = 고친 뒤 lockkeeper rollback { $point }을(를) 다시 실행하세요: 여기서부터 이어집니다. --down-from-files를 주면 이 체크아웃의 다운 파일을 실행합니다
rollback-file-missing = 마이그레이션 { $number }의 다운 파일이 이 체크아웃에 없습니다
rollback-heading = 다음 순서로 되돌립니다({ $count }개):
rollback-migration = { $number } { $name }
rollback-needs-yes = 물어볼 터미널이 없습니다. --yes를 주면 묻지 않고 롤백합니다
rollback-no-ledger = 이 데이터베이스에는 원장(ledger)이 없습니다: Lockkeeper로 적용한 것이 없습니다
rollback-no-points-hint = 돌아갈 수 있는 롤백 지점이 없습니다: 마지막 롤백 뒤로 적용한 것이 없습니다
rollback-nothing = 이미 { $point }에 있습니다: 되돌릴 것이 없습니다
rollback-past-stage2 = { $point }(으)로 돌아가려면 단계 2를 거슬러야 합니다: { $migrations }
rollback-past-stage2-backup-hint = 또는 제거된 데이터 자체가 필요하면 단계 2 이전의 백업을 복원하세요
rollback-past-stage2-flag-hint = 또는 데이터를 잃은 채로 돌아가는 것을 받아들이세요: lockkeeper rollback { $point } --past-stage2 --reason "…"
rollback-past-stage2-forward-hint = 돌아가는 대신 앞으로 나아가세요: 빠진 것을 추가하는 새 마이그레이션을 만듭니다
rollback-past-stage2-why = 단계 2가 제거한 데이터는 다운 스크립트로 돌아오지 않습니다: 열은 돌아오지만 비어 있습니다
rollback-point-unknown = 롤백 지점 { $point }이(가) 없습니다
rollback-points-hint = 롤백 지점: { $points }
rollback-progress = 이번 실행에서 되돌림: { $undone }/{ $total }
rollback-question = 롤백할까요? [y/N]

## 리스

lease-busy = 다른 프로세스가 이 데이터베이스를 변경하고 있습니다: { $host }의 { $holder }(pid { $pid }), { $since }부터 { $doing } 실행 중
lease-busy-hint = 끝날 때까지 기다리거나 --wait를 붙여 실행하세요. 그 프로세스가 죽었다면 리스는 { $seconds }초 안에 만료됩니다
lease-busy-unknown = 다른 프로세스가 이 데이터베이스를 변경하고 있습니다
lease-lost = 리스(lease)를 잃었습니다: 이 프로세스가 너무 오래 멈춰 있어 다른 프로세스가 작업 중일 수 있습니다
lease-lost-hint = lockkeeper status로 무엇이 기록되었는지 확인한 뒤 같은 명령을 다시 실행하세요
lease-not-taken = 리스(lease)를 얻을 수 없습니다

## 풀러 뒤에서

pooler-ambiguous = 풀러 뒤에서는 어느 { $name }인지 정할 수 없습니다: { $schemas }에 각각 하나씩 있습니다
pooler-hint = 스키마 이름을 쓰거나, 설정을 빼거나, 풀러 대신 PostgreSQL에 직접 연결하세요: DB_HOST와 DB_PORT
pooler-session-hint = 풀러 뒤에서 트랜잭션 밖의 문장은 다른 클라이언트가 세션에 남긴 설정으로 실행될 수 있습니다: PostgreSQL에 직접 연결하세요(DB_HOST, DB_PORT)
pooler-setting = 이 파일은 트랜잭션 밖의 문장을 위해 설정을 바꾸는데, 풀러 뒤에서는 그 문장이 다른 세션에서 실행될 수 있습니다
pooler-strong-lock = 트랜잭션 밖에서는 다른 작업을 얼마나 오래 기다리게 할지 제한할 수 없습니다: 풀러 뒤에서는 lock_timeout을 설정할 수 없습니다

## 원장과 로그

chain-altered = 이벤트가 변조되었습니다
chain-end-removed = 끝에 있던 이벤트 { $count }개({ $last }까지)가 사라졌습니다
chain-head-altered = 로그의 끝이 마지막 이벤트와 맞지 않습니다
chain-removed = 이벤트 { $from }부터 { $to }까지 사라졌습니다
chain-reordered = 이벤트가 바로 앞의 이벤트와 이어지지 않습니다
connection-lost = 연결이 끊겼습니다: { $doing }: { $reason }
connection-lost-hint = lockkeeper status로 무엇이 기록되었는지 확인한 뒤 같은 명령을 다시 실행하세요
ledger-broken = 원장(ledger)에 있을 수 없는 행이 있습니다: { $what }
ledger-broken-hint = 누군가 lockkeeper 스키마를 직접 고쳤습니다. lockkeeper log --verify로 더 알아보세요
ledger-newer = 원장(ledger)의 버전은 { $found }인데, lockkeeper { $program }은(는) 버전 { $known }까지만 압니다
ledger-newer-hint = 더 새로운 lockkeeper가 여기서 작업했습니다: 그 버전을 사용하세요
ledger-not-created = 데이터베이스 { $database }에 원장(ledger)을 만들 수 없습니다
ledger-not-created-grant-hint = GRANT CREATE ON DATABASE { $database } TO { $user } 또는 CREATE SCHEMA lockkeeper AUTHORIZATION { $user }; 아무것도 변경하지 않았습니다
ledger-not-written = 원장(ledger)에 쓸 수 없습니다
ledger-older = 원장(ledger)의 버전 { $found }이(가) 이 프로그램보다 오래되었습니다
ledger-older-hint = lockkeeper stage1처럼 쓰기를 하는 다음 명령이 원장을 최신으로 올립니다
ledger-read-only-hint = 서버가 쓰기를 받지 않습니다: DB_HOST가 레플리카이거나 default_transaction_read_only가 켜져 있나요?
ledger-unreadable = 원장(ledger)을 읽을 수 없습니다
ledger-unreadable-hint = GRANT USAGE ON SCHEMA lockkeeper TO { $user }; GRANT SELECT ON ALL TABLES IN SCHEMA lockkeeper TO { $user }
log-actor = 수행자
log-at = 시각
log-broken = 로그가 이벤트 { $seq }에서 깨져 있습니다: { $what }
log-broken-hint = 누군가 Lockkeeper 몰래 원장을 고쳤습니다. 백업과 비교하세요
log-detail = 세부 내용
log-event = 이벤트
log-no-ledger = 원장(ledger)이 없습니다: 여기에는 아무것도 기록된 적이 없습니다
log-other-head = 로그는 온전하지만 다른 로그입니다: 헤드가 { $expected }이(가) 아니라 { $found }입니다
log-seq = 번호
log-whole = 로그가 온전합니다: 이벤트 { $count }개, 헤드 { $head }
backfill-rows-held = 아직 채워야 할 { $table }의 행을 다른 세션이 잡고 있습니다
facts-unreadable = { $path }이(가) 말하는 테이블을 살펴볼 수 없었습니다
facts-file-broken = 데이터베이스 정보 파일이 아닙니다: { $reason }
facts-file-hint = 데이터베이스 쪽에서 lockkeeper facts export > facts.json으로 새로 만드세요
facts-file-unreadable = { $path }을(를) 읽을 수 없습니다: { $reason }
facts-file-version = { $path }의 형식 버전 { $found }을(를) 이 프로그램이 알지 못합니다
facts-unreadable-database = 데이터베이스의 테이블을 살펴볼 수 없었습니다
facts-unreadable-all = 대기 중인 마이그레이션이 말하는 테이블을 살펴볼 수 없었습니다
step-ran = 실패한 스텝({ $what }): { $sql }
step-stands = 스텝 { $ordinal }은(는) 남아 있습니다: { $sql }
step-outcome-open = 스텝 { $ordinal }의 결과는 아직 모릅니다. 다음 실행이 확인합니다: { $sql }
steps-standing-hint = 남은 스텝 뒤쪽의 파일을 고쳐 같은 명령을 다시 실행하면 그 자리에서 이어 갑니다. 또는 되돌리세요
undo-half-applied = 마이그레이션 { $number }은(는) 중간에 멈췄으며, 모든 스텝을 되돌릴 수는 없습니다
undo-half-applied-finish-hint = 그 스텝을 다시 실행해 끝낸 다음 되돌리세요
undo-half-applied-files-hint = 또는 남은 것을 되돌리는 down 스크립트를 쓰세요: lockkeeper rollback { $point } --down-from-files
progress-step-at = { $number } 스텝 { $ordinal }: { $phase }, { $percent } %
progress-taking-back = { $number } { $ordinal }단계를 되돌립니다: { $sql }

## 기다리는 이벤트

spool-delivered = 이 컴퓨터에서 기다리던 이벤트 { $count }개를 이제 기록했습니다
spool-waiting = 이벤트 { $count }개가 이 컴퓨터({ $path })에서 쓰기를 하는 다음 명령을 기다립니다
steps-left-out = 마이그레이션 { $number }의 모든 스텝이 끝난 것으로 기록되지 않았습니다: 적용된 것으로 치지 않습니다
server-binaries-other-major = 데이터베이스가 쓰는 PostgreSQL { $major }의 프로그램이 이 컴퓨터에 없습니다
server-hint-shadow-url = 설치하거나, 임시 데이터베이스를 만들 서버를 지정하세요: --shadow-url postgres://…
dump-client-command = 덤프의 이 자리에 올 수 없는 psql 명령입니다
dump-columns-differ = COPY의 열은 { $expected }개인데 이 행의 열은 { $found }개입니다
dump-copy-open = 이 COPY의 행이 끝나지 않습니다. 덤프가 잘렸습니다
dump-no-file = 덤프 { $path }을(를) 읽을 수 없습니다: { $reason }
dump-no-restore = { $path }은(는) 아카이브인데, 이를 읽을 pg_restore가 없습니다
dump-no-restore-hint = PostgreSQL 클라이언트를 설치하거나 일반 덤프를 만드세요: pg_dump --data-only --format=plain
dump-not-restored = pg_restore가 { $path }을(를) 읽지 못합니다: { $programs }
dump-setting = { $setting } = { $value }인 덤프는 읽을 수 없습니다. 최신 pg_dump로 --encoding=UTF8을 주어 만드세요
dump-statement-open = 이 문장이 끝나지 않습니다. 덤프가 잘렸거나 따옴표가 닫히지 않았습니다
dump-unreadable = pg_dump가 쓰는, 열을 밝힌 COPY FROM stdin도 VALUES가 있는 INSERT도 아닙니다
verify-fails-on-given = 덤프의 행이 있으면 실행되지 않으므로, 행이 어떻게 되는지 알 수 없습니다
verify-given = 덤프: 테이블 { $count }개 중 { $loaded }개의 행을 넣었습니다
verify-given-left-out = 행과 관계없어 실행하지 않은 덤프의 문장: { $count }개
verify-given-no-table = { $table }의 행을 검증하지 못했습니다: 행으로 시험한 어떤 마이그레이션에도 이 테이블이 없었습니다
verify-given-other-columns = { $table }의 행을 검증하지 못했습니다: 테이블의 열이 덤프의 열과 일치한 적이 없습니다
verify-given-refused = { $table }의 행을 검증하지 못했습니다: 서버가 거부했습니다(SQLSTATE { $sqlstate })
verify-not-given = { $table }에 덤프의 행이 없어, 행이 어떻게 되는지 알 수 없습니다
verify-words-withheld = 서버의 메시지에는 덤프의 값이 들어 있을 수 있어 보여 주지 않습니다
verify-again-differs = { $number } { $name }: 다시 적용한 스키마가 처음 적용한 스키마와 다릅니다
verify-cannot-record = 이 결과를 데이터베이스에 기록하지 못했습니다: { $reason }
verify-down = 섀도에서 되돌리는 중
verify-down-destroys-rows = { $number }의 다운이 { $table }의 행 { $count }개를 없앱니다
verify-down-destroys-values = { $number }의 다운이 { $column }의 값 { $count }개를 없앱니다
verify-down-differs = { $number } { $name }: 다운 스크립트가 업 스크립트를 되돌리지 못합니다
verify-down-fails = { $number } { $name }: 다운 스크립트가 실패합니다
verify-down-loses-rows = { $number }의 다운이 업 이전부터 있던 { $table }의 행 { $count }개를 없앱니다
verify-down-loses-values = { $number }의 다운이 업 이전부터 있던 { $column }의 값 { $count }개를 없앱니다
verify-down-rows = 섀도에서 행이 있는 테이블을 되돌리는 중
verify-inconclusive = 잘못된 것은 찾지 못했지만 검증하지 못한 마이그레이션이 있습니다: { $count }
verify-lacks-extensions = { $number } { $name }: 섀도에 필요한 확장이 없어 검증하지 못했습니다: { $extensions }
verify-lock-differs = { $place }: { $table }의 잠금이 { $told }(으)로 예측되었지만 실제로는 { $taken }입니다
verify-major-unknown = 데이터베이스의 버전을 알 수 없어, 찾은 버전으로 섀도를 시작합니다
verify-migration-sound = { $number } { $name }: 적용, 되돌리기, 재적용이 모두 맞습니다
verify-named = 섀도: { $server }의 임시 데이터베이스
verify-no-rows = 섀도의 행을 쓰거나 읽을 수 없습니다
verify-no-scratch = 임시 데이터베이스를 만들거나 지울 수 없습니다
verify-no-scratch-hint = 섀도 서버의 역할에 CREATEDB 권한이 필요합니다
verify-no-schema = 섀도의 스키마를 읽을 수 없습니다
verify-no-way-back = { $number } { $name }: 적용됩니다. 시험할 되돌리기가 없습니다
verify-not-filled = { $table }에 넣을 행을 만들 수 없어, 그 행이 어떻게 되는지 알 수 없습니다
verify-not-recorded = 이 결과는 어디에도 기록되지 않았습니다
verify-not-tried = 앞의 마이그레이션이 실패하여 시험하지 못한 것: { $count }
verify-orders-agree = 파일 순서와 단계 순서의 최종 스키마가 같습니다
verify-orders-differ = 파일 순서와 단계 순서의 최종 스키마가 다릅니다
verify-private = 섀도: { $path }의 프로그램으로 시작한 전용 서버
verify-recorded = 파일의 체크섬과 함께 원장에 기록했습니다
verify-role-left = 마이그레이션이 만든 역할 { $role }을(를) 섀도 서버에서 지우지 못했습니다
verify-rows-not-tried = 만들어 넣은 행이 있는 상태에서는 실행되지 않아, 행이 어떻게 되는지 알 수 없습니다
verify-safe-differs = 안전한 스텝의 결과가 원래 문장의 스키마와 다릅니다
verify-safe-fails = 안전한 스텝이 실패합니다
verify-safe-steps = 섀도에서 안전한 스텝을 실행하는 중
verify-sound = 마이그레이션 { $count }개가 모두 올바릅니다
verify-stage-order = 섀도에서 단계 순서로 실행하는 중
verify-stage-order-fails = 파일 순서로는 되는 마이그레이션이 단계 순서에서 실패합니다
verify-unsound = 문제가 있는 마이그레이션: { $count }
verify-up = 섀도에서 실행하는 중
verify-up-again = 섀도에서 다시 실행하는 중
verify-up-again-fails = { $number } { $name }: 되돌린 뒤 다시 적용되지 않습니다
verify-up-again-rows = 섀도에서 행이 있는 테이블에 다시 실행하는 중
verify-up-destroys-rows = { $number }의 업이 { $table }의 행 { $count }개를 없앱니다
verify-up-destroys-values = { $number }의 업이 { $column }의 값 { $count }개를 없앱니다
verify-up-fails = { $number } { $name }: 업 스크립트가 실패합니다
verify-up-rows = 섀도에서 행이 있는 테이블에 실행하는 중
settings-shadow-password = 명령줄의 비밀번호는 이 컴퓨터의 모든 사용자가 볼 수 있습니다
settings-hint-shadow-password = --shadow-url에서 빼고 ~/.pgpass에 넣으세요
