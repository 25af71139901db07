//! Whether one `when` holds whenever another does.

use super::When;

/// Whether `wide` matches whenever `narrow` does.
pub(super) fn covers(wide: &When, narrow: &When) -> bool {
    fn same<T: PartialEq>(wide: &Option<T>, narrow: &Option<T>) -> bool {
        wide.is_none() || wide == narrow
    }
    let attempts = match (wide.attempt, narrow.attempt) {
        (None, _) => true,
        (Some(wide), None) => wide == Default::default(),
        (Some(w), Some(n)) => {
            let counted = wide.per.unwrap_or_default() == narrow.per.unwrap_or_default();
            w == Default::default() || (counted && w.first <= n.first && n.last <= w.last)
        }
    };
    let elapsed = wide.elapsed.is_none_or(|w| {
        let n = narrow.elapsed.unwrap_or_default();
        let ends = w.to.is_none_or(|to| n.to.is_some_and(|end| end <= to));
        w.from <= n.from && ends
    });
    attempts
        && elapsed
        && same(&wide.address, &narrow.address)
        && wide.open.is_none_or(|w| {
            w == Default::default()
                || narrow.open.is_some_and(|n| w.first <= n.first && n.last <= w.last)
        })
        && same(&wide.host, &narrow.host)
        && same(&wide.port, &narrow.port)
        && same(&wide.method, &narrow.method)
        && same(&wide.path, &narrow.path)
        && same(&wide.host_is_target, &narrow.host_is_target)
        && same(&wide.credentials, &narrow.credentials)
        && same(&wide.sni, &narrow.sni)
        && same(&wide.alpn, &narrow.alpn)
        && wide.hello_over.is_none_or(|w| narrow.hello_over.is_some_and(|n| w <= n))
        && same(&wide.name, &narrow.name)
        && same(&wide.kind, &narrow.kind)
        && same(&wide.transport, &narrow.transport)
        && same(&wide.edns, &narrow.edns)
        && wide.header.iter().all(|(name, value)| narrow.header.get(name) == Some(value))
        && wide
            .without
            .iter()
            .all(|name| narrow.without.iter().any(|other| other.eq_ignore_ascii_case(name)))
        && wide.probability.is_none_or(|p| p >= 1.0)
}
