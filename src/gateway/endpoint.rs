//! What the gateway serves: the table of paths, from which requests are found and the OpenAPI document is made.

use std::borrow::Cow;
use std::sync::OnceLock;

use http::Method;

use super::dialect::Dialect;
use crate::hub::CallType;

/// What a path is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// A call whose parameters are a JSON object.
    Call(CallType),
    /// A call with files: a form.
    Form(CallType),
    /// A call about what a provider keeps: its id is in the path, what else is said in the query.
    Kept(CallType),
    /// Gemini's paths: the model and what to do with it are one segment.
    Gemini,
    /// Azure's and old paths: the model, then one of the other paths.
    Deployment,
    CountTokens,
    TokenCounter,
    Models,
    Model,
    ModelInfo,
    GroupInfo,
    NewModel,
    DeleteModel,
    /// Whatever a provider serves, passed on as it is.
    PassThrough(&'static str),
    /// The same of an address of the configuration's.
    OwnPath,
    /// A WebSocket to a model that speaks and listens.
    Realtime,
    /// Responses over a WebSocket.
    ResponsesSocket,
    Health,
    Liveness,
    Readiness,
    Metrics,
    OpenApi,
    Docs,
}

/// Who may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Open,
    /// Whoever has a key.
    Key,
    /// Whoever has the master key.
    Master,
}

/// One line of the table. Paths that begin with `/v1` are served without it, too.
#[derive(Debug)]
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub endpoint: Endpoint,
    pub dialect: Dialect,
    pub access: Access,
    /// Every method is taken, not `method` alone.
    pub any_method: bool,
    /// What it does, for the documentation.
    pub summary: &'static str,
}

const fn route(method: Method, path: &'static str, endpoint: Endpoint, summary: &'static str) -> Route {
    Route {
        method,
        path,
        endpoint,
        dialect: Dialect::OpenAi,
        access: Access::Key,
        any_method: false,
        summary,
    }
}

const fn get(path: &'static str, endpoint: Endpoint, summary: &'static str) -> Route {
    route(Method::GET, path, endpoint, summary)
}

const fn post(path: &'static str, endpoint: Endpoint, summary: &'static str) -> Route {
    route(Method::POST, path, endpoint, summary)
}

const fn delete(path: &'static str, endpoint: Endpoint, summary: &'static str) -> Route {
    route(Method::DELETE, path, endpoint, summary)
}

const fn pass(path: &'static str, provider: &'static str, summary: &'static str) -> Route {
    let mut route = post(path, Endpoint::PassThrough(provider), summary);
    route.any_method = true;
    route
}

/// Paths of the configuration's own, which are in no table: with a key, and without.
static OWN_PATHS: [Route; 2] = {
    let mut locked = post("", Endpoint::OwnPath, "An address of the configuration's");
    locked.any_method = true;
    let mut open = post("", Endpoint::OwnPath, "An address of the configuration's").lets_in(Access::Open);
    open.any_method = true;
    [locked, open]
};

/// A path of the configuration's own.
pub fn own(needs_key: bool) -> Found {
    Found { route: &OWN_PATHS[usize::from(!needs_key)], params: Vec::new() }
}

impl Route {
    /// The methods that are taken.
    pub fn methods(&self) -> Vec<Method> {
        if self.any_method {
            vec![Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE]
        } else {
            vec![self.method.clone()]
        }
    }

