//! Which addresses are the public internet's, and a resolver that knows no others (GEN-26).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use url::Url;

use crate::config::Environment;

const PRIVATE: &str = "the host is in a private network";
const PROXIES: [&str; 6] =
    ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Resolves the names of direct connections at the time they are made, and refuses those that lead into a private
/// network. Behind a proxy it is asked for the proxy's name only, which is the caller's choice: whoever sends has
/// [`check`]ed the target itself.
pub struct PublicResolver {
    proxies: Arc<[String]>,
}

impl PublicResolver {
    pub fn new(environment: &dyn Environment) -> Self {
        let hosts = PROXIES.iter().filter_map(|name| proxy_host(&environment.get(name)?));
        Self { proxies: hosts.collect() }
    }
}

impl reqwest::dns::Resolve for PublicResolver {
    fn resolve(&self, name: reqwest::dns::Name) -> reqwest::dns::Resolving {
        let proxies = self.proxies.clone();
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let is_proxy = proxies.iter().any(|proxy| proxy.eq_ignore_ascii_case(name.as_str()));
            if !is_proxy && found.iter().any(|address| is_private(address.ip())) {
                return Err(PRIVATE.into());
            }
            let addresses: reqwest::dns::Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

/// The host of a proxy's address, which may be written without a scheme.
fn proxy_host(address: &str) -> Option<String> {
    let url =
        if address.contains("://") { Url::parse(address) } else { Url::parse(&format!("http://{address}")) };
    url.ok()?.host_str().map(str::to_owned)
}

/// Whether the host of an address is a public one, as far as can be told from here; otherwise why not.
pub async fn check(url: &Url) -> Result<(), String> {
    let found: Vec<IpAddr> = match url.host() {
        Some(url::Host::Ipv4(address)) => vec![address.into()],
        Some(url::Host::Ipv6(address)) => vec![address.into()],
        Some(url::Host::Domain(name)) => match tokio::net::lookup_host((name, 0)).await {
            Ok(found) => found.map(|address| address.ip()).collect(),
            Err(error) => return Err(format!("the host cannot be found: {error}")),
        },
        None => return Err("the address names no host".to_owned()),
    };
    if found.into_iter().any(is_private) { Err(PRIVATE.to_owned()) } else { Ok(()) }
}

/// Loopback, private, link-local, metadata and other addresses that are not the public internet's.
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

    struct One(&'static str, &'static str);

    impl Environment for One {
        fn get(&self, name: &str) -> Option<String> {
            (name == self.0).then(|| self.1.to_owned())
        }
    }

    async fn check(address: &str) -> Result<(), String> {
        super::check(&Url::parse(address).unwrap()).await
    }

    #[tokio::test]
    async fn gen_26_private_networks_are_told_from_the_internet() {
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
            "http://localhost/",
        ] {
            assert_eq!(check(address).await, Err(PRIVATE.to_owned()), "{address}");
        }
        for address in ["http://93.184.216.34/", "http://[2606:2800:220:1::1]/"] {
            assert_eq!(check(address).await, Ok(()), "{address}");
        }
    }

    #[tokio::test]
    async fn gen_26_the_resolver_lets_the_callers_proxy_pass_and_nothing_else_that_is_private() {
        use reqwest::dns::{Name, Resolve as _};
        let resolved = async |resolver: PublicResolver| {
            let name: Name = "localhost".parse().unwrap();
            resolver.resolve(name).await.is_ok()
        };
        assert!(!resolved(PublicResolver::new(&One("", ""))).await);
        assert!(!resolved(PublicResolver::new(&One("HTTP_PROXY", "http://proxy.example:3128"))).await);
        for proxy in ["http://u:p@localhost:3128", "localhost:3128", "LOCALHOST"] {
            assert!(resolved(PublicResolver::new(&One("https_proxy", proxy))).await, "{proxy}");
        }
    }
}
