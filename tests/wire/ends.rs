//! How the client's end of a connection is taken: noticed, let go, and written down as what it was.

use std::time::Duration;

use crate::proxy::Proxy;

/// The error of a read comes once: whoever reads again after it gets an end of file.
#[test]
fn a_reset_before_the_first_byte_is_written_down_as_one() {
    for yaml in ["name: x", "proxy: {tls: {}}", "rules: [{at: request, do: hang}]"] {
        let proxy = Proxy::start(yaml);
        let socket = proxy.connect();
        proxy.wait_for("tcp:accepted", "");
        socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO)).unwrap();
        drop(socket);
        let line = proxy.wait_for("tcp:closed", "");
        assert!(line.contains(r#""by":"client","how":"rst""#), "{yaml}: {line}");
    }
}

/// A FIN before the first byte stays one.
#[test]
fn a_fin_before_the_first_byte_is_written_down_as_one() {
    let proxy = Proxy::start("name: x");
    drop(proxy.connect());
    let line = proxy.wait_for("tcp:closed", "");
    assert!(line.contains(r#""by":"client","how":"fin""#), "{line}");
}
