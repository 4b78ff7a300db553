//! The local voice: one model of preset, beautifier, pitch and equaliser, whose mode follows from
//! the values (docs/protocol.md 5.12).

use crate::api::error::Error;
use crate::wire::json::Value;
use crate::wire::protocol::Command;

/// How the local voice is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Voice {
    effect: u8,
    beautifier: u8,
    /// Decimal text, as it travels.
    pitch: String,
    gains: [i8; BANDS.len()],
}

/// One change of the voice, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VoiceChange {
    /// A voice changer preset, 0 (off) to 8.
    Effect(u8),
    /// A beautifier preset, 0 (off) to 11.
    Beautifier(u8),
    /// A pitch as decimal text, 0.5 to 2; 1.25 is off.
    Pitch(String),
    /// A band's index, 0 to 9, and its gain, -15 to 15.
    Equalizer(usize, i8),
}

impl VoiceChange {
    /// Checks a voice changer preset.
    pub(crate) fn effect(preset: Option<f64>) -> Result<Self, Error> {
        whole(preset, 0, 8, "the audio effect must be an integer from 0 to 8").map(|n| Self::Effect(n as u8))
    }

    /// Checks a beautifier preset.
    pub(crate) fn beautifier(preset: Option<f64>) -> Result<Self, Error> {
        let what = "the voice beautifier must be an integer from 0 to 11";
        whole(preset, 0, 11, what).map(|n| Self::Beautifier(n as u8))
    }

    /// Checks a pitch, which travels as it was written.
    pub(crate) fn pitch(given: Value<'_>) -> Result<Self, Error> {
        let is_pitch = given.as_f64().is_some_and(|pitch| (0.5..=2.0).contains(&pitch));
        let pitch = is_pitch.then(|| given.raw());
        let pitch = pitch.ok_or_else(|| Error::InvalidArgument("the pitch must be from 0.5 to 2".into()))?;
        Ok(Self::Pitch(pitch.strip_suffix(".0").unwrap_or(pitch).to_owned()))
    }

    /// Checks a band, by index or by frequency, and a gain.
    pub(crate) fn equalizer(band: Option<f64>, gain: Option<f64>) -> Result<Self, Error> {
        let found = band.and_then(|band| {
            let by_frequency = BANDS.iter().position(|hertz| f64::from(*hertz) == band);
            let by_index = (0..BANDS.len()).find(|index| *index as f64 == band);
            by_frequency.or(by_index)
        });
        let what = "the band must be an index from 0 to 9 or one of its ten frequencies, 31 to 16000 Hz";
        let band = found.ok_or_else(|| Error::InvalidArgument(what.into()))?;
        let gain = whole(gain, -15, 15, "the gain must be an integer from -15 to 15 dB")?;
        Ok(Self::Equalizer(band, gain as i8))
    }
}

impl Voice {
    /// This voice with a change, and the commands that are sent in any case: the original repeats them.
    pub(crate) fn with(&self, change: &VoiceChange) -> (Self, Vec<Command>) {
        let mut voice = self.clone();
        let is_repeated: fn(&Command) -> bool = match change {
            VoiceChange::Effect(preset) => {
                voice.effect = *preset;
                if *preset == 0 {
                    return (voice, Vec::new());
                }
                (voice.pitch, voice.beautifier) = (FLAT_PITCH.into(), 0);
                |command| matches!(command, Command::AudioChangeMode(_) | Command::AudioEffect(_))
            }
            VoiceChange::Beautifier(preset) => {
                voice.beautifier = *preset;
                if *preset == 0 {
                    return (voice, Vec::new());
                }
                (voice.pitch, voice.effect) = (FLAT_PITCH.into(), 0);
                |command| matches!(command, Command::AudioChangeMode(_) | Command::Beautifier(_))
            }
            VoiceChange::Pitch(pitch) => {
                voice.pitch.clone_from(pitch);
                if pitch == FLAT_PITCH {
                    return (voice, Vec::new());
                }
                (voice.effect, voice.beautifier) = (0, 0);
                |command| {
                    matches!(
                        command,
                        Command::AudioChangeMode(_) | Command::AudioEffect(_) | Command::Pitch(_)
                    )
                }
            }
            VoiceChange::Equalizer(band, gain) => {
                voice.gains[*band] = *gain;
                (voice.pitch, voice.effect) = (FLAT_PITCH.into(), 0);
                if !voice.is_equalized() {
                    return (voice, Vec::new());
                }
                |command| matches!(command, Command::Equalization(_))
            }
        };
        let repeated = voice.commands().into_iter().filter(is_repeated).collect();
        (voice, repeated)
    }

