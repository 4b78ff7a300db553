//! The hub under frames, deadlines and an operator: every well-formed command of a member is answered once,
//! nothing is sent to whoever is gone, and when all have left nothing is left.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use nertc_gateway::rights::{Action, Grants, LoginTicket, MediaUrls, Secret};
use nertc_gateway::rooms::{ConnectionId, Hub, HubConfig, HubInput, HubOutput, QualityReport};
use nertc_miniapp::time::Instant;
use nertc_miniapp::wire::model::{Cid, Uid, Url};
use nertc_miniapp::wire::protocol::{Caption, ServerPacket};
use serde_json::{Value, json};

use crate::draw::Draw;
use crate::engine::{Rules, fuzz};
use crate::frames::{self, Frame};
use crate::spoil;

#[test]
fn hub() {
    let rules =
        Rules { name: "hub", cases: 100, longest: Duration::from_secs(20), memory: 48 << 20, shrinks: true };
    fuzz(rules, || live);
}

fn live(draw: &mut Draw) -> Result<(), String> {
    let mut desk = Desk::new();
    // Most of what there is to break is behind a login.
    for uid in UIDS.into_iter().take(draw.below(5)) {
        let id = desk.open()?;
        desk.enter(id, CID, uid)?;
    }
    for _ in 0..draw.below(200) {
        desk.step(draw)?;
    }
    desk.all_leave()
}

/// A hub, and what whoever drives it may rely on.
struct Desk {
    hub: Hub,
    now: Instant,
    open: BTreeMap<ConnectionId, Stand>,
    minted: u64,
    seq: u32,
}

/// Where a connection stands, as far as its peer can know.
#[derive(Debug, Clone, PartialEq)]
enum Stand {
    Door,
    Member(u64, u64),
    /// Something unreadable was said, or the membership has ended: nothing more is promised.
    Doubtful,
}

impl Desk {
    fn new() -> Self {
        let config = HubConfig {
            max_connections: 8,
            max_rooms: 2,
            max_members: 4,
            max_bad_packets: 20,
            ..HubConfig::default()
        };
        let grants = Arc::new(Grants::new(secret()));
        let url = |action: Action, stream: &str, grant: &str| {
            Url(format!("rtmp://media/live/{stream}?{action:?}={grant}")).0
        };
        let hub = Hub::new(config, secret(), MediaUrls::new(grants, url));
        Self { hub, now: START, open: BTreeMap::new(), minted: 0, seq: 0 }
    }

    fn step(&mut self, draw: &mut Draw) -> Result<(), String> {
        match draw.below(20) {
            0 => self.open().map(drop),
            1 => {
                let id = self.open()?;
                self.enter(id, cid(draw), uid(draw))
            }
            2 => self.log_in(draw),
            14 if draw.chance(30) => {
                let Some((id, _)) = self.any(draw) else { return Ok(()) };
                self.open.remove(&id);
                self.input(HubInput::Closed(id)).map(drop)
            }
            15 => self.wait(draw.pick(&[1, 10, 100, 500, 1000, 3000, 5000, 15_000, 31_000])),
            16 if draw.chance(20) => {
                let (cid, uid) = (Cid(cid(draw)), Uid(uid(draw)));
                let input = if draw.chance(50) { HubInput::Kick(cid, uid) } else { HubInput::Dissolve(cid) };
                self.input(input).map(drop)
            }
            3..=14 | 16 => self.command(draw),
            17 => {
                let caption = Caption { text: spoil::odd_text(draw), ..caption(uid(draw)) };
                let captions = vec![caption; draw.pick(&[1, 2, 100])];
                self.input(HubInput::Captions(Cid(cid(draw)), captions)).map(drop)
            }
            18 => {
                let source = draw.chance(50).then_some(Uid(uid(draw)));
                let report =
                    QualityReport { source, code: Some(draw.edge() as i32), ..QualityReport::default() };
                self.input(HubInput::Report(Cid(cid(draw)), Uid(uid(draw)), report)).map(drop)
            }
            _ => self.task(draw),
        }
    }

    fn open(&mut self) -> Result<ConnectionId, String> {
        let id = ConnectionId(self.minted);
        self.minted += 1;
        self.open.insert(id, Stand::Door);
        self.input(HubInput::Opened(id))?;
        Ok(id)
    }

