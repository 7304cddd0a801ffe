//! The lines on the agent's socket: see `agent::fuzzing::control_socket`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| agent::fuzzing::control_socket::line(bytes));
