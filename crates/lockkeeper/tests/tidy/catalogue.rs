//! Both catalogues hold the same messages with the same variables, and the sources use exactly these.
//!
//! Reads as much of Fluent as that takes: identifiers, and the variables inside braces. Whether the text is
//! Fluent at all is found out by the printer's own test, which loads it.

use std::collections::{BTreeMap, BTreeSet};

use crate::tokens::{self, Kind, Token};
use crate::{Offence, files, found, none};

const FOLDER: &str = "crates/lockkeeper/src/printer/catalogue/";
/// Where `Message::new` itself is written.
const MESSAGE: &str = "crates/lockkeeper-core/src/model/message.rs";

/// One message of one file.
#[derive(Debug, Default)]
struct Entry {
    path: String,
    line: usize,
    variables: BTreeSet<String>,
    /// Other words inside braces: perhaps messages that it refers to.
    words: BTreeSet<String>,
    has_text: bool,
}

/// One language: identifier → message.
type Catalogue = BTreeMap<String, Entry>;

/// Reads a catalogue file into `catalogue`.
fn read(path: &str, text: &str, catalogue: &mut Catalogue, offences: &mut Vec<Offence>) {
    let mut current: Option<String> = None;
    let mut depth = 0;
    for (at, line) in text.lines().enumerate() {
        let starts_here = depth == 0 && !line.starts_with([' ', '\t', '#', '}', '[', '*']) && !line.trim().is_empty();
        let mut value = line;
        if line.starts_with('#') && depth == 0 {
            continue;
        }
        if starts_here {
            let Some((id, rest)) = line.split_once('=').filter(|(id, _)| is_identifier(id.trim())) else {
                let way_out = "a message begins `identifier = text`; what goes on is indented";
                offences.push(Offence::new(path, at + 1, "neither a message nor a comment", way_out));
                continue;
            };
            let id = id.trim().to_owned();
            value = rest;
            let entry = Entry { path: path.to_owned(), line: at + 1, ..Entry::default() };
            if let Some(first) = catalogue.insert(id.clone(), entry) {
                let what = format!("`{id}` is in {}:{} already", first.path, first.line);
                offences.push(Offence::new(path, at + 1, what, "one message, one place: rename or remove one of them"));
            }
            current = Some(id);
        }
        if let Some(entry) = current.as_ref().and_then(|id| catalogue.get_mut(id)) {
            entry.has_text |= !value.trim().is_empty();
            depth = read_value(value, depth, entry);
        }
    }
    if depth != 0 {
        offences.push(Offence::new(path, text.lines().count(), "a brace is not closed", "close it"));
    }
}

fn is_identifier(text: &str) -> bool {
    let name = text.strip_prefix('-').unwrap_or(text);
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(is_identifier_char)
}

const fn is_identifier_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

/// One line of a message's text, from `depth` open braces to as many as it leaves open.
fn read_value(line: &str, mut depth: usize, entry: &mut Entry) -> usize {
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let mut len = c.len_utf8();
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            '"' if depth > 0 => len += rest[1..].find('"').map_or(0, |end| end + 1),
            '$' if depth > 0 => {
                let name: String = rest[1..].chars().take_while(|c| is_identifier_char(*c)).collect();
                len += name.len();
                entry.variables.insert(name);
            }
            _ if depth > 0 && is_identifier_char(c) => {
                let word: String = rest.chars().take_while(|c| is_identifier_char(*c)).collect();
                len = word.len();
                entry.words.insert(word);
            }
            _ => {}
        }
        rest = &rest[len..];
    }
    depth
}

/// One `message!` in the sources.
#[derive(Debug, PartialEq, Eq)]
struct Use {
    line: usize,
    id: String,
    arguments: BTreeSet<String>,
}

/// Every `message!(…)` of one file outside of its unit tests.
fn uses(path: &str, text: &str, offences: &mut Vec<Offence>) -> Vec<Use> {
    let tokens: Vec<Token> = tokens::code(text).into_iter().filter(|token| !token.in_unit_tests()).collect();
    let mut uses = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let follows = |ahead: usize, sign: &str| tokens.get(at + ahead).is_some_and(|token| token.is_sign(sign));
        let is_new =
            token.is_word("Message") && follows(1, "::") && tokens.get(at + 2).is_some_and(|t| t.is_word("new"));
        if is_new && path != MESSAGE {
            let way_out = "use message!(\"identifier\", …), so that this test can hold it against the catalogue";
            offences.push(Offence::new(path, token.line, "Message::new past the macro", way_out));
        }
        let is_macro =
            token.is_word("message") && follows(1, "!") && (follows(2, "(") || follows(2, "[") || follows(2, "{"));
        let id = tokens.get(at + 3).filter(|id| is_macro && id.kind == Kind::Text);
        uses.extend(id.map(|id| Use {
            line: token.line,
            id: id.text.clone(),
            arguments: arguments(&tokens[at + 4..]),
        }));
    }
    uses
}

