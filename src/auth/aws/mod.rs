//! AWS: whose keys sign a request, and how they do it.
//!
//! Everything else here is a function of what it is given: calls to the token service and to the metadata services are
//! built and read in `sts` and `metadata`. `keys` sends these and keeps what comes. Only `profile` reads files.

mod chain;
mod keys;
mod metadata;
mod profile;
mod region;
mod sigv4;
mod sts;

pub use chain::{Keywords, Role, Source, Token};
pub use keys::KeyRing;
pub use metadata::{Metadata, MetadataSource};
pub use profile::Profiles;
pub use region::{is_region, region};
pub(crate) use sigv4::hex;
pub use sigv4::{clock_offset, sign};
pub use sts::{assume_role, read_credentials, web_identity};

use std::time::SystemTime;

use super::Secret;

/// Keys that sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    pub access_key_id: String,
    pub secret_access_key: Secret,
    pub session_token: Option<Secret>,
    /// When they stop to be accepted; `None` for lasting ones.
    pub expires: Option<SystemTime>,
}

impl Credentials {
    /// What of them must not be shown (BED-23).
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        [&self.secret_access_key].into_iter().chain(&self.session_token)
    }
}

/// How a route is signed: whose keys, for where, for what.
#[derive(Debug, Clone)]
pub struct Signing {
    pub source: Source,
    pub region: String,
    /// The name of the service in the signature's scope.
    pub service: String,
}
