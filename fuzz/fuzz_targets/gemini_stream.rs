#![no_main]

#[path = "../drivers.rs"]
mod drivers;

libfuzzer_sys::fuzz_target!(|input: &[u8]| drivers::run("gemini_stream", input));
