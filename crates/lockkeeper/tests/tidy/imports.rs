//! Who may import whom: the table of ARCHITECTURE.md, held against every path in the sources.

use crate::tokens::{self, Token};
use crate::{Offence, files, found, none};

struct Crate {
    /// How the table calls it.
    name: &'static str,
    folder: &'static str,
    /// How Rust calls it.
    ident: &'static str,
    rooms: &'static [Room],
}

/// A folder (or a file) right under a crate's `src`, and the paths it may import besides its own.
struct Room {
    name: &'static str,
    may_import: &'static [&'static str],
}

const fn room(name: &'static str, may_import: &'static [&'static str]) -> Room {
    Room { name, may_import }
}

/// A new room gets its line here and its paragraph in ARCHITECTURE.md.
const HOUSE: &[Crate] = &[
    Crate {
        name: "core",
        folder: "lockkeeper-core",
        ident: "lockkeeper_core",
        rooms: &[
            room("model", &[]),
            room("parse", &["core::model"]),
            room("classify", &["core::model", "core::parse"]),
            room("plan", &["core::model", "core::parse", "core::classify"]),
            room("release", &["core::model", "core::plan"]),
            room("health", &["core::model"]),
            room("sample", &["core::model"]),
        ],
    },
    Crate {
        name: "lint",
        folder: "lockkeeper-lint",
        ident: "lockkeeper_lint",
        rooms: &[
            room("report", &["core::model", "core::parse", "core::classify"]),
            room("rule", &["core::model", "core::parse", "core::classify", "lint::report"]),
            room("rules", &["core::model", "core::parse", "core::classify", "lint::report", "lint::rule"]),
            room(
                "check",
                &["core::model", "core::parse", "core::classify", "lint::report", "lint::rule", "lint::rules"],
            ),
            room(
                "fix",
                &[
                    "core::model",
                    "core::parse",
                    "core::classify",
                    "lint::report",
                    "lint::rule",
                    "lint::rules",
                    "lint::check",
                ],
            ),
        ],
    },
    Crate {
        name: "engine",
        folder: "lockkeeper-engine",
        ident: "lockkeeper_engine",
        rooms: &[
            room("seams", &[]),
            room("process", &["engine::seams"]),
            room("postgres", &["core", "engine::seams"]),
            room("http", &["core", "engine::seams", "engine::postgres"]),
            room("probe", &["core", "engine::seams", "engine::process", "engine::postgres", "engine::http"]),
            room("signature", &["core", "engine::seams"]),
            room("github", &["core", "engine::postgres", "engine::http"]),
            room("ledger", &["core", "engine::seams", "engine::postgres"]),
            room("metrics", &["core", "engine::ledger", "engine::probe"]),
            room(
                "notify",
                &["core", "engine::seams", "engine::process", "engine::postgres", "engine::http", "engine::ledger"],
            ),
            room(
                "driver",
                &[
                    "core",
                    "engine::seams",
                    "engine::process",
                    "engine::postgres",
                    "engine::signature",
                    "engine::github",
                    "engine::ledger",
                    "engine::probe",
                    "engine::notify",
                ],
            ),
        ],
    },
    Crate {
        name: "lockkeeper",
        folder: "lockkeeper",
        ident: "lockkeeper",
        rooms: &[
            room("settings", SETTINGS_MAY_IMPORT),
            room("printer", &["core", "lint"]),
            room("cli", &["core", "lint", "engine", "lockkeeper::settings", "lockkeeper::printer"]),
        ],
    },
    // For development only, so it may see all.
    Crate { name: "testkit", folder: "lockkeeper-testkit", ident: "lockkeeper_testkit", rooms: &[] },
];

/// What to connect to is described by the room that connects; settings only fill it in.
const SETTINGS_MAY_IMPORT: &[&str] = &[
    "core",
    "lint",
    "engine::driver::AppHook",
    "engine::driver::AppHooks",
    "engine::driver::ReleaseTerms",
    "engine::github",
    "engine::postgres::ChannelBinding",
    "engine::postgres::Host",
    "engine::postgres::Passfile",
    "engine::postgres::PassfileEntry",
    "engine::postgres::RootCert",
    "engine::postgres::Secret",
    "engine::postgres::SslMode",
    "engine::postgres::Target",
    "engine::probe",
    "engine::notify",
    "engine::process::CommandLine",
];

/// What `#[macro_export]` puts at a crate's root, and the room it belongs to.
const ROOT_MACROS: &[(&str, &str, &str)] = &[("core", "message", "model")];

/// Libraries that one room hides from all others, by the start of their name.
const HIDDEN: &[(&str, &str)] = &[
    ("squawk_", "core::parse::squawk"),
    ("fluent_", "lockkeeper::printer"),
    ("hyper", "engine::http"),
    ("lettre", "engine::notify::email"),
    ("ssh_key", "engine::signature"),
];

/// A source file's place in the house, from its path.
struct Home {
    house_crate: &'static Crate,
    /// `["parse", "squawk"]`; empty for `lib.rs` and `main.rs`.
    modules: Vec<String>,
}

impl Home {
    /// `None` for what stands outside of the rooms: tests, benches, other files.
    fn of(path: &str) -> Option<Self> {
        let (folder, rest) = path.strip_prefix("crates/")?.split_once("/src/")?;
        let house_crate = HOUSE.iter().find(|one| one.folder == folder)?;
        let mut modules: Vec<String> = rest.strip_suffix(".rs")?.split('/').map(str::to_owned).collect();
        modules.pop_if(|last| last == "mod");
        if modules.first().is_some_and(|first| ["lib", "main", "bin"].contains(&first.as_str())) {
            modules.clear();
        }
        Some(Self { house_crate, modules })
    }

    fn path(&self) -> Vec<String> {
        let mut path = vec![self.house_crate.name.to_owned()];
        path.extend(self.modules.iter().cloned());
        path
    }
}

/// Every path of one file that its room may not import.
fn check(path: &str, text: &str) -> Vec<Offence> {
    let Some(home) = Home::of(path) else { return Vec::new() };
    if home.house_crate.rooms.is_empty() {
        return Vec::new();
    }
    let tokens = tokens::code(text);
    let mut offences = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let before = at;
        if starts_a_path(&tokens, at) {
            let mut paths = Vec::new();
            collect(&tokens, &mut at, &[], &mut paths);
            for (segments, line) in paths {
                let verdict = hidden(&home, &segments).or_else(|| {
                    let target = resolve(&home, &tokens[before], &segments)?;
                    refuse(&home, &target)
                });
                offences.extend(verdict.map(|(what, way_out)| Offence::new(path, line, what, way_out)));
            }
        }
        at = at.max(before + 1);
    }
    offences
}

