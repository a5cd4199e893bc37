# 명령과 인자의 도움말. 영어는 인자의 문서 주석에 있습니다. `help-명령`, `help-명령-인자`, 모든 명령에 공통인 `help-인자`, 끝에 붙는 `-epilogue`.

help = 실행 중인 PostgreSQL의 스키마를 두 단계로 바꾸고, 그 사이에 코드를 배포합니다
help-epilogue =
    종료 코드:
      0        완료, 또는 정상
      1        게이트나 규칙이 거부함, 또는 비정상
      2        사용법 또는 설정 오류
      3        마이그레이션 실패: 기록된 것, 기록되지 않은 것, 다음 명령을 메시지가 알려 줍니다
      4        리스가 사용 중이거나 잠금을 얻지 못함: 아무것도 바뀌지 않았습니다
      6        판단할 근거가 부족함
      130/143  SIGINT/SIGTERM으로 안전한 지점에서 중단됨

    예:
      lockkeeper plan && lockkeeper stage1 && lockkeeper status
help-config = 설정 파일 [기본값: 프로젝트 폴더의 lockkeeper.toml]
help-project-dir = .env와 lockkeeper.toml이 있는 프로젝트 폴더 [기본값: 현재 폴더]
help-migrations = 마이그레이션 폴더 [기본값: migrations]
help-host = 서버의 이름이나 주소, 또는 Unix 소켓의 폴더 [환경 변수: DB_HOST]
help-port = 서버의 포트 [환경 변수: DB_PORT]
help-dbname = 데이터베이스 [환경 변수: DB_NAME]
help-user = 접속할 역할 [환경 변수: DB_USER]
help-sslmode = disable, allow, prefer, require, verify-ca, verify-full 중 하나 [환경 변수: DB_SSLMODE]
help-environment = 환경의 이름. production이면 검증된 TLS가 없는 연결을 거부합니다
help-lang = 메시지의 언어: en 또는 ko [환경 변수: LC_ALL, LANG]
help-json = 표준 출력에 JSON으로 보고
help-color = 색을 쓸 때
help-wait = 다른 프로세스가 이 데이터베이스를 바꾸는 동안 종료 코드 4로 끝내지 않고 기다림
help-point = 이 이름의 롤백 지점도 함께 생성
help-unsettled = 중단되어 결과를 알아낼 수 없는 스텝이 어떻게 되었는지: done, 또는 다시 실행하려면 again
help-accept-drift = Lockkeeper 모르게 바뀐 객체를 지금 모습 그대로 받아들임. --reason이 필요함
help-stage1-reason = 이유. 원장에 남습니다
help-stage2-reason = 이유. 원장에 남습니다

help-init = lockkeeper.toml, migrations/, .env.example, allowed_signers, migrate-up.sh를 만듭니다. 덮어쓰지 않습니다
help-init-epilogue =
    예:
      lockkeeper init

help-new = 다음 번호의 업/다운 스크립트 쌍을 만듭니다
help-new-epilogue =
    예:
      lockkeeper new add_users_full_name

    이름이 종류를 나타냅니다: add_*와 create_*는 schema_add(단계 1), remove_*와 drop_*는 field_remove(단계 2),
    그 밖의 이름은 schema_modify이며 효과가 단계를 정합니다.
help-new-name = 마이그레이션이 하는 일, snake_case로: add_users_full_name

help-lint = SQL 파일에서 위험을 찾고 해결 방법을 알려 줍니다. 데이터베이스가 필요 없습니다
help-lint-epilogue =
    예:
      lockkeeper lint
      lockkeeper lint --since origin/main --format github
      lockkeeper lint --facts facts.json
      lockkeeper lint --fix --dry-run
help-lint-paths = 파일과 폴더 [기본값: 마이그레이션 폴더]
help-lint-format = 보고 형식
help-lint-explain = 규칙 하나를 설명: 찾아내는 것, 해로운 이유, 해결 방법
help-lint-since = 이 커밋이나 브랜치 이후에 추가되거나 바뀐 파일만
help-lint-facts = 운영 중인 데이터베이스의 정보, 그쪽에서 `lockkeeper facts export`로 만든 파일
help-lint-db = 운영 중인 데이터베이스를 직접 살펴봄: 크기, 트래픽, 타입, 인덱스, 뷰
help-lint-fix = 다른 것을 바꾸지 않고 기계가 고칠 수 있는 것을 고침. --db를 주면 적용된 마이그레이션은 절대 바꾸지 않음
help-lint-dry-run = --fix가 쓸 내용을 diff로 보여 줌
help-lint-allow-dirty = git으로 되돌릴 수 없는 파일도 바꿈
help-lint-with-allowed = 허용된 것도 보고: SARIF에서는 suppressions로 나오며, GitHub는 이를 열린 알림으로 보여 줌

