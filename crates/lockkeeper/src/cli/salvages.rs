//! What rollbacks keep of what they destroyed, as people read it.

use lockkeeper_core::message;
use lockkeeper_core::model::Message;
use lockkeeper_engine::ledger::SalvageRecord;

use super::alerts::Texts;
use super::context::{Context, moment};
use crate::printer::Tone;

/// What has become of one, with the next command where something is left to be done.
pub fn told(record: &SalvageRecord, context: &Context<'_>) -> Vec<(Message, Tone)> {
    let (table, kept_in) = (record.kept.table.to_string(), record.kept.kept_in.to_string());
    let why = record.because.as_ref().map(|because| Texts::new(context.printer.language()).say(None, because));
    let look = || (message!("salvage-look-hint", kept_in = kept_in.as_str()), Tone::Quiet);
    let Some(returned) = record.returned else {
        let at = moment(record.taken_at);
        let number = record.number.to_string();
        return match why {
            Some(why) => {
                let said =
                    message!("salvage-stays", table = table, rows = record.rows, kept_in = kept_in.as_str(), why = why);
                vec![(said, Tone::Bad), look()]
            }
            None => vec![(
                message!(
                    "salvage-waits",
                    table = table,
                    rows = record.rows,
                    kept_in = kept_in.as_str(),
                    at = at,
                    number = number
                ),
                Tone::Waiting,
            )],
        };
    };
    let back = message!("salvage-back", table = table, returned = returned.returned, rows = record.rows);
    let mut lines = vec![(back, Tone::Good)];
    if returned.gone > 0 {
        lines.push((message!("salvage-gone", count = returned.gone, kept_in = kept_in.as_str()), Tone::Waiting));
    }
    if returned.kept > 0 {
        lines.push((message!("salvage-kept", count = returned.kept, kept_in = kept_in.as_str()), Tone::Bad));
    }
    if let Some(why) = why {
        lines.push((message!("salvage-partly", kept_in = kept_in.as_str(), why = why), Tone::Bad));
    }
    if lines.len() > 1 {
        lines.push(look());
    }
    lines
}