    /// Logs in as clients do. It may be refused: there are limits.
    fn enter(&mut self, id: ConnectionId, cid: u64, uid: u64) -> Result<(), String> {
        self.seq += 1;
        let token = self.ticket(cid, uid, 3_600_000);
        let login = frames::login(uid, cid, &token, 0, self.seq);
        let answers = self.input(HubInput::Text(id, login.to_string()))?;
        match answers.iter().find(|(to, ack)| *to == id && ack["seq"] == self.seq) {
            Some((_, ack)) if ack["body"]["code"] == 200 => self.stand(id, Stand::Member(cid, uid)),
            Some(_) => self.stand(id, Stand::Doubtful),
            None if self.open.contains_key(&id) => return Err("a login is not answered".into()),
            None => {}
        }
        Ok(())
    }

    fn ticket(&self, cid: u64, uid: u64, lasts: u64) -> String {
        let (channel, app_key) = ("room".into(), "app".into());
        let expires_ms = self.now.as_millis() + lasts;
        LoginTicket { cid, uid, channel, app_key, expires_ms, began: None, good_until: None, permit: None }
            .sign(&secret())
    }

    fn log_in(&mut self, draw: &mut Draw) -> Result<(), String> {
        let Some((id, stand)) = self.any(draw) else { return Ok(()) };
        let (cid, uid) = (cid(draw), uid(draw));
        let token = self.ticket(cid, uid, draw.pick(&[3_600_000, 1, 0]));
        self.seq += 1;
        let packet = frames::login(uid, cid, &token, draw.below(2), self.seq);
        let frame = Frame::of(draw, packet, 30);
        let answers = self.input(HubInput::Text(id, frame.text))?;
        let answer = answers.iter().find(|(to, ack)| *to == id && ack["seq"] == self.seq);
        match answer {
            Some((_, ack)) if stand == Stand::Door && ack["body"]["code"] == 200 => {
                // A spoilt login may still be one, for somebody else.
                let next = if frame.is_whole { Stand::Member(cid, uid) } else { Stand::Doubtful };
                self.stand(id, next);
            }
            Some(_) => self.stand(id, Stand::Doubtful),
            None if frame.is_whole && stand == Stand::Door => return Err("a login is not answered".into()),
            None => self.stand(id, Stand::Doubtful),
        }
        Ok(())
    }

    fn command(&mut self, draw: &mut Draw) -> Result<(), String> {
        let Some((id, stand)) = self.any(draw) else { return Ok(()) };
        let (cid, uid) = match stand {
            Stand::Member(cid, uid) => (cid, uid),
            Stand::Door | Stand::Doubtful => (cid(draw), uid(draw)),
        };
        self.seq += 1;
        let is_last = draw.chance(2);
        let packet = if is_last {
            frames::logout(uid, cid, self.seq)
        } else {
            frames::command(draw, uid, cid, self.seq, &UIDS)
        };
        let frame = Frame::of(draw, packet, 30);
        let answers = self.input(HubInput::Text(id, frame.text.clone()))?;
        let mine = answers.iter().filter(|(to, ack)| *to == id && ack["seq"] == self.seq).count();
        let is_owed = frame.is_whole && stand != Stand::Doubtful;
        if is_owed && mine != 1 {
            return Err(format!("{mine} answers to one command, {} standing at {stand:?}", frame.text));
        }
        // A spoilt command may be a logout.
        if !frame.is_whole || is_last {
            self.stand(id, Stand::Doubtful);
        }
        Ok(())
    }

    fn task(&mut self, draw: &mut Draw) -> Result<(), String> {
        let mut task = json!({ "taskId": "t", "streamUrl": "rtmp://a.example/b", "record": false,
            "hostUid": 1, "version": 1, "layout": { "canvas": { "width": 640, "height": 480, "color": 0 },
            "users": [{ "uid": 1, "x": 0, "y": 0, "width": 320, "height": 240, "adaption": 1,
            "pushAudio": true, "pushVideo": true }] } });
        if draw.chance(60) {
            spoil::json(draw, &mut task);
        }
        let Ok(task) = serde_json::from_value(task) else { return Ok(()) };
        let (cid, uid) = (Cid(cid(draw)), Uid(uid(draw)));
        let _refused = match draw.below(3) {
            0 => self.hub.add_task(cid, uid, task),
            1 => self.hub.update_task(cid, uid, task),
            _ => self.hub.delete_task(cid, uid, "t"),
        };
        self.drain().map(drop)
    }

