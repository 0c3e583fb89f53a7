//! What a maker makes: the seam between the process tree and the boxes themselves.

use crate::slot::{Request, Running};
use crate::{KeepTmp, Pack, StartError};

use super::message::Instance;

/// Makes and removes boxes. The real one is [`crate::slot`]; tests of the process tree have cheaper ones.
pub trait Boxes: Sized {
    /// A box that waits for its order.
    type Blank;

    /// Opens an instance's boxes.
    ///
    /// # Errors
    /// The machine lacks something.
    fn open(instance: &Instance) -> anyhow::Result<Self>;

    /// Makes what an instance needs before its first box. The warden calls it, once.
    ///
    /// # Errors
    /// The machine lacks something.
    fn prepare(&self) -> anyhow::Result<()>;

    /// Moves this process to where makers belong. Each maker calls it, once.
    ///
    /// # Errors
    /// The kernel refuses.
    fn adopt_maker(&self) -> anyhow::Result<()>;

    /// Removes whatever a dead instance of the same name left. The warden calls it.
    ///
    /// # Errors
    /// Something cannot be removed.
    fn sweep(&self) -> anyhow::Result<()>;

    /// Removes what [`Boxes::prepare`] made. The warden calls it, last.
    ///
    /// # Errors
    /// Something cannot be removed.
    fn remove(&self) -> anyhow::Result<()>;

    /// Makes a box that waits.
    ///
    /// # Errors
    /// The machine fails.
    fn blank(&self, slot: u32) -> anyhow::Result<Self::Blank>;

    /// The name of its `/tmp`.
    fn tmp(blank: &Self::Blank) -> u32;

    /// True while a blank can still be started.
    fn is_alive(blank: &Self::Blank) -> bool;

    /// Starts a command in a blank.
    ///
    /// # Errors
    /// What the order names is missing, or the machine fails.
    fn start(&self, blank: Self::Blank, request: &Request) -> Result<Running, StartError>;

    /// Removes what a dead box leaves. Without a name of its `/tmp`, whatever the slot has.
    ///
    /// # Errors
    /// Something is still there.
    fn clear(&self, slot: u32, tmp: Option<u32>, keep: KeepTmp) -> anyhow::Result<()>;

    /// Removes a `/tmp` that was kept.
    ///
    /// # Errors
    /// It is still there.
    fn forget(&self, tmp: u32) -> anyhow::Result<()>;

    /// The packs that are installed.
    ///
    /// # Errors
    /// They cannot be read.
    fn packs(&self) -> anyhow::Result<Vec<Pack>>;

    /// False for a pack that is to be made again, as this build makes it.
    ///
    /// # Errors
    /// The packs cannot be read.
    fn is_current(&self, pack: &Pack) -> anyhow::Result<bool>;

    /// The runtimes for which this host itself could give a pack.
    fn runtimes(&self) -> Vec<String>;

    /// Makes the pack of such a runtime.
    ///
    /// # Errors
    /// The host lacks something.
    fn make_pack(&self, runtime: &str) -> anyhow::Result<()>;
}
