//! HTTP/2, in the words of real clients: with the origin, and with a proxy.

use crate::says;

#[test]
fn curl_http2() {
    says(
        "curl",
        &[
            ("ok/h2-socks5", "0123456789", "PASS"),
            ("tls/h2-one-stream", "the client never asked for more than", "INCONCLUSIVE"),
            ("tls/h2-no-streams", "Connection died, tried 5 times", "STORM"),
            ("response/h2-goaway-calm", "HTTP/2 stream 1 was not closed cleanly", "PASS"),
            ("response/h2-goaway-unprocessed", "Error in the HTTP2 framing layer", "FAILED"),
            ("response/h2-goaway-graceful", "✔ PASS", "PASS"),
            ("response/h2-refused-stream", "✔ PASS", "PASS"),
            ("response/h2-connection-headers", "PROTOCOL_ERROR", "PASS"),
            ("response/h2-text-for-frame", "Empty reply from server", "PASS"),
        ],
    );
}

#[test]
fn go_http2() {
    says(
        "go",
        &[
            ("ok/h2-socks5", "0123456789", "PASS"),
            ("tls/h2-one-stream", "the client never asked for more than", "INCONCLUSIVE"),
            // "connection error: PROTOCOL_ERROR" or "client conn could not be established".
            ("tls/h2-settings-mangled", "conn", "PASS"),
            ("response/h2-goaway-calm", "ErrCode=ENHANCE_YOUR_CALM", "PASS"),
            ("response/h2-goaway-unprocessed", "✔ PASS", "PASS"),
            ("response/h2-goaway-graceful", "✔ PASS", "PASS"),
            ("response/h2-refused-stream", "✔ PASS", "PASS"),
            ("response/h2-connection-headers", "✔ PASS", "PASS"),
            ("response/h2-oversized-frame", "http2: frame too large", "PASS"),
            ("response/h2-text-for-frame", "looked like an HTTP/1.1 header", "PASS"),
            ("response/h2-push-foreign", "PROTOCOL_ERROR", "PASS"),
        ],
    );
}

/// Node's own http2, which knows CONNECT on a stream.
#[test]
fn node_http2() {
    says(
        "node-h2",
        &[
            ("ok/h2-proxy", "✔ PASS", "PASS"),
            ("reply/h2-103-before-200", "✔ PASS", "PASS"),
            ("reply/h2-refused-stream", "NGHTTP2_REFUSED_STREAM", "PASS"),
            ("tunnel/h2-tail-becomes-rst-stream", "NGHTTP2_CONNECT_ERROR", "PASS"),
            ("tunnel/h2-headers-inside", "NGHTTP2_PROTOCOL_ERROR", "PASS"),
            ("tunnel/h2-goaway-calm", "the proxy says GOAWAY 11", "PASS"),
            ("proxy_tls/h2-then-http1", "Protocol error", "PASS"),
            ("tls/h2-settings-mangled", "Protocol error", "PASS"),
            ("response/h2-goaway-calm", "the target says GOAWAY 11", "PASS"),
            ("response/h2-refused-stream", "NGHTTP2_REFUSED_STREAM", "FAILED"),
            ("response/h2-connection-headers", "NGHTTP2_PROTOCOL_ERROR", "PASS"),
            ("response/h2-goaway-graceful", "✔ PASS", "PASS"),
        ],
    );
}
