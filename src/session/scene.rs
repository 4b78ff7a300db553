//! What the page should have: what is wanted, as far as it is known where to push and pull.

use crate::api::quality::{Flows, Leg};
use crate::page::view::{Pulled, Pushed, Scene};
use crate::room::members::Room;
use crate::room::wants::Wants;
use crate::wire::model::{Media, Stream};

/// What we push and pull in this room.
pub(crate) fn scene(room: &Room, wants: &Wants) -> Scene {
    let (mic, camera) = (wants.publishes(Media::Audio), wants.publishes(Media::Video));
    let url = room.push_url().filter(|_| wants.pushes());
    let pushed = url.map(|url| Pushed { url: url.clone(), mic, camera });
    let mut pulled: Vec<Pulled> = Vec::new();
    for (uid, media) in wants.received() {
        let Some(url) = room.pull_url(uid, media) else { continue };
        let stream = media.stream();
        let flows = room.flows(uid, media);
        let (audio, video) = (media != Media::Video, matches!(media, Media::Video | Media::ScreenShare));
        match pulled.iter_mut().find(|pulled| (pulled.uid, pulled.stream) == (uid, stream)) {
            Some(known) => (known.audio, known.video) = (known.audio || audio, known.video || video),
            None => {
                let url = url.clone();
                pulled.push(Pulled { uid, stream, url, audio, video, sound: false, picture: false });
            }
        }
        // A shared screen may have sound, or not.
        let sound = matches!(media, Media::Audio | Media::SlaveAudio);
        if let Some(pulled) = pulled.iter_mut().find(|pulled| (pulled.uid, pulled.stream) == (uid, stream)) {
            pulled.sound |= flows && sound;
            pulled.picture |= flows && !sound;
        }
    }
    Scene { pushed, pulled }
}

/// What should flow on a leg.
pub(crate) fn flows(leg: Leg, wants: &Wants) -> Flows {
    let has = |media| match leg {
        Leg::Up => wants.publishes(media),
        Leg::Down(uid, _) => wants.received().any(|received| received == (uid, media)),
    };
    match leg {
        Leg::Up | Leg::Down(_, Stream::Main) => Flows { audio: has(Media::Audio), video: has(Media::Video) },
        // A shared screen may stand still.
        Leg::Down(_, Stream::ScreenShare) => Flows { audio: false, video: false },
        Leg::Down(_, Stream::SlaveAudio) => Flows { audio: true, video: false },
    }
}
