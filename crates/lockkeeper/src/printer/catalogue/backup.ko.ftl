# 백업: 게이트, 명령, 잘못된 것.

## 게이트

age-days = { $count }일
age-hours = { $count }시간
age-minutes = { $count }분
age-seconds = { $count }초
gate-backup = 백업 { $id }, { $age } 전, 검증되지 않음
gate-backup-broken = { $age } 전의 백업 { $id }이(가) 검증을 통과하지 못했습니다
gate-backup-old = 가장 최근 백업 { $id }이(가) { $age } 지났습니다. 최대 { $max }까지 허용됩니다
gate-backup-unverified = { $age } 전의 백업 { $id }이(가) 아직 검증되지 않았습니다
gate-backup-verified = 백업 { $id }, { $age } 전, 검증됨
gate-no-backup = 이 데이터베이스의 백업이 없습니다
next-backup = lockkeeper backup create
next-backup-verify = lockkeeper backup verify

## 설정

settings-backup-command = 명령은 프로그램과 인자의 목록인데, 프로그램이 없습니다
settings-backup-unverifiable = 검증된 백업이 필수인데, `command`가 만든 백업을 검증할 방법이 없습니다
settings-backup-zero = 0보다 커야 합니다
settings-hint-backup-unverifiable = `verify_command`를 설정하거나 `verified = false`로 설정하세요

## 만들기

backup-began = { $program }(으)로 { $path }에 백업을 시작합니다
backup-beside = { $holder }이(가) 이 데이터베이스에서 작업 중입니다({ $doing }): 백업은 시작하는 순간의 상태를 담으며, 서로를 기다리게 할 수 있습니다
backup-directory-and-command = 백업은 lockkeeper.toml의 명령이 만들고 위치도 그 명령이 정합니다. --directory는 의미가 없습니다
backup-dump-failed = { $program }이(가) 실패했습니다({ $status }):
    { $said }
backup-dumping = 테이블 { $tables }개 중 { $begun }개 시작, { $size } 기록, { $rate }/초, { $seconds }초
backup-folder-trouble = { $path }: { $reason }
backup-hashing = 체크섬을 위해 모든 파일을 읽습니다({ $size })
backup-hook-failed = 백업 명령이 실패했습니다({ $status }):
    { $said }
backup-hook-no-answer = 백업 명령은 정상 종료했지만, 표준 출력의 어느 줄도 무엇을 만들었는지 말하지 않습니다
backup-hook-no-answer-hint = 마지막 줄은 JSON이어야 합니다: { "{" }"id": "…", "size": 123, "location": "…"{ "}" }. size와 location은 생략할 수 있습니다
backup-in-repository = { $path }은(는) git 저장소 안에 있고 무시되지 않습니다. 모든 데이터가 담긴 백업이 언젠가 커밋됩니다
backup-in-repository-hint = 다른 폴더를 고르거나 이 폴더를 .gitignore에 추가하세요
backup-little-room = 남은 공간은 { $free }뿐인데 데이터베이스는 { $database }입니다. 덤프는 압축되고 인덱스가 없으므로 들어갈 수도 있습니다
backup-lock = { $program }이(가) 필요한 잠금을 얻지 못했습니다:
    { $said }
backup-lock-hint = 지금 누군가 스키마를 바꾸고 있습니다. 끝난 뒤 다시 시도하거나, 더 오래 기다리게 하세요(lockkeeper.toml의 backup.lock_wait)
backup-made = 백업 { $id }: { $location }, { $size }, { $seconds }초
backup-made-next = 증명하기: lockkeeper backup verify
backup-made-of = 테이블 { $tables }개, 행 { $rows }개, WAL 위치 { $wal }
backup-no-directory = 백업을 어디에 둘지 정해지지 않았습니다
backup-no-directory-hint = lockkeeper backup create --directory 폴더, 또는 lockkeeper.toml의 backup.directory
backup-not-read = 백업을 위해 데이터베이스를 읽지 못했습니다
backup-not-recorded = 백업은 { $path }에 온전히 있지만 기록되지 않았습니다. `lockkeeper backup verify --folder`로 증명할 수 있습니다
backup-nothing-left = 백업은 아무것도 남지 않았습니다
backup-pooled = 백업은 풀러를 거치지 않습니다. pg_dump의 모든 연결이 자기 세션과 스냅샷을 유지해야 합니다
backup-pooled-hint = 서버 자체를 지정하세요(DB_HOST, DB_PORT, 또는 --host와 --port)
backup-program-not-started = { $program }을(를) 시작하지 못했습니다: { $reason }
backup-program-timed-out = { $program }이(가) { $seconds }초를 넘겨 종료했습니다
backup-removed = 강제 종료된 실행이 남긴 만들다 만 백업 { $count }개를 지웠습니다
backup-table-not-read = 백업을 위해 { $table }의 행을 읽지 못했습니다
backup-tables-filtered = 정책이 테이블 { $count }개의 행을 { $user }에게 숨깁니다. 그 행이 없는 백업은 백업이 아닙니다: { $tables }
backup-tables-filtered-hint = ALTER ROLE { $user } BYPASSRLS, 또는 소유자로 백업하세요
backup-tables-forbidden = { $user }은(는) 다음 테이블과 시퀀스 { $count }개를 읽을 수 없습니다: { $tables }
backup-tables-forbidden-hint = GRANT pg_read_all_data TO { $user }
client-program-hint = PostgreSQL { $major } 이상의 클라이언트를 설치하거나(Debian: apt install postgresql-client-{ $major }), { $name }의 위치를 알려 주세요: lockkeeper.toml의 backup.pg_dump
client-program-missing = { $program }을(를) 찾지 못했습니다
client-program-older = { $program }은(는) PostgreSQL { $found }의 것이라 { $server } 서버를 거부합니다. 같은 버전이거나 더 새로워야 합니다
client-program-system-roots = { $program }은(는) PostgreSQL { $found }의 것이라 sslrootcert=system을 파일 이름으로 압니다
client-program-system-roots-hint = PostgreSQL 16 이상의 클라이언트를 쓰거나, 인증 기관이 든 파일을 지정하세요

