//! The one error of the core: a kind callers can tell apart, and the facts around it.
//!
//! Context is added where it is known and never twice; the message holds the provider's own words where there
//! are any. Secrets never enter an error: headers are filtered when it is made, bodies are bounded.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use serde_json::Value;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The longest part of an upstream body that an error keeps, in bytes.
pub const BODY_LIMIT: usize = 64 * 1024;

/// What callers tell apart: one kind per public exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Api,
    Authentication,
    BadGateway,
    BadRequest,
    BudgetExceeded,
    Cancelled,
    Config,
    Connection,
    ContentPolicy,
    ContextWindowExceeded,
    ImageFetch,
    InternalServer,
    JsonSchema,
    MidStream,
    /// A router has no deployment that may take the call.
    NoDeployment,
    NotFound,
    PaymentRequired,
    PermissionDenied,
    RateLimit,
    ServiceUnavailable,
    Timeout,
    Unprocessable,
    UnknownProvider,
    UnsupportedParams,
}

impl Kind {
    /// The name of the public exception class.
    pub fn class_name(self) -> &'static str {
        match self {
            Self::Api => "APIError",
            Self::Authentication => "AuthenticationError",
            Self::BadGateway => "BadGatewayError",
            Self::BadRequest | Self::Config | Self::UnknownProvider => "BadRequestError",
            Self::BudgetExceeded => "BudgetExceededError",
            Self::Cancelled | Self::Connection => "APIConnectionError",
            Self::ContentPolicy => "ContentPolicyViolationError",
            Self::ContextWindowExceeded => "ContextWindowExceededError",
            Self::ImageFetch => "ImageFetchError",
            Self::InternalServer => "InternalServerError",
            Self::JsonSchema => "JSONSchemaValidationError",
            Self::MidStream => "MidStreamFallbackError",
            Self::NoDeployment => "RouterRateLimitError",
            Self::NotFound => "NotFoundError",
            Self::PaymentRequired => "PaymentRequiredError",
            Self::PermissionDenied => "PermissionDeniedError",
            Self::RateLimit => "RateLimitError",
            Self::ServiceUnavailable => "ServiceUnavailableError",
            Self::Timeout => "Timeout",
            Self::Unprocessable => "UnprocessableEntityError",
            Self::UnsupportedParams => "UnsupportedParamsError",
        }
    }

    /// The kind whose public exception has a name; the most general one where several share it.
    pub fn of_class(name: &str) -> Option<Self> {
        [
            Self::Api,
            Self::Authentication,
            Self::BadGateway,
            Self::BadRequest,
            Self::BudgetExceeded,
            Self::Connection,
            Self::ContentPolicy,
            Self::ContextWindowExceeded,
            Self::ImageFetch,
            Self::InternalServer,
            Self::JsonSchema,
            Self::MidStream,
            Self::NoDeployment,
            Self::NotFound,
            Self::PaymentRequired,
            Self::PermissionDenied,
            Self::RateLimit,
            Self::ServiceUnavailable,
            Self::Timeout,
            Self::Unprocessable,
            Self::UnsupportedParams,
        ]
        .into_iter()
        .find(|kind| kind.class_name() == name)
    }

    /// The HTTP status of this kind when no upstream status is known (RULES ERR, the status table).
    pub fn http_status(self) -> u16 {
        match self {
            Self::BadRequest
            | Self::Config
            | Self::ContentPolicy
            | Self::ContextWindowExceeded
            | Self::ImageFetch
            | Self::UnknownProvider
            | Self::UnsupportedParams => 400,
            Self::Authentication => 401,
            Self::PaymentRequired => 402,
            Self::PermissionDenied => 403,
            Self::NotFound => 404,
            Self::Timeout => 408,
            Self::BudgetExceeded | Self::Unprocessable => 422,
            Self::NoDeployment | Self::RateLimit => 429,
            Self::Cancelled => 499,
            Self::Api | Self::Connection | Self::InternalServer | Self::JsonSchema => 500,
            Self::BadGateway => 502,
            Self::MidStream | Self::ServiceUnavailable => 503,
        }
    }

    /// The kind of an upstream status when nothing more specific is known (RULES ERR, the status table).
    pub fn of_status(status: u16) -> Self {
        match status {
            401 => Self::Authentication,
            402 => Self::PaymentRequired,
            403 => Self::PermissionDenied,
            404 => Self::NotFound,
            408 | 504 => Self::Timeout,
            429 => Self::RateLimit,
            400..=499 => Self::BadRequest,
            500 => Self::InternalServer,
            502 => Self::BadGateway,
            503 => Self::ServiceUnavailable,
            _ => Self::Api,
        }
    }
}

