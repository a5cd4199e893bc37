//! The manners of a source file: what it begins with, what it must not hold, how long it may be.

use std::collections::BTreeSet;
use std::path::Path;

use crate::tokens::{self, Kind, Token};
use crate::{Offence, files, found, none};

const LINES_MAX: usize = 600;

/// Files that may be longer, with the reason. A grammar or a table is read in one piece.
const LONG: &[(&str, &str)] =
    &[("crates/lockkeeper-core/src/parse/squawk.rs", "one pass over a grammar: every kind of statement once")];

/// Where printing is the job.
const PRINTS: &[&str] = &["crates/lockkeeper/src/printer.rs", "crates/lockkeeper/src/printer/"];

/// All that can be said about one Rust file by itself.
fn check(path: &str, text: &str) -> Vec<Offence> {
    let tokens = tokens::all(text);
    let mut offences = Vec::new();
    offences.extend(first_sentence(path, text));
    offences.extend(length(path, text));
    offences.extend(tokens.iter().filter(|token| token.kind == Kind::Comment).filter_map(|token| {
        let (mark, way_out) = (concat!("FIX", "ME"), "mend it now, or write an issue");
        token.text.contains(mark).then(|| Offence::new(path, token.line, format!("a comment says {mark}"), way_out))
    }));
    let code: Vec<Token> = tokens.into_iter().filter(|token| token.kind != Kind::Comment).collect();
    for (at, token) in code.iter().enumerate() {
        let refusal = unfinished(&code, at).or_else(|| ignored(&code, at)).or_else(|| prints(path, &code, at));
        offences.extend(refusal.map(|(what, way_out)| Offence::new(path, token.line, what, way_out)));
    }
    offences
}

/// The first paragraph of the module's own documentation is one or more whole sentences.
fn first_sentence(path: &str, text: &str) -> Option<Offence> {
    let lines: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
    let paragraph = lines.iter().take_while(|line| !line.is_empty()).copied().collect::<Vec<_>>().join(" ");
    (!paragraph.ends_with('.')).then(|| {
        let what = "the file does not begin with a sentence";
        Offence::new(path, 1, what, "first line: `//! What this module is for.`, with a full stop")
    })
}

fn length(path: &str, text: &str) -> Option<Offence> {
    let lines = text.lines().count();
    let is_listed = LONG.iter().any(|(long, _)| *long == path);
    let way_out = "split it by nouns; a grammar or a table goes on the list LONG in tests/tidy/manners.rs";
    (lines > LINES_MAX && !is_listed)
        .then(|| Offence::new(path, lines, format!("{lines} lines, {LINES_MAX} is the limit"), way_out))
}

