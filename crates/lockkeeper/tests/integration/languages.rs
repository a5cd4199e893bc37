//! English and Korean.

use crate::shop::{Run, Shop};

/// A failure in whatever language these variables and flags choose.
fn failure(shop: &Shop, flags: &str, env: &[(&str, &str)]) -> Run {
    let mut command = shop.command(&format!("{flags} stage1"));
    command.env_remove("LC_ALL").envs(env.iter().copied());
    Shop::finish(command).expect(3)
}

fn broken() -> Shop {
    let shop = Shop::open();
    shop.pair("01_change", "SELECT 1;\nSELECT 없다;\n", "SELECT 1");
    shop
}

const ENGLISH: &str = "error: migration 01 change failed";
const KOREAN: &str = "오류: ";

#[test]
fn the_language_is_chosen_by_flag_then_by_locale() {
    let shop = broken();
    for (flags, env, korean) in [
        ("", &[][..], false),
        ("--lang ko", &[], true),
        ("--lang en", &[("LC_ALL", "ko_KR.UTF-8")], false),
        ("--lang ko", &[("LC_ALL", "en_US.UTF-8")], true),
        ("", &[("LC_ALL", "ko_KR.UTF-8")], true),
        ("", &[("LANG", "ko_KR.UTF-8")], true),
        ("", &[("LC_MESSAGES", "ko_KR.UTF-8"), ("LANG", "en_US.UTF-8")], true),
        ("", &[("LC_ALL", "C.UTF-8"), ("LANG", "ko_KR.UTF-8")], false),
        ("", &[("LC_ALL", ""), ("LANG", "ko_KR.UTF-8")], true),
        ("--lang de", &[], false),
    ] {
        let run = failure(&shop, flags, env);
        assert_eq!(run.stderr.contains(KOREAN), korean, "{flags} {env:?}\n{run}");
        assert_eq!(run.stderr.contains(ENGLISH), !korean, "{flags} {env:?}\n{run}");
        // Places, SQL and PostgreSQL's own words are the same in every language.
        let run =
            run.says(&["migrations/01_change_up.sql:2:8", "SELECT 없다;", "column \"없다\" does not exist", "42703"]);
        assert!(!run.stderr.contains("migration-failed"), "an identifier stands where words should\n{run}");
    }
}

#[test]
fn json_differs_in_its_texts_alone() {
    let shop = broken();
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let english = failure(&shop, "--json --lang en", &[]).error();
    let korean = failure(&shop, "--json --lang ko", &[]).error();
    assert_eq!(keys(&english), keys(&korean));
    for same in ["id", "exit_code", "place", "server"] {
        assert_eq!(english[same], korean[same], "{same}");
    }
    let ids = |error: &serde_json::Value| {
        error["hints"].as_array().unwrap().iter().map(|hint| hint["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&english), ids(&korean));
    assert_ne!(english["text"], korean["text"]);
    let status = |language: &str| shop.run(&format!("status --lang {language}")).expect(0).json();
    assert_eq!(status("en"), status("ko"));
}

#[test]
fn the_caret_stands_under_wide_characters_in_both_languages() {
    let shop = Shop::open();
    shop.pair("01_change", "SELECT '가나다', 없다;\n", "SELECT 1");
    for language in ["en", "ko"] {
        // Each of the characters before it takes two columns of the terminal, and so does each marked.
        shop.say(&format!("stage1 --lang {language}"))
            .expect(3)
            .says(&[" 1 | SELECT '가나다', 없다;\n", "   |                  ^^^^\n"]);
    }
}

#[test]
fn whatever_a_release_says_it_says_in_korean_too() {
    let shop = Shop::awaiting_approval();
    shop.admin();
    let hangul = |text: &str| text.chars().any(|c| ('가'..='힣').contains(&c));
    for (line, code) in [
        ("init", 0),
        ("plan", 0),
        ("status", 0),
        ("stage2", 1),
        ("rollback nowhere --yes", 1),
        (crate::shop::APPROVE, 0),
        ("stage2", 0),
        ("stage1", 0),
        ("deployed", 0),
        ("rollback before_field_remove --yes", 1),
        ("rollback before_field_remove --past-stage2 --yes", 0),
        ("log", 0),
        ("log --verify", 0),
    ] {
        let run = shop.say(&format!("--lang ko {line}")).expect(code);
        assert!(hangul(&run.stdout) || hangul(&run.stderr), "{run}");
    }
}

#[test]
fn settings_that_cannot_be_read_are_told_in_the_chosen_language() {
    let shop = Shop::open();
    shop.project.write("lockkeeper.toml", "nonsense = 1\n");
    let run = shop.say("status --lang ko").expect(2);
    assert!(run.stderr.contains(KOREAN) && run.stderr.contains("nonsense"), "{run}");
    let mut command = shop.command("status");
    command.env("LC_ALL", "ko_KR.UTF-8");
    let run = Shop::finish(command).expect(2);
    assert!(run.stderr.contains(KOREAN), "{run}");
}
