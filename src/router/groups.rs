//! The list of deployments as it stands: groups by name, wildcards, aliases. A value that is replaced whole, so that a
//! call sees one list from beginning to end.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::deployment::{Deployment, Share};
use super::weights::Weights;
use crate::error::{Error, Result};
use crate::json::Map;

/// Deployments that one name stands for.
#[derive(Debug)]
pub struct Group {
    pub name: Arc<str>,
    /// The lowest order first; deployments without an order are last.
    pub tiers: Vec<Tier>,
}

/// Deployments of a group that have the same order.
#[derive(Debug)]
pub struct Tier {
    pub order: Option<i64>,
    pub members: Vec<Arc<Deployment>>,
    pub weights: Weights,
    /// What `weights` are taken from; members without it are not drawn. `None`: all are alike.
    pub share: Option<Share>,
}

impl Tier {
    fn new(order: Option<i64>, members: Vec<Arc<Deployment>>) -> Self {
        let share = [Share::Weight, Share::Requests, Share::Tokens]
            .into_iter()
            .find(|share| members.iter().any(|member| member.share(*share).is_some_and(|of| of > 0.0)));
        let weigh = |member: &Arc<Deployment>| share.map_or(1.0, |by| member.share(by).unwrap_or(0.0));
        let weights = Weights::new(&members.iter().map(weigh).collect::<Vec<_>>());
        Self { order, members, weights, share }
    }

    pub fn weight(&self, member: &Deployment) -> f64 {
        self.share.map_or(1.0, |by| member.share(by).unwrap_or(0.0))
    }
}

impl Group {
    pub fn new(name: Arc<str>, members: &[Arc<Deployment>]) -> Self {
        let mut orders: Vec<Option<i64>> = members.iter().map(|member| member.order).collect();
        orders.sort_by_key(|order| order.unwrap_or(i64::MAX));
        orders.dedup();
        let of = |order| members.iter().filter(|member| member.order == order).cloned().collect();
        Self { name, tiers: orders.into_iter().map(|order| Tier::new(order, of(order))).collect() }
    }

    pub fn members(&self) -> impl Iterator<Item = &Arc<Deployment>> {
        self.tiers.iter().flat_map(|tier| &tier.members)
    }
}

/// A name with one `*` or more.
#[derive(Debug)]
struct Pattern {
    pieces: Vec<String>,
    group: Arc<Group>,
}

impl Pattern {
    fn new(group: Arc<Group>) -> Self {
        Self { pieces: group.name.split('*').map(str::to_owned).collect(), group }
    }

    /// What the first `*` catches.
    fn caught<'n>(&self, name: &'n str) -> Option<&'n str> {
        let (first, rest) = self.pieces.split_first()?;
        let after = name.strip_prefix(first.as_str())?;
        let (last, middle) = rest.split_last()?;
        let mut left = after.strip_suffix(last.as_str())?;
        let mut caught = left;
        for (at, piece) in middle.iter().enumerate() {
            let found = left.find(piece.as_str())?;
            if at == 0 {
                caught = &left[..found];
            }
            left = &left[found + piece.len()..];
        }
        Some(caught)
    }

    /// The one that says most of a name comes first.
    fn rank(&self) -> (usize, usize) {
        let said = self.pieces.iter().map(String::len).sum();
        (said, usize::MAX - self.pieces.len())
    }
}

/// A name for another group.
#[derive(Debug, Clone)]
pub struct Alias {
    pub model: String,
    /// Not among the names that are listed.
    pub hidden: bool,
}

/// Reads `model_group_alias`: texts, or objects with `model` and `hidden`.
pub fn aliases(value: Option<&Value>) -> Result<HashMap<String, Alias>> {
    let Some(Value::Object(entries)) = value else { return Ok(HashMap::new()) };
    let read = |(name, value): (&String, &Value)| {
        let wrong =
            || Error::invalid(&format!("model_group_alias.{name}"), "expected a name, or an object with one");
        let alias = match value {
            Value::String(model) => Alias { model: model.clone(), hidden: false },
            Value::Object(item) => Alias {
                model: item.get("model").and_then(Value::as_str).ok_or_else(wrong)?.to_owned(),
                hidden: item.get("hidden").and_then(Value::as_bool).unwrap_or(false),
            },
            _ => return Err(wrong()),
        };
        Ok((name.clone(), alias))
    };
    entries.iter().map(read).collect()
}

