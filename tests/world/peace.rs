//! What must be so once nothing fails any more and some time has passed: everybody agrees.

use std::collections::{BTreeMap, BTreeSet};

use nertc_gateway::rights::{Action, Grants, stream_name};
use nertc_gateway::rooms::{CaptionWish, MemberStatus};
use nertc_miniapp::wire::protocol::{ClientPacket, Command};
use nertc_miniapp::{Call, Cid, Error, Media, MediaSet, Role, Uid};

use super::client::Client;
use super::view::Stay;
use super::{ClientId, Seat, World, secret};

impl World {
    /// Whether sessions, hub and applications agree, and nobody waits for anything.
    ///
    /// # Errors
    /// Says where they differ.
    pub(crate) fn peace(&self) -> Result<(), String> {
        let rooms: BTreeMap<Cid, Vec<MemberStatus>> =
            self.hub.rooms().map(|room| (room.summary.cid, room.members)).collect();
        let mut inside = 0;
        for (index, seat) in self.seats.iter().enumerate() {
            let verdict =
                if seat.client.pending() > 0 {
                    Err("waits for an answer".to_owned())
                } else if seat.client.is_idle() {
                    same("the stay of the idle", &seat.client.view.stay, &Stay::Out)
                } else {
                    inside += 1;
                    let agrees = self.agrees(seat, &rooms);
                    agrees.and_then(|()| {
                        if seat.app.renders { self.page_is_well(ClientId(index)) } else { Ok(()) }
                    })
                };
            verdict.map_err(|what| format!("client {index} (uid {}): {what}", seat.uid))?;
        }
        let members = rooms.values().flatten();
        same("members against clients inside", &members.clone().count(), &inside)?;
        let connections = self.wires.iter().filter(|wire| wire.hub_end).count();
        same("connections against clients inside", &connections, &inside)?;
        let admitted = rooms
            .iter()
            .flat_map(|(cid, members)| members.iter().map(|member| ((*cid, member.uid), member.role)));
        let media = self.admitted.iter().map(|(who, (role, _))| (*who, *role)).collect();
        same("who may use the media server", &media, &admitted.collect::<BTreeMap<_, _>>())
    }

