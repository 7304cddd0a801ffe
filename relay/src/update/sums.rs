//! `SHA256SUMS`, as sha256sum(1) writes it: what a release says of each of its files.

/// Most bytes of the list: a release has some dozens of files.
pub(super) const LARGEST_LIST: u64 = 64 * 1024;

/// The SHA-256 that `list` says of `file`; `None` when it says none, or more than one.
pub(super) fn of_file(list: &str, file: &str) -> Option<[u8; 32]> {
    let mut found = list.lines().filter_map(line).filter(|(_, name)| *name == file);
    match (found.next(), found.next()) {
        (Some((sum, _)), None) => Some(sum),
        _ => None,
    }
}

/// One line: the sum, two characters that say how the file was read, the name.
fn line(line: &str) -> Option<([u8; 32], &str)> {
    let (sum, rest) = line.split_once(' ')?;
    let name = rest.strip_prefix([' ', '*'])?;
    let mut bytes = [0; 32];
    hex::decode_to_slice(sum, &mut bytes).ok()?;
    Some((bytes, name))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_file_is_found_by_its_whole_name() {
        let sum = "11".repeat(32);
        let list = format!("{}  other.tar.gz\n{sum}  a.tar.gz\n{sum} *b.tar.gz\n", "22".repeat(32));
        assert_eq!(of_file(&list, "a.tar.gz"), Some([0x11; 32]));
        assert_eq!(of_file(&list, "b.tar.gz"), Some([0x11; 32]));
        assert_eq!(of_file(&list, "tar.gz"), None);
        assert_eq!(of_file(&list, ""), None);
    }

    #[test]
    fn a_file_with_two_sums_has_none() {
        let list = format!("{}  a\n{}  a\n", "11".repeat(32), "22".repeat(32));
        assert_eq!(of_file(&list, "a"), None);
    }

    proptest! {
        #[test]
        fn no_list_panics(list in "([0-9a-f]{62,66} [ *]?[a-z.\\n]{0,4}|.{0,40}\\n){0,4}", file in "[a-z.]{0,3}") {
            let _ = of_file(&list, &file);
        }
    }
}