help-facts = 운영 중인 데이터베이스의 정보를 데이터 없이 기록합니다. lint --facts가 읽습니다
help-facts-epilogue =
    예:
      lockkeeper facts export > facts.json
      lockkeeper lint --facts facts.json
help-facts-action = 할 일

help-plan = 무엇이 실행될지 보여 줍니다: SQL 문, 잠금, 재작성, 위험, 그리고 승인이 서명하는 다이제스트
help-plan-epilogue =
    예:
      lockkeeper plan
      lockkeeper plan --format markdown
      lockkeeper plan --json | jq .digest
help-plan-format = 보여 주는 방식: 터미널용, 또는 풀 리퀘스트용 Markdown

help-verify = 임시 데이터베이스에서 모든 마이그레이션을 시험합니다: 적용, 되돌리기, 재적용, 단계 순서
help-verify-epilogue =
    예:
      lockkeeper verify
      lockkeeper verify --shadow-url postgres://ci@localhost/postgres
      pg_dump --data-only --column-inserts shop >rows.sql && lockkeeper verify --data rows.sql
help-verify-data = 만들어 낸 행 대신 이 덤프의 행으로 마이그레이션을 시험합니다. pg_dump의 일반 덤프(COPY 또는 INSERT)이거나, pg_restore가 있으면 아카이브입니다. 마이그레이션이 건드리는 테이블이 덤프와 똑같은 열을 가지고 비어 있을 때 외래 키 순서로 행을 넣으며, 트리거는 실행됩니다. 행과 관계없는 문장은 실행하지 않습니다. 채우지 못한 테이블은 검증하지 못한 것으로 이름을 밝힙니다. 값은 어디에도 보여 주지 않습니다
help-verify-no-record = 결과를 데이터베이스에 기록하지 않음
help-verify-shadow-url = 전용 서버를 시작하지 않고 이 서버에 임시 데이터베이스를 만듦

help-stage1 = 대기 중인 단계 1 마이그레이션을 모두 적용합니다. 실행 중인 코드는 알아차리지 못합니다
help-stage1-epilogue =
    예:
      lockkeeper stage1
      lockkeeper stage1 --file-order   # 아직 쓰이지 않는 새 데이터베이스를 모든 파일로 구축
help-stage1-to = 이 번호의 마이그레이션까지만 적용
help-stage1-file-order = 단계 2의 게이트 없이 두 단계를 파일 순서대로 적용: 넘겨받은 이력으로 구축하는 새 환경처럼 아직 아무것도 실행되지 않는 데이터베이스용
help-stage1-out-of-order = 이미 적용된 것보다 번호가 낮은 마이그레이션을 허용

help-status = 모든 마이그레이션과 릴리스의 상태를 보여 줍니다. 파일과 원장이 맞지 않으면 종료 코드 1
help-status-epilogue =
    예:
      lockkeeper status
      lockkeeper status --json | jq '.migrations[] | select(.state == "pending")'

help-deployed = 새 코드가 배포되어 요청에 응답하고 있음을 기록합니다
help-deployed-epilogue =
    예:
      lockkeeper deployed --version 3.0
help-deployed-version = 지금 배포된 버전

help-approve = 단계 2를 승인합니다: 계획 전체를 출력한 뒤 SSH 키로 서명합니다
help-approve-epilogue =
    예:
      lockkeeper approve stage2 --reason "모든 파드가 3.0"

    키는 allowed_signers 파일에서 namespaces="lockkeeper-admin"이 있는 줄에 있어야 합니다.
    --key가 없으면 git의 user.signingkey를 씁니다. ssh-keygen이 서명하므로 에이전트와 하드웨어 키도 쓸 수 있습니다.
