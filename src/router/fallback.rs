//! Where a call goes when a group has failed it.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::json::Map;

/// One place to go on: a group, and keywords that replace the caller's.
#[derive(Debug, Clone, PartialEq)]
pub struct Hop {
    pub model: String,
    pub overrides: Map,
}

impl Hop {
    pub fn to(model: &str) -> Self {
        Self { model: model.to_owned(), overrides: Map::new() }
    }

    /// A name, or an object of keywords with a `model`.
    fn read(value: &Value, name: &str, model: Option<&str>) -> Result<Self> {
        match value {
            Value::String(model) => Ok(Self::to(model)),
            Value::Object(keywords) => {
                let mut overrides = keywords.clone();
                let named = overrides.shift_remove("model");
                match named.as_ref().and_then(Value::as_str).or(model) {
                    Some(model) => Ok(Self { model: model.to_owned(), overrides }),
                    None => Err(Error::invalid(name, "an object among them names no 'model'")),
                }
            }
            _ => Err(Error::invalid(name, "expected names or objects of keywords")),
        }
    }
}

/// The name that stands for all groups.
const ALL: &str = "*";

/// Fallbacks by the group that failed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fallbacks(Vec<(String, Vec<Hop>)>);

impl Fallbacks {
    /// Reads `[{"a": ["b", {"model": "c", …}]}, …]`.
    pub fn read(value: Option<&Value>, name: &str) -> Result<Self> {
        let entries = match value {
            None | Some(Value::Null) => return Ok(Self::default()),
            Some(Value::Array(entries)) => entries,
            Some(_) => return Err(Error::invalid(name, "expected a list")),
        };
        let mut read = Vec::new();
        for entry in entries {
            let Value::Object(entry) = entry else {
                return Err(Error::invalid(
                    name,
                    "expected objects that have the lists of groups under their names",
                ));
            };
            for (group, hops) in entry {
                let Value::Array(hops) = hops else {
                    return Err(Error::invalid(&format!("{name}.{group}"), "expected a list"));
                };
                let hops = hops.iter().map(|hop| Hop::read(hop, name, None)).collect::<Result<_>>()?;
                read.push((group.clone(), hops));
            }
        }
        Ok(Self(read))
    }

    /// Reads a list of hops that holds for any group.
    pub fn for_all(value: Option<&Value>, name: &str) -> Result<Self> {
        match value {
            None | Some(Value::Null) => Ok(Self::default()),
            Some(Value::Array(hops)) if hops.is_empty() => Ok(Self::default()),
            Some(Value::Array(hops)) => {
                let hops = hops.iter().map(|hop| Hop::read(hop, name, None)).collect::<Result<_>>()?;
                Ok(Self(vec![(ALL.to_owned(), hops)]))
            }
            Some(_) => Err(Error::invalid(name, "expected a list")),
        }
    }

    /// Reads what a single call says: hops for its own group, or lists by group as a router has them. An object
    /// without a `model` replaces keywords and keeps the group.
    pub fn of_call(value: Option<&Value>, name: &str, model: &str) -> Result<Self> {
        let Some(Value::Array(entries)) = value else { return Self::read(value, name) };
        let is_table = |entry: &Value| {
            entry.as_object().is_some_and(|entry| {
                !entry.is_empty() && !entry.contains_key("model") && entry.values().all(Value::is_array)
            })
        };
        if !entries.is_empty() && entries.iter().all(is_table) {
            return Self::read(value, name);
        }
        let hops: Vec<Hop> =
            entries.iter().map(|hop| Hop::read(hop, name, Some(model))).collect::<Result<_>>()?;
        Ok(if hops.is_empty() { Self::default() } else { Self(vec![(ALL.to_owned(), hops)]) })
    }

    /// Reads `{"a": "b"}`.
    pub fn of_dict(value: Option<&Value>) -> Self {
        let Some(Value::Object(entries)) = value else { return Self::default() };
        let read = |(name, to): (&String, &Value)| Some((name.clone(), vec![Hop::to(to.as_str()?)]));
        Self(entries.iter().filter_map(read).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is said for a group: under its name, or its name without the provider.
    pub fn of_name(&self, group: &str) -> Option<&[Hop]> {
        self.under(group).or_else(|| group.split_once('/').and_then(|(_, rest)| self.under(rest)))
    }

    /// What is said for all groups.
    pub fn of_all(&self) -> Option<&[Hop]> {
        self.under(ALL)
    }

    fn under(&self, name: &str) -> Option<&[Hop]> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, hops)| hops.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(hops: Option<&[Hop]>) -> Vec<&str> {
        hops.unwrap_or_default().iter().map(|hop| hop.model.as_str()).collect()
    }

    #[test]
    fn lists_are_found_by_group() {
        let value = json!([{ "a": ["b", { "model": "c", "temperature": 0 }] }, { "*": ["d"] }]);
        let read = Fallbacks::read(Some(&value), "fallbacks").unwrap();
        assert_eq!(names(read.of_name("a")), ["b", "c"]);
        assert_eq!(names(read.of_name("openai/a")), ["b", "c"]);
        assert_eq!(names(read.of_name("z").or(read.of_all())), ["d"]);
        assert_eq!(read.of_name("a").unwrap()[1].overrides.get("temperature"), Some(&json!(0)));
    }

    #[test]
    fn a_call_may_say_names_keywords_or_a_table() {
        let of = |value: Value| Fallbacks::of_call(Some(&value), "fallbacks", "a").unwrap();
        assert_eq!(names(of(json!(["b"])).of_all()), ["b"]);
        assert_eq!(names(of(json!([{ "api_key": "k" }])).of_all()), ["a"]);
        assert_eq!(names(of(json!([{ "a": ["b"] }])).of_name("a")), ["b"]);
        assert!(of(json!([])).is_empty());
        let wrong = Fallbacks::of_call(Some(&json!("b")), "fallbacks", "a");
        assert_eq!(wrong.unwrap_err().facts().param.as_deref(), Some("fallbacks"));
    }
}
