//! Where a JSON value ends whose text arrives in pieces: each byte is looked at once.

use memchr::memchr2;

/// State of the search for the end of one object or list.
#[derive(Debug, Default)]
pub struct Nesting {
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Nesting {
    /// One past the value's last byte, looking on at `from`; `None` when more is to come.
    pub fn end(&mut self, bytes: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        while let Some(byte) = bytes.get(at) {
            if self.escaped {
                self.escaped = false;
            } else if self.in_string {
                at += memchr2(b'"', b'\\', bytes.get(at..)?)?;
                self.escaped = bytes.get(at) == Some(&b'\\');
                self.in_string = self.escaped;
            } else {
                match byte {
                    b'"' => self.in_string = true,
                    b'{' | b'[' => self.depth += 1,
                    b'}' | b']' => {
                        self.depth = self.depth.saturating_sub(1);
                        if self.depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                }
            }
            at += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_found_however_the_text_is_cut() {
        for value in [r#"{"a":[1,{"b":"}]\\\"{"}]}"#, r#"["]",[],{}]"#, "{}"] {
            let text = format!("{value},").into_bytes();
            for cut in 0..=text.len() {
                let mut nesting = Nesting::default();
                let end = nesting.end(&text[..cut], 0).or_else(|| nesting.end(&text, cut));
                assert_eq!(end, Some(value.len()), "{value} cut at {cut}");
            }
        }
    }
}
