//! Remote media that a provider takes only inline: fetched with bounds, never from a private network (GEN-26).

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use http::{HeaderMap, Method};

use crate::auth;
use crate::error::{Error, Kind, Result};
use crate::hub::InlineMedia;
use crate::transport::{Connection, Limits, Reach, Transport, is_private};
use crate::wires::HttpCall;

/// The largest file that is inlined, in bytes.
const MEDIA_LIMIT: usize = 50 * 1024 * 1024;
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// Redirects to other hosts, each checked again.
const HOPS: usize = 5;

/// Fetches media one after the other; a failure names the address.
pub async fn fetch(transport: &Transport, addresses: Vec<String>) -> Result<HashMap<String, InlineMedia>> {
    let mut found = HashMap::with_capacity(addresses.len());
    for address in addresses {
        if found.contains_key(&address) {
            continue;
        }
        let media = fetch_one(transport, &address).await?;
        found.insert(address, media);
    }
    Ok(found)
}

async fn fetch_one(transport: &Transport, address: &str) -> Result<InlineMedia> {
    let mut url = address.to_owned();
    for _ in 0..HOPS {
        check_address(&url)?;
        let limits = Limits { total: TIME_LIMIT, idle: TIME_LIMIT };
        let call = HttpCall {
            method: Method::GET,
            url: url.clone(),
            headers: HeaderMap::new(),
            body: bytes::Bytes::new(),
        };
        let body = transport
            .send(call, &Connection { reach: Reach::Public, ..Connection::default() }, limits)
            .await
            .map_err(|error| failed(&url, error.message()))?;
        if matches!(body.status(), 301 | 302 | 303 | 307 | 308) {
            let next = body.headers().get(http::header::LOCATION).and_then(|value| value.to_str().ok());
            let base = url::Url::parse(&url).map_err(|_| failed(&url, "the address cannot be read"))?;
            let next = next
                .and_then(|next| base.join(next).ok())
                .ok_or_else(|| failed(&url, "a redirect leads nowhere"))?;
            url = next.into();
            continue;
        }
        if body.status() >= 300 {
            return Err(failed(&url, &format!("the server answered {}", body.status())));
        }
        let mime = body.headers().get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let mime =
            mime.and_then(|mime| mime.split(';').next()).unwrap_or_default().trim().to_ascii_lowercase();
        let reply = body.collect(limits).await.map_err(|error| failed(&url, error.message()))?;
        if reply.body.len() > MEDIA_LIMIT {
            return Err(failed(&url, &format!("the file is larger than {MEDIA_LIMIT} bytes")));
        }
        if mime.starts_with("text/html") {
            return Err(failed(&url, "the server answered with a web page"));
        }
        return Ok(InlineMedia { mime, data: reply.body });
    }
    Err(failed(address, "too many redirects"))
}

fn failed(address: &str, why: &str) -> Error {
    Error::new(Kind::ImageFetch, format!("Unable to fetch '{}': {why}.", auth::without_credentials(address)))
}

/// http and https only, and no address of a private network: a prompt must not reach what its author cannot. A name
/// is checked when it is resolved for the connection, so that it cannot change in between.
pub(super) fn check_address(address: &str) -> Result<()> {
    let url = url::Url::parse(address).map_err(|_| failed(address, "the address cannot be read"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(failed(address, "only http and https addresses are fetched"));
    }
    let literal = match url.host() {
        Some(url::Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(url::Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        Some(url::Host::Domain(_)) => None,
        None => return Err(failed(address, "the address names no host")),
    };
    if literal.is_some_and(is_private) {
        return Err(failed(address, "the host is in a private network"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gen_26_private_networks_and_odd_schemes_are_refused() {
        for address in [
            "http://127.0.0.1/a.png",
            "http://169.254.169.254/latest/meta-data",
            "http://10.0.0.1/",
            "http://192.168.1.1/",
            "http://100.64.0.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[fd00::1]/",
            "http://0.0.0.0/",
            "file:///etc/passwd",
            "ftp://example.com/a",
            "nonsense",
        ] {
            let error = check_address(address).unwrap_err();
            assert_eq!(error.kind(), Kind::ImageFetch, "{address}");
        }
        assert!(check_address("https://example.com/a.png").is_ok(), "a name is checked when it is resolved");
        assert!(!is_private("93.184.216.34".parse().unwrap()));
        assert!(!is_private("2606:2800:220:1::1".parse().unwrap()));
    }

    #[tokio::test]
    async fn gen_26_a_name_that_leads_into_a_private_network_is_refused() {
        let transport = Transport::default();
        let error = fetch(&transport, vec!["http://localhost:9/a.png".to_owned()]).await.unwrap_err();
        assert_eq!(error.kind(), Kind::ImageFetch);
        assert!(error.message().contains("private network"), "{error}");
    }
}
