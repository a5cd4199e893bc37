//! Ready-made hooks, each in a whole release, in front of a stand-in that keeps what the real program would keep and
//! records what it was asked for.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::Release;
use crate::shop::{Run, Shop};

/// A release that moves its application by a kit.
struct Kit {
    release: Release,
}

impl Kit {
    fn open(kit: &str, program: &str, stand_in: &str) -> Self {
        let release = Release::unwatched(None, "");
        let project = &release.shop.project;
        let settings = project.read("lockkeeper.toml");
        let own = settings.find("[hooks.deploy]").unwrap();
        project.write("lockkeeper.toml", &format!("{}{kit}\n", &settings[..own]));
        let folder = project.path().join("stand-in");
        std::fs::create_dir_all(folder.join("bin")).unwrap();
        let program = folder.join("bin").join(program);
        std::fs::write(&program, stand_in).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { release }
    }

    fn kubernetes(kit: &str) -> Self {
        let opened = Self::open(kit, "kubectl", include_str!("stand_ins/kubectl.sh"));
        for (name, text) in [
            ("sets", "shop-1 1 1"),
            ("current", "shop-1"),
            ("stable", "shop-1"),
            ("replicas", "3"),
            ("annotations", "a=b"),
        ] {
            opened.keep(name, text);
        }
        opened
    }

    fn folder(&self) -> &Path {
        self.release.shop.project.path()
    }

    fn keep(&self, name: &str, text: &str) {
        std::fs::write(self.folder().join("stand-in").join(name), format!("{text}\n")).unwrap();
    }

    fn kept(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder().join("stand-in").join(name)).unwrap_or_default()
    }

    fn run(&self, line: &str) -> Run {
        let mut command = self.release.shop.command(&format!("--json {line}"));
        let bin = self.folder().join("stand-in/bin");
        command.env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()));
        Shop::finish(command)
    }

    /// What was asked for that changes something, since the last time.
    fn calls(&self) -> String {
        let mut changes = String::new();
        for line in self.kept("calls").lines().filter(|line| !line.contains("get ") && !line.contains("is-active")) {
            writeln!(changes, "{line}").unwrap();
        }
        self.keep("calls", "");
        changes.trim().to_owned()
    }

    fn start(&self) -> Run {
        self.run("release start --version 2 --previous 1")
    }

    /// Up to version 2 and through, or back to version 1.
    fn goes_through(&self) {
        self.start().expect(0);
        assert_eq!((self.release.state().as_str(), self.release.version().as_str()), ("awaiting_approval", "2"));
        self.release.approve();
        self.run("release resume").expect(0);
        assert_eq!(self.release.state(), "completed");
    }

    fn goes_back(&self) {
        self.run("release abort --reason \"wrong build\"").expect(5);
        assert_eq!((self.release.state().as_str(), self.release.version().as_str()), ("rolled_back", "1"));
    }

    fn lost_nothing(mut self) {
        let seen = self.release.seen();
        assert!(seen.requests > 0 && seen.failures.is_empty(), "{seen:?}");
    }
}

const KUBERNETES: &str = "[hooks.kubernetes]\ndeployment = \"shop\"\nimage = \"registry.example/shop\"\n\
                          container = \"web\"\nnamespace = \"live\"\nretries = 1\ntimeout = \"65s\"";

#[test]
fn a_deployment_of_kubernetes_is_moved_and_moved_back() {
    let kit = Kit::kubernetes(KUBERNETES);
    kit.start().expect(0);
    assert_eq!(
        kit.calls(),
        "--namespace live annotate deployment/shop --overwrite lockkeeper/before=1/shop-1\n\
         --namespace live set image deployment/shop web=registry.example/shop:2\n\
         --namespace live rollout status deployment/shop --timeout=60s"
    );
    assert_eq!(kit.release.version(), "2");
    kit.goes_back();
    assert_eq!(
        kit.calls(),
        "--namespace live rollout undo deployment/shop --to-revision=1\n\
         --namespace live rollout status deployment/shop --timeout=60s"
    );
    // The revision has another number now, and the next release goes back to it all the same.
    kit.start().expect(0);
    kit.goes_back();
    assert!(kit.calls().contains("rollout undo deployment/shop --to-revision=3"));
    kit.goes_through();
    kit.lost_nothing();
}

