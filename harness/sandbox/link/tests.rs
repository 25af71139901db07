use super::*;
use crate::door::door;
use crate::sandbox::segment::tests::segment;

fn link(effects: &str) -> Link {
    let yaml = format!("rules: [{{at: syn, do: {effects}}}]");
    let scenario = crate::scenario::read(&yaml, "x").unwrap_or_else(|e| panic!("{e}"));
    let at = "203.0.113.9:443".parse().unwrap();
    Link::new(443, &[(at, door(&scenario, None, None))], 7)
}

/// What goes on of these, all in one flow; after a moment, if they still wait.
fn passed(link: &mut Link, back: bool, packets: &[(u8, &str)]) -> Vec<String> {
    let now = Instant::now();
    let each = packets.iter().map(|(flags, data)| segment(back, *flags, data.as_bytes()));
    let mut out: Vec<Vec<u8>> = each.flat_map(|packet| link.pass(packet, now)).collect();
    assert!(link.due(now + HOLD - Duration::from_millis(1)).is_empty());
    out.push(b"".to_vec());
    out.extend(link.due(now + HOLD));
    let text = |packet: &Vec<u8>| match (packet.get(33), packet.get(40..)) {
        (Some(0x11 | 0x04), _) => "end".to_owned(),
        (Some(_), Some(b"")) => "ack".to_owned(),
        (Some(_), Some(data)) => String::from_utf8(data.to_vec()).unwrap(),
        _ => "...".to_owned(),
    };
    out.iter().map(text).collect()
}

const ACK: (u8, &str) = (0x10, "");
const FIN: (u8, &str) = (0x11, "");

fn data(text: &str) -> (u8, &str) {
    (0x18, text)
}

#[test]
fn pairs_are_swapped_and_one_alone_is_late() {
    let some = [ACK, data("a"), ACK, data("b"), data("c"), data("d"), data("e"), ACK];
    let wanted = ["ack", "ack", "b", "a", "d", "c", "ack", "...", "e"];
    assert_eq!(passed(&mut link("reorder"), false, &some), wanted);
    assert_eq!(passed(&mut link("reorder"), true, &some), wanted);
}

#[test]
fn an_end_is_no_second_of_a_pair() {
    for end in [FIN, (0x04, "")] {
        assert_eq!(passed(&mut link("reorder"), false, &[data("a"), end]), ["a", "end", "..."]);
    }
}

#[test]
fn one_direction() {
    let mut link = link("{reorder: {direction: downstream}}");
    let some = [data("a"), data("b")];
    assert_eq!(passed(&mut link, true, &some), ["b", "a", "..."]);
    // What comes off its way goes on as it was.
    assert_eq!(passed(&mut link, false, &some), ["a", "b", "..."]);
}

/// The first ones arrive by themselves.
#[test]
fn only_the_second_ones_are_sent() {
    let some = [ACK, data("a"), data("b"), data("c"), data("d"), FIN];
    assert_eq!(passed(&mut link("duplicate"), false, &some), ["a", "b", "c", "d", "..."]);
    let every = "{duplicate: {every: 2, direction: upstream}}";
    assert_eq!(passed(&mut link(every), false, &some), ["b", "d", "..."]);
    assert_eq!(passed(&mut link(every), true, &some), ["..."]);
}

/// Which ones is a matter of counting, whatever they are, or of the seed's dice; each is told.
#[test]
fn lost_on_the_way() {
    let each: Vec<String> = ('a'..='z').map(String::from).collect();
    let each: Vec<(u8, &str)> = each.iter().map(|text| data(text)).collect();
    let lose = |way: &str, back: bool| {
        let mut link = link(&format!("{{lose: {{{way}}}}}"));
        let arrived = passed(&mut link, back, &each);
        let to = if back { Direction::Downstream } else { Direction::Upstream };
        assert_eq!(link.losses.len(), 27 - arrived.len(), "{way}");
        let one = Loss { rule: 1, direction: to, dials: false };
        assert!(link.losses.iter().all(|loss| *loss == one), "{way}");
        arrived.concat()
    };
    for (way, arrives) in [
        ("first: 1", "bcdefghijklmnopqrstuvwxyz..."),
        ("first: 20", "uvwxyz..."),
        ("every: 2", "acegikmoqsuwy..."),
        ("every: 5", "abcdfghiklmnpqrsuvwxz..."),
        // What seed 7 throws.
        ("chance: 0.5", "abcghknrxyz..."),
        ("chance: 0.9999999", "..."),
    ] {
        let all = "abcdefghijklmnopqrstuvwxyz...";
        let [up, down] = ["upstream", "downstream"].map(|d| format!("{way}, direction: {d}"));
        assert_eq!([lose(way, false), lose(way, true)], [arrives, arrives], "{way}");
        assert_eq!([lose(&up, false), lose(&up, true)], [arrives, all], "{way}");
        assert_eq!([lose(&down, false), lose(&down, true)], [all, arrives], "{way}");
    }
    let ends = [(0x12, ""), ACK, FIN];
    assert_eq!(passed(&mut link("{lose: {first: 3}}"), true, &ends), ["..."]);
}

