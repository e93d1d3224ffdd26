//! Names of tools in a provider's alphabet, reversibly (GEN-19, GEN-20).

use std::borrow::Cow;

/// The tool that stands for a JSON answer where a model has none of its own (GEN-29).
pub const JSON_TOOL: &str = "json_tool_call";

/// What a provider asks of a name, beside letters, digits, `_` and `-`.
#[derive(Debug, Clone, Copy)]
pub struct NameRule {
    pub limit: usize,
    /// What is put before a name that does not begin with a letter, where it must.
    pub first_letter: Option<char>,
}

/// Tool names of one request that had to be rewritten: (sent, original).
#[derive(Debug)]
pub struct ToolNames {
    rule: NameRule,
    rewritten: Vec<(String, String)>,
}

impl ToolNames {
    /// Valid names keep themselves; each other one gets a free name in the order of the tools.
    pub fn of<'a>(rule: NameRule, names: impl Iterator<Item = &'a str> + Clone) -> Self {
        let valid = names.clone().filter(|name| rule.allows(name));
        let mut taken: Vec<String> = valid.map(str::to_owned).collect();
        let mut rewritten: Vec<(String, String)> = Vec::new();
        for name in names.filter(|name| !rule.allows(name)) {
            if rewritten.iter().any(|(_, original)| original == name) {
                continue;
            }
            let plain = rule.clean(name);
            let mut sent = plain.clone();
            let mut count = 1u32;
            while taken.contains(&sent) {
                count += 1;
                let suffix = format!("_{count}");
                let room = plain.len().min(rule.limit.saturating_sub(suffix.len()));
                sent = format!("{}{suffix}", plain.get(..room).unwrap_or(&plain));
            }
            taken.push(sent.clone());
            rewritten.push((sent, name.to_owned()));
        }
        Self { rule, rewritten }
    }

    /// The name that is sent for a tool, also for one that is only in the history (GEN-20).
    pub fn sent<'a>(&'a self, name: &'a str) -> Cow<'a, str> {
        match self.rewritten.iter().find(|(_, original)| original == name) {
            Some((sent, _)) => Cow::Borrowed(sent),
            None if self.rule.allows(name) => Cow::Borrowed(name),
            None => Cow::Owned(self.rule.clean(name)),
        }
    }

    pub fn into_pairs(self) -> Vec<(String, String)> {
        self.rewritten
    }
}

impl NameRule {
    fn allows(self, name: &str) -> bool {
        !name.is_empty()
            && name.len() <= self.limit
            && name.chars().all(is_plain)
            && (self.first_letter.is_none() || begins_with_letter(name))
    }

    /// ASCII only, so it can be cut anywhere.
    fn clean(self, name: &str) -> String {
        let first = self.first_letter.filter(|_| !begins_with_letter(name));
        let plain = name.chars().map(|symbol| if is_plain(symbol) { symbol } else { '_' });
        let name: String = first.into_iter().chain(plain).take(self.limit).collect();
        if name.is_empty() { "_".to_owned() } else { name }
    }
}

/// The symbols every provider takes.
pub fn is_plain(symbol: char) -> bool {
    symbol.is_ascii_alphanumeric() || symbol == '_' || symbol == '-'
}

fn begins_with_letter(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_alphabetic())
}
