//! The known keys (`keys.toml`), and a configuration held against them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Number;

use super::problem::{Report, Severity, nearest};
use super::yaml::{Node, Tree};
use crate::config::parse_switch;
use crate::json::cut;

static TEXT: &str = include_str!("keys.toml");
static SECTIONS: LazyLock<BTreeMap<String, Section>> =
    LazyLock::new(|| toml::from_str(TEXT).unwrap_or_default());

/// The section of the file itself.
const FILE: &str = "file";
/// Sections whose further keys are no mistakes: what is in them goes on as it is.
const OPEN: [&str; 2] = ["litellm_params", "model_info"];

#[derive(Debug, Deserialize)]
pub struct Section {
    /// For the documentation.
    #[cfg(test)]
    pub about: String,
    pub keys: BTreeMap<String, Key>,
}

/// What a value is, how the key is treated, and why.
#[derive(Debug, Deserialize)]
pub struct Key(pub String, pub Treatment, pub String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Treatment {
    Does,
    Callbacks,
    Nothing,
    Later,
    No,
}

#[cfg(test)]
pub fn sections() -> &'static BTreeMap<String, Section> {
    &SECTIONS
}

/// How a key is treated; none that is not known.
pub fn treatment(section: &str, key: &str) -> Option<Treatment> {
    Some(SECTIONS.get(section)?.keys.get(key)?.1)
}

/// Says of all keys of a configuration whether they are known, what they are, and whether they are acted on. Texts
/// that stand for a switch or a number become one.
pub fn check(root: &mut Node, report: &mut Report) {
    if root.is_null() {
        return;
    }
    if !matches!(root.tree, Tree::Map(_)) {
        report.error(
            root.at,
            "",
            format!("a configuration is a map of sections, and this is {}", root.kind()),
        );
        root.tree = Tree::Null;
        return;
    }
    check_map(root, FILE, "", report);
}

/// `path.key`
pub fn join(path: &str, key: &str) -> String {
    let key = cut(key, 80);
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn check_map(node: &mut Node, name: &str, path: &str, report: &mut Report) {
    let Some(section) = SECTIONS.get(name) else { return };
    let Tree::Map(entries) = &mut node.tree else { return };
    for entry in entries {
        let path = join(path, &entry.key);
        let value = &mut entry.value;
        let Some(Key(kind, treatment, note)) = section.keys.get(&entry.key) else {
            let is_own = name == FILE && (value.is_anchor || entry.key.starts_with("x-"));
            if !is_own {
                unknown(section, name, &entry.key, entry.at, &path, report);
            }
            continue;
        };
        let says = match treatment {
            Treatment::Does | Treatment::Callbacks => {
                check_value(value, kind, &path, report);
                continue;
            }
            Treatment::Nothing => continue,
            Treatment::Later => "is not acted on yet",
            Treatment::No => "is not acted on",
        };
        // What is off asks for nothing.
        if !value.is_null() && !matches!(value.tree, Tree::Switch(false)) {
            let key = &entry.key;
            report.warn(entry.at, &path, format!("'{key}' {says}: {}", note.trim_end_matches('.')));
        }
    }
}

fn unknown(
    section: &Section,
    name: &str,
    key: &str,
    at: super::yaml::Place,
    path: &str,
    report: &mut Report,
) {
    let near = nearest(key, section.keys.keys().map(String::as_str)).map(str::to_owned);
    let key = cut(key, 80);
    if OPEN.contains(&name) {
        if let Some(near) = near.filter(|near| is_slip(key, near)) {
            let message = format!("'{key}' is not known, and is passed on as it is");
            report.add(at, path, Severity::Warning, message, Some(near));
        }
        return;
    }
    let elsewhere = ["general_settings", "litellm_settings", "router_settings", "litellm_params", FILE];
    let home = elsewhere.into_iter().find(|home| {
        *home != name && SECTIONS.get(*home).is_some_and(|section| section.keys.contains_key(key))
    });
    let message = match home {
        Some(FILE) => format!("'{key}' stands at the top of the file, not here"),
        Some(home) => format!("'{key}' is a key of '{home}', not of this section"),
        None => format!("unknown key '{key}'"),
    };
    report.add(at, path, Severity::Error, message, near.filter(|_| home.is_none()));
}

/// Letters that were mixed up in a name of some length. Other keywords may be just as well meant.
fn is_slip(key: &str, near: &str) -> bool {
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.to_ascii_lowercase().chars().collect();
        letters.sort_unstable();
        letters
    };
    let (long, short) = if key.len() > near.len() { (key, near) } else { (near, key) };
    let is_doubled = long.len() == short.len() + 1
        && (0..long.len()).any(|at| {
            long.is_char_boundary(at)
                && long.is_char_boundary(at + 1)
                && short == format!("{}{}", &long[..at], &long[at + 1..])
        });
    key.len() > 4 && (sorted(key) == sorted(near) || is_doubled)
}

