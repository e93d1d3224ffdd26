//! A parsed document that is taken apart once: cheap to make, since keys and plain texts are borrowed from the text
//! and objects are lists. A [`Value`] hashes and copies every key, which for a reply costs more than all else that is
//! done with it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use super::Map;

/// A value whose texts are borrowed where they hold no escapes.
#[derive(Debug, Clone, PartialEq)]
pub enum Tree<'a> {
    Null,
    Bool(bool),
    Number(Number),
    Text(Cow<'a, str>),
    List(Vec<Tree<'a>>),
    Object(Fields<'a>),
}

/// The fields of an object in their order. Of a key that comes twice, the last one counts.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields<'a>(Vec<(Cow<'a, str>, Tree<'a>)>);

impl Tree<'_> {
    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(flag),
            Self::Number(number) => Value::Number(number),
            Self::Text(text) => Value::String(text.into_owned()),
            Self::List(items) => Value::Array(items.into_iter().map(Tree::into_value).collect()),
            Self::Object(fields) => Value::Object(fields.into_map()),
        }
    }

    /// What the value is, in the words of an error message.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

impl<'a> Fields<'a> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| &**key)
    }

    pub fn push(&mut self, key: Cow<'a, str>, value: Tree<'a>) {
        self.0.push((key, value));
    }

    pub fn get(&self, key: &str) -> Option<&Tree<'a>> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    pub fn take(&mut self, key: &str) -> Option<Tree<'a>> {
        let at = self.0.iter().rposition(|(name, _)| name == key)?;
        let (_, value) = self.0.remove(at);
        if self.0[..at].iter().any(|(name, _)| name == key) {
            self.0.retain(|(name, _)| name != key);
        }
        Some(value)
    }

    /// The text under a key, taken out; other values stay.
    pub fn take_text(&mut self, key: &str) -> Option<String> {
        self.get(key).filter(|value| matches!(value, Tree::Text(_)))?;
        match self.take(key) {
            Some(Tree::Text(text)) => Some(text.into_owned()),
            _ => None,
        }
    }

    /// A value that is there and not null, taken out.
    pub fn take_value(&mut self, key: &str) -> Option<Value> {
        self.take(key).filter(|value| !value.is_null()).map(Tree::into_value)
    }

    pub fn into_map(self) -> Map {
        self.0.into_iter().map(|(key, value)| (key.into_owned(), value.into_value())).collect()
    }

    /// What is not null.
    pub fn into_known(self) -> Map {
        let known = self.0.into_iter().filter(|(_, value)| !value.is_null());
        known.map(|(key, value)| (key.into_owned(), value.into_value())).collect()
    }
}

impl<'de> Deserialize<'de> for Tree<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(Tree::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Tree::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Tree::Number(number.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Self::Value, E> {
        Number::from_f64(number).map(Tree::Number).ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Tree::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Tree::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Tree::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::with_capacity(8);
        while let Some(key) = access.next_key::<Tree<'de>>()? {
            let Tree::Text(key) = key else { return Err(A::Error::custom("a key that is no string")) };
            fields.push((key, access.next_value()?));
        }
        Ok(Tree::Object(Fields(fields)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"a": 1, "b\n": [null, true, -2, 0.1, "x\ty", {"c": {}}], "a": "z", "n": null}"#;

    fn fields(text: &str) -> Fields<'_> {
        match serde_json::from_str(text).unwrap() {
            Tree::Object(fields) => fields,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_tree_is_the_same_value() {
        let value: Value = serde_json::from_str(TEXT).unwrap();
        assert_eq!(serde_json::from_str::<Tree<'_>>(TEXT).unwrap().into_value(), value);
        assert_eq!(Value::Object(fields(TEXT).into_map()), value);
    }

    #[test]
    fn fields_are_taken_out() {
        let mut fields = fields(TEXT);
        assert_eq!(fields.get("a"), Some(&Tree::Text("z".into())));
        assert_eq!(fields.take_text("b\n"), None);
        assert_eq!(fields.take_text("a").as_deref(), Some("z"));
        assert_eq!(fields.take("a"), None, "the first one is gone as well");
        assert_eq!(fields.keys().collect::<Vec<_>>(), ["b\n", "n"]);
        assert_eq!(fields.into_known().len(), 1);
    }

    #[test]
    fn depth_is_bounded() {
        let text = "[".repeat(100_000);
        assert!(serde_json::from_str::<Tree<'_>>(&text).is_err());
    }
}