/// Whether a word is the first of its path; `use ::one` counts as well.
fn starts_a_path(tokens: &[Token], at: usize) -> bool {
    let continues = |at: usize| {
        let before = &tokens[at];
        before.is_sign(">") || (before.kind == tokens::Kind::Word && !before.is_word("use"))
    };
    let follows_colons = at > 0 && tokens[at - 1].is_sign("::");
    tokens[at].kind == tokens::Kind::Word
        && !tokens[at].is_word("use")
        && !(follows_colons && at > 1 && continues(at - 2))
}

/// The paths of a use tree, or of one path in an expression, from `at` on.
fn collect(tokens: &[Token], at: &mut usize, prefix: &[String], paths: &mut Vec<(Vec<String>, usize)>) {
    let mut segments = prefix.to_vec();
    while let Some(token) = tokens.get(*at) {
        let follows_colons = *at > 0 && tokens[*at - 1].is_sign("::");
        if token.kind == tokens::Kind::Word {
            *at += 1;
            if token.text != "self" || prefix.is_empty() {
                segments.push(token.text.clone());
            }
            if !tokens.get(*at).is_some_and(|next| next.is_sign("::")) {
                paths.push((segments, token.line));
                return;
            }
            *at += 1;
        } else if token.is_sign("*") && follows_colons {
            *at += 1;
            segments.push("*".to_owned());
            paths.push((segments, token.line));
            return;
        } else if token.is_sign("{") && follows_colons {
            *at += 1;
            while tokens.get(*at).is_some_and(|inner| !inner.is_sign("}")) {
                let before = *at;
                if tokens[*at].is_word("as") {
                    *at += 2;
                } else if !tokens[*at].is_sign(",") {
                    collect(tokens, at, &segments, paths);
                }
                *at = (*at).max(before + 1);
            }
            *at += 1;
            return;
        } else {
            // `Vec::<T>`: the path ends before the brackets.
            paths.push((segments, token.line));
            return;
        }
    }
}

