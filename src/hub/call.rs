//! Calls other than chat: named parameters and files in, JSON in OpenAI's form or bytes out.
//!
//! Their formats are flat, so parameters keep their names and are no types of their own: a wire renames what its
//! provider calls otherwise, and answers in OpenAI's (for rerank Cohere's) form.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::{Operation, Target};
use crate::json::Map;

/// What kind of call it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallType {
    CancelBatch,
    CancelFineTuningJob,
    CancelResponse,
    Chat,
    #[serde(alias = "batches")]
    CreateBatch,
    #[serde(alias = "files")]
    CreateFile,
    #[serde(alias = "fine_tuning")]
    CreateFineTuningJob,
    DeleteFile,
    DeleteResponse,
    Embedding,
    FileContent,
    GenerateContent,
    GetResponse,
    ImageEdit,
    ImageGeneration,
    ImageVariation,
    ListBatches,
    ListFiles,
    ListFineTuningJobs,
    ListInputItems,
    #[serde(alias = "models")]
    ListModels,
    Messages,
    Moderation,
    Rerank,
    Responses,
    RetrieveBatch,
    RetrieveFile,
    RetrieveFineTuningJob,
    Speech,
    TextCompletion,
    Transcription,
}

impl CallType {
    pub const ALL: [Self; 31] = [
        Self::CancelBatch,
        Self::CancelFineTuningJob,
        Self::CancelResponse,
        Self::Chat,
        Self::CreateBatch,
        Self::CreateFile,
        Self::CreateFineTuningJob,
        Self::DeleteFile,
        Self::DeleteResponse,
        Self::Embedding,
        Self::FileContent,
        Self::GenerateContent,
        Self::GetResponse,
        Self::ImageEdit,
        Self::ImageGeneration,
        Self::ImageVariation,
        Self::ListBatches,
        Self::ListFiles,
        Self::ListFineTuningJobs,
        Self::ListInputItems,
        Self::ListModels,
        Self::Messages,
        Self::Moderation,
        Self::Rerank,
        Self::Responses,
        Self::RetrieveBatch,
        Self::RetrieveFile,
        Self::RetrieveFineTuningJob,
        Self::Speech,
        Self::TextCompletion,
        Self::Transcription,
    ];

