//! A cache as a user describes it, and the cache that it describes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use tokio::runtime::Handle;

use super::semantic::{Neighbours, Qdrant, RedisNeighbours, Semantic};
use super::{Cache, CacheSettings, Mode, READ_LIMIT, call_type_named};
use crate::auth::aws::{self, Signing, Source};
use crate::auth::{Secret, azure, google};
use crate::config::{Environment, parse_switch};
use crate::error::{Error, Kind, Result};
use crate::store::Store;
use crate::store::disk::DiskStore;
use crate::store::memory::MemoryStore;
use crate::store::object::{ObjectStore, Place, Proof};
use crate::store::redis::{Redis, RedisOptions, RedisStore, RedisTls};
use crate::transport::{Connection, Verify};

/// The bytes that are kept in memory, and on disk, when nobody says.
const MEMORY: u64 = 128 * 1024 * 1024;
const DISK: u64 = 1024 * 1024 * 1024;
/// Kept in memory, an answer counts for so long when nobody says.
const MEMORY_TTL: f64 = 600.0;
const DIRECTORY: &str = ".ferrolite_cache";
/// The longest that a vector takes when nobody says.
const EMBEDDING: Duration = Duration::from_secs(10);
const INDEX: &str = "ferrolite_semantic_cache";

/// What a user says. Times are in seconds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Spec {
    /// "local", "disk", "redis", "s3", "gcs", "azure-blob", "redis-semantic", "valkey-semantic", "qdrant-semantic".
    #[serde(rename = "type")]
    pub kind: String,
    /// "default_on" or "default_off".
    pub mode: Option<String>,
    pub supported_call_types: Option<Vec<String>>,
    pub namespace: Option<String>,
    pub ttl: Option<f64>,
    pub default_in_memory_ttl: Option<f64>,
    pub default_in_redis_ttl: Option<f64>,
    /// The longest that a call waits for the store.
    pub time_limit: Option<f64>,
    /// The bytes that may be kept, in memory or on disk.
    pub max_bytes: Option<u64>,
    pub disk_cache_dir: Option<PathBuf>,

    pub url: Option<String>,
    pub host: Option<String>,
    pub port: Option<u16>,
    pub username: Option<String>,
    pub password: Option<String>,
    pub db: Option<i64>,
    pub ssl: Option<bool>,
    /// Whether a server's certificate is checked.
    pub ssl_verify: Option<bool>,
    pub ssl_ca_certs: Option<PathBuf>,
    pub ssl_certfile: Option<PathBuf>,
    pub ssl_keyfile: Option<PathBuf>,
    pub socket_timeout: Option<f64>,
    /// Servers of a cluster.
    pub startup_nodes: Option<Vec<Node>>,

    pub bucket: Option<String>,
    pub path: Option<String>,
    pub region: Option<String>,
    pub endpoint_url: Option<String>,
    pub use_ssl: Option<bool>,
    pub aws_access_key_id: Option<String>,
    pub aws_secret_access_key: Option<String>,
    pub aws_session_token: Option<String>,
    /// The path of a service account's file, for Google.
    pub path_service_account: Option<String>,
    /// The address of a storage account of Azure's, and the container in it.
    pub account_url: Option<String>,
    pub container: Option<String>,

    pub similarity_threshold: Option<f64>,
    pub embedding_model: Option<String>,
    pub embedding_timeout: Option<f64>,
    pub index_name: Option<String>,
    pub qdrant_api_base: Option<String>,
    pub qdrant_api_key: Option<String>,
    pub collection_name: Option<String>,
    pub quantization_config: Option<String>,
    pub vector_size: Option<usize>,
}

/// One server of a cluster.
#[derive(Debug, Clone, Deserialize)]
pub struct Node {
    pub host: String,
    pub port: u16,
}