/// From the words in the text to a path from the house's root: `["core", "model", "Place"]`.
/// `None` when it does not lead through one of our crates.
fn resolve(home: &Home, start: &Token, segments: &[String]) -> Option<Vec<String>> {
    let first = segments.first()?.as_str();
    let (base, rest): (Vec<String>, &[String]) = match first {
        "crate" | "super" if segments.len() == 1 => return None, // pub(crate), pub(super)
        "crate" => (vec![home.house_crate.name.to_owned()], &segments[1..]),
        "super" => {
            let climbs = segments.iter().take_while(|segment| *segment == "super").count();
            let mut base = home.path();
            base.extend(start.modules.iter().cloned());
            base.truncate(base.len().saturating_sub(climbs).max(1));
            (base, &segments[climbs..])
        }
        "lockkeeper" if segments.len() == 1 => return None, // a word like any other
        _ => {
            let other = HOUSE.iter().find(|one| one.ident == first)?;
            (vec![other.name.to_owned()], &segments[1..])
        }
    };
    let mut target = base;
    target.extend(rest.iter().cloned());
    Some(target)
}

/// What and why, when the room may not import the target.
fn refuse(home: &Home, target: &[String]) -> Option<(String, String)> {
    let own = home.house_crate;
    let other = HOUSE.iter().find(|one| one.name == target[0])?;
    let is_root = home.modules.is_empty();
    // The root of the program composes everything; any other root only names its own rooms.
    if is_root && (own.name == "lockkeeper" || other.name == own.name) || other.name == "testkit" {
        return None;
    }

    let mut target = target.to_vec();
    if let Some((_, _, room)) = ROOT_MACROS.iter().find(|(name, item, _)| target[..] == [*name, *item]) {
        target.insert(1, (*room).to_owned());
    }
    let shown = target.join("::");
    let Some(room) = other.rooms.iter().find(|room| Some(room.name) == target.get(1).map(String::as_str)) else {
        return Some((
            format!("`{shown}` names no room"),
            format!("write the room: `{}::<room>::…`, so that this test sees what is imported", other.ident),
        ));
    };
    let here = home.modules.first().map_or("lib", String::as_str);
    if other.name == own.name && room.name == here {
        return None;
    }
    let may_import = own.rooms.iter().find(|room| room.name == here).map_or(&[][..], |room| room.may_import);
    let allowed =
        |entry: &&str| entry.split("::").enumerate().all(|(at, part)| target.get(at).is_some_and(|t| t == part));
    if may_import.iter().any(allowed) {
        return None;
    }
    let list = if may_import.is_empty() { "nothing".to_owned() } else { may_import.join(", ") };
    Some((
        format!("{}::{here} imports `{shown}`", own.name),
        format!("it may import {list}: move the code, or hand the value in from a caller that may see both"),
    ))
}

/// What and why, when a library is used outside of the one room that hides it.
fn hidden(home: &Home, segments: &[String]) -> Option<(String, String)> {
    let name = segments.first()?;
    let (_, only) = HIDDEN.iter().find(|(start, _)| name.starts_with(start))?;
    let is_a_path = segments.len() > 1;
    let at_home = format!("{}::", home.path().join("::")).starts_with(&format!("{only}::"));
    (is_a_path && !at_home).then(|| {
        (format!("`{name}` is used outside of {only}"), format!("let {only} offer what is needed, in our own types"))
    })
}