help-approve-what = 승인할 대상
help-approve-reason = 지금 안전한 이유. 원장에 남습니다
help-approve-waive = 이 게이트를 요구하는 것 없이, 적은 이유로 엶. 여러 번 쓸 수 있음
help-approve-key = 비밀 키, 또는 에이전트가 가진 키의 공개 키 [기본값: git의 user.signingkey]
help-approve-principal = 서명하는 사람, allowed_signers 파일에 적힌 이름으로 [기본값: git의 user.email]
help-approve-yes = 터미널에서 묻지 않고 서명

help-stage2 = 단계 1, 배포, 승인이 갖춰지면 대기 중인 단계 2 마이그레이션을 모두 적용합니다
help-stage2-epilogue =
    예:
      lockkeeper approve stage2 --reason "모든 파드가 3.0" && lockkeeper stage2

help-rollback = 롤백 지점으로 돌아갑니다: 적용할 때 보관한 다운 스크립트를 마지막 마이그레이션부터 실행합니다
help-rollback-epilogue =
    예:
      lockkeeper rollback before_schema_add --reason "결제 오류"

    before_schema_add와 before_field_remove는 단계 1과 단계 2를 시작할 때 만들어집니다.
    돌아갈 수 있는 지점은 lockkeeper status가 보여 줍니다.
help-rollback-point = 롤백 지점
help-rollback-reason = 이유. 원장에 남습니다
help-rollback-yes = 터미널에서 묻지 않음
help-rollback-accept-loss = 다운 스크립트가 없애는 값을 보관할 수 없어도 되돌립니다
help-rollback-past-stage2 = 단계 2 마이그레이션도 되돌립니다. 다운 스크립트는 테이블과 열을 되살리지만 그 안에 있던 데이터는 되살리지 못합니다
help-rollback-down-from-files = 적용할 때 보관한 것 대신 이 체크아웃의 다운 파일을 실행

help-backup = 백업을 만들고, 어떤 백업이 있는지 보고, 복원할 수 있음을 증명합니다
help-backup-epilogue =
    예:
      lockkeeper backup create --directory /var/backups/shop
      lockkeeper backup list
      lockkeeper backup verify
help-backup-create = pg_dump나 lockkeeper.toml의 명령으로 백업을 만들고 기록합니다
help-backup-create-epilogue =
    예:
      lockkeeper backup create --directory /var/backups/shop --jobs 2
help-backup-create-directory = 백업마다 폴더 하나가 생기는 폴더 [파일: backup.directory]
help-backup-create-jobs = 동시에 덤프할 테이블 수 [기본값: 코어 수, 최대 4]
help-backup-create-counts-only = 테이블마다 행의 수만 세고 값은 합산하지 않음: 읽기가 절반으로 줄어듭니다
help-backup-list = 기록된 백업, 그 나이, 아직 있는지, 언제 검증했는지를 보여 줍니다
help-backup-list-epilogue =
    예:
      lockkeeper backup list --json | jq '.backups[0]'
help-backup-verify = 백업을 증명합니다: 파일의 모든 바이트, 그리고 임시 데이터베이스에 복원해 테이블마다 비교
help-backup-verify-epilogue =
    예:
      lockkeeper backup verify
      lockkeeper backup verify 7 --folder /mnt/offsite/shop-20261122T220635Z-3f2a1c

    ID 없이 --folder를 주면 그 폴더만으로 증명합니다. 원장에 묻지 않고, 아무것도 기록하지 않습니다.
help-backup-verify-id = 어느 백업인지, `backup list`의 번호로 [기본값: 가장 최근 것]
help-backup-verify-folder = 만든 곳에 없을 때, 백업이 지금 있는 폴더
help-backup-verify-shadow-url = 전용 서버를 시작하지 않고 이 서버에 복원함
help-backup-verify-jobs = 동시에 복원할 테이블 수 [기본값: 코어 수, 최대 4]
help-backup-verify-counts-only = 행의 내용이 아니라 테이블마다 행의 수만 비교함

help-health = 애플리케이션과 데이터베이스가 정상인지 측정합니다
help-health-epilogue =
    예:
      lockkeeper health check
      lockkeeper health check --for 2m --save-baseline
      lockkeeper health start --for 10m
      lockkeeper health start --on-breach './roll-back.sh'
      lockkeeper health status
      lockkeeper health export --since 24h --format csv
