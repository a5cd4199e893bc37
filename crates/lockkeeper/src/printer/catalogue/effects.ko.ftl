# SQL 문이 하는 일, 그것이 실행 중인 코드에 왜 중요한지, 그리고 규칙이 하는 말.

## SQL 문이 하는 일

# 명사형: 혼자 서기도 하고 stage-disagreement, approve-effect* 안에 끼워지기도 한다.
effect-add-column = { $table }.{ $name } 열 추가
effect-add-constraint = { $table }에 제약 조건 { $name } 추가
effect-alter = { $object } { $name } 변경
effect-alter-column = { $table }.{ $name } 열 변경
effect-analyze = 통계 수집
effect-attach-partition = { $table }에 파티션 { $name } 연결
effect-call = 미리 읽을 수 없는 프로시저 또는 prepared statement 실행
effect-call-of = 본문을 여기서 읽지 않는 { $name } 호출
effect-cluster = 인덱스 순서로 테이블 전체 다시 쓰기
effect-comment = 코멘트 또는 레이블 작성
effect-create = { $object } { $name } 생성
effect-create-index = { $table }에 인덱스 { $name } 생성
effect-create-unique-index = { $table }에 유니크 인덱스 { $name } 생성
effect-delete = { $name }의 행 삭제
effect-detach-partition = { $table }에서 파티션 { $name } 분리
effect-drop = { $object } { $name } 삭제
effect-drop-column = { $table }.{ $name } 열 삭제
effect-drop-constraint = { $table }의 제약 조건 { $name } 삭제
effect-dynamic = { $by }(으)로 조립하여 미리 읽을 수 없는 SQL 실행
effect-foreign-language = 읽지 않는 언어 { $name }의 코드 실행
effect-too-deep = 너무 깊이 중첩되어 읽을 수 없는 SQL 실행
effect-unknown-syntax = 문법이 알지 못하는 부분 실행
effect-grant = 권한 부여
effect-insert = { $name }에 행 추가
effect-lock = { $name } 잠금
effect-query = 데이터 읽기
effect-refresh = materialized view { $name } 새로 고침
effect-reindex = 인덱스 다시 만들기
effect-rename = { $object } { $name } 이름 변경
effect-rename-column = { $table }.{ $name } 열 이름 변경
effect-revoke = 권한 회수
effect-rewrite = { $name }의 저장 위치 또는 저장 방식 변경
effect-row-security-off = { $name }의 행 수준 보안 끄기
effect-row-security-on = { $name }의 행 수준 보안 켜기
effect-session = 세션 설정 변경
effect-settle = { $name }의 설정 변경
effect-trigger-off = { $name }의 트리거 또는 룰 끄기
effect-trigger-on = { $name }의 트리거 또는 룰 켜기
effect-truncate = { $name } 비우기
effect-update = { $name }의 행 수정
effect-vacuum = VACUUM 실행
effect-validate = { $name }의 모든 행을 제약 조건에 비추어 검사

## 실행 중인 코드가 영향을 받는 이유

why-constraint-gone = ON CONFLICT처럼 { $name }에 기대는 코드가 실패하거나 써서는 안 되는 값을 씁니다
why-default-changed = 실행 중인 코드가 { $name }을(를) 빼고 INSERT하면 다른 값이 들어가거나 실패합니다
why-dropped = { $name }을(를) 아직 사용하는 코드가 실패합니다
why-index-gone = 실행 중인 코드의 쿼리 가운데 { $name }이(가) 필요한 것이 느려집니다
why-inserts-fail = 실행 중인 코드는 { $name }을(를) 모르므로 그 INSERT가 실패합니다
why-nulls-refused = 실행 중인 코드가 { $name }을(를) 비워 두고 쓰면 실패합니다
why-renamed = { $name }(이)라는 이름을 사용하는 코드가 실패합니다
why-rights-gone = 이 권한을 사용하는 코드가 실패합니다
why-rows-gone = 실행 중인 코드가 읽을 수도 있는 { $name }의 행이 사라집니다
why-rows-hidden = { $name }의 행 가운데 정책이 허용하지 않는 것은 실행 중인 코드에 보이지 않게 됩니다
why-rule = 룰이 { $table }에 대한 실행 중인 코드의 SQL 문을 바꾸어 놓습니다
why-trigger-off = 실행 중인 코드가 { $name }에 쓸 때 트리거가 대신 해 주던 일이 빠집니다
why-type-changed = 실행 중인 코드는 { $name }을(를) 이전 타입으로 읽고 씁니다
why-unreadable = 무엇을 하는지는 실행할 때에야 알 수 있습니다
why-values-refused = 실행 중인 코드의 쓰기 가운데 { $name }이(가) 더는 받아들이지 않는 것이 실패합니다
why-writes-refused = 실행 중인 코드가 { $table }에 쓸 때 이 조건을 어기면 실패합니다

## 단계와 그 근거

stage-by-directive = 지시문: { $reason }
stage-by-name = 이름 { $name }에 따름; 효과는 두 단계 어디에나 맞음
stage-by-nothing = 실행 중인 코드에 영향을 주는 것이 없음
stage-by-unreadable = 미리 읽을 수 없는 SQL을 실행함
stage-disagreement = 이름과 효과가 서로 맞지 않습니다: { $name }은(는) { $kind }이므로 단계 { $by_name }에 해당하지만, 그 효과({ $what })는 단계 { $by_effects }에 해당합니다
stage-disagreement-directive-hint = 이대로가 맞다면 파일 첫머리에 이유를 적으세요: -- lockkeeper: stage={ $stage } reason="…"
stage-disagreement-rename-hint = 파일 쌍의 이름을 바꾸세요: { $stage ->
    [1] add_…나 create_…는 단계 1을 뜻하고
   *[2] remove_…나 drop_…은 단계 2를 뜻하고
}, 그 밖의 이름이면 효과가 단계를 정합니다
stage-disagreement-split-hint = 두 쌍으로 나누세요: 추가하는 쌍은 단계 1, 제거하는 쌍은 단계 2에 둡니다

