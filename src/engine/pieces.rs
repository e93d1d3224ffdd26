//! What is in a file that a provider keeps, piece by piece: never all of it in memory.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::Meta;
use super::error_context::ErrorContext;
use super::exchange::Exchange;
use super::stream::mid_stream;
use crate::error::Result;
use crate::transport::Body;

/// A file in pieces of one size, but for the last. Upstream is read only when the caller asks for more, and dropping the
/// stream closes its connection.
pub struct ByteStream {
    source: Option<Source>,
    size: usize,
    /// What has been read and is no whole piece yet.
    left: BytesMut,
    meta: Meta,
}

struct Source {
    body: Body,
    idle: Duration,
    context: ErrorContext,
}

impl ByteStream {
    pub(super) fn new(exchange: &Exchange, body: Body, size: usize) -> Self {
        let meta = exchange.meta(body.status(), body.headers().clone());
        let source = Source { body, idle: exchange.envelope.limits.idle, context: exchange.error_context() };
        Self { source: Some(source), size: size.max(1), left: BytesMut::new(), meta }
    }

    /// Of a file that is there already.
    pub(super) fn whole(data: Bytes, size: usize, meta: Meta) -> Self {
        Self { source: None, size: size.max(1), left: data.into(), meta }
    }

    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Waits for the next piece. None means the end.
    pub async fn next_piece(&mut self) -> Result<Option<Bytes>> {
        while self.left.len() < self.size
            && let Some(source) = &mut self.source
        {
            match source.body.read(source.idle).await {
                Ok(Some(read)) => self.left.extend_from_slice(&read),
                Ok(None) => self.source = None,
                Err(error) => {
                    let error = mid_stream(error, &source.context, &self.meta, None);
                    self.source = None;
                    self.left.clear();
                    return Err(error);
                }
            }
        }
        let size = self.size.min(self.left.len());
        Ok((size > 0).then(|| self.left.split_to(size).freeze()))
    }
}
