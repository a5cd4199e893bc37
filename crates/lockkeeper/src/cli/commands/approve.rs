//! `approve`: an admin's signature under exactly one plan.

use std::path::PathBuf;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Gate, Problem};
use lockkeeper_engine::driver::{ApprovalRequest, prepare_approval, record_approval};
use lockkeeper_engine::signature::{ADMIN, AllowedSigners, SigningKey, sign};

use crate::cli::authors::git_config;
use crate::cli::context::{Context, WaitArgs, moment, pending};
use crate::printer::Tone;

/// Approve stage 2: print the whole plan, then sign it with an SSH key
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  lockkeeper approve stage2 --reason \"all pods on 3.0\"\n\n\
The key must stand in the allowed_signers file, on a line with namespaces=\"lockkeeper-admin\".\n\
Without --key, git's user.signingkey is taken; ssh-keygen signs, so agents and hardware keys work.")]
pub struct Args {
    /// What is approved
    #[arg(value_enum)]
    what: What,
    /// Why it is safe now; kept in the ledger
    #[arg(long)]
    reason: String,
    /// Open this gate without what it asks for, for the reason that is given; can be repeated
    #[arg(long, value_name = "GATE", value_enum)]
    waive: Vec<Waivable>,
    /// Private key, or the public key of one that an agent holds [default: git's user.signingkey]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The principal to sign as, as the `allowed_signers` file names it [default: git's user.email]
    #[arg(long = "as", value_name = "PRINCIPAL")]
    principal: Option<String>,
    /// Sign without asking on the terminal
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    waiting: WaitArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    Stage2,
}

/// The gates that whoever approves may answer for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Waivable {
    Verify,
    Health,
    Backup,
}

impl From<Waivable> for Gate {
    fn from(waivable: Waivable) -> Self {
        match waivable {
            Waivable::Verify => Self::Verify,
            Waivable::Health => Self::Health,
            Waivable::Backup => Self::Backup,
        }
    }
}

pub async fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    let What::Stage2 = args.what;
    let reason = args.reason.trim();
    if reason.is_empty() {
        return Err(Problem::usage(message!("approve-reason-empty")).hint(message!("approve-reason-empty-hint")));
    }
    let pairs = context.pairs()?;
    let session = context.session(args.waiting).await?;
    let gates = context.gate_context(&pending(&session.connection, &pairs).await?)?;
    let project = &context.settings.project_dir;
    let Some(principal) = args.principal.clone().or_else(|| git_config(project, "user.email")) else {
        return Err(Problem::usage(message!("approve-no-principal")).hint(message!("approve-no-principal-hint")));
    };
    let key = signing_key(args, context, gates.allowed.as_ref())?;
    let expires_after = context.settings.approval.expires_after;
    let waives: Vec<Gate> = args.waive.iter().copied().map(Gate::from).collect();
    let request =
        prepare_approval(&session.connection, &pairs, &principal, reason, &waives, expires_after, &gates).await?;
    show(&request, context);
    if !args.yes {
        match context.printer.ask(&message!("approve-question")) {
            Some(true) => {}
            Some(false) => return Err(Problem::refused(message!("approve-declined")).note(message!("nothing-changed"))),
            None => return Err(Problem::usage(message!("approve-needs-yes")).note(message!("nothing-changed"))),
        }
    }
    let signature = sign(&key, ADMIN, &request.document.to_text())?;
    record_approval(&session, &request, &signature, &gates, &mut |progress| context.report(progress)).await?;
    let until = moment(request.document.expires_at);
    context.printer.say_in(&message!("approve-done", by = principal.as_str(), until = until), Tone::Good);
    context.printer.say(&message!("say-next", command = message!("next-stage2")));
    context.printer.answer(&serde_json::json!({
        "approved": "stage2",
        "plan": request.plan().to_string(),
        "by": principal,
        "waives": request.document.waives.iter().map(|gate| gate.as_str()).collect::<Vec<_>>(),
        "release": request.document.release_id,
        "expires_at": request.document.expires_at.to_string(),
    }));
    Ok(0)
}

/// The key of `--key`, else git's: a path, or `key::ssh-ed25519 …`, or the public key itself.
fn signing_key(args: &Args, context: &Context<'_>, allowed: Option<&AllowedSigners>) -> Answer<SigningKey> {
    if allowed.is_none() {
        let path = context.settings.approval.allowed_signers.display().to_string();
        return Err(
            Problem::usage(message!("approve-no-signers", path = path)).hint(message!("approve-no-signers-hint"))
        );
    }
    if let Some(path) = &args.key {
        return Ok(SigningKey::File(path.clone()));
    }
    let Some(value) = git_config(&context.settings.project_dir, "user.signingkey") else {
        return Err(Problem::usage(message!("approve-no-key")).hint(message!("approve-no-key-hint")));
    };
    let literal = value.strip_prefix("key::").map(str::to_owned).or_else(|| {
        let is_key = ["ssh-", "ecdsa-", "sk-"].iter().any(|start| value.starts_with(start));
        is_key.then(|| value.clone())
    });
    Ok(match literal {
        Some(text) => SigningKey::Text(text),
        None => SigningKey::File(expand_home(&value)),
    })
}

fn expand_home(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(path),
    }
}

/// Everything that is being approved, in full, on standard error: it is shown before, not instead of, the answer.
fn show(request: &ApprovalRequest, context: &Context<'_>) {
    let printer = context.printer;
    printer.note_in(&message!("approve-heading"), Tone::Strong);
    match &request.deployed_version {
        Some(version) => printer.note(&message!("approve-deployed", version = version.as_str())),
        None => printer.note_in(&message!("approve-not-deployed"), Tone::Waiting),
    }
    for migration in &request.migrations {
        printer.note_in(
            &message!("approve-migration", number = migration.number.to_string(), name = migration.name.as_str()),
            Tone::Strong,
        );
        for effect in &migration.effects {
            let said = match (&effect.why, effect.destroys_data) {
                (_, true) => message!("approve-effect-destroys", what = effect.what.clone()),
                (Some(why), false) => message!("approve-effect-why", what = effect.what.clone(), why = why.clone()),
                (None, false) => message!("approve-effect", what = effect.what.clone()),
            };
            printer.note_under(2, &said, if effect.destroys_data { Tone::Bad } else { Tone::Quiet });
        }
        for line in migration.up.text.lines() {
            printer.note_text(4, line);
        }
    }
    for gate in &request.document.waives {
        printer.note_in(&message!("approve-waives", gate = gate.as_str()), Tone::Bad);
    }
    printer.note_in(&message!("approve-document"), Tone::Strong);
    for line in request.document.to_text().lines() {
        printer.note_text(4, line);
    }
}