impl Spec {
    /// The cache, whose connections will live on the runtime `home`. Nothing is opened yet.
    ///
    /// # Errors
    /// `Config` for what is unknown, missing or cannot be.
    pub fn open(&self, home: Handle, environment: &dyn Environment) -> Result<Cache> {
        let settings = self.settings()?;
        let store: Arc<dyn Store> = match self.kind.as_str() {
            "local" => Arc::new(MemoryStore::new(self.max_bytes.unwrap_or(MEMORY))),
            "disk" => {
                let directory = self.disk_cache_dir.clone().unwrap_or_else(|| DIRECTORY.into());
                Arc::new(DiskStore::new(directory, self.max_bytes.unwrap_or(DISK)))
            }
            "redis" => Arc::new(RedisStore::new(self.redis(environment)?, "").clearing(&self.own_names())),
            "s3" => Arc::new(self.s3(environment)?),
            "gcs" => Arc::new(self.gcs(environment)?),
            "azure-blob" => Arc::new(self.azure_blob(environment)?),
            "redis-semantic" | "valkey-semantic" => {
                // The index, and so all that is in it, has a name of the namespace's own: it is cleared with it.
                let index = format!("{}{}", self.own_names(), self.index_name.as_deref().unwrap_or(INDEX));
                let redis = self.redis(environment)?;
                let neighbours = Arc::new(RedisNeighbours::new(redis.clone(), index));
                let semantic = self.semantic(neighbours)?;
                let store = RedisStore::new(redis, "").clearing(&self.own_names());
                return Ok(Cache::semantic(Arc::new(store), semantic, settings, home));
            }
            "qdrant-semantic" => {
                let semantic = self.semantic(Arc::new(self.qdrant(environment)?))?;
                let store = Arc::new(MemoryStore::new(0));
                return Ok(Cache::semantic(store, semantic, settings, home));
            }
            other => {
                return Err(wrong(&format!(
                    "there is no type '{other}': local, disk, redis, s3, gcs, azure-blob, redis-semantic, \
                     valkey-semantic and qdrant-semantic exist"
                )));
            }
        };
        Ok(Cache::new(store, settings, home))
    }

    /// Whether it is in Redis, or in what speaks its language.
    pub fn is_redis(&self) -> bool {
        matches!(self.kind.as_str(), "redis" | "redis-semantic" | "valkey-semantic")
    }

    /// What all names of the namespace begin with; empty without one.
    fn own_names(&self) -> String {
        self.namespace.as_ref().map(|name| format!("{name}:")).unwrap_or_default()
    }

    /// How the cache behaves.
    pub fn settings(&self) -> Result<CacheSettings> {
        let mut settings = CacheSettings {
            mode: match self.mode.as_deref() {
                None | Some("default_on") => Mode::DefaultOn,
                Some("default_off") => Mode::DefaultOff,
                Some(other) => return Err(wrong(&format!("there is no mode '{other}'"))),
            },
            namespace: self.namespace.clone(),
            ttl: seconds("ttl", self.ttl)?,
            ..CacheSettings::default()
        };
        if let Some(names) = &self.supported_call_types {
            settings.call_types = names.iter().filter_map(|name| call_type_named(name)).collect();
        }
        if let Some(limit) = seconds("time_limit", self.time_limit.or(self.socket_timeout))? {
            settings.read_limit = limit;
        }
        let default = match self.kind.as_str() {
            "local" => Some(self.default_in_memory_ttl.unwrap_or(MEMORY_TTL)),
            _ if self.is_redis() => self.default_in_redis_ttl,
            _ => None,
        };
        settings.ttl = settings.ttl.or(seconds("a default ttl", default)?);
        Ok(settings)
    }

