//! What going back would mean, at any moment of a release: how far, in which order, and why not further.

use super::task::Task;
use crate::message;
use crate::model::{Message, MigrationNumber, Stage};
use crate::plan::{Loss, RollbackClass};

/// How far a release goes back by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnBreach {
    /// The application and, where nothing is lost by it, the schema.
    #[default]
    Schema,
    /// The application alone: the old code runs on the wider schema.
    App,
}

impl OnBreach {
    pub const ALL: [Self; 2] = [Self::Schema, Self::App];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::App => "app",
        }
    }

    pub fn from_ledger(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// A migration of the release that is applied, and what undoing it would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undoable {
    pub number: MigrationNumber,
    pub stage: Stage,
    pub loss: Loss,
}

/// What stands of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub applied: Vec<Undoable>,
    /// Whether a deploy was begun: what the application runs is not known to be the old code.
    pub app_touched: bool,
    pub on_breach: OnBreach,
    /// Whether the application is stopped while it goes back.
    pub stops_app: bool,
}

/// The way back, decided before its first step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayBack {
    pub class: RollbackClass,
    /// In this order. Empty for a freeze: nothing is touched.
    pub tasks: Vec<Task>,
    pub because: Message,
}

/// Decides how far back a release can go by itself.
///
/// What stage 2 removed comes back first, because the old code needs it and the new code does not mind; then the
/// application; and what stage 1 added goes last, when only code that does not know it runs.
pub fn way_back(standing: &Standing) -> WayBack {
    let of = |stage: Stage| standing.applied.iter().filter(move |it| it.stage == stage);
    let lost = |stage: Stage| {
        let lost = of(stage).filter_map(|it| match &it.loss {
            Loss::Final(why) => Some((it.number.to_string(), why)),
            Loss::Nothing | Loss::Salvaged => None,
        });
        let (numbers, whys): (Vec<String>, Vec<&Message>) = lost.unzip();
        whys.first().map(|why| (numbers.join(", "), (*why).clone()))
    };
    if let Some((migrations, why)) = lost(Stage::Contract) {
        let because = message!("way-back-frozen", migrations = migrations, why = why);
        return WayBack { class: RollbackClass::Freeze, tasks: Vec::new(), because };
    }
    let undoes_stage2 = of(Stage::Contract).next().is_some();
    let has_stage1 = of(Stage::Expand).next().is_some();
    let salvaged: Vec<String> =
        of(Stage::Expand).filter(|it| it.loss == Loss::Salvaged).map(|it| it.number.to_string()).collect();
    let (undoes_stage1, because) = match (has_stage1, standing.on_breach, lost(Stage::Expand)) {
        (false, _, _) => (false, message!("way-back-nothing-added")),
        (true, OnBreach::App, _) => (false, message!("way-back-app-wanted")),
        (true, OnBreach::Schema, Some((migrations, why))) => {
            (false, message!("way-back-app-only", migrations = migrations, why = why))
        }
        (true, OnBreach::Schema, None) if !salvaged.is_empty() => {
            (true, message!("way-back-salvaged", migrations = salvaged.join(", ")))
        }
        (true, OnBreach::Schema, None) => (true, message!("way-back-schema")),
    };
    let app = standing.app_touched;
    let tasks = [
        (Task::UndoStage2, undoes_stage2),
        (Task::StopApp, app && standing.stops_app),
        (Task::RollbackApp, app),
        (Task::StartApp, app && standing.stops_app),
        (Task::WaitRolledBack, app),
        (Task::UndoStage1, undoes_stage1),
    ];
    let class = if undoes_stage1 || undoes_stage2 { RollbackClass::AppAndSchema } else { RollbackClass::AppOnly };
    WayBack { class, tasks: tasks.into_iter().filter_map(|(task, is_due)| is_due.then_some(task)).collect(), because }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(stages: &[(Stage, bool)]) -> Standing {
        let one = |(at, (stage, loses_nothing)): (usize, &(Stage, bool))| Undoable {
            number: MigrationNumber::parse(&(at + 1).to_string()).unwrap(),
            stage: *stage,
            loss: if *loses_nothing { Loss::Nothing } else { Loss::Final(message!("loss-no-way-back")) },
        };
        Standing {
            applied: stages.iter().enumerate().map(one).collect(),
            app_touched: true,
            on_breach: OnBreach::Schema,
            stops_app: false,
        }
    }

    fn told(standing: &Standing) -> (&'static str, String) {
        let way = way_back(standing);
        (way.class.as_str(), way.tasks.iter().map(|task| task.as_str()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn the_application_goes_back_before_what_was_added_is_taken_away() {
        let one = applied(&[(Stage::Expand, true)]);
        assert_eq!(told(&one), ("app + schema", "rollback_app wait_rolled_back undo_stage1".into()));
        let stops = Standing { stops_app: true, ..one.clone() };
        assert_eq!(told(&stops).1, "stop_app rollback_app start_app wait_rolled_back undo_stage1");
        assert_eq!(told(&Standing { app_touched: false, ..one }), ("app + schema", "undo_stage1".into()));
    }

    #[test]
    fn what_would_be_lost_stays() {
        let one = applied(&[(Stage::Expand, true), (Stage::Expand, false)]);
        assert_eq!(told(&one), ("app only", "rollback_app wait_rolled_back".into()));
        assert_eq!(way_back(&one).because.to_string(), "way-back-app-only migrations=\"02\" why=(loss-no-way-back)");
        let wanted = Standing { on_breach: OnBreach::App, ..applied(&[(Stage::Expand, true)]) };
        assert_eq!(told(&wanted).0, "app only");
        assert_eq!(told(&applied(&[])), ("app only", "rollback_app wait_rolled_back".into()));
    }

    #[test]
    fn what_can_be_kept_goes() {
        let mut kept = applied(&[(Stage::Expand, true), (Stage::Expand, true)]);
        kept.applied[1].loss = Loss::Salvaged;
        assert_eq!(told(&kept), ("app + schema", "rollback_app wait_rolled_back undo_stage1".into()));
        assert_eq!(way_back(&kept).because.to_string(), "way-back-salvaged migrations=\"02\"");
    }

    #[test]
    fn what_stage_2_removed_comes_back_first_or_nothing_is_touched() {
        let back = applied(&[(Stage::Expand, true), (Stage::Contract, true)]);
        assert_eq!(told(&back), ("app + schema", "undo_stage2 rollback_app wait_rolled_back undo_stage1".into()));
        let kept = applied(&[(Stage::Expand, false), (Stage::Contract, true)]);
        assert_eq!(told(&kept).1, "undo_stage2 rollback_app wait_rolled_back");
        let gone = applied(&[(Stage::Expand, true), (Stage::Contract, false)]);
        assert_eq!(told(&gone), ("freeze", String::new()));
        let wanted = Standing { on_breach: OnBreach::App, ..gone };
        assert_eq!(told(&wanted).0, "freeze", "the old code cannot run without what is gone");
    }
}