    /// Whether a client that is not idle is in its room, and everybody agrees about it.
    fn agrees(&self, seat: &Seat, rooms: &BTreeMap<Cid, Vec<MemberStatus>>) -> Result<(), String> {
        let client = &seat.client;
        let info = client.info();
        same("state", &info.state, &"joined")?;
        same("stay", &client.view.stay, &Stay::In)?;
        let wire = seat.wire.map(|wire| &self.wires[wire]).ok_or("never opened a socket")?;
        if !(wire.client_end && wire.hub_end) || wire.up.is_dead || wire.down.is_dead {
            return Err("its connection is dead, and nobody has noticed".into());
        }
        let members = rooms.get(&info.cid).ok_or("its room does not exist")?;
        let me = members.iter().find(|member| member.uid == seat.uid).ok_or("is no member")?;
        if !me.online {
            return Err("is offline at the hub".into());
        }
        same("members", &client.view.members, &others(members, seat.uid))?;
        same("role", &info.role, &me.role.name())?;
        for (media, wanted) in [(Media::Audio, info.publish_audio), (Media::Video, info.publish_video)] {
            same(media.name(), &wanted, &me.published.contains(&media))?;
        }
        Wishes::of(client, seat.uid).fulfilled(me)?;
        let issued = self.issued.lock().expect("nobody panicked with it");
        let grants = Grants::new(secret());
        let stay = self.admitted.get(&(info.cid, seat.uid)).map(|(_, stay)| *stay);
        for ((uid, stream), url) in &client.view.urls {
            let key = (*uid == seat.uid, stream_name(info.cid, *uid, *stream), seat.uid);
            same("url on the page", &Some(&url.0), &issued.get(&key))?;
            let action = if key.0 { Action::Publish } else { Action::Play };
            let grant = url.0.split_once("?grant=").map_or("", |(_, grant)| grant);
            let holder = grants.verify(grant, action, &key.1).map_err(|error| error.to_string())?;
            same("the stay of the url on the page", &Some(holder.expires_ms), &stay)?;
        }
        let frames = client.sent.iter().rev().take_while(|(id, _)| Some(*id) == client.socket());
        let asked: BTreeSet<(Uid, Media)> = frames
            .filter(|(_, text)| text.starts_with(r#"{"cmd":16,"#))
            .filter_map(|(_, text)| {
                let packet = ClientPacket::decode(text).ok()?;
                let Command::Subscribe(uid, media, true) = packet.command else { return None };
                Some((uid, media))
            })
            .collect();
        match client.view.subscriptions.iter().find(|wanted| !asked.contains(wanted)) {
            Some(lost) => Err(format!("the subscription to {lost:?} was not restored")),
            None => Ok(()),
        }
    }
}

/// What a client's calls come to, one after the other. `None` where a failure leaves it open.
#[derive(Debug)]
struct Wishes {
    role: Option<Role>,
    audio: Option<bool>,
    video: Option<bool>,
    muted_audio: Option<bool>,
    muted_video: Option<bool>,
    captions: Option<Option<CaptionWish>>,
}

impl Wishes {
    fn of(client: &Client, me: Uid) -> Self {
        let mut wishes = Self { role: Some(Role::Broadcaster), ..Self::none() };
        for (id, call) in &client.calls {
            let result = client.result(*id).map(|result| result.as_ref().map(|_| ()));
            match result {
                Some(result) => wishes.take(call, me, result),
                None => wishes = Self { role: None, ..Self::unknown() },
            }
        }
        wishes
    }

    const fn none() -> Self {
        Self {
            role: None,
            audio: Some(false),
            video: Some(false),
            muted_audio: Some(false),
            muted_video: Some(false),
            captions: Some(None),
        }
    }

    const fn unknown() -> Self {
        Self { role: None, audio: None, video: None, muted_audio: None, muted_video: None, captions: None }
    }

    fn take(&mut self, call: &Call, me: Uid, result: Result<(), &Error>) {
        // Refused before it began.
        if let Err(Error::NotInRoom(_) | Error::AlreadyInRoom | Error::Audience(_) | Error::TooManyCalls) =
            result
        {
            return;
        }
        match (call, result) {
            (Call::Join(_), _) => *self = Self { role: self.role, ..Self::none() },
            (Call::Publish(media), Ok(())) => self.publish(*media, |_| Some(true)),
            (Call::Unpublish(media), _) => self.publish(*media, |_| Some(false)),
            (Call::MuteOther(uid, ..), _) if *uid != me => {}
            (Call::Mute(media, mute) | Call::MuteOther(_, media, mute), Ok(())) => {
                if media.contains(Media::Audio) {
                    self.muted_audio = Some(*mute);
                }
                if media.contains(Media::Video) {
                    self.muted_video = Some(*mute);
                }
            }
            (Call::SetRole(role), Ok(())) => {
                self.role = Some(*role);
                if *role == Role::Audience {
                    self.publish(MediaSet::MAIN, |_| Some(false));
                }
            }
            (Call::StartCaptions(source, target), Ok(())) => {
                let wish = CaptionWish { source_lang: source.clone(), target_lang: target.clone() };
                self.captions = Some(Some(wish));
            }
            (Call::StopCaptions, Ok(())) => self.captions = Some(None),
            // A call that fails leaves nothing behind.
            (
                Call::Publish(_)
                | Call::Mute(..)
                | Call::MuteOther(..)
                | Call::SetRole(_)
                | Call::StartCaptions(..)
                | Call::StopCaptions,
                Err(_),
            )
            | (
                Call::Leave
                | Call::LeaveStay(_)
                | Call::Subscribe(..)
                | Call::Unsubscribe(..)
                | Call::SetVoice(..)
                | Call::SwitchMode(_)
                | Call::UploadUserList
                | Call::Interrupt(_)
                | Call::Tasks(_)
                | Call::Report(_),
                _,
            ) => {}
        }
    }

    fn publish(&mut self, media: MediaSet, state: impl Fn(Option<bool>) -> Option<bool>) {
        if media.contains(Media::Audio) {
            self.audio = state(self.audio);
        }
        if media.contains(Media::Video) {
            self.video = state(self.video);
        }
    }

    fn fulfilled(&self, member: &MemberStatus) -> Result<(), String> {
        same_if_known("role as called", &self.role, &member.role)?;
        for (media, published, muted) in
            [(Media::Audio, self.audio, self.muted_audio), (Media::Video, self.video, self.muted_video)]
        {
            same_if_known("published as called", &published, &member.published.contains(&media))?;
            same_if_known("muted as called", &muted, &member.muted.contains(&media))?;
        }
        same_if_known("captions as called", &self.captions, &member.captions)
    }
}

/// The members of which somebody is told, and what they publish.
pub(crate) fn others(members: &[MemberStatus], me: Uid) -> BTreeMap<Uid, MediaSet> {
    let told = members.iter().filter(|member| member.uid != me && member.role == Role::Broadcaster);
    told.map(|member| {
        let mut media = MediaSet::default();
        for one in &member.published {
            media.set(*one, true);
        }
        (member.uid, media)
    })
    .collect()
}

fn same_if_known<T: PartialEq + std::fmt::Debug>(
    what: &str,
    ours: &Option<T>,
    theirs: &T,
) -> Result<(), String> {
    ours.as_ref().map_or(Ok(()), |ours| same(what, ours, theirs))
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, ours: &T, theirs: &T) -> Result<(), String> {
    if ours == theirs { Ok(()) } else { Err(format!("{what}: {ours:?}, not {theirs:?}")) }
}
