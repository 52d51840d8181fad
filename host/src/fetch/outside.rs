//! Addresses outside: what a URL that leads away from this network may resolve to.
//!
//! ```text
//! name ─resolved once─▶ addresses ─▶ all of them outside or allowed: connected to, these and no others
//!                                  └▶ another among them: refused, and nothing is connected to
//! ```
//! Every spelling of an address (decimal, octal, hexadecimal, a name) is resolved before it is judged, so that none
//! of them is a way around. Inside is what the registries of special addresses (RFC 6890 and its successors) do not
//! call globally reachable, and every IPv6 address that carries such an IPv4 address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use ureq::{
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};

/// Whether an address can be reached from anywhere, as far as the registries say.
#[must_use]
pub fn is_outside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_outside_v4(v4),
        IpAddr::V6(v6) => is_outside_v6(v6),
    }
}

fn is_outside_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = match a {
        // This network, private, loopback, and all from multicast on.
        0 | 10 | 127 | 224..=255 => true,
        // Shared with the customers of a carrier.
        100 => b & 0xc0 == 64,
        169 => b == 254,
        172 => b & 0xf0 == 16,
        // Protocol assignments, documentation, the relays of 6to4, private.
        192 => matches!((b, c), (0, 0 | 2) | (88, 99) | (168, _)),
        // Benchmarks, documentation.
        198 => b & 0xfe == 18 || (b, c) == (51, 100),
        203 => (b, c) == (0, 113),
        _ => false,
    };
    !special
}

fn is_outside_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    match segments {
        // ::ffff:0:0/96, mapped; 64:ff9b::/96, translated: as good as the IPv4 address in them.
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
            let [.., a, b, c, d] = address.octets();
            is_outside_v4(Ipv4Addr::new(a, b, c, d))
        }
        // 2001::/23, protocol assignments, Teredo among them; 2001:db8::/32 and 3fff::/20, documentation;
        // 2002::/16, 6to4, which carries an IPv4 address.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // 2000::/3 is all that was ever given out for everybody.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// Resolves names with another resolver, and lets pass what is outside or allowed as a whole.
#[derive(Debug)]
pub(super) struct OutsideOnly<R> {
    inner: R,
    allowed: Vec<IpNet>,
    is_outside: fn(IpAddr) -> bool,
}

impl<R: Resolver> OutsideOnly<R> {
    pub(super) fn new(inner: R, allowed: Vec<IpNet>) -> Self {
        Self {
            inner,
            allowed,
            is_outside,
        }
    }

    fn lets_pass(&self, address: IpAddr) -> bool {
        let is_allowed = |net: &IpNet| net.contains(&address);
        (self.is_outside)(address) || self.allowed.iter().any(is_allowed)
    }
}

impl<R: Resolver> Resolver for OutsideOnly<R> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        // One is enough: which of them is connected to is not ours to choose.
        match found.iter().find(|at| !self.lets_pass(at.ip())) {
            Some(inside) => Err(ureq::Error::Other(Box::new(Inside(inside.ip())))),
            None => Ok(found),
        }
    }
}