type Refusal = (String, &'static str);

fn unfinished(code: &[Token], at: usize) -> Option<Refusal> {
    let word = &code[at].text;
    let is_one = code[at].kind == Kind::Word && ["todo", "unimplemented", "dbg"].contains(&word.as_str());
    let is_call = is_one && code.get(at + 1).is_some_and(|next| next.is_sign("!"));
    is_call.then(|| (format!("{word}! is left in"), "finish it, or return a Problem that says what is not there yet"))
}

/// `#[ignore]`, with or without a reason, behind a condition or not.
fn ignored(code: &[Token], at: usize) -> Option<Refusal> {
    if !code[at].is_word("ignore") || at < 2 {
        return None;
    }
    let is_plain = code[at - 1].is_sign("[") && code[at - 2].is_sign("#");
    let before = &code[at.saturating_sub(40)..at];
    let opens = before.iter().rposition(|token| token.is_sign("[") || token.is_sign("]"));
    let is_conditional = code[at - 1].is_sign(",")
        && opens.is_some_and(|open| before.get(open + 1).is_some_and(|token| token.is_word("cfg_attr")));
    let way_out = "a test that never runs proves nothing: mend it or remove it";
    (is_plain || is_conditional).then(|| ("a test is ignored".to_owned(), way_out))
}

/// `println!` and its kin, and the streams themselves.
fn prints(path: &str, code: &[Token], at: usize) -> Option<Refusal> {
    let is_test = path.contains("/tests/") || path.contains("/benches/") || code[at].in_unit_tests();
    if is_test || code[at].kind != Kind::Word || PRINTS.iter().any(|allowed| path.starts_with(allowed)) {
        return None;
    }
    let word = code[at].text.as_str();
    let next_is = |ahead: usize, sign: &str| code.get(at + ahead).is_some_and(|token| token.is_sign(sign));
    let is_macro = ["print", "println", "eprint", "eprintln"].contains(&word) && next_is(1, "!");
    let is_method = at > 0 && code[at - 1].is_sign(".");
    let is_stream = ["stdout", "stderr"].contains(&word) && next_is(1, "(") && next_is(2, ")") && !is_method;
    let shown = if is_macro { format!("{word}!") } else { format!("{word}()") };
    (is_macro || is_stream).then(|| {
        (format!("{shown} outside of the printer"), "return a Message or a view, and let the printer print it")
    })
}

/// Sources that no `mod` line declares: Rust leaves them out without a word, tests and all.
fn undeclared(files: &files::Files) -> Vec<Offence> {
    let declared: BTreeSet<String> = files.iter().flat_map(|(path, text)| declares(path, text)).collect();
    let is_root = |path: &str| {
        let parts: Vec<&str> = path.split('/').skip(2).collect();
        match parts[..] {
            ["src", "lib.rs" | "main.rs"] | ["src", "bin", _] | ["build.rs"] => true,
            ["tests" | "benches" | "examples", file] => Path::new(file).extension().is_some(),
            ["tests" | "benches" | "examples", _, "main.rs"] => true,
            _ => false,
        }
    };
    let forgotten = files.keys().filter(|path| files::is_rust(path) && !is_root(path) && !declared.contains(*path));
    let way_out = "write its `mod` line in the file above it, or remove it";
    forgotten.map(|path| Offence::new(path, 1, "no `mod` line declares this file", way_out)).collect()
}

/// The files that the `mod name;` lines of one file may mean.
fn declares(path: &str, text: &str) -> Vec<String> {
    let Some((folder, file)) = path.rsplit_once('/') else { return Vec::new() };
    let stem = file.trim_end_matches(".rs");
    let is_folder_file =
        ["mod", "lib", "main"].contains(&stem) || folder.ends_with("/tests") || folder.ends_with("/benches");
    let folder = if is_folder_file { folder.to_owned() } else { format!("{folder}/{stem}") };
    let code = tokens::code(text);
    let names = code.windows(3).filter(|three| three[0].is_word("mod") && three[2].is_sign(";"));
    names
        .flat_map(|three| {
            let name = three[1].text.trim_start_matches("r#");
            let inner = three[0].modules.iter().fold(folder.clone(), |folder, module| format!("{folder}/{module}"));
            [format!("{inner}/{name}.rs"), format!("{inner}/{name}/mod.rs")]
        })
        .collect()
}

/// Somebody's home folder in a file that everybody gets.
fn homes(path: &str, text: &str) -> Vec<Offence> {
    let homes = [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];
    let names_one = |line: &str| {
        homes.iter().any(|home| {
            line.match_indices(home).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '~' | '}' | '*'))
            })
        })
    };
    let way_out = "write a path that holds on every machine";
    let lines = text.lines().enumerate().filter(|(_, line)| names_one(line));
    lines.map(|(at, _)| Offence::new(path, at + 1, "names a home folder", way_out)).collect()
}

#[test]
fn every_source_file_has_manners() {
    none(files::rust().iter().flat_map(|(path, text)| check(path, text)));
}

#[test]
fn every_source_file_is_declared() {
    none(undeclared(&files::rust()));
}

#[test]
fn no_file_names_a_home_folder() {
    none(files::all().iter().flat_map(|(path, text)| homes(path, text)));
}

#[test]
fn the_list_of_long_files_is_needed() {
    let files = files::rust();
    for (path, reason) in LONG {
        let lines = files.get(*path).map_or(0, |text| text.lines().count());
        assert!(lines > LINES_MAX && !reason.is_empty(), "{path}: {lines} lines: take it off the list LONG");
    }
}

mod tests {
    use super::*;

    const SOURCE: &str = "crates/lockkeeper-core/src/plan/mod.rs";

    #[track_caller]
    fn offends(path: &str, code: &str, what: &[&str]) {
        assert_eq!(found(check(path, &format!("//! A file.\n{code}"))), what, "{path}: {code}");
    }

