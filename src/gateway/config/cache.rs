//! `cache` and `cache_params`: the reference's names for what a cache's description calls otherwise.

use serde_json::Value;

use super::build::said;
use super::problem::Report;
use super::source::Over;
use super::yaml::{Node, Tree};
use crate::cache::Spec;
use crate::json::Map;

/// What LiteLLM takes for `cache: true` alone.
const KIND: &str = "redis";
/// (theirs, ours) where the names differ, for any kind of store.
const NAMES: [(&str, &str); 29] = [
    ("redis_url", "url"),
    ("redis_startup_nodes", "startup_nodes"),
    ("s3_bucket_name", "bucket"),
    ("s3_region_name", "region"),
    ("s3_endpoint_url", "endpoint_url"),
    ("s3_aws_access_key_id", "aws_access_key_id"),
    ("s3_aws_secret_access_key", "aws_secret_access_key"),
    ("s3_aws_session_token", "aws_session_token"),
    ("s3_path", "path"),
    ("s3_use_ssl", "use_ssl"),
    ("gcs_bucket_name", "bucket"),
    ("gcs_path_service_account", "path_service_account"),
    ("gcs_path", "path"),
    ("azure_account_url", "account_url"),
    ("azure_blob_container", "container"),
    ("redis_semantic_cache_embedding_model", "embedding_model"),
    ("valkey_semantic_cache_embedding_model", "embedding_model"),
    ("qdrant_semantic_cache_embedding_model", "embedding_model"),
    ("redis_semantic_cache_index_name", "index_name"),
    ("valkey_semantic_cache_index_name", "index_name"),
    ("qdrant_collection_name", "collection_name"),
    ("qdrant_quantization_config", "quantization_config"),
    ("qdrant_semantic_cache_vector_size", "vector_size"),
    ("semantic_cache_embedding_timeout", "embedding_timeout"),
    ("default_redis_ttl", "default_in_redis_ttl"),
    ("gcp_ssl_ca_certs", "ssl_ca_certs"),
    ("qdrant_api_base", "qdrant_api_base"),
    ("qdrant_api_key", "qdrant_api_key"),
    ("default_in_memory_ttl", "default_in_memory_ttl"),
];
/// Names that belong to one kind of store, by what they begin with.
const KINDS: [(&str, &str); 7] = [
    ("s3_", "s3"),
    ("gcs_", "gcs"),
    ("azure_", "azure-blob"),
    ("redis_semantic_", "redis-semantic"),
    ("valkey_semantic_", "valkey-semantic"),
    ("qdrant_", "qdrant-semantic"),
    ("disk_", "disk"),
];
/// The model that makes vectors when nobody says.
const EMBEDDING_MODEL: &str = "text-embedding-ada-002";

/// The cache that the settings describe, checked; `None` when answers are not kept.
pub fn spec(calls: &Node, environment: &Over<'_>, report: &mut Report) -> Option<Spec> {
    let node = calls.get("cache")?;
    if !matches!(node.tree, Tree::Switch(true)) {
        return None;
    }
    let params = calls.get("cache_params").filter(|params| !params.is_null()).unwrap_or(node);
    let kind = params.get("type").and_then(Node::text).unwrap_or(KIND);
    let mut described = Map::new();
    for key in ["default_in_memory_ttl", "default_redis_ttl"] {
        if let Some(node) = calls.get(key) {
            described.insert(ours(key).to_owned(), node.to_json());
        }
    }
    for entry in params.entries() {
        let key = entry.key.as_str();
        let is_others = KINDS.iter().any(|(begin, of)| key.starts_with(begin) && kind != *of);
        if is_others || entry.value.is_null() && key != "ssl_cert_reqs" {
            continue;
        }
        let value = entry.value.to_json();
        match key {
            "s3_verify" if value.is_string() => described.insert("ssl_ca_certs".to_owned(), value),
            "s3_verify" => described.insert("ssl_verify".to_owned(), value),
            // What turns the check off is written as null, too.
            "ssl_cert_reqs" => {
                let is_off = match value.as_str() {
                    Some(text) => matches!(text.to_ascii_lowercase().as_str(), "none" | "cert_none" | "0"),
                    None => value.is_null() || value == 0,
                };
                is_off.then(|| described.insert("ssl_verify".to_owned(), Value::Bool(false))).flatten()
            }
            "port" | "db" => {
                let number = value.as_str().and_then(|text| text.trim().parse::<u64>().ok());
                described.insert(key.to_owned(), number.map_or(value, Value::from))
            }
            _ => described.insert(ours(key).to_owned(), value),
        };
    }
    if kind.ends_with("-semantic") {
        described.entry("embedding_model").or_insert_with(|| EMBEDDING_MODEL.into());
    }
    described.insert("type".to_owned(), kind.into());
    ports(&mut described);
    let path = "litellm_settings.cache_params";
    let spec = match serde_json::from_value::<Spec>(Value::Object(described)) {
        Ok(spec) => spec,
        Err(failed) => {
            report.error(params.at, path, format!("this is no cache: {failed}"));
            return None;
        }
    };
    if let Err(failed) = tried(&spec, environment) {
        report.error(params.at, path, failed);
        return None;
    }
    Some(spec)
}

fn ours(key: &str) -> &str {
    NAMES.iter().find(|(theirs, _)| *theirs == key).map_or(key, |(_, ours)| ours)
}

/// The reference's examples write the ports of a cluster as texts.
fn ports(described: &mut Map) {
    let nodes = described.get_mut("startup_nodes").and_then(Value::as_array_mut);
    for node in nodes.into_iter().flatten().filter_map(Value::as_object_mut) {
        if let Some(port) = node.get("port").and_then(Value::as_str).and_then(|port| port.parse::<u16>().ok())
        {
            node.insert("port".to_owned(), port.into());
        }
    }
}

/// Whether it can be set up. Nothing is opened or reached.
fn tried(spec: &Spec, environment: &Over<'_>) -> Result<(), String> {
    if let Ok(home) = tokio::runtime::Handle::try_current() {
        return spec.open(home, environment).map(|_| ()).map_err(|failed| said(&failed));
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().build().map_err(|failed| failed.to_string())?;
    spec.open(runtime.handle().clone(), environment).map(|_| ()).map_err(|failed| said(&failed))
}
