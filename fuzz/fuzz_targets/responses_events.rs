#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| drivers::run(env!("CARGO_BIN_NAME"), input));
