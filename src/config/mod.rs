//! Settings and the environment: the only place that reads variables of the process.

use std::path::PathBuf;

/// Where variables come from; a test brings its own.
pub trait Environment {
    /// The value of a variable; an empty one counts as unset.
    fn get(&self, name: &str) -> Option<String>;

    /// The first of several variables that is set.
    fn first(&self, names: &[String]) -> Option<String> {
        names.iter().find_map(|name| self.get(name))
    }
}

/// The variables of this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that may")]
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }
}

/// A switch as people write it: "true", "0", " yes " (GEN-02). `None` when it is no switch at all.
pub fn parse_switch(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" | "y" | "t" => Some(true),
        "false" | "0" | "no" | "off" | "n" | "f" | "" => Some(false),
        _ => None,
    }
}

/// A switch from the environment: an unreadable value counts as on, with a warning (GEN-02).
pub fn switch(environment: &dyn Environment, name: &str) -> bool {
    let Some(text) = environment.get(name) else { return false };
    parse_switch(&text).unwrap_or_else(|| {
        tracing::warn!(variable = name, "the value is no switch, taken as on");
        true
    })
}

/// Where a newer table of models is looked for: `FERROLITE_MODELS`, or the user's cache folder.
pub fn models_file(environment: &dyn Environment) -> Option<PathBuf> {
    if let Some(path) = environment.get("FERROLITE_MODELS") {
        return Some(path.into());
    }
    let cache = match environment.get("XDG_CACHE_HOME").or_else(|| environment.get("LOCALAPPDATA")) {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(environment.get("HOME")?).join(".cache"),
    };
    Some(cache.join("ferrolite").join("models.jsonl"))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One(&'static str);

    impl Environment for One {
        fn get(&self, _name: &str) -> Option<String> {
            Some(self.0.to_owned())
        }
    }

    #[test]
    fn gen_02_switches_as_people_write_them() {
        assert_eq!(parse_switch("true"), Some(true));
        assert_eq!(parse_switch(" yes "), Some(true));
        assert_eq!(parse_switch("0"), Some(false));
        assert_eq!(parse_switch("maybe"), None);
        assert!(switch(&One("maybe"), "LITELLM_DROP_PARAMS"), "an unreadable variable counts as on");
        assert!(!switch(&One("0"), "LITELLM_DROP_PARAMS"));
    }
}