#[test]
fn what_kubectl_has_done_and_not_told_is_done_once() {
    let kit = Kit::kubernetes(KUBERNETES);
    kit.keep("dies", "image");
    kit.start().expect(0);
    assert_eq!(kit.kept("annotations"), "a=b\nlockkeeper/before=1/shop-1\n", "not what it has deployed itself");
    kit.keep("dies", "undo");
    kit.calls();
    kit.goes_back();
    assert_eq!(kit.calls().matches("rollout undo").count(), 1, "a second one would go forward again");
    kit.lost_nothing();
}

#[test]
fn what_cannot_be_gone_back_to_freezes() {
    let kit = Kit::kubernetes(KUBERNETES);
    kit.start().expect(0);
    kit.keep("sets", "shop-2 2 2");
    let end = kit.run("release abort --reason \"wrong build\"").expect(3);
    assert!(end.to_string().contains("shop-1 that ran before release 1 is gone"), "{end}");
    assert_eq!((kit.release.state().as_str(), kit.release.version().as_str()), ("frozen", "2"));
}

#[test]
fn the_application_is_stopped_and_gets_its_replicas_back() {
    let kit = Kit::kubernetes(KUBERNETES);
    let project = &kit.release.shop.project;
    let settings = project.read("lockkeeper.toml").replace("verify = false", "verify = false\nstop_app = true");
    project.write("lockkeeper.toml", &settings);
    kit.start().expect(0);
    kit.calls();
    kit.goes_back();
    let calls = kit.calls().replace("--namespace live ", "");
    assert_eq!(
        calls.lines().collect::<Vec<_>>(),
        [
            "annotate deployment/shop --overwrite lockkeeper/replicas=3",
            "scale deployment/shop --replicas=0",
            "rollout status deployment/shop --timeout=60s",
            "rollout undo deployment/shop --to-revision=1",
            "scale deployment/shop --replicas=3",
            "rollout status deployment/shop --timeout=60s",
        ]
    );
}

#[test]
fn a_rollout_of_argo_is_aborted_and_undone() {
    let kit = Kit::kubernetes(
        "[hooks.argo_rollouts]\nrollout = \"shop\"\nimage = \"registry.example/shop\"\ncontext = \"east\"\nretries = 1\n\
         timeout = \"65s\"",
    );
    kit.keep("dies", "image");
    kit.start().expect(0);
    assert_eq!(
        kit.calls().replace(" --context east", "").lines().collect::<Vec<_>>(),
        [
            "annotate rollouts.argoproj.io/shop --overwrite lockkeeper/before=1/shop-1",
            "argo rollouts set image shop shop=registry.example/shop:2",
            "argo rollouts set image shop shop=registry.example/shop:2",
            "argo rollouts status shop --timeout 60s",
        ]
    );
    kit.keep("dies", "undo");
    kit.goes_back();
    assert_eq!(
        kit.calls().replace(" --context east", "").lines().collect::<Vec<_>>(),
        [
            "argo rollouts abort shop",
            "argo rollouts undo shop --to-revision=1",
            "argo rollouts status shop --timeout 60s",
        ]
    );
    kit.goes_through();
    kit.lost_nothing();
}

