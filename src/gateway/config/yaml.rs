//! YAML text as values that know where they stand.
//!
//! Plain scalars mean what they mean to PyYAML (YAML 1.1): `yes` and `on` are switches, `1e-6` is a text. Two things
//! stay texts that PyYAML makes something else of, for nobody means them: dates, and `12:30` as a number of base 60.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};
use serde_json::{Number, Value};

use crate::json::Map;

/// The most that a file has: bytes, values with what aliases repeat, and levels.
const MOST_BYTES: usize = 8 * 1024 * 1024;
const MOST_NODES: usize = 500_000;
const MOST_LEVELS: usize = 64;

/// A place in a file; lines and columns count from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// Which of the files that were read.
    pub file: usize,
    pub line: usize,
    pub column: usize,
}

/// A value and where it stands.
#[derive(Debug, Clone, Default)]
pub struct Node {
    pub at: Place,
    pub tree: Tree,
    /// Somewhere else may stand for this one, too.
    pub is_anchor: bool,
    /// The variable of the environment that it was read from.
    pub variable: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub enum Tree {
    #[default]
    Null,
    Switch(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub key: String,
    pub at: Place,
    pub value: Node,
}

/// What is wrong in a text, and where.
#[derive(Debug, Clone)]
pub struct Wrong {
    pub at: Place,
    pub message: String,
}

impl Node {
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        let Tree::Map(entries) = &mut self.tree else { return None };
        entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.value)
    }

    /// The entries of a map; of anything else none.
    pub fn entries(&self) -> &[Entry] {
        if let Tree::Map(entries) = &self.tree { entries } else { &[] }
    }

    /// The items of a list; of anything else none.
    pub fn items(&self) -> &[Self] {
        if let Tree::List(items) = &self.tree { items } else { &[] }
    }

    pub fn text(&self) -> Option<&str> {
        if let Tree::Text(text) = &self.tree { Some(text) } else { None }
    }

    pub fn is_null(&self) -> bool {
        matches!(self.tree, Tree::Null)
    }

    /// What it is, in the words of an error message.
    pub fn kind(&self) -> &'static str {
        match self.tree {
            Tree::Null => "nothing",
            Tree::Switch(_) => "true or false",
            Tree::Number(_) => "a number",
            Tree::Text(_) => "a text",
            Tree::List(_) => "a list",
            Tree::Map(_) => "a map",
        }
    }

    pub fn to_json(&self) -> Value {
        match &self.tree {
            Tree::Null => Value::Null,
            Tree::Switch(is_on) => Value::Bool(*is_on),
            Tree::Number(number) => Value::Number(number.clone()),
            Tree::Text(text) => Value::String(text.clone()),
            Tree::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Tree::Map(_) => Value::Object(self.to_map()),
        }
    }

    /// The entries of a map as JSON.
    pub fn to_map(&self) -> Map {
        self.entries().iter().map(|entry| (entry.key.clone(), entry.value.to_json())).collect()
    }

    fn count(&self) -> usize {
        match &self.tree {
            Tree::List(items) => items.iter().map(Self::count).sum::<usize>() + 1,
            Tree::Map(entries) => entries.iter().map(|entry| entry.value.count() + 1).sum::<usize>() + 1,
            _ => 1,
        }
    }

    fn depth(&self) -> usize {
        match &self.tree {
            Tree::List(items) => items.iter().map(Self::depth).max().unwrap_or(0) + 1,
            Tree::Map(entries) => entries.iter().map(|entry| entry.value.depth()).max().unwrap_or(0) + 1,
            _ => 1,
        }
    }
}

