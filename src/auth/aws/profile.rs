//! The shared files of AWS's own tools: `~/.aws/credentials` and `~/.aws/config`.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::config::Environment;

const DEFAULT: &str = "default";

/// Settings by profile. What the credentials file says wins.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Profiles(HashMap<String, HashMap<String, String>>);

impl Profiles {
    /// Reads both files; one that is not there says nothing.
    pub fn load(environment: &dyn Environment) -> Self {
        let home = ["HOME", "USERPROFILE"].iter().find_map(|name| environment.get(name)).map(PathBuf::from);
        let read = |variable: &str, name: &str| {
            let path = environment.get(variable).map(PathBuf::from);
            let path = path.or_else(|| home.as_ref().map(|home| home.join(".aws").join(name)));
            path.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default()
        };
        Self::parse(&read("AWS_CONFIG_FILE", "config"), &read("AWS_SHARED_CREDENTIALS_FILE", "credentials"))
    }

    pub fn parse(config: &str, credentials: &str) -> Self {
        let mut profiles = Self::default();
        profiles.add(config, |header| {
            if header == DEFAULT { Some(header) } else { header.strip_prefix("profile ").map(str::trim) }
        });
        profiles.add(credentials, Some);
        profiles
    }

    /// A setting of a profile, or of the default one.
    pub fn get(&self, profile: Option<&str>, key: &str) -> Option<&str> {
        self.0.get(profile.unwrap_or(DEFAULT))?.get(key).map(String::as_str)
    }

    pub fn contains(&self, profile: &str) -> bool {
        self.0.contains_key(profile)
    }

    fn add<'a>(&mut self, text: &'a str, name: impl Fn(&'a str) -> Option<&'a str>) {
        let mut section: Option<&mut HashMap<String, String>> = None;
        for line in text.lines() {
            // Settings below a setting are indented; none of them is ours.
            if line.starts_with([' ', '\t']) {
                continue;
            }
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(header) = line.strip_prefix('[') {
                let header = header.split(']').next().unwrap_or_default().trim();
                section = name(header).map(|name| self.0.entry(name.to_owned()).or_default());
            } else if let (Some(section), Some((key, value))) = (section.as_mut(), line.split_once('=')) {
                let value = value.split(" #").next().unwrap_or_default().trim();
                section.insert(key.trim().to_ascii_lowercase(), value.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_of_both_files() {
        let profiles = Profiles::parse(
            "[default]\nregion=eu-west-1\n\n[profile dev]\nregion = us-east-2 # home\ns3 =\n  region = no\n[sso-session x]\nregion=zz-1\n",
            "; keys\n[default]\naws_access_key_id=A\naws_secret_access_key = S=\n[dev]\nAWS_ACCESS_KEY_ID = B\n",
        );
        assert_eq!(profiles.get(None, "region"), Some("eu-west-1"));
        assert_eq!(profiles.get(None, "aws_secret_access_key"), Some("S="));
        assert_eq!(profiles.get(Some("dev"), "region"), Some("us-east-2"));
        assert_eq!(profiles.get(Some("dev"), "aws_access_key_id"), Some("B"));
        assert_eq!(profiles.get(Some("x"), "region"), None);
        assert!(!profiles.contains("sso-session x"));
    }
}
