//! Rooms: who is in which, what each member publishes, and who is told about it.
//!
//! Hides what a login, a lost connection and every command mean for everybody else. No clock, no socket, no
//! random source and no async anywhere in here: [`Hub`] is told what happens, and says what to do.

mod doors;
mod hub;
mod limits;
mod order;
mod page;
mod quality;
mod room;
mod target;
mod wish;

pub use self::doors::{ConnectionId, HubInput, HubOutput, Level};
pub use self::hub::{Banned, Hub, HubStatistics, RoomFilter, TooManyBans};
pub use self::limits::{Budget, HubConfig, HubTimer};
pub use self::order::{
    Area, AudioParam, Canvas, ImageTile, Layout, Task, TaskConfig, TaskRefusal, TaskStatus, UserTile,
};
pub use self::page::Page;
pub(crate) use self::quality::STATISTICS;
pub use self::quality::{MemberQuality, QualityReport, Sample};
pub use self::room::{Generation, LoginRefusal, MemberStatus, NotOneRoom, RoomStatus, RoomSummary};
pub(crate) use self::wish::MAX_LANGUAGE;
pub use self::wish::{CaptionWish, Interruption};
