//! What a call needs: whether it may begin, which states at the gateway, which commands of its own,
//! and when it is complete. Pure functions; who waits is `calls`, what is wanted is `wants`.
//!
//! [`Need::of`] says it for each call; all others go by that.

use crate::api::call::{Call, Reply};
use crate::api::error::Error;
use crate::room::members::Room;
use crate::room::wants::{Item, Progress, Wants};
use crate::wire::model::{Media, MediaSet, Role, Uid};
use crate::wire::protocol::Command;

/// What is to be done for a call, and who does it.
pub(crate) enum Need {
    /// Others than these functions see to it, and answer.
    Elsewhere,
    /// States at the gateway; they stay wanted until something else is.
    States(Vec<Command>),
    /// The voice, as a whole.
    Voice,
    /// Commands that switch nothing, and in whose name they are sent.
    Errands(Vec<(Command, Option<Uid>)>),
}

impl Need {
    /// What this call needs.
    pub(crate) fn of(call: &Call) -> Self {
        let states = |media: &MediaSet, command: &dyn Fn(Media) -> Command| {
            Self::States(media.iter().map(command).collect())
        };
        match call {
            Call::Join(_) | Call::Leave | Call::LeaveStay(_) | Call::Tasks(_) | Call::Report(_) => {
                Self::Elsewhere
            }
            Call::Publish(media) => states(media, &|media| Command::Publish(media, true)),
            Call::Unpublish(media) => states(media, &|media| Command::Publish(media, false)),
            Call::Mute(media, mute) => states(media, &|media| Command::Mute(media, *mute)),
            Call::Subscribe(uid, media) => Self::States(vec![Command::Subscribe(uid.uid(), *media, true)]),
            Call::Unsubscribe(uid, media) => Self::States(vec![Command::Subscribe(uid.uid(), *media, false)]),
            Call::SetRole(role) => Self::States(vec![Command::Role(*role)]),
            Call::StartCaptions(source_lang, target_lang) => {
                let (source_lang, target_lang) = (source_lang.clone(), target_lang.clone());
                Self::States(vec![Command::StartCaptions { source_lang, target_lang }])
            }
            Call::StopCaptions => Self::States(vec![Command::StopCaptions]),
            Call::SetVoice(..) => Self::Voice,
            Call::MuteOther(uid, media, mute) => {
                let errand = |media| (Command::Mute(media, *mute), Some(*uid));
                Self::Errands(media.iter().map(errand).collect())
            }
            Call::SwitchMode(mode) => Self::Errands(vec![(Command::PushMode(*mode), None)]),
            Call::UploadUserList => Self::Errands(vec![(Command::UploadUserList, None)]),
            Call::Interrupt(uid) => Self::Errands(vec![(Command::Interrupt(*uid), None)]),
        }
    }
}

/// Why a call cannot even begin. `inside`: a stay is under way; `located`: its channel is known.
pub(crate) fn refusal(call: &Call, room: &Room, wants: &Wants, inside: bool, located: bool) -> Option<Error> {
    let stay = matches!(call, Call::Join(_) | Call::Leave | Call::LeaveStay(_));
    if stay || matches!(call, Call::SetRole(_) | Call::SetVoice(..) | Call::Report(_)) {
        return None;
    }
    let is_task = matches!(call, Call::Tasks(_));
    let audience = wants.wanted_role() == Role::Audience;
    if inside && audience && (is_task || matches!(call, Call::Publish(_))) {
        return Some(Error::Audience(call.name()));
    }
    if !inside || is_task && !located {
        return Some(Error::NotInRoom(call.name()));
    }
    let (Call::Subscribe(uid, _) | Call::Unsubscribe(uid, _)) = call else { return None };
    (!room.has(uid.uid())).then(|| Error::UnknownMember(uid.uid().to_string()))
}

