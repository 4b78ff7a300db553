//! What proves a right, changed on its way: nothing but the genuine text opens anything, and only what it
//! was signed for.

use std::time::Duration;

use nertc_gateway::clock::Reading;
use nertc_gateway::rights::{Action, BasicToken, Grants, Holder, LoginTicket, Secret};

use crate::draw::Draw;
use crate::engine::{Rules, fuzz};
use crate::spoil;

#[test]
fn tokens() {
    let rules = Rules {
        name: "tokens",
        cases: 1000,
        longest: Duration::from_secs(20),
        memory: 4 << 20,
        shrinks: true,
    };
    fuzz(rules, || live);
}

fn live(draw: &mut Draw) -> Result<(), String> {
    let secret = Secret::from_text("a secret for fuzzing only").unwrap();
    let (uid, stream) = (u64::from(draw.edge()), draw.pick(&["room-1", "a", "x.y_z"]));
    match draw.below(3) {
        0 => {
            let grants = Grants::new(secret);
            let action = draw.pick(&[Action::Publish, Action::Play]);
            let genuine = grants.issue(action, stream, uid, NOW + 1);
            let given = change(draw, &genuine);
            let other_stream = draw.pick(&["room-1", "a", "x.y_z"]);
            let other_action = draw.pick(&[Action::Publish, Action::Play]);
            let holder = grants.verify(&given, other_action, other_stream);
            let is_due = (given == genuine, other_action, other_stream) == (true, action, stream);
            match holder {
                Ok(holder) if is_due && holder == Holder { uid, expires_ms: NOW + 1 } => Ok(()),
                Err(_) if !is_due => Ok(()),
                answer => Err(format!("{genuine} as {given}: {answer:?}")),
            }
        }
        1 => {
            let (channel, app_key) = (spoil::odd_text(draw), spoil::odd_text(draw));
            let (cid, began) = (draw.edge().into(), draw.chance(50).then_some(NOW));
            let good_until = draw.chance(50).then_some(NOW);
            let ticket = LoginTicket {
                cid,
                uid,
                channel,
                app_key,
                expires_ms: NOW + 1,
                began,
                good_until,
                permit: None,
            };
            let genuine = ticket.sign(&secret);
            let given = change(draw, &genuine);
            match LoginTicket::read(&secret, &given) {
                Ok(read) if given == genuine && read == ticket => Ok(()),
                // What is too long is refused, and never handed out.
                Err(_) if given != genuine || genuine.len() > LONGEST => Ok(()),
                answer => Err(format!("{genuine} as {given}: {answer:?}")),
            }
        }
        _ => {
            // No room begins with a digit here: the vendor's format cannot tell them from the lifetime.
            let (app, app_secret) = ("app", "the secret of the app");
            let genuine = BasicToken::sign(app, app_secret, stream, uid, 600, NOW);
            let given = change(draw, &genuine);
            let (other, by) = (draw.pick(&["room-1", "a", "x.y_z"]), draw.pick(&[uid, uid ^ 1]));
            let later = draw.pick(&[0, 599_999, 600_000]);
            let now = Reading::of(NOW + later, NOW + later);
            let answer = BasicToken::verify(&given, app, app_secret, None, other, by, now);
            let is_theirs = other == stream && by == uid && later < 600_000;
            match answer {
                Ok(_) if is_theirs => Ok(()),
                Err(_) if !is_theirs || given != genuine => Ok(()),
                answer => Err(format!("{genuine} as {given} for {other} and {by}: {answer:?}")),
            }
        }
    }
}

fn change(draw: &mut Draw, genuine: &str) -> String {
    match draw.below(4) {
        0 => genuine.to_owned(),
        1 => spoil::odd_text(draw),
        _ => spoil::text(draw, genuine),
    }
}

const NOW: u64 = 1_700_000_000_000;
/// Of any token that is read.
const LONGEST: usize = 4096;
