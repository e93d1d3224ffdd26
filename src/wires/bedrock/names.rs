//! Names of tools and ids of calls in Bedrock's alphabet (BED-03, BED-04, GEN-19).

use std::borrow::Cow;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// The longest name of a tool, and the longest id of a call.
const LIMIT: usize = 64;
/// How much of a hash tells rewritten ids apart.
const HASH: usize = 4;

/// Tool names of one request that had to be rewritten: (sent, original).
#[derive(Debug, Default)]
pub struct ToolNames(Vec<(String, String)>);

impl ToolNames {
    /// Valid names keep themselves; each other one gets a free name in the order of the tools.
    pub fn of<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Self {
        let mut taken: Vec<String> = names.clone().filter(|name| is_valid(name)).map(str::to_owned).collect();
        let mut rewritten: Vec<(String, String)> = Vec::new();
        for name in names.filter(|name| !is_valid(name)) {
            if rewritten.iter().any(|(_, original)| original == name) {
                continue;
            }
            let plain = clean(name);
            let mut sent = plain.clone();
            let mut count = 1u32;
            while taken.contains(&sent) {
                count += 1;
                let suffix = format!("_{count}");
                let room = plain.len().min(LIMIT.saturating_sub(suffix.len()));
                sent = format!("{}{suffix}", plain.get(..room).unwrap_or(&plain));
            }
            taken.push(sent.clone());
            rewritten.push((sent, name.to_owned()));
        }
        Self(rewritten)
    }

    /// The name that is sent for a tool, also for one that is only in the history (GEN-20).
    pub fn sent<'a>(&'a self, name: &'a str) -> Cow<'a, str> {
        match self.0.iter().find(|(_, original)| original == name) {
            Some((sent, _)) => Cow::Borrowed(sent),
            None if is_valid(name) => Cow::Borrowed(name),
            None => Cow::Owned(clean(name)),
        }
    }

    pub fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }
}

fn is_valid(name: &str) -> bool {
    name.len() <= LIMIT
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// ASCII only, so it can be cut anywhere.
fn clean(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 1);
    if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        out.push('a');
    }
    let plain = |symbol: char| symbol.is_ascii_alphanumeric() || symbol == '_' || symbol == '-';
    out.extend(name.chars().map(|symbol| if plain(symbol) { symbol } else { '_' }));
    out.truncate(LIMIT);
    out
}

/// The id of a call as it is sent: the same for the call and its result (BED-04). A rewritten one carries a hash of
/// itself, so that different ids stay different.
pub fn call_id(id: &str) -> Cow<'_, str> {
    let plain = |symbol: char| symbol.is_ascii_alphanumeric() || "_.:-".contains(symbol);
    if !id.is_empty() && id.len() <= LIMIT && id.chars().all(plain) {
        return Cow::Borrowed(id);
    }
    let mut sent: String = id.chars().map(|symbol| if plain(symbol) { symbol } else { '_' }).collect();
    sent.truncate(LIMIT - 2 * HASH - 1);
    sent.push('_');
    for byte in Sha256::digest(id).iter().take(HASH) {
        // Writing to a string does not fail.
        let _ = write!(sent, "{byte:02x}");
    }
    Cow::Owned(sent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bed_03_names_are_rewritten_reversibly() {
        let long = "a".repeat(70);
        let given = [
            "get_weather_",
            "get weather!",
            "get.weather?",
            "9lives",
            "_x",
            "\u{e9}t\u{e9}",
            long.as_str(),
            "",
        ];
        let names = ToolNames::of(given.iter().copied());
        let sent: Vec<Cow<'_, str>> = given.iter().map(|name| names.sent(name)).collect();
        assert_eq!(sent[..6], ["get_weather_", "get_weather__2", "get_weather__3", "a9lives", "a_x", "a_t_"]);
        assert_eq!(sent[6].len(), 64);
        assert_eq!(sent[7], "a");
        assert!(sent.iter().all(|name| is_valid(name)));
        assert_eq!(names.into_pairs().len(), 7);
    }

    #[test]
    fn bed_04_ids_are_rewritten_and_stay_different() {
        assert_eq!(call_id("toolu_ok.:-1"), "toolu_ok.:-1");
        assert_eq!(call_id("id with space!"), "id_with_space__f8bd37eb");
        assert_ne!(call_id("id with space!"), call_id("id with space?"));
        let long = call_id(&"x".repeat(70)).into_owned();
        assert_eq!(long, format!("{}_c71bd109", "x".repeat(55)));
        assert!(!call_id("").is_empty());
    }
}