## 목록

backup-column-age = 나이
backup-column-id = ID
backup-column-location = 위치
backup-column-size = 크기
backup-column-state = 상태
backup-column-verified = 검증
backup-list-empty = 기록된 백업이 없습니다
backup-state-altered = 변경됨: 파일 { $count }개
backup-state-gone = 사라짐
backup-state-other-database = 다른 데이터베이스의 것
backup-state-present = 있음
backup-state-unknown = 다른 곳
backup-verified-fail = 실패 { $at } ({ $how })
backup-verified-never = 한 적 없음
backup-verified-no-data = 판단 불가 { $at } ({ $how })
backup-verified-pass = { $at } ({ $how })

## 검증

backup-comparing = 테이블 { $tables }개 중 { $table }번째를 비교합니다
backup-file-added = { $file }은(는) 백업을 만들 때 없었습니다
backup-file-altered = { $file }은(는) 기록한 그대로가 아닙니다
backup-file-missing = { $file }이(가) 없습니다
backup-folder-missing = 백업 { $id }이(가) 이 기계의 { $path }에 없습니다. { $host }에서 만들었습니다
backup-folder-missing-hint = 지금 어디에 있는지 알려 주세요: lockkeeper backup verify ID --folder 폴더
backup-hook-not-verified = 백업 { $id }이(가) 검증 명령을 통과하지 못했습니다({ $status })
backup-hook-unverifiable = 백업 { $id }은(는) 사용자의 명령이 만들었고, 이를 검증하는 명령이 없습니다
backup-hook-unverifiable-hint = lockkeeper.toml에 backup.verify_command를 설정하세요
backup-hook-verified = 백업 { $id }이(가) 검증 명령을 통과했습니다
backup-inconclusive = 백업 { $id }을(를) 증명하지 못했습니다. 파일은 온전하지만 여기서는 복원할 수 없습니다
backup-lacks-extensions = 복원할 서버에 없는 확장: { $extensions }
backup-large-objects-differ = 라지 오브젝트: { $recorded }개를 덤프했고 { $restored }개가 복원되었거나, 내용이 다릅니다
backup-not-restored = pg_restore가 복원하지 못했습니다:
backup-restored = 복원 중, { $seconds }초
backup-restoring = 파일은 온전합니다. { $place }에 테이블 { $jobs }개씩 복원합니다
backup-rows-differ = { $table }: 행 { $recorded }개를 덤프했고 { $restored }개가 복원되었습니다
backup-sequence-behind = { $sequence }은(는) { $recorded }이었는데 { $restored }(으)로 복원되었습니다. 같은 번호를 두 번 줍니다
backup-sound = 백업 { $id }은(는) 온전합니다: 테이블 { $tables }개, 행 { $rows }개를 복원해 모든 값을 비교했습니다({ $seconds }초)
backup-sound-counts = 백업 { $id }은(는) 온전합니다: 테이블 { $tables }개, 행 { $rows }개를 복원해 수를 비교했습니다({ $seconds }초)
backup-table-added = { $table }은(는) 복원되었지만 원래 없었습니다
backup-table-missing = { $table }이(가) 복원되지 않았습니다
backup-unknown = 백업 { $id }이(가) 없습니다
backup-unknown-hint = lockkeeper backup list
backup-unsound = 백업 { $id }은(는) 온전하지 않습니다
backup-values-differ = { $table }: 행의 수는 덤프한 { $rows }개와 같지만 내용이 다릅니다
