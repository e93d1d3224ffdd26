//! An answer as a stream: the [`Step`]s every wire goes through, and the body that plays them with their delays,
//! breaks and errors. How a step looks on a wire is the wire's [`Renderer`].

use std::io;
use std::ops::Range;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use serde_json::Value;
use tokio::sync::watch;

use super::answer::{Answer, Choice};
use super::text::{Pieces, write_json};

/// Events are written together up to this size when there is no delay between them.
const BATCH: usize = 16 * 1024;

/// A part of an answer that streams in pieces.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    Thinking,
    Text,
    /// The call at this position.
    Call(usize),
}

pub(super) enum Step {
    /// A choice begins.
    Open,
    BlockOpen(Block),
    /// Some of the block's text, by position in it.
    Piece(Block, Range<usize>),
    BlockClose(Block),
    /// The choice is complete.
    Finish,
    /// The stream is complete.
    Close,
}

/// Writes the steps of an answer as the events of one wire.
pub(super) trait Renderer: Send {
    /// `choice` is the position of the choice the step is about.
    fn step(&mut self, answer: &Answer, choice: usize, step: &Step, out: &mut Vec<u8>);

    /// The wire's way to say that the answer failed half way.
    fn error(&mut self, out: &mut Vec<u8>);
}

impl Choice {
    pub(super) fn block(&self, block: Block) -> &str {
        match block {
            Block::Thinking => self.thinking.as_deref().unwrap_or_default(),
            Block::Text => &self.text,
            Block::Call(index) => self.calls.get(index).map_or("", |call| &call.json),
        }
    }

    fn blocks(&self) -> impl Iterator<Item = Block> {
        let thinking = self.thinking.is_some().then_some(Block::Thinking);
        let text = (!self.text.is_empty() || self.calls.is_empty()).then_some(Block::Text);
        thinking.into_iter().chain(text).chain((0..self.calls.len()).map(Block::Call))
    }
}

/// Every step of the answer, each with the position of its choice.
pub(super) fn steps(answer: &Answer) -> Vec<(usize, Step)> {
    let mut steps = Vec::new();
    for (index, choice) in answer.choices.iter().enumerate() {
        steps.push((index, Step::Open));
        for block in choice.blocks() {
            steps.push((index, Step::BlockOpen(block)));
            let chunks = answer.chunks.filter(|_| block == Block::Text);
            let pieces = ranges(choice.block(block), chunks);
            steps.extend(pieces.map(|range| (index, Step::Piece(block, range))));
            steps.push((index, Step::BlockClose(block)));
        }
        steps.push((index, Step::Finish));
    }
    steps.push((answer.choices.len().saturating_sub(1), Step::Close));
    steps
}

/// The places to cut `text` at: its pieces, or `chunks` runs of them where it has more pieces than that.
fn ranges(text: &str, chunks: Option<usize>) -> impl Iterator<Item = Range<usize>> {
    let count = chunks.map_or(0, |_| Pieces::new(text).count());
    let chunks = chunks.unwrap_or(usize::MAX).max(1);
    let mut pieces = Pieces::new(text).enumerate().peekable();
    let mut start = 0;
    std::iter::from_fn(move || {
        let (first, piece) = pieces.next()?;
        let mut end = start + piece.len();
        if count > chunks {
            let run = first * chunks / count;
            while let Some((_, piece)) = pieces.next_if(|(index, _)| index * chunks / count == run) {
                end += piece.len();
            }
        }
        let range = start..end;
        start = end;
        Some(range)
    })
}

/// Appends one server-sent event.
pub(super) fn write_event(name: Option<&str>, data: &Value, out: &mut Vec<u8>) {
    if let Some(name) = name {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.push(b'\n');
    }
    out.extend_from_slice(b"data: ");
    write_json(data, out);
    out.extend_from_slice(b"\n\n");
}

