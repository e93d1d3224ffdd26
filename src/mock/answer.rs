//! What the mock says: a [`Prompt`] → an [`Answer`], the same for every wire and the same each time.

use serde_json::{Value, json};

use super::prompt::{Format, Prompt, Tool, ToolChoice};
use super::schema;
use super::text::{Pieces, first_pieces, shortened, tokens};

/// Characters of the user's text, or of a tool's result, that an answer quotes.
const QUOTED: usize = 200;

pub(super) struct Answer {
    /// Hexadecimal; each wire puts its own prefix before it.
    pub(super) id: String,
    /// Seconds since 1970.
    pub(super) created: u64,
    pub(super) model: String,
    pub(super) choices: Vec<Choice>,
    pub(super) usage: Usage,
    /// How many pieces a stream cuts the text into; one for each piece of text when not set.
    pub(super) chunks: Option<usize>,
}

pub(super) struct Choice {
    pub(super) thinking: Option<String>,
    pub(super) text: String,
    pub(super) calls: Vec<Call>,
    pub(super) finish: Finish,
}

pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: Value,
    /// `arguments` as JSON text.
    pub(super) json: String,
}

pub(super) enum Finish {
    Stop,
    StopSequence(String),
    Length,
    ToolCalls,
}

/// Counts in pieces of text; `completion` includes `reasoning`.
#[derive(Clone, Copy, Default)]
pub(super) struct Usage {
    pub(super) prompt: usize,
    pub(super) completion: usize,
    pub(super) reasoning: usize,
}

/// What of an answer is set from outside the prompt.
pub(super) struct Frame<'a> {
    pub(super) id: String,
    pub(super) created: u64,
    /// This text instead of an own one; it also keeps tools from being called.
    pub(super) reply: Option<&'a str>,
    pub(super) words: Option<usize>,
    pub(super) chunks: Option<usize>,
}

pub(super) fn compose(prompt: &Prompt, frame: Frame<'_>) -> Answer {
    let choices: Vec<Choice> = (0..prompt.choices).map(|index| choice(prompt, &frame, index)).collect();
    let mut usage = Usage { prompt: prompt.counted(), ..Usage::default() };
    for choice in &choices {
        let reasoning = choice.thinking.as_deref().map_or(0, tokens);
        let calls: usize = choice.calls.iter().map(|call| tokens(&call.json) + tokens(&call.name)).sum();
        usage.reasoning += reasoning;
        usage.completion += reasoning + calls + tokens(&choice.text);
    }
    Answer {
        id: frame.id,
        created: frame.created,
        model: prompt.model.clone(),
        choices,
        usage,
        chunks: frame.chunks,
    }
}

fn choice(prompt: &Prompt, frame: &Frame<'_>, index: usize) -> Choice {
    let quoted = shortened(&prompt.last_user, QUOTED);
    let thinking = prompt.thinking.then(|| format!("The user said \"{quoted}\". A short answer will do."));
    if frame.reply.is_none() && prompt.tool_result.is_none() {
        let calls: Vec<Call> = tools_to_call(prompt)
            .into_iter()
            .enumerate()
            .map(|(position, tool)| call(tool, &frame.id, index, position))
            .collect();
        if !calls.is_empty() {
            return Choice { thinking, text: String::new(), calls, finish: Finish::ToolCalls };
        }
    }
    let (mut text, prose) = match (frame.reply, &prompt.format) {
        (Some(reply), _) => (reply.to_owned(), true),
        (None, Format::Schema(schema)) => (schema::example(schema).to_string(), false),
        (None, Format::Object) => (json!({"message": own_text(prompt, &quoted, 0)}).to_string(), false),
        (None, Format::Text) => (own_text(prompt, &quoted, index), true),
    };
    if let Some(length) = frame.chunks.into_iter().chain(frame.words).max().filter(|_| prose) {
        text = stretched(&text, length, frame.words);
    }
    let finish = cut(&mut text, prompt);
    Choice { thinking, text, calls: Vec::new(), finish }
}

fn own_text(prompt: &Prompt, quoted: &str, index: usize) -> String {
    let text = match &prompt.tool_result {
        Some(result) => format!("The tool answered: {}", shortened(result, QUOTED)),
        None => format!("Hello from ferrolite mock: you said \"{quoted}\""),
    };
    if index == 0 { text } else { format!("{text} (choice {})", index + 1) }
}

/// The text, repeated until it has `length` pieces, and no longer than `words` pieces when that is asked for.
fn stretched(text: &str, length: usize, words: Option<usize>) -> String {
    let own = Pieces::new(text).count();
    if own >= length {
        let end = if words.is_some() { first_pieces(text, length) } else { text.len() };
        return text[..end].to_owned();
    }
    if own == 0 {
        return "word ".repeat(length).trim_end().to_owned();
    }
    let mut repeated = vec![text; length.div_ceil(own)].join(" ");
    let end = first_pieces(&repeated, length);
    repeated.truncate(end);
    repeated
}

/// Ends the text where a stop sequence or the token limit says so.
fn cut(text: &mut String, prompt: &Prompt) -> Finish {
    let mut finish = Finish::Stop;
    let stops = prompt.stop.iter().filter_map(|stop| text.find(stop.as_str()).map(|at| (at, stop)));
    if let Some((at, stop)) = stops.min_by_key(|(at, _)| *at) {
        text.truncate(at);
        finish = Finish::StopSequence(stop.clone());
    }
    if let Some(limit) = prompt.max_tokens {
        let end = first_pieces(text, limit);
        if end < text.len() {
            text.truncate(end);
            finish = Finish::Length;
        }
    }
    finish
}

/// The tools to call: the one that must be; else those the user names; else, when a tool is required or the user
/// speaks of one, the likeliest.
fn tools_to_call(prompt: &Prompt) -> Vec<&Tool> {
    let tools = &prompt.tools;
    let required = match &prompt.tool_choice {
        ToolChoice::Never => return Vec::new(),
        ToolChoice::Named(name) => return tools.iter().find(|tool| tool.name == *name).into_iter().collect(),
        ToolChoice::Required => true,
        ToolChoice::Auto => false,
    };
    if tools.is_empty() {
        return Vec::new();
    }
    let asked = prompt.last_user.to_lowercase();
    let most = if prompt.parallel { tools.len() } else { 1 };
    let named: Vec<&Tool> = tools.iter().filter(|tool| mentions(&asked, &tool.name)).take(most).collect();
    if !named.is_empty() {
        return named;
    }
    let weather = asked.contains("weather");
    if required || weather || asked.contains("tool") {
        let fits = |tool: &&Tool| weather && tool.name.to_lowercase().contains("weather");
        return tools.iter().find(fits).or(tools.first()).into_iter().collect();
    }
    Vec::new()
}

/// `asked` is in lower case; `get_weather` is also mentioned as "get weather".
fn mentions(asked: &str, name: &str) -> bool {
    let name = name.to_lowercase();
    !name.is_empty() && (asked.contains(&name) || asked.contains(&name.replace(['_', '-'], " ")))
}

fn call(tool: &Tool, id: &str, choice: usize, position: usize) -> Call {
    let arguments = match schema::example(&tool.schema) {
        Value::Object(arguments) => Value::Object(arguments),
        _ => json!({}),
    };
    let json = arguments.to_string();
    Call { id: format!("{id}{choice}{position}"), name: tool.name.clone(), arguments, json }
}
