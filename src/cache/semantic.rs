//! Answers to questions that mean the same: found by the distance of their vectors, among questions that ask under
//! the same conditions.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _};
use http::Method;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::Entry;
use crate::auth::{self, Scheme, Secret, aws};
use crate::error::{Error, Kind, Result};
use crate::json::cut;
use crate::store::redis::Redis;
use crate::transport::{Connection, Limits, Transport};
use crate::wires::{HttpCall, HttpReply};

const LIMITS: Limits = Limits { total: Duration::from_secs(10), idle: Duration::from_secs(10) };
/// Of an error's text, so much is told.
const TOLD: usize = 300;

/// A question as it is kept.
#[derive(Debug, Clone)]
pub struct Question {
    /// Questions of other scopes are not compared with it.
    pub scope: String,
    pub text: String,
    pub vector: Vec<f32>,
}

/// Keeps entries by the vector of their question.
pub trait Neighbours: Send + Sync + fmt::Debug {
    /// The entry of the nearest question, and how similar it is: 1 is the same.
    fn nearest<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Option<(f64, Entry)>>>;

    /// `entry` as it is written.
    fn add<'a>(
        &'a self,
        question: &'a Question,
        entry: &'a Bytes,
        ttl: Option<Duration>,
    ) -> BoxFuture<'a, Result<()>>;
}

/// How a question is compared.
#[derive(Debug)]
pub struct Semantic {
    pub neighbours: Arc<dyn Neighbours>,
    /// The model that makes vectors of questions.
    pub model: String,
    /// The least similarity of a hit.
    pub threshold: f64,
    /// The longest that a vector takes.
    pub embedding_timeout: Duration,
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn broken(what: &str) -> Error {
    Error::new(Kind::InternalServer, format!("the semantic cache has answered {what}"))
}

/// Questions in Redis, by its search module.
#[derive(Debug)]
pub struct RedisNeighbours {
    redis: Arc<Redis>,
    index: String,
    /// Whether the index is known to be there.
    made: Mutex<bool>,
}

impl RedisNeighbours {
    pub fn new(redis: Arc<Redis>, index: impl Into<String>) -> Self {
        Self { redis, index: index.into(), made: Mutex::new(false) }
    }

    /// Makes the index for vectors of this length, if it is not there.
    async fn prepare(&self, length: usize) -> Result<()> {
        let mut made = self.made.lock().await;
        if *made {
            return Ok(());
        }
        let mut create = redis::cmd("FT.CREATE");
        create.arg(&self.index).arg("ON").arg("HASH").arg("PREFIX").arg(1).arg(format!("{}:", self.index));
        create.arg("SCHEMA").arg("scope").arg("TAG").arg("vector").arg("VECTOR").arg("HNSW").arg(6);
        create.arg("TYPE").arg("FLOAT32").arg("DIM").arg(length).arg("DISTANCE_METRIC").arg("COSINE");
        match self.redis.run::<()>(&create).await {
            Err(error) if !error.message().contains("already exists") => return Err(error),
            _ => *made = true,
        }
        Ok(())
    }
}

/// Whether a search has failed because somebody has removed the index; each version of the module says it in words of
/// its own.
fn lacks_index(error: &Error) -> bool {
    // The first word is taken for a code, and set apart.
    let said = error.message().to_ascii_lowercase().replace(['"', ':'], "");
    ["no such index", "unknown index name", "index not found"].iter().any(|words| said.contains(words))
}

fn floats(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|value| value.to_le_bytes()).collect()
}

impl Neighbours for RedisNeighbours {
    fn nearest<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Option<(f64, Entry)>>> {
        async move {
            self.prepare(question.vector.len()).await?;
            let mut search = redis::cmd("FT.SEARCH");
            search.arg(&self.index);
            search.arg(format!("(@scope:{{{}}})=>[KNN 1 @vector $vector AS distance]", question.scope));
            search.arg("PARAMS").arg(2).arg("vector").arg(floats(&question.vector));
            search.arg("RETURN").arg(2).arg("distance").arg("entry");
            search.arg("LIMIT").arg(0).arg(1).arg("DIALECT").arg(2);
            // The number of hits, then a name and its fields for each.
            let found: Vec<redis::Value> = match self.redis.run(&search).await {
                Err(error) if lacks_index(&error) => {
                    *self.made.lock().await = false;
                    return Ok(None);
                }
                found => found?,
            };
            let Some(fields) = found.into_iter().nth(2) else { return Ok(None) };
            let fields: Vec<(String, Vec<u8>)> =
                redis::from_redis_value(fields).map_err(|_| broken("in another form than expected"))?;
            let field = |name: &str| fields.iter().find(|(known, _)| known == name).map(|(_, value)| value);
            let distance = field("distance").and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
            let entry = field("entry").and_then(|value| Entry::read(value));
            Ok(distance.zip(entry).map(|(distance, entry): (f64, _)| (1.0 - distance, entry)))
        }
        .boxed()
    }

