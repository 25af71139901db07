//! The way of TCP segments between client and proxy, where a rule makes it a bad one: pure, but for
//! `serve`.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rustix::net::{RecvFlags, SendFlags, SocketAddrAny, recvfrom, sendto};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep_until};

use super::plan::Tap;
use super::segment::{read, seal};
use crate::door::Door;
use crate::event::What;
use crate::fault::Direction;
use crate::log::Log;
use crate::rng::Rng;
use crate::stage::Stage;

/// How long a segment waits for the next one. The client's kernel repeats it after 200 ms.
const HOLD: Duration = Duration::from_millis(50);
/// Flows that are counted at once.
const MOST: usize = 10_000;

/// From whom, to whom.
type Flow = (SocketAddr, SocketAddr);

/// What becomes of each segment.
pub struct Link {
    port: u16,
    doors: Vec<(IpAddr, Door)>,
    dice: Rng,
    counts: HashMap<Flow, u32>,
    /// First segments of pairs, one a flow at most; the oldest first.
    held: VecDeque<(Instant, Flow, Vec<u8>)>,
    /// What was lost and is not told yet: by which rule, on its way where.
    losses: Vec<(usize, Direction)>,
}

impl Link {
    /// To a proxy with these doors, all of them at this port.
    pub fn new(port: u16, doors: &[(SocketAddr, Door)], seed: u64) -> Self {
        let doors = doors.iter().map(|(at, door)| (at.ip(), door.clone())).collect();
        Link {
            port,
            doors,
            dice: Rng::derive(seed, "link", 0),
            counts: HashMap::new(),
            held: VecDeque::new(),
            losses: Vec::new(),
        }
    }

    /// What it takes to play these doors.
    pub fn tap(doors: &[(SocketAddr, Door)]) -> Tap {
        let any = |which: fn(&Door) -> bool| doors.iter().any(|(_, door)| which(door));
        match (any(taken), any(|door| door.duplicate.is_some())) {
            (true, _) => Tap::Take,
            (false, true) => Tap::See,
            (false, false) => Tap::None,
        }
    }

    /// Whether what is not sent does not arrive.
    fn takes(&self) -> bool {
        self.doors.iter().any(|(_, door)| taken(door))
    }

    /// Whether this one is lost.
    fn lost(&mut self, flow: Flow) -> bool {
        let (direction, door) = self.way(flow);
        let (rule, lose) = match door {
            Some(Door { rule, lose: Some(lose), .. }) => (*rule, lose),
            _ => return false,
        };
        let chance = lose.on_the_way(direction);
        let lost = chance.is_some_and(|chance| self.dice.chance(chance));
        if lost {
            self.losses.push((rule, direction));
        }
        lost
    }

    /// What is to be sent now that this packet has come.
    fn pass(&mut self, mut packet: Vec<u8>, now: Instant) -> Vec<Vec<u8>> {
        seal(&mut packet);
        let Some(segment) = read(&packet) else {
            return if self.takes() { vec![packet] } else { Vec::new() };
        };
        let flow = (segment.from, segment.to);
        if self.lost(flow) {
            return Vec::new();
        }
        let (direction, door) = self.way(flow);
        let reorder = door.and_then(|door| door.reorder.as_ref());
        let swaps = segment.data
            && !segment.ends
            && reorder.is_some_and(|r| r.direction.is_none_or(|d| d == direction));
        let place = self.held.iter().position(|(_, of, _)| *of == flow);
        let first = match place {
            None if swaps => {
                self.held.push_back((now, flow, packet));
                return Vec::new();
            }
            Some(place) if swaps || segment.ends => self.held.remove(place),
            _ => None,
        };
        let mut out = Vec::new();
        match first {
            Some((.., first)) if swaps => out.extend([packet, first]),
            Some((.., first)) => out.extend([first, packet]),
            None => out.push(packet),
        }
        let out = self.send(flow, out);
        if segment.ends || self.counts.len() > MOST {
            self.counts.remove(&flow);
        }
        out
    }

    /// What has waited long enough.
    fn due(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        while self.held.front().is_some_and(|(since, ..)| *since + HOLD <= now) {
            let Some((_, flow, packet)) = self.held.pop_front() else { break };
            out.extend(self.send(flow, vec![packet]));
        }
        out
    }

    /// Those that do not arrive by themselves, and those that come twice again.
    fn send(&mut self, flow: Flow, packets: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let takes = self.takes();
        let mut out = Vec::new();
        for packet in packets {
            let twice = read(&packet).is_some_and(|segment| segment.data) && self.twice(flow);
            out.extend((takes && twice).then(|| packet.clone()));
            out.extend((takes || twice).then_some(packet));
        }
        out
    }