/// How a stream is to go wrong; both count pieces sent before, and come before the answer's finish at the latest.
#[derive(Clone, Copy, Default)]
pub(super) struct Accident {
    /// Break the connection.
    pub(super) cut: Option<usize>,
    /// Send an error event and end.
    pub(super) error: Option<usize>,
}

pub(super) struct Player {
    pub(super) answer: Answer,
    pub(super) renderer: Box<dyn Renderer>,
    /// The wait between pieces.
    pub(super) delay: Duration,
    pub(super) accident: Accident,
    /// Becomes true when the server stops.
    pub(super) closing: watch::Receiver<bool>,
}

impl Player {
    /// All events at once, whatever the delay.
    pub(super) fn collect(mut self) -> Vec<u8> {
        let mut out = Vec::new();
        for (choice, step) in steps(&self.answer) {
            self.renderer.step(&self.answer, choice, &step, &mut out);
        }
        out
    }

    pub(super) fn into_body(self) -> Body {
        let steps = steps(&self.answer).into_iter();
        let playing = Playing { player: self, steps, sent: 0, state: State::Running };
        Body::from_stream(stream::unfold(playing, |mut playing| async move {
            let item = playing.next().await?;
            Some((item, playing))
        }))
    }
}

struct Playing {
    player: Player,
    steps: std::vec::IntoIter<(usize, Step)>,
    /// Pieces so far.
    sent: usize,
    state: State,
}

enum State {
    Running,
    /// A piece whose delay is still to be waited for.
    Due(usize, Step),
    Breaking,
    Done,
}

impl Playing {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        let mut out = Vec::with_capacity(if self.player.delay.is_zero() { BATCH + 1024 } else { 256 });
        while out.is_empty() {
            match std::mem::replace(&mut self.state, State::Running) {
                State::Running => {}
                State::Due(choice, step) => {
                    if !wait(self.player.delay, &mut self.player.closing).await {
                        return self.broken("the mock server stops");
                    }
                    self.write(choice, &step, &mut out);
                }
                State::Breaking => {
                    // The pause lets what was written before reach the client.
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    return self.broken("cut as asked for by x-mock-cut");
                }
                State::Done => return None,
            }
            self.fill(&mut out);
        }
        Some(Ok(out.into()))
    }

    /// Writes steps until a batch is full or something has to be waited for.
    fn fill(&mut self, out: &mut Vec<u8>) {
        while out.len() < BATCH {
            let Some((choice, step)) = self.steps.next() else {
                self.state = State::Done;
                return;
            };
            let piece = matches!(step, Step::Piece(..));
            if piece || matches!(step, Step::Finish) {
                let due = |limit: Option<usize>| limit.is_some_and(|limit| !piece || self.sent >= limit);
                if due(self.player.accident.cut) {
                    self.state = State::Breaking;
                    return;
                }
                if due(self.player.accident.error) {
                    self.player.renderer.error(out);
                    self.state = State::Done;
                    return;
                }
            }
            if piece && self.sent > 0 && !self.player.delay.is_zero() {
                self.state = State::Due(choice, step);
                return;
            }
            self.write(choice, &step, out);
        }
    }

    fn write(&mut self, choice: usize, step: &Step, out: &mut Vec<u8>) {
        self.sent += usize::from(matches!(step, Step::Piece(..)));
        self.player.renderer.step(&self.player.answer, choice, step, out);
    }

    #[expect(clippy::unnecessary_wraps, reason = "it is the item of a stream")]
    fn broken(&mut self, why: &str) -> Option<io::Result<Bytes>> {
        self.state = State::Done;
        Some(Err(io::Error::other(why.to_owned())))
    }
}

/// Sleeps; false when the server stops first.
pub(super) async fn wait(time: Duration, closing: &mut watch::Receiver<bool>) -> bool {
    if time.is_zero() {
        return true;
    }
    tokio::select! {
        () = tokio::time::sleep(time) => true,
        _ = closing.wait_for(|closing| *closing) => false,
    }
}
