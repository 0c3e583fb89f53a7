use std::net::IpAddr;

use http::header::HOST;
use http::{HeaderMap, request};
use wire::{Host, Hosts, host_name};

/// The names by which this server is reached.
#[derive(Clone, Copy)]
pub(crate) struct Ours<'a> {
    /// Our own URL.
    pub(crate) endpoint: &'a str,
    /// The suffixes of names that mean us.
    pub(crate) hosts: &'a Hosts,
}

impl Ours<'_> {
    /// True when a `Host` header means this machine or the address that the server listens on. A page from elsewhere that
    /// had its name rebound to a loopback address cannot forge it.
    pub(crate) fn include(&self, host: &str) -> bool {
        let Some(name) = host_name(host) else { return false };
        let own = self.endpoint.split_once("://").map_or(self.endpoint, |(_, own)| own);
        self.hosts.are_ours(name)
            || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            || host.eq_ignore_ascii_case(own)
    }
}

/// The host that a client named, with its port. `None` when it is no host.
pub(crate) fn named(head: &request::Parts) -> Option<&str> {
    header(&head.headers).filter(|host| host_name(host).is_some())
}

/// What the host that a client named means.
pub(crate) fn meaning<'a>(head: &'a request::Parts, hosts: &Hosts) -> Host<'a> {
    named(head).map(|host| hosts.read(host)).unwrap_or_default()
}

/// The `Host` header.
pub(crate) fn header(headers: &HeaderMap) -> Option<&str> {
    headers.get(HOST)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_the_endpoint_and_the_settings_suffixes_are_ours() {
        let hosts = Hosts::with(["lambent.example".to_owned()]).unwrap();
        let ours = Ours { endpoint: "http://10.0.0.5:4566", hosts: &hosts };
        for host in [
            "localhost:1",
            "x.localhost",
            "127.0.0.9",
            "[::1]:4566",
            "10.0.0.5:4566",
            "lambent.example",
            "b.s3.lambent.example:4566",
        ] {
            assert!(ours.include(host), "{host}");
        }
        for host in
            ["evil.example", "10.0.0.5:1", "localhost.evil.example", "", "1.2.3.4", "evillambent.example"]
        {
            assert!(!ours.include(host), "{host}");
        }
    }
}
