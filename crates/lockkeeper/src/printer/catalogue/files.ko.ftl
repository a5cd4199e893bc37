# 마이그레이션 파일: 이름, 쌍, 구문, 지시문, 그리고 원장과의 관계.

## 폴더와 파일

folder-hint = lockkeeper init을 실행하거나, --migrations 또는 lockkeeper.toml에 마이그레이션 폴더를 지정하세요
folder-missing = 마이그레이션 폴더가 없습니다: { $path }
folder-unreadable = 마이그레이션 폴더를 읽을 수 없습니다: { $path }: { $reason }
file-empty = { $path }이(가) 비어 있습니다
file-empty-hint = 할 일을 쓰세요. 되돌릴 것이 없는 다운 스크립트라면 그렇다고 주석에 적습니다
file-name-unknown = { $path }은(는) 마이그레이션 파일 이름의 형식이 아닙니다
file-name-unknown-hint = 이름을 NN_name_up.sql과 NN_name_down.sql(또는 NN_name.up.sql, NN_name.down.sql)로 짓거나 다른 폴더로 옮기세요
file-not-utf8 = { $path }이(가) 바이트 { $offset }부터 UTF-8이 아닙니다
file-not-utf8-hint = 파일을 UTF-8로 저장하세요
file-not-written = { $path }을(를) 쓸 수 없습니다: { $reason }
file-number-twice = 번호 { $number }이(가) 두 번 쓰였습니다: { $paths }
file-number-twice-hint = 둘 중 한 쌍에 비어 있는 다음 번호를 붙이세요
file-pair-incomplete = { $path }의 짝인 { $expected }이(가) 없습니다
file-pair-incomplete-down-hint = 다운 스크립트를 쓰세요. 되돌릴 것이 없다면 그 이유를 주석에 적습니다
file-pair-incomplete-up-hint = 다운 스크립트만으로는 아무 일도 하지 않습니다: 업 스크립트를 쓰거나 파일을 지우세요
file-pair-names-differ = 이름이 다르지만 { $down }을(를) { $up }의 다운 스크립트로 사용합니다
file-unreadable = { $path }을(를) 읽을 수 없습니다: { $reason }
file-without-statement = { $path }에 SQL 문이 없습니다
file-zero-byte = { $path }에 SQL 파일에는 있을 수 없는 0 바이트가 있습니다
new-name-hint = 영문자, 숫자, 밑줄을 쓰세요: add_users_full_name
new-name-unfit = { $name }은(는) 마이그레이션 이름으로 쓸 수 없습니다
number-unreadable = { $text }은(는) 마이그레이션 번호가 아닙니다

## 구문

syntax-error = 구문 오류: { $expected }
syntax-psql-command = SQL이 아니라 psql 명령입니다
syntax-psql-command-hint = 지우세요: Lockkeeper는 SQL을 서버에 직접 보냅니다
syntax-template = SQL이 아니라 템플릿입니다
syntax-template-hint = 완성된 SQL을 쓰세요: 실행되는 것은 리뷰한 것과 같아야 합니다
syntax-too-deep = 너무 깊이 중첩되어 읽을 수 없습니다
syntax-too-deep-hint = 나누어 쓰세요: 사람이 읽을 수 없는 마이그레이션은 리뷰할 수 없습니다
statement-begin-in-no-transaction = no-transaction을 선언한 파일에는 BEGIN과 COMMIT을 쓸 수 없습니다
statement-begin-in-no-transaction-hint = 지시문을 지우면 파일 전체가 한 트랜잭션이 됩니다. 그러지 않으려면 BEGIN과 COMMIT을 지우세요
statement-begin-without-commit = 이 트랜잭션은 커밋되지 않습니다
statement-begin-without-commit-hint = COMMIT을 쓰거나 BEGIN을 지우세요: 어차피 파일마다 한 트랜잭션입니다
statement-copy-from-stdin = COPY … FROM STDIN은 psql에서 데이터를 받는데 여기에는 psql이 없습니다
statement-copy-from-stdin-hint = 행을 INSERT로 쓰세요
statement-not-in-transaction = 이 SQL 문은 트랜잭션 안에서 실행할 수 없지만 파일의 다른 SQL 문은 실행할 수 있습니다
statement-not-in-transaction-directive-hint = 또는 파일을 -- lockkeeper: no-transaction으로 시작하세요. 그러면 SQL 문마다 따로 커밋됩니다
statement-not-in-transaction-split-hint = 별도의 마이그레이션으로 옮기세요
statement-rollback = ROLLBACK은 마이그레이션을 버리고 기록만 남깁니다
statement-rollback-hint = 지우세요. 실패한 마이그레이션은 통째로 롤백됩니다
statement-transaction-modes = 마이그레이션은 자기 트랜잭션의 모드를 정할 수 없습니다
statement-transaction-modes-hint = 지우세요: 파일은 그 기록과 함께 하나의 READ COMMITTED 트랜잭션에서 실행됩니다

