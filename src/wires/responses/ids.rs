//! Ids of responses: they name the provider, so that a response is found again by its id alone.
//!
//! The form is that of the reference, whose ids are understood here and ours there.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};

/// Padding may have been lost on the way.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

const PREFIX: &str = "resp_";

/// What an id says.
#[derive(Debug, PartialEq, Eq)]
pub struct ResponseId {
    pub provider: Option<String>,
    /// The provider's own id.
    pub id: String,
}

/// The id under which callers know a provider's response.
pub fn of_provider(provider: &str, id: &str) -> String {
    let text = format!("litellm:custom_llm_provider:{provider};model_id:None;response_id:{id}");
    format!("{PREFIX}{}", general_purpose::STANDARD.encode(text))
}

impl ResponseId {
    /// Ids that are not made by [`of_provider`] are the provider's own.
    pub fn parse(id: &str) -> Self {
        Self::read(id).unwrap_or_else(|| Self { provider: None, id: id.to_owned() })
    }

    fn read(id: &str) -> Option<Self> {
        let bytes = LENIENT.decode(id.strip_prefix(PREFIX)?).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let rest = text.strip_prefix("litellm:custom_llm_provider:")?;
        let (provider, rest) = rest.split_once(';')?;
        let (_, own) = rest.split_once("response_id:")?;
        let provider = Some(provider).filter(|name| !name.is_empty() && *name != "None");
        Some(Self { provider: provider.map(str::to_owned), id: own.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_its_provider() {
        let id = of_provider("openai", "resp_00ab00");
        assert_eq!(
            id,
            "resp_bGl0ZWxsbTpjdXN0b21fbGxtX3Byb3ZpZGVyOm9wZW5haTttb2RlbF9pZDpOb25lO3Jlc3BvbnNlX2lkOnJlc3BfMDBhYjAw"
        );
        let read = ResponseId::parse(&id);
        assert_eq!((read.provider.as_deref(), read.id.as_str()), (Some("openai"), "resp_00ab00"));
        let without_padding = of_provider("gemini", "r00ab00");
        assert_eq!(ResponseId::parse(without_padding.trim_end_matches('=')).id, "r00ab00");
    }

    #[test]
    fn other_ids_are_the_providers_own() {
        for id in ["resp_prev", "chatcmpl-1", "resp_", "", "resp_bGl0ZWxsbQ=="] {
            assert_eq!(ResponseId::parse(id), ResponseId { provider: None, id: id.to_owned() });
        }
    }
}
