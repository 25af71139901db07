use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::fault::tls_record::TlsRecord;
use crate::scenario::{Scenario, Size};
use crate::start::{Setup, simulate};
use crate::wire::sim::pair;

/// Records of these lengths, as a server would send them.
fn sent(lengths: &[usize]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for length in lengths {
        bytes.extend([0x16, 3, 3]);
        bytes.extend((*length as u16).to_be_bytes());
        bytes.extend((0..*length).map(|n| n as u8));
    }
    bytes
}

/// What comes out when these bytes are written in pieces of `piece`.
fn passed(rule: TlsRecord, bytes: &[u8], piece: usize) -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let running = simulate(Scenario::healthy(), &Setup::default()).unwrap();
        let shared = Arc::clone(&running.shared);
        let conn = Conn::new(1, Side::Client, running.scenario(), shared);
        let (ours, mut theirs) = pair();
        let mut wire =
            records(Box::new(ours), &conn, Stage::Tls, vec![Armed { rule: 1, record: rule }]);
        for part in bytes.chunks(piece) {
            wire.write_all(part).await.unwrap();
        }
        wire.shutdown().await.unwrap();
        let mut got = Vec::new();
        theirs.read_to_end(&mut got).await.unwrap();
        got
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever the pieces in which a server writes: segments lose nothing, a cut comes after
    /// its bytes, and what was fragmented has the same payload.
    #[test]
    fn bytes_are_kept(
        lengths in prop::collection::vec(0usize..300, 1..6),
        piece in 1usize..400,
        n in 1u64..500,
    ) {
        let bytes = sent(&lengths);
        let size = Some(Size(n));
        let split = TlsRecord { split: size, ..TlsRecord::default() };
        prop_assert_eq!(&passed(split, &bytes, piece), &bytes);
        let cut = TlsRecord { cut: size, ..TlsRecord::default() };
        let kept = bytes.len().min(n as usize);
        prop_assert_eq!(&passed(cut, &bytes, piece), &bytes[..kept]);
        let fragment = TlsRecord { fragment: size, ..TlsRecord::default() };
        let mut rest = &passed(fragment, &bytes, piece)[..];
        let mut payload = Vec::new();
        while let Some((head, more)) = rest.split_first_chunk::<5>() {
            let length = usize::from(u16::from_be_bytes([head[3], head[4]]));
            prop_assert!(length as u64 <= n);
            payload.extend_from_slice(&more[..length]);
            rest = &more[length..];
        }
        let whole: Vec<u8> = lengths.iter().flat_map(|l| (0..*l).map(|n| n as u8)).collect();
        prop_assert_eq!(payload, whole);
    }
}