## 지시문

directive-empty = 내용이 없는 지시문입니다
directive-key-unknown = { $key }은(는) 이 지시문에 쓸 수 없습니다
directive-known = 지시문: { $words }
directive-quote-open = 여기서 연 따옴표가 닫히지 않았습니다
directive-reason-hint = 이유를 한 문장으로 적으세요: -- lockkeeper: stage=2 reason="old workers still write this"
directive-reason-missing = 지시문 { $word }에는 이유(reason)가 필요합니다
directive-stage-in-down = 다운 스크립트에는 단계가 따로 없습니다
directive-stage-value = 단계는 1 또는 2입니다
directive-takes-no-value = 지시문 { $word }에는 값을 쓰지 않습니다
directive-too-late = 지시문 { $word }은(는) 파일 전체에 적용되므로 첫 SQL 문보다 앞에 있어야 합니다
directive-too-late-hint = 파일 맨 위로 옮기세요
directive-twice = 지시문 { $word }이(가) 여기에 두 번째로 나옵니다
directive-unknown = { $word }(이)라는 지시문은 없습니다
directive-without-colon = 지시문은 콜론까지 붙인 -- lockkeeper:로 시작합니다

## 적용한 뒤에 바뀐 파일

drift-changed = 마이그레이션 { $number } { $name }이(가) 적용된 뒤에 변경되었습니다
drift-changed-hint = 파일을 적용했던 내용으로 되돌리고(언제 바뀌었는지는 git log로 확인), 바꿀 내용은 새 마이그레이션에 쓰세요
drift-checksums = 적용 당시: sha256 { $recorded }, 지금: sha256 { $found }
drift-down-changed = { $path }이(가) 적용 당시의 다운 스크립트와 다릅니다. --down-from-files를 주지 않으면 롤백은 당시의 것을 실행합니다
drift-missing = 마이그레이션 { $number } { $name }은(는) 적용되었지만 그 파일이 여기에 없습니다
drift-missing-hint = 이 체크아웃이 데이터베이스보다 오래되었거나 다른 브랜치인가요? 파일을 다시 가져오세요. 롤백은 파일 없이도 됩니다
drift-renamed = 마이그레이션 { $number } { $name }의 이름이 지금은 { $found }입니다
drift-renamed-hint = 이전 이름으로 되돌리세요
drift-renumbered = 마이그레이션 { $number } { $name }의 번호가 지금은 { $found }이어서 한 번 더 실행될 수 있습니다
drift-renumbered-hint = 번호를 { $number }(으)로 되돌리세요
directive-allow-value = allow에는 규칙의 이름이 필요합니다: allow=drop-column
directive-before-nothing = 지시문 { $word }은(는) 바로 뒤의 SQL 문에 적용되는데, 그 자리에서 시작하는 SQL 문이 없습니다
directive-before-nothing-hint = SQL 문 바로 앞줄에 두세요
statement-not-safe = 이 SQL 문은 실행 중인 시스템을 기다리게 하며, 안전하게 바꿀 수 없습니다
statement-not-safe-hint = 그래도 실행하려면 앞에 적으세요: -- lockkeeper: as-written reason="…"

## 모르게 바뀐 스키마

schema-accept-names-hint = 다른 것은 다음과 같습니다: { $names }
schema-accept-nothing-hint = Lockkeeper가 남긴 것과 다른 것이 없습니다: --accept-drift를 빼세요
schema-accept-reason-empty = 변경을 그대로 두는 이유를 대세요: --reason "…"
schema-accept-unknown = { $name }은(는) Lockkeeper 모르게 바뀐 객체가 아닙니다
schema-appeared = 생김: { $kind } { $name }
schema-changed = 바뀜: { $kind } { $name }
schema-drift = Lockkeeper 모르게 스키마가 바뀌었습니다: 객체 { $count }개가 남긴 그대로가 아닙니다
schema-drift-accept-hint = 변경을 그대로 두려면 이름을 대세요: lockkeeper stage1 --accept-drift "{ $name }" --reason "…"
schema-drift-ignore-hint = 다른 프로그램이 늘 만들고 지우는 것이라면: lockkeeper.toml의 [drift]에 ignore = ["…"]
schema-drift-more = 그 밖에 { $count }개: lockkeeper status --json이 모두 보여 줍니다
schema-drift-revert-hint = 변경을 되돌리려면 직접 되돌리고, 모든 환경에 남기려면 마이그레이션으로도 만드세요
schema-drift-stays = 이것들은 Lockkeeper 모르게 바뀌었고, 롤백은 그대로 두어 다음 단계가 판단합니다
schema-line = {"   "}{ $sign } { $line }
schema-unreadable = 스키마를 Lockkeeper가 남긴 것과 비교할 수 없습니다
schema-vanished = 사라짐: { $kind } { $name }
