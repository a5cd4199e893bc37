//! The section `[approval.github]` of `lockkeeper.toml`: whose reviews on GitHub approve, of which environment.

use std::collections::BTreeMap;

use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};
use lockkeeper_core::release::GithubRule;
use lockkeeper_engine::github::{GithubRun, GithubVariables};
use serde::Deserialize;
use toml::Spanned;

use super::Sources;
use super::env_names::{GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_RUN_ATTEMPT, GITHUB_RUN_ID, GITHUB_TOKEN};
use super::file::Source;
use super::settings::GithubApproval;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGithub {
    environment: Spanned<String>,
    approvers: Spanned<BTreeMap<Spanned<String>, Spanned<String>>>,
}

impl Source<'_> {
    pub(super) fn github(&self, raw: Spanned<RawGithub>) -> Answer<GithubRule> {
        let RawGithub { environment, approvers } = raw.into_inner();
        if environment.get_ref().trim().is_empty() {
            let problem = Problem::usage(message!("settings-github-environment"));
            return Err(problem.at(self.place(environment.span())));
        }
        if approvers.get_ref().is_empty() {
            return Err(Problem::usage(message!("settings-github-approvers")).at(self.place(approvers.span())));
        }
        let mut known: BTreeMap<String, String> = BTreeMap::new();
        for (login, principal) in approvers.into_inner() {
            if login.get_ref().trim().is_empty() || principal.get_ref().trim().is_empty() {
                return Err(Problem::usage(message!("settings-github-approver")).at(self.place(login.span())));
            }
            let (login, at) = (login.get_ref().trim().to_lowercase(), login.span());
            // Which of the two it is nobody could tell.
            if known.insert(login.clone(), principal.get_ref().trim().to_owned()).is_some() {
                return Err(Problem::usage(message!("settings-github-twice", login = login)).at(self.place(at)));
            }
        }
        Ok(GithubRule::new(environment.get_ref().trim().to_owned(), known))
    }
}

/// The run is what GitHub says in the environment of a job, and nothing that a file says.
pub fn resolve(sources: &Sources) -> Option<GithubApproval> {
    let of = |name: &str| sources.env.get(name).map(String::as_str);
    let rule = sources.file.github.clone()?;
    let run = GithubRun::new(&GithubVariables {
        api_url: of(GITHUB_API_URL),
        repository: of(GITHUB_REPOSITORY),
        run_id: of(GITHUB_RUN_ID),
        attempt: of(GITHUB_RUN_ATTEMPT),
        token: of(GITHUB_TOKEN),
    });
    Some(GithubApproval { rule, run })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::file;

    const SECTION: &str = "[approval.github]\nenvironment = \"contract\"\n";

    #[test]
    fn without_the_section_nothing_is_asked_and_without_a_run_nobody() {
        let sources = |text: &str, run: Option<&str>| Sources {
            file: file::parse("lockkeeper.toml", text).unwrap(),
            env: run.map(|id| (GITHUB_RUN_ID.to_owned(), id.to_owned())).into_iter().collect(),
            ..Sources::default()
        };
        let section = format!("{SECTION}approvers = {{ \"Alice\" = \"alice@shop.example\" }}");
        assert_eq!(resolve(&sources("", Some("7"))), None);
        let outside = resolve(&sources(&section, None)).unwrap();
        assert_eq!((outside.rule.principal("aliCE"), outside.run), (Some("alice@shop.example"), None));
        let incomplete = resolve(&sources(&section, Some("7"))).unwrap().run.unwrap();
        assert_eq!(incomplete.unwrap_err().id, "github-variable");
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_place() {
        for (text, id) in [
            (
                "[approval.github]\nenvironment = \" \"\napprovers = { a = \"b\" }".to_owned(),
                "settings-github-environment",
            ),
            (format!("{SECTION}approvers = {{}}"), "settings-github-approvers"),
            (format!("{SECTION}approvers = {{ a = \"\" }}"), "settings-github-approver"),
            (format!("{SECTION}approvers = {{ a = \"b\", A = \"c\" }}"), "settings-github-twice"),
            (SECTION.to_owned(), "settings-file-invalid"),
            (format!("{SECTION}approver = {{ a = \"b\" }}"), "settings-file-unknown-key"),
        ] {
            let problem = file::parse("lockkeeper.toml", &text).unwrap_err();
            assert_eq!(problem.message.id, id, "{text}");
            assert!(problem.place.is_some(), "{text}");
        }
    }
}
