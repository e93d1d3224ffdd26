//! Counting a conversation as OpenAI counts one: its texts, and what stands between them.

use serde_json::Value;

use super::{images, tools};

/// What every message costs beside its texts.
const PER_MESSAGE: u64 = 3;
/// A message that has a name.
const PER_NAME: u64 = 1;
/// The beginning of the answer, which the model reads, too.
const ANSWER: u64 = 3;
/// What stands around tools. They are part of the first system message, where there is one.
const TOOLS: u64 = 9;
const TOOLS_IN_SYSTEM: u64 = 5;
const NO_TOOL: u64 = 1;
const NAMED_TOOL: u64 = 7;

/// How images are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageCount {
    BySize,
    /// All alike, by [`images::UNKNOWN`].
    Alike,
}

/// What is to be counted.
#[derive(Debug, Clone, Copy)]
pub struct Conversation<'a> {
    pub messages: &'a [Value],
    pub tools: Option<&'a [Value]>,
    pub tool_choice: Option<&'a Value>,
    /// The messages are an answer: nothing follows them.
    pub is_answer: bool,
    pub images: ImageCount,
    /// What a content counts that cannot be read.
    pub unreadable: Option<u64>,
}

impl Conversation<'_> {
    /// Tokens of it all, given those of a text.
    ///
    /// # Errors
    ///
    /// With the place, when there is something in it that has no known count.
    pub fn count(&self, count: &mut dyn FnMut(&str) -> u64) -> Result<u64, String> {
        let mut tokens = 0;
        for (at, message) in self.messages.iter().enumerate() {
            tokens += self.message(message, count).map_err(|why| format!("messages[{at}]: {why}"))?;
        }
        if !self.is_answer {
            tokens += ANSWER;
        }
        if let Some(listed) = self.tools.filter(|listed| !listed.is_empty()) {
            let in_system = self.messages.iter().any(|message| message.get("role") == Some(&"system".into()));
            tokens += count(&tools::render(listed)) + if in_system { TOOLS_IN_SYSTEM } else { TOOLS };
        }
        tokens += match self.tool_choice {
            Some(Value::String(choice)) if choice == "none" => NO_TOOL,
            Some(Value::Object(choice)) => {
                let name = choice.get("function").and_then(|function| function.get("name"));
                NAMED_TOOL + name.and_then(Value::as_str).map_or(0, count)
            }
            _ => 0,
        };
        Ok(tokens)
    }

    fn message(&self, message: &Value, count: &mut dyn FnMut(&str) -> u64) -> Result<u64, String> {
        let fields = message.as_object().ok_or("a message is an object")?;
        let mut tokens = PER_MESSAGE;
        for (name, value) in fields {
            tokens += match (name.as_str(), value) {
                ("name", Value::String(text)) => PER_NAME + count(text),
                ("content", Value::Array(parts)) => match (self.parts(parts, count), self.unreadable) {
                    (Err(_), Some(instead)) => instead,
                    (counted, _) => counted?,
                },
                ("tool_calls", Value::Array(calls)) => {
                    calls.iter().filter_map(|call| arguments(call.get("function")?)).map(&mut *count).sum()
                }
                ("function_call", call) => arguments(call).map_or(0, &mut *count),
                (_, Value::String(text)) => count(text),
                _ => 0,
            };
        }
        Ok(tokens)
    }

    fn parts(&self, parts: &[Value], count: &mut dyn FnMut(&str) -> u64) -> Result<u64, String> {
        let mut tokens = 0;
        for (at, part) in parts.iter().enumerate() {
            tokens += self.part(part, count).map_err(|why| format!("content[{at}]: {why}"))?;
        }
        Ok(tokens)
    }

    fn part(&self, part: &Value, count: &mut dyn FnMut(&str) -> u64) -> Result<u64, String> {
        if let Value::String(text) = part {
            return Ok(count(text));
        }
        let mut texts = |names: &[&str]| {
            names.iter().filter_map(|name| part.get(name)?.as_str()).map(&mut *count).sum::<u64>()
        };
        Ok(match part.get("type").and_then(Value::as_str) {
            Some("text") => texts(&["text"]),
            Some("thinking") => texts(&["thinking"]),
            Some("image_url") => self.image_url(part.get("image_url").unwrap_or(&Value::Null))?,
            Some("image") => self.source(part, count),
            Some("document") => texts(&["title", "context"]) + self.source(part, count),
            Some("tool_use") => {
                texts(&["name"]) + part.get("input").map_or(0, |input| count(&input.to_string()))
            }
            Some("tool_result") => self.content(part, count)?,
            Some("search_result") => texts(&["source", "title"]) + self.content(part, count)?,
            // The first two are not read by the model as they stand here, the last are short.
            Some("file" | "redacted_thinking" | "compaction" | "tool_reference") => 0,
            Some(other) => return Err(format!("a part of type '{other}' has no known count")),
            None => return Err("a part has a `type`".to_owned()),
        })
    }

    /// A text or parts inside a part.
    fn content(&self, part: &Value, count: &mut dyn FnMut(&str) -> u64) -> Result<u64, String> {
        match part.get("content") {
            Some(Value::String(text)) => Ok(count(text)),
            Some(Value::Array(parts)) => self.parts(parts, count),
            _ => Ok(0),
        }
    }

    /// Anthropic's images and documents.
    fn source(&self, part: &Value, count: &mut dyn FnMut(&str) -> u64) -> u64 {
        let Some(source) = part.get("source") else { return 0 };
        let data = source.get("data").and_then(Value::as_str);
        match (source.get("type").and_then(Value::as_str), data) {
            (Some("text"), Some(text)) => count(text),
            (Some("base64"), Some(data)) if self.images == ImageCount::BySize => images::count_base64(data),
            _ => images::UNKNOWN,
        }
    }

    fn image_url(&self, image: &Value) -> Result<u64, String> {
        if self.images == ImageCount::Alike {
            return Ok(images::UNKNOWN);
        }
        match image {
            Value::String(url) => images::count(url, None),
            _ => images::count(
                image.get("url").and_then(Value::as_str).unwrap_or_default(),
                image.get("detail").and_then(Value::as_str),
            ),
        }
    }
}