/// Rooms and crates that the table does not know.
fn unknown_rooms(paths: &mut dyn Iterator<Item = &str>) -> Vec<Offence> {
    let mut offences = Vec::new();
    for path in paths {
        let Some((folder, rest)) = path.strip_prefix("crates/").and_then(|rest| rest.split_once('/')) else { continue };
        let Some(known) = HOUSE.iter().find(|one| one.folder == folder) else {
            offences.push(Offence::new(
                path,
                1,
                format!("{folder} is a crate that the table does not know"),
                ADD_TO_TABLE,
            ));
            continue;
        };
        let Some(home) = rest.strip_prefix("src/").and_then(|_| Home::of(path)) else { continue };
        if let Some(room) = home.modules.first()
            && !known.rooms.is_empty()
            && !known.rooms.iter().any(|one| one.name == room)
        {
            offences.push(Offence::new(
                path,
                1,
                format!("{room} is a room that the table does not know"),
                ADD_TO_TABLE,
            ));
        }
    }
    offences
}

const ADD_TO_TABLE: &str = "add it to HOUSE in tests/tidy/imports.rs and to ARCHITECTURE.md, with what it may import";

#[test]
fn every_room_imports_only_what_it_may() {
    none(files::rust().iter().flat_map(|(path, text)| check(path, text)));
}

#[test]
fn every_room_is_in_the_table() {
    let files = files::rust();
    none(unknown_rooms(&mut files.keys().map(String::as_str)));
}

#[test]
fn the_table_names_only_rooms_that_are_in_it() {
    for one in HOUSE {
        for entry in one.rooms.iter().flat_map(|room| room.may_import) {
            let (name, rest) = entry.split_once("::").unwrap_or((entry, ""));
            let other =
                HOUSE.iter().find(|other| other.name == name).unwrap_or_else(|| panic!("{entry}: no such crate"));
            let room = rest.split("::").next().unwrap_or("");
            assert!(room.is_empty() || other.rooms.iter().any(|one| one.name == room), "{entry}: no such room");
        }
    }
}

mod tests {
    use super::*;

    const PARSE: &str = "crates/lockkeeper-core/src/parse/script.rs";

    #[track_caller]
    fn accepted(path: &str, text: &str) {
        assert_eq!(found(check(path, text)), [""; 0], "{path}: {text}");
    }

    #[track_caller]
    fn refused(path: &str, text: &str, what: &str) {
        assert_eq!(found(check(path, text)), [what], "{path}: {text}");
    }

    #[test]
    fn what_the_table_allows_is_allowed() {
        accepted(PARSE, "use crate::model::{Place, Span};\nuse super::statement::Statement;\nuse crate::message;");
        accepted(PARSE, "mod tests { use super::*; use super::super::directive; }");
        accepted(
            "crates/lockkeeper-core/src/lib.rs",
            "pub mod model; pub use model::Place; pub use crate::plan::Step;",
        );
        accepted("crates/lockkeeper-engine/src/ledger/row.rs", "use lockkeeper_core::{message, model::Answer, plan};");
        accepted(
            "crates/lockkeeper/src/cli/mod.rs",
            "fn f() { lockkeeper_engine::driver::run::<u8>(crate::settings::read()) }",
        );
        accepted("crates/lockkeeper/src/settings/mod.rs", "use lockkeeper_engine::postgres::Target;");
        accepted("crates/lockkeeper/src/main.rs", "fn main() { lockkeeper::run() }");
        accepted("crates/lockkeeper-engine/tests/integration/main.rs", "use lockkeeper_engine::driver;");
        accepted("crates/lockkeeper-testkit/src/cluster.rs", "use lockkeeper_engine::ledger::Ledger;");
    }

    #[test]
    fn what_only_looks_like_a_path_is_left_alone() {
        accepted(PARSE, "// use crate::plan::Step;\nconst A: &str = \"crate::plan::Step\";");
        accepted(PARSE, "pub(crate) struct A; pub(super) fn b() {} fn c(plan: u8) { plan::<u8>() }");
        accepted(PARSE, "/// See [`crate::plan`].\nfn a() { let lockkeeper = 1; std::plan::x() }");
    }

