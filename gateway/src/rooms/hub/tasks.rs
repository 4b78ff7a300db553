//! RTMP tasks: what a room's members want pushed elsewhere (docs/protocol.md 9).
//!
//! Keeps them; nothing carries them out yet. Whoever will has to look at the addresses again that
//! a name turns out to have.

use nertc_miniapp::wire::model::{Cid, Role, Uid};

use super::Hub;
use crate::rooms::doors::Level;
use crate::rooms::order::{Kept, Task, TaskRefusal};
use crate::rooms::room::Room;

impl Hub {
    /// Keeps a new task for a member's room, until the room is gone.
    ///
    /// # Errors
    ///
    /// Says why not.
    pub fn add_task(&mut self, cid: Cid, uid: Uid, task: Task) -> Result<(), TaskRefusal> {
        self.check_task(&task)?;
        let tasks = &mut self.room_of_broadcaster(cid, uid)?.tasks;
        if tasks.iter().any(|kept| kept.task.task_id == task.task_id) {
            return Err(TaskRefusal::Duplicate);
        }
        if tasks.len() >= MAX_TASKS {
            return Err(TaskRefusal::TooMany);
        }
        let line = format!("room {cid}: {uid} adds task {}", task.task_id);
        tasks.push(Kept { host: task.host_uid.unwrap_or(uid), task });
        self.log(Level::Info, line);
        Ok(())
    }

    /// Replaces a task of a member's room.
    ///
    /// # Errors
    ///
    /// Says why not.
    pub fn update_task(&mut self, cid: Cid, uid: Uid, task: Task) -> Result<(), TaskRefusal> {
        self.check_task(&task)?;
        let tasks = &mut self.room_of_broadcaster(cid, uid)?.tasks;
        let kept = tasks.iter_mut().find(|kept| kept.task.task_id == task.task_id);
        let kept = kept.ok_or(TaskRefusal::Unknown)?;
        *kept = Kept { host: task.host_uid.unwrap_or(kept.host), task };
        Ok(())
    }

    /// Forgets a task of a member's room.
    ///
    /// # Errors
    ///
    /// Says why not.
    pub fn delete_task(&mut self, cid: Cid, uid: Uid, task_id: &str) -> Result<(), TaskRefusal> {
        let tasks = &mut self.room_of_broadcaster(cid, uid)?.tasks;
        let index = tasks.iter().position(|kept| kept.task.task_id == task_id);
        let removed = tasks.remove(index.ok_or(TaskRefusal::Unknown)?);
        self.log(Level::Info, format!("room {cid}: {uid} deletes task {}", removed.task.task_id));
        Ok(())
    }

    fn check_task(&self, task: &Task) -> Result<(), TaskRefusal> {
        task.check()?;
        if self.config.private_targets { Ok(()) } else { task.check_targets() }
    }

    fn room_of_broadcaster(&mut self, cid: Cid, uid: Uid) -> Result<&mut Room, TaskRefusal> {
        let room = self.rooms.get_mut(&cid).ok_or(TaskRefusal::NotABroadcaster)?;
        match room.members.get(&uid).map(|member| member.role) {
            Some(Role::Broadcaster) => Ok(room),
            Some(Role::Audience) | None => Err(TaskRefusal::NotABroadcaster),
        }
    }
}

/// Tasks of one room.
const MAX_TASKS: usize = 3;