/// A SYN that comes again belongs to the connection that it begins; another one begins another.
#[test]
fn a_syn_begins_to_count() {
    let mut link = link("{lose: {first: 2}}");
    let mut lost = |sequence: u8, flags: u8| {
        let mut syn = segment(false, flags, b"");
        syn[27] = sequence;
        link.pass(syn, Instant::now()).is_empty()
    };
    assert_eq!([lost(7, 2), lost(7, 2), lost(7, 2), lost(8, 16)], [true, true, false, false]);
    assert_eq!([lost(9, 17), lost(10, 16)], [false, false]);
    assert_eq!([lost(20, 2), lost(20, 2), lost(20, 2)], [true, true, false]);
    let dials: Vec<bool> = link.losses.iter().map(|loss| loss.dials).collect();
    assert_eq!(dials, [true, false, true, false]);
}

/// However many connections there are, memory has an end, and who still speaks is counted on.
#[test]
fn counts_of_what_has_ended_go() {
    let mut link = link("{lose: {every: 2}}");
    let from = |n: u32, flags: u8| {
        let mut packet = segment(false, flags, b"");
        packet[12..16].copy_from_slice(&n.to_be_bytes());
        packet
    };
    let now = Instant::now();
    assert_eq!(link.pass(from(0, 16), now).len(), 1);
    for n in 1..3 * MOST as u32 {
        link.pass(from(n, 17), now);
        assert!(link.counts.len() <= MOST + 2);
    }
    assert!(link.pass(from(0, 16), now).is_empty(), "the second of its connection");
    for n in 0..3 * MOST as u32 {
        link.pass(from(n, 16), now);
        assert!(link.counts.len() <= 2 * MOST + 2);
    }
}

#[test]
fn both() {
    let some = [data("a"), data("b"), ACK];
    let wanted = ["b", "b", "a", "a", "ack", "..."];
    assert_eq!(passed(&mut link("[duplicate, reorder]"), false, &some), wanted);
}

/// Data in the segment that ends a flow is not kept back, nor sent before what it follows.
#[test]
fn an_end_with_data_keeps_its_place() {
    let last = (0x19, "last");
    assert_eq!(passed(&mut link("reorder"), false, &[data("a"), last]), ["a", "last", "..."]);
    assert_eq!(passed(&mut link("reorder"), false, &[last]), ["last", "..."]);
}

/// The next connection of the same two ports is another one.
#[test]
fn counts_begin_with_the_connection() {
    let every = "{duplicate: {every: 2}}";
    let some = [data("a"), FIN, (0x02, ""), data("b"), data("c")];
    assert_eq!(passed(&mut link(every), false, &some), ["c", "..."]);
    let mut link = link(every);
    // Each direction by itself.
    assert_eq!(passed(&mut link, false, &[data("a")]), ["..."]);
    assert_eq!(passed(&mut link, true, &[data("b")]), ["..."]);
    assert_eq!(passed(&mut link, false, &[data("c")]), ["c", "..."]);
}

/// On `lo` no checksum is right, and of what is sent on the kernel looks at it.
#[test]
fn what_is_sent_has_its_checksum() {
    let mut wanted = segment(true, 0x18, b"x");
    seal(&mut wanted);
    let sent = link("duplicate").pass(segment(true, 0x18, b"x"), Instant::now());
    assert_eq!(sent, [wanted]);
}

/// One door of several will do.
#[test]
fn what_it_takes_to_play() {
    let door = |effects: &str| {
        let yaml = format!("rules: [{{at: syn, do: {effects}}}]");
        let scenario = crate::scenario::read(&yaml, "x").unwrap_or_else(|e| panic!("{e}"));
        ("203.0.113.9:443".parse().unwrap(), door(&scenario, None, None))
    };
    let tap = |each: &[&str]| {
        let doors: Vec<_> = each.iter().map(|effects| door(effects)).collect();
        match Link::tap(&doors) {
            Tap::Take => "take",
            Tap::See => "see",
            Tap::None => "none",
        }
    };
    let (both, up, down) = (
        "{lose: {chance: 0.5}}",
        "{lose: {chance: 0.5, direction: upstream}}",
        "{lose: {chance: 0.5, direction: downstream}}",
    );
    for effects in [both, up, down, "reorder", "[duplicate, reorder]"] {
        assert_eq!(tap(&[effects]), "take", "{effects}");
        assert_eq!(tap(&["{mss: 536B}", effects]), "take", "{effects}");
    }
    assert_eq!(tap(&["{mss: 536B}"]), "none");
    assert_eq!((tap(&["duplicate"]), tap(&["{mss: 536B}", "duplicate"])), ("see", "see"));
}
