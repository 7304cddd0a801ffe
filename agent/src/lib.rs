//! The agent: a local HTTP and SOCKS5 proxy whose requests leave through functions in AWS Lambda.
//!
//! ```text
//!   listener → proxy/{http, socks5, auth} → routing → exits/pool → tunnel      what a request goes through
//!                                              └────→ direct                   only by rule
//! ```

pub mod direct;
pub mod exits;
pub mod listener;
pub mod proxy;
pub mod routing;
