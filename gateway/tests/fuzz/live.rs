//! A gateway process over real sockets, under peers that say anything, beside a healthy call: the process
//! stays, does not panic, does not grow, answers what is well-formed, and the call notices nothing.

mod call;
mod http;
mod media;
mod peer;
mod process;
mod rtmp;
mod ws;

use std::collections::VecDeque;
use std::time::Duration;

use self::call::Call;
use self::peer::Peer;
use self::process::Process;
use crate::draw::Draw;
use crate::engine::Rules;

/// A gateway, a healthy call on it, and connections that nobody has closed yet.
struct Scene {
    process: Process,
    call: Call,
    lingering: VecDeque<Peer>,
    cases: u64,
}

impl Scene {
    fn new() -> Self {
        let process = Process::start();
        let call = Call::begin(&process).unwrap_or_else(|error| panic!("no healthy call: {error}"));
        Self { process, call, lingering: VecDeque::new(), cases: 0 }
    }

    /// What must hold after every case.
    fn check(&mut self) -> Result<(), String> {
        self.cases += 1;
        self.process.check()?;
        self.call.check()?;
        if self.cases.is_multiple_of(32) {
            let memory = self.process.memory();
            if memory > MOST_MEMORY {
                return Err(format!("the process holds {} MiB", memory >> 20));
            }
        }
        Ok(())
    }

    /// Ends a connection in one of the ways that connections end, and says what had been heard on it.
    /// `None` where nobody waited for that.
    fn part(&mut self, draw: &mut Draw, mut peer: Peer) -> Result<Option<Vec<u8>>, String> {
        match draw.below(4) {
            0 | 1 => {
                peer.finish();
                peer.rest().map(Some)
            }
            2 => {
                drop(peer);
                Ok(None)
            }
            _ => {
                self.lingering.push_back(peer);
                if self.lingering.len() > MOST_LINGERING {
                    self.lingering.pop_front();
                }
                Ok(None)
            }
        }
    }
}

const fn rules(name: &'static str, cases: u64) -> Rules {
    // What the process holds is counted there, and each try needs one that is well.
    Rules { name, cases, longest: Duration::from_secs(60), memory: 64 << 20, shrinks: false }
}

/// Bytes of a process under attack.
const MOST_MEMORY: u64 = 150 << 20;
const MOST_LINGERING: usize = 8;
/// Far more than any answer takes, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(20);
