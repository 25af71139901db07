//! Certificates end in virtual time, and over sockets in the machine's.

use std::io;
use std::time::{Duration, Instant};

use badproxy::event::What;
use badproxy::rustls::pki_types::UnixTime;
use badproxy::rustls::{self, AlertDescription, CertificateError};
use badproxy::verdict::Word;
use badproxy::{Scenario, World};
use tokio::time::sleep;

use crate::client::get_over;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn simulated(yaml: &str) -> World {
    let scenario = Scenario::from_yaml(yaml).unwrap_or_else(|problems| panic!("{problems}"));
    scenario.simulate().unwrap()
}

/// One fetch with a configuration of its own: no session is taken up again.
async fn get(world: &World) -> io::Result<String> {
    get_over(world, world.dialler().proxy().await?).await
}

/// What rustls says of the certificate.
fn said(error: &io::Error) -> Option<&CertificateError> {
    match error.get_ref()?.downcast_ref()? {
        rustls::Error::InvalidCertificate(error) => Some(error),
        _ => None,
    }
}

/// The certificates of the handshakes that stood, and the alerts of the others.
fn handshakes(world: &World) -> Vec<String> {
    let mut events = world.events();
    let mut all = Vec::new();
    while let Some(event) = events.try_next() {
        match event.what {
            What::Established { cert, .. } => all.push(cert),
            What::TlsFailed { alert, .. } => all.extend(alert),
            _ => {}
        }
    }
    all
}

#[tokio::test(start_paused = true)]
async fn a_certificate_ends_in_virtual_time() {
    let wall = Instant::now();
    let world = simulated("rules: [{at: tls, do: {cert: ends-in-1h}}]");
    get(&world).await.unwrap();
    sleep(HOUR - Duration::from_secs(2)).await;
    get(&world).await.unwrap();
    sleep(DAY).await;
    let error = get(&world).await.unwrap_err();
    let said = said(&error);
    assert!(
        matches!(said, Some(CertificateError::Expired | CertificateError::ExpiredContext { .. })),
        "{error:?}"
    );
    world.wait_for(|event| matches!(event.what, What::TlsFailed { .. })).await;
    let expired = format!("{:?}", AlertDescription::CertificateExpired);
    assert_eq!(handshakes(&world), ["ends-in-1h", "ends-in-1h", &expired]);
    // A day, against some milliseconds of cryptography.
    assert!(wall.elapsed() < Duration::from_secs(60), "{:?}", wall.elapsed());
}

/// Who does not look at the date sends a request under a certificate that has ended: WRONG.
#[tokio::test(start_paused = true)]
async fn who_takes_it_after_its_end_is_judged_for_it() {
    for (wait, word) in [(Duration::ZERO, Word::Pass), (2 * HOUR, Word::Wrong)] {
        let world = simulated("rules: [{at: tls, do: {cert: ends-in-1h}}]");
        // A client whose date stands still.
        let mut config = world.client_config();
        config.time_provider = std::sync::Arc::new(rustls::time_provider::DefaultTimeProvider);
        get(&world).await.unwrap();
        sleep(wait).await;
        let wire = world.dialler().proxy().await.unwrap();
        crate::client::get_with(|| config, wire).await.unwrap();
        world.client_ended::<_, String>(Ok(()));
        let outcome = world.finish().await;
        assert_eq!(outcome.verdict.word, word, "{wait:?}: {}", outcome.report());
    }
}

/// A healthy proxy stays one: its certificates are minted again before they end.
#[tokio::test(start_paused = true)]
async fn a_healthy_world_lives_for_years() {
    let world = simulated("name: mine");
    for _ in 0..100 {
        get(&world).await.unwrap();
        sleep(6 * DAY).await;
    }
    sleep(10 * 365 * DAY).await;
    get(&world).await.unwrap();
}

/// So do the others: what begins tomorrow begins tomorrow tomorrow, too.
#[tokio::test(start_paused = true)]
async fn a_defect_of_time_stays() {
    for word in ["not-yet-valid", "not-yet-valid-60s", "expired", "issuer-expired"] {
        let world = simulated(&format!("rules: [{{at: tls, do: {{cert: {word}}}}}]"));
        for wait in [Duration::ZERO, Duration::from_secs(59), 2 * HOUR, DAY, 40 * DAY] {
            sleep(wait).await;
            let error = get(&world).await.unwrap_err();
            assert!(said(&error).is_some(), "{word} after {wait:?}: {error:?}");
        }
    }
}

/// The date of a configuration.
fn date(world: &World) -> Duration {
    let now: UnixTime = world.client_config().time_provider.current_time().unwrap();
    Duration::from_secs(now.as_secs())
}

#[tokio::test(start_paused = true)]
async fn the_date_begins_with_the_machines_and_passes_with_the_clock() {
    let machine = Duration::from_secs(UnixTime::now().as_secs());
    let world = simulated("name: mine");
    let begin = date(&world);
    assert!((machine..machine + DAY).contains(&begin), "{begin:?}");
    sleep(365 * DAY).await;
    let later = date(&world);
    assert!(later.abs_diff(begin + 365 * DAY) <= Duration::from_secs(1), "{begin:?} {later:?}");
}

/// Tokio's clock may be paused around a world on sockets, by mistake or for the client's sake: its
/// certificates go by the machine's date all the same.
#[tokio::test]
async fn over_sockets_the_date_is_the_machines() {
    let world = Scenario::healthy().start().await.unwrap();
    tokio::time::pause();
    tokio::time::advance(365 * DAY).await;
    let machine = Duration::from_secs(UnixTime::now().as_secs());
    assert!((machine - DAY..machine + DAY).contains(&date(&world)));
}
