//! Names and ids in the provider's alphabet (GEN-19, GEN-20, ANT-08, ANT-10).

use std::borrow::Cow;

/// The longest name of a tool.
const NAME_LIMIT: usize = 128;
/// Stands for an id that is empty.
const NO_ID: &str = "tool_use_id";
/// Some programs carry another provider's thought signature behind this in the id of a call.
const THOUGHT_MARK: &str = "__thought__";

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
                sent = format!("{}{suffix}", &plain[..plain.len().min(NAME_LIMIT - suffix.len())]);
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

fn is_plain(symbol: char) -> bool {
    symbol.is_ascii_alphanumeric() || symbol == '_' || symbol == '-'
}

fn is_valid(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_LIMIT && name.chars().all(is_plain)
}

/// ASCII only, so it can be cut anywhere.
fn clean(name: &str) -> String {
    let name: String =
        name.chars().map(|symbol| if is_plain(symbol) { symbol } else { '_' }).take(NAME_LIMIT).collect();
    if name.is_empty() { "_".to_owned() } else { name }
}

/// The id of a call as it is sent: the same for the call and its result (ANT-08).
pub fn call_id(id: &str) -> String {
    let id = id.split_once(THOUGHT_MARK).map_or(id, |(id, _)| id);
    if id.is_empty() {
        return NO_ID.to_owned();
    }
    id.chars().map(|symbol| if is_plain(symbol) { symbol } else { '_' }).collect()
}