/// Reads the one document of a text; an empty text is null. Keys that stand twice come beside it: the last one counts.
pub fn read(text: &str, file: usize) -> Result<(Node, Vec<Wrong>), Wrong> {
    let start = Place { file, line: 1, column: 1 };
    if text.len() > MOST_BYTES {
        let message = format!("the file has more than {} MB", MOST_BYTES / 1024 / 1024);
        return Err(Wrong { at: start, message });
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        events: Parser::new_from_str(text),
        file,
        anchors: HashMap::new(),
        nodes: 0,
        twice: Vec::new(),
    };
    let mut document = None;
    loop {
        let (event, at) = reader.next()?;
        match event {
            Event::StreamEnd => break,
            Event::DocumentStart(_) if document.is_some() => {
                return Err(Wrong { at, message: "a second document begins; one file has one".to_owned() });
            }
            Event::DocumentStart(_) => {
                let (event, at) = reader.next()?;
                document = Some(reader.value(event, at, 1)?);
            }
            _ => {}
        }
    }
    Ok((document.unwrap_or(Node { at: start, ..Node::default() }), reader.twice))
}

struct Reader<'t> {
    events: Parser<'t, saphyr_parser::StrInput<'t>>,
    file: usize,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    twice: Vec<Wrong>,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Place), Wrong> {
        match self.events.next_event() {
            Some(Ok((event, span))) => Ok((event, self.place(&span))),
            Some(Err(failed)) => Err(self.unreadable(&failed)),
            None => Ok((Event::StreamEnd, Place { file: self.file, line: 1, column: 1 })),
        }
    }

    fn place(&self, span: &Span) -> Place {
        Place { file: self.file, line: span.start.line().max(1), column: span.start.col() + 1 }
    }

    fn unreadable(&self, failed: &ScanError) -> Wrong {
        let at = failed.marker();
        let at = Place { file: self.file, line: at.line().max(1), column: at.col() + 1 };
        Wrong { at, message: format!("this is not YAML: {}", failed.info()) }
    }

    /// Counts values, so that a short text cannot stand for a large tree.
    fn counted(&mut self, nodes: usize, levels: usize, at: Place) -> Result<(), Wrong> {
        self.nodes += nodes;
        let message = if self.nodes > MOST_NODES {
            format!("the file has more than {MOST_NODES} values, with those that aliases repeat")
        } else if levels > MOST_LEVELS {
            format!("more than {MOST_LEVELS} levels")
        } else {
            return Ok(());
        };
        Err(Wrong { at, message })
    }

    fn value(&mut self, event: Event<'t>, at: Place, level: usize) -> Result<Node, Wrong> {
        self.counted(1, level, at)?;
        let (tree, anchor) = match event {
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    return Err(Wrong { at, message: "an alias of something that holds it".to_owned() });
                };
                self.counted(node.count(), level + node.depth(), at)?;
                return Ok(Node { is_anchor: false, ..node });
            }
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain;
                (scalar(&text, is_plain, tag.as_deref()).map_err(|message| Wrong { at, message })?, anchor)
            }
            Event::SequenceStart(anchor, _) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, at) => items.push(self.value(event, at, level + 1)?),
                    }
                }
                (Tree::List(items), anchor)
            }
            Event::MappingStart(anchor, _) => (self.map(level)?, anchor),
            _ => return Err(Wrong { at, message: "this is not YAML: a value is missing".to_owned() }),
        };
        let node = Node { at, tree, is_anchor: anchor > 0, variable: None };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn map(&mut self, level: usize) -> Result<Tree, Wrong> {
        let mut own: Vec<Entry> = Vec::new();
        let mut merged: Vec<Entry> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        loop {
            let (event, at) = self.next()?;
            let (key, is_plain) = match event {
                Event::MappingEnd => break,
                Event::Scalar(text, style, _, _) => (text.into_owned(), style == ScalarStyle::Plain),
                _ => return Err(Wrong { at, message: "a key is a text".to_owned() }),
            };
            self.counted(1, level, at)?;
            let (event, value_at) = self.next()?;
            let value = self.value(event, value_at, level + 1)?;
            if is_plain && key == "<<" {
                merge(value, &mut merged)?;
                continue;
            }
            let entry = Entry { key: key.clone(), at, value };
            match known.get(&key).and_then(|place| own.get_mut(*place)) {
                Some(earlier) => {
                    let message = format!(
                        "'{}' stands here again, and the first time in line {}: this one counts",
                        crate::json::cut(&key, 80),
                        earlier.at.line
                    );
                    self.twice.push(Wrong { at, message });
                    *earlier = entry;
                }
                None => {
                    known.insert(key, own.len());
                    own.push(entry);
                }
            }
        }
        merged.retain(|entry| !known.contains_key(&entry.key));
        merged.append(&mut own);
        Ok(Tree::Map(merged))
    }
}

