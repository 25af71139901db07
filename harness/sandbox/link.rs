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
use super::segment::{Segment, read, seal};
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

/// What has passed of one connection in one direction.
#[derive(Default)]
struct Count {
    /// The sequence number of its SYN.
    began: u32,
    packets: u32,
    with_data: u32,
    ended: bool,
}

/// What becomes of each segment.
pub struct Link {
    port: u16,
    doors: Vec<(IpAddr, Door)>,
    dice: Rng,
    counts: HashMap<Flow, Count>,
    /// First segments of pairs, one a flow at most; the oldest first.
    held: VecDeque<(Instant, Flow, Vec<u8>)>,
    /// What was lost and is not told yet.
    losses: Vec<Loss>,
}

/// One packet.
#[derive(Debug, PartialEq)]
struct Loss {
    rule: usize,
    direction: Direction,
    /// Whether it would have begun a connection: a SYN of the client's, the first of its kind.
    dials: bool,
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

    /// One more of its flow. The next connection of the same two ports is another one.
    fn count(&mut self, flow: Flow, segment: &Segment) -> &mut Count {
        if self.counts.len() > MOST {
            self.counts.retain(|of, count| *of == flow || !count.ended);
        }
        if self.counts.len() > 2 * MOST {
            self.counts.retain(|of, _| *of == flow);
        }
        let count = self.counts.entry(flow).or_default();
        if segment.begins.is_some_and(|began| count.packets == 0 || began != count.began) {
            *count = Count { began: segment.begins.unwrap_or_default(), ..Count::default() };
        }
        count.packets = count.packets.saturating_add(1);
        count.ended |= segment.ends;
        count
    }

    /// Whether this one is lost.
    fn lost(&mut self, flow: Flow, segment: &Segment) -> bool {
        let number = self.count(flow, segment).packets;
        let (direction, door) = self.way(flow);
        let (rule, lose) = match door {
            Some(Door { rule, lose: Some(lose), .. }) => (*rule, lose.clone()),
            _ => return false,
        };
        let lost = lose.loses(direction, number, &mut self.dice);
        if lost {
            let dials = number == 1 && segment.begins.is_some() && direction == Direction::Upstream;
            self.losses.push(Loss { rule, direction, dials });
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
        if self.lost(flow, &segment) {
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
        self.send(flow, out)
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
        count.with_data = count.with_data.wrapping_add(1);
        count.with_data.is_multiple_of(every)
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

/// Writes down what was lost. Whose SYN it was has come, though no connection says so.
fn tell(link: &mut Link, log: &Log) {
    for Loss { rule, direction, dials } in link.losses.drain(..) {
        if dials {
            log.note(None, What::SynSeen { listener: "proxy", state: "lost" });
        }
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
mod tests;
