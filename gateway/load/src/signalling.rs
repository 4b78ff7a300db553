//! Members of rooms: what they cost a server when they join, stay, mute, publish all at once, and leave and come back.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use nertc_miniapp::wire::model::{Media, Uid};
use nertc_miniapp::wire::protocol::Command;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

use crate::Failure;
use crate::member::{Door, Member, Scene};
use crate::progress::{Progress, until};
use crate::server::Server;
use crate::tally::{Tally, Times};

/// How much of it.
#[derive(Debug, Clone, clap::Args)]
pub struct Signalling {
    /// Members of all rooms
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(2..=100_000))]
    pub members: u32,
    /// Members of a room
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=1000))]
    pub room_size: u32,
    /// Milliseconds from one heartbeat of a member to the next; the SDK's are 3000
    #[arg(long, value_name = "MS", default_value_t = 3000, value_parser = clap::value_parser!(u32).range(100..=10_000))]
    pub heartbeat: u32,
    /// Mutes a second, by one member after the other
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=5000))]
    pub mutes: u32,
    /// Rooms a second whose members all publish at once
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub storms: u32,
    /// Members a second that leave and join again
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub churn: u32,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct SignallingFigures {
    /// Which server.
    pub server: &'static str,
    /// Bytes of memory that each member made it take.
    pub memory: u64,
    /// How long a member took to get in, and the first until all were.
    pub join: Phase,
    /// Heartbeats and their answers.
    pub heartbeats: Phase,
    /// Mutes, and notices of them; nothing of this and the rest where there are no rooms.
    pub mutes: Option<Phase>,
    /// Publications of whole rooms, and notices of them.
    pub storms: Option<Phase>,
    /// Members that left and joined again.
    pub churn: Option<Phase>,
    /// Commands that were refused, frames that could not be read, connections that ended.
    pub faults: u64,
}

/// One kind of work.
#[derive(Debug, Clone)]
pub struct Phase {
    /// How often it was done.
    pub done: u64,
    /// The server's time on a processor, for each.
    pub cpu: Duration,
    /// Answers or notices that should have come.
    pub due: u64,
    /// How long those took that came.
    pub times: Times,
}

impl Signalling {
    /// Files that we open for it, and each server besides.
    pub(crate) fn files(&self) -> u64 {
        u64::from(self.members) + 2 * JOINERS as u64 + 64
    }

    /// Measures a server, so many seconds for each kind of work.
    ///
    /// # Errors
    ///
    /// Something that the load needs did not work.
    pub async fn run(&self, server: &Server, seconds: u32) -> Result<SignallingFigures, Failure> {
        let before = server.memory()?;
        let scene = Scene::new(self.members as usize);
        let mut crowd = Crowd { load: self, server, scene: Arc::clone(&scene), members: Vec::new() };
        let join = crowd.join().await?;
        sleep(SETTLING).await;
        let memory = server.memory()?.saturating_sub(before) / u64::from(self.members);
        let has_rooms = server.name != "echo";
        let count = u64::from(seconds) * 1000 * u64::from(self.members) / u64::from(self.heartbeat);
        let heartbeats = crowd.heartbeats(u32::try_from(count)?.max(1), self.heartbeat).await?;
        let mut rooms = [None, None, None];
        if has_rooms {
            rooms[0] = Some(crowd.mutes(seconds).await?);
            rooms[1] = Some(crowd.storms(seconds).await?);
            rooms[2] = Some(crowd.churn(seconds).await?);
        }
        let [mutes, storms, churn] = rooms;
        let faults = scene.faults.load(Ordering::Relaxed);
        Ok(SignallingFigures { server: server.name, memory, join, heartbeats, mutes, storms, churn, faults })
    }

    fn room(&self, uid: Uid) -> String {
        format!("room{}", (uid.0 - 1) / u64::from(self.room_size))
    }
}

struct Crowd<'a> {
    load: &'a Signalling,
    server: &'a Server,
    scene: Arc<Scene>,
    /// By their uids, which begin with 1.
    members: Vec<Member>,
}