/// The names before `=` in `, name = value, …)`, whatever the values hold.
fn arguments(tokens: &[Token]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        if ["(", "[", "{"].iter().any(|open| token.is_sign(open)) {
            depth += 1;
        } else if [")", "]", "}"].iter().any(|close| token.is_sign(close)) {
            let Some(outer) = depth.checked_sub(1) else { break };
            depth = outer;
        } else if depth == 0
            && token.is_sign(",")
            && let Some([name, equals, next]) = tokens.get(at + 1..at + 4)
            && name.kind == Kind::Word
            && equals.is_sign("=")
            && !next.is_sign("=")
            && !next.is_sign(">")
        {
            names.insert(name.text.clone());
        }
    }
    names
}

fn list(names: &BTreeSet<String>) -> String {
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.iter().map(|name| format!("${name}")).collect::<Vec<_>>().join(", ")
    }
}

/// Everything that can be wrong between two languages and the sources.
fn check(files: &files::Files) -> Vec<Offence> {
    let mut offences = Vec::new();
    let [english, korean] = [".en.ftl", ".ko.ftl"].map(|ending| {
        let mut catalogue = Catalogue::new();
        for (path, text) in files.iter().filter(|(path, _)| path.starts_with(FOLDER) && path.ends_with(ending)) {
            read(path, text, &mut catalogue, &mut offences);
        }
        catalogue
    });
    offences.extend(halves(files));
    offences.extend(missing(&english, &korean, ".ko.ftl"));
    offences.extend(missing(&korean, &english, ".en.ftl"));
    offences.extend(differing(&english, &korean));

    let mut used = BTreeSet::new();
    for (path, text) in files.iter().filter(|(path, _)| files::is_rust(path) && path.contains("/src/")) {
        for one in uses(path, text, &mut offences) {
            offences.extend(held_against(&one, path, &english));
        }
        let texts = tokens::code(text).into_iter().filter(|token| token.kind == Kind::Text && !token.in_unit_tests());
        used.extend(texts.map(|token| token.text));
    }
    used.extend(
        [&english, &korean].into_iter().flat_map(|one| one.values()).flat_map(|entry| entry.words.iter().cloned()),
    );
    for (id, entry) in
        english.iter().filter(|(id, _)| !used.contains(id.trim_start_matches('-')) && !used.contains(*id))
    {
        let what = format!("`{id}` is used nowhere");
        offences.push(Offence::new(&entry.path, entry.line, what, "remove it, in both languages"));
    }
    offences
}

/// Files of the folder without the same file in the other language.
fn halves(files: &files::Files) -> Vec<Offence> {
    let other = |path: &str| match path.strip_suffix(".en.ftl") {
        Some(stem) => Some(format!("{stem}.ko.ftl")),
        None => path.strip_suffix(".ko.ftl").map(|stem| format!("{stem}.en.ftl")),
    };
    let ours = files
        .keys()
        .filter(|path| path.starts_with(FOLDER) && path.rsplit_once('.').is_some_and(|(_, end)| end == "ftl"));
    ours.filter_map(|path| match other(path) {
        None => Some(Offence::new(path, 1, "the name tells no language", "name it `room.en.ftl` or `room.ko.ftl`")),
        Some(other) if !files.contains_key(&other) => {
            Some(Offence::new(path, 1, format!("{other} is missing"), "write it"))
        }
        Some(_) => None,
    })
    .collect()
}

fn missing(here: &Catalogue, there: &Catalogue, ending: &str) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (id, entry) in here {
        let place =
            format!("{}{ending}", entry.path.trim_end_matches(".ftl").trim_end_matches(".en").trim_end_matches(".ko"));
        match there.get(id) {
            None => {
                let what = format!("`{id}` is not in {place}");
                offences.push(Offence::new(&entry.path, entry.line, what, "translate it there, or remove it here"));
            }
            Some(other) if other.path != place => {
                let what = format!("`{id}` stands in {} in the other language", other.path);
                offences.push(Offence::new(&entry.path, entry.line, what, "keep it in the same-named file"));
            }
            Some(_) => {}
        }
        if !entry.has_text {
            offences.push(Offence::new(&entry.path, entry.line, format!("`{id}` has no text"), "write it"));
        }
    }
    offences
}

fn differing(english: &Catalogue, korean: &Catalogue) -> Vec<Offence> {
    let both = korean.iter().filter_map(|(id, entry)| Some((id, entry, english.get(id)?)));
    both.filter(|(_, korean, english)| korean.variables != english.variables)
        .map(|(id, korean, english)| {
            let (has, wants) = (list(&korean.variables), list(&english.variables));
            let what = format!("`{id}` has {has}, in English {wants}");
            Offence::new(&korean.path, korean.line, what, "use the same variables in both languages")
        })
        .collect()
}

