//! The files of a configuration as one tree: what it includes, and what the environment says.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::problem::Report;
use super::schema::{self, Treatment, join};
use super::yaml::{self, Node, Place, Tree};
use crate::config::{Environment, ProcessEnvironment};

const REFERENCE: &str = "os.environ/";
/// The most files that include each other.
const MOST_FILES: usize = 100;

/// `environment_variables` of a file, in front of those of the process.
#[derive(Clone, Default)]
pub struct Variables(HashMap<String, String>);

impl fmt::Debug for Variables {
    /// Without the values, among which are keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Variables {
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn over<'e>(&'e self, below: &'e dyn Environment) -> Over<'e> {
        Over { own: &self.0, below }
    }
}

impl Environment for Variables {
    fn get(&self, name: &str) -> Option<String> {
        self.over(&ProcessEnvironment).get(name)
    }
}

/// Variables in front of an environment.
pub struct Over<'e> {
    own: &'e HashMap<String, String>,
    below: &'e dyn Environment,
}

impl Environment for Over<'_> {
    fn get(&self, name: &str) -> Option<String> {
        self.own.get(name).filter(|value| !value.is_empty()).cloned().or_else(|| self.below.get(name))
    }
}

/// Reads a file and those that it includes: lists are added to, other sections are replaced.
pub fn read(path: &Path, report: &mut Report) -> Node {
    read_file(path, Place::default(), report).unwrap_or_default()
}

fn read_file(path: &Path, asked: Place, report: &mut Report) -> Option<Node> {
    let file = report.files.len();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(failed) => {
            if file == 0 {
                report.files.push(path.to_owned());
            }
            report.error(asked, "include", format!("{} cannot be read: {failed}", path.display()));
            return None;
        }
    };
    report.files.push(path.to_owned());
    let mut node = match yaml::read(&text, file) {
        Ok((node, twice)) => {
            for wrong in twice {
                report.warn(wrong.at, "", wrong.message);
            }
            node
        }
        Err(wrong) => {
            report.error(wrong.at, "", wrong.message);
            return None;
        }
    };
    include(&mut node, path, report);
    Some(node)
}

fn include(node: &mut Node, path: &Path, report: &mut Report) {
    let Some(named) = node.get("include") else { return };
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    let items = named.items().iter().chain(named.text().map(|_| named));
    let named: Vec<(PathBuf, Place)> =
        items.filter_map(|item| Some((folder.join(item.text()?), item.at))).collect();
    for (path, at) in named {
        if report.files.contains(&path) || report.files.len() >= MOST_FILES {
            report.error(at, "include", format!("{} is included already", path.display()));
            continue;
        }
        if let Some(included) = read_file(&path, at, report) {
            add(node, included, report);
        }
    }
}

fn add(node: &mut Node, included: Node, report: &mut Report) {
    let (Tree::Map(own), Tree::Map(added)) = (&mut node.tree, included.tree) else { return };
    for entry in added.into_iter().filter(|entry| entry.key != "include") {
        match own.iter_mut().find(|known| known.key == entry.key) {
            None => own.push(entry),
            Some(known) => match (&mut known.value.tree, entry.value.tree) {
                (Tree::List(items), Tree::List(more)) => items.extend(more),
                (_, tree) => {
                    let name = &entry.key;
                    let (file, line) = (report.files.get(known.at.file), known.at.line);
                    let file = file.map(|file| file.display().to_string()).unwrap_or_default();
                    let message = format!("'{name}' replaces all of the one in line {line} of {file}");
                    report.warn(entry.at, name, message);
                    known.at = entry.at;
                    known.value = Node { tree, ..entry.value };
                }
            },
        }
    }
}

