//! Replays the fuzz targets' corpus: seeds from the parity corpus, and what the fuzzer found.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "the drivers and this are tests")]

#[path = "../../fuzz/drivers.rs"]
mod drivers;

use std::fs;
use std::path::{Path, PathBuf};

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target)
}

fn inputs(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let entries =
        fs::read_dir(folder(target)).unwrap_or_else(|error| panic!("no corpus of {target}: {error}"));
    entries.map(|entry| entry.unwrap().path()).map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Runs a target on each input of its corpus, and on what a broken connection would leave of it.
fn replay(target: &str) {
    let inputs = inputs(target);
    assert!(!inputs.is_empty(), "no corpus of {target}");
    for (path, input) in inputs {
        let cuts = [input.len(), input.len() / 2, input.len() / 3];
        for cut in cuts {
            let failed = std::panic::catch_unwind(|| drivers::run(target, &input[..cut])).is_err();
            assert!(!failed, "{} (its first {cut} bytes): see above", path.display());
        }
    }
}

macro_rules! corpus {
    ($($target:ident)*) => {
        $(
            #[test]
            fn $target() {
                replay(stringify!($target));
            }
        )*

        #[test]
        fn every_target_is_replayed() {
            let named = [$(stringify!($target)),*];
            assert_eq!(drivers::names(), named);
            let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/Cargo.toml");
            let manifest = fs::read_to_string(manifest).unwrap();
            let built = manifest.split("[[bin]]\n").skip(1);
            let built: Vec<_> = built.map(|bin| bin.split('"').nth(1).unwrap()).collect();
            assert_eq!(built, named);
            for folder in fs::read_dir(folder("")).unwrap() {
                let name = folder.unwrap().file_name().into_string().unwrap();
                assert!(named.contains(&name.as_str()), "fuzz/corpus/{name} belongs to no target");
            }
        }
    };
}

corpus! {
    sse openai_stream openai_response anthropic_stream anthropic_response gemini_stream gemini_response
    bedrock_stream bedrock_response bedrock_invoke_stream bedrock_invoke_response cohere_chat_stream
    cohere_chat_response ollama_chat_stream ollama_chat_response ollama_stream ollama_response
    wrapped_stream wrapped_response sagemaker_stream sagemaker_response text_stream text_response messages
    responses responses_events
}
