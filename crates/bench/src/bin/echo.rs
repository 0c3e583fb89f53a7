//! A native function that answers each event with itself, for `provided.al2023`. It speaks the Runtime API over one raw
//! connection and sends each answer together with the request for the next event. With `SLEEP_MS` it sleeps that long first;
//! with `ONE_BY_ONE` it asks for the next event only when its answer was accepted.

#![allow(clippy::disallowed_methods)] // A function: the environment and sleeping are its own.

use std::io;
use std::net::ToSocketAddrs;
use std::time::Duration;

use bench::connection::Connection;

fn main() -> io::Result<()> {
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API").map_err(io::Error::other)?;
    let sleep = std::env::var("SLEEP_MS").ok().and_then(|ms| ms.parse().ok()).map(Duration::from_millis);
    let one_by_one = std::env::var_os("ONE_BY_ONE").is_some();
    let api = api.strip_prefix("http://").unwrap_or(&api);
    let (host, path) = match api.find('/') {
        Some(at) => api.split_at(at),
        None => (api, ""),
    };
    let address = host.to_socket_addrs()?.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let mut connection = Connection::open(address)?;
    let base = format!("{path}/2018-06-01/runtime/invocation");
    let next = format!("GET {base}/next HTTP/1.1\r\nHost: {host}\r\n\r\n");
    connection.send(next.as_bytes())?;
    let mut answer = Vec::new();
    loop {
        answer.clear();
        connection.receive(|event| {
            let id = event.header("lambda-runtime-aws-request-id").unwrap_or_default();
            let length = event.body.len();
            answer.extend_from_slice(
                format!(
                    "POST {base}/{id}/response HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n"
                )
                .as_bytes(),
            );
            answer.extend_from_slice(&event.body);
        })?;
        if let Some(sleep) = sleep {
            std::thread::sleep(sleep);
        }
        if !one_by_one {
            answer.extend_from_slice(next.as_bytes());
        }
        connection.send(&answer)?;
        connection.receive(|accepted| accepted.status)?;
        if one_by_one {
            connection.send(next.as_bytes())?;
        }
    }
}