    /// The whole voice as commands.
    pub(crate) fn commands(&self) -> [Command; 5] {
        [
            Command::AudioChangeMode(self.mode()),
            Command::AudioEffect(self.effect),
            Command::Pitch(self.pitch.clone()),
            Command::Beautifier(self.beautifier),
            Command::Equalization(self.equalization()),
        ]
    }

    /// What a login tells of the voice, as commands: everything but the equaliser.
    pub(crate) fn login(&self) -> [Command; 4] {
        let [mode, effect, pitch, beautifier, _] = self.commands();
        [mode, effect, pitch, beautifier]
    }

    /// 0 unchanged, 1 voice changer or pitch, 2 beautifier or equaliser.
    pub(crate) fn mode(&self) -> u8 {
        if self.effect != 0 || self.pitch != FLAT_PITCH {
            1
        } else if self.beautifier != 0 || self.is_equalized() {
            2
        } else {
            0
        }
    }

    /// Whether the equaliser does anything.
    pub(crate) fn is_equalized(&self) -> bool {
        self.gains != [0; BANDS.len()]
    }

    /// The preset values, for the login: effect, pitch, beautifier.
    pub(crate) fn presets(&self) -> (u8, &str, u8) {
        (self.effect, &self.pitch, self.beautifier)
    }

    fn equalization(&self) -> String {
        self.gains.map(|gain| gain.to_string()).join(",")
    }
}

impl Default for Voice {
    fn default() -> Self {
        Self { effect: 0, beautifier: 0, pitch: FLAT_PITCH.into(), gains: [0; BANDS.len()] }
    }
}

fn whole(value: Option<f64>, low: i8, high: i8, what: &str) -> Result<i32, Error> {
    value
        .filter(|value| value.fract() == 0.0 && (f64::from(low)..=f64::from(high)).contains(value))
        .map(|value| value as i32)
        .ok_or_else(|| Error::InvalidArgument(what.into()))
}

/// The equaliser's bands in Hz, in the order in which their gains travel.
const BANDS: [u16; 10] = [31, 62, 125, 250, 500, 1000, 2000, 4000, 8000, 16000];
/// No change of pitch. (A ratio of 1.25, of all values; 3.1.)
const FLAT_PITCH: &str = "1.25";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_follows_from_the_values() {
        let after = |changes: &[VoiceChange]| {
            changes.iter().fold(Voice::default(), |voice, change| voice.with(change).0).mode()
        };
        use VoiceChange::{Beautifier, Effect, Equalizer, Pitch};
        assert_eq!(after(&[]), 0);
        assert_eq!(after(&[Effect(3)]), 1);
        assert_eq!(after(&[Effect(3), Effect(0)]), 0);
        assert_eq!(after(&[Pitch("1.5".into())]), 1);
        assert_eq!(after(&[Pitch("1.5".into()), Beautifier(2)]), 2);
        assert_eq!(after(&[Beautifier(2), Effect(1), Effect(0)]), 0);
        assert_eq!(after(&[Equalizer(0, 5), Effect(1), Effect(0)]), 2);
        assert_eq!(after(&[Equalizer(0, 5), Equalizer(0, 0)]), 0);
    }

    #[test]
    fn a_band_is_named_by_index_or_frequency_and_anything_else_is_refused() {
        assert_eq!(VoiceChange::equalizer(Some(9.0), Some(-15.0)), Ok(VoiceChange::Equalizer(9, -15)));
        assert_eq!(VoiceChange::equalizer(Some(16000.0), Some(15.0)), Ok(VoiceChange::Equalizer(9, 15)));
        for (band, gain) in [
            (Some(10.0), Some(0.0)),
            (Some(0.5), Some(0.0)),
            (None, Some(0.0)),
            (Some(1.0), Some(15.5)),
            (Some(1.0), None),
        ] {
            assert!(VoiceChange::equalizer(band, gain).is_err(), "{band:?} {gain:?}");
        }
    }
}