#[test]
fn a_service_of_compose_is_moved_and_moved_back() {
    let kit = Kit::open(
        "[hooks.compose]\nservice = \"web\"\nvariable = \"TAG\"\nretries = 1\ntimeout = \"65s\"",
        "docker",
        include_str!("stand_ins/docker.sh"),
    );
    let project = &kit.release.shop.project;
    project.write("compose.yaml", "services:\n  web:\n    image: registry.example/shop:${TAG}\n");
    project.write("release.env", "OTHER=kept\nTAG=1\n");
    kit.keep("dies", "up");
    kit.start().expect(0);
    assert_eq!(project.read("release.env"), "OTHER=kept\nTAG=2\n");
    let up = "compose --file compose.yaml --env-file release.env up --detach --no-deps";
    assert_eq!(
        kit.calls().lines().collect::<Vec<_>>(),
        [format!("{up} web"), format!("{up} web"), format!("{up} --no-recreate --wait --wait-timeout 60 web")]
    );
    kit.keep("dies", "up");
    kit.goes_back();
    assert_eq!(project.read("release.env"), "OTHER=kept\nTAG=1\n");
    kit.goes_through();
    kit.lost_nothing();
}

#[test]
fn a_service_of_compose_that_nobody_has_named_a_version_of_goes_back_to_the_previous_one() {
    let kit = Kit::open(
        "[hooks.compose]\nservice = \"web\"\nvariable = \"TAG\"",
        "docker",
        include_str!("stand_ins/docker.sh"),
    );
    kit.release.shop.project.write("compose.yaml", "services:\n  web:\n    image: shop:${TAG}\n");
    kit.start().expect(0);
    kit.goes_back();
    assert_eq!(kit.release.shop.project.read("release.env"), "TAG=1\n");
    kit.lost_nothing();
}

#[test]
fn a_unit_of_systemd_is_moved_and_moved_back() {
    let kit = Kit::open(
        "[hooks.systemd]\nunit = \"shop.service\"\nversions = \"versions\"\ncurrent = \"current\"\nretries = 1",
        "systemctl",
        include_str!("stand_ins/systemctl.sh"),
    );
    let project = &kit.release.shop.project;
    for version in ["1", "2"] {
        project.write(&format!("versions/{version}/number"), &format!("{version}\n"));
    }
    std::os::unix::fs::symlink("versions/1", project.path().join("current")).unwrap();
    kit.keep("dies", "restart");
    kit.start().expect(0);
    assert_eq!(kit.calls(), "restart shop.service\nrestart shop.service");
    kit.keep("dies", "restart");
    kit.goes_back();
    assert_eq!(std::fs::read_link(project.path().join("current")).unwrap(), Path::new("versions/1"));
    let none = kit.run("release start --version 3 --previous 1").expect(5);
    assert!(none.to_string().contains("versions/3"), "{none}");
    kit.goes_through();
    kit.lost_nothing();
}

#[test]
fn a_unit_that_fails_is_not_waited_for() {
    let kit = Kit::open(
        "[hooks.systemd]\nunit = \"shop.service\"\nversions = \"versions\"\ncurrent = \"current\"",
        "systemctl",
        include_str!("stand_ins/systemctl.sh"),
    );
    let project = &kit.release.shop.project;
    project.write("versions/1/number", "1\n");
    // It has nothing to run.
    project.write("versions/2/broken", "");
    std::os::unix::fs::symlink("versions/1", project.path().join("current")).unwrap();
    let end = kit.start().expect(5);
    assert!(end.to_string().contains("shop.service is failed"), "{end}");
    assert_eq!((kit.release.state().as_str(), kit.release.version().as_str()), ("rolled_back", "1"));
    kit.lost_nothing();
}

#[test]
fn a_script_is_told_the_task_and_the_version() {
    let kit = Kit::open("[hooks.script]\npath = \"./move.sh\"", "unused", "");
    let script = kit.folder().join("move.sh");
    std::fs::write(
        &script,
        "#!/bin/sh\nset -eu\necho \"$@\" >>stand-in/calls\ncase $1 in\n  deploy | rollback_app) echo \"$2\" >next; mv next version ;;\n  \
         wait_*) [ \"$(cat version)\" = \"$2\" ] ;;\n  *) exit 1 ;;\nesac\n",
    )
    .unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    kit.start().expect(0);
    kit.goes_back();
    assert_eq!(kit.calls(), "deploy 2\nwait_deployed 2\nrollback_app 1\nwait_rolled_back 1");
    kit.goes_through();
    kit.lost_nothing();
}
