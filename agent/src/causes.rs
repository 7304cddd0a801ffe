//! An error and the causes below it in one line, each said once: many errors repeat what the next one says.

use std::error::Error;

/// The texts of `causes`, the uppermost first, without those that stand in what was said before.
pub(crate) fn in_one_line<'a>(causes: impl Iterator<Item = &'a (dyn Error + 'static)>) -> String {
    let mut line = String::new();
    for text in causes.map(ToString::to_string) {
        if line.is_empty() {
            line = text;
        } else if !line.contains(&text) {
            line.push_str(": ");
            line.push_str(&text);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use std::io;

    use anyhow::anyhow;

    use super::*;
    use crate::control_socket::LockError;

    #[test]
    fn a_cause_is_said_once_whoever_repeats_it() {
        let line = |error: anyhow::Error| in_one_line(error.chain());
        assert_eq!(line(anyhow!("b").context("a")), "a: b");
        assert_eq!(line(anyhow!("cannot listen").context("cannot listen (held by another)")), "cannot listen (held by another)");
        let lock = LockError::File { path: "/x.lock".into(), source: io::ErrorKind::PermissionDenied.into() };
        assert_eq!(line(lock.into()), "the lock /x.lock cannot be used: permission denied");
    }
}
