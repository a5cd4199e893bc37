# 명령이 답하는 말.

# 용어. 모든 *.ko.ftl 파일에서 한 가지 뜻에 한 가지 말만 쓴다.
#
#   migration          마이그레이션        release            릴리스
#   up/down script     업/다운 스크립트    stage 1, stage 2   단계 1, 단계 2
#   pair (up, down)    쌍                  step               스텝(stage와 구별)
#   kind               종류                effect             효과
#   plan               계획                digest             다이제스트
#   gate               게이트              approval           승인
#   deploy             배포                old/running code   이전/실행 중인 코드
#   rollback           롤백                rollback point     롤백 지점
#   undo               되돌리다            pending            미적용, 적용할
#   ledger             원장                lease              리스
#   event, log         이벤트, 로그        head (of the log)  헤드
#   directive          지시문              statement          SQL 문
#   rule (lint)        규칙                rule (PostgreSQL)  룰
#   password           비밀번호            passphrase         암호
#   connection         연결                log in, connect    접속
#   column, row        열, 행              constraint         제약 조건
#   lock               잠금                role, right        역할, 권한
#   primary, replica   프라이머리, 레플리카
#   private server     전용 서버           key, signature     키, 서명
#   checksum           체크섬              backup             백업
#
# 원장과 리스는 그 말을 처음 만나는 메시지에서 원장(ledger), 리스(lease)로 쓴다.
# 문장은 -ㅂ니다/-습니다, 힌트는 -하세요. 한 문장이면 마침표를 찍지 않는다.
# 다른 문장에 끼워지거나 목록에 나열되는 조각(effect-*, lock-*, safe-*, stage-by-*, state-*)은 명사형으로 쓴다.
# 변수 뒤의 조사는 을(를), 이(가), 은(는), 와(과), (으)로, (이)라는.
# 명령, 플래그, 설정 이름, 상태 이름, 잠금 모드, SQL 키워드는 영어 그대로 둔다.

## 표지

label-error = 오류
label-hint = 힌트
label-note = 참고
label-warning = 경고

## 모든 명령

connection-standby = 이 서버는 레플리카여서 쓰기를 받지 않습니다
connection-standby-hint = DB_HOST가 프라이머리를 가리키게 하세요
runtime-failed = 프로그램을 시작할 수 없습니다: { $reason }

## 진행

progress-applied = { $number } { $name } 적용 완료({ $ms }ms)
progress-blocked = { $number } 대기 중: { $who }
progress-cleared = { $number } 스텝 { $ordinal }이(가) 끝내지 못하고 남긴 것을 정리했습니다
progress-notice = PostgreSQL: { $severity }: { $text }
progress-point = 롤백 지점 { $point } 생성
progress-queued = 대기 중: { $behind }
progress-retrying = { $number }: { $reason }; 시도 { $attempt }/{ $attempts }, { $ms }ms 뒤에 다시 시도합니다
progress-started = [{ $place }/{ $total }] { $number } { $name }
progress-step = { $number } 스텝 { $ordinal }/{ $total }: { $sql }
progress-undone = { $number } { $name } 되돌리기 완료({ $ms }ms)

## init

init-kept = 유지  { $path }
init-next = 다음: .env에 데이터베이스 접속 정보를 적고(.env.example 참고) lockkeeper new add_…를 실행하세요
init-written = 생성  { $path }

## plan