    /// What was said, else the environment's REDIS_URL, else its single parts.
    pub fn redis(&self, environment: &dyn Environment) -> Result<Arc<Redis>> {
        let is_told = self.host.is_some() || self.startup_nodes.is_some();
        let url = self.url.clone().or_else(|| environment.get("REDIS_URL").filter(|_| !is_told));
        let mut options = match &url {
            Some(url) => RedisOptions::from_url(url)?,
            None => RedisOptions::default(),
        };
        if url.is_none() {
            let (host, port) = options.nodes.pop().unwrap_or_default();
            let of_environment = environment.get("REDIS_PORT").and_then(|port| port.trim().parse().ok());
            let host = self.host.clone().or_else(|| environment.get("REDIS_HOST")).unwrap_or(host);
            options.nodes = vec![(host, self.port.or(of_environment).unwrap_or(port))];
            options.username = environment.get("REDIS_USERNAME");
            options.password = environment.get("REDIS_PASSWORD").map(Secret::new);
            options.database = environment.get("REDIS_DB").and_then(|db| db.trim().parse().ok()).unwrap_or(0);
            let ssl = environment.get("REDIS_SSL").and_then(|text| parse_switch(&text)).unwrap_or(false);
            options.tls = (self.ssl.unwrap_or(ssl)).then(RedisTls::default);
        }
        options.username = self.username.clone().or(options.username);
        options.password = self.password.clone().map(Secret::new).or(options.password);
        options.database = self.db.unwrap_or(options.database);
        let nodes = self.startup_nodes.clone().or_else(|| {
            let nodes = environment.get("REDIS_CLUSTER_NODES").filter(|_| !is_told && url.is_none())?;
            serde_json::from_str(&nodes).ok()
        });
        if let Some(nodes) = nodes {
            options.is_cluster = true;
            options.nodes = nodes.into_iter().map(|node| (node.host, node.port)).collect();
        }
        if let Some(tls) = &mut options.tls {
            tls.is_insecure = tls.is_insecure || self.ssl_verify == Some(false);
            tls.roots.clone_from(&self.ssl_ca_certs);
            tls.identity = self.ssl_certfile.clone().zip(self.ssl_keyfile.clone());
        }
        if let Some(limit) = seconds("socket_timeout", self.socket_timeout)? {
            options.response_timeout = limit;
            options.connect_timeout = limit;
        }
        // An answer that does not come is a broken connection: that is seen before the reader is told to go on.
        let limit = seconds("time_limit", self.time_limit.or(self.socket_timeout))?.unwrap_or(READ_LIMIT);
        options.response_timeout = options.response_timeout.min(limit.mul_f64(0.75));
        Ok(Arc::new(Redis::new(options)))
    }

    fn s3(&self, environment: &dyn Environment) -> Result<ObjectStore> {
        let bucket = self.bucket.as_deref().ok_or_else(|| missing("s3_bucket_name"))?;
        let keywords = aws::Keywords {
            access_key_id: self.aws_access_key_id.clone(),
            secret_access_key: self.aws_secret_access_key.clone().map(Secret::new),
            session_token: self.aws_session_token.clone().map(Secret::new),
            region_name: self.region.clone(),
            ..aws::Keywords::default()
        };
        let region = aws::region(&keywords, None, environment)?;
        let scheme = if self.use_ssl == Some(false) { "http" } else { "https" };
        let bucket = match self.endpoint_url.as_deref().map(|url| url.trim_end_matches('/')) {
            Some(endpoint) if endpoint.contains("://") => format!("{endpoint}/{bucket}"),
            Some(endpoint) => format!("{scheme}://{endpoint}/{bucket}"),
            // A certificate for all buckets covers no dots.
            None if bucket.contains('.') => format!("{scheme}://s3.{region}.amazonaws.com/{bucket}"),
            None => format!("{scheme}://{bucket}.s3.{region}.amazonaws.com"),
        };
        let source = Source::find(&keywords, &region, environment)?;
        let proof = Proof::Signature(Signing { source, region, service: "s3".to_owned() });
        let until = HeaderName::from_static("x-amz-meta-ferrolite-until");
        Ok(self.bucket(bucket, proof, until, HeaderMap::new(), HeaderMap::new()))
    }

    fn gcs(&self, environment: &dyn Environment) -> Result<ObjectStore> {
        let of_environment = || environment.get("GCS_BUCKET_NAME");
        let bucket = self.bucket.clone().or_else(of_environment).ok_or_else(|| missing("gcs_bucket_name"))?;
        let credentials =
            self.path_service_account.clone().or_else(|| environment.get("GCS_PATH_SERVICE_ACCOUNT"));
        let keywords = google::Keywords {
            credentials: credentials.map(Secret::new),
            // Buckets have a name of their own in all projects.
            project: Some("none".to_owned()),
            ..google::Keywords::default()
        };
        let proof = match google::Access::find(&keywords, false, environment)?.grant {
            Some(grant) => Proof::Grant(grant),
            None => Proof::None,
        };
        let base = self.endpoint_url.as_deref().unwrap_or("https://storage.googleapis.com");
        let bucket = format!("{}/{bucket}", base.trim_end_matches('/'));
        let until = HeaderName::from_static("x-goog-meta-ferrolite-until");
        Ok(self.bucket(bucket, proof, until, HeaderMap::new(), HeaderMap::new()))
    }