    /// The name in rows and at the faces.
    pub fn name(self) -> &'static str {
        match self {
            Self::CancelBatch => "cancel_batch",
            Self::CancelFineTuningJob => "cancel_fine_tuning_job",
            Self::CancelResponse => "cancel_response",
            Self::Chat => "chat",
            Self::CreateBatch => "create_batch",
            Self::CreateFile => "create_file",
            Self::CreateFineTuningJob => "create_fine_tuning_job",
            Self::DeleteFile => "delete_file",
            Self::DeleteResponse => "delete_response",
            Self::Embedding => "embedding",
            Self::FileContent => "file_content",
            Self::GenerateContent => "generate_content",
            Self::GetResponse => "get_response",
            Self::ImageEdit => "image_edit",
            Self::ImageGeneration => "image_generation",
            Self::ImageVariation => "image_variation",
            Self::ListBatches => "list_batches",
            Self::ListFiles => "list_files",
            Self::ListFineTuningJobs => "list_fine_tuning_jobs",
            Self::ListInputItems => "list_input_items",
            Self::ListModels => "list_models",
            Self::Messages => "messages",
            Self::Moderation => "moderation",
            Self::Rerank => "rerank",
            Self::Responses => "responses",
            Self::RetrieveBatch => "retrieve_batch",
            Self::RetrieveFile => "retrieve_file",
            Self::RetrieveFineTuningJob => "retrieve_fine_tuning_job",
            Self::Speech => "speech",
            Self::TextCompletion => "text_completion",
            Self::Transcription => "transcription",
        }
    }

    /// What a provider has that serves it, for errors.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Chat => "chat completions",
            Self::Embedding => "embeddings",
            Self::GenerateContent => "generated content",
            Self::ImageEdit => "image edits",
            Self::ImageGeneration => "image generation",
            Self::ImageVariation => "image variations",
            Self::Messages => "messages",
            Self::Moderation => "moderations",
            Self::Rerank => "reranking",
            Self::CancelResponse
            | Self::DeleteResponse
            | Self::GetResponse
            | Self::ListInputItems
            | Self::Responses => "responses",
            Self::Speech => "speech",
            Self::TextCompletion => "text completions",
            Self::Transcription => "transcriptions",
            Self::CancelBatch | Self::CreateBatch | Self::ListBatches | Self::RetrieveBatch => "batches",
            Self::CreateFile
            | Self::DeleteFile
            | Self::FileContent
            | Self::ListFiles
            | Self::RetrieveFile => "files",
            Self::CancelFineTuningJob
            | Self::CreateFineTuningJob
            | Self::ListFineTuningJobs
            | Self::RetrieveFineTuningJob => "fine-tuning jobs",
            Self::ListModels => "lists of models",
        }
    }

    /// The call type whose entry in a provider's row speaks for this one, too.
    pub fn in_rows(self) -> Self {
        match self.resource() {
            Some(resource) => resource.in_rows(),
            None if self.is_about_response() => Self::Responses,
            None => self,
        }
    }

    /// What of an account's the call is about, in place of a model.
    pub fn resource(self) -> Option<Resource> {
        match self {
            Self::CancelBatch | Self::CreateBatch | Self::ListBatches | Self::RetrieveBatch => {
                Some(Resource::Batch)
            }
            Self::CreateFile
            | Self::DeleteFile
            | Self::FileContent
            | Self::ListFiles
            | Self::RetrieveFile => Some(Resource::File),
            Self::CancelFineTuningJob
            | Self::CreateFineTuningJob
            | Self::ListFineTuningJobs
            | Self::RetrieveFineTuningJob => Some(Resource::FineTuningJob),
            Self::ListModels => Some(Resource::Model),
            _ => None,
        }
    }

    /// Whether the call is about a response that the provider keeps.
    pub fn is_about_response(self) -> bool {
        matches!(self, Self::CancelResponse | Self::DeleteResponse | Self::GetResponse | Self::ListInputItems)
    }

    /// Whether it is the format of a maker's models, which speak it wherever they are served.
    pub fn is_of_models(self) -> bool {
        matches!(self, Self::GenerateContent | Self::Messages)
    }

    /// Whether `metadata` is for the provider, and not the caller's own bookkeeping.
    pub fn sends_metadata(self) -> bool {
        matches!(self, Self::CreateBatch | Self::Messages | Self::Responses)
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|call| call.name() == name)
    }

    /// The parameters that have a name in OpenAI's interface, apart from what every call of the type needs. Others
    /// are the provider's own and go to it as they are.
    pub fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Chat => super::CHAT_PARAMS,
            Self::Embedding => &["dimensions", "encoding_format", "user"],
            Self::ImageGeneration => &[
                "background",
                "input_fidelity",
                "moderation",
                "n",
                "output_compression",
                "output_format",
                "partial_images",
                "quality",
                "response_format",
                "size",
                "stream",
                "style",
                "user",
            ],
            Self::ImageEdit => &[
                "background",
                "input_fidelity",
                "mask",
                "n",
                "output_compression",
                "output_format",
                "partial_images",
                "quality",
                "response_format",
                "size",
                "stream",
                "user",
            ],
            Self::ImageVariation => &["n", "response_format", "size", "user"],
            Self::Speech => &["instructions", "response_format", "speed", "voice"],
            Self::Transcription => &[
                "chunking_strategy",
                "include",
                "language",
                "prompt",
                "response_format",
                "temperature",
                "timestamp_granularities",
            ],
            Self::Rerank => {
                &["max_chunks_per_doc", "max_tokens_per_doc", "rank_fields", "return_documents", "top_n"]
            }
            // Passed on as they are, or read by their own dialect.
            Self::Responses => &[
                "background",
                "context_management",
                "include",
                "instructions",
                "max_output_tokens",
                "max_tool_calls",
                "metadata",
                "parallel_tool_calls",
                "previous_response_id",
                "prompt",
                "prompt_cache_key",
                "reasoning",
                "safety_identifier",
                "service_tier",
                "store",
                "stream_options",
                "temperature",
                "text",
                "tool_choice",
                "tools",
                "top_logprobs",
                "top_p",
                "truncation",
                "user",
            ],
            Self::ListInputItems => &["after", "before", "include", "limit", "order"],
            Self::CreateBatch => &[
                "completion_window",
                "endpoint",
                "input_file_id",
                "metadata",
                "model",
                "output_expires_after",
            ],
            Self::CreateFile => &["expires_after", "purpose"],
            Self::CreateFineTuningJob => &[
                "hyperparameters",
                "integrations",
                "model",
                "seed",
                "suffix",
                "training_file",
                "validation_file",
            ],
            Self::ListBatches | Self::ListFineTuningJobs | Self::ListModels => &["after", "limit"],
            Self::ListFiles => &["after", "limit", "order", "purpose"],
            Self::CancelBatch
            | Self::CancelFineTuningJob
            | Self::CancelResponse
            | Self::DeleteFile
            | Self::DeleteResponse
            | Self::FileContent
            | Self::GenerateContent
            | Self::GetResponse
            | Self::Messages
            | Self::Moderation
            | Self::RetrieveBatch
            | Self::RetrieveFile
            | Self::RetrieveFineTuningJob
            | Self::TextCompletion => &[],
        }
    }

    /// The parameter without which there is no such call.
    pub fn required(self) -> Option<&'static str> {
        match self {
            Self::Embedding | Self::Moderation | Self::Responses | Self::Speech => Some("input"),
            Self::ImageGeneration | Self::TextCompletion => Some("prompt"),
            Self::Rerank => Some("query"),
            Self::Chat | Self::Messages => Some("messages"),
            Self::GenerateContent => Some("contents"),
            Self::CancelResponse | Self::DeleteResponse | Self::GetResponse | Self::ListInputItems => {
                Some("response_id")
            }
            Self::CreateBatch => Some("input_file_id"),
            Self::CreateFile => Some("purpose"),
            Self::CreateFineTuningJob => Some("training_file"),
            Self::CancelBatch | Self::RetrieveBatch => Some("batch_id"),
            Self::DeleteFile | Self::FileContent | Self::RetrieveFile => Some("file_id"),
            Self::CancelFineTuningJob | Self::RetrieveFineTuningJob => Some("fine_tuning_job_id"),
            Self::ImageEdit
            | Self::ImageVariation
            | Self::ListBatches
            | Self::ListFiles
            | Self::ListFineTuningJobs
            | Self::ListModels
            | Self::Transcription => None,
        }
    }
}

