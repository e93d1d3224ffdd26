//! Thinking that a model writes into its text: between tags at its very beginning (OLL-07), or up to a tag.

use crate::hub::Deltas;

/// Ends the thinking of a model whose answer begins in the middle of it.
pub const END: &str = "</think>";

/// Tags that open thinking, and those that close it.
const TAGS: &[(&str, &str)] =
    &[("<think>", END), ("<thinking>", "</thinking>"), ("<budget:thinking>", "</budget:thinking>")];

/// Splits a text that arrives in pieces; a tag may be cut anywhere.
#[derive(Debug, Default)]
pub struct Splitter {
    state: State,
    /// What may be a tag, or the beginning of one.
    held: String,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    /// Nothing but space so far.
    #[default]
    Beginning,
    /// Thinking, until this tag.
    Inside(&'static str),
    Visible,
}

impl Splitter {
    /// For a text that is thinking from its first word.
    pub fn inside() -> Self {
        Self { state: State::Inside(END), held: String::new() }
    }

    /// For a text that holds no thinking.
    pub fn visible() -> Self {
        Self { state: State::Visible, held: String::new() }
    }

    /// For a model that gives its thinking apart: its text is text.
    pub fn give_up(&mut self, out: &mut Pieces) {
        if let State::Beginning = self.state {
            out.text.push_str(&std::mem::take(&mut self.held));
            self.state = State::Visible;
        }
    }

    pub fn push(&mut self, text: &str, out: &mut Pieces) {
        match self.state {
            State::Visible => out.text.push_str(text),
            State::Beginning => {
                self.held.push_str(text);
                self.open(out);
            }
            State::Inside(end) => {
                self.held.push_str(text);
                self.close(end, out);
            }
        }
    }

    /// The text has ended: what was held was no tag.
    pub fn finish(&mut self, out: &mut Pieces) {
        let held = std::mem::take(&mut self.held);
        match self.state {
            State::Inside(_) => out.thinking.push_str(&held),
            State::Beginning | State::Visible => out.text.push_str(&held),
        }
        self.state = State::Visible;
    }

    fn open(&mut self, out: &mut Pieces) {
        let begun = self.held.trim_start();
        if let Some((start, end)) = TAGS.iter().find(|(start, _)| begun.starts_with(start)) {
            self.held = begun.get(start.len()..).unwrap_or_default().to_owned();
            self.state = State::Inside(end);
            self.close(end, out);
        } else if !TAGS.iter().any(|(start, _)| start.starts_with(begun)) {
            self.state = State::Visible;
            out.text.push_str(&std::mem::take(&mut self.held));
        }
    }

    fn close(&mut self, end: &'static str, out: &mut Pieces) {
        if let Some((thinking, text)) = self.held.split_once(end) {
            out.thinking.push_str(thinking);
            out.text.push_str(text);
            self.held.clear();
            self.state = State::Visible;
            return;
        }
        // All but what may be the beginning of the tag.
        let kept = (1..end.len())
            .rev()
            .find(|length| end.get(..*length).is_some_and(|start| self.held.ends_with(start)))
            .unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - kept);
        out.thinking.push_str(&self.held);
        self.held = rest;
    }
}

/// Thinking and text, in this order.
#[derive(Debug, Default)]
pub struct Pieces {
    pub thinking: String,
    pub text: String,
}

impl Pieces {
    /// Hands out the thinking; the text may have to pass another stage.
    pub fn reason(&mut self, out: &mut Deltas) {
        if !self.thinking.is_empty() {
            out.reasoning(0, std::mem::take(&mut self.thinking));
        }
    }
}

/// A whole text: its thinking, if there is any, and the rest.
pub fn split(text: &str) -> (Option<String>, String) {
    let mut splitter = Splitter::default();
    let mut pieces = Pieces::default();
    splitter.push(text, &mut pieces);
    splitter.finish(&mut pieces);
    ((!pieces.thinking.is_empty()).then_some(pieces.thinking), pieces.text)
}
