# The release that drives itself: its tasks, its way back, its hooks.

journey-lost = another process drives this release now: this one slept, or lost the database, for too long
journey-lost-hint = lockkeeper release status tells who it is
next-resume = lockkeeper release resume
release-is-driven = the release drives itself: a stage by hand would run beside it

## The way back

way-back-app-only = the schema stays, and the old code runs on it: going back would lose what { $migrations } holds
way-back-app-wanted = the schema stays, as on_breach = "app" asks for
way-back-frozen = going back would not bring back what stage 2 removed: { $migrations }
way-back-nothing-added = stage 1 added nothing that would have to go
way-back-schema = the schema goes back after the old code answers, and nothing is lost