help-health-action = 할 일
help-health-lasts = start와 함께: 이 시간 뒤에, 또는 첫 위반에서 판정하고 끝냄. check와 함께: 이 시간 동안 감시할 때처럼 측정함
help-health-save-baseline = check --for와 함께: 측정한 것을 평상시로 남겨, 뒤따르는 릴리스와 감시가 쓰게 함
help-health-on-breach = start와 함께: 첫 위반에서 셸로 실행할 명령. 증거가 표준 입력에 JSON으로 주어집니다
help-health-log = start와 함께: 측정과 판정을 표준 오류에 남기는 형식 [기본값: human, --json이면 json]
help-health-metrics-listen = start와 함께: Prometheus용 지표를 이 주소의 /metrics에서 제공 [기본값: lockkeeper.toml의 metrics]
help-health-format = export와 함께: csv, 또는 줄마다 객체 하나인 json
help-health-since = export와 함께: 얼마나 거슬러 올라갈지 [기본값: 24h]
help-health-check = export와 함께: 이 점검만

help-log = 이벤트 로그를 보여 줍니다. --verify는 변경, 삭제, 순서 바뀜이 없음을 증명합니다
help-log-epilogue =
    예:
      lockkeeper log
      lockkeeper log --verify --head 3f1c…   # 다른 곳에 적어 둔 해시와 비교
help-log-verify = 해시 사슬 전체를 따라가며 온전한지 확인
help-log-head = --verify와 함께: 사슬의 끝이 이 해시여야 합니다. 이전 --verify가 출력한 것을 보관해 두었다가 씁니다. 데이터베이스 소유자가 사슬 전체를 새로 쓰면 이것으로 알 수 있습니다
help-log-after = 이 이벤트 다음부터
help-log-limit = 최대 이벤트 수

help-docs = 운영 중인 데이터베이스의 스키마 문서를 씁니다: 모든 테이블과 뷰, 그리고 다이어그램. 읽기만 합니다
help-docs-epilogue =
    예:
      lockkeeper docs schema --output docs/schema.md
      lockkeeper docs schema --schema public --schema billing

    같은 스키마는 언제나 같은 순서와 같은 말로 쓰이므로, git에 보관하며 변경을 읽을 수 있습니다.
help-docs-what = 무엇을 쓸지
help-docs-output = 표준 출력 대신 이 파일에 씁니다
help-docs-schemas = 이 스키마만. 여러 번 줄 수 있습니다 [기본값: PostgreSQL, 확장, Lockkeeper의 것을 뺀 전부]

help-demo = 끝나면 사라지는 전용 PostgreSQL에서, 실제 요청이 들어오는 가운데 두 릴리스의 이야기를 들려줍니다
help-demo-epilogue =
    예:
      lockkeeper demo
      lockkeeper demo --keep shop   # 마이그레이션과 lockkeeper.toml을 shop/에 남깁니다

    이야기대로 끝나면 종료 코드 0: 첫 릴리스에서 실패한 요청이 없고, 두 번째 릴리스는 스스로 되돌아갔습니다.
help-demo-keep = 새 폴더나 빈 폴더에 데모의 프로젝트를 만들고 그대로 남깁니다

help-demo-shop = 데모가 배포하는 애플리케이션
help-demo-shop-epilogue =
    예:
      lockkeeper demo   # 이 명령이 시작합니다
help-demo-shop-action = 할 일
help-demo-shop-version = 코드의 버전 [env: LOCKKEEPER_VERSION]
help-demo-shop-platform = deploy와 함께: 배포를 맡길 주소

help-release = 변경을 스스로 두 게이트 너머로 옮기거나 되돌립니다: 검증, 단계 1, 배포, 감시, 승인, 단계 2
help-release-epilogue =
    예:
      lockkeeper release start --version 3.0
      lockkeeper release resume --wait-approval
      lockkeeper release status
      lockkeeper release abort --reason "잘못된 빌드"

    훅과 조건은 lockkeeper.toml의 [hooks]와 [release]에 적습니다.
    종료 코드: 0 완료되었거나 승인을 기다림, 1 거부되었거나 여전히 기다림, 5 되돌림, 6 판단할 자료가 부족함.
