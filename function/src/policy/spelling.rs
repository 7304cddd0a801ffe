//! Legacy spellings of IPv4 addresses: decimal, octal, hexadecimal and shortened forms, which resolvers still read.

/// Whether a resolver may read `name` as an IPv4 address: its last label is a number, decimal, octal or hexadecimal
/// ("ends in a number" in the URL standard). No top-level domain is one, so no site has such a name.
pub(super) fn is_legacy_ipv4(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or_default();
    is_decimal(last) || is_hexadecimal(last)
}

fn is_decimal(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|c| c.is_ascii_digit())
}

/// A bare `0x` reads as zero.
fn is_hexadecimal(label: &str) -> bool {
    let digits = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    digits.is_some_and(|digits| digits.bytes().all(|c| c.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_any_dress_are_recognised() {
        for name in [
            "2130706433",
            "0177.0.0.1",
            "0x7f.1",
            "127.1",
            "0x7f000001",
            "0X7F000001",
            "017700000001",
            "127.0.0.1",
            "127.0.0.1.",
            "1.2.3.4.5",
            "256.256.256.256",
            "example.0x",
            "a.b.0",
        ] {
            assert!(is_legacy_ipv4(name), "{name}");
        }
    }

    #[test]
    fn names_with_digits_are_names() {
        for name in ["1password.com", "example.c0m", "127.0.0.1.nip.io", "0x7f.example", "4chan.org", "a-1", "0xg", "x0x1"] {
            assert!(!is_legacy_ipv4(name), "{name}");
        }
    }
}