    fn add<'a>(
        &'a self,
        question: &'a Question,
        entry: &'a Bytes,
        ttl: Option<Duration>,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            self.prepare(question.vector.len()).await?;
            let name = format!("{}:{}", self.index, point_id(question).replace('-', ""));
            let mut writes = redis::Pipeline::new();
            writes.cmd("HSET").arg(&name).arg("scope").arg(&question.scope).arg("prompt").arg(&question.text);
            writes.arg("vector").arg(floats(&question.vector)).arg("entry").arg(&entry[..]).ignore();
            if let Some(ttl) = ttl {
                let milliseconds = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1);
                writes.cmd("PEXPIRE").arg(&name).arg(milliseconds).ignore();
            }
            self.redis.run_all(&writes).await
        }
        .boxed()
    }
}

/// The name of a question, in the form of a UUID: the same question takes the place of an older one.
fn point_id(question: &Question) -> String {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    hash.update(&question.scope);
    hash.update([0]);
    hash.update(&question.text);
    let hex = aws::hex(&hash.finalize()[..16]);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// Questions in a collection of Qdrant's.
pub struct Qdrant {
    base: String,
    key: Option<Secret>,
    collection: String,
    /// How vectors are made smaller: "binary", "scalar" or "product".
    quantization: Option<String>,
    /// The length of the vectors, where it is not that of the first one.
    length: Option<usize>,
    transport: Transport,
    connection: Connection,
    /// Whether the collection is known to be there.
    made: Mutex<bool>,
}

impl Qdrant {
    pub fn new(base: &str, key: Option<Secret>, collection: impl Into<String>) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
            key,
            collection: collection.into(),
            quantization: None,
            length: None,
            transport: Transport::default(),
            connection: Connection::default(),
            made: Mutex::new(false),
        }
    }

    pub fn with(mut self, quantization: Option<String>, length: Option<usize>) -> Self {
        self.quantization = quantization;
        self.length = length;
        self
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<HttpReply> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        auth::sign(&mut headers, Scheme::ApiKey, self.key.as_ref())?;
        let url = format!("{}/collections/{}{path}", self.base, self.collection);
        let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let call = HttpCall { method, url, headers, body, rest: Vec::new() };
        self.transport.send(call, &self.connection, LIMITS).await?.collect(LIMITS).await
    }

    async fn asked(&self, method: Method, path: &str, body: &Value) -> Result<Value> {
        answered(&self.send(method, path, Some(body)).await?)
    }

    /// Asks the collection; `None` when somebody has removed it.
    async fn asked_collection(&self, method: Method, path: &str, body: &Value) -> Result<Option<Value>> {
        let reply = self.send(method, path, Some(body)).await?;
        if reply.status == 404 {
            *self.made.lock().await = false;
            return Ok(None);
        }
        answered(&reply).map(Some)
    }

    /// Makes the collection for vectors of this length, if it is not there.
    async fn prepare(&self, length: usize) -> Result<()> {
        let mut made = self.made.lock().await;
        if *made {
            return Ok(());
        }
        let reply = self.send(Method::GET, "", None).await?;
        if reply.status == 404 {
            self.make(length).await?;
        } else if reply.status != 200 {
            return Err(refused(&reply));
        }
        *made = true;
        Ok(())
    }

    async fn make(&self, length: usize) -> Result<()> {
        let mut settings = json!({
            "vectors": { "size": self.length.unwrap_or(length), "distance": "Cosine" },
        });
        match self.quantization.as_deref() {
            Some("binary") => {
                settings["quantization_config"] = json!({ "binary": { "always_ram": false } });
            }
            Some("scalar") => {
                settings["quantization_config"] =
                    json!({ "scalar": { "type": "int8", "quantile": 0.99, "always_ram": false } });
            }
            Some("product") => {
                settings["quantization_config"] =
                    json!({ "product": { "compression": "x16", "always_ram": false } });
            }
            _ => {}
        }
        self.asked(Method::PUT, "", &settings).await?;
        let field = json!({ "field_name": "scope", "field_schema": "keyword" });
        self.asked(Method::PUT, "/index", &field).await.map(drop)
    }
}

fn answered(reply: &HttpReply) -> Result<Value> {
    if reply.status != 200 {
        return Err(refused(reply));
    }
    serde_json::from_slice(&reply.body).map_err(|_| broken("no JSON"))
}

fn refused(reply: &HttpReply) -> Error {
    let text = String::from_utf8_lossy(&reply.body);
    Error::new(Kind::Connection, format!("Qdrant answers {}: {}", reply.status, cut(text.trim(), TOLD)))
}

