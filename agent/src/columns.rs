//! Tables for people: columns that stand below each other, legible without colour.

use std::fmt::Write as _;

/// Columns as wide as their widest cell; nothing trails.
pub(crate) fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let head = head.iter().map(ToString::to_string).collect();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    rows.iter().fold(String::new(), |mut out, row| {
        let line: String = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}  ")).collect();
        let _ = writeln!(out, "{}", line.trim_end());
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_and_nothing_trails() {
        let rows = [["us-west-2", "→", ""], ["x", "yes", "more"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec()).to_vec();
        assert_eq!(table(&["PLACE", "IS", "DETAILS"], rows), "PLACE      IS   DETAILS\nus-west-2  →\nx          yes  more\n");
        assert_eq!(table(&["ALONE"], Vec::new()), "ALONE\n");
    }
}