## 잠금

lock-blocks-ddl = 다른 스키마 변경만 막음
lock-blocks-nothing = 애플리케이션이 하는 일은 막지 않음
lock-blocks-reads = 읽기와 쓰기를 막음
lock-blocks-writes = 쓰기를 막음
lock-none = 사용 중인 테이블을 잠그지 않음
lock-on = { $table }에 { $mode }, { $blocks }

## 스텝이 안전한 이유

safe-lock-timeout = 잠금을 lock_timeout보다 오래 기다리지 않고, 모두를 먼저 보낸 뒤 다시 시도함
safe-no-lock = 실행 중인 코드가 쓰는 것은 건드리지 않음
safe-own-transaction = 자신의 기록과 함께 따로 커밋됨
safe-standalone-again = 두 번 실행해도 해가 없으므로, 중단되면 다시 실행하면 됨
safe-standalone-settled = 읽기도 쓰기도 막지 않음; 중단되면 카탈로그가 실행 여부를 알려 주며, 하다 만 것은 정리됨
safe-standalone-unknown = 트랜잭션 밖에서 실행됨; 중단되면 실행되었는지 사람이 알려 주어야 함



# 안전한 단계: 각 단계가 하는 일, 안전한 이유, 안전하게 할 수 없는 것.
step-adds-check = { $table }의 { $column }이(가) null이 아니라는 검사를 새 행에만 추가함
step-proves-not-null = { $table }을(를) 읽어 { $column }에 null이 없음을 증명함
step-drops-check = { $table }의 검사 { $name }을(를) 다시 제거함
step-validates = { $table }의 { $name }을(를) 검증함
step-builds-index = { $table }에 인덱스 { $name }을(를) 만듦
step-fills-column = { $table }의 { $column }을(를) 조금씩 나누어 채움
safe-not-valid = NOT VALID: 행을 읽지 않으며 잠금은 한순간만 유지됨
safe-validates = 테이블을 읽는 동안 모두가 읽고 쓸 수 있음
safe-concurrently = 트래픽 옆에서 만들며, 만들다 만 인덱스는 지우고 다시 만듦
safe-drops-concurrently = 사용 중인 세션을 기다리며 아무도 기다리게 하지 않음
safe-using-index = 이미 만든 인덱스를 넘겨받음: 한순간
safe-brief = 오래 걸리는 일은 미리 끝냄: 잠금은 한순간만 유지됨
safe-catalog-only = 카탈로그만 바뀜: 잠금은 한순간만 유지됨
safe-partitions-ready = 모든 파티션에 이미 준비되어 있음: 한순간
safe-refresh = 새로 고치는 동안에도 뷰를 읽을 수 있음
safe-batches = 짧은 트랜잭션으로, 다른 세션이 잡은 행은 건너뜀
unsafe-type = { $column }의 타입이 { $old }에서 { $new }(으)로 바뀌어, 아무도 읽지 못하는 동안 { $table }의 모든 행을 다시 씁니다
unsafe-type-way-out = 새 열을 추가해 채우고, 코드가 그 열을 쓰게 한 뒤 단계 2에서 옛 열을 제거하세요
unsafe-rewrite = 아무도 읽지 못하는 동안 { $table }의 모든 행을 다시 씁니다
unsafe-rewrite-way-out = 아무도 쓰지 않을 때 실행하거나 나누어 복사하세요
unsafe-reindex = 끝날 때까지 아무도 { $name }의 테이블에 쓸 수 없습니다
unsafe-reindex-way-out = CONCURRENTLY를 쓰세요
unsafe-exclude = 아무도 { $table }을(를) 읽거나 쓰지 못하는 동안 제약의 인덱스를 만듭니다
unsafe-exclude-way-out = 제약이 있는 새 테이블을 만들어 행을 옮기세요
unsafe-filled-column = 아무도 읽지 못하는 동안 { $table }의 모든 행에 { $column } 값을 채웁니다
unsafe-filled-column-way-out = 평범한 열을 추가하고, 기본값과 제약은 따로 된 SQL 문으로 주세요
unsafe-triggers = { $column }을(를) 채우면 행마다 { $table }의 트리거가 실행되는데, 이 역할은 트리거를 끌 수 없습니다
unsafe-triggers-way-out = 역할에 session_replication_role의 SET 권한을 주거나(PostgreSQL 15) 직접 쓴 UPDATE로 채우세요
unsafe-refresh = 새로 고칠 때까지 아무도 { $name }을(를) 읽을 수 없습니다
unsafe-refresh-way-out = 평범한 열에 유일 인덱스를 만드세요: 읽는 동안에도 새로 고칠 수 있습니다
unsafe-one-transaction = 파일이 하나의 트랜잭션이 필요한 savepoint, 임시 테이블 또는 LOCK을 쓰는데, 이 SQL 문에는 여러 트랜잭션이 필요합니다
unsafe-one-transaction-way-out = 이 SQL 문을 별도의 마이그레이션으로 옮기세요
