//! Addresses, parsed once: parsing one takes longer than encoding a short request, and a program calls few.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{LazyLock, PoisonError, RwLock};

use url::Url;

use crate::auth;
use crate::error::Error;

/// The most addresses that are kept.
const KEPT: usize = 256;

static KNOWN: LazyLock<RwLock<HashMap<String, Url>>> = LazyLock::new(RwLock::default);

/// Parses an address, or remembers it. One with a query is not kept: it may hold a key, or change with each call.
pub fn parse(address: &str) -> Result<Url, url::ParseError> {
    if let Some(url) = KNOWN.read().unwrap_or_else(PoisonError::into_inner).get(address) {
        return Ok(url.clone());
    }
    let url = Url::parse(address)?;
    if url.query().is_none() && !has_credentials(&url) {
        let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(address.to_owned(), url.clone());
    }
    Ok(url)
}

/// Whether two addresses are on one host, reached the same way.
pub fn same_origin(one: &str, other: &str) -> bool {
    one == other
        || match (parse(one), parse(other)) {
            (Ok(one), Ok(other)) => one.origin() == other.origin(),
            _ => false,
        }
}

/// Whether an address is at a sibling of another's host, over TLS: `api.eu.example.com` of `api.example.com`. Some
/// providers continue in a region.
pub fn is_sibling(address: &str, of: &str) -> bool {
    let (Ok(address), Ok(of)) = (Url::parse(address), parse(of)) else { return false };
    let (Some(host), Some(own)) = (address.domain(), of.domain()) else { return false };
    let parent = own.split_once('.').map(|(_, parent)| parent).filter(|parent| parent.contains('.'));
    address.scheme() == "https"
        && parent.is_some_and(|parent| host.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.')))
}

/// A name as one segment of a path (BED-21, AZ-01).
pub fn segment(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 16);
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// The same for an address that a call goes to: the error says which, without what may be secret in it.
pub fn checked(address: &str) -> Result<Url, Error> {
    parse(address).map_err(|error| {
        let address = auth::without_credentials(address);
        Error::bad_request(format!("'{address}' is not an address")).with_source(error)
    })
}

fn has_credentials(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn siblings_are_hosts_of_one_provider() {
        for (address, of, is) in [
            ("https://api.eu1.x.ai/get?id=1", "https://api.x.ai/v1", true),
            ("http://api.eu1.x.ai/get", "https://api.x.ai", false),
            ("https://evil.ai/get", "https://api.x.ai", false),
            ("https://evilx.ai/get", "https://api.x.ai", false),
            ("https://other.ai/get", "https://x.ai", false),
            ("https://10.0.0.2/get", "https://10.0.0.1", false),
            ("nonsense", "https://api.x.ai", false),
        ] {
            assert_eq!(is_sibling(address, of), is, "{address} of {of}");
        }
    }

    #[test]
    fn an_address_is_the_same_the_second_time() {
        for _ in 0..2 {
            let url = parse("http://Host.example:80/a/../b").unwrap();
            assert_eq!(url.as_str(), "http://host.example/b");
            assert!(parse("nonsense").is_err());
        }
    }

    #[test]
    fn one_origin_is_scheme_host_and_port() {
        assert!(same_origin("https://host.example/a", "https://HOST.example:443/b?c"));
        for other in
            ["http://host.example/a", "https://host.example:8443/", "https://host.example.evil/", "x"]
        {
            assert!(!same_origin("https://host.example/a", other), "{other}");
        }
    }

    #[test]
    fn what_may_hold_a_key_is_not_kept() {
        for address in ["http://query.example/?key=abc", "http://user:abc@credentials.example/"] {
            parse(address).unwrap();
            assert!(!KNOWN.read().unwrap().contains_key(address));
        }
    }

    #[test]
    fn the_number_kept_is_bounded() {
        for number in 0..2 * KEPT {
            parse(&format!("http://bounded.example/{number}")).unwrap();
        }
        assert!(KNOWN.read().unwrap().len() <= KEPT);
    }

    #[test]
    fn bed_21_a_name_is_one_segment() {
        assert_eq!(segment("arn:aws:x/y z"), "arn%3Aaws%3Ax%2Fy%20z");
    }
}
