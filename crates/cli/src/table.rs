//! Plain tables: a header, rows, columns as wide as what is in them. Nothing is ever cut.

/// How a column is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Renders a header and rows, two spaces between columns, no trailing spaces.
pub fn render(columns: &[(&str, Align)], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = columns.iter().map(|(name, _)| name.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let header: Vec<String> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut text = String::new();
    for row in std::iter::once(&header).chain(rows) {
        let mut line = String::new();
        for ((cell, width), (_, align)) in row.iter().zip(&widths).zip(columns) {
            if !line.is_empty() {
                line.push_str("  ");
            }
            match align {
                Align::Left => line.push_str(&format!("{cell:<width$}")),
                Align::Right => line.push_str(&format!("{cell:>width$}")),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            vec!["hello".to_owned(), "128".to_owned(), "ok".to_owned()],
            vec!["a-long-name".to_owned(), "1024".to_owned(), String::new()],
        ];
        let columns = [("NAME", Align::Left), ("MB", Align::Right), ("STATE", Align::Left)];
        assert_eq!(
            render(&columns, &rows),
            "NAME           MB  STATE\nhello         128  ok\na-long-name  1024\n"
        );
    }
}
