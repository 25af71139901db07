//! The loops that take connections: the proxy's, and those around it.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::task::JoinSet;

use super::{Shared, current};
use crate::conn::Conn;
use crate::door::door;
use crate::event::{How, Side, Via, What, Who};
use crate::origin;
use crate::plan::Facts;
use crate::proxy;
use crate::scenario::{Limits, Scenario};
use crate::stage::Stage;
use crate::wire::BoxWire;
use crate::wire::counted::counted;
use crate::world::Listener;

/// Takes the proxy's connections until a ceiling is reached.
pub(super) async fn take(
    mut listener: Listener,
    scenario: Arc<Mutex<Arc<Scenario>>>,
    shared: Arc<Shared>,
) {
    let mut open = JoinSet::new();
    let mut taken = 0;
    // Those that take a place. Only counted.
    let mut live = Vec::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = shared.full.notified() => return,
            accepted = listener.accept(shared.clock) => accepted,
        };
        while open.try_join_next().is_some() {}
        let (wire, src) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                shared.log.note(None, What::Trouble { text: format!("accept: {error}") });
                // Out of descriptors, say: the next one may go through.
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            }
        };
        let scenario = current(&scenario);
        let most = match scenario.limits.connections {
            Some(most) => most,
            None if shared.ceilings => Limits::CONNECTIONS,
            None => u64::MAX,
        };
        let door = scenario.touches(Stage::Syn).then(|| door(&scenario, None, wire.local()));
        taken += 1;
        let mut facts = shared.plan().connection();
        if scenario.rules.iter().any(|rule| rule.when().open.is_some()) {
            live.retain(|conn: &Weak<Conn>| conn.upgrade().is_some_and(|conn| conn.is_served()));
            facts.open = live.len() as u64 + 1;
        }
        let conn = Conn::new(facts.conn, Side::Client, scenario, Arc::clone(&shared));
        conn.note(What::Accepted { side: Side::Client, src, attempt: Some(facts.attempt) });
        if facts.open > 0 {
            live.push(Arc::downgrade(&conn));
        }
        for (effect, did) in door.iter().flat_map(|door| door.meets.clone()) {
            let rule = door.as_ref().map_or(0, |door| door.rule);
            conn.note(What::Fault { rule, at: Stage::Syn, effect, did, audible: false });
        }
        let wire = counted(wire, &conn);
        open.spawn(connection(conn, facts, wire));
        if taken >= most {
            shared.log.note(None, What::Ceiling { limit: "connections", value: most });
            // The port is closed: what comes now is refused.
            drop(listener);
            tokio::select! {
                biased;
                () = shared.full.notified() => {}
                () = async { while open.join_next().await.is_some() {} } => {}
            }
            return;
        }
    }
}

/// One connection from accept to end. Small, so that ten thousand silent ones cost little: what
/// the stages need is boxed and gone once the tunnel stands.
async fn connection(conn: Arc<Conn>, facts: Facts, wire: BoxWire) {
    let most = conn.scenario.limits.time();
    let whole = async {
        let stages = Box::pin(proxy::play_until_tunnel(Arc::clone(&conn), facts, wire));
        if let Some(open) = stages.await {
            proxy::relay(&conn, open.client, open.upstream, open.early).await;
        }
    };
    // One that has ended and only waits for the client's FIN is let go without a word.
    if tokio::time::timeout(most, whole).await.is_err() && !conn.is_closed() {
        conn.note(What::Ceiling { limit: "time", value: most.as_secs() });
        conn.closed(Who::Us, How::Timeout);
    }
}

/// Takes connections to the origin around the proxy.
pub(super) async fn take_direct(
    mut listener: Listener,
    scenario: Arc<Mutex<Arc<Scenario>>>,
    shared: Arc<Shared>,
) {
    // Numbered apart: the proxy's connections keep the ordinals that their dice come from.
    let mut next = 1_000_000;
    let mut open = JoinSet::new();
    loop {
        let Ok((wire, src)) = listener.accept(shared.clock).await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        while open.try_join_next().is_some() {}
        // In the sandbox every address is taken. The command's own loopback is no way around.
        let own = current_direct(&shared);
        if wire.local().is_some_and(|ip| ip.is_loopback() && Some(ip) != own) {
            crate::wire::reset(wire);
            continue;
        }
        next += 1;
        let conn = Conn::new(next, Side::Direct, current(&scenario), Arc::clone(&shared));
        conn.note(What::Accepted { side: Side::Direct, src, attempt: None });
        // A certificate by the name asked for, whatever the scenario does to tunnels.
        let facts = Facts { conn: next, ..Facts::default() };
        let wire = counted(wire, &conn);
        open.spawn(origin::serve(conn, facts, wire, Via::Direct));
    }
}

fn current_direct(shared: &Shared) -> Option<IpAddr> {
    let direct = *shared.direct.lock().unwrap_or_else(PoisonError::into_inner);
    direct.map(|at| at.ip())
}
