//! What the codes of live-pusher and live-player mean for the call.
//!
//! Their texts are in `data/native-codes.json`, from which the package gets a file of its own: no
//! phone needs them to hold a call. `tests/native_codes.rs` keeps this table and that file equal.

use crate::wire::json::Value;
use crate::wire::lenient::{inner, whole};

/// A media component of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Component {
    /// live-pusher.
    Pusher,
    /// live-player.
    Player,
}

impl Component {
    /// `pusher` or `player`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pusher => "pusher",
            Self::Player => "player",
        }
    }

    /// What a code of `bindstatechange` or `binderror` means; nothing for one that is not documented.
    ///
    /// The two components use the same numbers for different things.
    #[must_use]
    pub const fn meaning(self, code: i32) -> Option<Meaning> {
        use Remedy::{CheckNetwork, CheckPermission, RestartPlayer, RestartPusher, Resubscribe};
        use Severity::{Error, Fatal, Info, Warning};
        let (severity, advice) = match self {
            Self::Pusher => match code {
                0 | 1001..=1009 | 1018..=1020 | 1031..=1034 | 2003 | 2004 | 2007 | 2027 | 4998 | 4999 => {
                    (Info, Remedy::None)
                }
                1021 | 1103..=1106 | 1109 | 5000 | 5001 | 10003 | 10004 | -1310 | -1312 => {
                    (Warning, Remedy::None)
                }
                1022 | 3004 | -1303 | -1305 | -1306 | -1309 | -1318 => (Error, Remedy::None),
                1101 | 1102 => (Warning, CheckNetwork),
                3001..=3003 | 3005 => (Error, CheckNetwork),
                -1308 | -1311 => (Error, CheckPermission),
                10001 | 10002 | -1301 | -1302 => (Fatal, CheckPermission),
                -1304 => (Error, RestartPusher),
                -1307 => (Fatal, RestartPusher),
                _ => return None,
            },
            Self::Player => match code {
                0 | 2001..=2009 | 2026 | 2030 | 2032..=2035 => (Info, Remedy::None),
                2036 | 2101 | 2102 | 2106 | 2108 | 6000 => (Warning, Remedy::None),
                2103..=2105 | 2107 => (Warning, CheckNetwork),
                3001..=3003 | 3005 => (Error, CheckNetwork),
                -2301 => (Fatal, RestartPlayer),
                -2302 => (Fatal, Resubscribe),
                _ => return None,
            },
        };
        let device = match (self, code) {
            (Self::Pusher, 10001 | -1301 | -1305) => Some(Device::Camera),
            (Self::Pusher, 10002 | -1302 | -1306 | -1311 | -1318) => Some(Device::Microphone),
            (Self::Pusher, -1308 | -1309) => Some(Device::Screen),
            (Self::Pusher | Self::Player, _) => None,
        };
        Some(Meaning { severity, advice, device })
    }

    /// The code in what a component told: the event, its `detail`, or only the number, which may come
    /// as text. `bindstatechange` calls it `code`, `binderror` calls it `errCode`.
    #[must_use]
    pub fn code_in(report: Value<'_>) -> Option<i32> {
        let detail = inner(report, "detail");
        let code = detail.get("code").present().or(detail.get("errCode").present());
        whole(code.unwrap_or(detail))
    }
}

/// What a code means for the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// How bad it is.
    pub severity: Severity,
    /// What helps.
    pub advice: Remedy,
    /// What of the phone it makes useless, if anything. Whoever is seen and heard by nobody must know.
    pub device: Option<Device>,
}

/// What a pusher uses of the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// The camera.
    Camera,
    /// The microphone.
    Microphone,
    /// The screen.
    Screen,
}

impl Device {
    /// As `data/native-codes.json` and events have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Camera => "camera",
            Self::Microphone => "microphone",
            Self::Screen => "screen",
        }
    }
}

/// How bad a code is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The course of things.
    Info,
    /// Something is worse than it could be; the component copes.
    Warning,
    /// Something failed; the component goes on without it, or tries again.
    Error,
    /// The component has stopped, and does not recover by itself.
    Fatal,
}

impl Severity {
    /// As `data/native-codes.json` and events have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

/// What helps against a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Nothing is to be done, or nothing can be.
    None,
    /// Rebuild live-pusher; the view says when.
    RestartPusher,
    /// Rebuild live-player; the view says when.
    RestartPlayer,
    /// Ask the user for the permission.
    CheckPermission,
    /// Tell the user that the network is bad.
    CheckNetwork,
    /// Subscribe again, to have a new URL.
    Resubscribe,
}

impl Remedy {
    /// As `data/native-codes.json` and events have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::RestartPusher => "restart-pusher",
            Self::RestartPlayer => "restart-player",
            Self::CheckPermission => "check-permission",
            Self::CheckNetwork => "check-network",
            Self::Resubscribe => "resubscribe",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire::json::Document;

    fn code_in(report: &serde_json::Value) -> Option<i32> {
        Component::code_in(Document::read(&report.to_string()).unwrap().root())
    }

    #[test]
    fn a_code_is_found_in_whatever_apps_pass_on() {
        for report in [
            json!({"code": -1307}),
            json!({"code": "-1307", "message": "…"}),
            json!({"errMsg": "…", "errCode": -1307.0}),
            json!({"type": "statechange", "detail": {"code": -1307}}),
            json!(-1307),
        ] {
            assert_eq!(code_in(&report), Some(-1307), "{report}");
        }
        for report in [json!(null), json!({}), json!({"code": {}}), json!({"code": "x"}), json!([1])] {
            assert_eq!(code_in(&report), None, "{report}");
        }
    }
}
