//! Remote media that a provider takes only inline: fetched with bounds, never from a private network (GEN-26).

use std::collections::HashMap;
use std::time::Duration;

use http::{HeaderMap, Method};
use url::Url;

use crate::auth;
use crate::error::{Error, Kind, Result};
use crate::hub::InlineMedia;
use crate::transport::{Connection, Limits, Reach, Transport, public, timed_out};
use crate::wires::HttpCall;

/// The largest file that is inlined, in bytes.
const MEDIA_LIMIT: usize = 50 * 1024 * 1024;
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// Redirects to other hosts, each checked again.
const HOPS: usize = 5;

/// Fetches media one after the other, over a connection like the call's and together within its time; a failure names
/// the address.
pub async fn fetch(
    transport: &Transport,
    connection: &Connection,
    limits: Limits,
    addresses: Vec<String>,
) -> Result<HashMap<String, InlineMedia>> {
    let connection = Connection { reach: Reach::Public, ..connection.clone() };
    let fetched = fetch_all(transport, &connection, addresses);
    within(limits.total, fetched).await
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(timed_out(limit)))
}

async fn fetch_all(
    transport: &Transport,
    connection: &Connection,
    addresses: Vec<String>,
) -> Result<HashMap<String, InlineMedia>> {
    let mut found = HashMap::with_capacity(addresses.len());
    for address in addresses {
        if found.contains_key(&address) {
            continue;
        }
        let media = fetch_one(transport, connection, &address).await?;
        found.insert(address, media);
    }
    Ok(found)
}

async fn fetch_one(transport: &Transport, connection: &Connection, address: &str) -> Result<InlineMedia> {
    let mut url = address.to_owned();
    for _ in 0..HOPS {
        let base = check_address(&url).await?;
        let limits = Limits { total: TIME_LIMIT, idle: TIME_LIMIT };
        let call = HttpCall {
            rest: Vec::new(),
            method: Method::GET,
            url: url.clone(),
            headers: HeaderMap::new(),
            body: bytes::Bytes::new(),
        };
        let sent = transport.send(call, connection, limits).await;
        let body = sent.map_err(|error| failed(&url, error.message()))?;
        if matches!(body.status(), 301 | 302 | 303 | 307 | 308) {
            let next = body.headers().get(http::header::LOCATION).and_then(|value| value.to_str().ok());
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
        if mime.starts_with("text/html") {
            return Err(failed(&url, "the server answered with a web page"));
        }
        let reply = body.collect_within(limits, MEDIA_LIMIT).await;
        let reply = reply.map_err(|error| failed(&url, error.message()))?;
        return Ok(InlineMedia { mime, data: reply.body });
    }
    Err(failed(address, "too many redirects"))
}

fn failed(address: &str, why: &str) -> Error {
    Error::new(Kind::ImageFetch, format!("Unable to fetch '{}': {why}.", auth::without_credentials(address)))
}

/// http and https only, and no host in a private network: a prompt must not reach what its author cannot. A direct
/// connection looks the name up again and is as strict; a proxy has only our word that the host is a public one.
pub(super) async fn check_address(address: &str) -> Result<Url> {
    let url = Url::parse(address).map_err(|_| failed(address, "the address cannot be read"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(failed(address, "only http and https addresses are fetched"));
    }
    public::check(&url).await.map_err(|why| failed(address, &why))?;
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Verify;

    const LIMITS: Limits = Limits { total: TIME_LIMIT, idle: TIME_LIMIT };

    async fn refused(connection: &Connection, limits: Limits, address: &str) -> Error {
        let transport = Transport::default();
        fetch(&transport, connection, limits, vec![address.to_owned()]).await.unwrap_err()
    }

    #[tokio::test]
    async fn gen_26_private_networks_and_odd_schemes_are_refused() {
        for address in [
            "http://127.0.0.1/a.png",
            "http://localhost:9/a.png",
            "file:///etc/passwd",
            "ftp://example.com/a",
            "nonsense",
        ] {
            let error = check_address(address).await.unwrap_err();
            assert_eq!(error.kind(), Kind::ImageFetch, "{address}");
            let error = refused(&Connection::default(), LIMITS, address).await;
            assert_eq!(error.kind(), Kind::ImageFetch, "{address}");
        }
        assert!(check_address("https://93.184.216.34/a.png").await.is_ok());
    }

    #[tokio::test]
    async fn media_are_fetched_over_the_calls_connection_and_within_its_time() {
        let connection = Connection { verify: Verify::File("/no/such.pem".into()), ..Connection::default() };
        let error = refused(&connection, LIMITS, "https://93.184.216.34/a.png").await;
        assert!(error.message().contains("the CA file"), "{error}");
        let error = within::<()>(Duration::from_millis(1), std::future::pending()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Timeout, "{error}");
    }
}
