use std::collections::HashMap;
use std::path::PathBuf;

use super::*;

/// An environment of a test's own.
struct Set(HashMap<&'static str, &'static str>);

impl Set {
    fn of<const N: usize>(variables: [(&'static str, &'static str); N]) -> Self {
        Self(variables.into())
    }
}

impl Environment for Set {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| (*value).to_owned())
    }
}

/// A folder of files that goes away.
struct Folder(PathBuf);

impl Folder {
    fn of(files: &[(&str, &str)]) -> Self {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("ferrolite-config-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text) in files {
            std::fs::write(folder.join(name), text).unwrap();
        }
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("config.yaml")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const NOTHING: [(&str, &str); 0] = [];

fn load<const N: usize>(text: &str, variables: [(&'static str, &'static str); N]) -> Config {
    let folder = Folder::of(&[("config.yaml", text)]);
    Config::load(&folder.file(), &Set::of(variables)).unwrap()
}

/// Problems without the name of the file.
fn problems<const N: usize>(text: &str, variables: [(&'static str, &'static str); N]) -> Vec<String> {
    let folder = Folder::of(&[("config.yaml", text)]);
    let found = check(&folder.file(), &Set::of(variables));
    let file = format!("{}:", folder.file().display());
    found.iter().map(|problem| problem.to_string().replace(&file, "")).collect()
}

const MODEL: &str =
    "model_list: [{model_name: a, litellm_params: {model: openai/gpt-4o, api_key: sk-planted-secret}}]\n";

#[test]
fn a_plain_file_is_read() {
    let config = load(
        "model_list:\n  - model_name: gpt-4o\n    litellm_params: {model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY, rpm: 10}\ngeneral_settings: {master_key: sk-1234}\n",
        [("OPENAI_API_KEY", "sk-planted-secret")],
    );
    assert_eq!(config.deployments.len(), 1);
    assert_eq!(config.deployments[0].params["api_key"], "sk-planted-secret");
    assert_eq!(config.general.master_key.as_ref().unwrap().expose(), "sk-1234");
    assert_eq!(config.warnings, []);
    assert!(!format!("{config:?}").contains("sk-"), "no key is shown");
}

#[test]
fn every_problem_is_said_at_once() {
    assert_eq!(
        problems("modle_list: []\ngeneral_settings: {master_key: os.environ/NOT_THERE}\n", NOTHING),
        [
            "1:1: error: unknown key 'modle_list'; did you mean 'model_list'?",
            "1:1: warning: no model is named: 'model_list' has no entry",
            "2:32: error: the variable NOT_THERE is not set",
        ]
    );
    assert_eq!(problems(MODEL, NOTHING), [""; 0]);
}
