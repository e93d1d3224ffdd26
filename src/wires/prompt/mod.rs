//! A conversation as one text, in the marks that a model was trained with.

mod own;
pub use own::render as by_template;

use crate::error::{Error, Result};
use crate::hub::{Content, Message, Part, Role, Target};

/// The marks of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    Llama2,
    Llama3,
    Mistral,
    Titan,
    DeepseekR1,
    ChatMl,
    /// What came before Claude 3: an answer is asked for by its heading.
    Claude,
    /// None: the texts, one after the other, on lines of their own.
    Plain,
    /// None: the texts, one after the other, with a space between them.
    Words,
}

/// The texts of a conversation that is to be one. What has no place there is refused, or left out with `drop_params`.
pub fn check(messages: &[Message], target: &Target) -> Result<()> {
    if target.options.drop_params {
        return Ok(());
    }
    for (index, message) in messages.iter().enumerate() {
        let parts = message.content.as_ref().and_then(Content::parts).unwrap_or_default();
        let other = parts.iter().position(|part| !matches!(part, Part::Text { .. }));
        let (place, what) = match other {
            Some(part) => (format!("messages[{index}].content[{part}]"), "a part that is no text"),
            None if !message.tool_calls.is_empty() => {
                (format!("messages[{index}].tool_calls"), "a tool call")
            }
            None => continue,
        };
        return Err(Error::bad_request(format!(
            "Invalid '{place}': {} takes a prompt, in which {what} has no place. To drop it, set drop_params=True.",
            target.provider
        ))
        .with_param(place));
    }
    Ok(())
}

/// The conversation in the caller's own form, or in the model's.
pub fn render(messages: &[Message], model: Template, target: &Target) -> Result<String> {
    match &target.options.prompt_template {
        Some(template) => own::render(template, messages),
        None => Ok(model.render(messages)),
    }
}

impl Template {
    /// The marks of a model where nothing but its name tells: most services add them by themselves.
    pub fn of_model(model: &str) -> Self {
        let model = model.to_lowercase();
        if model.contains("llama-3") && model.contains("instruct") { Self::Llama3 } else { Self::Words }
    }

    pub fn render(self, messages: &[Message]) -> String {
        if self == Self::Plain {
            let texts: Vec<_> = messages.iter().map(Message::text).filter(|text| !text.is_empty()).collect();
            return texts.join("\n");
        }
        if self == Self::Words {
            return messages.iter().map(Message::text).collect::<Vec<_>>().join(" ");
        }
        let mut out = String::from(match self {
            Self::Llama2 | Self::Mistral => "<s>",
            Self::Llama3 => "<|begin_of_text|>",
            Self::DeepseekR1 => "<\u{ff5c}begin\u{2581}of\u{2581}sentence\u{ff5c}>",
            Self::Titan | Self::ChatMl | Self::Claude | Self::Plain | Self::Words => "",
        });
        for message in messages {
            self.message(&message.role, &message.text(), &mut out);
        }
        out.push_str(match self {
            Self::Llama3 => "<|start_header_id|>assistant<|end_header_id|>\n\n",
            Self::Titan => "\n\nBot: ",
            Self::DeepseekR1 => "<\u{ff5c}Assistant\u{ff5c}><think>\n",
            Self::ChatMl => "<|im_start|>assistant\n",
            Self::Claude => "\n\nAssistant:",
            Self::Llama2 | Self::Mistral | Self::Plain | Self::Words => "",
        });
        out
    }

    fn message(self, role: &Role, text: &str, out: &mut String) {
        let name = match role {
            Role::System | Role::Developer => "system",
            Role::Assistant => "assistant",
            _ => "user",
        };
        let said = match (self, name) {
            (Self::Llama3, _) => format!("<|start_header_id|>{name}<|end_header_id|>\n\n{text}<|eot_id|>"),
            (Self::ChatMl, _) => format!("<|im_start|>{name}\n{text}<|im_end|>\n"),
            (Self::Llama2, "system") => format!("[INST] <<SYS>>\n{text}\n<</SYS>>\n [/INST]\n"),
            (Self::Llama2, "assistant") => format!("{text}\n</s>"),
            (Self::Mistral, "system") => format!("[INST] \n{text} [/INST]\n"),
            (Self::Mistral, "assistant") => format!(" {text}</s> "),
            (Self::Llama2 | Self::Mistral, _) => format!("[INST] {text} [/INST]\n"),
            (Self::Titan, "system") => format!("\n\nUser: <admin>{text}</admin>"),
            (Self::Titan, "assistant") => format!("\n\nBot: {text}"),
            (Self::Titan, _) => format!("\n\nUser: {text}"),
            (Self::Claude | Self::DeepseekR1, "system") | (Self::Plain | Self::Words, _) => text.to_owned(),
            (Self::Claude, "assistant") => format!("\n\nAssistant: {text}"),
            (Self::Claude, _) => format!("\n\nHuman: {text}"),
            (Self::DeepseekR1, "assistant") => {
                format!("<\u{ff5c}Assistant\u{ff5c}>{text}<\u{ff5c}end\u{2581}of\u{2581}sentence\u{ff5c}>")
            }
            (Self::DeepseekR1, _) => format!("<\u{ff5c}User\u{ff5c}>{text}"),
        };
        out.push_str(&said);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_has_its_marks() {
        let messages = [
            Message::new(Role::System, "sys"),
            Message::new(Role::User, "hi"),
            Message::new(Role::Assistant, "yo"),
            Message::new(Role::User, "more"),
        ];
        for (template, expected) in [
            (
                Template::Llama3,
                "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nsys<|eot_id|>\
                 <|start_header_id|>user<|end_header_id|>\n\nhi<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n\
                 yo<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nmore<|eot_id|>\
                 <|start_header_id|>assistant<|end_header_id|>\n\n",
            ),
            (
                Template::Llama2,
                "<s>[INST] <<SYS>>\nsys\n<</SYS>>\n [/INST]\n[INST] hi [/INST]\nyo\n</s>[INST] more [/INST]\n",
            ),
            (Template::Mistral, "<s>[INST] \nsys [/INST]\n[INST] hi [/INST]\n yo</s> [INST] more [/INST]\n"),
            (Template::Titan, "\n\nUser: <admin>sys</admin>\n\nUser: hi\n\nBot: yo\n\nUser: more\n\nBot: "),
            (
                Template::ChatMl,
                "<|im_start|>system\nsys<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nyo<|im_end|>\n\
                 <|im_start|>user\nmore<|im_end|>\n<|im_start|>assistant\n",
            ),
            (Template::Plain, "sys\nhi\nyo\nmore"),
        ] {
            assert_eq!(template.render(&messages), expected, "{template:?}");
        }
        assert_eq!(
            Template::DeepseekR1.render(&messages[1..2]),
            "<\u{ff5c}begin\u{2581}of\u{2581}sentence\u{ff5c}><\u{ff5c}User\u{ff5c}>hi<\u{ff5c}Assistant\u{ff5c}><think>\n"
        );
    }
}