impl Crowd<'_> {
    async fn join(&mut self) -> Result<Phase, Failure> {
        let spent = self.server.cpu()?;
        let (address, has_rooms) = (self.server.http, self.server.name != "echo");
        let took = Arc::new(Tally::default());
        let mut progress = Progress::new(format!("{}: members", self.server.name), self.load.members.into());
        let mut joining = JoinSet::new();
        let (found, mut members) = tokio::sync::mpsc::channel(JOINERS);
        for joiner in 0..JOINERS {
            let (load, scene, found) = (self.load.clone(), Arc::clone(&self.scene), found.clone());
            let took = Arc::clone(&took);
            joining.spawn(async move {
                let mut door = Door::open(address).await?;
                for uid in (1..=u64::from(load.members)).skip(joiner).step_by(JOINERS).map(Uid) {
                    let begin = Instant::now();
                    let member = if has_rooms {
                        Member::join(&mut door, &scene, &load.room(uid), uid).await
                    } else {
                        Member::beside(address, &scene, uid).await
                    };
                    took.note(u64::try_from(begin.elapsed().as_nanos())?);
                    // Nobody to take it: another joiner has failed.
                    let Ok(()) = found.send(member?).await else { break };
                }
                Ok::<_, Failure>(())
            });
        }
        drop(found);
        while let Some(member) = members.recv().await {
            self.members.push(member);
            progress.step();
        }
        while let Some(ended) = joining.join_next().await {
            ended??;
        }
        self.members.sort_unstable_by_key(|member| member.uid);
        sleep(SETTLING).await;
        self.phase(self.load.members, self.load.members.into(), spent, took.take())
    }

    /// So many, spread over time so that each member sends one in every interval.
    async fn heartbeats(&mut self, count: u32, interval: u32) -> Result<Phase, Failure> {
        let (spent, start) = (self.server.cpu()?, Instant::now());
        let step = Duration::from_millis(interval.into()) / self.load.members;
        let mut progress = Progress::new(format!("{}: heartbeats", self.server.name), count.into());
        for index in 0..count {
            sleep_until((start + step * index).into()).await;
            self.members[(index % self.load.members) as usize].heartbeat().await?;
            progress.step();
        }
        until(|| self.scene.heartbeats.count() >= count.into(), PATIENCE).await;
        self.phase(count, count.into(), spent, self.scene.heartbeats.take())
    }

    async fn mutes(&mut self, seconds: u32) -> Result<Phase, Failure> {
        let (spent, start) = (self.server.cpu()?, Instant::now());
        let count = self.load.mutes * seconds;
        let (members, size) = (self.load.members, self.load.room_size);
        let mut due = 0;
        for index in 0..count {
            sleep_until((start + Duration::from_secs(1) / self.load.mutes * index).into()).await;
            // From room to room, and within the rooms from member to member.
            let (turn, room) = (index / members.div_ceil(size), index % members.div_ceil(size));
            let in_room = size.min(members - room * size);
            let speaker = &mut self.members[(room * size + turn % in_room) as usize];
            speaker.say(Command::Mute(Media::Audio, (turn / in_room).is_multiple_of(2))).await?;
            due += u64::from(in_room - 1);
        }
        until(|| self.scene.told.count() >= due, PATIENCE).await;
        self.phase(count, due, spent, self.scene.told.take())
    }

    async fn storms(&mut self, seconds: u32) -> Result<Phase, Failure> {
        let (spent, start) = (self.server.cpu()?, Instant::now());
        let count = self.load.storms * seconds;
        let (mut publications, mut due) = (0, 0);
        let (size, rooms) = (self.load.room_size as usize, self.load.members.div_ceil(self.load.room_size));
        for index in 0..count {
            sleep_until((start + Duration::from_secs(1) / self.load.storms * index).into()).await;
            let (turn, room) = (index / rooms, index % rooms);
            let Some(room) = self.members.chunks_mut(size).nth(room as usize) else { continue };
            let others = room.len() as u64 - 1;
            for member in room {
                member.say(Command::Publish(Media::Audio, turn.is_multiple_of(2))).await?;
                publications += 1;
                due += others;
            }
        }
        until(|| self.scene.told.count() >= due, PATIENCE).await;
        self.phase(publications, due, spent, self.scene.told.take())
    }

    async fn churn(&mut self, seconds: u32) -> Result<Phase, Failure> {
        let mut door = Door::open(self.server.http).await?;
        let (spent, start) = (self.server.cpu()?, Instant::now());
        let count = self.load.churn * seconds;
        let took = Tally::default();
        for index in 0..count {
            sleep_until((start + Duration::from_secs(1) / self.load.churn * index).into()).await;
            let begin = Instant::now();
            let left = self.members.swap_remove(index as usize * CHURN_STRIDE % self.members.len());
            let uid = left.uid;
            left.leave().await?;
            self.members.push(Member::join(&mut door, &self.scene, &self.load.room(uid), uid).await?);
            took.note(u64::try_from(begin.elapsed().as_nanos())?);
        }
        sleep(SETTLING).await;
        self.phase(count, count.into(), spent, took.take())
    }

    fn phase(&self, done: u32, due: u64, spent: Duration, times: Times) -> Result<Phase, Failure> {
        let cpu = self.server.cpu()?.saturating_sub(spent) / done.max(1);
        Ok(Phase { done: done.into(), cpu, due, times })
    }
}

/// Members that come at once.
const JOINERS: usize = 16;
/// So that those who leave are of different rooms.
const CHURN_STRIDE: usize = 17;
const SETTLING: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(10);