plan-digest = 단계 2의 다이제스트(승인할 때 여기에 서명): { $digest }
estimate-from-default = 기본 속도
estimate-from-history = 이 데이터베이스에서 실행한 같은 종류의 단계 { $steps }개 기준
estimate-hours = { $low }–{ $high }시간 걸림({ $source })
estimate-minutes = { $low }–{ $high }분 걸림({ $source })
estimate-moment = 카탈로그만 바뀌므로 순식간에 끝남
estimate-second = 1초 미만 걸림({ $source })
estimate-seconds = { $low }–{ $high }초 걸림({ $source })
estimate-unknown = 걸리는 시간을 알 수 없음
plan-finding = ! { $place }: { $what } ({ $rule }) → { $help }
plan-also-locks = 함께 { $lock }
plan-also-locks-table = 함께 { $lock }({ $size }, 분당 쓰기 { $writes }회)
plan-migration = { $number } { $name } ({ $kind }) — { $because }
plan-more-locks = … 그 밖에 잠금 { $count }개(--json으로 모두 표시)
plan-more-steps = … 그 밖에 SQL 문 { $count }개(--json으로 모두 표시)
plan-nothing = 적용할 마이그레이션이 없습니다
plan-rollback-class = 되돌리기: { $class }
plan-table = { $table }: { $size }, 약 { $rows }행, 인덱스 { $indexes }개 { $index_size }, 분당 쓰기 { $writes }회와 읽기 { $reads }회
plan-markdown-head = | 행 | SQL 문 | 잠금 | 시간 | 안전한 이유 |
plan-reads = 테이블 전체를 읽지만 그동안 모두가 계속 일할 수 있음
plan-rewrites = 테이블 전체를 다시 씀
plan-scans = 잠금을 잡은 채 테이블 전체를 읽음
plan-stage1 = 단계 1, 배포 전({ $count }개)
plan-stage2 = 단계 2, 배포와 승인 후({ $count }개)
plan-step = { $ordinal }. { $path }:{ $line }: { $sql }
plan-step-lock = { $lock }; { $safe }

## deployed

deployed-nothing-waits = 배포를 기다리는 릴리스가 없습니다: 아무것도 기록하지 않았습니다
deployed-recorded = { $version } 배포를 기록했습니다: 릴리스 { $release }의 상태는 { $state }입니다
deployed-version-empty = 버전이 비어 있습니다

## status

state-applied = 적용됨({ $at }, { $by })
state-applying = 스텝 사이에서 멈춤
state-changed = 적용됨, 그 뒤 파일이 변경됨!
state-missing = 적용됨, 파일이 없음!
state-pending = 미적용
state-renamed = 적용됨, 파일 이름이 바뀜!
state-renumbered = 적용됨, 파일 번호가 바뀜!
state-undoing = 다운 스크립트의 스텝 사이에서 멈춤
state-unreadable = 파일을 읽을 수 없음!
state-waiting = 단계 2 대기
status-database = { $server }의 데이터베이스 { $database }, PostgreSQL { $version }
status-deployed = 배포됨: { $version }({ $at })
status-empty = 마이그레이션이 없습니다
status-gate = { $mark } { $evidence }
status-gates = 단계 2 앞의 게이트
status-kind = 종류
status-lease = 사용 중: { $host }의 { $holder }(pid { $pid }), { $since }부터 { $doing } 실행 중
status-name = 마이그레이션
status-no-ledger = 아직 원장(ledger)이 없습니다: Lockkeeper로 적용한 것이 없습니다
status-number = 번호
status-point = { $point }, 생성 { $at }({ $by })
status-points = 롤백 지점
status-release = 릴리스 { $release }: { $state }, 시작 { $at }({ $by })
status-stage = 단계
status-state = 상태
status-way-out = → { $command }

## demo