    #[test]
    fn what_the_table_does_not_allow_is_refused() {
        refused(PARSE, "\nuse crate::plan::Step;", "2 core::parse imports `core::plan::Step`");
        refused(PARSE, "fn f() -> crate::plan::Step {}", "1 core::parse imports `core::plan::Step`");
        refused(PARSE, "use crate::{model::Place,\n plan::{self}};", "2 core::parse imports `core::plan`");
        refused(PARSE, "use super::super::plan::Step;", "1 core::parse imports `core::plan::Step`");
        refused(PARSE, "mod tests { use super::super::super::plan; }", "1 core::parse imports `core::plan`");
        refused(
            "crates/lockkeeper-core/src/parse/mod.rs",
            "use super::plan::*;",
            "1 core::parse imports `core::plan::*`",
        );
        refused(
            "crates/lockkeeper-core/src/model/message.rs",
            "$crate::parse::x!()",
            "1 core::model imports `core::parse::x`",
        );
        refused(
            "crates/lockkeeper-engine/src/postgres/mod.rs",
            "use lockkeeper_lint::rule::Rule;",
            "1 engine::postgres imports `lint::rule::Rule`",
        );
        refused(
            "crates/lockkeeper-engine/src/seams/mod.rs",
            "use lockkeeper_core::{message as m};",
            "1 engine::seams imports `core::model::message`",
        );
        refused(
            "crates/lockkeeper/src/settings/file.rs",
            "use lockkeeper_engine::postgres::{Target, Connection};",
            "1 lockkeeper::settings imports `engine::postgres::Connection`",
        );
        refused(
            "crates/lockkeeper-engine/src/ledger/mod.rs",
            "use ::lockkeeper_lint::rule::A;",
            "1 engine::ledger imports `lint::rule::A`",
        );
        refused(
            "crates/lockkeeper/src/printer/mod.rs",
            "use crate::cli::Cli;",
            "1 lockkeeper::printer imports `lockkeeper::cli::Cli`",
        );
        refused(
            "crates/lockkeeper-core/src/lib.rs",
            "use lockkeeper_lint::rule::A;",
            "1 core::lib imports `lint::rule::A`",
        );
    }

    #[test]
    fn a_whole_crate_cannot_be_imported() {
        refused(PARSE, "use crate::*;", "1 `core::*` names no room");
        refused(PARSE, "use super::super::*;", "1 `core::*` names no room");
        refused(PARSE, "use crate::Place;", "1 `core::Place` names no room");
        refused("crates/lockkeeper-engine/src/driver/mod.rs", "use lockkeeper_core as core;", "1 `core` names no room");
        refused("crates/lockkeeper-engine/src/driver/mod.rs", "use lockkeeper_core::{self};", "1 `core` names no room");
    }

    #[test]
    fn a_hidden_library_is_used_only_at_home() {
        accepted("crates/lockkeeper-core/src/parse/squawk.rs", "use squawk_syntax::{ast, ast::AstNode};");
        accepted("crates/lockkeeper-core/src/parse/squawk/walk.rs", "fn f(n: squawk_syntax::SyntaxNode) {}");
        refused(PARSE, "use squawk_syntax::ast;", "1 `squawk_syntax` is used outside of core::parse::squawk");
        refused(
            "crates/lockkeeper-core/src/parse/squawks.rs",
            "fn f(n: squawk_syntax::SyntaxNode) {}",
            "1 `squawk_syntax` is used outside of core::parse::squawk",
        );
        refused(
            "crates/lockkeeper/src/cli/mod.rs",
            "use ssh_key::PublicKey;",
            "1 `ssh_key` is used outside of engine::signature",
        );
    }

    #[test]
    fn a_room_or_a_crate_that_the_table_does_not_know_is_refused() {
        let paths = [
            "crates/lockkeeper-core/src/parse/mod.rs",
            "crates/lockkeeper-core/src/cellar/mod.rs",
            "crates/lockkeeper-core/src/attic.rs",
            "crates/lockkeeper-barn/src/lib.rs",
            "crates/lockkeeper-testkit/src/anything.rs",
            "crates/lockkeeper/src/main.rs",
        ];
        assert_eq!(
            found(unknown_rooms(&mut paths.into_iter())),
            [
                "1 cellar is a room that the table does not know",
                "1 attic is a room that the table does not know",
                "1 lockkeeper-barn is a crate that the table does not know",
            ]
        );
    }
}
