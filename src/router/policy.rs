//! Rules by the kind of an error: how often a failed call is repeated, how many failures a deployment may have.

use serde_json::Value;

use crate::error::{Error, Kind, Result};
use crate::json::Map;

/// The groups of kinds that a policy has numbers for.
pub const GROUPS: usize = 9;

/// The fields of a policy, without their ending (`Retries`, `AllowedFails`).
const FIELDS: [&str; GROUPS] = [
    "BadRequestError",
    "AuthenticationError",
    "TimeoutError",
    "RateLimitError",
    "ContentPolicyViolationError",
    "InternalServerError",
    "ServiceUnavailableError",
    "BadGatewayError",
    "NotFoundError",
];

/// Numbers by the kind of an error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ByKind {
    numbers: [Option<u32>; GROUPS],
    /// For kinds without a number of their own.
    default: Option<u32>,
}

impl ByKind {
    /// Reads `BadRequestErrorRetries` and its like: `ending` is "Retries" or "AllowedFails".
    pub fn read(value: &Value, name: &str, ending: &str) -> Result<Self> {
        let Value::Object(fields) = value else { return Err(Error::invalid(name, "expected an object")) };
        let mut numbers = [None; GROUPS];
        for (slot, field) in numbers.iter_mut().zip(FIELDS) {
            *slot = count(fields, &format!("{field}{ending}"), name)?;
        }
        Ok(Self { numbers, default: count(fields, &format!("Default{ending}"), name)? })
    }

    pub fn of(&self, kind: Kind) -> Option<u32> {
        group(kind).and_then(|group| self.numbers.get(group).copied().flatten()).or(self.default)
    }
}

fn count(fields: &Map, field: &str, name: &str) -> Result<Option<u32>> {
    match fields.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64().and_then(|count| u32::try_from(count).ok()) {
            Some(count) => Ok(Some(count)),
            None => Err(Error::invalid(&format!("{name}.{field}"), "expected a whole number from 0")),
        },
    }
}

/// Which field of a policy speaks of a kind.
pub fn group(kind: Kind) -> Option<usize> {
    match kind {
        Kind::BadRequest
        | Kind::Config
        | Kind::ContextWindowExceeded
        | Kind::ImageFetch
        | Kind::PaymentRequired
        | Kind::UnknownProvider
        | Kind::UnsupportedParams => Some(0),
        Kind::Authentication => Some(1),
        Kind::Timeout => Some(2),
        Kind::RateLimit => Some(3),
        Kind::ContentPolicy => Some(4),
        Kind::InternalServer | Kind::MidStream => Some(5),
        Kind::ServiceUnavailable => Some(6),
        Kind::BadGateway => Some(7),
        Kind::NotFound => Some(8),
        Kind::Api
        | Kind::BudgetExceeded
        | Kind::Cancelled
        | Kind::Connection
        | Kind::JsonSchema
        | Kind::NoDeployment
        | Kind::PermissionDenied
        | Kind::Unprocessable => None,
    }
}

/// What a kind of failure says of the deployment and of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// It may work next time, here or elsewhere.
    Passing,
    /// It will not work here, but may elsewhere.
    Deployment,
    /// It will not work anywhere.
    Request,
}

pub fn blame(kind: Kind) -> Blame {
    match kind {
        Kind::Api
        | Kind::BadGateway
        | Kind::Connection
        | Kind::InternalServer
        | Kind::MidStream
        | Kind::RateLimit
        | Kind::ServiceUnavailable
        | Kind::Timeout => Blame::Passing,
        Kind::Authentication | Kind::NotFound | Kind::PaymentRequired | Kind::PermissionDenied => {
            Blame::Deployment
        }
        Kind::BadRequest
        | Kind::BudgetExceeded
        | Kind::Cancelled
        | Kind::Config
        | Kind::ContentPolicy
        | Kind::ContextWindowExceeded
        | Kind::ImageFetch
        | Kind::JsonSchema
        | Kind::NoDeployment
        | Kind::Unprocessable
        | Kind::UnknownProvider
        | Kind::UnsupportedParams => Blame::Request,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_policy_has_a_number_for_each_kind_it_names() {
        let value =
            json!({ "RateLimitErrorRetries": 3, "BadRequestErrorRetries": 0, "TimeoutErrorRetries": null });
        let policy = ByKind::read(&value, "retry_policy", "Retries").unwrap();
        assert_eq!(policy.of(Kind::RateLimit), Some(3));
        assert_eq!(policy.of(Kind::UnsupportedParams), Some(0));
        assert_eq!(policy.of(Kind::Timeout), None);
        assert_eq!(policy.of(Kind::Connection), None);
        let all = ByKind::read(
            &json!({ "DefaultRetries": 1, "NotFoundErrorRetries": 2 }),
            "retry_policy",
            "Retries",
        );
        let all = all.unwrap();
        assert_eq!((all.of(Kind::Connection), all.of(Kind::NotFound)), (Some(1), Some(2)));
        let wrong = ByKind::read(&json!({ "RateLimitErrorRetries": "x" }), "retry_policy", "Retries");
        assert_eq!(wrong.unwrap_err().facts().param.as_deref(), Some("retry_policy.RateLimitErrorRetries"));
    }
}