    /// Time goes on, and the timer rings when it is due.
    fn wait(&mut self, millis: u64) -> Result<(), String> {
        let end = self.now + Duration::from_millis(millis);
        let mut rung = 0;
        while let Some((due, timer)) = self.hub.poll_timeout().filter(|(due, _)| *due <= end) {
            self.now = due.max(self.now);
            self.input(HubInput::Timeout)?;
            rung += 1;
            if rung > 1000 {
                return Err(format!("the timer {timer:?} rings for ever"));
            }
        }
        self.now = end;
        Ok(())
    }

    fn all_leave(&mut self) -> Result<(), String> {
        for id in std::mem::take(&mut self.open).into_keys() {
            self.input(HubInput::Closed(id))?;
        }
        self.wait(120_000)?;
        match (self.hub.room_count(), self.hub.poll_timeout()) {
            (0, None) => Ok(()),
            (rooms, timer) => Err(format!("{rooms} rooms and the timer {timer:?} are left")),
        }
    }

    fn input(&mut self, input: HubInput) -> Result<Vec<(ConnectionId, Value)>, String> {
        self.hub.handle(input, self.now);
        self.drain()
    }

    /// What is sent, all of it readable and to somebody who is there.
    fn drain(&mut self) -> Result<Vec<(ConnectionId, Value)>, String> {
        let mut sent = Vec::new();
        let mut closed = BTreeSet::new();
        let mut steps = 0;
        while let Some(output) = self.hub.poll_output() {
            steps += 1;
            if steps > MOST_OUTPUTS {
                return Err(format!("more than {MOST_OUTPUTS} outputs"));
            }
            match output {
                HubOutput::Send(id, text) => {
                    if !self.open.contains_key(&id) {
                        return Err(format!("{text} is sent to {id}, which is closed"));
                    }
                    let packet = ServerPacket::decode(&text).map_err(|error| format!("{error}: {text}"))?;
                    if matches!(packet, ServerPacket::Notice(_)) && ends_a_stay(&text) {
                        self.stand(id, Stand::Doubtful);
                    }
                    sent.push((id, serde_json::from_str(&text).unwrap_or_default()));
                }
                HubOutput::Close(id, ..) => {
                    if self.open.remove(&id).is_none() || !closed.insert(id) {
                        return Err(format!("{id} is closed twice"));
                    }
                }
                HubOutput::Admit(..)
                | HubOutput::Carry(..)
                | HubOutput::Expel(..)
                | HubOutput::EndStream(_)
                | HubOutput::Drained
                | HubOutput::Interrupt { .. } => {}
                HubOutput::Log(_, line) if line.len() > LONGEST_LINE => {
                    return Err(format!("a line of {} bytes is logged", line.len()));
                }
                HubOutput::Log(..) => {}
            }
        }
        match self.hub.poll_timeout() {
            Some((due, timer)) if due <= self.now => Err(format!("{timer:?} is overdue")),
            Some(_) | None => Ok(sent),
        }
    }

    fn any(&self, draw: &mut Draw) -> Option<(ConnectionId, Stand)> {
        let at = draw.below(self.open.len().max(1));
        self.open.iter().nth(at).map(|(id, stand)| (*id, stand.clone()))
    }

    fn stand(&mut self, id: ConnectionId, stand: Stand) {
        if let Some(old) = self.open.get_mut(&id) {
            *old = stand;
        }
    }
}

/// 23 only says that the room is about to end, but a member need not believe in what comes after.
fn ends_a_stay(text: &str) -> bool {
    let packet: Value = serde_json::from_str(text).unwrap_or_default();
    packet["cmd"].as_u64().is_some_and(|cmd| (23..=25).contains(&cmd))
}

fn caption(uid: u64) -> Caption {
    Caption {
        timestamp: 1.0.into(),
        src_uid: Uid(uid),
        language: "en".into(),
        text: String::new(),
        is_final: true,
        has_trans: false,
        trans_language: String::new(),
        trans_text: String::new(),
    }
}

fn cid(draw: &mut Draw) -> u64 {
    draw.pick(&[CID, CID, CID + 1, CID + 2])
}

fn uid(draw: &mut Draw) -> u64 {
    draw.pick(&UIDS)
}

fn secret() -> Secret {
    Secret::from_text("a secret for fuzzing only").unwrap()
}

const CID: u64 = 123_456_789_012_345;
const UIDS: [u64; 6] = [1, 2, 3, 4, 5, u64::MAX];
const START: Instant = Instant::from_millis(1_700_000_000_000);
/// Of one input: a full room is told of a handful of things.
const MOST_OUTPUTS: usize = 1000;
const LONGEST_LINE: usize = 2048;
