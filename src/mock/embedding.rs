//! Embeddings without a model: each word has its own few places in the vector, so the same text always has the same
//! vector and texts that share words are near each other. Vectors have the length one.

use serde_json::Value;

const USUAL_DIMENSIONS: usize = 1536;
const MAX_DIMENSIONS: u64 = 4096;
/// Places of a word in the vector.
const PLACES: u64 = 4;

pub(super) fn dimensions(asked: &Value) -> Result<usize, String> {
    match asked {
        Value::Null => Ok(USUAL_DIMENSIONS),
        asked => match asked.as_u64() {
            Some(count @ 1..=MAX_DIMENSIONS) => Ok(usize::try_from(count).unwrap_or(USUAL_DIMENSIONS)),
            _ => Err(format!("'dimensions' must be a whole number from 1 to {MAX_DIMENSIONS}")),
        },
    }
}

pub(super) fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut vector = vec![0.0_f32; dimensions];
    let words = text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    for word in words.map(str::to_lowercase) {
        let word = hash(&word);
        for place in 0..PLACES {
            let number = mix(word.wrapping_add(place));
            let sign = if number >> 63 == 0 { 1.0 } else { -1.0 };
            let index = usize::try_from(number % dimensions as u64).unwrap_or(0);
            if let Some(value) = vector.get_mut(index) {
                *value += sign;
            }
        }
    }
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        for value in &mut vector {
            *value /= length;
        }
    } else if let Some(first) = vector.first_mut() {
        *first = 1.0;
    }
    vector
}

/// FNV-1a.
fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The step of SplitMix64: numbers that look random, the same for the same input.
pub(super) fn mix(input: u64) -> u64 {
    let mut number = input.wrapping_add(0x9e37_79b9_7f4a_7c15);
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_words_make_texts_near() {
        let near =
            |a: &str, b: &str| -> f32 { vector(a, 256).iter().zip(vector(b, 256)).map(|(a, b)| a * b).sum() };
        assert!((near("A cat sat", "a CAT sat") - 1.0).abs() < 1e-5);
        assert!(
            near("the cat sat down", "the cat stood up")
                > near("the cat sat down", "prices rose again") + 0.2
        );
        assert!((near("", "") - 1.0).abs() < 1e-5);
    }
}