    fn twice(&mut self, flow: Flow) -> bool {
        let (direction, door) = self.way(flow);
        let Some(duplicate) = door.and_then(|door| door.duplicate.as_ref()) else { return false };
        let (every, only) = (duplicate.every.unwrap_or(1).max(1), duplicate.direction);
        if only.is_some_and(|only| only != direction) {
            return false;
        }
        let count = self.counts.entry(flow).or_default();
        *count = count.wrapping_add(1);
        count.is_multiple_of(every)
    }

    /// Where a flow leads, and by which door.
    fn way(&self, (from, to): Flow) -> (Direction, Option<&Door>) {
        let (direction, ip) = match to.port() == self.port {
            true => (Direction::Upstream, to.ip()),
            false => (Direction::Downstream, from.ip()),
        };
        let door = self.doors.iter().find(|(at, _)| *at == ip || at.is_unspecified());
        (direction, door.map(|(_, door)| door))
    }
}

/// Whether segments have to be taken off their way for this door.
fn taken(door: &Door) -> bool {
    door.reorder.is_some() || door.lose.is_some()
}

/// Writes down what was lost.
fn tell(link: &mut Link, log: &Log) {
    for (rule, direction) in link.losses.drain(..) {
        let to = match direction {
            Direction::Upstream => "proxy",
            Direction::Downstream => "client",
        };
        let (at, effect, did) = (Stage::Syn, "lose", format!("loses a packet to the {to}"));
        log.note(None, What::Fault { rule, at, effect, did, audible: false });
    }
}

/// Lets segments pass, until it is dropped.
pub async fn serve(socket: UdpSocket, mut link: Link, log: Log) {
    let mut bytes = vec![0; 1 << 17];
    // An address that a packet has come from is one that it can be sent to: interface and protocol
    // stand in it. One for IPv4, one for IPv6.
    let mut ways: [Option<SocketAddrAny>; 2] = [None, None];
    loop {
        let next = link.held.front().map(|(since, ..)| *since + HOLD);
        let late = async {
            match next {
                Some(next) => sleep_until(next).await,
                None => std::future::pending().await,
            }
        };
        let mut out = Vec::new();
        tokio::select! {
            biased;
            came = socket.async_io(Interest::READABLE, || receive(&socket, &mut bytes)) => {
                let Ok((n, from)) = came else { return };
                let packet = bytes[..n].to_vec();
                ways[version(&packet)] = from;
                out = link.pass(packet, Instant::now());
                tell(&mut link, &log);
            }
            () = late => {}
        }
        out.extend(link.due(Instant::now()));
        for packet in out {
            let Some(to) = &ways[version(&packet)] else { continue };
            // What the kernel does not take is lost, and TCP repeats it.
            let _ = sendto(&socket, &packet, SendFlags::empty(), to);
        }
    }
}

fn receive(socket: &UdpSocket, bytes: &mut [u8]) -> io::Result<(usize, Option<SocketAddrAny>)> {
    let (n, _, from) = recvfrom(socket, bytes, RecvFlags::empty())?;
    Ok((n, from))
}

fn version(packet: &[u8]) -> usize {
    usize::from(packet.first().is_some_and(|first| first >> 4 == 6))
}

#[cfg(test)]
mod tests {
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

    /// By the seed's dice, whatever the segment; each loss is counted.
    #[test]
    fn lost_on_the_way() {
        let all: Vec<String> = ('a'..='z').map(String::from).collect();
        let each: Vec<(u8, &str)> = all.iter().map(|text| data(text)).collect();
        let lose = |effects: &str, back: bool| passed(&mut link(effects), back, &each);
        for (direction, back, there) in [
            ("", true, true),
            (", direction: downstream", true, false),
            (", direction: upstream", false, true),
        ] {
            let effects = format!("{{lose: {{chance: 0.5{direction}}}}}");
            for (way, lossy) in [(true, back), (false, there)] {
                let arrived = lose(&effects, way);
                assert_eq!(arrived, lose(&effects, way));
                match lossy {
                    true => assert!((5..=22).contains(&arrived.len()), "{arrived:?}"),
                    false => assert_eq!(arrived.len(), 27, "{direction}"),
                }
            }
        }
        let mut counting = link("{lose: {chance: 0.5}}");
        let arrived = passed(&mut counting, true, &each).len();
        assert_eq!(counting.losses.len(), 27 - arrived);
        assert!(counting.losses.iter().all(|loss| *loss == (1, Direction::Downstream)));
        let sure = "{lose: {chance: 0.9999999}}";
        assert_eq!(passed(&mut link(sure), true, &[(0x12, ""), ACK, FIN]), ["..."]);
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
    fn counts_end_with_the_flow() {
        let every = "{duplicate: {every: 2}}";
        for end in [FIN, (0x04, "")] {
            let some = [data("a"), end, data("b"), data("c")];
            assert_eq!(passed(&mut link(every), false, &some), ["c", "..."]);
        }
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
}