demo-bars-failures = 초당 실패  { $bars } 최대 { $most }
demo-bars-requests = 초당 요청  { $bars } 최대 { $most }
demo-command = $ lockkeeper { $command }
demo-end = 이야기는 여기까지이며 { $seconds }초 걸렸습니다. 전용 서버와 그 데이터는 사라졌습니다.
demo-ended-completed = 끝까지 진행되었습니다
demo-ended-waits = 기다리고 있습니다
demo-failed = 데모를 계속할 수 없습니다: { $reason }
demo-figures = 고객이 겪은 것
demo-figures-after = 이전 코드가 돌아온 뒤의 실패
demo-figures-back = … 스키마까지 돌아오는 데
demo-figures-completed = 끝까지 진행
demo-figures-detected = 첫 실패부터 되돌리기로 결정할 때까지
demo-figures-end = 릴리스
demo-figures-failures = 그중 실패
demo-figures-old-code = … 이전 코드가 다시 응답하기까지
demo-figures-release = { $from } → { $to }
demo-figures-requests = 요청
demo-figures-rolled-back = 스스로 되돌아감
demo-figures-seconds = { $seconds }초
demo-figures-took = 걸린 시간
demo-file = { $path }
demo-foot-failures = { $bars } 실패 { $failures }건
demo-foot-no-release = 진행 중인 릴리스 없음
demo-foot-release = 버전 { $version } 릴리스: { $state }
demo-foot-requests = { $bars } 요청 { $requests }건, 버전 { $version } 응답 중
demo-keep-not-empty = { $path }에 이미 무언가 있습니다. 데모에는 새 폴더나 빈 폴더가 필요합니다
demo-kept = 마이그레이션과 lockkeeper.toml은 { $path }에 남겨 두었습니다
demo-not-in-the-story = 릴리스 { $from } → { $to }의 결말이 이야기와 다릅니다: { $end }
demo-open = 버전 1이 { $url }에서 응답합니다. 이제 초당 { $rate }건의 요청이 들어오며, 다섯 건 중 하나는 쓰기입니다
demo-release-one = 1. 버전 2는 이름 두 개를 하나로 합칩니다: 추가, 채우기, 배포, 감시, 승인, 제거
demo-release-two = 2. 버전 3은 주문 수로 나누는데, 고객 열 명 중 한 명은 주문이 없습니다
demo-server = 이 데모만을 위한 전용 PostgreSQL을 시작합니다
demo-shop = 0. 고객이 10,000명인 쇼핑몰
demo-so-far = { $seconds }초: 요청 { $requests }건, 실패 { $failures }건. 버전 { $version } 응답 중
demo-stopped = 데모를 멈추었습니다. 전용 서버와 그 데이터는 사라졌습니다
demo-terms = 이야기가 1분 안에 끝나도록 게이트는 1초 창 세 개를 연달아 판정하고 몇 초만 감시합니다. 보통은 30초 창이며 감시는 10분 동안 이어집니다
demo-went-wrong = 이야기에 없던 결과입니다: lockkeeper { $command }이(가) 종료 코드 { $code }(으)로 끝났습니다

## docs

docs-cannot-write = { $path }에 쓸 수 없습니다: { $reason }
docs-check = 체크
docs-column = 열
docs-comment = 설명
docs-default = 기본값
docs-diagram-keys = 스키마가 커서 모든 열을 그리지 못하고, 각 테이블의 키 열만 그렸습니다.
docs-diagram-names = 스키마가 커서 열은 빼고 테이블과 외래 키만 그렸습니다.
docs-diagram-too-large = 테이블이 { $count }개라서 다이어그램으로 그리기에는 스키마가 너무 큽니다.
docs-domain = 도메인
docs-empty = 테이블, 뷰, 타입이 없습니다.
docs-enum = 열거형
docs-exclusion = 배제 제약
docs-foreign-key = 외래 키
docs-foreign-table = 외부 테이블
docs-generated = 생성:
docs-identity-always = IDENTITY, 항상
docs-identity-by-default = IDENTITY, 기본값으로
docs-index = 인덱스
docs-inherits = 상속하는 테이블
docs-made = lockkeeper docs schema가 쓴 문서입니다. 직접 고친 내용은 사라집니다.
docs-many-to-one = 다대일
docs-many-to-one-or-none = 다대일 또는 없음
docs-materialized-view = 구체화된 뷰
docs-no = 아니요
docs-no-schema = 사용자가 만든 { $name } 스키마가 없습니다
docs-not-valid = 검증되지 않음
docs-null = NULL
docs-one-to-one = 일대일
docs-one-to-one-or-none = 일대일 또는 없음
docs-partitioned-by = 파티션 기준
docs-partitioned-table = 파티션 테이블
docs-partitions = 파티션 { $count }개
docs-primary-key = 기본 키
docs-reads = 읽는 대상
docs-referenced-by = 참조하는 곳
docs-schema = 스키마
docs-table = 테이블
docs-title = 데이터베이스 스키마
docs-type = 타입
docs-unique = 고유
docs-unreadable = 스키마를 읽을 수 없습니다
docs-view = 뷰
docs-written = { $path }: 테이블 { $tables }개, 뷰 { $views }개
docs-yes = 예