/// Notes what a call makes the application want.
pub(crate) fn note(call: &Call, wants: &mut Wants) {
    match (call, Need::of(call)) {
        (Call::SetRole(role), _) => wants.want_role(*role),
        (Call::SetVoice(_, change), _) => {
            let (voice, repeated) = wants.voice().with(change);
            wants.want_voice(voice, &repeated);
        }
        (Call::Mute(..), Need::States(commands)) => {
            commands.into_iter().for_each(|command| wants.insist(command));
        }
        (_, Need::States(commands)) => commands.into_iter().for_each(|command| wants.want(command)),
        (_, Need::Elsewhere | Need::Voice | Need::Errands(_)) => {}
    }
}

/// A call succeeded: what it asked for stays, whatever later calls come to.
pub(crate) fn keep(call: &Call, wants: &mut Wants) {
    match Need::of(call) {
        Need::Voice => wants.keep_voice(),
        Need::States(commands) => commands.iter().for_each(|command| wants.keep(command)),
        Need::Elsewhere | Need::Errands(_) => {}
    }
}

/// What a waiting call has come to: `None` while it has to wait on.
pub(crate) fn outcome(room: &Room, wants: &Wants, call: &Call) -> Option<Result<Reply, Error>> {
    let commands = match Need::of(call) {
        Need::States(commands) => commands,
        Need::Voice => return wants.is_voice_settled().then_some(Ok(Reply::Nothing)),
        // Answered by the link, or by their own answers.
        Need::Elsewhere | Need::Errands(_) => return None,
    };
    if commands.iter().any(|command| wants.progress(command) == Progress::Withdrawn) {
        if let Call::Subscribe(uid, _) | Call::Unsubscribe(uid, _) = call
            && !room.has(uid.uid())
        {
            return Some(Err(Error::UnknownMember(uid.uid().to_string())));
        }
        let is_subscribe = matches!(call, Call::Subscribe(..));
        return Some(Err(if is_subscribe { Error::StreamEnded } else { Error::Withdrawn(call.name()) }));
    }
    if !commands.iter().all(|command| wants.progress(command) == Progress::Done) {
        return None;
    }
    if let Call::Subscribe(uid, media) = call {
        let url = room.pull_url(uid.uid(), *media)?.clone();
        return Some(Ok(Reply::Subscribed { uid: *uid, url }));
    }
    let url = room.push_url().map(|url| Reply::PushUrl(url.clone()));
    if let Call::Publish(_) = call {
        return url.map(Ok);
    }
    let tells_url = matches!(call, Call::Unpublish(_) | Call::Mute(..));
    Some(Ok(url.filter(|_| tells_url).unwrap_or(Reply::Nothing)))
}

/// The states that must be confirmed before a call is, as commands.
pub(crate) fn commands_of(call: &Call) -> Vec<Command> {
    match Need::of(call) {
        Need::States(commands) => commands,
        Need::Elsewhere | Need::Voice | Need::Errands(_) => Vec::new(),
    }
}

/// The state in which a call wants an item; `None` if it does not touch it.
pub(crate) fn state_of(call: &Call, item: Item) -> Option<Command> {
    match (call, item) {
        // An audience member publishes nothing.
        (Call::SetRole(Role::Audience), Item::Publish(media)) => Some(Command::Publish(media, false)),
        _other => commands_of(call).into_iter().find(|command| Item::of(command) == Some(item)),
    }
}

/// Whether the refusal of a command is the failure of a call.
pub(crate) fn depends_on(call: &Call, command: &Command) -> bool {
    if let Call::SetVoice(..) = call {
        return Item::of(command).is_some_and(Item::is_voice);
    }
    // Who may not stop publishing cannot become audience.
    matches!((call, command), (Call::SetRole(Role::Audience), Command::Publish(_, false)))
        || commands_of(call).contains(command)
}

/// The commands of a call that switches nothing, and in whose name they are sent.
pub(crate) fn errands_of(room: &Room, call: &Call) -> Vec<(Command, Option<Uid>)> {
    let Need::Errands(mut errands) = Need::of(call) else { return Vec::new() };
    if let [(Command::Interrupt(target @ None), _)] = errands.as_mut_slice() {
        *target = room.first_publisher();
    }
    errands
}