    fn azure_blob(&self, environment: &dyn Environment) -> Result<ObjectStore> {
        let account = self.account_url.as_deref().ok_or_else(|| missing("azure_account_url"))?;
        let container = self.container.as_deref().ok_or_else(|| missing("azure_blob_container"))?;
        let keywords = azure::Keywords {
            scope: Some("https://storage.azure.com/.default".to_owned()),
            machine: true,
            ..azure::Keywords::default()
        };
        let proof = match keywords.found(environment)? {
            Some(azure::Proof::Token(token)) => Proof::Token(token),
            Some(azure::Proof::Grant(grant)) => Proof::Grant(grant),
            None => Proof::None,
        };
        let bucket = format!("{}/{container}", account.trim_end_matches('/'));
        let header = |name, value| {
            HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))])
        };
        let until = HeaderName::from_static("x-ms-meta-ferrolite_until");
        let version = header("x-ms-version", "2021-12-02");
        Ok(self.bucket(bucket, proof, until, version, header("x-ms-blob-type", "BlockBlob")))
    }

    fn bucket(
        &self,
        bucket: String,
        proof: Proof,
        until: HeaderName,
        headers: HeaderMap,
        written: HeaderMap,
    ) -> ObjectStore {
        let path = self.path.as_deref().map(|path| path.trim_matches('/')).unwrap_or_default();
        let path = if path.is_empty() { String::new() } else { format!("{path}/") };
        let verify = match (self.ssl_verify, &self.ssl_ca_certs) {
            (Some(false), _) => Verify::Off,
            (_, Some(roots)) => Verify::File(roots.clone()),
            _ => Verify::System,
        };
        let connection = Connection { verify, ..Connection::default() };
        ObjectStore::new(Place { bucket, path, proof, until, headers, written }, connection)
    }

    fn qdrant(&self, environment: &dyn Environment) -> Result<Qdrant> {
        let of_environment = || environment.first(&["QDRANT_API_BASE".to_owned(), "QDRANT_URL".to_owned()]);
        let base = self.qdrant_api_base.clone().or_else(of_environment);
        let base = base.ok_or_else(|| missing("qdrant_api_base"))?;
        let key = self.qdrant_api_key.clone().or_else(|| environment.get("QDRANT_API_KEY"));
        let collection = self.collection_name.clone().ok_or_else(|| missing("qdrant_collection_name"))?;
        let made = Qdrant::new(&base, key.map(Secret::new), collection);
        Ok(made.with(self.quantization_config.clone(), self.vector_size))
    }

    fn semantic(&self, neighbours: Arc<dyn Neighbours>) -> Result<Semantic> {
        let threshold = self.similarity_threshold.ok_or_else(|| missing("similarity_threshold"))?;
        if !(0.0..=1.0).contains(&threshold) {
            return Err(wrong("`similarity_threshold` is from 0 to 1"));
        }
        let model = self.embedding_model.clone().unwrap_or_else(|| "text-embedding-ada-002".to_owned());
        let embedding_timeout = seconds("embedding_timeout", self.embedding_timeout)?.unwrap_or(EMBEDDING);
        Ok(Semantic { neighbours, model, threshold, embedding_timeout })
    }
}

fn wrong(what: &str) -> Error {
    Error::new(Kind::Config, format!("the cache cannot be set up: {what}"))
}

fn missing(name: &str) -> Error {
    wrong(&format!("`{name}` is missing"))
}