/// All deployments, and how they are found.
#[derive(Debug, Default)]
pub struct Table {
    pub deployments: Vec<Arc<Deployment>>,
    groups: HashMap<Arc<str>, Arc<Group>>,
    /// Those that say most come first.
    patterns: Vec<Pattern>,
    ids: HashMap<Arc<str>, Arc<Deployment>>,
    aliases: HashMap<String, Alias>,
}

/// Where a name leads.
#[derive(Debug, Clone)]
pub struct Found {
    pub group: Arc<Group>,
    /// What a wildcard caught, and the name it was caught in.
    pub caught: Option<(String, String)>,
}

impl Table {
    pub fn new(deployments: Vec<Arc<Deployment>>, aliases: HashMap<String, Alias>) -> Self {
        let mut names: Vec<Arc<str>> = Vec::new();
        let mut members: HashMap<Arc<str>, Vec<Arc<Deployment>>> = HashMap::new();
        for deployment in &deployments {
            let of = members.entry(deployment.group.clone()).or_insert_with(|| {
                names.push(deployment.group.clone());
                Vec::new()
            });
            of.push(deployment.clone());
        }
        let mut groups = HashMap::new();
        let mut patterns = Vec::new();
        for name in names {
            let group = Arc::new(Group::new(name.clone(), &members.remove(&name).unwrap_or_default()));
            if name.contains('*') {
                patterns.push(Pattern::new(group.clone()));
            }
            groups.insert(name, group);
        }
        patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.rank()));
        let ids = deployments.iter().map(|deployment| (deployment.id.clone(), deployment.clone())).collect();
        Self { deployments, groups, patterns, ids, aliases }
    }

    pub fn aliases(&self) -> &HashMap<String, Alias> {
        &self.aliases
    }

    pub fn by_id(&self, id: &str) -> Option<&Arc<Deployment>> {
        self.ids.get(id)
    }

    pub fn group(&self, name: &str) -> Option<&Arc<Group>> {
        self.groups.get(name)
    }

    /// Names of the groups, in the order of the list, each once.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for deployment in &self.deployments {
            if seen.insert(&*deployment.group) {
                names.push(&deployment.group);
            }
        }
        names
    }

    /// The names that are shown: those of the groups, then aliases that are not hidden, in order.
    pub fn listed(&self) -> Vec<&str> {
        let aliases = self
            .aliases
            .iter()
            .filter(|(name, alias)| !alias.hidden && !self.groups.contains_key(name.as_str()));
        let mut aliases: Vec<&str> = aliases.map(|(name, _)| name.as_str()).collect();
        aliases.sort_unstable();
        let mut names = self.names();
        names.extend(aliases);
        names
    }

    /// The group that a name, an alias, the id of a deployment, an upstream model or a wildcard means.
    pub fn find(&self, name: &str) -> Option<Found> {
        let name = self.aliases.get(name).map_or(name, |alias| alias.model.as_str());
        let plain = |group: Arc<Group>| Found { group, caught: None };
        if let Some(group) = self.groups.get(name) {
            return Some(plain(group.clone()));
        }
        if let Some(deployment) = self.ids.get(name) {
            return Some(plain(Arc::new(Group::new(
                deployment.group.clone(),
                std::slice::from_ref(deployment),
            ))));
        }
        for pattern in &self.patterns {
            if let Some(caught) = pattern.caught(name) {
                let caught = Some((caught.to_owned(), name.to_owned()));
                return Some(Found { group: pattern.group.clone(), caught });
            }
        }
        let of_model: Vec<Arc<Deployment>> =
            self.deployments.iter().filter(|deployment| deployment.model == name).cloned().collect();
        (!of_model.is_empty()).then(|| plain(Arc::new(Group::new(name.into(), &of_model))))
    }
}

impl Found {
    /// The upstream model of a deployment for this name: what the wildcard caught stands where its own `*` is. A
    /// bare `*` catches whole names, which keep a provider that they have.
    pub fn model_of(&self, deployment: &Deployment) -> Option<String> {
        let (caught, name) = self.caught.as_ref()?;
        if deployment.model == "*" {
            return Some(name.clone());
        }
        let (before, _) = deployment.model.split_once('*')?;
        // `*` for `openai/*`: the name may say the provider itself.
        if !before.is_empty() && caught.starts_with(before) {
            return Some(caught.clone());
        }
        Some(deployment.model.replacen('*', caught, 1))
    }
}