fn held_against(one: &Use, path: &str, english: &Catalogue) -> Option<Offence> {
    let Some(entry) = english.get(&one.id) else {
        let way_out = format!("add it to a file in {FOLDER}, in both languages");
        return Some(Offence::new(path, one.line, format!("`{}` is in no catalogue", one.id), way_out));
    };
    (one.arguments != entry.variables).then(|| {
        let (gives, wants) = (list(&one.arguments), list(&entry.variables));
        let what = format!("`{}` is given {gives}, its text has {wants}", one.id);
        Offence::new(path, one.line, what, format!("make this call and {}:{} agree", entry.path, entry.line))
    })
}

#[test]
fn both_catalogues_and_the_sources_agree() {
    none(check(&files::all()));
}

mod tests {
    use super::*;

    const SOURCE: &str = "crates/lockkeeper-core/src/plan/mod.rs";

    fn offends(english: &str, korean: &str, source: &str, what: &[&str]) {
        let files = [("en.ftl", english), ("ko.ftl", korean)];
        let mut files: files::Files =
            files.map(|(name, text)| (format!("{FOLDER}plan.{name}"), text.to_owned())).into_iter().collect();
        files.insert(SOURCE.to_owned(), source.to_owned());
        assert_eq!(found(check(&files)), what, "{english} / {korean} / {source}");
    }

    #[test]
    fn what_agrees_passes() {
        offends("", "", "", &[]);
        offends("# A file\na = one\n", "a = 하나\n", "message!(\"a\")", &[]);
        offends(
            "a = { $n ->\n    [one] { $n } file of { -brand }\n   *[other] { $n } files\n}\n    and { $path }\n-brand = X\n",
            "a = { $path }의 파일 { $n }개: { \"{$no}\" } $no\n-brand = X\n",
            "fn f() { x::message!(\n    \"a\",\n    n = count::<u8, u8>(1, [2, 3]),\n    path = g(|a, b| a == b),\n) }",
            &[],
        );
        offends("help = x\n", "help = 가\n", "fn f() { text(\"help\") }", &[]);
        offends("a = { b }\nb = x\n", "a = { b }\nb = 가\n", "message!(\"a\"); // message!(\"c\")", &[]);
        offends("a = x\n", "a = 가\n", "message!(\"a\"); mod tests { message!(\"not-there\") }", &[]);
    }

    #[test]
    fn what_is_missing_in_one_language_is_refused() {
        let ko = format!("1 `a` is not in {FOLDER}plan.ko.ftl");
        let en = format!("2 `b` is not in {FOLDER}plan.en.ftl");
        offends("a = x\n", "", "message!(\"a\")", &[&ko]);
        offends("a = x\n", "a = 가\nb = 나\n", "message!(\"a\")", &[&en]);
        offends("a =\n", "a = 가\n", "message!(\"a\")", &["1 `a` has no text"]);
    }

    #[test]
    fn variables_must_agree_everywhere() {
        let source = "message!(\"a\", path = p)";
        offends("a = { $path }\n", "a = 가\n", source, &["1 `a` has none, in English $path"]);
        offends("a = { $path }\n", "a = { $pfad }\n", source, &["1 `a` has $pfad, in English $path"]);
        offends("a = x\n", "a = 가\n", source, &["1 `a` is given $path, its text has none"]);
        let two = "a = { $path } { $n }\n";
        offends(two, two, source, &["1 `a` is given $path, its text has $n, $path"]);
        offends(
            two,
            two,
            "\nmessage!(\n\"a\",\npath = p == q, n\n)",
            &["2 `a` is given $path, its text has $n, $path"],
        );
    }

    #[test]
    fn what_nobody_says_and_what_nobody_wrote_is_refused() {
        offends("a = x\n", "a = 가\n", "", &["1 `a` is used nowhere"]);
        offends("a = x\n", "a = 가\n", "mod tests { message!(\"a\") }", &["1 `a` is used nowhere"]);
        offends("", "", "\nmessage!(\"a\")", &["2 `a` is in no catalogue"]);
        offends("a = x\n", "a = 가\n", "Message::new(\"a\", vec![])", &["1 Message::new past the macro"]);
    }

    #[test]
    fn a_file_that_is_no_catalogue_is_refused() {
        offends("a = x\nb\n", "a = 가\n", "message!(\"a\")", &["2 neither a message nor a comment"]);
        offends("a = { $n\n", "a = { $n }\n", "message!(\"a\", n = 1)", &["1 a brace is not closed"]);
        let double = format!("2 `a` is in {FOLDER}plan.en.ftl:1 already");
        offends("a = x\na = y\n", "a = 가\n", "message!(\"a\")", &[&double]);
    }

    #[test]
    fn a_file_of_one_language_alone_is_refused() {
        let files = [("one.en.ftl", ""), ("two.ftl", "")];
        let files = files.map(|(name, text)| (format!("{FOLDER}{name}"), text.to_owned())).into_iter().collect();
        let missing = format!("1 {FOLDER}one.ko.ftl is missing");
        assert_eq!(found(check(&files)), [missing.as_str(), "1 the name tells no language"]);
    }
}
