//! What an image counts, as OpenAI prices them: by tiles of its size after scaling. The size is read from the file's
//! head; nothing is fetched.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// An image of low detail, and what any image counts before its tiles.
const BASE: u64 = 85;
const PER_TILE: u64 = 170;
/// An image whose size is not known.
pub const UNKNOWN: u64 = 250;

const TILE: u32 = 512;
const LONG_SIDE: f64 = 2048.0;
const SHORT_SIDE: f64 = 768.0;

/// How much of a file is decoded to find its size. JPEG files may have a preview in front of it.
const HEAD: usize = 256 * 1024;

/// Tokens of an image at an address.
///
/// # Errors
///
/// When `detail` is none of OpenAI's.
pub fn count(url: &str, detail: Option<&str>) -> Result<u64, String> {
    match detail {
        Some("low") => Ok(BASE),
        None | Some("auto" | "high") => Ok(match url.split_once(";base64,") {
            Some((kind, data)) if kind.starts_with("data:") => count_base64(data),
            _ => UNKNOWN,
        }),
        Some(other) => Err(format!("image detail '{other}' is none of low, high and auto")),
    }
}

/// Tokens of an image in base64, in high detail.
pub fn count_base64(data: &str) -> u64 {
    let head = data.as_bytes().get(..HEAD).unwrap_or(data.as_bytes());
    let whole = head.len() - head.len() % 4;
    let bytes = STANDARD.decode(&head[..whole]).unwrap_or_default();
    size(&bytes).map_or(BASE, |(width, height)| BASE + PER_TILE * tiles(width, height))
}

fn tiles(width: u32, height: u32) -> u64 {
    let (mut width, mut height) = (f64::from(width), f64::from(height));
    let shrink = |limit: f64, side: f64| if side > limit { limit / side } else { 1.0 };
    let scale = shrink(LONG_SIDE, width.max(height));
    (width, height) = (width * scale, height * scale);
    let scale = shrink(SHORT_SIDE, width.min(height));
    (width, height) = (width * scale, height * scale);
    let along = |side: f64| (side / f64::from(TILE)).ceil().max(0.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most 2048 / 512, squared
    let tiles = (along(width) * along(height)) as u64;
    tiles
}

/// Width and height by the head of a PNG, GIF, WebP or JPEG file.
fn size(head: &[u8]) -> Option<(u32, u32)> {
    let big = |at: usize| Some(u32::from_be_bytes(head.get(at..at + 4)?.try_into().ok()?));
    let little = |at: usize| Some(u32::from(u16::from_le_bytes(head.get(at..at + 2)?.try_into().ok()?)));
    let little24 = |at: usize| head.get(at..at + 3).map(|b| u32::from_le_bytes([b[0], b[1], b[2], 0]));
    match head {
        [0x89, b'P', b'N', b'G', ..] => Some((big(16)?, big(20)?)),
        [b'G', b'I', b'F', b'8', ..] => Some((little(6)?, little(8)?)),
        [b'R', b'I', b'F', b'F', ..] if head.get(8..12)? == b"WEBP" => match head.get(12..16)? {
            b"VP8X" => Some((little24(24)? + 1, little24(27)? + 1)),
            b"VP8L" => {
                let bits = u32::from_le_bytes(head.get(21..25)?.try_into().ok()?);
                Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
            }
            _ => Some((little(26)? & 0x3fff, little(28)? & 0x3fff)),
        },
        [0xff, 0xd8, ..] => jpeg_size(head),
        _ => None,
    }
}

fn jpeg_size(head: &[u8]) -> Option<(u32, u32)> {
    let short = |at: usize| Some(u16::from_be_bytes(head.get(at..at + 2)?.try_into().ok()?));
    let mut at = 2;
    loop {
        let [0xff, marker] = *head.get(at..at + 2)? else { return None };
        match marker {
            0xff => at += 1, // filling
            // Frames, which have the size; not tables (c4, cc) or extensions (c8).
            0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                return Some((short(at + 7)?.into(), short(at + 5)?.into()));
            }
            0x01 | 0xd0..=0xd8 => at += 2,
            _ => at += 2 + usize::from(short(at + 2)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_after_scaling() {
        for (width, height, expected) in [
            (1, 1, 1),
            (512, 512, 1),
            (513, 512, 2),
            (1024, 1024, 4),
            (2048, 1024, 6),
            (4096, 1024, 4),
            (1000, 3000, 8),
            (300, 5000, 4),
            (4096, 8192, 6),
            (0, 0, 0),
        ] {
            assert_eq!(tiles(width, height), expected, "{width} x {height}");
        }
    }

    #[test]
    fn the_size_is_in_the_head() {
        let png = [b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".as_slice(), &[0, 0, 4, 0, 0, 0, 2, 0]].concat();
        assert_eq!(size(&png), Some((1024, 512)));
        assert_eq!(size(b"GIF89a\x40\x01\xf0\0"), Some((320, 240)));
        let webp = |kind: &[u8], rest: &[u8]| [b"RIFF\0\0\0\0WEBP", kind, rest].concat();
        let extended = webp(b"VP8X", &[10, 0, 0, 0, 0, 0, 0, 0, 0x3f, 1, 0, 0xef, 0, 0]);
        assert_eq!(size(&extended), Some((320, 240)));
        let lossless = webp(b"VP8L", &[0, 0, 0, 0, 0x2f, 0x3f, 0xc1, 0x3b, 0]);
        assert_eq!(size(&lossless), Some((320, 240)));
        let lossy = webp(b"VP8 ", &[0, 0, 0, 0, 0, 0, 0, 0x9d, 1, 0x2a, 0x40, 1, 0xf0, 0]);
        assert_eq!(size(&lossy), Some((320, 240)));
        let jpeg = [0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xc0, 0, 11, 8, 0, 240, 1, 64, 3];
        assert_eq!(size(&jpeg), Some((320, 240)));
        for cut in 0..jpeg.len() - 2 {
            assert_eq!(size(&jpeg[..cut]), None);
        }
    }

    #[test]
    fn what_cannot_be_read_counts_as_little_or_by_default() {
        assert_eq!(count("data:image/png;base64,zz", None), Ok(BASE));
        assert_eq!(count("https://example.com/a.png", Some("high")), Ok(UNKNOWN));
        assert_eq!(count("https://example.com/a.png", Some("low")), Ok(BASE));
        assert!(count("", Some("huge")).unwrap_err().contains("huge"));
    }
}