fn check_value(node: &mut Node, kind: &str, path: &str, report: &mut Report) {
    if node.is_null() {
        return;
    }
    let mut reasons = Vec::new();
    for kind in kind.split('|') {
        match fits(node, kind) {
            Some(section) => {
                descend(node, section, path, report);
                return;
            }
            None => reasons.push(wording(kind)),
        }
    }
    let hint = match node.tree {
        Tree::Number(_) | Tree::Switch(_) if kind.contains("text") => " (put it in quotes)",
        _ => "",
    };
    let key = path.rsplit('.').next().unwrap_or(path);
    let expected = reasons.join(" or ");
    report.error(node.at, path, format!("'{key}' is {expected}, and this is {}{hint}", node.kind()));
    node.tree = Tree::Null;
}

/// Whether a value is of a kind, and for `map:name` and `list:name` the section of its keys.
fn fits<'k>(node: &mut Node, kind: &'k str) -> Option<&'k str> {
    let (kind, section) = kind.split_once(':').unwrap_or((kind, ""));
    let is_fit = match (kind, &node.tree) {
        ("any", _)
        | ("text" | "texts", Tree::Text(_))
        | ("switch", Tree::Switch(_))
        | ("number", Tree::Number(_))
        | ("list", Tree::List(_))
        | ("map", Tree::Map(_)) => true,
        ("texts", Tree::List(items)) => items.iter().all(|item| item.text().is_some()),
        ("integer", Tree::Number(number)) => number.is_i64(),
        ("count", Tree::Number(number)) => number.is_u64(),
        // The environment has texts only, and `1e-6` is one.
        ("switch", Tree::Text(text)) => match parse_switch(text) {
            Some(is_on) => {
                node.tree = Tree::Switch(is_on);
                true
            }
            None => false,
        },
        ("count", Tree::Text(text)) => match text.trim().parse::<u64>() {
            Ok(count) => {
                node.tree = Tree::Number(count.into());
                true
            }
            Err(_) => false,
        },
        ("integer", Tree::Text(text)) => match text.trim().parse::<i64>() {
            Ok(count) => {
                node.tree = Tree::Number(count.into());
                true
            }
            Err(_) => false,
        },
        ("number", Tree::Text(text)) => match text.trim().parse().ok().and_then(Number::from_f64) {
            Some(number) => {
                node.tree = Tree::Number(number);
                true
            }
            None => false,
        },
        _ => false,
    };
    is_fit.then_some(section)
}

fn descend(node: &mut Node, section: &str, path: &str, report: &mut Report) {
    if section.is_empty() {
        return;
    }
    match &mut node.tree {
        Tree::Map(_) => check_map(node, section, path, report),
        Tree::List(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                let path = format!("{path}[{at}]");
                if matches!(item.tree, Tree::Map(_)) {
                    check_map(item, section, &path, report);
                } else {
                    report.error(item.at, &path, format!("this is {}, where a map stands", item.kind()));
                }
            }
            items.retain(|item| matches!(item.tree, Tree::Map(_)));
        }
        _ => {}
    }
}

