//! A conversation as one text, in the caller's own marks or by a template.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde};
use minijinja::{Environment, ErrorKind, context};
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::hub::{Message, PromptTemplate, Role, RoleMarks};

/// How much a template may do: far more than a conversation needs, and little enough to end.
const FUEL: u64 = 5_000_000;

pub fn render(template: &PromptTemplate, messages: &[Message]) -> Result<String> {
    match template {
        PromptTemplate::Marks { roles, begin, end } => {
            let mut out = begin.clone();
            for message in messages {
                let marks = marks_of(&message.role, roles);
                out.push_str(marks.map_or("", |marks| &marks.before));
                out.push_str(&message.text());
                out.push_str(marks.map_or("", |marks| &marks.after));
            }
            out.push_str(end);
            Ok(out)
        }
        PromptTemplate::Jinja { source, bos_token, eos_token } => {
            jinja(source, bos_token, eos_token, messages)
        }
    }
}

fn marks_of<'a>(role: &Role, roles: &'a [RoleMarks]) -> Option<&'a RoleMarks> {
    roles.iter().find(|marks| marks.role == role.as_str())
}

/// A template sees what it sees at Hugging Face: messages, the tokens around them, that an answer is to follow.
fn jinja(source: &str, bos_token: &str, eos_token: &str, messages: &[Message]) -> Result<String> {
    let failed = |failed: minijinja::Error| {
        Error::bad_request(format!("the chat template failed: {failed}")).with_param("chat_template")
    };
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(failed)?;
    let mut environment = Environment::new();
    environment.set_syntax(syntax);
    environment.set_fuel(Some(FUEL));
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function(
        "raise_exception",
        |why: String| -> std::result::Result<String, minijinja::Error> {
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, why))
        },
    );
    environment.add_filter("tojson", |value: minijinja::Value, _: Kwargs| {
        serde_json::to_value(&value).map(|value| crate::json::spaced(&value)).unwrap_or_default()
    });
    let messages: Vec<Value> = messages
        .iter()
        .map(|message| json!({ "role": message.role.as_str(), "content": message.text() }))
        .collect();
    let messages = minijinja::Value::from(Serde(&messages));
    let data = context! { messages, bos_token, eos_token, add_generation_prompt => true };
    environment.render_str(source, data).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(value: &Value) -> PromptTemplate {
        PromptTemplate::read(value.as_object().unwrap()).unwrap().unwrap()
    }

    fn conversation() -> [Message; 3] {
        [
            Message::new(Role::System, "sys"),
            Message::new(Role::User, "hi"),
            Message::new(Role::Assistant, "yo"),
        ]
    }

    #[test]
    fn marks_stand_around_what_each_role_says() {
        let template = template(&json!({
            "roles": {
                "system": {"pre_message": "<S>", "post_message": "</S>"},
                "user": {"pre_message": "<U>"},
            },
            "initial_prompt_value": "BEGIN", "final_prompt_value": "END",
        }));
        assert_eq!(render(&template, &conversation()).unwrap(), "BEGIN<S>sys</S><U>hiyoEND");
    }

    #[test]
    fn templates_are_those_of_tokenizers() {
        let template = template(&json!({
            "chat_template": "{{ bos_token }}{% for m in messages %}\n{% if not loop.first %}|{% endif %}\
                [{{ m['role'] | upper }}]{{ m.content.strip() }}{% endfor %}\n\
                {%- if add_generation_prompt %}{{ {'a': [1]} | tojson }}{{ eos_token }}{% endif %}",
            "bos_token": {"content": "<B>"}, "eos_token": "<E>",
        }));
        assert_eq!(
            render(&template, &conversation()).unwrap(),
            "<B>[SYSTEM]sys|[USER]hi|[ASSISTANT]yo{\"a\": [1]}<E>"
        );
    }

    #[test]
    fn a_template_that_fails_or_does_not_end_says_so() {
        let failed = |source: &str| {
            render(&template(&json!({ "chat_template": source })), &conversation()).unwrap_err().to_string()
        };
        assert!(failed("{{ raise_exception('no system here') }}").contains("no system here"));
        assert!(failed("{% for %}").contains("the chat template failed"));
        assert!(
            failed("{% for a in range(9000) %}{% for b in range(9000) %}x{% endfor %}{% endfor %}")
                .contains("fuel")
        );
    }

    #[test]
    fn what_is_no_template_is_refused() {
        let read = |value: Value| PromptTemplate::read(value.as_object().unwrap());
        assert_eq!(read(json!({})).unwrap(), None);
        assert!(read(json!({"roles": 5})).unwrap_err().to_string().contains("roles"));
        let failed = read(json!({"roles": {"user": {"pre_message": 5}}})).unwrap_err().to_string();
        assert!(failed.contains("roles.user.pre_message"), "{failed}");
    }
}
