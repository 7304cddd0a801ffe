//! "Did you mean": the known key nearest to an unknown one.

/// Share of a key's letters that may be wrong for it still to be meant.
const LARGEST_SHARE: usize = 3;

/// The best candidate for `unknown`, if any is near. Both are full keys such as `exits.grace`.
pub(super) fn nearest<'a>(unknown: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = normal(unknown);
    let best = known.map(|key| (distance(&wanted, unknown, key), key)).min()?;
    (best.0 <= (wanted.len() / LARGEST_SHARE).max(1)).then_some(best.1)
}

/// Letters to change. The right name in the wrong section is nearly right.
fn distance(wanted: &str, unknown: &str, key: &str) -> usize {
    let letters = strsim::osa_distance(wanted, &normal(key));
    if last(unknown) == last(key) { letters.min(1) } else { letters }
}

fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// People mix up the separators.
fn normal(key: &str) -> String {
    key.to_lowercase().replace(['-', '.'], "_").replace("__", "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 5] = ["exits.grace", "exits.drain", "proxy.listen", "relay.token", "frequency"];

    #[test]
    fn a_misspelled_key_is_recognised() {
        for (unknown, meant) in [
            ("exits.grase", Some("exits.grace")),
            ("proxy.grace", Some("exits.grace")),
            ("relay_token", Some("relay.token")),
            ("frequencey", Some("frequency")),
            ("colour", None),
        ] {
            assert_eq!(nearest(unknown, KNOWN.into_iter()), meant, "{unknown}");
        }
    }
}
