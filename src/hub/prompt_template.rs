//! How a conversation becomes one text, where the caller says so.

use serde_json::Value;

use crate::error::{Error, Result};
use crate::json::{Map, kind_of};

/// A caller's own way of writing a conversation as a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PromptTemplate {
    /// Marks around what each role says, and around it all.
    Marks { roles: Vec<RoleMarks>, begin: String, end: String },
    /// A template in Jinja, as Hugging Face's tokenizers have one.
    Jinja { source: String, bos_token: String, eos_token: String },
}

/// What stands before and after the words of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleMarks {
    pub role: String,
    pub before: String,
    pub after: String,
}

impl PromptTemplate {
    /// Reads LiteLLM's form: `roles` with a `pre_message` and a `post_message` each, `initial_prompt_value`,
    /// `final_prompt_value`; or a tokenizer's configuration with its `chat_template`. None when neither is there.
    ///
    /// # Errors
    ///
    /// When one of them is of another kind.
    pub fn read(map: &Map) -> Result<Option<Self>> {
        let text = |name: &str| match map.get(name) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            // Tokenizers have tokens as objects, too.
            Some(Value::Object(token)) if token.get("content").is_some_and(Value::is_string) => {
                Ok(token["content"].as_str().unwrap_or_default().to_owned())
            }
            Some(other) => Err(Error::invalid(name, &format!("expected a string, got {}", kind_of(other)))),
        };
        if map.contains_key("chat_template") {
            let source = text("chat_template")?;
            return Ok(Some(Self::Jinja {
                source,
                bos_token: text("bos_token")?,
                eos_token: text("eos_token")?,
            }));
        }
        let roles = match map.get("roles") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Object(roles)) => roles.iter().map(RoleMarks::read).collect::<Result<_>>()?,
            Some(other) => {
                return Err(Error::invalid("roles", &format!("expected an object, got {}", kind_of(other))));
            }
        };
        let (begin, end) = (text("initial_prompt_value")?, text("final_prompt_value")?);
        let nothing = roles.is_empty() && begin.is_empty() && end.is_empty();
        Ok((!nothing).then_some(Self::Marks { roles, begin, end }))
    }
}

impl RoleMarks {
    fn read((role, marks): (&String, &Value)) -> Result<Self> {
        let mark = |name: &str| match marks.get(name) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(other) => {
                let what = format!("expected a string, got {}", kind_of(other));
                Err(Error::invalid(&format!("roles.{role}.{name}"), &what))
            }
        };
        Ok(Self { role: role.clone(), before: mark("pre_message")?, after: mark("post_message")? })
    }
}
