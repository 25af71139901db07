//! What `badproxy serve` tells people: how clients are made to use the proxy. Behind a PAC file that is the
//! file's URL alone: a client that is given the proxy itself never asks for the file.

use std::fmt::Write as _;

use crate::run::environment::{Setting, substitute};
use crate::run::quoted;
use crate::run::trust::Trust;
use crate::start::{Running, reachable};

/// All of it. `env` is what a command of `run` would get.
pub(super) fn text(running: &Running, files: &Trust, target: &str, env: &[Setting]) -> String {
    let (scenario, proxy) = (running.scenario(), running.proxy_url());
    let ca = files.ca().display().to_string();
    // What a shell is to read.
    let (word, cacert, url) = (quoted(&proxy), quoted(&ca), quoted(target));
    let mut out = format!("scenario  {}   seed {}\n", scenario.name, running.shared.seed);
    let pac = running.pac.as_ref().map(|pac| pac.url());
    match &pac {
        Some(url) => {
            let _ = writeln!(out, "pac       {url}\nproxy     {proxy}   for the PAC file to name");
        }
        None => {
            let _ = writeln!(out, "proxy     {proxy}");
        }
    }
    let _ = writeln!(out, "target    {target}\nca        {ca}");
    if let Some(dns) = &running.dns {
        let (at, url) = (reachable(dns.address), dns.doh_url());
        let _ = writeln!(out, "dns       {at} (UDP, TCP and TLS)\ndoh       {url}");
    }
    out.push('\n');
    match &pac {
        Some(url) => behind_pac(url, &mut out),
        None => {
            let _ = writeln!(
                out,
                "For most clients:\n  export http_proxy={word} https_proxy={word} HTTP_PROXY={word} \
                 HTTPS_PROXY={word}"
            );
        }
    }
    trust(files, env, &mut out);
    match &pac {
        Some(_) => {
            java(env, &mut out);
            let own = Some(scenario.example()).filter(|line| line.contains("{pac}"));
            if let Some(line) = own {
                let _ = writeln!(out, "For example: {}", substitute(line, env));
            }
        }
        None => {
            let _ = writeln!(out, "For Node 24: export NODE_USE_ENV_PROXY=1");
            java(env, &mut out);
            let _ = writeln!(out, "For curl:    curl -x {word} --cacert {cacert} {url}");
        }
    }
    if let Some(dns) = &running.dns {
        let (doh, at) = (dns.doh_url(), reachable(dns.address));
        let (ip, port) = (at.ip(), at.port());
        let through = if pac.is_some() { String::new() } else { format!(" -x {word}") };
        let _ = writeln!(
            out,
            "For curl:    curl --doh-url {doh} --cacert {cacert}{through} {url}\n\
             For dig:     dig @{ip} -p {port} proxy.badproxy.test"
        );
    }
    out + "\nCtrl-C stops it, SIGHUP rereads the scenario.\n"
}

fn behind_pac(url: &str, out: &mut String) {
    let _ = writeln!(
        out,
        "Give the client the PAC file as its automatic proxy configuration, and no proxy beside it:\n  \
         {url}\nFor Chromium: chromium --proxy-pac-url={url}\n\
         In its environment:\n  unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY"
    );
}

/// The run's CA, and what would lead around the proxy.
fn trust(files: &Trust, env: &[Setting], out: &mut String) {
    let bundle = quoted(&files.bundle().display().to_string());
    let _ = writeln!(
        out,
        "  export SSL_CERT_FILE={bundle} CURL_CA_BUNDLE={bundle} REQUESTS_CA_BUNDLE={bundle} \
         NODE_EXTRA_CA_CERTS={bundle}"
    );
    for name in ["no_proxy", "NO_PROXY"] {
        let _ = match value(env, name) {
            Some(list) => writeln!(out, "  export {name}={}", quoted(list)),
            None => writeln!(out, "  unset {name}"),
        };
    }
}

fn java(env: &[Setting], out: &mut String) {
    let options = quoted(value(env, "JAVA_TOOL_OPTIONS").unwrap_or_default());
    let _ = writeln!(out, "For Java:    export JAVA_TOOL_OPTIONS={options}");
}

fn value<'a>(env: &'a [Setting], name: &str) -> Option<&'a str> {
    env.iter().find(|(known, _)| *known == name).and_then(|(_, value)| value.as_deref())
}
