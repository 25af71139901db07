//! Groups of stages where effects can happen.

use crate::stage::Stage;

/// Stages whose good work sends bytes to the client, which effects can shape.
pub(crate) const FLOWS: &[Stage] =
    &[Stage::Pac, Stage::Reply, Stage::Tunnel, Stage::Response, Stage::Body];
/// Everywhere a connection exists.
pub(crate) const ANYWHERE: &[Stage] = &[
    Stage::Pac,
    Stage::Dns,
    Stage::Accept,
    Stage::ProxyTls,
    Stage::Request,
    Stage::Auth,
    Stage::Resolve,
    Stage::Dial,
    Stage::Reply,
    Stage::Tunnel,
    Stage::Tls,
    Stage::Response,
    Stage::Body,
    Stage::Close,
];
/// Where something can still be sent as the work of a stage.
pub(crate) const BEFORE_CLOSE: &[Stage] = match ANYWHERE.split_last() {
    Some((Stage::Close, rest)) => rest,
    _ => panic!("`close` is the last stage"),
};
/// Where the client's connection is the proxy's own: not the origin's stages, nor another server's.
pub(crate) const AT_PROXY: &[Stage] = &[
    Stage::Accept,
    Stage::ProxyTls,
    Stage::Request,
    Stage::Auth,
    Stage::Resolve,
    Stage::Dial,
    Stage::Reply,
    Stage::Tunnel,
    Stage::Close,
];

/// Where there can be a stream of HTTP/2: the proxy's own stages, and the origin's answer.
pub(crate) const H2_STAGES: &[Stage] = &[
    Stage::Request,
    Stage::Auth,
    Stage::Resolve,
    Stage::Dial,
    Stage::Reply,
    Stage::Tunnel,
    Stage::Response,
    Stage::Body,
];
