//! The way from the outbox to the receivers: each receiver at its own pace, and none in the way of another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockkeeper_core::message;
use lockkeeper_core::model::{Alert, AlertKind, Answer, ExitClass, Message, Problem};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::alertmanager::SEND_AGAIN_EVERY;
use super::letter::{Letter, Render};
use super::outcome::{GIVE_UP_AFTER, Outcome, backoff, retry_in};
use super::receiver::{Channel, Receiver};
use super::routes::Routes;
use crate::ledger::{
    Delivery, Reminders, claim_deliveries, give_up_old_deliveries, is_current, ledger_id, mark_delivered,
    mark_undelivered, message_to_json, read_open_alerts, remind_alerts,
};
use crate::postgres::{Connection, SqlError, Target, connect};
use crate::seams::{instant, jittered, random_id, sleep, wall_clock};

/// So many are taken at a time, so that what a process dies with is little.
const CLAIMED_MAX: i64 = 4;

/// What is taken is left to others after this time. Longer than sending all that is taken can last: four times the
/// longest limit, and the pauses between.
const HELD: Duration = Duration::from_mins(2);

/// Reminders end after this time: what nobody has looked at for a week, nobody will for a message more.
const REMIND_FOR: Duration = Duration::from_hours(7 * 24);

/// A watcher looks into the outbox this often.
const LOOK_EVERY: Duration = Duration::from_secs(3);

/// What became of the alerts that were due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drained {
    pub delivered: usize,
    /// To be tried again later.
    pub delayed: usize,
    pub given_up: usize,
    /// Cut off when the time was over; due again at once.
    pub cut_off: usize,
}

/// What is told while alerts are delivered.
#[derive(Debug)]
pub enum News<'a> {
    Delivered {
        delivery: &'a Delivery,
    },
    /// It is tried again after this time; never, without one.
    Failed {
        delivery: &'a Delivery,
        why: &'a Message,
        retry_in: Option<Duration>,
    },
    /// The outbox cannot be read or written.
    LedgerUnreachable(&'a Problem),
}

/// Delivers what is due.
pub struct Deliverer<'a> {
    receivers: Vec<Arc<Receiver>>,
    remind: Reminders,
    render: &'a Render<'a>,
    /// When each receiver was sent something last.
    sent_at: BTreeMap<String, Instant>,
    /// When what stands was sent to Alertmanager again.
    sent_again_at: Option<Instant>,
}

/// What a task that sends tells the one that keeps the outbox.
enum Report {
    Sent(Delivery, Outcome),
    /// All that it was given is sent.
    Free(String, Instant),
}

impl<'a> Deliverer<'a> {
    pub fn new(receivers: Vec<Receiver>, remind: impl Into<Reminders>, render: &'a Render<'a>) -> Self {
        let receivers = receivers.into_iter().map(Arc::new).collect();
        Self { receivers, remind: remind.into(), render, sent_at: BTreeMap::new(), sent_again_at: None }
    }

