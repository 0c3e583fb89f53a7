//! What follows from a death: pure.

use std::time::Duration;

use super::limits::BACK_OFF;

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Status(i32),
    Signal(i32),
}

/// What the warden knows about the server that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Server {
    /// No server of this instance has served yet.
    NeverServed,
    /// This one or one before it has.
    Served,
    /// It was told to drain.
    Asked,
}

/// What to do after the server's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Restart,
    /// End the instance with this code.
    End(u8),
}

/// What to do after the server's end. A server that cannot even start says why and ends the instance: a broken
/// configuration is not mended by trying again.
pub(crate) fn after_end(server: Server, end: End) -> Next {
    match (server, end) {
        (Server::Asked, End::Signal(_)) => Next::End(1),
        (_, End::Status(0)) => Next::End(0),
        (Server::Asked | Server::NeverServed, End::Status(code)) => {
            Next::End(u8::try_from(code).unwrap_or(1))
        }
        (Server::NeverServed | Server::Served, End::Signal(_)) | (Server::Served, End::Status(_)) => {
            Next::Restart
        }
    }
}

/// The wait before the next start, after `failures` short lives in a row.
pub(crate) fn back_off(failures: u32) -> Duration {
    BACK_OFF.start().saturating_mul(1 << failures.min(16)).min(*BACK_OFF.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_replaced_unless_it_was_told_to_end_or_never_could_start() {
        let cases = [
            (Server::NeverServed, End::Status(0), Next::End(0)),
            (Server::NeverServed, End::Status(2), Next::End(2)),
            (Server::NeverServed, End::Signal(9), Next::Restart),
            (Server::Served, End::Status(0), Next::End(0)),
            (Server::Served, End::Status(1), Next::Restart),
            (Server::Served, End::Signal(11), Next::Restart),
            (Server::Asked, End::Status(0), Next::End(0)),
            (Server::Asked, End::Status(3), Next::End(3)),
            (Server::Asked, End::Signal(9), Next::End(1)),
        ];
        for (server, end, expected) in cases {
            assert_eq!(after_end(server, end), expected, "{server:?} {end:?}");
        }
    }

    #[test]
    fn the_back_off_doubles_from_100_ms_to_5_s() {
        let waits: Vec<_> = (0..8).map(|failures| back_off(failures).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(back_off(u32::MAX), *BACK_OFF.end());
    }
}
