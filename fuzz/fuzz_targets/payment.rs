#![no_main]
#![allow(unsafe_code, reason = "libFuzzer calls from C")]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    purrwall_fuzz::payment(data);
});