    #[test]
    fn a_file_begins_with_a_sentence() {
        let begins = |text: &str| first_sentence(SOURCE, text).is_none();
        assert!(begins("//! Steps.\n"));
        assert!(begins("//! Steps, in the order\n//! in which they run.\n//!\n//! More"));
        for text in ["", "use a;\n", "//! steps\n", "//!\n//! Steps.\n", "\n//! Steps.\n", "/// Steps.\n"] {
            assert!(!begins(text), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_finished_is_refused() {
        offends(SOURCE, "fn f() { todo!() }", &["2 todo! is left in"]);
        offends(
            SOURCE,
            "fn f() {\n dbg!(1); unimplemented!(\"later\") }",
            &["3 dbg! is left in", "3 unimplemented! is left in"],
        );
        offends(SOURCE, concat!("// FIX", "ME: later"), &[concat!("2 a comment says FIX", "ME")]);
        offends(SOURCE, "#[test] #[ignore] fn f() {}", &["2 a test is ignored"]);
        offends(SOURCE, "#[ignore = \"slow\"] fn f() {}", &["2 a test is ignored"]);
        offends(SOURCE, "#[cfg_attr(windows, ignore)] fn f() {}", &["2 a test is ignored"]);
        offends(SOURCE, "fn f(todo: u8, ignore: bool) { g(todo, ignore); h(\"todo!()\") } // dbg!(1)", &[]);
    }

    #[test]
    fn only_the_printer_and_tests_print() {
        let code = "fn f() { println!(\"a\") }";
        offends(SOURCE, code, &["2 println! outside of the printer"]);
        offends("crates/lockkeeper/src/cli/printer.rs", code, &["2 println! outside of the printer"]);
        offends("crates/lockkeeper/src/printer/mod.rs", code, &[]);
        offends("crates/lockkeeper/tests/integration/main.rs", code, &[]);
        offends("crates/lockkeeper/benches/apply.rs", code, &[]);
        offends(SOURCE, "mod tests { fn f() { eprintln!(\"a\") } }", &[]);
        offends(SOURCE, "fn f() { write!(std::io::stdout(), \"a\") }", &["2 stdout() outside of the printer"]);
        offends(SOURCE, "fn f(c: C) { c.stdout(Stdio::null()); c.stderr() }", &[]);
    }

    #[test]
    fn a_long_file_is_refused() {
        offends(SOURCE, &"\n".repeat(LINES_MAX), &["601 601 lines, 600 is the limit"]);
        offends(SOURCE, &"\n".repeat(LINES_MAX - 1), &[]);
    }

    #[test]
    fn a_forgotten_file_is_refused() {
        let files = [
            ("crates/a/src/lib.rs", "mod b; pub mod c; mod inline { mod d; } // mod lost;"),
            ("crates/a/src/b.rs", "mod e;"),
            ("crates/a/src/b/e.rs", ""),
            ("crates/a/src/c/mod.rs", "mod f;"),
            ("crates/a/src/c/f.rs", ""),
            ("crates/a/src/inline/d.rs", ""),
            ("crates/a/src/lost.rs", ""),
            ("crates/a/src/c/e.rs", ""),
            ("crates/a/tests/one.rs", "mod common;"),
            ("crates/a/tests/common/mod.rs", ""),
            ("crates/a/tests/ring/main.rs", "mod known; mod nested;"),
            ("crates/a/tests/ring/known.rs", ""),
            ("crates/a/tests/ring/nested/mod.rs", ""),
            ("crates/a/tests/ring/unknown.rs", ""),
            ("crates/a/tests/ring/nested/unknown.rs", ""),
        ];
        let files = files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
        let forgotten: Vec<String> = undeclared(&files).into_iter().map(|offence| offence.path).collect();
        assert_eq!(
            forgotten,
            [
                "crates/a/src/c/e.rs",
                "crates/a/src/lost.rs",
                "crates/a/tests/ring/nested/unknown.rs",
                "crates/a/tests/ring/unknown.rs",
            ]
        );
    }

    #[test]
    fn a_home_folder_is_refused() {
        let home = concat!("/ho", "me/");
        assert_eq!(found(homes("a.sh", &format!("\ncd {home}deploy"))), ["2 names a home folder"]);
        assert_eq!(found(homes("a.rs", concat!("\"/Us", "ers/x\""))), ["1 names a home folder"]);
        assert_eq!(found(homes("a.sh", &format!("cd ~{home}x; cd the{home}x; cd $HOME/x"))), [""; 0]);
    }
}