    const fn speaks(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    const fn lets_in(mut self, access: Access) -> Self {
        self.access = access;
        self
    }
}

/// The table. Two lines may share a path by their methods.
pub static ROUTES: &[Route] = &[
    post("/v1/chat/completions", Endpoint::Call(CallType::Chat), "A chat completion"),
    post("/v1/completions", Endpoint::Call(CallType::TextCompletion), "A text completion"),
    post("/v1/embeddings", Endpoint::Call(CallType::Embedding), "Embeddings of texts"),
    post("/v1/responses", Endpoint::Call(CallType::Responses), "A response"),
    get("/v1/responses/{response_id}", Endpoint::Kept(CallType::GetResponse), "A response that was kept"),
    delete("/v1/responses/{response_id}", Endpoint::Kept(CallType::DeleteResponse), "Deletes a response"),
    post(
        "/v1/responses/{response_id}/cancel",
        Endpoint::Kept(CallType::CancelResponse),
        "Cancels a response",
    ),
    get(
        "/v1/responses/{response_id}/input_items",
        Endpoint::Kept(CallType::ListInputItems),
        "What a response was asked",
    ),
    post("/v1/messages", Endpoint::Call(CallType::Messages), "A message, in Anthropic's format")
        .speaks(Dialect::Anthropic),
    post("/v1/messages/count_tokens", Endpoint::CountTokens, "Tokens of a message's prompt")
        .speaks(Dialect::Anthropic),
    post("/v1/images/generations", Endpoint::Call(CallType::ImageGeneration), "Images of a text"),
    post("/v1/images/edits", Endpoint::Form(CallType::ImageEdit), "Images of images"),
    post("/v1/images/variations", Endpoint::Form(CallType::ImageVariation), "Variations of an image"),
    post("/v1/audio/transcriptions", Endpoint::Form(CallType::Transcription), "The text of a recording"),
    post("/v1/audio/speech", Endpoint::Call(CallType::Speech), "A text, spoken"),
    post("/v1/moderations", Endpoint::Call(CallType::Moderation), "Whether a text is harmful"),
    post("/v1/rerank", Endpoint::Call(CallType::Rerank), "Documents by how well they fit"),
    post("/v2/rerank", Endpoint::Call(CallType::Rerank), "Documents by how well they fit"),
    post("/v1/files", Endpoint::Form(CallType::CreateFile), "Uploads a file"),
    get("/v1/files", Endpoint::Kept(CallType::ListFiles), "Files that were uploaded"),
    get("/v1/files/{file_id}", Endpoint::Kept(CallType::RetrieveFile), "What is known of a file"),
    delete("/v1/files/{file_id}", Endpoint::Kept(CallType::DeleteFile), "Deletes a file"),
    get("/v1/files/{file_id}/content", Endpoint::Kept(CallType::FileContent), "What is in a file"),
    post("/v1/batches", Endpoint::Call(CallType::CreateBatch), "Begins a batch"),
    get("/v1/batches", Endpoint::Kept(CallType::ListBatches), "Batches"),
    get("/v1/batches/{batch_id}", Endpoint::Kept(CallType::RetrieveBatch), "How a batch is doing"),
    post("/v1/batches/{batch_id}/cancel", Endpoint::Kept(CallType::CancelBatch), "Cancels a batch"),
    post("/v1/fine_tuning/jobs", Endpoint::Call(CallType::CreateFineTuningJob), "Begins a fine-tuning job"),
    get("/v1/fine_tuning/jobs", Endpoint::Kept(CallType::ListFineTuningJobs), "Fine-tuning jobs"),
    get(
        "/v1/fine_tuning/jobs/{fine_tuning_job_id}",
        Endpoint::Kept(CallType::RetrieveFineTuningJob),
        "How a job is doing",
    ),
    post(
        "/v1/fine_tuning/jobs/{fine_tuning_job_id}/cancel",
        Endpoint::Kept(CallType::CancelFineTuningJob),
        "Cancels a job",
    ),
    get("/v1/models", Endpoint::Models, "The models that are served"),
    get("/v1/models/{*name}", Endpoint::Model, "One model"),
    get("/v1/model/info", Endpoint::ModelInfo, "Deployments and what is known of their models"),
    get("/v1/model_group/info", Endpoint::GroupInfo, "Models as clients see them"),
    post("/model/new", Endpoint::NewModel, "Adds a deployment until the next start").lets_in(Access::Master),
    post("/model/delete", Endpoint::DeleteModel, "Takes a deployment away until the next start")
        .lets_in(Access::Master),
    post("/utils/token_counter", Endpoint::TokenCounter, "Tokens of a prompt"),
    get("/v1beta/models", Endpoint::Models, "The models that are served, in Gemini's format")
        .speaks(Dialect::Gemini),
    get("/v1beta/models/{*name}", Endpoint::Model, "One model, in Gemini's format").speaks(Dialect::Gemini),
    post(
        "/v1beta/models/{*name}",
        Endpoint::Gemini,
        "generateContent, streamGenerateContent, countTokens, embedContent",
    )
    .speaks(Dialect::Gemini),
    post("/v1alpha/models/{*name}", Endpoint::Gemini, "The same").speaks(Dialect::Gemini),
    // Google's clients take this version when they are given another address.
    post("/v1/models/{*name}", Endpoint::Gemini, "The same").speaks(Dialect::Gemini),
    post("/engines/{*call}", Endpoint::Deployment, "A model, then one of OpenAI's paths"),
    post("/openai/deployments/{*call}", Endpoint::Deployment, "The same for clients of Azure"),
    get("/v1/responses", Endpoint::ResponsesSocket, "Responses over a WebSocket"),
    get("/v1/realtime", Endpoint::Realtime, "A WebSocket to a model that speaks and listens"),
    get("/openai/realtime", Endpoint::Realtime, "The same for clients of Azure"),
    get("/openai/v1/realtime", Endpoint::Realtime, "The same"),
    pass("/anthropic/{*path}", "anthropic", "Anthropic's interface, passed on as it is")
        .speaks(Dialect::Anthropic),
    pass("/gemini/{*path}", "gemini", "Gemini's interface, passed on as it is").speaks(Dialect::Gemini),
    pass("/vertex_ai/{*path}", "vertex_ai", "Vertex AI's interface, passed on as it is")
        .speaks(Dialect::Gemini),
    pass("/bedrock/{*path}", "bedrock", "Bedrock's interface, passed on as it is"),
    pass("/azure/{*path}", "azure", "Azure OpenAI's interface, passed on as it is"),
    pass("/openai/{*path}", "openai", "OpenAI's interface, passed on as it is"),
    pass("/cohere/{*path}", "cohere", "Cohere's interface, passed on as it is"),
    pass("/mistral/{*path}", "mistral", "Mistral's interface, passed on as it is"),
    pass("/groq/{*path}", "groq", "Groq's interface, passed on as it is"),
    get("/health", Endpoint::Health, "Calls every deployment").lets_in(Access::Key),
    get("/health/liveliness", Endpoint::Liveness, "Whether the gateway runs").lets_in(Access::Open),
    get("/health/liveness", Endpoint::Liveness, "The same").lets_in(Access::Open),
    get("/health/readiness", Endpoint::Readiness, "Whether the gateway takes requests").lets_in(Access::Open),
    get("/metrics", Endpoint::Metrics, "Counts and times for Prometheus"),
    get("/openapi.json", Endpoint::OpenApi, "This document").lets_in(Access::Open),
    get("/", Endpoint::Docs, "The documentation").lets_in(Access::Open),
];

/// What a request is for.
#[derive(Debug)]
pub struct Found {
    pub route: &'static Route,
    /// Names and values of the path's parts.
    pub params: Vec<(&'static str, String)>,
}

impl Found {
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

/// Why a request is for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Miss {
    Path,
    Method,
}

/// The lines that share a path.
struct Line {
    names: Vec<&'static str>,
    routes: Vec<&'static Route>,
}

fn table() -> &'static matchit::Router<Line> {
    static TABLE: OnceLock<matchit::Router<Line>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut paths: Vec<(&'static str, Vec<&'static Route>)> = Vec::new();
        for route in ROUTES {
            for path in
                [Some(route.path), route.path.strip_prefix("/v1").filter(|rest| rest.starts_with('/'))]
                    .into_iter()
                    .flatten()
            {
                match paths.iter_mut().find(|(known, _)| *known == path) {
                    Some((_, routes)) => routes.push(route),
                    None => paths.push((path, vec![route])),
                }
            }
        }
        let mut table = matchit::Router::new();
        for (path, routes) in paths {
            // Two lines that cannot both be found are a mistake of the table's, which a test looks for.
            let inserted = table.insert(path, Line { names: names(path), routes });
            debug_assert!(inserted.is_ok(), "{path}: {inserted:?}");
        }
        table
    })
}

