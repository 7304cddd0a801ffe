//! The number in the function's environment that makes later invocations start in new instances.

/// Name of the function's variable that carries it.
pub const GENERATION: &str = "AWSLAMBDAPROXY_GENERATION";

/// The generation after the one that stands in the variable; a function that never had one was in generation 0.
pub fn next(variable: Option<&str>) -> u64 {
    let old: u64 = variable.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    old.saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generation_rises_from_whatever_was_there() {
        assert_eq!((next(Some("41")), next(Some("x")), next(None)), (42, 1, 1));
        assert_eq!(next(Some(&u64::MAX.to_string())), u64::MAX);
    }
}