/// Takes `environment_variables` of a tree.
pub fn variables(root: &mut Node, below: &dyn Environment, report: &mut Report) -> Variables {
    let mut found = Variables::default();
    let Some(node) = root.get_mut("environment_variables") else { return found };
    let Tree::Map(entries) = &mut node.tree else { return found };
    for entry in entries {
        let path = join("environment_variables", &entry.key);
        let value = match &entry.value.tree {
            Tree::Null => continue,
            Tree::Text(text) => match text.strip_prefix(REFERENCE) {
                Some(name) => match below.get(name) {
                    Some(value) => value,
                    None => {
                        report.error(entry.value.at, &path, unset(name));
                        continue;
                    }
                },
                None => text.clone(),
            },
            // As Python writes them.
            Tree::Switch(is_on) => if *is_on { "True" } else { "False" }.to_owned(),
            Tree::Number(number) => number.to_string(),
            Tree::List(_) | Tree::Map(_) => {
                report.error(
                    entry.value.at,
                    &path,
                    format!("a variable is a text, and this is {}", entry.value.kind()),
                );
                continue;
            }
        };
        report.hide(&value);
        found.0.insert(entry.key.clone(), value);
    }
    found
}

fn unset(name: &str) -> String {
    format!("the variable {name} is not set")
}

/// Puts the values of variables in the place of `os.environ/NAME`. One that is not set is an error, but for a model,
/// which may be one of many that work: then it is a warning, and the value is left out.
pub fn resolve(root: &mut Node, environment: &Over<'_>, report: &mut Report) {
    let Tree::Map(sections) = &mut root.tree else { return };
    for section in sections {
        let name = section.key.as_str();
        match schema::treatment("file", name) {
            Some(Treatment::Does | Treatment::Callbacks) if name != "environment_variables" => {}
            _ => continue,
        }
        let mut resolver =
            Resolver { environment, report, is_model: matches!(name, "model_list" | "credential_list") };
        match &mut section.value.tree {
            Tree::Map(entries) => {
                for entry in entries {
                    // What is not acted on asks for nothing.
                    if !matches!(
                        schema::treatment(name, &entry.key),
                        Some(Treatment::Later | Treatment::No | Treatment::Nothing)
                    ) {
                        resolver.resolve(&mut entry.value, &entry.key, &join(name, &entry.key));
                    }
                }
            }
            _ => resolver.resolve(&mut section.value, name, name),
        }
    }
}

struct Resolver<'r, 'e> {
    environment: &'r Over<'e>,
    report: &'r mut Report,
    is_model: bool,
}

impl Resolver<'_, '_> {
    fn resolve(&mut self, node: &mut Node, key: &str, path: &str) {
        match &mut node.tree {
            Tree::List(items) => {
                for (at, item) in items.iter_mut().enumerate() {
                    self.resolve(item, key, &format!("{path}[{at}]"));
                }
            }
            Tree::Map(entries) => {
                for entry in entries {
                    self.resolve(&mut entry.value, &entry.key, &join(path, &entry.key));
                }
            }
            Tree::Text(text) => {
                if let Some(name) = text.strip_prefix(REFERENCE) {
                    let name = name.trim().to_owned();
                    node.tree = self.value(&name, node.at, path).map_or(Tree::Null, Tree::Text);
                    node.variable = Some(name);
                } else if path.contains("pass_through_endpoints[") && text.contains(REFERENCE) {
                    // Headers have them in the middle: `bearer os.environ/KEY`.
                    let text = std::mem::take(text);
                    node.tree = Tree::Text(self.inside(&text, node.at, path));
                    self.report.hide(node.text().unwrap_or_default());
                } else if is_secret(key) {
                    self.report.hide(text);
                }
            }
            Tree::Null | Tree::Switch(_) | Tree::Number(_) => {}
        }
    }

    fn value(&mut self, name: &str, at: Place, path: &str) -> Option<String> {
        let value = self.environment.get(name);
        match &value {
            Some(value) => self.report.hide(value),
            None if self.is_model => self.report.warn(at, path, unset(name)),
            None => self.report.error(at, path, unset(name)),
        }
        value
    }

    fn inside(&mut self, text: &str, at: Place, path: &str) -> String {
        let mut pieces = text.split(REFERENCE);
        let mut out = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let end = piece.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(piece.len());
            out += &self.value(&piece[..end], at, path).unwrap_or_default();
            out += &piece[end..];
        }
        out
    }
}

/// Whether a key names something that is not shown.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["key", "token", "secret", "password", "credential", "authorization", "url", "_json"]
        .iter()
        .any(|part| key.contains(part))
}