fn arguments(function: &Value) -> Option<&str> {
    function.get("arguments").and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn conversation(messages: &[Value]) -> Conversation<'_> {
        Conversation {
            messages,
            tools: None,
            tool_choice: None,
            is_answer: false,
            images: ImageCount::BySize,
            unreadable: None,
        }
    }

    /// Counts characters, and keeps what was counted.
    fn counted(conversation: Conversation<'_>) -> (u64, Vec<String>) {
        let mut seen = Vec::new();
        let tokens = conversation.count(&mut |text| {
            seen.push(text.to_owned());
            text.len() as u64
        });
        (tokens.unwrap(), seen)
    }

    #[test]
    fn texts_and_what_stands_between_them() {
        let messages = [json!({"role": "user", "content": "hi", "name": "bob", "x": 5, "y": "str", "z": {}})];
        let (tokens, seen) = counted(conversation(&messages));
        assert_eq!(seen, ["user", "hi", "bob", "str"]);
        assert_eq!(tokens, 12 + 3 + 3 + 1);
        let answer = Conversation { is_answer: true, ..conversation(&messages) };
        assert_eq!(counted(answer).0, tokens - 3);
    }

    #[test]
    fn calls_count_by_their_arguments() {
        let messages = [
            json!({"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": "{\"a\":1}"}},
            ]}),
            json!({"role": "tool", "tool_call_id": "call_1", "content": "sunny"}),
            json!({"role": "assistant", "content": "", "function_call": {"name": "find", "arguments": "{}"}}),
        ];
        let (tokens, seen) = counted(conversation(&messages));
        assert_eq!(seen, ["assistant", "{\"a\":1}", "tool", "call_1", "sunny", "assistant", "", "{}"]);
        assert_eq!(tokens, seen.concat().len() as u64 + 3 * 3 + 3);
    }

    #[test]
    fn tools_and_the_choice_among_them() {
        let tools = [json!({"type": "function", "function": {"name": "a"}})];
        let user = [json!({"role": "user", "content": "hi"})];
        let with = |messages, choice: &Value| {
            let tools = Some(tools.as_slice());
            counted(Conversation { tools, tool_choice: Some(choice), ..conversation(messages) }).0
        };
        let named = json!({"type": "function", "function": {"name": "a"}});
        for (choice, expected) in
            [(Value::Null, 89), (json!("none"), 90), (json!("required"), 89), (named, 97)]
        {
            assert_eq!(with(&user, &choice), expected, "{choice}");
        }
        let system = [json!({"role": "system", "content": "s"}), user[0].clone()];
        assert_eq!(with(&system, &Value::Null), 95);
    }

    #[test]
    fn parts_of_every_known_type() {
        let messages = [json!({"role": "user", "content": [
            "plain",
            {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}},
            {"type": "tool_result", "tool_use_id": "x", "content": [{"type": "text", "text": "sunny"}]},
            {"type": "document", "source": {"type": "text", "data": "abc"}, "title": "tt"},
            {"type": "thinking", "thinking": "hm", "signature": "zz"},
            {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "q"}]},
            {"type": "tool_use", "id": "x", "name": "find", "input": {"a": 1}},
            {"type": "file", "file": {"file_id": "abc"}},
        ]})];
        let (_, seen) = counted(conversation(&messages));
        assert_eq!(seen.concat(), "userplainhisunnyttabchmstqfind{\"a\":1}");
        let image = json!({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}});
        let messages = [json!({"role": "user", "content": [image]})];
        assert_eq!(counted(conversation(&messages)).0, 4 + 3 + 3 + images::UNKNOWN);
    }

    #[test]
    fn what_has_no_count_is_named_or_stands_for_a_given_one() {
        let messages = [json!({"role": "user", "content": ["a", {"type": "input_audio"}]})];
        let mut count = |text: &str| text.len() as u64;
        let failed = conversation(&messages).count(&mut count).unwrap_err();
        assert_eq!(failed, "messages[0]: content[1]: a part of type 'input_audio' has no known count");
        let given = Conversation { unreadable: Some(7), ..conversation(&messages) };
        assert_eq!(given.count(&mut count), Ok(4 + 3 + 3 + 7));
    }
}
