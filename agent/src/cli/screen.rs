//! What of a text a terminal has room for.

use std::num::NonZeroU16;

/// The text as far as it fits below itself: `rows` lines of `columns` characters, one of which stays free for the cursor.
/// What is left out is said.
pub(super) fn fit(text: &str, rows: u16, columns: NonZeroU16) -> String {
    let room = usize::from(rows).saturating_sub(1);
    let height = |line: &str| line.chars().count().div_ceil(usize::from(columns.get())).max(1);
    let heights: Vec<usize> = text.lines().map(height).collect();
    if heights.iter().sum::<usize>() <= room {
        return text.to_owned();
    }
    let ends = heights.iter().scan(0, |end, height| {
        *end += height;
        Some(*end)
    });
    let shown = ends.take_while(|end| *end < room).count();
    let kept: String = text.lines().take(shown).flat_map(|line| [line, "\n"]).collect();
    format!("{kept}… {} more lines than this terminal has room for\n", heights.len() - shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(text: &str, rows: u16, columns: u16) -> String {
        fit(text, rows, NonZeroU16::new(columns).expect("columns"))
    }

    #[test]
    fn what_fits_is_left_as_it_is() {
        assert_eq!(fitted("one\n\nthree\n", 4, 10), "one\n\nthree\n");
        assert_eq!(fitted("→→→→→\n", 2, 5), "→→→→→\n", "columns hold characters, not bytes");
        assert_eq!(fitted("", 1, 1), "");
    }

    #[test]
    fn what_does_not_is_cut_at_a_line_and_said() {
        assert_eq!(fitted("1\n2\n3\n4\n", 4, 80), "1\n2\n… 2 more lines than this terminal has room for\n");
        assert_eq!(fitted("a long line\n2\n3\n", 4, 6), "a long line\n… 2 more lines than this terminal has room for\n");
        assert_eq!(fitted("1\n2\n", 0, 80), "… 2 more lines than this terminal has room for\n");
    }
}
