//! A PAC file that is found by WPAD, by a client with plain sockets inside.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs};

use crate::faults::inside;
use crate::play::file;
use crate::{allowed, events, named, verdict};

/// Asks for a file.
fn get(at: SocketAddr, path: &str) -> String {
    let mut socket = TcpStream::connect(at).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nHost: wpad\r\nConnection: close\r\n\r\n");
    socket.write_all(head.as_bytes()).unwrap();
    let mut got = String::new();
    socket.read_to_string(&mut got).unwrap();
    got
}

/// Looks the name up, fetches the file, and calls the proxy that the script names.
pub(crate) fn client() -> String {
    let at: Vec<SocketAddr> = ("wpad", 80).to_socket_addrs().unwrap().collect();
    let [at] = at[..] else { panic!("{at:?}") };
    let script = get(at, "/wpad.dat");
    let kind = script.lines().find_map(|line| line.strip_prefix("Content-Type: ")).unwrap();
    let Some((_, rest)) = script.split_once("\"PROXY ") else { return format!("{at} {kind}") };
    let proxy = rest.split('"').next().unwrap();
    let url = std::env::var("BADPROXY_PROXY").unwrap();
    let known = if url == format!("http://{proxy}") { "the proxy" } else { proxy };
    let pac = std::env::var("BADPROXY_PAC").unwrap();
    let mut tunnel = TcpStream::connect(proxy).unwrap();
    tunnel.write_all(b"CONNECT target.badproxy.test:80 HTTP/1.1\r\n\r\n").unwrap();
    let mut reply = [0; 12];
    tunnel.read_exact(&mut reply).unwrap();
    // Port 80 of any other address is the origin's, as ever.
    let other = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 9)), 80);
    let other = get(other, "/wpad.dat");
    let other = if other.contains("FindProxyForURL") { "a file, too" } else { "no file" };
    let reply = String::from_utf8_lossy(&reply).into_owned();
    format!("{at} {kind}, {known}, {reply}; {pac}; elsewhere {other}")
}

#[test]
fn the_file_is_where_the_name_leads() {
    if !allowed() {
        return;
    }
    let with_dns = "name: mine\npac: {wpad: true}\ndns: {}\n";
    let (_dir, with_dns) = file(with_dns);
    for scenario in ["pac/wpad", with_dns.as_str()] {
        let (seen, events) = inside(scenario, "wpad");
        let wanted = "127.0.0.2:80 application/x-ns-proxy-autoconfig, the proxy, HTTP/1.1 200; \
                      http://wpad/wpad.dat; elsewhere no file";
        assert_eq!(seen, wanted, "{scenario}");
        assert_eq!(named(&events, "pac:request").len(), 1, "{scenario}");
        let asked = named(&events, "dns:query");
        let asked = asked.iter().any(|event| event["name"] == "wpad");
        assert_eq!(asked, scenario != "pac/wpad");
    }
}

#[test]
fn the_name_leads_to_a_page() {
    if !allowed() {
        return;
    }
    assert_eq!(inside("pac/wpad-login-page", "wpad").0, "127.0.0.2:80 text/html");
}

/// Who has found no proxy may do without, or stop; who has looked for none has met nothing.
#[test]
fn what_is_made_of_the_page() {
    if !allowed() {
        return;
    }
    for (command, wanted) in [
        ("curl -sS {target}", "INCONCLUSIVE"),
        ("sh -c 'curl -sS {pac}; curl -sS {target}'", "PASS"),
        ("sh -c 'curl -sS {pac}; echo no pac script >&2; exit 1'", "PASS"),
        ("sh -c 'curl -sS {pac}; exit 0'", "WRONG"),
    ] {
        let (events, played) = events("pac/wpad-login-page", command);
        assert_eq!(verdict(&events), wanted, "{command}\n{}", played.stderr);
    }
}
