//! The entries. Within a family and a word the first whose scenario fits wins: narrow ones first.

use super::{Family, Fix};
use crate::verdict::Word;

/// The proxy was not used.
const IGNORED: &[Word] = &[Word::NotExercised, Word::Bypass];
/// It waited too long.
const WAITED: &[Word] = &[Word::Hang, Word::Slow];
const STORM: &[Word] = &[Word::Storm];
const WRONG: &[Word] = &[Word::Wrong];
const FAILED: &[Word] = &[Word::Failed];

/// Scenarios in which the client is shown a bad certificate.
const TLS: &[&str] = &["tls/*"];
/// Scenarios in which a client that trusts this run's CA gets past TLS.
const TRUSTED: &[&str] = &["ok/*", "tls/*", "response/*", "body/*", "close/*"];
/// Scenarios in which credentials are asked for.
const AUTH: &[&str] = &["auth/*"];
/// What is true of the look-up of names as well, and of everything else.
const ALL: &[&str] = &["*"];
/// Scenarios in which a name is looked up by the client.
const LOOK_UP: &[&str] = &["dns/*"];
/// Scenarios whose answer has a good status and is not the origin's.
const PAGES: &[&str] = &["response/block-page-200", "request/captive-portal"];
/// Scenarios whose answer is a part that nobody has asked for.
const PARTS: &[&str] = &["response/206-unasked"];
/// Scenarios that ask for credentials which are more than user and password in base64.
const MORE_THAN_BASIC: &[&str] = &["auth/407-digest*", "auth/407-ntlm*", "auth/407-negotiate*"];
/// Scenarios in which the client speaks TLS to the proxy.
const HTTPS_PROXY: &[&str] = &["proxy_tls/*", "ok/https-proxy", "ok/h2-proxy", "reply/h2-*"];
/// Scenarios in which an answer that has begun stands still.
const STALLS: &[&str] = &["body/*", "response/*", "tunnel/idle-*"];
/// Scenarios whose proxy speaks SOCKS.
const SOCKS: &[&str] = &["*socks*"];
/// Scenarios whose target is a WebSocket.
const WEBSOCKET: &[&str] = &["ok/ws-*", "request/ws-*", "response/ws-*", "tunnel/ws-*"];
/// Scenarios that end or stall before the tunnel stands.
const BEFORE_TUNNEL: &[&str] =
    &["accept/*", "request/*", "auth/*", "resolve/*", "dial/*", "reply/*"];

macro_rules! fixes {
    ($($family:ident, $words:expr, $scenarios:expr => $text:literal, $source:literal;)*) => {
        pub(super) const FIXES: &[Fix] = &[$(Fix {
            family: Family::$family,
            words: $words,
            scenarios: $scenarios,
            text: $text,
            source: $source,
        },)*];
    };
}