fn wording(kind: &str) -> &'static str {
    match kind.split(':').next().unwrap_or(kind) {
        "text" => "a text",
        "switch" => "true or false",
        "number" => "a number",
        "integer" => "a whole number",
        "count" => "a whole number from 0",
        "list" => "a list",
        "texts" => "a text, or a list of texts",
        "map" => "a map",
        _ => "anything",
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let mut report = Report::default();
        report.files.push("c.yaml".into());
        check(&mut yaml::read(text, 0).unwrap().0, &mut report);
        report.finish().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_table_can_be_read_and_names_only_what_is_there() {
        let sections: BTreeMap<String, Section> = toml::from_str(TEXT).unwrap();
        assert!(sections.len() > 10);
        let kinds = ["text", "switch", "number", "integer", "count", "list", "texts", "map", "any"];
        for (name, section) in &sections {
            for (key, Key(kind, treatment, note)) in &section.keys {
                for kind in kind.split('|') {
                    let (kind, inner) = kind.split_once(':').unwrap_or((kind, FILE));
                    assert!(kinds.contains(&kind) && sections.contains_key(inner), "{name}.{key}");
                }
                assert!(note.ends_with('.'), "{name}.{key} ({treatment:?}) has no note");
            }
        }
    }

    #[test]
    fn unknown_keys_are_errors_with_the_nearest_known_one() {
        for (text, problem) in [
            ("modle_list: []", "c.yaml:1:1: error: unknown key 'modle_list'; did you mean 'model_list'?"),
            (
                "general_settings:\n  mastr_key: a",
                "c.yaml:2:3: error: unknown key 'mastr_key'; did you mean 'master_key'?",
            ),
            (
                "router_settings: {master_key: a}",
                "c.yaml:1:19: error: 'master_key' is a key of 'general_settings', not of this section",
            ),
            (
                "litellm_settings: {model_list: []}",
                "c.yaml:1:20: error: 'model_list' stands at the top of the file, not here",
            ),
            (
                "model_list: [{model_name: a, litellm_params: {model: b, api_kye: c}}]",
                "c.yaml:1:57: warning: 'api_kye' is not known, and is passed on as it is; did you mean 'api_key'?",
            ),
            ("zzzzzz: 1", "c.yaml:1:1: error: unknown key 'zzzzzz'"),
        ] {
            assert_eq!(problems(text), [problem]);
        }
    }

    #[test]
    fn what_is_meant_is_left_alone() {
        let text = "x-note: 1\nmine: &mine {a: 1}\nmodel_list: [{model_name: a, litellm_params: {model: b, top_q: 1, own: 2}, model_info: {own: 1}}]";
        assert_eq!(problems(text), [""; 0]);
    }

    #[test]
    fn known_keys_that_nothing_is_done_for_are_said() {
        assert_eq!(
            problems("general_settings:\n  database_url: postgres://u:p@h/d\n  store_model_in_db: false\n"),
            [
                "c.yaml:2:3: warning: 'database_url' is not acted on yet: Keys, teams and budgets in a database"
            ]
        );
        assert_eq!(problems("general_settings: {disable_spend_logs: true}"), [""; 0]);
    }

    #[test]
    fn values_are_of_their_kinds() {
        for (text, problem) in [
            ("model_list: {}", "c.yaml:1:13: error: 'model_list' is a list, and this is a map"),
            ("model_list: [a]", "c.yaml:1:14: error: this is a text, where a map stands"),
            (
                "model_list: [{model_name: 4}]",
                "c.yaml:1:27: error: 'model_name' is a text, and this is a number (put it in quotes)",
            ),
            (
                "litellm_settings: {drop_params: maybe}",
                "c.yaml:1:33: error: 'drop_params' is true or false, and this is a text",
            ),
            (
                "router_settings: {num_retries: -1}",
                "c.yaml:1:32: error: 'num_retries' is a whole number from 0, and this is a number",
            ),
            (
                "litellm_settings: {callbacks: [1]}",
                "c.yaml:1:31: error: 'callbacks' is a text, or a list of texts, and this is a list",
            ),
            ("- a", "c.yaml:1:1: error: a configuration is a map of sections, and this is a list"),
        ] {
            assert_eq!(problems(text), [problem]);
        }
        for text in [
            "litellm_settings: {drop_params: 'True'}",
            "router_settings: {num_retries: '2', cooldown_time: 1e1}",
        ] {
            assert_eq!(problems(text), [""; 0]);
        }
    }
}