/// Entries of the maps that `<<` names: the earlier one wins.
fn merge(value: Node, into: &mut Vec<Entry>) -> Result<(), Wrong> {
    let wrong = |at| Err(Wrong { at, message: "'<<' takes a map, or a list of maps".to_owned() });
    match value.tree {
        Tree::Map(entries) => {
            for entry in entries {
                if !into.iter().any(|known| known.key == entry.key) {
                    into.push(entry);
                }
            }
            Ok(())
        }
        Tree::List(items) => items.into_iter().try_for_each(|item| match item.tree {
            Tree::Map(_) => merge(item, into),
            _ => wrong(item.at),
        }),
        _ => wrong(value.at),
    }
}

fn scalar(text: &str, is_plain: bool, tag: Option<&Tag>) -> Result<Tree, String> {
    match tag {
        None if is_plain => Ok(plain(text)),
        None => Ok(Tree::Text(text.to_owned())),
        Some(tag) if tag.is_yaml_core_schema() => {
            let read = plain(text);
            match (tag.suffix.as_str(), read) {
                ("str", _) => Ok(Tree::Text(text.to_owned())),
                ("float", Tree::Text(text)) => match text.parse().ok().and_then(Number::from_f64) {
                    Some(number) => Ok(Tree::Number(number)),
                    None => Err("this is no number".to_owned()),
                },
                ("int" | "float", read @ Tree::Number(_))
                | ("bool", read @ Tree::Switch(_))
                | ("null", read @ Tree::Null) => Ok(read),
                (name, _) => Err(format!("this is no !!{name}")),
            }
        }
        // A lone `!` says that it is a text.
        Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => Ok(Tree::Text(text.to_owned())),
        Some(tag) => Err(format!("the tag '{tag}' is not known here")),
    }
}

/// What an unquoted text means.
fn plain(text: &str) -> Tree {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Tree::Null,
        "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => return Tree::Switch(true),
        "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Tree::Switch(false);
        }
        _ => {}
    }
    whole(text).or_else(|| float(text)).map_or_else(|| Tree::Text(text.to_owned()), Tree::Number)
}

/// `12`, `1_000`, `0x1F`, `0b11`, and `017` with base 8.
fn whole(text: &str) -> Option<Number> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    let first = digits.bytes().next().filter(u8::is_ascii_digit)?;
    let (digits, base) = if let Some(rest) = digits.strip_prefix("0x") {
        (rest, 16)
    } else if let Some(rest) = digits.strip_prefix("0b") {
        (rest, 2)
    } else if first == b'0' && digits.len() > 1 {
        (&digits[1..], 8)
    } else {
        (digits, 10)
    };
    let digits = digits.replace('_', "");
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(base)) {
        return None;
    }
    let number = i128::from_str_radix(&format!("{sign}{digits}"), base).ok()?;
    Number::from_i128(number)
}