fixes! {
    Aiohttp, IGNORED, &[] =>
        "`ClientSession(trust_env=True)`: by default no proxy variable is read; or `proxy=` on each request",
        "aiohttp client.py; lab, 3.14.5";
    Aiohttp, WAITED, &[] =>
        "`timeout=aiohttp.ClientTimeout(total=..., sock_connect=..., sock_read=...)`: by default 300 s in all, 30 s to connect",
        "aiohttp client.py; lab, 3.14.5";
    Aiohttp, WRONG, TLS =>
        "take `ssl=False` out; trust a private CA by `ssl=ssl.create_default_context(cafile=...)`",
        "aiohttp, client reference";
    Aiohttp, FAILED, TRUSTED =>
        "if the certificate was refused: `SSL_CERT_FILE`, or `ssl=` with a context that has the CA",
        "lab, 3.14.5";

    Apache, IGNORED, &[] =>
        "`HttpClients.createSystem()` or `useSystemProperties()`: the default client reads no -Dhttps.proxyHost; `setProxy` sets one in code",
        "HttpClient 5 documentation, HttpClientBuilder";
    Apache, WAITED, &[] =>
        "`ConnectionConfig.setConnectTimeout` and `setSocketTimeout` on the connection manager, `RequestConfig.setResponseTimeout`",
        "HttpClient 5 documentation, ConnectionConfig, RequestConfig";

    Axios, WRONG, BEFORE_TUNNEL =>
        "axios 1.21.1 still brings https-proxy-agent 5, whose promise never settles when the proxy closes early or sends no HTTP, so that Node ends with 0: pass `httpsAgent: new HttpsProxyAgent(url)` of version 9 and `proxy: false`, or on Node.js 24 set NODE_USE_ENV_PROXY=1, which leaves the proxy to Node.js",
        "lab, axios 1.21.1, https-proxy-agent 9.1.0, Node.js 24.21.0";
    Axios, WRONG, TLS =>
        "take `rejectUnauthorized: false` and NODE_TLS_REJECT_UNAUTHORIZED=0 out; trust a private CA by NODE_EXTRA_CA_CERTS",
        "Node.js tls and cli documentation";
    Axios, WAITED, &[] =>
        "`timeout` is 0, which means none, and does not cover the connection: add `signal: AbortSignal.timeout(ms)`",
        "axios README; lab, 1.21.1";
    Axios, FAILED, TRUSTED =>
        "if the certificate was refused: NODE_EXTRA_CA_CERTS",
        "lab, axios 1.21.1";

    Cargo, WAITED, &[] =>
        "`http.timeout` (30 s by default) and `net.retry` (3 by default), or CARGO_HTTP_TIMEOUT and CARGO_NET_RETRY",
        "The Cargo Book, configuration";
    Cargo, STORM, &[] =>
        "`net.retry` or CARGO_NET_RETRY: 3 by default",
        "The Cargo Book, configuration";
    Cargo, FAILED, TRUSTED =>
        "if the certificate was refused: `http.cainfo`, or CARGO_HTTP_CAINFO",
        "The Cargo Book, configuration; lab, 1.95.0";

    Curl, IGNORED, WEBSOCKET =>
        "`curl --version` has to name `ws` among its protocols: since 8.11 it does as a rule, before that only where curl was built so",
        "curl documentation, websocket; lab, 7.88.1";
    Curl, IGNORED, &[] =>
        "`http_proxy` counts in lower case only; look for `--noproxy`, NO_PROXY and `proxy` in ~/.curlrc; `-x URL` overrules them",
        "curl(1); lab, 7.88.1";
    Curl, WAITED, STALLS =>
        "`--max-time` (none by default), or `--speed-limit` and `--speed-time` for an answer that stands still; `--connect-timeout` ends with the handshake",
        "curl(1); lab, 7.88.1";
    Curl, WAITED, ALL =>
        "`--connect-timeout` (300 s by default; it covers CONNECT and TLS) and `--max-time` (none by default)",
        "curl(1); lab, 7.88.1";
    Curl, STORM, &[] =>
        "`--retry` sets the number; `--retry-delay` and `--retry-max-time` space them out",
        "curl(1)";
    Curl, WRONG, TLS =>
        "if there is `-k` (`--insecure`), also in ~/.curlrc, take it out and trust a private CA by `--cacert`; in a shell pipe, `set -o pipefail` keeps the exit code of curl",
        "curl(1)";
    Curl, WRONG, &["response/503*"] =>
        "`--fail`: without it a status of 400 or above is exit code 0",
        "curl(1)";
    Curl, FAILED, AUTH =>
        "`--proxy-user USER:PASS`, with `--proxy-anyauth` to take what the proxy offers",
        "curl(1)";
    Curl, FAILED, &["proxy_tls/*"] =>
        "trust of an https:// proxy is set apart, by `--proxy-cacert`",
        "curl(1)";
    Curl, FAILED, &["ok/https-proxy", "ok/h2-proxy", "reply/h2-*", "tunnel/h2-*"] =>
        "`--proxy-cacert $BADPROXY_CACERT`: the proxy's certificate is checked with a CA of its own, for which curl 7.88 reads no variable",
        "lab, curl 7.88.1";
    Curl, FAILED, &["body/drip"] =>
        "`--max-time` bounds the whole answer, however steadily it comes: `--speed-limit` and `--speed-time` end one that stands still",
        "curl(1)";
    Curl, FAILED, TRUSTED =>
        "if the certificate was refused: `--cacert` or CURL_CA_BUNDLE",
        "curl(1); lab, 7.88.1";

    Deno, WAITED, &[] =>
        "`signal: AbortSignal.timeout(ms)`: there is none by default",
        "lab, 2.9.6";
    Deno, FAILED, TRUSTED =>
        "if the certificate was refused: DENO_CERT, or SSL_CERT_FILE with DENO_TLS_CA_STORE=system",
        "lab, 2.9.6";

    Git, WAITED, &[] =>
        "`http.lowSpeedLimit` and `http.lowSpeedTime`: there is no other timeout, and none by default",
        "git-config(1)";
    Git, FAILED, TRUSTED =>
        "if the certificate was refused: `http.sslCAInfo`, or GIT_SSL_CAINFO",
        "git-config(1); lab, 2.39.5";

    Go, IGNORED, &[] =>
        "`Transport.Proxy = http.ProxyFromEnvironment`: a bare `&http.Transport{}` has no proxy; loopback targets are never proxied",
        "net/http transport.go; x/net/http/httpproxy";
    Go, WAITED, &["tls/*", "tunnel/*"] =>
        "`Transport.TLSHandshakeTimeout` (10 s in DefaultTransport, none in a bare one), and a context with a deadline",
        "net/http transport.go";
    Go, WAITED, BEFORE_TUNNEL =>
        "give the request a context with a deadline: without one a CONNECT waits 1 minute, and `TLSHandshakeTimeout` begins after it",
        "net/http transport.go";
    Go, WAITED, ALL =>
        "`http.Client.Timeout`, or a context with a deadline: there is none by default",
        "net/http client.go; lab, 1.19.8";
    Go, &[Word::Vague], BEFORE_TUNNEL =>
        "`Transport.OnProxyConnectResponse` sees the proxy's refusal, status and headers; the default error is the reason phrase alone",
        "net/http transport.go; lab, 1.19.8";
    Go, FAILED, MORE_THAN_BASIC =>
        "net/http speaks Basic alone to a proxy: compute the other scheme's header in `Transport.GetProxyConnectHeader`, or leave it to a proxy of your own on the way",
        "net/http transport.go";
    Go, FAILED, AUTH =>
        "put user and password into the proxy URL, or set `Transport.ProxyConnectHeader` or `GetProxyConnectHeader`",
        "net/http transport.go";
    Go, FAILED, TRUSTED =>
        "if the certificate was refused: `tls.Config.RootCAs`, or SSL_CERT_FILE (Linux)",
        "crypto/x509; lab, 1.19.8";
    Go, WRONG, TLS =>
        "take `InsecureSkipVerify` out of `tls.Config`; trust a private CA by `RootCAs` or SSL_CERT_FILE (Linux)",
        "crypto/tls";
    Go, WRONG, PAGES =>
        "the answer was a page of somebody else's with a good status: look at what it says of itself (Content-Type, length, a checksum) before you take it",
        "RFC 9110, 8.3";
    Go, WRONG, PARTS =>
        "a 206 that was not asked for is a part: take 200 alone for the whole, or compare its length with what `Content-Range` says",
        "RFC 9110, 14.4";
    Go, WRONG, &[] =>
        "a status of 400 or above is no error to net/http: check `resp.StatusCode`",
        "net/http client.go";

    Got, IGNORED, &[] =>
        "no proxy variable is read: `agent: {https: new HttpsProxyAgent({proxy})}` (hpagent)",
        "lab, got 14.6.6";
    Got, WAITED, &[] =>
        "`timeout: {request: ms}`: there is none by default",
        "got documentation, timeout; lab, 14.6.6";

    Httpx, IGNORED, &[] =>
        "look for `trust_env=False` and NO_PROXY; `proxy=` sets one in code",
        "httpx documentation, environment variables";
    Httpx, WAITED, &[] =>
        "look for `timeout=None`: the default is 5 s for each wait, not for the whole request",
        "httpx documentation, timeouts; lab, 0.28.1";
    Httpx, WRONG, TLS =>
        "take `verify=False` out; trust a private CA by `verify=ssl_context` or SSL_CERT_FILE",
        "httpx documentation, SSL";
    Httpx, FAILED, TRUSTED =>
        "if the certificate was refused: `verify=ssl_context`, or SSL_CERT_FILE",
        "lab, 0.28.1";

    Java, IGNORED, &[] =>
        "no proxy variable is read: `-Dhttps.proxyHost`, `-Dhttps.proxyPort` (the same with http), an empty `-Dhttp.nonProxyHosts=` for loopback targets, or `-Djava.net.useSystemProxies=true`",
        "JDK net.properties; lab, 17.0.15";
    Java, WAITED, &[] =>
        "`HttpRequest.Builder.timeout` and `HttpClient.Builder.connectTimeout` (HttpURLConnection: `setConnectTimeout`, `setReadTimeout`): there is none by default",
        "java.net.http documentation; lab, 17.0.15";
    Java, FAILED, AUTH =>
        "give the client an Authenticator (`HttpClient.Builder.authenticator`, `Authenticator.setDefault`); for Basic in tunnels the JDK wants an empty `-Djdk.http.auth.tunneling.disabledSchemes=` beside it, which is set here",
        "JDK net.properties; lab, 17.0.15";
    Java, FAILED, TRUSTED =>
        "if the certificate was refused: `-Djavax.net.ssl.trustStore`",
        "lab, 17.0.15";
    Java, WRONG, TLS =>
        "take the TrustManager or HostnameVerifier that accepts everything out; trust a private CA by `-Djavax.net.ssl.trustStore`",
        "JSSE reference guide";
    Java, WRONG, &[] =>
        "a 407 from the proxy is handed over like the origin's answer, without an exception: check `statusCode()`",
        "lab, 17.0.15";

    Node, IGNORED, &[] =>
        "NODE_USE_ENV_PROXY=1 or `--use-env-proxy` (in Node 24; Node 20.20.2 has neither), or `setGlobalDispatcher(new EnvHttpProxyAgent())` of undici",
        "Node.js cli documentation; lab, 20.20.2 and 24.21.0";
    Node, STORM, &[] =>
        "undici before 8, and the fetch in Node 24 with it, reconnects for ever when the proxy closes on a CONNECT, or answers it with 1xx first: nodejs/undici#3897. undici 8 fails at once; on 7.x put a limit of your own around fetch",
        "nodejs/undici#3897, #5441; lab, 7.30.2 and 8.12.4";
    Node, WAITED, &[] =>
        "`signal: AbortSignal.timeout(ms)`; undici waits 300 s each for headers and body (`headersTimeout`, `bodyTimeout`) and 10 s to connect",
        "undici documentation, Client; lab, 7.30.2";
    Node, FAILED, TRUSTED =>
        "if the certificate was refused: NODE_EXTRA_CA_CERTS, or `requestTls: {ca}` of ProxyAgent (`proxyTls` for an https:// proxy)",
        "undici documentation, ProxyAgent; lab, 7.30.2";
    Node, WRONG, TLS =>
        "take `rejectUnauthorized: false` and NODE_TLS_REJECT_UNAUTHORIZED=0 out; trust a private CA by NODE_EXTRA_CA_CERTS",
        "Node.js tls and cli documentation";

    Node, WRONG, BEFORE_TUNNEL =>
        "https-proxy-agent hands a refused CONNECT over as the target's own response, status and page: check `statusCode`",
        "lab, https-proxy-agent 9.1.0";

    Okhttp, WAITED, &[] =>
        "`callTimeout`: there is none by default; `connectTimeout`, `readTimeout` and `writeTimeout` are 10 s, and bound each wait",
        "OkHttp documentation, OkHttpClient.Builder";
    Okhttp, WRONG, PAGES =>
        "the answer was a page of somebody else's with a good status: look at what it says of itself (Content-Type, length, a checksum) before you take it",
        "RFC 9110, 8.3";
    Okhttp, WRONG, PARTS =>
        "a 206 that was not asked for is a part: take 200 alone for the whole, or compare its length with what `Content-Range` says",
        "RFC 9110, 14.4";
    Okhttp, WRONG, &[] =>
        "a status of 400 or above is no exception: check `response.isSuccessful()`",
        "OkHttp documentation, Response";

    Python, WAITED, LOOK_UP =>
        "the timeouts of requests and urllib do not cover the look-up of a name (getaddrinfo): `options timeout:1 attempts:1` in resolv.conf or RES_OPTIONS bounds it where the C library is glibc",
        "resolv.conf(5); lab, requests 2.34.2, urllib of 3.11";
    Python, WAITED, &[] =>
        "requests: `timeout=(connect, read)`; urllib: `urlopen(timeout=...)`; neither has one by default. httpx: 5 s a wait; aiohttp: 300 s in all",
        "lab, requests 2.34.2, urllib of 3.11, httpx 0.28.1, aiohttp 3.14.5";
    Python, IGNORED, SOCKS =>
        "SOCKS is an extra: `pip install requests[socks]`, `httpx[socks]`, `aiohttp-socks`; urllib has none",
        "requests and httpx documentation, SOCKS";
    Python, FAILED, SOCKS =>
        "SOCKS is an extra: `pip install requests[socks]`, `httpx[socks]`, `aiohttp-socks`; urllib has none",
        "requests and httpx documentation, SOCKS";
    Python, IGNORED, &[] =>
        "aiohttp reads the proxy variables only with `trust_env=True`; for requests and httpx look for `trust_env = False` and NO_PROXY",
        "lab, requests 2.34.2, httpx 0.28.1, aiohttp 3.14.5";
    Python, FAILED, HTTPS_PROXY =>
        "urllib speaks no TLS to a proxy: it sends CONNECT in clear where the proxy URL says https, too; requests speaks TLS to one",
        "lab, urllib of 3.11, requests 2.34.2";
    Python, FAILED, TRUSTED =>
        "if the certificate was refused: requests reads REQUESTS_CA_BUNDLE, urllib, httpx and aiohttp read SSL_CERT_FILE",
        "lab, requests 2.34.2, urllib of 3.11, httpx 0.28.1, aiohttp 3.14.5";

    Requests, IGNORED, &[] =>
        "look for `session.trust_env = False` and NO_PROXY; `proxies={'https': url}` sets one in code",
        "requests documentation, advanced usage";
    Requests, WAITED, LOOK_UP =>
        "the timeouts of requests and urllib do not cover the look-up of a name (getaddrinfo): `options timeout:1 attempts:1` in resolv.conf or RES_OPTIONS bounds it where the C library is glibc",
        "resolv.conf(5); lab, requests 2.34.2, urllib of 3.11";
    Requests, WAITED, &[] =>
        "`timeout=(connect, read)`: there is none by default, and `read` bounds each wait, not the whole answer",
        "requests documentation, timeouts; lab, 2.34.2";
    Requests, STORM, &[] =>
        "`HTTPAdapter(max_retries=Retry(total=..., backoff_factor=...))`: without a factor the retries follow at once",
        "urllib3 util/retry.py";
    Requests, WRONG, TLS =>
        "take `verify=False` out; trust a private CA by `verify='ca.pem'` or REQUESTS_CA_BUNDLE",
        "requests documentation, SSL verification";
    Requests, WRONG, PAGES =>
        "the answer was a page of somebody else's with a good status: look at what it says of itself (Content-Type, length, a checksum) before you take it",
        "RFC 9110, 8.3";
    Requests, WRONG, PARTS =>
        "a 206 that was not asked for is a part: take 200 alone for the whole, or compare its length with what `Content-Range` says",
        "RFC 9110, 14.4";
    Requests, WRONG, &[] =>
        "a status of 400 or above is no exception: call `response.raise_for_status()`",
        "requests documentation, quickstart";
    Requests, FAILED, &["proxy_tls/*"] =>
        "trust of an https:// proxy is set apart: `proxy_ssl_context` of urllib3's ProxyManager",
        "urllib3 poolmanager.py";
    Requests, FAILED, TRUSTED =>
        "if the certificate was refused: `verify='ca.pem'` or REQUESTS_CA_BUNDLE",
        "requests documentation; lab, 2.34.2";

    Reqwest, IGNORED, &[] =>
        "look for `ClientBuilder::no_proxy()`, `Proxy::no_proxy` and NO_PROXY",
        "reqwest 0.13.4 async_impl/client.rs, proxy.rs";
    Reqwest, WAITED, &[] =>
        "`ClientBuilder::timeout`, `connect_timeout`, `read_timeout`: the async client has none by default",
        "reqwest 0.13.4 async_impl/client.rs; lab, 0.12.28";
    Reqwest, WRONG, TLS =>
        "take `tls_danger_accept_invalid_certs` (`danger_accept_invalid_certs` before 0.13) out; trust a private CA by `tls_certs_merge`",
        "reqwest 0.13.4 async_impl/client.rs";
    Reqwest, WRONG, PAGES =>
        "the answer was a page of somebody else's with a good status: look at what it says of itself (Content-Type, length, a checksum) before you take it",
        "RFC 9110, 8.3";
    Reqwest, WRONG, PARTS =>
        "a 206 that was not asked for is a part: take 200 alone for the whole, or compare its length with what `Content-Range` says",
        "RFC 9110, 14.4";
    Reqwest, WRONG, &[] =>
        "a status of 400 or above is no error: call `error_for_status()`",
        "reqwest documentation, Response";
    Reqwest, FAILED, &["reply/split", "reply/byte-by-byte"] =>
        "hyper-util 0.1.21: until 0.1.20 it wants `HTTP/1.1 200` in one read; `cargo update -p hyper-util`",
        "hyperium/hyper-util#300; lab, 0.1.20 and 0.1.21";
    Reqwest, FAILED, TRUSTED =>
        "if the certificate was refused: `ClientBuilder::tls_certs_merge` (`add_root_certificate` before 0.13)",
        "reqwest 0.13.4 async_impl/client.rs";

    Ureq, WAITED, &[] =>
        "`timeout_global` and `timeout_connect` of the agent's config: there is none by default",
        "ureq 3 config.rs; lab, 3.5.2";
    Ureq, FAILED, TRUSTED =>
        "if the certificate was refused: the built-in roots are the default, `TlsConfig` with `RootCerts::PlatformVerifier` reads the system's",
        "ureq 3 tls documentation; lab, 3.5.2";

    Wget, IGNORED, &[] =>
        "`http_proxy` and `https_proxy` count in lower case only; look for `--no-proxy` and no_proxy",
        "wget(1); lab, 1.21.3";
    Wget, STORM, &[] =>
        "`--tries=N`: 20 by default; `--waitretry` spaces them out",
        "wget(1)";
    Wget, WAITED, ALL =>
        "`--timeout` (900 s for each read by default) and `--tries` (20 by default)",
        "wget(1)";
    Wget, WRONG, TLS =>
        "take `--no-check-certificate` out; trust a private CA by `--ca-certificate`",
        "wget(1)";
    Wget, FAILED, TRUSTED =>
        "if the certificate was refused: `--ca-certificate` (no variable is read)",
        "lab, 1.21.3";
}