help-release-action = 할 일: start는 릴리스를 시작해 갈 수 있는 데까지 진행, resume은 저장소와 데이터베이스가 있는 아무 기계에서나 이어서 진행, status는 지금 상태와 한 일, abort는 포기하고 되돌리기
help-release-version = start에서: 배포할 버전. 훅에 전달됩니다
help-release-previous = start에서: 지금 실행 중이며 되돌아갈 버전 [기본값: 마지막으로 배포된 버전]
help-release-despite-baseline = start에서: 이미 실패한 검사가 있어도 시작
help-release-despite-cool-down = start에서: 방금 릴리스를 되돌렸어도 시작
help-release-wait-approval = start와 resume에서: 승인이 없는 동안 남아 있다가 승인이 나면 이어서 진행
help-release-wait-at-most = 최대로 남아 있을 시간(예: 8h). 그 뒤에는 종료 코드 1로 끝나고 릴리스는 계속 기다림 [기본값: 끝없이]
help-release-reason = abort에서: 이유. 원장에 남습니다
help-notify = 알림이 닿는지 시험하고, 닿지 않은 것을 보이거나 전달합니다
help-notify-epilogue =
    예:
      lockkeeper notify test
      lockkeeper notify test chat pager
      lockkeeper notify status
      lockkeeper notify deliver
help-notify-action = 할 일
help-notify-names = test와 함께: lockkeeper.toml의 이 수신자에게만

help-checklist = 릴리스 이전, 진행, 이후에 참이어야 할 것을 증거로 확인합니다. 구속력 있는 항목이 열려 있으면 종료 코드 1
help-checklist-epilogue =
    예:
      lockkeeper checklist
      lockkeeper checklist before && lockkeeper stage1
      lockkeeper checklist after --markdown >> "$GITHUB_STEP_SUMMARY"
help-checklist-phase = 이 항목들만: before는 검증된 마이그레이션과 되돌리기, 최신 백업, 환경, TLS. during은 단계 1, 배포, 상태 점검, 단계 2. after는 감시, 오류율, 성능, 로그 [기본값: 모두]
help-checklist-markdown = Markdown 목록으로 출력

help-emergency = 손으로 되돌리는 절차를 한 단계씩 확인하며 진행하고 사고 보고서를 씁니다
help-emergency-epilogue =
    예:
      lockkeeper emergency --reason "02:10부터 결제 실패"
      lockkeeper emergency --from migrations --skip health
      lockkeeper emergency --report-only

    단계: stop-app, backup, migrations, app, health. 한 일은 기록되며 중단된 뒤에도 같은 명령으로 이어 갑니다.
    종료 코드: 0 끝남, 1 거절했거나 정상이 아니거나 사람이 할 단계가 남음, 2 사용법이 틀렸거나 물어볼 사람이 없음,
    3 단계가 실패함, 4 다른 프로세스가 일하는 중, 130/143 중단됨. 단계를 하나라도 시작했으면 언제나 보고서를 씁니다.
help-emergency-from = 이 단계부터 시작. 앞의 단계는 건너뜁니다
help-emergency-skip = 이 단계를 건너뜀. 여러 번 쓸 수 있습니다
help-emergency-to = 되돌아갈 지점 [기본값: 릴리스를 시작할 때 만들어진 지점]
help-emergency-past-stage2 = 단계 2 마이그레이션도 되돌림. down 스크립트는 테이블과 열을 되살리지만 그 안의 값은 되살리지 않습니다
help-emergency-accept-loss = 보관할 수 없는 값을 잃어도 되돌림
help-emergency-previous = 애플리케이션이 되돌아갈 버전 [기본값: 원장이 아는 버전]
help-emergency-reason = 이유. 원장과 보고서에 남습니다
help-emergency-yes = 묻지 않음. 사람이 할 단계가 나오면 건너뛰라고 하지 않은 한 거기서 끝납니다
help-emergency-resume = 시작된 비상 절차를 이어서 진행하고, 없으면 거절. 이 옵션이 없어도 끝나지 않은 것은 이어서 진행합니다
help-emergency-anew = 이 릴리스의 이전 비상 절차가 끝나지 않았어도 처음부터 시작
help-emergency-report = 보고서를 쓸 곳. 있는 파일은 덮어쓰지 않습니다 [기본값: incident-RELEASE-TIME.md]
help-emergency-report-only = 보고서만 쓰고 다른 일은 하지 않음. 읽기만 합니다
