//! Whether the file has changed, by looking at it now and then.
//!
//! Looking sees what notices of the system miss: a link that is set to another folder, as mounted settings are
//! replaced, and files of other machines.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::sleep;

/// A file that may change.
#[derive(Debug)]
pub struct Watch {
    file: PathBuf,
    known: Option<Stamp>,
}

/// What is different after every change.
type Stamp = (u64, u64, u64, i64, i64);

impl Watch {
    /// Remembers what the file is like: to be called before it is read.
    #[must_use]
    pub fn new(file: PathBuf) -> Self {
        let known = look(&file);
        Self { file, known }
    }

    /// Returns when the file is another one than at the last return, and has been so for a moment: whoever writes
    /// it may not be done.
    pub async fn changed(&mut self) {
        let mut last = self.known;
        loop {
            sleep(LOOKED_AT).await;
            let seen = look(&self.file);
            // One that is replaced may be gone for a moment.
            if seen.is_some() && seen == last && seen != self.known {
                self.known = seen;
                return;
            }
            last = seen;
        }
    }
}

fn look(file: &PathBuf) -> Option<Stamp> {
    let stamp = |file: Metadata| (file.dev(), file.ino(), file.len(), file.mtime(), file.mtime_nsec());
    std::fs::metadata(file).ok().map(stamp)
}

const LOOKED_AT: Duration = Duration::from_millis(500);
