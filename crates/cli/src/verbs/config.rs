//! `config`: the effective settings, and where each comes from.

use server::config::Row;

use crate::failure::{Exit, Failure};
use crate::session::Session;
use crate::settings;
use crate::table::{Align, render};
use crate::verbs::up::Arguments;

/// Shows what `up` would run with, given the same flags.
pub fn run(session: &Session, arguments: &Arguments) -> Result<Exit, Failure> {
    let (_, rows) = settings::load(session, arguments)?;
    if session.screen.is_json() {
        let document = serde_json::json!({ "Settings": rows });
        session.screen.answer(&format!("{document}\n"))?;
    } else {
        session.screen.answer(&table(&rows))?;
    }
    Ok(Exit::Done)
}

fn table(rows: &[Row]) -> String {
    let cells = |row: &Row| {
        let value = if row.value.is_empty() { "\"\"".to_owned() } else { row.value.clone() };
        vec![row.key.to_owned(), value, row.origin.clone()]
    };
    let columns = [("SETTING", Align::Left), ("VALUE", Align::Left), ("FROM", Align::Left)];
    render(&columns, &rows.iter().map(cells).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_shows_its_origin() {
        let row = |key, value: &str, origin: &str| Row { key, value: value.into(), origin: origin.into() };
        let rows = [row("listen", "127.0.0.1:1", "--listen"), row("store.url", "", "default")];
        assert_eq!(
            table(&rows),
            "SETTING    VALUE        FROM\nlisten     127.0.0.1:1  --listen\nstore.url  \"\"           default\n"
        );
    }
}
