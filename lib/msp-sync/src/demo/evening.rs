//! What is left for a person once everything runs, so that the console opens on something to decide.

use console::answer::Answer;
use console::request::{Request, SyncTarget};
use sandbox::world::SharedWorld;

use super::Show;
use super::integration::Stage;
use crate::failure::Failure;
use crate::render;

/// So many of a hundred devices are changed by one update in a night: more than the guard lets through unseen.
const CHANGED_PERCENT: f64 = 60.0;

impl Show {
    /// Lets a night pass in which an update reaches most devices, and syncs one integration after it: the guard holds that.
    pub(super) async fn held_night(&self, stages: &[Stage], world: &SharedWorld, seed: u64) -> Result<(), Failure> {
        let Some(stage) = stages.first() else { return Ok(()) };
        self.heading("A night later: an update has reached most devices")?;
        world.change(|world| world.night(seed, CHANGED_PERCENT));
        let sync = Request::Sync { target: SyncTarget::Ids(vec![stage.id.clone()]), force: false };
        let answer = self.ask(&format!("sync {}", stage.id), sync).await?;
        let Answer::Synced(view) = &answer else { return Ok(()) };
        self.tell(&format!("\n{}", render::runs_together(&view.items, self.screen)))
    }
}
