//! `notify test`, `status`, `deliver`: whether alerts arrive, what has not, and another try.

use std::time::Duration;

use lockkeeper_core::message;
use lockkeeper_core::model::{About, Alert, AlertKind, Answer, FactName, Problem};
use lockkeeper_engine::ledger::{Undelivered, read_undelivered};
use lockkeeper_engine::notify::{Channel, Outcome, Receiver, send_test};
use lockkeeper_engine::seams::random_id;
use serde_json::{Value, json};

use crate::cli::alerts::Texts;
use crate::cli::context::{Context, moment};
use crate::printer::{Cell, Table, Tone};

/// Try whether alerts arrive, and show or deliver those that have not
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lockkeeper notify test\n  lockkeeper notify test chat pager\n  lockkeeper notify status\n  \
                  lockkeeper notify deliver"
)]
pub struct Args {
    /// What to do
    #[arg(value_enum)]
    action: Action,
    /// With test: only these receivers of lockkeeper.toml
    names: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Action {
    /// Send a test alert to each receiver at once, and say what it answered: exit code 0 when all took it, 1 when one
    /// did not, 2 when one cannot be reached from here as it is configured
    Test,
    /// The receivers, and what they have not got: exit code 1 when there is something
    Status,
    /// Deliver what is due: exit code 1 when something is still not delivered
    Deliver,
}

const NOT_ALL: u8 = 1;
const NOT_CONFIGURED: u8 = 2;

/// What was given up is shown this long.
pub const GIVEN_UP_SHOWN_FOR: Duration = Duration::from_hours(7 * 24);

/// Longer than any one sending; what is slower is tried again.
const DELIVER_BUDGET: Duration = Duration::from_mins(1);

pub async fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    if args.action != Action::Test && !args.names.is_empty() {
        return Err(Problem::usage(message!("notify-only-test")));
    }
    if context.receivers().is_empty() && args.action != Action::Status {
        return Err(Problem::usage(message!("notify-none")).hint(message!("notify-none-hint")));
    }
    match args.action {
        Action::Test => test(&args.names, context).await,
        Action::Status => status(context).await,
        Action::Deliver => deliver(context).await,
    }
}

async fn test(names: &[String], context: &Context<'_>) -> Answer<u8> {
    let receivers = context.receivers();
    if let Some(unknown) = names.iter().find(|name| receivers.iter().all(|it| it.route.name != **name)) {
        let known: Vec<&str> = receivers.iter().map(|it| it.route.name.as_str()).collect();
        return Err(Problem::usage(message!("notify-unknown", name = unknown, known = known.join(", "))));
    }
    let wanted = receivers.iter().filter(|it| names.is_empty() || names.contains(&it.route.name));
    let texts = Texts::new(context.printer.language());
    let render = |lang: Option<&str>, value: &Value| texts.say(lang, value);
    let (routes, holder) = (context.routes(), context.holder());
    let about = About::test(&random_id());
    let alert = Alert::new(AlertKind::Test, about, message!("alert-test"), message!("alert-test-summary"))
        .fact(FactName::Actor, holder.actor)
        .fact(FactName::Host, holder.host);
    let (mut code, mut told) = (0, Vec::new());
    for receiver in wanted {
        let outcome = send_test(receiver, &routes, &alert, &render).await;
        code = code.max(match &outcome {
            Outcome::Delivered(_) => 0,
            _ if receiver.channel.is_err() => NOT_CONFIGURED,
            Outcome::Later { .. } | Outcome::Never(_) => NOT_ALL,
        });
        told.push(tell(receiver, &outcome, context));
    }
    context.printer.answer(&json!({ "receivers": told }));
    Ok(code)
}

fn tell(receiver: &Receiver, outcome: &Outcome, context: &Context<'_>) -> Value {
    let printer = context.printer;
    let name = receiver.route.name.as_str();
    let (said, word, tone) = match outcome {
        Outcome::Delivered(said) => (said, "delivered", Tone::Good),
        Outcome::Later { why, .. } => (why, "failed", Tone::Bad),
        Outcome::Never(why) if receiver.channel.is_err() => (why, "not_configured", Tone::Bad),
        Outcome::Never(why) => (why, "refused", Tone::Bad),
    };
    printer.say_in(&message!("notify-tested", name = name, said = said.clone()), tone);
    json!({ "name": name, "outcome": word, "said": printer.text(said) })
}