/// A failed call. Pointer-sized, so that `Result<T>` stays small.
pub struct Error(Box<Inner>);

/// The facts of an [`Error`]; every field but the first two may be unknown.
#[derive(Debug)]
pub struct Inner {
    pub kind: Kind,
    /// In the provider's words where it said something, without a class name in front.
    pub message: String,
    pub provider: Option<String>,
    pub model: Option<String>,
    pub deployment: Option<String>,
    /// The status the exception carries; the kind's own when the upstream gave none.
    pub status: Option<u16>,
    pub code: Option<String>,
    /// The provider's `error.type`.
    pub error_type: Option<String>,
    pub param: Option<String>,
    pub request_id: Option<String>,
    pub retry_after: Option<Duration>,
    /// Attempts after the first that were made.
    pub attempts: u32,
    /// How many of these the caller had allowed.
    pub attempts_allowed: u32,
    /// Response headers of the upstream, without cookies.
    pub headers: Vec<(String, String)>,
    /// The upstream's error object, or its text (at most [`BODY_LIMIT`] bytes).
    pub body: Option<Value>,
    /// For [`Kind::MidStream`]: the text that was delivered before the failure.
    pub generated: Option<String>,
    /// For [`Kind::MidStream`]: what went wrong underneath.
    pub cause: Option<Error>,
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            provider: None,
            model: None,
            deployment: None,
            status: None,
            code: None,
            error_type: None,
            param: None,
            request_id: None,
            retry_after: None,
            attempts: 0,
            attempts_allowed: 0,
            headers: Vec::new(),
            body: None,
            generated: None,
            cause: None,
            source: None,
        }))
    }

    /// A request that cannot be sent as it is.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(Kind::BadRequest, message)
    }

    /// A request that is wrong in one place.
    pub fn invalid(path: &str, what: &str) -> Self {
        Self::bad_request(format!("Invalid '{path}': {what}.")).with_param(path)
    }

    /// A parameter that the target does not take (GEN-01).
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(Kind::UnsupportedParams, message)
    }

    /// An upstream answer that cannot be understood.
    pub fn unreadable(message: impl Into<String>) -> Self {
        Self::new(Kind::InternalServer, message)
    }

    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The status the exception carries: the upstream's, or the kind's own.
    pub fn status(&self) -> u16 {
        self.0.status.unwrap_or_else(|| self.0.kind.http_status())
    }

    pub fn facts(&self) -> &Inner {
        &self.0
    }

    pub fn facts_mut(&mut self) -> &mut Inner {
        &mut self.0
    }

    pub fn into_facts(self) -> Inner {
        *self.0
    }

    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.0.source = Some(Box::new(source));
        self
    }

    pub fn with_param(mut self, param: impl Into<String>) -> Self {
        self.0.param = Some(param.into());
        self
    }

    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Names the target, unless a nearer place has done so already.
    pub fn at(mut self, provider: &str, model: &str) -> Self {
        self.0.provider.get_or_insert_with(|| provider.to_owned());
        self.0.model.get_or_insert_with(|| model.to_owned());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|s| s as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_pointer() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }
}