fn seconds(name: &str, value: Option<f64>) -> Result<Option<Duration>> {
    let Some(value) = value else { return Ok(None) };
    match Duration::try_from_secs_f64(value) {
        Ok(duration) => Ok(Some(duration)),
        Err(_) => Err(wrong(&format!("`{name}` is no number of seconds: {value}"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cache::{Entry, Kept, Question};
    use crate::store::stand_in;

    struct Variables(&'static [(&'static str, &'static str)]);

    impl Environment for Variables {
        fn get(&self, name: &str) -> Option<String> {
            self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        }
    }

    fn spec(value: Value) -> Spec {
        serde_json::from_value(value).unwrap()
    }

    #[tokio::test]
    async fn what_cannot_be_is_said() {
        for (value, said) in [
            (json!({ "type": "tape" }), "qdrant-semantic exist"),
            (json!({ "type": "local", "mode": "sometimes" }), "no mode 'sometimes'"),
            (json!({ "type": "local", "ttl": -1.0 }), "`ttl`"),
            (json!({ "type": "s3" }), "`s3_bucket_name`"),
            (json!({ "type": "qdrant-semantic", "similarity_threshold": 0.5 }), "`qdrant_api_base`"),
            (json!({ "type": "redis-semantic" }), "`similarity_threshold`"),
            (json!({ "type": "redis-semantic", "similarity_threshold": 2.0 }), "from 0 to 1"),
        ] {
            let error = spec(value).open(Handle::current(), &Variables(&[])).unwrap_err();
            assert!(error.message().contains(said), "{error}");
        }
    }

    #[tokio::test]
    async fn what_is_cleared_is_the_namespaces_own() {
        for kind in ["redis", "redis-semantic", "valkey-semantic"] {
            let (port, asked) = stand_in::redis(|_, command| {
                let nothing = "*2\r\n$1\r\n0\r\n*0\r\n";
                Some(if command[0] == "SCAN" { nothing } else { "+OK\r\n" }.to_owned())
            });
            let cache = spec(json!({
                "type": kind, "host": "127.0.0.1", "port": port, "namespace": "mine", "similarity_threshold": 0.5,
            }));
            let cache = cache.open(Handle::current(), &Variables(&[])).unwrap();
            let question = Question { scope: "s".into(), text: "hi".into(), vector: vec![1.0] };
            cache.add(question, &Entry::new(Kept::Json(json!(1))), None);
            assert!(cache.flush(Duration::from_secs(5)).await);
            cache.store().clear().await.unwrap();
            let asked = asked.lock().unwrap();
            let of = |name: &str| asked.iter().filter(|command| command[0] == name).collect::<Vec<_>>();
            assert!(of("FLUSHDB").is_empty(), "{kind}");
            assert_eq!(of("SCAN")[0][2..4], ["MATCH", "mine:*"], "{kind}");
            if kind != "redis" {
                assert!(of("FT.CREATE")[0].iter().any(|word| word == "mine:ferrolite_semantic_cache:"));
                assert!(of("HSET")[0][1].starts_with("mine:ferrolite_semantic_cache:"));
            }
        }
    }

    #[tokio::test]
    async fn a_connection_that_hangs_is_made_anew() {
        let (port, _) = stand_in::redis(|number, _| (number > 0).then(|| "$1\r\nx\r\n".to_owned()));
        let cache = spec(json!({ "type": "redis", "host": "127.0.0.1", "port": port, "time_limit": 0.4 }));
        let cache = cache.open(Handle::current(), &Variables(&[])).unwrap();
        let names = ["a".to_owned()];
        assert!(cache.read(&names, None).await[0].is_none());
        assert_eq!(cache.store().get(&names).await.unwrap(), [Some("x".into())]);
    }

    #[test]
    fn redis_answers_before_its_reader_goes_on() {
        for value in [
            json!({ "type": "redis" }),
            json!({ "type": "redis", "time_limit": 0.5 }),
            json!({ "type": "redis", "socket_timeout": 0.25 }),
            json!({ "type": "redis", "time_limit": 1.0, "socket_timeout": 3.0 }),
        ] {
            let spec = spec(value);
            let options = spec.redis(&Variables(&[])).unwrap().options().clone();
            assert!(options.response_timeout < spec.settings().unwrap().read_limit, "{spec:?}");
        }
    }

    #[test]
    fn redis_is_told_by_the_call_before_the_environment() {
        let variables =
            Variables(&[("REDIS_URL", "redis://:secret-word@there:1/2"), ("REDIS_PASSWORD", "p-word-2")]);
        let options = |value: Value| spec(value).redis(&variables).unwrap().options().clone();
        let there = options(json!({}));
        assert_eq!((there.nodes[0].clone(), there.database), (("there".to_owned(), 1), 2));
        assert_eq!(there.password, Some(Secret::new("secret-word")));
        let here = options(json!({ "host": "here", "port": 3, "ssl": true, "ssl_verify": false }));
        assert_eq!(here.nodes, [("here".to_owned(), 3)]);
        assert_eq!(here.password, Some(Secret::new("p-word-2")));
        assert!(here.tls.unwrap().is_insecure);
        let cluster =
            options(json!({ "startup_nodes": [{ "host": "a", "port": 1 }, { "host": "b", "port": 2 }] }));
        assert!(cluster.is_cluster && cluster.nodes.len() == 2);
    }
}