/// A name has an address that is not outside.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("resolves to {0}, an address inside")]
pub(super) struct Inside(pub(super) IpAddr);

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::{SocketAddr, TcpListener},
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        time::Duration,
    };

    use super::*;
    use crate::fetch::{Fetch, FetchCause};

    #[test]
    fn addresses_inside_are_told_from_those_outside() {
        let inside = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:1ff::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:5db8:d822::1",
            "3fff::1",
            "3fff:fff::1",
            "5f00::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for text in inside {
            assert!(!is_outside(text.parse().unwrap()), "{text}");
        }
        let outside = [
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.1",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.1.1",
            "172.15.255.255",
            "172.32.0.1",
            "192.0.1.1",
            "192.167.1.1",
            "192.169.1.1",
            "198.17.255.255",
            "198.20.0.1",
            "223.255.255.255",
            "::ffff:1.1.1.1",
            "64:ff9b::1.1.1.1",
            "2001:200::1",
            "2606:4700::1",
            "2a00:1450::1",
            "3ffe:ffff::1",
        ];
        for text in outside {
            assert!(is_outside(text.parse().unwrap()), "{text}");
        }
    }

    /// Spellings that a careless check lets pass. No packet may leave: a listener waits where they lead.
    #[test]
    fn no_spelling_of_an_inner_address_is_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let hosts = [
            "127.0.0.1",
            "127.0.0.1.",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "017700000001",
            "0177.0.0.01",
            "127.000.000.001",
            "0",
            "0.0.0.0",
            "0x0",
            "127.127.127.127",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "LocalHost",
            "[::1]",
            "[::]",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[0:0:0:0:0:ffff:127.0.0.1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "10.0.0.1",
            "0xa000001",
            "167772161",
            "012.0.0.1",
            "169.254.169.254",
            "0xa9fea9fe",
            "2852039166",
            "192.168.0.1",
            "172.16.0.1",
            "[fe80::1]",
            "[fd00::1]",
            "user@127.0.0.1",
            "1.1.1.1@127.0.0.1",
            "1.1.1.1:80@127.0.0.1",
        ];
        let fetch = Fetch::to_outside(Duration::from_secs(5), Vec::new());
        for host in hosts {
            let url = format!("http://{host}:{port}/");
            let error = fetch.get(&url, 99).unwrap_err();
            // A spelling that the machine's resolver does not know leads nowhere, which is as good.
            let refused = match error.cause() {
                FetchCause::Inside { .. } | FetchCause::BadUrl => true,
                FetchCause::Unreachable(_) => !host.contains(['[', '@']) && host != "127.0.0.1",
                _ => false,
            };
            assert!(refused, "{host}: {:?}", error.cause());
        }
        assert!(listener.accept().is_err(), "somebody connected");
        for url in [
            "http://127.0.0.1#@example.org/",
            "http:/\\127.0.0.1/",
            "http://①②⑦.0.0.1/",
            "http://%31%32%37.0.0.1/",
            "file:///etc/passwd",
            "gopher://127.0.0.1/",
            "ftp://127.0.0.1/",
            "//127.0.0.1/",
            "http://",
        ] {
            let error = fetch.get(url, 99).unwrap_err();
            assert!(
                matches!(
                    error.cause(),
                    FetchCause::BadUrl | FetchCause::Inside { .. } | FetchCause::Unreachable(_)
                ),
                "{url}: {:?}",
                error.cause()
            );
        }
    }

    /// A name server that answers each question with the next of its lists, and the last one for ever.
    #[derive(Debug)]
    struct Names {
        answers: Vec<Vec<SocketAddr>>,
        asked: Arc<AtomicUsize>,
    }

    impl Resolver for Names {
        fn resolve(
            &self,
            _: &Uri,
            _: &Config,
            _: NextTimeout,
        ) -> Result<ResolvedSocketAddrs, ureq::Error> {
            let asked = self.asked.fetch_add(1, Ordering::SeqCst);
            let mut found = self.empty();
            for address in &self.answers[asked.min(self.answers.len() - 1)] {
                found.push(*address);
            }
            Ok(found)
        }
    }

    fn fetch(
        answers: Vec<Vec<SocketAddr>>,
        is_outside: fn(IpAddr) -> bool,
    ) -> (Fetch, Arc<AtomicUsize>) {
        let asked = Arc::new(AtomicUsize::new(0));
        let names = Names {
            answers,
            asked: Arc::clone(&asked),
        };
        let resolver = OutsideOnly {
            inner: names,
            allowed: Vec::new(),
            is_outside,
        };
        (
            Fetch::with_resolver(Duration::from_secs(5), resolver),
            asked,
        )
    }

    #[test]
    fn a_name_with_one_inner_address_among_others_is_refused() {
        let port = |address: &str| SocketAddr::new(address.parse().unwrap(), 80);
        for (answers, inside) in [
            (vec![port("10.1.2.3")], "10.1.2.3"),
            (vec![port("1.1.1.1"), port("10.1.2.3")], "10.1.2.3"),
            (
                vec![port("2606:4700::1"), port("1.1.1.1"), port("fd00::7")],
                "fd00::7",
            ),
            (
                vec![port("1.1.1.1"), port("::ffff:192.168.0.9")],
                "::ffff:192.168.0.9",
            ),
        ] {
            let (fetch, _) = fetch(vec![answers], is_outside);
            let error = fetch.get("http://hook.example/", 9).unwrap_err();
            let FetchCause::Inside { address } = error.cause() else {
                panic!("{error:?}");
            };
            assert_eq!(*address, inside.parse::<IpAddr>().unwrap());
        }
    }

    #[test]
    fn an_inner_address_passes_only_where_its_network_is_allowed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let timeout = Duration::from_secs(5);
        let fetch = |net: &str| Fetch::to_outside(timeout, vec![net.parse().unwrap()]);
        for other in ["10.0.0.0/8", "127.0.0.2/32", "::1/128"] {
            let error = fetch(other).get(&url, 9).unwrap_err();
            assert!(
                matches!(error.cause(), FetchCause::Inside { .. }),
                "{other}"
            );
        }
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 512]).unwrap();
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .unwrap();
        });
        assert_eq!(fetch("127.0.0.0/8").get(&url, 9).unwrap().status(), 200);
        server.join().unwrap();
    }

    /// A second answer that leads inside, as a rebinding name server gives it: what was checked is what is connected to.
    #[test]
    fn the_address_checked_is_the_address_connected_to() {
        let outer = TcpListener::bind("127.0.0.2:0").unwrap();
        let at = outer.local_addr().unwrap();
        let inner = TcpListener::bind(("127.0.0.1", at.port())).unwrap();
        inner.set_nonblocking(true).unwrap();
        // In this test 127.0.0.2 stands for all that is outside.
        let is_outside = |address: IpAddr| address == IpAddr::from([127, 0, 0, 2]);
        let inside = SocketAddr::new(IpAddr::from([127, 0, 0, 1]), at.port());
        let (fetch, asked) = fetch(vec![vec![at], vec![inside]], is_outside);
        let server = std::thread::spawn(move || {
            let (mut stream, _) = outer.accept().unwrap();
            let mut request = [0; 64];
            let got = stream.read(&mut request).unwrap();
            assert!(request[..got].starts_with(b"GET / HTTP/1.1"));
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .unwrap();
        });
        let url = format!("http://hook.example:{}/", at.port());
        assert_eq!(fetch.get(&url, 9).unwrap().status(), 200);
        server.join().unwrap();
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        // The next request asks again, and the answer is judged again.
        let error = fetch.get(&url, 9).unwrap_err();
        assert!(
            matches!(error.cause(), FetchCause::Inside { .. }),
            "{error:?}"
        );
        assert!(inner.accept().is_err(), "somebody connected");
    }
}