async fn status(context: &Context<'_>) -> Answer<u8> {
    let connection = context.connect().await?;
    let undelivered = read_undelivered(&connection, GIVEN_UP_SHOWN_FOR).await?;
    let printer = context.printer;
    if context.receivers().is_empty() {
        printer.say(&message!("notify-none"));
    }
    for receiver in context.receivers() {
        let name = receiver.route.name.as_str();
        match &receiver.channel {
            Ok(channel) => printer.say(&message!("notify-usable", name = name, kind = channel.kind())),
            Err(missing) => {
                printer.say_in(&message!("notify-unusable", name = name, why = missing.clone()), Tone::Waiting);
            }
        }
    }
    if undelivered.is_empty() {
        printer.say_in(&message!("notify-nothing-waits"), Tone::Good);
    } else {
        printer.table(&table(&undelivered, context));
    }
    printer.answer(&json!({
        "receivers": context.receivers().iter().map(|receiver| json!({
            "name": receiver.route.name,
            "kind": receiver.channel.as_ref().ok().map(Channel::kind),
            "missing": receiver.channel.as_ref().err().map(|missing| printer.text(missing)),
        })).collect::<Vec<_>>(),
        "undelivered": undelivered.iter().map(|one| to_json(one, context)).collect::<Vec<_>>(),
    }));
    Ok(if undelivered.is_empty() { 0 } else { NOT_ALL })
}

fn table(undelivered: &[Undelivered], context: &Context<'_>) -> Table {
    let printer = context.printer;
    let heading = [
        message!("notify-column-receiver"),
        message!("notify-column-kind"),
        message!("notify-column-since"),
        message!("notify-column-tries"),
        message!("notify-column-next"),
        message!("notify-column-why"),
    ];
    let mut table = Table::new(heading.iter().map(|name| printer.text(name)).collect());
    for one in undelivered {
        let next = match one.due_at {
            Some(at) => Cell::toned(moment(at), Tone::Waiting),
            None => Cell::toned(printer.text(&message!("notify-gave-up")), Tone::Bad),
        };
        table.row(vec![
            Cell::new(one.sink.as_str()),
            Cell::new(one.kind.as_str()),
            Cell::new(moment(one.created_at)),
            Cell::new(one.attempts.to_string()),
            next,
            Cell::new(why(one, context).unwrap_or_default()),
        ]);
    }
    table
}

fn to_json(one: &Undelivered, context: &Context<'_>) -> Value {
    json!({
        "id": one.id,
        "receiver": one.sink,
        "kind": one.kind,
        "about": one.about,
        "subject": context.printer.stored(&one.subject),
        "attempts": one.attempts,
        "created_at": one.created_at.to_string(),
        "due_at": one.due_at.map(|at| at.to_string()),
        "gave_up_at": one.gave_up_at.map(|at| at.to_string()),
        "error": why(one, context),
    })
}

fn why(one: &Undelivered, context: &Context<'_>) -> Option<String> {
    one.last_error.as_ref().map(|error| match error {
        Value::String(text) => text.clone(),
        message => context.printer.stored(message),
    })
}

async fn deliver(context: &Context<'_>) -> Answer<u8> {
    let connection = context.connect().await?;
    let drained = context.deliver(&connection, DELIVER_BUDGET).await?;
    let undelivered = read_undelivered(&connection, Duration::ZERO).await?.len();
    let printer = context.printer;
    let tone = if undelivered == 0 { Tone::Good } else { Tone::Waiting };
    let said = message!("notify-drained", delivered = drained.delivered, undelivered = undelivered);
    printer.say_in(&said, tone);
    printer.answer(&json!({
        "delivered": drained.delivered,
        "delayed": drained.delayed + drained.cut_off,
        "given_up": drained.given_up,
        "undelivered": undelivered,
    }));
    Ok(if undelivered == 0 && drained.given_up == 0 { 0 } else { NOT_ALL })
}