/// What a provider keeps for an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    Batch,
    File,
    FineTuningJob,
    Model,
}

impl Resource {
    /// The call type whose entry in a provider's row speaks for all calls about it.
    pub fn in_rows(self) -> CallType {
        match self {
            Self::Batch => CallType::CreateBatch,
            Self::File => CallType::CreateFile,
            Self::FineTuningJob => CallType::CreateFineTuningJob,
            Self::Model => CallType::ListModels,
        }
    }

    /// The parameter that says which one.
    pub fn id(self) -> &'static str {
        match self {
            Self::Batch => "batch_id",
            Self::File => "file_id",
            Self::FineTuningJob => "fine_tuning_job_id",
            Self::Model => "model",
        }
    }
}

/// Marks calls other than chat.
#[derive(Debug)]
pub enum Call {}

impl Operation for Call {
    type Request = CallRequest;
    type Response = CallResponse;
    const NAME: &'static str = "call";
}

/// What a caller asks for. Model, address and credentials are the target's business.
#[derive(Debug, Clone, Default)]
pub struct CallRequest {
    /// Parameters by OpenAI's name, without nulls (GEN-05), and the provider's own, in the caller's order.
    pub params: Map,
    /// Merged last into the provider's body (GEN-06).
    pub extra_body: Map,
    /// What is uploaded with it.
    pub files: Vec<Upload>,
    pub stream: bool,
    /// A name that nobody else has, for what is created: translation has no chance in it.
    pub fresh_name: String,
    /// Whose format the lines of an uploaded batch are written in, where that is not OpenAI's.
    pub lines: Option<Arc<Target>>,
}

/// A file that goes with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The name of the form's field.
    pub field: String,
    pub name: String,
    pub content_type: Option<String>,
    pub data: Bytes,
}

/// What a provider answered.
#[derive(Debug, Clone, PartialEq)]
pub enum CallResponse {
    /// In OpenAI's form.
    Json(Value),
    /// Audio, or a text that is no JSON.
    Bytes { content_type: String, data: Bytes },
}

impl CallResponse {
    /// What is JSON, as text.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Json(value) => value.to_string().into(),
            Self::Bytes { data, .. } => data,
        }
    }

    /// What is no JSON is null.
    pub fn into_json(self) -> Value {
        match self {
            Self::Json(value) => value,
            Self::Bytes { .. } => Value::Null,
        }
    }
}

