//! A decoder fed as the engine feeds it, for the tests of the wires.

use bytes::Bytes;

use super::framing::{Frame, Frames};
use super::{Memo, Seen, StreamWire};
use crate::error::{Error, Result};
use crate::hub::{ChatResponse, Collector, Delta, Deltas, Target};

/// The deltas of a stream that comes in these pieces, and the error that ended it.
pub fn read(
    wire: &dyn StreamWire,
    target: &Target,
    memo: Memo,
    pieces: &[&[u8]],
) -> (Vec<Delta>, Option<Error>) {
    let mut frames = Frames::new(wire.framing());
    let mut decoder = wire.decoder(memo, target);
    let mut out = Deltas::default();
    let mut each = |frame: Frame<'_>| Ok(decoder.frame(frame, &mut out)? != Seen::Done);
    let fed = pieces.iter().try_fold(true, |open, piece| {
        if open { frames.push(Bytes::copy_from_slice(piece), &mut each) } else { Ok(false) }
    });
    let ended = fed.and_then(|open| if open { frames.finish(&mut each) } else { Ok(()) });
    let ended = ended.and_then(|()| decoder.end(&mut out));
    (out.0, ended.err())
}

/// The deltas of a stream that ends well.
pub fn deltas(wire: &dyn StreamWire, target: &Target, memo: Memo, pieces: &[&[u8]]) -> Result<Vec<Delta>> {
    let (deltas, error) = read(wire, target, memo, pieces);
    error.map_or(Ok(deltas), Err)
}

/// The response that deltas make.
pub fn collect(deltas: impl IntoIterator<Item = Delta>) -> ChatResponse {
    let mut collector = Collector::new();
    deltas.into_iter().for_each(|delta| collector.add(delta));
    collector.finish()
}