    /// Delivers until nothing is due, or the time is over. A ledger that is missing or of another version holds
    /// nothing for us.
    ///
    /// # Errors
    /// When the outbox cannot be read or written. What was taken is due again after a while, with the same identifier.
    pub async fn drain(
        &mut self,
        connection: &Connection,
        budget: Duration,
        tell: &mut dyn FnMut(News<'_>),
    ) -> Answer<Drained> {
        let deadline = instant() + budget;
        if self.receivers.is_empty() || !is_current(connection).await? {
            return Ok(Drained::default());
        }
        let ledger_id = ledger_id(connection).await?;
        let failed = |error: SqlError| error.problem(ExitClass::Usage, message!("notify-outbox"));
        remind_alerts(connection, self.remind, REMIND_FOR).await.map_err(failed)?;
        give_up_old_deliveries(connection, GIVE_UP_AFTER, &why(&message!("notify-too-old"))).await.map_err(failed)?;
        let mut work = Work { under_way: BTreeMap::new(), busy: Vec::new(), tasks: JoinSet::new() };
        let (sender, mut reports) = mpsc::unbounded_channel();
        let mut drained = Drained::default();
        loop {
            while instant() < deadline && self.begin(connection, &ledger_id, &mut work, &sender).await? {}
            if work.busy.is_empty() && reports.is_empty() {
                return Ok(drained);
            }
            tokio::select! {
                report = reports.recv() => match report {
                    Some(Report::Sent(delivery, outcome)) => {
                        work.under_way.remove(&key(&delivery));
                        mark(connection, &delivery, &outcome, &mut drained, tell).await.map_err(failed)?;
                    }
                    Some(Report::Free(name, sent_at)) => {
                        work.busy.retain(|busy| *busy != name);
                        self.sent_at.insert(name, sent_at);
                    }
                    None => return Ok(drained),
                },
                () = sleep(deadline.saturating_duration_since(instant())) => {
                    work.tasks.shutdown().await;
                    // What arrived in the last moment is not sent again.
                    while let Ok(report) = reports.try_recv() {
                        if let Report::Sent(delivery, outcome) = report {
                            work.under_way.remove(&key(&delivery));
                            mark(connection, &delivery, &outcome, &mut drained, tell).await.map_err(failed)?;
                        }
                    }
                    for delivery in work.under_way.values() {
                        let cut_off = why(&message!("notify-cut-off"));
                        mark_undelivered(connection, delivery, &cut_off, Some(Duration::ZERO)).await.map_err(failed)?;
                        drained.cut_off += 1;
                    }
                    return Ok(drained);
                }
            }
        }
    }

    /// Takes what is due for receivers that are idle, and begins to send it. Whether there was something.
    async fn begin(
        &self,
        connection: &Connection,
        ledger_id: &str,
        work: &mut Work,
        sender: &mpsc::UnboundedSender<Report>,
    ) -> Answer<bool> {
        let is_idle = |receiver: &&Arc<Receiver>| receiver.channel.is_ok() && !work.busy.contains(&receiver.route.name);
        let idle: Vec<String> = self.receivers.iter().filter(is_idle).map(|it| it.route.name.clone()).collect();
        if idle.is_empty() {
            return Ok(false);
        }
        let claimed = claim_deliveries(connection, CLAIMED_MAX, HELD, &idle).await?;
        if claimed.is_empty() {
            return Ok(false);
        }
        let mut by_receiver: BTreeMap<String, Vec<(Delivery, Letter)>> = BTreeMap::new();
        for delivery in claimed {
            let Some(receiver) = self.receivers.iter().find(|it| it.route.name == delivery.sink) else { continue };
            let letter = Letter::new(&delivery, ledger_id, receiver.lang.as_deref(), self.render);
            work.under_way.insert(key(&delivery), delivery.clone());
            by_receiver.entry(delivery.sink.clone()).or_default().push((delivery, letter));
        }
        for (name, letters) in by_receiver {
            let Some(receiver) = self.receivers.iter().find(|it| it.route.name == name) else { continue };
            let last = self.sent_at.get(&name).copied();
            work.busy.push(name);
            work.tasks.spawn(send_each(Arc::clone(receiver), letters, last, sender.clone()));
        }
        Ok(true)
    }

    /// Sends what stands to Alertmanager again, which would forget it else.
    async fn send_again(&mut self, connection: &Connection) -> Answer<()> {
        let is_due = self.sent_again_at.is_none_or(|at| at.elapsed() >= SEND_AGAIN_EVERY);
        let keeps = |receiver: &&Arc<Receiver>| matches!(receiver.channel, Ok(Channel::Alertmanager { .. }));
        let keepers: Vec<Arc<Receiver>> = self.receivers.iter().filter(keeps).cloned().collect();
        if !is_due || keepers.is_empty() || !is_current(connection).await? {
            return Ok(());
        }
        self.sent_again_at = Some(instant());
        let ledger_id = ledger_id(connection).await?;
        for receiver in keepers {
            let Ok(channel) = &receiver.channel else { continue };
            let name = receiver.route.name.as_str();
            let open = read_open_alerts(connection, name).await?;
            if open.is_empty() {
                continue;
            }
            let letter = |delivery: &Delivery| Letter::new(delivery, &ledger_id, receiver.lang.as_deref(), self.render);
            let letters: Vec<Letter> = open.iter().map(letter).collect();
            // The next time is soon; what is new is not sent this way.
            let _ = channel.send_all(&letters, receiver.limit).await;
            let still = read_open_alerts(connection, name).await?;
            let over = letters.into_iter().filter(|letter| still.iter().all(|open| open.about != letter.about));
            let over: Vec<Letter> =
                over.map(|letter| Letter { kind: AlertKind::Recovered, at: wall_clock(), ..letter }).collect();
            if !over.is_empty() {
                // It ended while it was sent as standing, and its end may have arrived first.
                let _ = channel.send_all(&over, receiver.limit).await;
            }
        }
        Ok(())
    }
}

struct Work {
    under_way: BTreeMap<(String, String), Delivery>,
    /// Receivers that are being sent something.
    busy: Vec<String>,
    tasks: JoinSet<()>,
}

fn key(delivery: &Delivery) -> (String, String) {
    (delivery.id.clone(), delivery.sink.clone())
}

fn why(message: &Message) -> String {
    message_to_json(message).to_string()
}

/// One after the other, in their order.
async fn send_each(
    receiver: Arc<Receiver>,
    letters: Vec<(Delivery, Letter)>,
    last: Option<Instant>,
    sender: mpsc::UnboundedSender<Report>,
) {
    let Ok(channel) = &receiver.channel else { return };
    let mut last = last;
    let mut turned_away: Option<(Message, Option<Duration>)> = None;
    for (delivery, letter) in letters {
        let outcome = if let Some((why, after)) = turned_away.clone() {
            // Who asks to be left alone is not asked again for the others.
            Outcome::Later { why, after }
        } else {
            let pause = last.map_or(Duration::ZERO, |last| channel.pause().saturating_sub(last.elapsed()));
            sleep(pause).await;
            let outcome = channel.send(&letter, receiver.limit).await;
            last = Some(instant());
            outcome
        };
        if let Outcome::Later { why, after: Some(after) } = &outcome {
            turned_away = Some((why.clone(), Some(*after)));
        }
        // Nobody listens only when all is given up.
        let _ = sender.send(Report::Sent(delivery, outcome));
    }
    let _ = sender.send(Report::Free(receiver.route.name.clone(), last.unwrap_or_else(instant)));
}

async fn mark(
    connection: &Connection,
    delivery: &Delivery,
    outcome: &Outcome,
    drained: &mut Drained,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<(), SqlError> {
    let (said, retry_in) = match outcome {
        Outcome::Delivered(_) => {
            mark_delivered(connection, delivery).await?;
            drained.delivered += 1;
            tell(News::Delivered { delivery });
            return Ok(());
        }
        Outcome::Later { why, after } => {
            let wait = jittered(backoff(delivery.attempts));
            (why, retry_in(delivery.attempts, *after, delivery.age, wait))
        }
        Outcome::Never(why) => (why, None),
    };
    mark_undelivered(connection, delivery, &why(said), retry_in).await?;
    match retry_in {
        Some(_) => drained.delayed += 1,
        None => drained.given_up += 1,
    }
    tell(News::Failed { delivery, why: said, retry_in });
    Ok(())
}

/// Delivers for as long as it is let: beside a watch. It ends only by being dropped.
pub async fn keep_delivering(target: &Target, mut deliverer: Deliverer<'_>, tell: &mut dyn FnMut(News<'_>)) {
    if deliverer.receivers.iter().all(|receiver| receiver.channel.is_err()) {
        return std::future::pending().await;
    }
    let mut connection: Option<Connection> = None;
    loop {
        if let Err(problem) = look(target, &mut connection, &mut deliverer, tell).await {
            // A new connection next time.
            connection = None;
            tell(News::LedgerUnreachable(&problem));
        }
        sleep(LOOK_EVERY).await;
    }
}

async fn look(
    target: &Target,
    kept: &mut Option<Connection>,
    deliverer: &mut Deliverer<'_>,
    tell: &mut dyn FnMut(News<'_>),
) -> Answer<()> {
    let connection = match kept.take() {
        Some(connection) => connection,
        None => connect(target).await?,
    };
    deliverer.drain(&connection, HELD, tell).await?;
    deliverer.send_again(&connection).await?;
    *kept = Some(connection);
    Ok(())
}

/// Sends a trial to one receiver, at once and past the outbox.
pub async fn send_test(receiver: &Receiver, routes: &Routes, alert: &Alert, render: &Render<'_>) -> Outcome {
    let channel = match &receiver.channel {
        Ok(channel) => channel,
        Err(missing) => return Outcome::Never(missing.clone()),
    };
    let payload: Value = routes.payload(alert);
    let delivery = Delivery {
        id: random_id(),
        sink: receiver.route.name.clone(),
        attempts: 1,
        about: alert.about.clone(),
        kind: alert.kind,
        payload,
        told: 1,
        created_at: wall_clock(),
        age: Duration::ZERO,
    };
    channel.send(&Letter::new(&delivery, "test", receiver.lang.as_deref(), render), receiver.limit).await
}