/// How one call type of a provider differs from its wire's own way: the edits of a row.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a verb of its own")]
pub struct CallAccent {
    /// The parameters that are taken, where they are not those that the wire takes.
    pub takes: Option<Vec<String>>,
    /// Parameters that are refused, though the wire takes them.
    pub refuses: Vec<String>,
    /// Parameters that are left out in silence.
    pub ignores: Vec<String>,
    /// Names of the body for parameters.
    pub renames: BTreeMap<String, String>,
    /// Keys that are sent when the caller gives none.
    pub defaults: Map,
    /// Models that are listed as chat models have no calls of this type: they are asked for a chat completion.
    pub not_for_chat_models: bool,
    /// A limit of tokens may be as small as the caller likes.
    pub small_limits: bool,
    /// Models that get no defaults, by a part of their names.
    pub not_for: Option<String>,
    /// The input is a list, even a single one.
    pub lists_input: bool,
    /// The name of an object of width and height in place of `size`.
    pub size_object: Option<String>,
    /// Vectors are asked for as base64, which is shorter, and unpacked.
    pub packed: bool,
    /// A list in a form repeats its name as it is, without brackets.
    pub plain_lists: bool,
    /// An edit takes one image, which is no list.
    pub one_image: bool,
    /// An uploaded batch has its lines in the format of the model that they are for.
    pub translates_lines: bool,
    /// Which tokens a ranking's `meta` counts.
    pub ranking_tokens: RankingTokens,
}

/// Where a ranking says how many tokens it took, its `meta` may say which.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RankingTokens {
    #[default]
    None,
    Input,
    Both,
}

impl CallAccent {
    /// None that changes anything.
    pub fn none() -> Arc<Self> {
        static NONE: std::sync::LazyLock<Arc<CallAccent>> = std::sync::LazyLock::new(Arc::default);
        NONE.clone()
    }

    /// Whether the target takes a parameter; `None` when the wire decides.
    pub fn takes(&self, parameter: &str) -> Option<bool> {
        let among = |names: &[String]| names.iter().any(|known| known == parameter);
        if among(&self.refuses) {
            return Some(false);
        }
        if among(&self.ignores) || self.renames.contains_key(parameter) {
            return Some(true);
        }
        self.takes.as_deref().map(among)
    }

    /// Leaves out, renames and adds.
    pub fn apply(&self, params: &mut Map, model: &str) {
        params.retain(|name, _| !self.ignores.iter().any(|ignored| ignored == name));
        if self.lists_input
            && let Some(input) = params.get_mut("input").filter(|input| !input.is_array())
        {
            *input = Value::Array(vec![input.take()]);
        }
        if let Some(name) = &self.size_object
            && let Some(Value::String(size)) = params.shift_remove("size")
            && let Some((width, height)) = size.split_once('x')
            && let (Ok(width), Ok(height)) = (width.parse::<u64>(), height.parse::<u64>())
        {
            let size = crate::json::object([("width", width.into()), ("height", height.into())]);
            params.entry(name.clone()).or_insert(size);
        }
        for (name, other) in &self.renames {
            if let Some(value) = params.shift_remove(name) {
                params.entry(other.clone()).or_insert(value);
            }
        }
        if self.not_for.as_ref().is_some_and(|part| model.contains(part.as_str())) {
            return;
        }
        for (name, value) in &self.defaults {
            params.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_call_type_is_found_by_its_name() {
        for call in CallType::ALL {
            assert_eq!(CallType::from_name(call.name()), Some(call));
            assert_eq!(serde_json::from_value::<CallType>(json!(call.name())).unwrap(), call);
        }
        assert_eq!(CallType::from_name("nonsense"), None);
    }

    #[test]
    fn an_accent_edits_parameters() {
        let accent: CallAccent = serde_json::from_value(json!({
            "takes": ["dimensions"], "refuses": ["user"], "ignores": ["encoding_format"],
            "renames": { "dimensions": "output_dimension" }, "defaults": { "truncate": true, "input_type": "q" },
        }))
        .unwrap();
        assert_eq!(accent.takes("dimensions"), Some(true));
        assert_eq!(accent.takes("encoding_format"), Some(true));
        assert_eq!(accent.takes("user"), Some(false));
        assert_eq!(accent.takes("else"), Some(false));
        assert_eq!(CallAccent::default().takes("user"), None);
        let Value::Object(mut params) =
            json!({ "dimensions": 3, "encoding_format": "float", "input_type": "d" })
        else {
            panic!()
        };
        accent.apply(&mut params, "m");
        assert_eq!(
            Value::Object(params),
            json!({ "input_type": "d", "output_dimension": 3, "truncate": true })
        );
    }
}