/// Keywords of a call for a deployment: the caller's, then what the deployment and the defaults add. A keyword that
/// the caller has set to null counts as given, and an effort of the caller's stands for `thinking` of the others.
pub fn merged(mut keywords: Map, layers: &[&Map]) -> Map {
    let effort = |map: &Map| map.get("reasoning_effort").is_some_and(|effort| !effort.is_null());
    let is_said = effort(&keywords) || layers.first().is_some_and(|asked| effort(asked));
    for (depth, layer) in layers.iter().enumerate() {
        for (name, value) in *layer {
            let is_replaced = is_said && depth > 0 && name == "thinking";
            if !is_replaced && !keywords.contains_key(name) {
                keywords.insert(name.clone(), value.clone());
            }
        }
    }
    keywords
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table(entries: &[(&str, &str)], aliases: &Value) -> Table {
        let deployments = entries.iter().map(|(name, model)| {
            let entry = json!({ "model_name": name, "litellm_params": { "model": model }, "model_info": { "id": format!("id-{name}-{model}") } });
            Arc::new(Deployment::read(&entry).unwrap())
        });
        Table::new(deployments.collect(), super::aliases(Some(aliases)).unwrap())
    }

    fn sent(table: &Table, name: &str) -> Option<String> {
        let found = table.find(name)?;
        let deployment = found.group.members().next()?.clone();
        Some(found.model_of(&deployment).unwrap_or_else(|| deployment.model.clone()))
    }

    #[test]
    fn names_lead_to_groups() {
        let table = table(
            &[
                ("a", "openai/gpt-4o"),
                ("my-*", "openai/*"),
                ("anthropic/*", "anthropic/*"),
                ("*-mini-*", "openai/x-*"),
                ("*", "*"),
                ("b", "groq/llama"),
            ],
            &json!({ "alias": "a", "hid": { "model": "b", "hidden": true } }),
        );
        for (name, model) in [
            ("a", "openai/gpt-4o"),
            ("alias", "openai/gpt-4o"),
            ("hid", "groq/llama"),
            ("my-gpt-zz", "openai/gpt-zz"),
            ("anthropic/claude", "anthropic/claude"),
            ("q-mini-r", "openai/x-q"),
            ("foo/bar", "foo/bar"),
            ("id-b-groq/llama", "groq/llama"),
        ] {
            assert_eq!(sent(&table, name).as_deref(), Some(model), "{name}");
        }
        assert_eq!(table.names(), ["a", "my-*", "anthropic/*", "*-mini-*", "*", "b"]);
        assert_eq!(table.listed(), ["a", "my-*", "anthropic/*", "*-mini-*", "*", "b", "alias"]);
    }

    #[test]
    fn an_upstream_model_is_a_name_when_nothing_else_is_meant() {
        let table = table(&[("a", "openai/gpt-4o")], &json!({}));
        assert_eq!(sent(&table, "openai/gpt-4o").as_deref(), Some("openai/gpt-4o"));
        assert!(table.find("zzz").is_none());
    }

    #[test]
    fn tiers_are_in_order() {
        let entry = |order: Value| json!({ "model_name": "a", "litellm_params": { "model": "openai/x", "order": order } });
        let members = [json!(2), json!(null), json!(1), json!(2)];
        let members = members.map(|order| Arc::new(Deployment::read(&entry(order)).unwrap()));
        let group = Group::new("a".into(), &members);
        let orders: Vec<_> = group.tiers.iter().map(|tier| (tier.order, tier.members.len())).collect();
        assert_eq!(orders, [(Some(1), 1), (Some(2), 2), (None, 1)]);
    }

    #[test]
    fn a_null_of_the_caller_wins() {
        let Value::Object(call) = json!({ "api_key": null, "a": 1 }) else { panic!() };
        let Value::Object(own) = json!({ "api_key": "k", "b": 2, "a": 3 }) else { panic!() };
        assert_eq!(Value::Object(merged(call, &[&own])), json!({ "api_key": null, "a": 1, "b": 2 }));
    }
}
