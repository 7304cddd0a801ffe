//! Texts of the outside, fit to be shown.

/// A text of the outside as one can print it: no control characters, and not without end.
pub fn printable(text: &str, longest: usize) -> String {
    let shown = text.trim().chars().map(|c| if c.is_control() || is_direction(c) { ' ' } else { c });
    let mut shown: String = shown.take(longest).collect();
    if text.trim().chars().nth(longest).is_some() {
        shown.push('…');
    }
    shown
}

/// Characters that turn the order of what is shown after them.
pub(super) fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
