//! The diagram of the states in docs/releases.md, from the state machine itself.
//!
//! `UPDATE_DOCS=1 cargo test -p lockkeeper --test integration release::diagram` writes it anew.

use std::collections::BTreeSet;
use std::path::Path;

use lockkeeper_core::release::{Drive, Event, Release, ReleaseState, next};

const BEGIN: &str = "<!-- states: written by the test `release::diagram`, with UPDATE_DOCS=1 -->\n\n";
const END: &str = "\n<!-- end of states -->";

#[test]
fn the_page_shows_the_states_that_there_are() {
    let diagram = diagram();
    for page in ["releases.md", "releases.ko.md"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
        let text = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = text.split_once(BEGIN).unwrap();
        let (shown, after) = rest.split_once(END).unwrap();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, format!("{before}{BEGIN}{diagram}{END}{after}")).unwrap();
        } else {
            assert!(shown == diagram, "docs/{page} is not what the states are; UPDATE_DOCS=1 writes it");
        }
    }
}

/// A release that drives itself, every transition that changes its state.
fn diagram() -> String {
    let mut lines = BTreeSet::new();
    for state in ReleaseState::ALL {
        for event in Event::ALL {
            if let Ok(to) = next(Release { state, drive: Drive::Driven }, event)
                && to != state
            {
                lines.insert((state as usize, format!("    {} --> {}\n", state.as_str(), to.as_str())));
            }
        }
    }
    let lines: String = lines.into_iter().map(|(_, line)| line).collect();
    format!(
        "```mermaid\nstateDiagram-v2\n    [*] --> planned\n{lines}    completed --> [*]\n    rolled_back --> [*]\n```\n"
    )
}
