//! Text as the mock counts and cuts it. One rule serves usage, `max_tokens` and the chunks of a stream, so the three
//! always agree: a piece is a word with the white space before it, and a long word is several pieces.

use serde_json::Value;

/// Characters of a word that make one piece.
const PIECE: usize = 12;

/// Iterates over the pieces of a text; together they are the text.
pub(super) struct Pieces<'a> {
    rest: &'a str,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let mut letters = 0;
        let mut end = self.rest.len();
        for (index, character) in self.rest.char_indices() {
            let complete = if character.is_whitespace() { letters > 0 } else { letters == PIECE };
            if complete {
                end = index;
                break;
            }
            letters += usize::from(!character.is_whitespace());
        }
        let (piece, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!piece.is_empty()).then_some(piece)
    }
}

/// The estimate of a text's tokens: its pieces.
pub(super) fn tokens(text: &str) -> usize {
    Pieces::new(text).count()
}

/// The length in bytes of the first `count` pieces.
pub(super) fn first_pieces(text: &str, count: usize) -> usize {
    Pieces::new(text).take(count).map(str::len).sum()
}

/// The first `count` characters, with an ellipsis where something was cut off.
pub(super) fn shortened(text: &str, count: usize) -> String {
    match text.char_indices().nth(count) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Stands in a [`Stencil`]'s value where the text goes.
pub(super) const HOLE: &str = "\u{e000}hole\u{e000}";

/// A stream event rendered once, with a hole for the text that differs from one event to the next.
#[derive(Default)]
pub(super) struct Stencil {
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Stencil {
    /// `value` has [`HOLE`] as the one string to be filled in; `before` and `after` frame the event.
    pub(super) fn new(before: &str, value: &Value, after: &str) -> Self {
        let rendered = value.to_string();
        let quoted = format!("\"{HOLE}\"");
        let (head, tail) = rendered.split_once(&quoted).unwrap_or((&rendered, ""));
        Self { head: [before, head].concat().into_bytes(), tail: [tail, after].concat().into_bytes() }
    }

    pub(super) fn write(&self, text: &str, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        write_json(text, out);
        out.extend_from_slice(&self.tail);
    }
}

/// Appends a value as JSON.
pub(super) fn write_json<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    // Neither the values written here (strings, `Value`) nor a `Vec` can fail.
    let _ = serde_json::to_writer(out, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_up_the_text() {
        for text in
            ["", " ", "one", "one two", "  lead and trail  ", "extraordinarily", "日本語のとても長い単語です"]
        {
            assert_eq!(Pieces::new(text).collect::<String>(), text);
        }
        assert_eq!(Pieces::new("Hello from here").collect::<Vec<_>>(), ["Hello", " from", " here"]);
        assert_eq!(tokens("extraordinarily"), 2);
        assert_eq!(first_pieces("Hello from here", 2), "Hello from".len());
    }

    #[test]
    fn stencil_fills_its_hole() {
        let stencil = Stencil::new("data: ", &serde_json::json!({"a": {"b": HOLE}, "c": 1}), "\n\n");
        let mut out = Vec::new();
        stencil.write("x\"y", &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "data: {\"a\":{\"b\":\"x\\\"y\"},\"c\":1}\n\n");
    }
}
