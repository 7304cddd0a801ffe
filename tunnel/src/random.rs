//! Random bytes for secrets and names.

use aws_lc_rs::rand;

/// `N` bytes of the system's random source.
///
/// # Panics
/// When the system has no random source: nothing that follows could be kept secret.
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    rand::fill(&mut out).expect("the system has a random source");
    out
}
