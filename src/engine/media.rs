//! Remote media that a provider takes only inline: fetched with bounds, never from a private network (GEN-26).

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use http::{HeaderMap, Method};

use crate::auth;
use crate::error::{Error, Kind, Result};
use crate::hub::InlineMedia;
use crate::transport::{Connection, Limits, Transport};
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
        if !found.contains_key(&address) {
            let media = fetch_one(transport, &address).await?;
            found.insert(address, media);
        }
    }
    Ok(found)
}

async fn fetch_one(transport: &Transport, address: &str) -> Result<InlineMedia> {
    let mut url = address.to_owned();
    for _ in 0..HOPS {
        check_address(&url).await?;
        let limits = Limits { total: TIME_LIMIT, idle: TIME_LIMIT };
        let call = HttpCall {
            method: Method::GET,
            url: url.clone(),
            headers: HeaderMap::new(),
            body: bytes::Bytes::new(),
        };
        let body = transport
            .send(call, &Connection::default(), limits)
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

/// http and https only, and no address of a private network: a prompt must not reach what its author cannot.
async fn check_address(address: &str) -> Result<()> {
    let url = url::Url::parse(address).map_err(|_| failed(address, "the address cannot be read"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(failed(address, "only http and https addresses are fetched"));
    }
    let host = url.host_str().ok_or_else(|| failed(address, "the address names no host"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = url.port_or_known_default().unwrap_or(443);
    let found =
        tokio::net::lookup_host((host, port)).await.map_err(|_| failed(address, "the host is not known"))?;
    let mut any = false;
    for address_of_host in found {
        any = true;
        if is_private(address_of_host.ip()) {
            return Err(failed(address, "the host is in a private network"));
        }
    }
    if any { Ok(()) } else { Err(failed(address, "the host is not known")) }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => is_private_v6(address),
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_unspecified()
        || address.is_broadcast()
        || address.is_multicast()
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a == 198 && (18..20).contains(&b))
        || a >= 240
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = address.to_ipv4_mapped() {
        return is_private_v4(inner);
    }
    let [first, ..] = address.segments();
    address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || (first & 0xfe00) == 0xfc00
        || (first & 0xffc0) == 0xfe80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn gen_26_private_networks_and_odd_schemes_are_refused() {
        for address in [
            "http://127.0.0.1/a.png",
            "http://localhost/a.png",
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
            let error = check_address(address).await.unwrap_err();
            assert_eq!(error.kind(), Kind::ImageFetch, "{address}");
        }
        assert!(!is_private("93.184.216.34".parse().unwrap()));
        assert!(!is_private("2606:2800:220:1::1".parse().unwrap()));
    }
}