/// A float has a point; an exponent has a sign.
fn float(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (digits, None),
    };
    let (before, after) = mantissa.split_once('.')?;
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let begins = before.bytes().next().or_else(|| after.bytes().next())?;
    let is_exponent = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']);
        digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
    });
    if !begins.is_ascii_digit() || !are_digits(before) || !are_digits(after) || !is_exponent {
        return None;
    }
    text.replace('_', "").parse().ok().and_then(Number::from_f64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn json_of(text: &str) -> Value {
        read(text, 0).unwrap().0.to_json()
    }

    fn wrong(text: &str) -> (usize, usize, String) {
        let failed = read(text, 0).unwrap_err();
        (failed.at.line, failed.at.column, failed.message)
    }

    #[test]
    fn plain_scalars_mean_what_they_mean_in_python() {
        for (text, value) in [
            ("yes", json!(true)),
            ("On", json!(true)),
            ("False", json!(false)),
            ("y", json!("y")),
            ("~", json!(null)),
            ("", json!(null)),
            ("Null", json!(null)),
            ("12", json!(12)),
            ("-1_000", json!(-1000)),
            ("+7", json!(7)),
            ("017", json!(15)),
            ("0x1F", json!(31)),
            ("0b11", json!(3)),
            ("08", json!("08")),
            ("0", json!(0)),
            ("1.5", json!(1.5)),
            ("1.", json!(1.0)),
            (".5", json!(0.5)),
            ("1.0e-6", json!(1e-6)),
            ("1e-6", json!("1e-6")),
            ("1.0e6", json!("1.0e6")),
            (".inf", json!(".inf")),
            ("2024-02-01", json!("2024-02-01")),
            ("12:30", json!("12:30")),
            ("'yes'", json!("yes")),
            ("\"12\"", json!("12")),
            ("!!str 12", json!("12")),
            ("!!float 1e-6", json!(1e-6)),
            ("! 12", json!("12")),
            ("ollama/llama3:8b", json!("ollama/llama3:8b")),
            ("18446744073709551615", json!(u64::MAX)),
        ] {
            assert_eq!(json_of(&format!("a: {text}")), json!({ "a": value }), "{text}");
        }
    }

    #[test]
    fn anchors_and_merges() {
        let text =
            "base: &b {x: 1, y: 2}\nother: &o {y: 3, z: 4}\na: {<<: *b, x: 9}\nb:\n  <<: [*b, *o]\nc: *b\n";
        let value = json_of(text);
        assert_eq!(value["a"], json!({ "y": 2, "x": 9 }));
        assert_eq!(value["b"], json!({ "x": 1, "y": 2, "z": 4 }));
        assert_eq!(value["c"], json!({ "x": 1, "y": 2 }));
        assert_eq!(wrong("a: {<<: 1}"), (1, 9, "'<<' takes a map, or a list of maps".to_owned()));
    }

    #[test]
    fn values_know_their_places() {
        let (node, _) = read("a:\n  - b: 1\n    cc: [x, 'y']\n", 3).unwrap();
        let item = &node.get("a").unwrap().items()[0];
        let entry = &item.entries()[1];
        assert_eq!(entry.at, Place { file: 3, line: 3, column: 5 });
        assert_eq!(entry.value.items()[1].at, Place { file: 3, line: 3, column: 13 });
    }

    #[test]
    fn a_key_that_stands_twice_is_said_and_the_last_one_counts() {
        let (node, twice) = read("a: 1\nb: 2\na: 3\n", 0).unwrap();
        assert_eq!(node.to_json(), json!({ "a": 3, "b": 2 }));
        assert_eq!((twice.len(), twice[0].at.line), (1, 3));
        assert!(twice[0].message.contains("line 1"), "{}", twice[0].message);
    }

    #[test]
    fn a_short_text_stands_for_no_large_tree() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let alias = format!("*a{}", level - 1);
            text = format!("{text}a{level}: &a{level} [{}]\n", vec![alias; 10].join(", "));
        }
        assert!(wrong(&text).2.contains("more than 500000 values"));
        assert!(wrong(&format!("a: {}{}", "[".repeat(99), "]".repeat(99))).2.contains("levels"));
        let deep = (0..40).fold("a0: &a0 [x]\n".to_owned(), |text, level| {
            text + &format!("a{}: &a{} [[*a{level}]]\n", level + 1, level + 1)
        });
        assert!(wrong(&deep).2.contains("levels"));
    }

    #[test]
    fn what_is_no_yaml_is_said_with_its_place() {
        assert_eq!(wrong("a: [1, 2\nb: 3\n").0, 2);
        assert_eq!(wrong("a: 1\n---\nb: 2\n").2, "a second document begins; one file has one");
        assert!(wrong("a: !Secret x").2.contains("is not known here"));
        assert!(wrong("? [a]\n: 1\n").2.contains("a key is a text"));
        assert!(wrong("a: &a [*a]").2.contains("an alias of something that holds it"));
        assert_eq!(json_of(""), json!(null));
        assert_eq!(json_of("# nothing\n"), json!(null));
    }
}
