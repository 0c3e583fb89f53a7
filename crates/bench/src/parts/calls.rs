//! Calls out of the ordinary: a crowd from zero, and the largest payload.

use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;

use super::{Place, fresh, native, row};
use crate::function::{self, EVENT};
use crate::limits::{CROWD, PAYLOAD_BYTES, PAYLOADS};
use crate::load::Crowd;
use crate::peers::Language;
use crate::report::{Cell, Row, Unit};

const PART: &str = "calls";

/// Both.
pub(super) fn measure(place: &Place) -> anyhow::Result<Vec<Row>> {
    let (_folder, instance) = fresh(place)?;
    let mut client = instance.client()?;
    function::create_role(&mut client)?;

    let mut sleeper = native(place, "sleeper", 128)?;
    sleeper.sleep = Duration::from_secs(1);
    sleeper.create(&mut client)?;
    let request = client.signed("lambda", "Invoke", sleeper.invocation(Bytes::from_static(EVENT)))?;
    let total = Crowd::open(instance.address, CROWD)?.once(&request)?.elapsed;
    let what = format!("{CROWD} calls of one second at once, none warm, until the last answer");
    let mut crowd = row(PART, "crowd", &what, Unit::Time, Cell::one(total.as_nanos() as f64));
    crowd.aim = Some(2e9);
    crowd.rie = Cell::because("one call at a time");
    crowd.cargo_lambda = Cell::because("one process a function");

    let echo = native(place, "echo", 1769)?;
    echo.create(&mut client)?;
    let payload = payload();
    let request = client.signed("lambda", "Invoke", echo.invocation(payload.clone()))?;
    let what = format!("echo of {} MB, p50 / p99", PAYLOAD_BYTES / 1_000_000);
    let mut large = row(PART, "payload", &what, Unit::Time, echoes(instance.address, &request)?);
    instance.stop()?;
    if let Some(peers) = &place.peers {
        let folder = tempfile::tempdir().context("make a folder")?;
        let rie = peers.rie(&place.echo, Language::Native, folder.path())?;
        large.rie =
            echoes(rie.address, &rie.request_with(&payload)).unwrap_or_else(|_| Cell::because("fails"));
        drop(rie);
        let watch = peers.cargo_lambda(&place.echo, folder.path())?;
        large.cargo_lambda =
            echoes(watch.address, &watch.request_with(&payload)).unwrap_or_else(|_| Cell::because("fails"));
    }
    Ok(vec![crowd, large])
}

fn echoes(address: std::net::SocketAddr, request: &[u8]) -> anyhow::Result<Cell> {
    let mut crowd = Crowd::open(address, 1)?;
    crowd.paced(request, Duration::ZERO, 3)?;
    Ok(Cell::Figures(crowd.paced(request, Duration::ZERO, PAYLOADS)?.sample.middle_and_tail()))
}

/// A JSON string.
fn payload() -> Bytes {
    let mut payload = vec![b'x'; PAYLOAD_BYTES];
    payload[0] = b'"';
    payload[PAYLOAD_BYTES - 1] = b'"';
    Bytes::from(payload)
}
