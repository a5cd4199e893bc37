# 스스로 진행하는 릴리스: 작업, 되돌아가는 길, 훅.

journey-lost = 이제 다른 프로세스가 이 릴리스를 진행합니다: 이 프로세스는 너무 오래 멈춰 있었거나 데이터베이스와 끊겨 있었습니다
journey-lost-hint = 누구인지는 lockkeeper release status가 알려 줍니다
next-resume = lockkeeper release resume
release-is-driven = 이 릴리스는 스스로 진행 중입니다: 손으로 실행한 단계가 그 곁에서 함께 돌게 됩니다

## 되돌아가는 길

way-back-app-only = 스키마는 그대로 두고 이전 코드가 그 위에서 실행됩니다: 되돌리면 { $migrations }에 담긴 것을 잃습니다
way-back-app-wanted = on_breach = "app" 설정에 따라 스키마는 그대로 둡니다
way-back-frozen = 되돌려도 단계 2가 제거한 것은 돌아오지 않습니다: { $migrations }
way-back-nothing-added = 단계 1이 추가한 것 중 없애야 할 것이 없습니다
way-back-schema = 이전 코드가 응답한 뒤 스키마를 되돌리며, 잃는 것은 없습니다
