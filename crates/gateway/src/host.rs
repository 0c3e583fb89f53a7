use std::net::IpAddr;

/// Reads a `Host` header: the name without its port. `None` when it is no host.
pub(crate) fn name(host: &str) -> Option<&str> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (name, port) = rest.split_once(']')?;
            (name, port.strip_prefix(':').or(port.is_empty().then_some(""))?)
        }
        None => host.split_once(':').unwrap_or((host, "")),
    };
    let fits = !name.is_empty()
        && name.len() <= 255
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':'))
        && port.len() <= 5
        && port.bytes().all(|byte| byte.is_ascii_digit());
    fits.then_some(name)
}

/// True when a `Host` header means this machine or the address that the server listens on. A page from elsewhere that
/// had its name rebound to a loopback address cannot forge it.
pub(crate) fn is_ours(host: &str, endpoint: &str) -> bool {
    let Some(name) = name(host) else { return false };
    let own =
        endpoint.strip_prefix("http://").or_else(|| endpoint.strip_prefix("https://")).unwrap_or(endpoint);
    name.eq_ignore_ascii_case("localhost")
        || name.to_ascii_lowercase().ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        || host.eq_ignore_ascii_case(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_a_name_and_a_port() {
        for (host, want) in [
            ("localhost", Some("localhost")),
            ("127.0.0.1:4566", Some("127.0.0.1")),
            ("[::1]:80", Some("::1")),
            ("[::1]", Some("::1")),
            ("my-bucket.s3.localhost:1", Some("my-bucket.s3.localhost")),
            ("", None),
            ("a b", None),
            ("a/b", None),
            ("a:b", None),
            ("[::1", None),
            ("[::1]x", None),
            ("a\"onload=", None),
        ] {
            assert_eq!(name(host), want, "{host}");
        }
    }

    #[test]
    fn only_loopback_names_and_the_endpoint_are_ours() {
        let endpoint = "http://10.0.0.5:4566";
        for host in ["localhost:1", "x.localhost", "127.0.0.9", "[::1]:4566", "10.0.0.5:4566"] {
            assert!(is_ours(host, endpoint), "{host}");
        }
        for host in ["evil.example", "10.0.0.5:1", "localhost.evil.example", "", "1.2.3.4"] {
            assert!(!is_ours(host, endpoint), "{host}");
        }
    }
}
