//! What the executable says of itself without being run: which function it is, and of which version.
//!
//! `deploy` looks for it in what it uploads; see the agent's `package`.

/// How the marker begins.
pub const BEGIN: &str = "awslambdaproxy-function/";

/// How the marker ends.
pub const END: char = ';';

/// The marker of this build: [`BEGIN`], the version, [`END`].
pub const MARKER: &str = concat!("awslambdaproxy-function/", env!("CARGO_PKG_VERSION"), ";");

/// Keeps the marker in the executable; the linker drops what nothing reads.
pub(crate) fn keep() {
    std::hint::black_box(MARKER);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marker_is_made_of_its_parts() {
        assert_eq!(MARKER, format!("{BEGIN}{}{END}", env!("CARGO_PKG_VERSION")));
    }
}