fn names(path: &'static str) -> Vec<&'static str> {
    path.split('/')
        .filter_map(|part| Some(part.strip_prefix('{')?.strip_suffix('}')?.trim_start_matches('*')))
        .collect()
}

/// Finds what a request is for.
pub fn find(method: &Method, path: &str) -> Result<Found, Miss> {
    let path = match path {
        "/" => path,
        other => other.strip_suffix('/').unwrap_or(other),
    };
    let matched = table().at(path).map_err(|_| Miss::Path)?;
    let line = matched.value;
    let route =
        line.routes.iter().find(|route| route.any_method || route.method == *method).ok_or(Miss::Method)?;
    let params = line
        .names
        .iter()
        .filter_map(|name| Some((*name, decoded(matched.params.get(name)?).into_owned())))
        .collect();
    Ok(Found { route, params })
}

/// The methods of a path, as the header `allow` has them.
pub fn allowed(path: &str) -> String {
    let methods = ROUTES.iter().map(|route| &route.method);
    let mut names: Vec<&str> = Vec::new();
    for method in methods {
        if !names.contains(&method.as_str()) && find(method, path).is_ok() {
            names.push(method.as_str());
        }
    }
    names.join(", ")
}

/// In whose format a path speaks that is for nothing.
pub fn dialect_of(path: &str) -> Dialect {
    if ["/v1beta/", "/v1alpha/", "/gemini/", "/vertex_ai/"].iter().any(|start| path.starts_with(start)) {
        Dialect::Gemini
    } else if path.trim_start_matches("/v1").starts_with("/messages") || path.starts_with("/anthropic/") {
        Dialect::Anthropic
    } else {
        Dialect::OpenAi
    }
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_found() {
        for route in ROUTES {
            let path = route.path.replace("{*", "{").replace('{', "x").replace('}', "");
            let found = find(&route.method, &path).unwrap();
            assert_eq!(found.route.path, route.path);
            if let Some(bare) = path.strip_prefix("/v1/") {
                find(&route.method, &format!("/{bare}")).unwrap();
            }
        }
    }

    #[test]
    fn what_is_not_served_says_why() {
        assert_eq!(find(&Method::POST, "/v1/nothing").unwrap_err(), Miss::Path);
        assert_eq!(find(&Method::GET, "/v1/chat/completions").unwrap_err(), Miss::Method);
        assert_eq!(allowed("/v1/chat/completions"), "POST");
        assert_eq!(allowed("/v1/files"), "POST, GET");
    }

    #[test]
    fn names_in_paths_are_decoded() {
        let found = find(&Method::GET, "/v1/models/openai%2Fgpt-4o").unwrap();
        assert_eq!(found.param("name"), Some("openai/gpt-4o"));
        let found = find(&Method::GET, "/models/openai/gpt-4o/").unwrap();
        assert_eq!(found.param("name"), Some("openai/gpt-4o"));
    }
}
