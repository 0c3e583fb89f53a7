//! What was measured, as rows: kept as JSON, shown as a table on a terminal and in SPECIFICATION.md.

use serde::{Deserialize, Serialize};

/// One quantity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its name in files.
    pub key: String,
    /// The part of the bench that measures it.
    pub part: String,
    /// What it is, for readers.
    pub what: String,
    /// What its figures count.
    pub unit: Unit,
    /// The first figure is meant to be at most this.
    pub aim: Option<f64>,
    /// Ours.
    pub ours: Cell,
    /// That of aws-lambda-rie.
    pub rie: Cell,
    /// That of cargo-lambda.
    pub cargo_lambda: Cell,
}

/// What figures count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Nanoseconds, shown as µs, ms or s.
    Time,
    /// A count, shown with one decimal below a hundred.
    Count,
    /// Bytes, shown as MB.
    Bytes,
    /// Events per second.
    PerSecond,
}

/// Figures, or why there are none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// Figures of the row's unit.
    Figures(Vec<f64>),
    /// Why there are none.
    Words(String),
}

impl Cell {
    /// The row makes no sense for this one.
    pub fn nothing() -> Cell {
        Cell::Words("–".to_owned())
    }

    /// A single figure.
    pub fn one(figure: f64) -> Cell {
        Cell::Figures(vec![figure])
    }

    /// Why there is no figure.
    pub fn because(why: &str) -> Cell {
        Cell::Words(why.to_owned())
    }

    /// The first figure.
    pub fn first(&self) -> Option<f64> {
        match self {
            Cell::Figures(figures) => figures.first().copied(),
            Cell::Words(_) => None,
        }
    }

    fn shown(&self, unit: Unit) -> String {
        match self {
            Cell::Words(words) => words.clone(),
            Cell::Figures(figures) => unit.all(figures),
        }
    }
}

impl Unit {
    /// Figures separated by slashes; those of one scale name it once.
    fn all(self, figures: &[f64]) -> String {
        let shown: Vec<(String, &str)> = figures.iter().map(|&figure| self.one(figure)).collect();
        let mut text = String::new();
        for (index, (number, scale)) in shown.iter().enumerate() {
            if index > 0 {
                text.push_str(" / ");
            }
            text.push_str(number);
            let next = shown.get(index + 1).map(|(_, scale)| *scale);
            if !scale.is_empty() && next != Some(*scale) {
                text.push(' ');
                text.push_str(scale);
            }
        }
        text
    }

    fn one(self, figure: f64) -> (String, &'static str) {
        match self {
            Unit::Time if figure < 1e6 => (digits(figure / 1e3), "µs"),
            Unit::Time if figure < 1e9 => (digits(figure / 1e6), "ms"),
            Unit::Time => (digits(figure / 1e9), "s"),
            Unit::Bytes => (digits(figure / 1e6), "MB"),
            Unit::PerSecond => (digits(figure), "/s"),
            Unit::Count => (digits(figure), ""),
        }
    }
}

/// Three digits that matter, and thousands in groups.
fn digits(figure: f64) -> String {
    let decimals = match figure {
        figure if figure < 9.995 => 2,
        figure if figure < 99.95 => 1,
        _ => 0,
    };
    let text = format!("{figure:.decimals$}");
    let (whole, rest) = match text.find('.') {
        Some(at) => text.split_at(at),
        None => (text.as_str(), ""),
    };
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + rest
}

impl Row {
    /// The texts of its columns: what, aim, ours, and the peers'.
    fn columns(&self) -> [String; 5] {
        let aim = self.aim.map_or_else(|| "–".to_owned(), |aim| format!("≤ {}", self.unit.all(&[aim])));
        let missed = self.aim.zip(self.ours.first()).is_some_and(|(aim, figure)| figure > aim);
        let ours = self.ours.shown(self.unit);
        let ours = if missed { format!("{ours} (missed)") } else { ours };
        [self.what.clone(), aim, ours, self.rie.shown(self.unit), self.cargo_lambda.shown(self.unit)]
    }
}

const HEADS: [&str; 5] = ["what", "aim", "lambent", "aws-lambda-rie", "cargo-lambda"];

/// A table for a terminal.
pub fn terminal<'a>(rows: impl IntoIterator<Item = &'a Row>) -> String {
    let mut lines = vec![HEADS.map(str::to_owned)];
    lines.extend(rows.into_iter().map(Row::columns));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 5] = std::array::from_fn(width);
    let mut text = String::new();
    for line in &lines {
        let padded = line.iter().zip(widths).map(|(cell, width)| {
            let missing = width - cell.chars().count();
            format!("{cell}{}", " ".repeat(missing))
        });
        text.push_str(padded.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// A table for SPECIFICATION.md, with the command that measures each row.
pub fn markdown<'a>(rows: impl IntoIterator<Item = &'a Row>) -> String {
    let mut text = format!("| {} | measured by |\n|---|---|---|---|---|---|\n", HEADS.join(" | "));
    for row in rows {
        let [what, aim, ours, rie, cargo_lambda] = row.columns();
        let part = &row.part;
        text.push_str(&format!(
            "| {what} | {aim} | **{ours}** | {rie} | {cargo_lambda} | `./x bench {part}` |\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ours: Cell) -> Row {
        Row {
            key: "warm".into(),
            part: "warm".into(),
            what: "a warm call".into(),
            unit: Unit::Time,
            aim: Some(100_000.0),
            ours,
            rie: Cell::one(312_345.0),
            cargo_lambda: Cell::nothing(),
        }
    }

    #[test]
    fn figures_are_shown_with_three_digits_and_their_scale_once() {
        for (unit, figures, want) in [
            (Unit::Time, &[87_123.0, 143_900.0][..], "87.1 / 144 µs"),
            (Unit::Time, &[870_000.0, 1_439_000.0], "870 µs / 1.44 ms"),
            (Unit::Time, &[1_010_000_000.0], "1.01 s"),
            (Unit::Count, &[123_456.0], "123,456"),
            (Unit::Count, &[0.8, 4.0], "0.80 / 4.00"),
            (Unit::Bytes, &[16_940_000.0], "16.9 MB"),
            (Unit::PerSecond, &[27_012.4], "27,012 /s"),
            (Unit::Time, &[9_999.0], "10.0 µs"),
        ] {
            assert_eq!(unit.all(figures), want);
        }
    }

    #[test]
    fn a_missed_aim_is_named() {
        let kept = row(Cell::Figures(vec![87_000.0, 143_000.0]));
        let missed = row(Cell::one(150_000.0));
        assert_eq!(
            markdown([&kept, &missed]),
            "| what | aim | lambent | aws-lambda-rie | cargo-lambda | measured by |\n|---|---|---|---|---|---|\n\
             | a warm call | ≤ 100 µs | **87.0 / 143 µs** | 312 µs | – | `./x bench warm` |\n\
             | a warm call | ≤ 100 µs | **150 µs (missed)** | 312 µs | – | `./x bench warm` |\n"
        );
    }

    #[test]
    fn columns_on_a_terminal_are_aligned() {
        let text = terminal([&row(Cell::one(87_000.0))]);
        assert_eq!(
            text,
            "what         aim       lambent  aws-lambda-rie  cargo-lambda\n\
             a warm call  ≤ 100 µs  87.0 µs  312 µs          –\n"
        );
    }

    #[test]
    fn rows_survive_being_written_down() {
        let rows = vec![row(Cell::one(1.5)), row(Cell::because("no such thing"))];
        let text = serde_json::to_string(&rows).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Row>>(&text).unwrap(), rows);
    }
}
