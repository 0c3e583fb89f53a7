//! The listening sockets, one a shard, open as long as the warden lives: while a server is replaced, connections wait.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;

use anyhow::Context;
use rustix::net::sockopt::{set_socket_reuseaddr, set_socket_reuseport};
use rustix::net::{AddressFamily, SocketFlags, SocketType};

use super::Refused;
use super::limits::SHARDS;

const BACKLOG: i32 = 4096;

/// Binds `shards` sockets to one address; port 0 takes a free one.
///
/// # Errors
/// [`Refused::PortInUse`].
pub(crate) fn bind(listen: SocketAddr, shards: usize) -> anyhow::Result<(SocketAddr, Vec<TcpListener>)> {
    let first = socket(listen)?;
    // Without SO_REUSEPORT at first: with it, a second server of the same user would share the port in silence.
    match rustix::net::bind(&first, &listen) {
        Ok(()) => {}
        Err(rustix::io::Errno::ADDRINUSE) => {
            return Err(Refused::PortInUse { listen, holder: holder(listen.port()) }.into());
        }
        Err(error) => return Err(error).context(format!("listen on {listen}")),
    }
    set_socket_reuseport(&first, true)?;
    let first = TcpListener::from(first);
    let address = first.local_addr()?;
    let mut listeners = vec![first];
    for _ in 1..shards.clamp(1, SHARDS) {
        let next = socket(address)?;
        set_socket_reuseport(&next, true)?;
        rustix::net::bind(&next, &address).with_context(|| format!("listen on {address}"))?;
        listeners.push(TcpListener::from(next));
    }
    for listener in &listeners {
        rustix::net::listen(listener, BACKLOG).with_context(|| format!("listen on {address}"))?;
    }
    Ok((address, listeners))
}

fn socket(address: SocketAddr) -> anyhow::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = rustix::net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    set_socket_reuseaddr(&socket, true)?;
    Ok(socket)
}

/// A process that listens on a port, as far as it can be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its command's name.
    pub name: String,
    /// Its process id.
    pub pid: u32,
}

fn holder(port: u16) -> Option<Holder> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let inode = tables.iter().find_map(|table| listening_inode(&fs::read_to_string(table).ok()?, port))?;
    let wanted = format!("socket:[{inode}]");
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(descriptors) = fs::read_dir(process.path().join("fd")) else { continue };
        let holds = |fd: fs::DirEntry| fs::read_link(fd.path()).is_ok_and(|to| to.as_os_str() == &*wanted);
        if descriptors.flatten().any(holds) {
            let name = fs::read_to_string(process.path().join("comm")).ok()?;
            return Some(Holder { name: name.trim_end().to_owned(), pid });
        }
    }
    None
}

/// The inode of the socket that listens on a port, from the text of /proc/net/tcp or tcp6.
fn listening_inode(table: &str, port: u16) -> Option<u64> {
    const LISTEN: &str = "0A";
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (_, local_port) = fields.get(1)?.rsplit_once(':')?;
        let matches = *fields.get(3)? == LISTEN && u16::from_str_radix(local_port, 16).ok()? == port;
        if matches { fields.get(9)?.parse().ok() } else { None }
    })
}

/// The address as clients on this machine reach it.
pub(crate) fn endpoint(scheme: &str, address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => format!("{scheme}://127.0.0.1:{}", v4.port()),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => format!("{scheme}://[::1]:{}", v6.port()),
        other => format!("{scheme}://{other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_share_a_port_and_an_outsider_is_refused_with_the_holders_name() {
        let (address, listeners) = bind("127.0.0.1:0".parse().unwrap(), 3).unwrap();
        assert_eq!(listeners.len(), 3);
        assert!(listeners.iter().all(|listener| listener.local_addr().unwrap() == address));
        let refused = bind(address, 2).unwrap_err();
        let Some(Refused::PortInUse { holder: Some(holder), .. }) = refused.downcast_ref() else {
            panic!("{refused:#}")
        };
        assert_eq!(holder.pid, std::process::id());
        assert!(TcpListener::bind(address).is_err());
    }

    #[test]
    fn an_unspecified_address_is_reached_on_the_loopback() {
        let cases = [
            ("127.0.0.1:4566", "http://127.0.0.1:4566"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:80", "http://[::1]:80"),
            ("10.0.0.7:4566", "http://10.0.0.7:4566"),
        ];
        for (address, expected) in cases {
            assert_eq!(endpoint("http", address.parse().unwrap()), expected);
        }
    }

    #[test]
    fn only_listening_sockets_count() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:11D6 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 11 1\n\
            1: 0100007F:11D6 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 22 1\n garbage\n";
        assert_eq!(listening_inode(table, 4566), Some(22));
        assert_eq!(listening_inode(table, 4567), None);
    }
}