impl Neighbours for Qdrant {
    fn nearest<'a>(&'a self, question: &'a Question) -> BoxFuture<'a, Result<Option<(f64, Entry)>>> {
        async move {
            self.prepare(question.vector.len()).await?;
            let aged = json!({ "key": "until", "range": { "lte": now() } });
            let body = json!({
                "vector": question.vector, "limit": 1, "with_payload": true,
                "filter": {
                    "must": [{ "key": "scope", "match": { "value": question.scope } }], "must_not": [aged],
                },
            });
            let Some(found) = self.asked_collection(Method::POST, "/points/search", &body).await? else {
                return Ok(None);
            };
            let Some(point) = found.get("result").and_then(|result| result.get(0)) else { return Ok(None) };
            let entry = point.get("payload").and_then(|payload| payload.get("entry")?.as_str());
            let entry = entry.and_then(|entry| Entry::read(entry.as_bytes()));
            Ok(point.get("score").and_then(Value::as_f64).zip(entry))
        }
        .boxed()
    }

    fn add<'a>(
        &'a self,
        question: &'a Question,
        entry: &'a Bytes,
        ttl: Option<Duration>,
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            self.prepare(question.vector.len()).await?;
            let mut payload = json!({
                "scope": question.scope, "text": question.text, "entry": String::from_utf8_lossy(entry),
            });
            if let Some(ttl) = ttl {
                payload["until"] = now().saturating_add(ttl.as_secs()).into();
            }
            let point = json!({ "id": point_id(question), "vector": question.vector, "payload": payload });
            let body = json!({ "points": [point] });
            if self.asked_collection(Method::PUT, "/points", &body).await?.is_none() {
                self.prepare(question.vector.len()).await?;
                self.asked(Method::PUT, "/points", &body).await?;
            }
            Ok(())
        }
        .boxed()
    }
}

impl fmt::Debug for Qdrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Qdrant")
            .field("base", &self.base)
            .field("collection", &self.collection)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Kept;
    use crate::engine::tests::{Reply, server};
    use crate::store::redis::RedisOptions;
    use crate::store::stand_in;

    fn question() -> Question {
        Question { scope: "s".into(), text: "hi".into(), vector: vec![1.0, 0.0] }
    }

    #[tokio::test]
    async fn an_index_that_was_removed_is_made_again() {
        for said in [
            "-mine: no such index\r\n",
            "-Unknown Index name\r\n",
            "-No such index mine\r\n",
            "-SEARCH_INDEX_NOT_FOUND Index not found: mine\r\n",
        ] {
            let (port, asked) = stand_in::redis(move |_, command| {
                Some(if command[0] == "FT.SEARCH" { said } else { "+OK\r\n" }.to_owned())
            });
            let options =
                RedisOptions { nodes: vec![("127.0.0.1".to_owned(), port)], ..RedisOptions::default() };
            let neighbours = RedisNeighbours::new(Arc::new(Redis::new(options)), "mine");
            for _ in 0..2 {
                assert!(neighbours.nearest(&question()).await.unwrap().is_none(), "{said}");
            }
            neighbours.add(&question(), &Bytes::from("{}"), None).await.unwrap();
            neighbours.add(&question(), &Bytes::from("{}"), None).await.unwrap();
            let made = asked.lock().unwrap().iter().filter(|command| command[0] == "FT.CREATE").count();
            assert_eq!(made, 3, "once each time that it is not there: {said}");
        }
    }

    #[tokio::test]
    async fn a_collection_that_was_removed_is_made_again() {
        let (fine, missing) =
            (|| Reply::new("200 OK", "{\"result\":[]}"), || Reply::new("404 Not Found", "{}"));
        let making = || [missing(), fine(), fine()];
        let mut replies = vec![fine(), missing()];
        replies.extend(making());
        replies.extend([fine(), missing()]);
        replies.extend(making());
        replies.push(fine());
        let (base, served) = server(replies);
        let qdrant = Qdrant::new(&base, Some(Secret::new("k")), "c");
        for _ in 0..2 {
            assert!(qdrant.nearest(&question()).await.unwrap().is_none());
        }
        let entry = Entry::new(Kept::Json(json!(1))).write();
        qdrant.add(&question(), &entry, None).await.unwrap();
        let asked = served.join().unwrap();
        let told: Vec<&str> =
            asked.iter().filter_map(|line| line.strip_suffix(" HTTP/1.1")).map(str::trim).collect();
        let (look, make, index) = ("GET /collections/c", "PUT /collections/c", "PUT /collections/c/index");
        let (search, put) = ("POST /collections/c/points/search", "PUT /collections/c/points");
        assert_eq!(told, [look, search, look, make, index, search, put, look, make, index, put]);
    }
}
