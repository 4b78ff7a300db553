//! Whether a file has changed, by looking at it now and then.
//!
//! Looking sees what notices of the system miss: a link that is set to another folder, as mounted settings are
//! replaced, and files of other machines.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::sleep;

/// Files that may change.
#[derive(Debug, Default)]
pub struct Watch {
    files: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    path: PathBuf,
    known: Option<Stamp>,
    last: Option<Stamp>,
}

/// What is different after every change.
type Stamp = (u64, u64, u64, i64, i64);

impl Watch {
    /// Remembers what a file is like: to be called before it is read.
    pub fn add(&mut self, path: PathBuf) {
        let known = look(&path);
        self.files.push(Watched { path, known, last: known });
    }

    /// Whether there is nothing to watch.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Returns when a file is another one than at the last return, and has been so for a moment: whoever writes
    /// it may not be done.
    pub async fn changed(&mut self) {
        loop {
            sleep(LOOKED_AT).await;
            // All of them are looked at.
            if self.files.iter_mut().map(Watched::is_other).filter(|is_other| *is_other).count() > 0 {
                return;
            }
        }
    }
}

impl Watched {
    fn is_other(&mut self) -> bool {
        let seen = look(&self.path);
        let is_settled = std::mem::replace(&mut self.last, seen) == seen;
        // One that is replaced may be gone for a moment.
        if seen.is_none() || !is_settled || seen == self.known {
            return false;
        }
        self.known = seen;
        true
    }
}

fn look(file: &PathBuf) -> Option<Stamp> {
    let stamp = |file: Metadata| (file.dev(), file.ino(), file.len(), file.mtime(), file.mtime_nsec());
    std::fs::metadata(file).ok().map(stamp)
}

const LOOKED_AT: Duration = Duration::from_millis(500);
