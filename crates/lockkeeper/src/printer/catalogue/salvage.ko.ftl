# 롤백이 잃게 되는 값, 보관하는 값, 그리고 되돌려 넣는 방법.

## 값을 잃게 되는 이유

loss-file-unknown = 파일이 없거나 변경되어, 되돌리면 무엇을 잃는지 알 수 없습니다
loss-heirs = 다른 테이블이 { $table }을(를) 상속하고 있어 그 행을 구별할 수 없습니다
loss-key-goes = { $table }의 기본 키도 함께 사라져, 값이 어느 행의 것인지 알 수 없게 됩니다
loss-no-key = { $table }에 기본 키가 없어, 값이 어느 행의 것인지 알 수 없게 됩니다
loss-no-table = { $table }은(는) 이 데이터베이스의 테이블이 아니므로 그 행은 여기에 보관되지 않습니다
loss-no-way-back = 읽을 수 있고 SQL 문이 담긴 다운 스크립트가 없습니다
loss-not-in-one = 다운 스크립트가 하나의 트랜잭션에서 실행되지 않습니다. 값은 그것을 없애는 트랜잭션 안에서만 보관됩니다
loss-of-up = 업 스크립트가 없앤 것은 되살릴 수 없습니다: { $what }
loss-other = 다운 스크립트의 다음 작업은 보관할 수 없습니다. 열과 테이블만 보관됩니다: { $what }
loss-renamed = 다운 스크립트가 대상의 이름을 바꾸므로, 이름만으로는 무엇이 사라지는지 알 수 없습니다
loss-row-security = 행 수준 보안이 { $table }의 행을 이 역할에게 숨깁니다
loss-search-path = 다운 스크립트가 search_path를 설정하고 스키마 없이 테이블 이름을 씁니다
loss-too-large = { $table }까지 { $mib } MiB를 모두가 기다리는 동안 복사해야 합니다. 최대 { $max } MiB까지만 복사합니다
loss-unknown = 해당 테이블을 살펴볼 수 없었습니다({ $why })
loss-unreadable = 다운 스크립트를 읽을 수 없습니다: { $what }

## 보관

effect-salvage = { $table }에서 사라질 값을 보관
safe-salvage = 값을 없애는 트랜잭션 안에서 보관됨
plan-undo-loses = 되돌리면 값을 잃습니다: { $why }
plan-undo-salvaged = 되돌려도 잃는 것이 없습니다: 새 코드가 쓴 값은 보관했다가 되돌려 넣습니다
progress-salvaged = { $table }: { $rows }행의 값을 { $kept_in }에 보관했습니다
rollback-keeps = { $table }의 { $columns }을(를) 원장 스키마에 보관합니다
rollback-keeps-table = { $table }의 행을 원장 스키마에 보관합니다
rollback-loses = 값을 영영 잃습니다: { $why }
rollback-would-lose = { $number }을(를) 되돌리면 값을 영영 잃습니다: { $why }
rollback-would-lose-backup-hint = 먼저 다른 곳에 보관하세요: lockkeeper backup create
rollback-would-lose-flag-hint = 또는 잃는 것을 받아들이세요: lockkeeper rollback { $point } --accept-loss --reason "…"
rollback-would-lose-why = 이전 코드는 지금 스키마에서 그대로 실행됩니다: 애플리케이션만 되돌려도 충분합니다
salvage-tables-unreadable = 없어질 테이블을 살펴볼 수 없었습니다

## 되돌려 넣기

salvage-back = { $table }: { $rows }행 가운데 { $returned }행에 보관했던 값을 되돌려 넣었습니다
salvage-drop-hint = 사본이 더는 필요하지 않으면: DROP TABLE { $kept_in }
salvage-gone = 그중 { $count }개는 이제 없는 행의 값이며, { $kept_in }에 남아 있습니다
salvage-kept = 그중 { $count }개는 맞지 않아 각각의 이유와 함께 { $kept_in }에 남아 있습니다
salvage-left-out = { $table }에 { $columns }을(를) 넣을 곳이 없습니다
salvage-look-hint = 확인하기: SELECT * FROM { $kept_in } WHERE "lockkeeper fate" IS DISTINCT FROM 'returned'
salvage-no-column = { $table }에 { $columns }을(를) 받을 열이 없습니다
salvage-no-table = { $table } 테이블이 없습니다
salvage-not-empty = { $table }에 기본 키가 없고 이미 행이 있어, 보관한 행과 구별할 수 없습니다
salvage-not-returned = 다른 세션이 { $table }의 행을 잡고 있어 보관한 값을 되돌려 넣지 못했습니다
salvage-other-key = { $table }의 기본 키가 다릅니다
salvage-partly = 일부는 넣을 곳이 없어 { $kept_in }에 남아 있습니다: { $why }
salvage-refused = { $table }이(가) 아무것도 받지 않습니다: { $said }({ $sqlstate })
salvage-sequence = { $table }.{ $column }의 시퀀스를 { $last }(으)로 옮기지 못했습니다
salvage-stays = { $table }: 보관한 { $rows }행의 값이 { $kept_in }에 남아 있습니다: { $why }
salvage-waits = { $table }: { $rows }행의 값을 { $at }부터 { $kept_in }에 보관하고 있으며, { $number }을(를) 다시 적용하면 되돌려 넣습니다
status-salvages = 롤백이 보관한 값
