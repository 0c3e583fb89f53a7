//! How long it takes until code can be called.

use super::{Place, fresh, native, python, row};
use crate::function;
use crate::limits::DEPLOYS;
use crate::report::{Cell, Row, Unit};
use crate::sample::Sample;

const PART: &str = "deploy";

/// Creation and update, native and Python.
pub(super) fn measure(place: &Place) -> anyhow::Result<Vec<Row>> {
    let (_folder, instance) = fresh(place)?;
    let mut client = instance.client()?;
    function::create_role(&mut client)?;
    let runtime = instance.python()?;
    let mut rows = Vec::new();
    for language in ["native", "Python"] {
        let (mut created, mut updated) = (Vec::new(), Vec::new());
        for number in 0..DEPLOYS {
            let name = format!("{}-{number}", language.to_lowercase());
            let function = match language {
                "native" => native(place, &name, 128)?,
                _ => python(&runtime, &name, 128)?,
            };
            created.push(function.create(&mut client)?.as_nanos() as u64);
            updated.push(function.update(&mut client)?.as_nanos() as u64);
        }
        for (verb, latencies) in [("CreateFunction", created), ("UpdateFunctionCode", updated)] {
            let key = format!("{verb}-{language}").to_lowercase();
            let what = format!("{verb}, {language}, until active, p50 / p99");
            let cell = Cell::Figures(Sample::of(latencies).middle_and_tail());
            let mut row = row(PART, &key, &what, Unit::Time, cell);
            row.rie = Cell::because("no such call");
            row.cargo_lambda = Cell::because("no such call");
            rows.push(row);
        }
    }
    instance.stop()?;
    Ok(rows)
}
