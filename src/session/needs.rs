//! What a call needs: whether it may begin, which states at the gateway, which commands of its own,
//! and when it is complete. Pure functions; who waits is `calls`, what is wanted is `wants`.

use crate::api::call::{Call, Reply};
use crate::api::error::Error;
use crate::room::members::Room;
use crate::room::wants::{Item, Progress, Wants};
use crate::wire::model::{Role, Uid};
use crate::wire::protocol::Command;

/// Why a call cannot even begin. `inside`: a stay is under way; `located`: its channel is known.
pub(crate) fn refusal(call: &Call, room: &Room, wants: &Wants, inside: bool, located: bool) -> Option<Error> {
    let audience = wants.wanted_role() == Role::Audience;
    match call {
        Call::Join(_)
        | Call::Leave
        | Call::LeaveStay(_)
        | Call::SetRole(_)
        | Call::SetVoice(..)
        | Call::Report(_) => None,
        _elsewhere if !inside => Some(Error::NotInRoom(call.name())),
        Call::Publish(_) | Call::Tasks(_) if audience => Some(Error::Audience(call.name())),
        Call::Tasks(_) if !located => Some(Error::NotInRoom(call.name())),
        Call::Subscribe(uid, _) | Call::Unsubscribe(uid, _) if !room.has(uid.uid()) => {
            Some(Error::UnknownMember(uid.uid().to_string()))
        }
        Call::Publish(_)
        | Call::Unpublish(_)
        | Call::Subscribe(..)
        | Call::Unsubscribe(..)
        | Call::Mute(..)
        | Call::MuteOther(..)
        | Call::SwitchMode(_)
        | Call::UploadUserList
        | Call::StartCaptions(..)
        | Call::StopCaptions
        | Call::Interrupt(_)
        | Call::Tasks(_) => None,
    }
}

/// Notes what a call makes the application want.
pub(crate) fn note(call: &Call, wants: &mut Wants) {
    match call {
        Call::SetRole(role) => wants.want_role(*role),
        Call::SetVoice(_, change) => {
            let (voice, repeated) = wants.voice().with(change);
            wants.want_voice(voice, &repeated);
        }
        Call::Mute(..) => commands_of(call).into_iter().for_each(|command| wants.insist(command)),
        Call::Publish(_)
        | Call::Unpublish(_)
        | Call::Subscribe(..)
        | Call::Unsubscribe(..)
        | Call::StartCaptions(..)
        | Call::StopCaptions => commands_of(call).into_iter().for_each(|command| wants.want(command)),
        Call::Join(_)
        | Call::Leave
        | Call::LeaveStay(_)
        | Call::MuteOther(..)
        | Call::SwitchMode(_)
        | Call::UploadUserList
        | Call::Interrupt(_)
        | Call::Tasks(_)
        | Call::Report(_) => {}
    }
}

/// A call succeeded: what it asked for stays, whatever later calls come to.
pub(crate) fn keep(call: &Call, wants: &mut Wants) {
    if let Call::SetVoice(..) = call {
        wants.keep_voice();
    }
    commands_of(call).iter().for_each(|command| wants.keep(command));
}

/// What a waiting call has come to: `None` while it has to wait on.
pub(crate) fn outcome(room: &Room, wants: &Wants, call: &Call) -> Option<Result<Reply, Error>> {
    let commands = commands_of(call);
    if commands.iter().any(|command| wants.progress(command) == Progress::Withdrawn) {
        if let Call::Subscribe(uid, _) | Call::Unsubscribe(uid, _) = call
            && !room.has(uid.uid())
        {
            return Some(Err(Error::UnknownMember(uid.uid().to_string())));
        }
        let is_subscribe = matches!(call, Call::Subscribe(..));
        return Some(Err(if is_subscribe { Error::StreamEnded } else { Error::Withdrawn(call.name()) }));
    }
    let done = commands.iter().all(|command| wants.progress(command) == Progress::Done);
    match call {
        Call::Publish(_) => {
            let url = room.push_url()?;
            done.then(|| Ok(Reply::PushUrl(url.clone())))
        }
        Call::Unpublish(_) | Call::Mute(..) => {
            done.then(|| Ok(room.push_url().map_or(Reply::Nothing, |url| Reply::PushUrl(url.clone()))))
        }
        Call::Subscribe(uid, media) => {
            let url = room.pull_url(uid.uid(), *media)?.clone();
            done.then_some(Ok(Reply::Subscribed { uid: *uid, url }))
        }
        Call::SetVoice(..) => wants.is_voice_settled().then_some(Ok(Reply::Nothing)),
        Call::Unsubscribe(..) | Call::SetRole(_) | Call::StartCaptions(..) | Call::StopCaptions => {
            done.then_some(Ok(Reply::Nothing))
        }
        // Answered by the link, or by their own answers.
        Call::Join(_)
        | Call::Leave
        | Call::LeaveStay(_)
        | Call::MuteOther(..)
        | Call::SwitchMode(_)
        | Call::UploadUserList
        | Call::Interrupt(_)
        | Call::Tasks(_)
        | Call::Report(_) => None,
    }
}

/// The states that must be confirmed before a call is, as commands.
pub(crate) fn commands_of(call: &Call) -> Vec<Command> {
    match call {
        Call::Publish(media) => media.iter().map(|media| Command::Publish(media, true)).collect(),
        Call::Unpublish(media) => media.iter().map(|media| Command::Publish(media, false)).collect(),
        Call::Subscribe(uid, media) => vec![Command::Subscribe(uid.uid(), *media, true)],
        Call::Unsubscribe(uid, media) => vec![Command::Subscribe(uid.uid(), *media, false)],
        Call::Mute(media, mute) => media.iter().map(|media| Command::Mute(media, *mute)).collect(),
        Call::SetRole(role) => vec![Command::Role(*role)],
        Call::StartCaptions(source_lang, target_lang) => {
            let (source_lang, target_lang) = (source_lang.clone(), target_lang.clone());
            vec![Command::StartCaptions { source_lang, target_lang }]
        }
        Call::StopCaptions => vec![Command::StopCaptions],
        Call::Join(_)
        | Call::Leave
        | Call::LeaveStay(_)
        | Call::SetVoice(..)
        | Call::MuteOther(..)
        | Call::SwitchMode(_)
        | Call::UploadUserList
        | Call::Interrupt(_)
        | Call::Tasks(_)
        | Call::Report(_) => Vec::new(),
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
    match call {
        Call::MuteOther(uid, media, mute) => {
            media.iter().map(|media| (Command::Mute(media, *mute), Some(*uid))).collect()
        }
        Call::SwitchMode(mode) => vec![(Command::PushMode(*mode), None)],
        Call::UploadUserList => vec![(Command::UploadUserList, None)],
        Call::Interrupt(uid) => vec![(Command::Interrupt(uid.or_else(|| room.first_publisher())), None)],
        Call::Join(_)
        | Call::Leave
        | Call::LeaveStay(_)
        | Call::Publish(_)
        | Call::Unpublish(_)
        | Call::Subscribe(..)
        | Call::Unsubscribe(..)
        | Call::Mute(..)
        | Call::SetRole(_)
        | Call::SetVoice(..)
        | Call::StartCaptions(..)
        | Call::StopCaptions
        | Call::Tasks(_)
        | Call::Report(_) => Vec::new(),
    }
}
