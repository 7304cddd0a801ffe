//! What Lambda itself says an invocation is billed: the REPORT line at the end of its log.

/// What Lambda bills for an invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Billed {
    /// Milliseconds, rounded up by Lambda.
    pub(super) ms: u64,
    /// The function's memory, MB.
    pub(super) memory_mb: u32,
}

/// Reads the REPORT line of the invocation `request_id`. A function may write such a line too; Lambda's own is the last.
pub(super) fn billed(log_tail: &str, request_id: &str) -> Option<Billed> {
    log_tail.lines().rev().find_map(|line| read_line(line, request_id))
}

fn read_line(line: &str, request_id: &str) -> Option<Billed> {
    let fields = line.trim_end().strip_prefix("REPORT RequestId: ")?.strip_prefix(request_id)?;
    let field = |name: &str, unit: &str| {
        let value = fields.split('\t').find_map(|field| field.strip_prefix(name))?;
        value.strip_prefix(": ")?.strip_suffix(unit).map(str::trim)
    };
    Some(Billed { ms: field("Billed Duration", "ms")?.parse().ok()?, memory_mb: field("Memory Size", "MB")?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TAIL: &str = "START RequestId: a-b Version: $LATEST\nhello\nEND RequestId: a-b\n\
        REPORT RequestId: a-b\tDuration: 1.20 ms\tBilled Duration: 52 ms\tMemory Size: 128 MB\tMax Memory Used: 9 MB\tInit Duration: 50.10 ms\t\n";

    #[test]
    fn lambda_s_own_line_is_read() {
        assert_eq!(billed(TAIL, "a-b"), Some(Billed { ms: 52, memory_mb: 128 }));
        assert_eq!(billed(TAIL, "c"), None);
        assert_eq!(billed("", "a-b"), None);
    }

    #[test]
    fn the_last_line_counts() {
        let forged = format!("REPORT RequestId: a-b\tBilled Duration: 1 ms\tMemory Size: 1 MB\n{TAIL}");
        assert_eq!(billed(&forged, "a-b").map(|billed| billed.ms), Some(52));
    }

    #[test]
    fn a_line_cut_or_strange_says_nothing() {
        for line in [
            "REPORT RequestId: a-b\tBilled Duration: 52",
            "REPORT RequestId: a-b\tBilled Duration: -1 ms\tMemory Size: 128 MB",
            "REPORT RequestId: a-b\tBilled Duration: 99999999999999999999999 ms\tMemory Size: 128 MB",
        ] {
            assert_eq!(billed(line, "a-b"), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_log_panics(tail in "(REPORT RequestId: x)?[\\t A-Za-z:0-9.\\n]{0,200}", id in "x?") {
            let _ = billed(&tail, &id);
        }
    }
}
